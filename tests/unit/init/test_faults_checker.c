/* init/checker.c, when each of its calls fails once: the reason is said, by the parent or as the
 * child's last words, and neither a process nor a descriptor is left. */
#include "init/checker.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "faults.h"

enum { MOST_CALLS = 400, NO_APPLET = 127 };

FAULTS_CALL(pipe2, (int fds[2], int flags), (fds, flags))

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
	va_list list;
	va_start(list, command);
	long argument = va_arg(list, long);
	va_end(list);
	return faults_due(FAULTS_SYSTEM, "fcntl") ? -1 : __real_fcntl(fd, command, argument);
}

/* Whose calls fail: the child's, from its start, or the parent's. */
static bool in_child;
pid_t __real_fork(void);
pid_t __wrap_fork(void);
pid_t __wrap_fork(void)
{
	if (faults_due(FAULTS_SYSTEM, "fork"))
		return -1;
	pid_t pid = __real_fork();
	if (pid == 0)
		faults.active = in_child;
	return pid;
}

static char directory[] = "/tmp/plyboot-checker.XXXXXX";
static char device[64];
static struct checker_ending ending;

static void nothing(void *context)
{
	(void)context;
}

static int check(struct error *e)
{
	const struct checker_request request = {
		.program = "/bin/busybox",
		.device = device,
		.conf = "[options]\n",
		.limit_ms = 20000,
		.memory_bytes = UINT64_C(256) << 20,
		.threads = 1,
		.alive = nothing,
	};
	if (!in_child)
		faults_begin();
	int result = checker_run(&request, &ending, e);
	faults_end();
	return waitpid(-1, NULL, WNOHANG) == -1 ? result : FAULTS_WRONG;
}

static int run(struct error *e)
{
	int result = check(e);
	if (result != 0)
		return result;
	return ending.in_time && WEXITSTATUS(ending.status) == NO_APPLET ? 0 : FAULTS_WRONG;
}

/* The n-th call of the child fails: it says so, or could do without. */
static void test_child(void)
{
	unsigned n = 1, refused = 0, wrong = 0;
	int status = CHECKER_NOT_RUN;
	in_child = true;
	for (unsigned survived = 0; n < MOST_CALLS && survived < 20; n++) {
		struct error e = {0};
		faults = (struct faults){.kinds = FAULTS_SYSTEM, .left = n, .error_number = EPERM};
		int result = check(&e);
		status = WEXITSTATUS(ending.status);
		survived = status == NO_APPLET ? survived + 1 : 0;
		refused += status == CHECKER_NOT_RUN;
		wrong += result != 0 || !ending.in_time || ending.words_length == 0 ||
			 (status != CHECKER_NOT_RUN && status != NO_APPLET);
	}
	in_child = false;
	is_int(wrong, 0, "the child: it is run, or says why not");
	ok(refused > 10, "which was so %u times", refused);
	is_int(status, NO_APPLET, "and in the end it is run");
}

int main(void)
{
	static const struct faults_case one = {.name = "run a checker",
		.run = run,
		.also = 1u << ERROR_KERNEL | 1u << ERROR_NOSPACE};
	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root\n");
		return 0;
	}
	if (mkdtemp(directory) == NULL)
		abort();
	(void)snprintf(device, sizeof device, "%s/device", directory);
	if (mknod(device, S_IFBLK | 0600, makedev(7, 200)) != 0)
		abort();
	faults_try(&one, FAULTS_MEMORY, ENOMEM, "no memory");
	faults_try(&one, FAULTS_SYSTEM, EIO, "EIO");
	faults_try(&one, FAULTS_SHORT, 0, "a byte at a time");
	test_child();
	(void)unlink(device);
	(void)rmdir(directory);
	return done();
}
