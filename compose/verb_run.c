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
#include "run_options.h"
#include "run_root.h"
#include "verbs.h"

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
	char *disk, *initramfs; /* owned */
	struct guest_lists lists;
	struct qemu_request request; /* but for the command */
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
	guest_lists_free(&run->lists);
	scope_close(&run->log_fd);
	scope_close(&run->input_fd);
}
#define SCOPED_RUN __attribute__((cleanup(close_run))) struct run

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
		.network = run->given->guest.network};
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

static int make_request(struct run *run, struct error *e)
{
	const struct run_options *given = run->given;
	const struct qemu_disk root = {.path = run->disk, .read_only = true};
	struct qemu_request *request = &run->request;
	*request = (struct qemu_request)QEMU_REQUEST_INIT;
	request->kernel = run->kernel.file;
	request->initrd = run->initramfs;
	request->memory_mib = (unsigned)given->given.memory_mib;
	request->console_fd = -1;
	request->log_fd = run->log_fd;
	if (given->given.limit_s != 0)
		request->limit_s = (unsigned)given->given.limit_s;
	return guest_options_fill(&given->guest, run->architecture, root, &run->lists, request, e);
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
	struct qemu_request request = run->request;
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
		.request = run->request,
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
	run.architecture =
		given.guest.architecture != NULL ? given.guest.architecture : machine.machine;
	if (given.keep != NULL && strcmp(run.architecture, machine.machine) != 0)
		return error_set(e, ERROR_USAGE, 0,
			"--keep: the guest runs this command itself, which is made for %s",
			machine.machine);
	if (run_options_check(&given, e) != 0 || open_cases(&run, e) != 0 ||
		open_sources(&run, e) != 0 ||
		(given.keep != NULL && run_keep_begin(&run.keep, e) != 0))
		return -1;
	run_cache_open(!given.no_cache, &run.cache);
	if (run_kernel_find(given.kernel, run.architecture, &run.cache, &run.kernel, e) != 0 ||
		take_root(&run, e) != 0 || open_files(&run, e) != 0 || make_request(&run, e) != 0)
		return -1;
	return given.cases != NULL ? run_all(&run, e) : run_one(&run, e);
}

const struct verb verb_run = {
	.name = "run",
	.summary = "run a command in a guest, and end with its status",
	.operands = "-- COMMAND...",
	.operands_max = OPERANDS_ANY,
	.options = run_option_specs,
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
		"seen.\n\n" GUEST_SANDBOX_TEXT
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
