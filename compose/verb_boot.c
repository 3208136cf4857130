/* plyboot boot: an image in QEMU. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "../layers/scope.h"
#include "../qemu/boot.h"
#include "../qemu/terminal.h"
#include "verbs.h"

struct boot_options {
	const char *architecture, *kernel, *initrd, *image, *append, *nonce, *log, *forward;
	struct text_list disks, qemu_arguments;
	uint64_t memory_mib, cpus, limit_s;
	bool expect_verdict, snapshot, network, no_terminal, reboot;
};

#define FIELD(name_) .offset = offsetof(struct boot_options, name_)
static const struct option_spec options[] = {
	{.name = "--kernel",
		.kind = OPTION_TEXT,
		FIELD(kernel),
		.value = "FILE",
		.help = "the kernel: a bzImage, or a vmlinux with a PVH entry",
		.required = true},
	{.name = "--initrd",
		.kind = OPTION_TEXT,
		FIELD(initrd),
		.value = "FILE",
		.help = "what `plyboot initramfs` made",
		.required = true},
	{.name = "--image",
		.kind = OPTION_TEXT,
		FIELD(image),
		.value = "FILE",
		.help = "the first disk: what `plyboot image` made",
		.required = true},
	{.name = "--disk",
		.kind = OPTION_LIST,
		FIELD(disks),
		.value = "FILE",
		.help = "a further disk"},
	{.name = "--snapshot",
		.kind = OPTION_FLAG,
		FIELD(snapshot),
		.help = "write nothing to the disks' files: changes are lost at the end"},
	{.name = "--append",
		.kind = OPTION_TEXT,
		FIELD(append),
		.value = "WORDS",
		.help = "more words for the kernel's command line"},
	{.name = "--memory",
		.kind = OPTION_NUMBER,
		FIELD(memory_mib),
		.value = "MIB",
		.help = "of the guest",
		.fallback = "1024",
		.min = 16,
		.max = 1 << 24},
	{.name = "--cpus",
		.kind = OPTION_NUMBER,
		FIELD(cpus),
		.value = "N",
		.help = "of the guest",
		.fallback = "1",
		.min = 1,
		.max = 255},
	{.name = "--reboot",
		.kind = OPTION_FLAG,
		FIELD(reboot),
		.help = "boot again when the guest reboots, instead of ending"},
	{.name = "--network",
		.kind = OPTION_FLAG,
		FIELD(network),
		.help = "give the guest a network that reaches what this machine reaches"},
	{.name = "--forward",
		.kind = OPTION_TEXT,
		FIELD(forward),
		.value = "RULE",
		.help = "with --network: QEMU's hostfwd, such as tcp:127.0.0.1:8080-:80"},
	{.name = "--time-limit",
		.kind = OPTION_NUMBER,
		FIELD(limit_s),
		.value = "SECONDS",
		.help = "default: 300; none when a terminal is the guest's",
		.min = 1,
		.max = 1 << 24},
	{.name = "--expect-verdict",
		.kind = OPTION_FLAG,
		FIELD(expect_verdict),
		.help = "fail unless the guest says a verdict, and end with it"},
	{.name = "--nonce",
		.kind = OPTION_TEXT,
		FIELD(nonce),
		.value = "WORD",
		.help = "with --expect-verdict: only a verdict with this word counts"},
	{.name = "--no-terminal",
		.kind = OPTION_FLAG,
		FIELD(no_terminal),
		.help = "don't make this terminal the guest's: only show what it prints"},
	{.name = "--log",
		.kind = OPTION_TEXT,
		FIELD(log),
		.value = "FILE",
		.help = "write what the guest prints here, too"},
	{.name = "--arch",
		.kind = OPTION_TEXT,
		FIELD(architecture),
		.value = "A",
		.help = "as `uname -m` says it; default: this machine's"},
	{.name = "--qemu-arg",
		.kind = OPTION_LIST,
		FIELD(qemu_arguments),
		.value = "ARG",
		.help = "one more argument for QEMU"},
	{0},
};
#undef FIELD

static int check_usage(const struct boot_options *given, struct error *e)
{
	if (given->nonce != NULL && !given->expect_verdict)
		return error_set(e, ERROR_USAGE, 0, "--nonce goes with --expect-verdict");
	if (given->nonce != NULL &&
		(given->nonce[0] == '\0' || strpbrk(given->nonce, " \t\r\n") != NULL))
		return error_set(e, ERROR_USAGE, 0, "--nonce is one word");
	if (given->forward != NULL && !given->network)
		return error_set(e, ERROR_USAGE, 0, "--forward goes with --network");
	return 0;
}

/* QEMU's own arguments end with NULL; the list has no room for it. */
static int fill_lists(const struct boot_options *given, struct qemu_disk **disks,
	const char ***arguments, struct error *e)
{
	const struct text_list *more = &given->qemu_arguments;
	*disks = calloc(given->disks.count + 1, sizeof **disks);
	*arguments = calloc(more->count + 1, sizeof **arguments);
	if (*disks == NULL || *arguments == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (size_t i = 0; i <= given->disks.count; i++)
		(*disks)[i] = (struct qemu_disk){
			.path = i == 0 ? given->image : given->disks.items[i - 1],
			.snapshot = given->snapshot,
		};
	for (size_t i = 0; i < more->count; i++)
		(*arguments)[i] = more->items[i];
	return 0;
}

static int open_log(const char *path, int *fd, struct error *e)
{
	if (path == NULL)
		return 0;
	*fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
	return *fd >= 0 ? 0 : error_errno(e, errno, "open the log `%s`", path);
}

static int boot(const struct qemu_request *request, struct error *e)
{
	/* Large: it holds the console's last lines. */
	SCOPED_FREE struct qemu_outcome *outcome = calloc(1, sizeof *outcome);
	char sentence[512];
	if (outcome == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	if (request->interactive)
		fputs("plyboot boot: this terminal is the guest's console. `poweroff` there ends "
		      "it; "
		      "Ctrl-A X leaves, as pulling the plug.\n",
			stderr);
	if (qemu_boot(request, outcome, e) != 0)
		return -1;
	int status = qemu_outcome_status(outcome);
	qemu_outcome_explain(outcome, stderr);
	if (status < QEMU_STATUS_NO_VERDICT || status > QEMU_STATUS_FAILED) {
		qemu_outcome_sentence(outcome, sentence, sizeof sentence);
		fprintf(stderr, "plyboot boot: %s\n", sentence);
	}
	return status;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	(void)operands;
	const struct boot_options *given = opaque;
	SCOPED_FREE struct qemu_disk *disks = NULL;
	SCOPED_FREE const char **arguments = NULL;
	SCOPED_FD log_fd = -1;
	struct utsname machine;
	if (uname(&machine) != 0)
		return error_errno(e, errno, "uname");
	if (check_usage(given, e) != 0 || fill_lists(given, &disks, &arguments, e) != 0 ||
		open_log(given->log, &log_fd, e) != 0)
		return -1;
	bool interactive = !given->no_terminal && !given->expect_verdict && terminal_present();
	struct qemu_request request = QEMU_REQUEST_INIT;
	request.architecture = given->architecture != NULL ? given->architecture : machine.machine;
	request.kernel = given->kernel;
	request.initrd = given->initrd;
	request.append = given->append;
	request.memory_mib = (unsigned)given->memory_mib;
	request.cpus = (unsigned)given->cpus;
	request.disks = disks;
	request.disk_count = given->disks.count + 1;
	request.network = given->network;
	request.host_forward = given->forward;
	request.extra = arguments;
	request.reboot = given->reboot;
	request.interactive = interactive;
	request.console_fd = STDOUT_FILENO;
	request.log_fd = log_fd;
	if (given->limit_s != 0 || interactive)
		request.limit_s = (unsigned)given->limit_s;
	request.verdict_required = given->expect_verdict;
	request.expect = given->nonce;
	return boot(&request, e);
}

const struct verb verb_boot = {
	.name = "boot",
	.summary = "boot an image in QEMU",
	.operands = "",
	.options = options,
	.options_bytes = sizeof(struct boot_options),
	.run = run,
	.text = "At a terminal, that is the guest's console: log in there, leave with Ctrl-A X. "
		"Otherwise the console is printed. KVM is used where it works, which is tried out "
		"once; else QEMU emulates the processor. PLYBOOT_ACCEL=kvm or tcg in the "
		"environment decides.\n\n"
		"The guest's verdict is a line `plyboot-verdict N [NONCE]` on its second serial "
		"port. It ends with N (0 to 119); or 120: no verdict where one was expected; 121: "
		"the kernel panicked; 122: the time limit; 123: QEMU failed; 128 and a signal's "
		"number: that signal came.\n",
	.examples =
		"At a terminal, and keep nothing:\n"
		"  plyboot boot --kernel vmlinuz --initrd demo.cpio --image demo.img --snapshot\n",
};
