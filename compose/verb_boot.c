/* plyboot boot: an image in QEMU. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "../layers/scope.h"
#include "../qemu/boot.h"
#include "../qemu/terminal.h"
#include "guest_options.h"
#include "verbs.h"

struct boot_options {
	struct guest_options guest;
	const char *kernel, *initrd, *image, *nonce, *log;
	uint64_t memory_mib, limit_s;
	bool expect_verdict, no_terminal, reboot;
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
	GUEST_OPTIONS_OF_MACHINE(struct boot_options, memory_mib),
	{.name = "--reboot",
		.kind = OPTION_FLAG,
		FIELD(reboot),
		.help = "boot again when the guest reboots, instead of ending"},
	GUEST_OPTIONS_OF_DEVICES(struct boot_options),
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
	return guest_options_check(&given->guest, e);
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
	SCOPED_FD log_fd = -1;
	struct utsname machine;
	if (uname(&machine) != 0)
		return error_errno(e, errno, "uname");
	if (check_usage(given, e) != 0 || open_log(given->log, &log_fd, e) != 0)
		return -1;
	bool interactive = !given->no_terminal && !given->expect_verdict && terminal_present();
	struct qemu_request request = QEMU_REQUEST_INIT;
	request.kernel = given->kernel;
	request.initrd = given->initrd;
	request.memory_mib = (unsigned)given->memory_mib;
	request.reboot = given->reboot;
	request.interactive = interactive;
	request.console_fd = STDOUT_FILENO;
	request.log_fd = log_fd;
	if (given->limit_s != 0 || interactive)
		request.limit_s = (unsigned)given->limit_s;
	request.verdict_required = given->expect_verdict;
	request.expect = given->nonce;
	const struct qemu_disk image = {.path = given->image, .snapshot = given->guest.snapshot};
	struct guest_lists lists = {0};
	int result = guest_options_fill(&given->guest, machine.machine, image, &lists, &request, e);
	if (result == 0)
		result = boot(&request, e);
	guest_lists_free(&lists);
	return result;
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
		"environment decides.\n\n" GUEST_SANDBOX_TEXT
		"The guest's verdict is a line `plyboot-verdict N [NONCE]` on its second serial "
		"port. It ends with N (0 to 119); or 120: no verdict where one was expected; 121: "
		"the kernel panicked; 122: the time limit; 123: QEMU failed; 128 and a signal's "
		"number: that signal came.\n",
	.examples =
		"At a terminal, and keep nothing:\n"
		"  plyboot boot --kernel vmlinuz --initrd demo.cpio --image demo.img --snapshot\n",
};
