#include "checker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "clock.h"
#include "files.h"
#include "jail.h"
#include "scope.h"
#include "syscalls.h"

enum { POLL_MS = 200, DEATH_MS = 5000 };

/* What the child has open. */
struct ends {
	int program, root, words;
};

struct running {
	const struct checker_request *request;
	struct checker_ending *ending;
	int pid_fd, words; /* words: -1 once it has closed them */
	uint64_t start_us;
};

/* --- its root: a tmpfs that is attached nowhere */

static const char *name_of(const char *device)
{
	return strrchr(device, '/') + 1;
}

static int make_node(int dir, const char *name, mode_t mode, dev_t device, struct error *e)
{
	if (mknodat(dir, name, mode, device) != 0)
		return error_errno(e, errno, "make %s for the check", name);
	return 0;
}

/* For everybody, since whose process it will be is not known yet; nobody else sees them. */
static int make_devices(int root, const char *path, struct error *e)
{
	struct stat device, null;
	if (stat(path, &device) != 0)
		return error_errno(e, errno, "look at %s", path);
	if (!S_ISBLK(device.st_mode))
		return error_set(e, ERROR_TYPE, 0, "%s is no block device", path);
	if (stat("/dev/null", &null) != 0)
		return error_errno(e, errno, "look at /dev/null");
	if (mkdirat(root, "dev", 0755) != 0)
		return error_errno(e, errno, "make dev for the check");
	SCOPED_FD dev = openat(root, "dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dev < 0)
		return error_errno(e, errno, "open dev for the check");
	if (make_node(dev, name_of(path), S_IFBLK | 0666, device.st_rdev, e) != 0)
		return -1;
	return make_node(dev, "null", S_IFCHR | 0666, null.st_rdev, e);
}

static int make_conf(int root, const char *text, struct error *e)
{
	if (mkdirat(root, "etc", 0755) != 0)
		return error_errno(e, errno, "make etc for the check");
	SCOPED_FD fd =
		openat(root, "etc/e2fsck.conf", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || files_write_all(fd, text, strlen(text)) != 0)
		return error_errno(e, errno, "write e2fsck.conf");
	return 0;
}

static int make_root(const struct checker_request *request, struct error *e)
{
	SCOPED_FD fs = sys_fsopen("tmpfs");
	if (fs < 0 || sys_fsconfig_string(fs, "mode", "0755") != 0 ||
		sys_fsconfig_string(fs, "size", "64k") != 0 || sys_fsconfig_create(fs) != 0)
		return error_set(e, ERROR_KERNEL, errno, "make a tmpfs for the check");
	SCOPED_FD root = sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	if (root < 0)
		return error_set(e, ERROR_KERNEL, errno, "mount a tmpfs for the check");
	if (make_devices(root, request->device, e) != 0 || make_conf(root, request->conf, e) != 0)
		return -1;
	return scope_take_fd(&root);
}

/* --- the child */

/* It is to go before anything else does, and long before there is no memory left at all. */
static int be_first_to_go(struct error *e)
{
	SCOPED_FD fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || files_write_all(fd, "1000", 4) != 0)
		return error_errno(e, errno, "set oom_score_adj");
	return 0;
}

static int set_descriptors(int words, struct error *e)
{
	SCOPED_FD null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(words, 1) < 0 || dup2(words, 2) < 0)
		return error_errno(e, errno, "set up its descriptors");
	return 0;
}

static int enter(const struct checker_request *request, const struct ends *ends, struct error *e)
{
	const int keep[] = {0, 1, 2, ends->program, ends->words}; /* the latter until it runs */
	unsigned missing = 0;
	const struct jail_request jail = {
		.root_fd = ends->root,
		.keep = keep,
		.keep_count = sizeof keep / sizeof *keep,
		.memory_bytes = request->memory_bytes,
		.threads = request->threads,
		.program = true,
	};
	if (jail_enter(&jail, &missing, e) != 0)
		return -1;
	unsigned lacking = missing & request->demand;
	if (lacking != 0)
		return error_set(e, ERROR_KERNEL, 0, "the jail lacks `%s`, which is demanded",
			jail_part_name((enum jail_part)(lacking & -lacking)));
	return 0;
}

/* Without /proc the program can't see what is mounted; the kernel can (O_EXCL). */
static int run(const struct checker_request *request, const struct ends *ends, struct error *e)
{
	static char name[] = "e2fsck", preen[] = "-p", no_mtab[] = "EXT2FS_NO_MTAB_OK=1";
	char device[256];
	char *const arguments[] = {name, preen, device, NULL};
	char *const environment[] = {no_mtab, NULL};
	(void)snprintf(device, sizeof device, "/dev/%s", name_of(request->device));
	if (be_first_to_go(e) != 0 || set_descriptors(ends->words, e) != 0 ||
		enter(request, ends, e) != 0)
		return -1;
	(void)syscall(SYS_execveat, ends->program, "", arguments, environment, AT_EMPTY_PATH);
	return error_errno(e, errno, "run %s", request->program);
}

static _Noreturn void be_checker(const struct checker_request *request, const struct ends *ends)
{
	struct error why = {0};
	(void)run(request, ends, &why);
	(void)files_write_all(ends->words, why.text, strlen(why.text));
	_exit(CHECKER_NOT_RUN);
}

/* --- the parent */

static void close_end(int *fd)
{
	scope_close(fd);
	*fd = -1;
}

static void remember(struct checker_ending *ending, const char *bytes, size_t count)
{
	const size_t room = sizeof ending->words;
	if (count > room) {
		bytes += count - room;
		count = room;
	}
	if (ending->words_length + count > room) {
		size_t gone = ending->words_length + count - room;
		ending->words_length -= gone;
		memmove(ending->words, ending->words + gone, ending->words_length);
	}
	memcpy(ending->words + ending->words_length, bytes, count);
	ending->words_length += count;
}

/* False: nothing is there now. */
static bool listen_once(struct running *running)
{
	char bytes[16 * 1024];
	ssize_t got = read(running->words, bytes, sizeof bytes);
	if (got > 0)
		remember(running->ending, bytes, (size_t)got);
	else if (got == 0)
		close_end(&running->words);
	return got > 0;
}

/* Did it end within that time? It may go on when it has closed its output, and write for ever. */
static bool wait_for(struct running *running, uint64_t until_us)
{
	for (;;) {
		uint64_t now = clock_us();
		if (now >= until_us)
			return false;
		uint64_t left_ms = (until_us - now) / 1000 + 1;
		struct pollfd ends[] = {{.fd = running->pid_fd, .events = POLLIN},
			{.fd = running->words, .events = POLLIN}};
		(void)poll(ends, 2, left_ms < POLL_MS ? (int)left_ms : POLL_MS);
		if (ends[1].revents != 0)
			(void)listen_once(running);
		if (ends[0].revents != 0)
			return true;
		running->request->alive(running->request->context);
	}
}

/* What was in the pipe when it ended: at most as much as a pipe may hold, should another process
 * have it open still. */
static void listen_to_the_end(struct running *running)
{
	for (unsigned i = 0; i < 64 && running->words >= 0 && listen_once(running); i++)
		continue;
}

static void watch(struct running *running, pid_t pid)
{
	const struct checker_request *request = running->request;
	struct checker_ending *ending = running->ending;
	ending->in_time = wait_for(running, running->start_us + request->limit_ms * UINT64_C(1000));
	ending->took_us = clock_us() - running->start_us;
	if (!ending->in_time) {
		(void)kill(pid, SIGKILL);
		(void)wait_for(running, clock_us() + DEATH_MS * UINT64_C(1000));
	}
	(void)waitpid(pid, &ending->status, WNOHANG);
	listen_to_the_end(running);
}

static int start(const struct checker_request *request, struct ends *ends, struct running *running,
	struct error *e)
{
	int pipe_ends[2];
	if (pipe2(pipe_ends, O_CLOEXEC) != 0)
		return error_errno(e, errno, "make a pipe");
	running->words = pipe_ends[0];
	ends->words = pipe_ends[1];
	if (fcntl(running->words, F_SETFL, O_NONBLOCK) != 0)
		return error_errno(e, errno, "set up a pipe");
	running->start_us = clock_us();
	pid_t pid = fork();
	if (pid < 0)
		return error_set(e, ERROR_NOSPACE, errno, "start a process");
	if (pid == 0)
		be_checker(request, ends);
	close_end(&ends->words); /* or it would never be at its end */
	running->pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (running->pid_fd < 0) {
		int saved = errno;
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return error_set(e, ERROR_KERNEL, saved, "watch a process");
	}
	return pid;
}

int checker_run(const struct checker_request *request, struct checker_ending *out, struct error *e)
{
	*out = (struct checker_ending){.status = 0};
	struct running running = {.request = request, .ending = out, .pid_fd = -1, .words = -1};
	struct ends ends = {.words = -1};
	SCOPED_FD program = open(request->program, O_RDONLY | O_CLOEXEC);
	if (program < 0)
		return error_errno(e, errno, "open %s", request->program);
	SCOPED_FD root = make_root(request, e);
	if (root < 0)
		return -1;
	ends.program = program;
	ends.root = root;
	pid_t pid = start(request, &ends, &running, e);
	if (pid >= 0)
		watch(&running, pid);
	scope_close(&ends.words);
	scope_close(&running.words);
	scope_close(&running.pid_fd);
	return pid < 0 ? -1 : 0;
}
