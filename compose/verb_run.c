/* plyboot run: one command, or many, in a guest of its own. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "../layers/scope.h"
#include "../qemu/terminal.h"
#include "output.h"
#include "report.h"
#include "run_cases.h"
#include "run_guest.h"
#include "run_keep.h"
#include "run_kernel.h"
#include "run_root.h"
#include "verbs.h"

struct run_options {
	struct run_given given;
	const char *kernel, *architecture, *store, *append, *log, *forward, *input, *cases, *keep;
	struct text_list roots, disks, qemu_arguments;
	uint64_t cpus, jobs;
	bool root_owned, no_cache, snapshot, network, terminal, no_terminal;
};

#define FIELD(name_) .offset = offsetof(struct run_options, name_)
static const struct option_spec options[] = {
	{.name = "--root",
		.kind = OPTION_LIST,
		FIELD(roots),
		.value = "SOURCE",
		.help = "a part of the root, the bottom one first: a directory, a tar, a .layer "
			"file, STORE:NAME of a stack or an image",
		.required = true},
	{.name = "--root-owned",
		.kind = OPTION_FLAG,
		FIELD(root_owned),
		.help = "what the directories hold belongs to 0:0, whoever owns it here"},
	{.name = "--store",
		.kind = OPTION_TEXT,
		FIELD(store),
		.value = "DIR",
		.help = "where the blobs of .layer files are, and --keep's go; default "
			"$PLYBOOT_STORE, else ./store"},
	{.name = "--kernel",
		.kind = OPTION_TEXT,
		FIELD(kernel),
		.value = "FILE",
		.help = "a bzImage or vmlinux, a directory with one, or a Debian package of one; "
			"default: $PLYBOOT_KERNEL, else ours"},
	{.name = "--arch",
		.kind = OPTION_TEXT,
		FIELD(architecture),
		.value = "A",
		.help = "as `uname -m` says it; default: this machine's"},
	{.name = "--memory",
		.kind = OPTION_NUMBER,
		FIELD(given.memory_mib),
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
	{.name = "--env",
		.kind = OPTION_LIST,
		FIELD(given.environment),
		.value = "NAME=VALUE",
		.help = "in the command's environment"},
	{.name = "--directory",
		.kind = OPTION_TEXT,
		FIELD(given.directory),
		.value = "PATH",
		.help = "the command's working directory; default: /"},
	{.name = "--user",
		.kind = OPTION_TEXT,
		FIELD(given.user),
		.value = "USER[:GROUP]",
		.help = "whom it runs as, by the guest's /etc/passwd or numbers; default: root"},
	{.name = "--share",
		.kind = OPTION_LIST,
		FIELD(given.shares),
		.value = "HOST:GUEST",
		.help = "a directory of this machine's, read-only there (9p)"},
	{.name = "--share-rw",
		.kind = OPTION_LIST,
		FIELD(given.writable_shares),
		.value = "HOST:GUEST",
		.help = "the same, writable: what the guest writes is yours"},
	{.name = "--out",
		.kind = OPTION_TEXT,
		FIELD(given.out),
		.value = "DIR",
		.help = "what the command writes to " RUN_GIVEN_OUT " comes here"},
	{.name = "--keep",
		.kind = OPTION_TEXT,
		FIELD(keep),
		.value = "FILE.layer",
		.help = "what the command changed in the root becomes a layer, whatever its "
			"status: the record here, the blobs in the store"},
	{.name = "--stdin",
		.kind = OPTION_TEXT,
		FIELD(input),
		.value = "FILE",
		.help = "the command's standard input; default: this one's, unless it is a "
			"terminal"},
	{.name = "--terminal",
		.kind = OPTION_FLAG,
		FIELD(terminal),
		.help = "fail where this is no terminal; at one, it is the command's anyway"},
	{.name = "--no-terminal",
		.kind = OPTION_FLAG,
		FIELD(no_terminal),
		.help = "don't make this terminal the command's"},
	{.name = "--time-limit",
		.kind = OPTION_NUMBER,
		FIELD(given.limit_s),
		.value = "SECONDS",
		.help = "default: 300; none when a terminal is the command's",
		.min = 1,
		.max = 1 << 24},
	{.name = "--network",
		.kind = OPTION_FLAG,
		FIELD(network),
		.help = "give the guest a network that reaches what this machine reaches"},
	{.name = "--forward",
		.kind = OPTION_TEXT,
		FIELD(forward),
		.value = "RULE",
		.help = "with --network: QEMU's hostfwd, such as tcp:127.0.0.1:8080-:80"},
	{.name = "--disk",
		.kind = OPTION_LIST,
		FIELD(disks),
		.value = "FILE",
		.help = "a further disk: /dev/vdb, /dev/vdc ..."},
	{.name = "--snapshot",
		.kind = OPTION_FLAG,
		FIELD(snapshot),
		.help = "write nothing to these disks' files: changes are lost at the end"},
	{.name = "--append",
		.kind = OPTION_TEXT,
		FIELD(append),
		.value = "WORDS",
		.help = "more words for the kernel's command line"},
	{.name = "--log",
		.kind = OPTION_TEXT,
		FIELD(log),
		.value = "FILE",
		.help = "write the guest's console here"},
	{.name = "--qemu-arg",
		.kind = OPTION_LIST,
		FIELD(qemu_arguments),
		.value = "ARG",
		.help = "one more argument for QEMU"},
	{.name = "--cases",
		.kind = OPTION_TEXT,
		FIELD(cases),
		.value = "FILE",
		.help = "run all commands of this file (compose/CASES.md), and print TAP"},
	{.name = "--jobs",
		.kind = OPTION_NUMBER,
		FIELD(jobs),
		.value = "N",
		.help = "with --cases: so many guests at once; default: 1",
		.min = 1,
		.max = 256},
	{.name = "--no-cache",
		.kind = OPTION_FLAG,
		FIELD(no_cache),
		.help = "make everything anew, and keep nothing"},
	{0},
};
#undef FIELD

/* What a run needs, beside its options. */
struct run {
	const struct run_options *given;
	const char *architecture;
	struct run_source *sources; /* owned */
	size_t source_count;
	struct case_file cases;
	struct run_cache cache;
	struct run_kernel kernel;
	struct run_entry root;
	struct run_keep keep;
	char *disk, *initramfs;  /* owned */
	struct qemu_disk *disks; /* owned */
	const char **arguments;  /* owned */
	int log_fd, input_fd;
};

static void close_run(struct run *run)
{
	for (size_t i = 0; i < run->source_count; i++)
		run_source_free(&run->sources[i]);
	free(run->sources);
	case_file_free(&run->cases);
	run_keep_close(&run->keep);
	run_entry_release(&run->root);
	run_kernel_close(&run->kernel);
	run_cache_close(&run->cache);
	free(run->disk);
	free(run->initramfs);
	free(run->disks);
	free(run->arguments);
	scope_close(&run->log_fd);
	scope_close(&run->input_fd);
}
#define SCOPED_RUN __attribute__((cleanup(close_run))) struct run

static int check_usage(const struct run_options *given, struct error *e)
{
	if ((given->cases != NULL) == (given->given.words.count > 0))
		return error_set(e, ERROR_USAGE, 0,
			given->cases != NULL
				? "--cases has the commands: none may stand behind"
				: "it is called as `plyboot run [OPTIONS] -- COMMAND`");
	if (given->jobs != 0 && given->cases == NULL)
		return error_set(e, ERROR_USAGE, 0, "--jobs goes with --cases");
	if (given->cases != NULL && (given->input != NULL || given->terminal || given->log != NULL))
		return error_set(e, ERROR_USAGE, 0,
			"--stdin, --terminal and --log go with one command, not with --cases");
	if (given->cases != NULL && given->keep != NULL)
		return error_set(
			e, ERROR_USAGE, 0, "--keep goes with one command, not with --cases");
	if (given->forward != NULL && !given->network)
		return error_set(e, ERROR_USAGE, 0, "--forward goes with --network");
	if (given->terminal && (given->no_terminal || given->input != NULL))
		return error_set(
			e, ERROR_USAGE, 0, "--terminal goes without --no-terminal and --stdin");
	if (given->terminal && !terminal_present())
		return error_set(
			e, ERROR_USAGE, 0, "--terminal: standard input and output are no terminal");
	return run_given_check(&given->given, e);
}

/* --- what is needed */

static int open_sources(struct run *run, struct error *e)
{
	const struct text_list *roots = &run->given->roots;
	run->sources = calloc(roots->count, sizeof *run->sources);
	if (run->sources == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (size_t i = 0; i < roots->count; i++) {
		if (run_source_open(roots->items[i], &run->sources[i], e) != 0)
			return -1;
		run->source_count++;
	}
	return 0;
}

static int open_cases(struct run *run, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	if (run->given->cases == NULL)
		return 0;
	if (input_read_file(run->given->cases, CASE_FILE_MAX_BYTES, &bytes, &size_bytes, e) != 0)
		return -1;
	return case_file_parse((const char *)bytes, size_bytes, &run->cases, e) == 0
		       ? 0
		       : error_wrap(e, "`%s`", run->given->cases);
}

static int open_files(struct run *run, struct error *e)
{
	const struct run_options *given = run->given;
	if (given->log != NULL) {
		run->log_fd =
			open(given->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
		if (run->log_fd < 0)
			return error_errno(e, errno, "open the log `%s`", given->log);
	}
	if (given->input != NULL) {
		run->input_fd = open(given->input, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (run->input_fd < 0)
			return error_errno(e, errno, "open `%s`", given->input);
	}
	return 0;
}

static bool any_shares(const struct run *run)
{
	bool any = run->given->keep != NULL || run_given_has_shares(&run->given->given);
	for (size_t i = 0; i < run->cases.count && !any; i++)
		any = run_given_has_shares(&run->cases.cases[i].given);
	return any;
}

static int take_root(struct run *run, struct error *e)
{
	struct run_root root = {.sources = run->sources,
		.source_count = run->source_count,
		.reading = {.architecture = run->architecture,
			.store = run->given->store,
			.root_owned = run->given->root_owned},
		.modules = run->kernel.modules,
		.shares = any_shares(run),
		.network = run->given->network};
	if (run_root_take(&root, &run->cache, &run->root, e) != 0)
		return -1;
	if (asprintf(&run->disk, "%s/" RUN_ROOT_DISK, run->root.path) < 0)
		run->disk = NULL;
	if (asprintf(&run->initramfs, "%s/" RUN_ROOT_INITRAMFS, run->root.path) < 0)
		run->initramfs = NULL;
	return run->disk != NULL && run->initramfs != NULL
		       ? 0
		       : error_set(e, ERROR_NOSPACE, 0, "no memory");
}

/* QEMU's own arguments end with NULL; the list has no room for it. */
static int fill_lists(struct run *run, struct error *e)
{
	const struct text_list *disks = &run->given->disks, *more = &run->given->qemu_arguments;
	run->disks = calloc(disks->count + 1, sizeof *run->disks);
	run->arguments = calloc(more->count + 1, sizeof *run->arguments);
	if (run->disks == NULL || run->arguments == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	run->disks[0] = (struct qemu_disk){.path = run->disk, .read_only = true};
	for (size_t i = 0; i < disks->count; i++)
		run->disks[i + 1] = (struct qemu_disk){
			.path = disks->items[i], .snapshot = run->given->snapshot};
	for (size_t i = 0; i < more->count; i++)
		run->arguments[i] = more->items[i];
	return 0;
}

static struct qemu_request make_request(const struct run *run)
{
	const struct run_options *given = run->given;
	struct qemu_request request = QEMU_REQUEST_INIT;
	request.architecture = run->architecture;
	request.kernel = run->kernel.file;
	request.initrd = run->initramfs;
	request.append = given->append;
	request.memory_mib = (unsigned)given->given.memory_mib;
	request.cpus = (unsigned)given->cpus;
	request.disks = run->disks;
	request.disk_count = given->disks.count + 1;
	request.network = given->network;
	request.host_forward = given->forward;
	request.extra = run->arguments;
	request.console_fd = -1;
	request.log_fd = run->log_fd;
	if (given->given.limit_s != 0)
		request.limit_s = (unsigned)given->given.limit_s;
	return request;
}

/* --- one command */

/* /init verifies each byte of the disk, but only a boot shows that it did not rot in the cache. */
static void doubt_root(struct run *run, bool doubtful)
{
	if (!doubtful || !run->root.found)
		return;
	run_entry_spoil(&run->root);
	report_note("this root was made by an earlier run: it will be made anew by the next");
}

static int run_one(struct run *run, struct error *e)
{
	SCOPED_RUN_COMMAND made = {0};
	struct qemu_request request = make_request(run);
	bool doubtful = false;
	if (run_command_make(&run->given->given, &made, e) != 0 ||
		(run->keep.output_path != NULL && run_keep_prepare(&run->keep, &made, e) != 0))
		return -1;
	made.command.terminal =
		!run->given->no_terminal && run->given->input == NULL && terminal_present();
	if (run->given->input != NULL)
		made.command.input_fd = run->input_fd;
	else if (made.command.terminal || !isatty(STDIN_FILENO))
		made.command.input_fd = STDIN_FILENO;
	if (made.command.terminal && run->given->given.limit_s == 0)
		request.limit_s = 0;
	request.command = &made.command;
	int status = run->keep.output_path != NULL
			     ? run_keep_guest(&run->keep, &request, stderr, &doubtful, e)
			     : run_guest(&request, stderr, &doubtful, e);
	doubt_root(run, doubtful);
	return status;
}

static int run_all(struct run *run, struct error *e)
{
	const struct run_cases cases = {.file = &run->cases,
		.request = make_request(run),
		.given = &run->given->given,
		.jobs = run->given->jobs != 0 ? (size_t)run->given->jobs : 1};
	bool doubtful = false;
	int status = run_cases(&cases, &doubtful, e);
	doubt_root(run, doubtful);
	return status;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	struct run_options given = *(const struct run_options *)opaque;
	struct utsname machine;
	SCOPED_RUN run = {.given = &given,
		.cache = RUN_CACHE_INIT,
		.kernel = RUN_KERNEL_INIT,
		.root = RUN_ENTRY_INIT,
		.keep = RUN_KEEP_INIT,
		.log_fd = -1,
		.input_fd = -1};
	given.given.words = *operands;
	run.keep.output_path = given.keep;
	run.keep.store = given.store;
	if (uname(&machine) != 0)
		return error_errno(e, errno, "uname");
	run.architecture = given.architecture != NULL ? given.architecture : machine.machine;
	if (given.keep != NULL && strcmp(run.architecture, machine.machine) != 0)
		return error_set(e, ERROR_USAGE, 0,
			"--keep: the guest runs this command itself, which is made for %s",
			machine.machine);
	if (check_usage(&given, e) != 0 || open_cases(&run, e) != 0 || open_sources(&run, e) != 0)
		return -1;
	run_cache_open(!given.no_cache, &run.cache);
	if (run_kernel_find(given.kernel, run.architecture, &run.cache, &run.kernel, e) != 0 ||
		take_root(&run, e) != 0 || open_files(&run, e) != 0 || fill_lists(&run, e) != 0)
		return -1;
	return given.cases != NULL ? run_all(&run, e) : run_one(&run, e);
}

const struct verb verb_run = {
	.name = "run",
	.summary = "run a command in a guest, and end with its status",
	.operands = "-- COMMAND...",
	.operands_max = OPERANDS_ANY,
	.options = options,
	.options_bytes = sizeof(struct run_options),
	.failure_status = RUN_STATUS_FAILED,
	.run = run,
	.text = "The root is made of the sources, one over the other, as signed layers that /init "
		"verifies and stacks; what the command changes there is gone when it ends. Without "
		"a "
		"slash COMMAND is looked up along the guest's PATH; it is no shell's: `sh -c "
		"'...'` "
		"is one. Its output, errors and input are this command's. With a terminal on both "
		"sides it gets one; Ctrl-A X leaves it. How QEMU runs the guest is as with "
		"`plyboot boot`: PLYBOOT_ACCEL=kvm or tcg in the environment decides it.\n\n"
		"What is the same from run to run is made once, and kept: up to 8 GiB in run/ of "
		"$XDG_CACHE_HOME/plyboot or ~/.cache/plyboot, of which what was used longest ago "
		"goes first. Of a "
		"directory every name's times are looked at each time, so that a change is always "
		"seen.\n\n"
		"SOURCE may also be oci-archive:TAR[:NAME] or docker-archive:TAR[:NAME]. STORE is "
		"an "
		"OCI layout; NAME may have a version, as NAME:VERSION or NAME-VERSION of a stack, "
		"whose "
		"highest counts else.\n\n"
		"--keep FILE.layer makes a layer of what the command changed in the root, as "
		"`plyboot commit` does, once it has ended, with whatever status; `plyboot help "
		"commit` says what is left out, --log what was. It takes room in the guest's /run "
		"for names, and in TMPDIR for the layer's tar; the guest's kernel needs 9p. "
		"Nothing is written when the guest ended before that; with 125 when the command "
		"ended, and only keeping failed.\n\n"
		"It ends with the command's status; 128 and a signal's number: that signal ended "
		"the command, or this one; 120: the guest powered off or rebooted before the "
		"command "
		"ended; 121: the kernel panicked; 122: the time limit; 123: "
		"QEMU failed; 125: "
		"there was no guest, or it did not come as far as the command; 126: the command "
		"can't "
		"be executed; 127: there is none. With --cases: 0, or 1 when a case did not end as "
		"it should.\n",
	.examples = "A program of this directory, in a root of busybox:\n"
		    "  plyboot run --root small --share .:/src -- /src/prog --self-test\n"
		    "All cases of a file, two at a time:\n"
		    "  plyboot run --root small --cases cases --jobs 2\n"
		    "What a command installs, as one more layer over that root:\n"
		    "  plyboot run --root base --keep more.layer -- sh /root/install.sh\n"
		    "  plyboot run --root base --root more.layer -- installed\n",
};
