/* The jail, when the kernel refuses any call of it: the process is told so and parses nothing, or
 * the part that this kernel lacks is named. */
#include "faults.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include "in_jail.h"

FAULTS_CALL(unshare, (int kinds), (kinds))
FAULTS_CALL(chroot, (const char *path), (path))
FAULTS_CALL(chdir, (const char *path), (path))

int __real_prctl(int option, ...);
int __wrap_prctl(int option, ...);
int __wrap_prctl(int option, ...)
{
	unsigned long a[4];
	va_list list;
	va_start(list, option);
	for (size_t i = 0; i < 4; i++)
		a[i] = va_arg(list, unsigned long);
	va_end(list);
	return faults_due(FAULTS_SYSTEM, "prctl") ? -1
						  : __real_prctl(option, a[0], a[1], a[2], a[3]);
}

static unsigned parents_left; /* calls until the parent is another one; 0: it stays */
pid_t __real_getppid(void);
pid_t __wrap_getppid(void);
pid_t __wrap_getppid(void)
{
	return parents_left > 0 && --parents_left == 0 ? 1 : __real_getppid();
}

/* --- */

static struct sandbox sandbox;

/* Written by the child. */
static struct entered {
	int result;
	unsigned missing;
	bool fired;
	char name[32];
	struct error e;
} * entered;

static struct jail_request request;
static bool low_limits; /* of the child, before it enters */
static bool unwatched;  /* it has no parent-death signal */

static _Noreturn void enter_and_say(unsigned kinds, unsigned n, int error_number)
{
	const struct rlimit none = {0, 0};
	if (low_limits && setrlimit(RLIMIT_CORE, &none) != 0)
		abort();
	faults = (struct faults){.kinds = kinds, .left = n, .error_number = error_number};
	faults_begin();
	int result = jail_enter(&request, &entered->missing, &entered->e);
	faults_end();
	entered->result = result;
	entered->fired = faults.fired;
	if (faults.fired)
		(void)snprintf(entered->name, sizeof entered->name, "%s", faults.name);
	_exit(0);
}

/* The child lives: no signal ends it. */
static bool try(unsigned kinds, unsigned n, int error_number)
{
	int status = 0;
	*entered = (struct entered){.result = FAULTS_WRONG, .missing = UNTOUCHED};
	(void)fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, unwatched ? 0UL : SIGKILL, 0UL, 0UL, 0UL) != 0)
			abort();
		enter_and_say(kinds, n, error_number);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool refused(void)
{
	return entered->result == -1 && entered->e.code == ERROR_KERNEL &&
	       entered->e.text[0] != '\0' && entered->missing == UNTOUCHED;
}

/* Without namespaces or another user the jail still stands, and says so. A kernel has a last
 * capability as well, which is no part that it lacks. */
static bool names_what_lacks(void)
{
	if (strcmp(entered->name, "unshare") == 0)
		return entered->missing == JAIL_NAMESPACES;
	return strcmp(entered->name, "prctl") == 0
		       ? (entered->missing | JAIL_SECCOMP) == JAIL_SECCOMP
		       : entered->missing != 0;
}

/* `may_lack`: with this errno a call may say that the kernel has no such thing. */
static void each_call_fails(int error_number, bool may_lack, const char *how)
{
	unsigned wrong = 0, lacking = 0, n = 1;
	for (; n < FAULTS_MOST; n++) {
		bool lived = try(FAULTS_SYSTEM | FAULTS_TRANSFER, n, error_number);
		bool lacks = may_lack && entered->result == 0 && names_what_lacks();
		bool is_close = strcmp(entered->name, "close") == 0; /* of a file that was read */
		bool good = entered->fired && !is_close
				    ? refused() || lacks
				    : entered->result == 0 && entered->missing == 0;
		if (!lived || !good)
			printf("# call %u (%s): result %d, missing %u, %s\n", n, entered->name,
				entered->result, entered->missing, entered->e.text);
		wrong += !lived || !good;
		if (!entered->fired)
			break;
		lacking += lacks && entered->missing != 0;
	}
	ok(wrong == 0 && n > 20 && n < FAULTS_MOST, "each of %u calls fails once with %s", n - 1,
		how);
	ok(may_lack == (lacking > 0), "%u of them are for parts that may be lacking", lacking);
}

static void knows_a_new_parent(void)
{
	parents_left = 2;
	ok(try(0, 0, 0) && refused(), "the parent dies while the jail is entered");
	ok(strstr(entered->e.text, "parent") != NULL, "which is said");
	unwatched = true;
	ok(try(0, 0, 0) && entered->result == 0, "which is nothing to who does not watch it");
	unwatched = false;
	parents_left = 0;
	ok(try(0, 0, 0) && entered->result == 0, "it lives on");
}

/* Limits that are low already stay as they are, and memory without end is no limit. */
static void keeps_lower_limits(void)
{
	low_limits = true;
	request.memory_bytes = UINT64_MAX;
	ok(try(0, 0, 0) && entered->result == 0, "with a lower limit, and no limit of memory");
}

int main(void)
{
	if (!have_root())
		return 0;
	entered = mmap(
		NULL, sizeof *entered, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (entered == MAP_FAILED)
		abort();
	sandbox_open(&sandbox);
	int kept = open("/dev/null", O_RDONLY | O_CLOEXEC);
	request = (struct jail_request){.root_fd = sandbox.root_fd,
		.keep = &kept,
		.keep_count = 1,
		.memory_bytes = 64 << 20,
		.devices = true};
	each_call_fails(EIO, false, "EIO");
	each_call_fails(EPERM, false, "EPERM");
	each_call_fails(EINVAL, true, "EINVAL");
	each_call_fails(ENOSYS, true, "ENOSYS");
	knows_a_new_parent();
	keeps_lower_limits();
	(void)close(kept);
	sandbox_close(&sandbox);
	return done();
}
