#include "boot.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../layers/scope.h"
#include "accel.h"
#include "ending.h"
#include "guest.h"
#include "sandbox.h"

struct pair {
	int ours;
	int theirs;
};

static void pair_close(struct pair *pair)
{
	scope_close(&pair->ours);
	scope_close(&pair->theirs);
}

static int pair_open(struct pair *pair, struct error *e)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return error_errno(e, errno, "sockets for the guest's ports");
	*pair = (struct pair){ends[0], ends[1]};
	return 0;
}

static int start_qemu(
	struct guest *guest, const struct machine *machine, const char *path, struct error *e)
{
	struct pair console __attribute__((cleanup(pair_close))) = {-1, -1};
	struct pair port __attribute__((cleanup(pair_close))) = {-1, -1};
	struct machine_arguments arguments __attribute__((cleanup(machine_arguments_free))) = {0};

	if (pair_open(&console, e) || pair_open(&port, e))
		return -1;
	const struct machine_use use = {.accel = guest->outcome->accel,
		.sandbox = guest->sandbox,
		.console_fd = console.theirs,
		.port_fd = port.theirs};
	if (machine_command(machine, guest->request, &use, &arguments, e) ||
		process_start(path, arguments.items, (int[]){console.theirs, port.theirs}, 2,
			&guest->process, e))
		return -1;
	guest->console_fd = scope_take_fd(&console.ours);
	if (guest->relay)
		guest->relay->port_fd = scope_take_fd(&port.ours);
	else
		guest->verdict_fd = scope_take_fd(&port.ours);
	return 0;
}

/* QEMU would say it too, but only on its own output, and some of it after seconds. */
static int check_file(const char *path, bool writable, struct error *e)
{
	if (access(path, writable ? R_OK | W_OK : R_OK))
		return error_errno(e, errno, "`%s`", path);
	return 0;
}

static int check_directory(const char *path, bool writable, struct error *e)
{
	struct stat st;

	if (check_file(path, writable, e))
		return -1;
	if (stat(path, &st))
		return error_errno(e, errno, "`%s`", path);
	return S_ISDIR(st.st_mode) ? 0 : error_set(e, ERROR_TYPE, 0, "`%s` is no directory", path);
}

static int check_request(const struct qemu_request *request, struct error *e)
{
	if (check_file(request->kernel, false, e))
		return error_wrap(e, "kernel");
	if (request->initrd && check_file(request->initrd, false, e))
		return error_wrap(e, "initramfs");
	for (size_t i = 0; i < request->disk_count; i++) {
		const struct qemu_disk *disk = &request->disks[i];

		if (check_file(disk->path, !disk->read_only && !disk->snapshot, e))
			return error_wrap(e, "disk %zu", i);
	}
	for (size_t i = 0; request->command && i < request->command->share_count; i++) {
		const struct qemu_share *share = &request->command->shares[i];

		if (check_directory(share->path, share->writable, e))
			return error_wrap(e, "directory for the guest");
	}
	return 0;
}

/* How signals were before, to be put back. */
struct signals {
	sigset_t mask;
	struct sigaction pipe;
	struct sigaction child;
};

static int signals_hold(struct signals *saved, bool window, struct error *e)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	const struct sigaction normal = {.sa_handler = SIG_DFL};
	sigset_t held;
	int fd;

	ending_signals(&held);
	if (window)
		(void)sigaddset(&held, SIGWINCH);
	fd = signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return error_errno(e, errno, "signalfd");
	(void)sigprocmask(SIG_BLOCK, &held, &saved->mask);
	(void)sigaction(SIGPIPE, &ignore, &saved->pipe);
	/* Ignored by our parent, SIGCHLD would take QEMU's status away. */
	(void)sigaction(SIGCHLD, &normal, &saved->child);
	return fd;
}

static void signals_release(const struct signals *saved)
{
	(void)sigaction(SIGCHLD, &saved->child, NULL);
	(void)sigaction(SIGPIPE, &saved->pipe, NULL);
	(void)sigprocmask(SIG_SETMASK, &saved->mask, NULL);
}

static int attach_terminal(struct guest *guest, struct terminal *terminal, struct error *e)
{
	if (terminal_raw(terminal, STDIN_FILENO, e))
		return -1;
	guest->input_fd = STDIN_FILENO;
	return 0;
}

static int boot(
	struct guest *guest, const struct machine *machine, const char *path, struct error *e)
{
	struct terminal terminal = TERMINAL_INIT;
	const struct qemu_command *command = guest->request->command;

	if (command ? command->terminal && terminal_raw(&terminal, command->input_fd, e)
		    : guest->request->interactive && attach_terminal(guest, &terminal, e))
		return -1;
	if (start_qemu(guest, machine, path, e)) {
		terminal_restore(&terminal);
		return -1;
	}
	guest_live(guest);
	terminal_restore(&terminal);
	scope_close(&guest->console_fd);
	scope_close(&guest->verdict_fd);
	return 0;
}

static int boot_once(const struct qemu_request *request, const struct machine *machine,
	const char *path, bool sandbox, struct qemu_outcome *outcome, struct error *e)
{
	struct guest guest = {
		.request = request,
		.sandbox = sandbox,
		.outcome = outcome,
		.console_fd = -1,
		.verdict_fd = -1,
		.input_fd = -1,
		.output_fd = request->console_fd,
		.port = VERDICT_PORT_INIT(request->expect),
	};
	const struct qemu_command *command = request->command;
	struct relay *relay __attribute__((cleanup(relay_free))) = NULL;
	struct signals signals;
	int status;

	*outcome = (struct qemu_outcome){.verdict = -1,
		.command_status = -1,
		.commanded = command != NULL,
		.limit_s = request->limit_s,
		.program = machine->program};
	if ((command && relay_new(command, &relay, e)) ||
		accel_choose(machine, path, &outcome->accel, e))
		return -1;
	guest.relay = relay;
	guest.signal_fd = signals_hold(&signals, command && command->terminal, e);
	if (guest.signal_fd < 0)
		return -1;
	status = boot(&guest, machine, path, e);
	signals_release(&signals);
	scope_close(&guest.signal_fd);
	if (status == 0 && relay && relay->lost_errno && outcome->end == QEMU_END_COMMAND)
		return error_errno(e, relay->lost_errno, "the command's streams");
	return status;
}

int qemu_boot(const struct qemu_request *request, struct qemu_outcome *outcome, struct error *e)
{
	const struct machine *machine = machine_find(request->architecture, e);
	char path[PATH_MAX];

	if (!machine || process_find(machine->program, machine->package, path, e) ||
		check_request(request, e) || boot_once(request, machine, path, true, outcome, e))
		return -1;
	if (!sandbox_is_missing(machine, path, outcome))
		return 0;
	return boot_once(request, machine, path, false, outcome, e);
}
