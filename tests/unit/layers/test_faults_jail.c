/* Entering the jail when any of its calls fails, and on kernels that lack a part of it: never half
 * a jail that passes for a whole one. */
#include "faults.h"

#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "layers/jail.h"
#include "sandbox.h"

/* Which namespaces this kernel is to lack. */
static int lacking;

int __real_prctl(int option, ...);
int __wrap_prctl(int option, ...);
int __wrap_prctl(int option, ...)
{
	va_list list;
	va_start(list, option);
	unsigned long argument = va_arg(list, unsigned long);
	va_end(list);
	return faults_due(FAULTS_SYSTEM, "prctl") ? -1
						  : __real_prctl(option, argument, 0UL, 0UL, 0UL);
}

int __real_unshare(int flags);
int __wrap_unshare(int flags);
int __wrap_unshare(int flags)
{
	if (flags == lacking) {
		errno = EINVAL;
		return -1;
	}
	return faults_due(FAULTS_SYSTEM, "unshare") ? -1 : __real_unshare(flags);
}

FAULTS_CALL(chroot, (const char *path), (path))
FAULTS_CALL(chdir, (const char *path), (path))

/* Who is asked for it a second time has lost it. */
static bool parent_dies;
static int parent_asked;
pid_t __real_getppid(void);
pid_t __wrap_getppid(void);
pid_t __wrap_getppid(void)
{
	return parent_dies && parent_asked++ > 0 ? 1 : __real_getppid();
}

static struct sandbox sandbox;
static unsigned leave_out;
static int death_signal;
static uint64_t memory_bytes = UINT64_MAX;
static bool devices;

/* What the child does with the memory of this process, so that its counts of branches are ours. It
 * has descriptors, limits and credentials of its own. */
static struct {
	int result;
	unsigned missing;
	struct error e;
} child;

static int enter(void *context)
{
	(void)context;
	const int keep[] = {2, 1, 2};
	const struct jail_request request = {
		.root_fd = sandbox.root_fd,
		.keep = keep,
		.keep_count = 3,
		.memory_bytes = memory_bytes,
		.devices = devices,
		.leave_out = leave_out,
	};
	(void)__real_prctl(PR_SET_PDEATHSIG, (unsigned long)death_signal, 0UL, 0UL, 0UL);
	faults_begin();
	child.result = jail_enter(&request, &child.missing, &child.e);
	faults_end();
	return 0;
}

static int enter_in_child(struct error *e)
{
	enum { STACK_BYTES = 1 << 18 };
	static char stack[STACK_BYTES] __attribute__((aligned(64)));
	child.result = FAULTS_WRONG;
	memset(&child.missing, UNTOUCHED, sizeof child.missing);
	pid_t pid = clone(enter, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	int status;
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	*e = child.e;
	if (status != 0 ||
		(child.result == 0) == is_untouched(&child.missing, sizeof child.missing))
		return FAULTS_WRONG;
	return child.result;
}

static int enter_whole(struct error *e)
{
	int result = enter_in_child(e);
	return result == 0 && child.missing != leave_out ? FAULTS_WRONG : result;
}

/* What the kernel says when it has no filters, or an id is not mapped, is no failure. */
static void test_each_failure(void)
{
	static const unsigned choices[] = {
		0, JAIL_SECCOMP, JAIL_SECCOMP | JAIL_NAMESPACES | JAIL_USER};
	death_signal = SIGKILL;
	for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
		const struct faults_case one = {
			"entering the jail", enter_whole, 1u << ERROR_KERNEL};
		leave_out = choices[i];
		faults_try(&one, FAULTS_SYSTEM | FAULTS_TRANSFER, EPERM, "EPERM");
		faults_try(&one, FAULTS_SYSTEM | FAULTS_TRANSFER, ENOMEM, "ENOMEM");
	}
	leave_out = 0;
}

static void test_lacking_namespaces(void)
{
	struct error e;
	lacking = CLONE_NEWUTS;
	is_int(enter_in_child(&e), 0, "a kernel without one kind of namespace");
	is_int(child.missing, JAIL_NAMESPACES, "is one without that part");
	leave_out = JAIL_SECCOMP;
	lacking = CLONE_NEWNET;
	is_int(enter_in_child(&e), 0, "a kernel without networks of their own, nor seccomp");
	is_int(child.missing, JAIL_NAMESPACES | JAIL_SECCOMP, "lacks both");
	leave_out = 0;
	is_int(enter_in_child(&e), 0, "a kernel without networks of their own");
	is_int(child.missing, 0, "lacks nothing when it has seccomp");
	lacking = 0;
}

/* The n-th call gives EINVAL or ENOSYS: once it is the look for seccomp, once the change of user;
 * nowhere does a part get lost without being named. */
static void test_lacking_parts(int error_number, unsigned want, const char *name)
{
	unsigned found = 0, wrong = 0, n = 1;
	for (;; n++) {
		struct error e;
		faults = (struct faults){
			.kinds = FAULTS_SYSTEM, .left = n, .error_number = error_number};
		int result = enter_in_child(&e);
		bool fired = faults.fired;
		faults.kinds = 0;
		if (!fired)
			break;
		if (result == 0) {
			found |= child.missing;
			wrong += (child.missing & (child.missing - 1)) != 0;
		} else {
			wrong += result != -1 || e.code != ERROR_KERNEL;
		}
	}
	is_int(found, want, "%s: the parts that can be missing", name);
	is_int(wrong, 0, "%s: in %u calls, never more than one, else an error", name, n);
}

static void test_parent(void)
{
	struct error e;
	parent_dies = true;
	(void)error_is(enter_in_child(&e), &e, ERROR_KERNEL, "a parent that has died meanwhile");
	parent_asked = 0;
	death_signal = 0;
	is_int(enter_in_child(&e), 0, "without a parent-death signal nobody asks for the parent");
	is_int(child.missing, 0, "in the whole jail");
	parent_dies = false;
}

/* Not above what there is. */
static void test_limits(void)
{
	struct error e;
	struct rlimit before, fewer;
	if (getrlimit(RLIMIT_NOFILE, &before) != 0)
		abort();
	fewer = (struct rlimit){.rlim_cur = 30, .rlim_max = before.rlim_max};
	if (setrlimit(RLIMIT_NOFILE, &fewer) != 0)
		abort();
	is_int(enter_in_child(&e), 0, "a lower limit than its own is taken as it is");
	(void)setrlimit(RLIMIT_NOFILE, &before);
}

/* What it is asked for. */
static void test_requests(void)
{
	struct error e;
	unsigned missing;
	memory_bytes = UINT64_C(1) << 30;
	devices = true;
	is_int(enter_in_child(&e), 0, "with a limit of memory, and devices");
	is_int(child.missing, 0, "in the whole jail");
	const struct jail_request directory = {
		.root_fd = sandbox.root_fd, .keep = &sandbox.root_fd, .keep_count = 1};
	memset(&missing, UNTOUCHED, sizeof missing);
	(void)error_is(jail_enter(&directory, &missing, &e), &e, ERROR_TYPE,
		"a directory is not kept open");
	ok(is_untouched(&missing, sizeof missing), "and no part is said to be missing");
}

int main(void)
{
	if (!have_root())
		return 0;
	sandbox_open(&sandbox);
	test_each_failure();
	test_lacking_namespaces();
	test_lacking_parts(
		EINVAL, JAIL_NAMESPACES | JAIL_USER | JAIL_SECCOMP, "a call fails with EINVAL");
	test_lacking_parts(ENOSYS, JAIL_SECCOMP, "a call fails with ENOSYS");
	test_parent();
	test_limits();
	test_requests();
	is_str(jail_part_name(JAIL_NAMESPACES), "namespaces", "name of a part");
	is_str(jail_part_name(JAIL_USER), "user", "name of a part");
	is_str(jail_part_name(JAIL_SECCOMP), "seccomp", "name of a part");
	is_str(jail_part_name((enum jail_part)0x80), "?", "name of no part");
	ok(sandbox_untouched(&sandbox), "nothing was touched");
	sandbox_close(&sandbox);
	return done();
}
