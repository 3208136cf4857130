#include "jail_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scope.h"

/* By libc's functions these reach all threads, by a signal to each. There is one. */
#ifdef SYS_setresuid32
#define SYS_JAIL_SETRESUID SYS_setresuid32
#define SYS_JAIL_SETFSUID SYS_setfsuid32
#define SYS_JAIL_SETGROUPS SYS_setgroups32
#else
#define SYS_JAIL_SETRESUID SYS_setresuid
#define SYS_JAIL_SETFSUID SYS_setfsuid
#define SYS_JAIL_SETGROUPS SYS_setgroups
#endif

/* The most that unpacking has open at a time is six, beside those that are kept. */
enum { DESCRIPTORS = 64 };

int jail_refused(struct error *e, const char *what)
{
	return error_set(e, ERROR_KERNEL, errno, "jail: %s", what);
}

/* From a directory that lies outside, fchdir() and ".." lead anywhere: the root of a process stops
 * only who is below it. */
static int check_kept(const struct jail_request *request, struct error *e)
{
	for (size_t i = 0; i < request->keep_count; i++) {
		struct stat st;
		if (fstat(request->keep[i], &st) != 0)
			return jail_refused(e, "look at a descriptor");
		if (S_ISDIR(st.st_mode))
			return error_set(e, ERROR_TYPE, 0,
				"jail: descriptor %d is a directory, which would be a way out",
				request->keep[i]);
	}
	return 0;
}

/* Address space in use: proc_pid_statm(5), the first number. */
static int measure_mapped(uint64_t *bytes, struct error *e)
{
	char text[128] = {0};
	SCOPED_FD fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
		return jail_refused(e, "read /proc/self/statm");
	*bytes = strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}

/*
 * One at a time, for a kernel may lack some. Not of processes: pthread_create() is EINVAL once the
 * children's namespace is another one (fork(2), CLONE_THREAD). Not of users: whoever may map ids
 * has more to attack, not less. As its root lies in the mount namespace that it leaves, no mount it
 * sees can be changed any more, whatever capabilities it had.
 */
static int enter_namespaces(unsigned *missing, struct error *e)
{
	static const int kinds[] = {
		CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP, CLONE_NEWNET};
	size_t count = sizeof kinds / sizeof *kinds;
	if ((*missing & JAIL_SECCOMP) == 0)
		count--; /* there will be no sockets */
	if ((*missing & JAIL_NAMESPACES) != 0)
		count = 0;
	for (size_t i = 0; i < count; i++) {
		if (unshare(kinds[i]) == 0)
			continue;
		if (errno != EINVAL)
			return jail_refused(e, "make namespaces");
		*missing |= JAIL_NAMESPACES;
	}
	return 0;
}

/* A chroot is no prison for who may chroot again: CAP_SYS_CHROOT goes with the rest. */
static int enter_root(int root_fd, struct error *e)
{
	if (fchdir(root_fd) != 0 || chroot(".") != 0 || chdir("/") != 0)
		return jail_refused(e, "enter the root");
	return 0;
}

/* The lowest number from `from` on that stays open. */
static unsigned next_kept(const struct jail_request *request, unsigned from)
{
	unsigned next = UINT_MAX;
	if ((unsigned)request->root_fd >= from)
		next = (unsigned)request->root_fd;
	for (size_t i = 0; i < request->keep_count; i++) {
		unsigned fd = (unsigned)request->keep[i];
		if (fd >= from && fd < next)
			next = fd;
	}
	return next;
}

/* close_range(2), Linux 5.9. */
static int close_others(const struct jail_request *request, struct error *e)
{
	unsigned from = 0, next;
	do {
		next = next_kept(request, from);
		if (next > from && syscall(SYS_close_range, from, next - 1, 0) != 0)
			return jail_refused(e, "close descriptors");
		from = next + 1;
	} while (next != UINT_MAX);
	return 0;
}

/* prlimit(2) itself, in which limits have 64 bits everywhere. */
static int lower_limit(int resource, uint64_t value, struct error *e)
{
	struct rlimit64 limit;
	if (syscall(SYS_prlimit64, 0, resource, NULL, &limit) != 0)
		return jail_refused(e, "read a limit");
	if (limit.rlim_max > value)
		limit.rlim_max = value;
	limit.rlim_cur = limit.rlim_max;
	if (syscall(SYS_prlimit64, 0, resource, &limit, NULL) != 0)
		return jail_refused(e, "set a limit");
	return 0;
}

static int lower_limits(const struct jail_request *request, uint64_t mapped, struct error *e)
{
	if (lower_limit(RLIMIT_CORE, 0, e) != 0 || lower_limit(RLIMIT_NOFILE, DESCRIPTORS, e) != 0)
		return -1;
	/* Counted by user: for one of its own, which root, whom this does not limit, is not. */
	if (lower_limit(RLIMIT_NPROC, UINT64_C(1) + request->threads, e) != 0)
		return -1;
#ifdef __SANITIZE_ADDRESS__ /* maps terabytes */
	(void)mapped;
	return 0;
#else
	uint64_t bytes;
	if (__builtin_add_overflow(mapped, request->memory_bytes, &bytes))
		bytes = UINT64_MAX;
	return lower_limit(RLIMIT_AS, bytes, e);
#endif
}

/*
 * Another user than root's can signal neither root's processes nor another jail's, and is held to
 * RLIMIT_NPROC. For files it stays root (setfsuid(2)): whiteouts and directories that are only
 * implied have an owner too. EINVAL: the user namespace that we are in has no such id.
 */
static int leave_user(unsigned *missing, struct error *e)
{
	if (syscall(SYS_JAIL_SETGROUPS, 0, NULL) != 0)
		return jail_refused(e, "leave supplementary groups");
	if ((*missing & JAIL_USER) != 0)
		return 0;
	uid_t uid = (uid_t)(JAIL_FIRST_UID + (unsigned)getpid());
	if (syscall(SYS_JAIL_SETRESUID, uid, uid, uid) != 0) {
		if (errno != EINVAL)
			return jail_refused(e, "become another user");
		*missing |= JAIL_USER;
		return 0;
	}
	/* Returns the one before, whether it is changed or not. */
	(void)syscall(SYS_JAIL_SETFSUID, 0);
	if (syscall(SYS_JAIL_SETFSUID, (uid_t)-1) != 0)
		return jail_refused(e, "create files as root");
	return 0;
}

/* No change of user and no execve() gives capabilities (capabilities(7), "The securebits flags"),
 * and none can be taken up again. Before leave_user(), which is to keep those that there are. */
static int fix_capabilities(struct error *e)
{
	const unsigned long bits = SECBIT_NOROOT | SECBIT_NO_SETUID_FIXUP |
				   SECBIT_NO_CAP_AMBIENT_RAISE | SECURE_ALL_LOCKS;
	if (prctl(PR_SET_SECUREBITS, bits, 0UL, 0UL, 0UL) != 0)
		return jail_refused(e, "lock capabilities");
	for (unsigned long capability = 0;; capability++) {
		if (prctl(PR_CAPBSET_DROP, capability, 0UL, 0UL, 0UL) == 0)
			continue;
		/* The first that this kernel does not have. */
		return errno == EINVAL ? 0 : jail_refused(e, "bound capabilities");
	}
}

/* What is not permitted is not ambient either. */
static int drop_capabilities(const struct jail_request *request, struct error *e)
{
	uint32_t kept = 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER |
			1u << CAP_FSETID | 1u << CAP_SETFCAP;
	if (request->devices)
		kept |= 1u << CAP_MKNOD;
	if (request->program)
		kept = 0;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{.effective = kept, .permitted = kept}};
	if (syscall(SYS_capset, &header, data) != 0)
		return jail_refused(e, "drop capabilities");
	return 0;
}

/* What a change of user has undone (prctl(2): PR_SET_PDEATHSIG, PR_SET_DUMPABLE). Not dumpable: no
 * core is written, whatever core_pattern says, and no other jail can trace this one. */
static int seal(int death_signal, pid_t parent, struct error *e)
{
	if (prctl(PR_SET_PDEATHSIG, (unsigned long)death_signal, 0UL, 0UL, 0UL) != 0 ||
		prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0 ||
		prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) != 0)
		return jail_refused(e, "seal the process");
	if (death_signal != 0 && getppid() != parent)
		return error_set(e, ERROR_KERNEL, 0, "jail: the parent has died");
	return 0;
}

/* First what needs /proc or descriptors, then what needs capabilities, seccomp last: it forbids all
 * that is done here. */
int jail_enter(const struct jail_request *request, unsigned *missing, struct error *e)
{
	unsigned lacks = request->leave_out;
	const pid_t parent = getppid();
	int death_signal = 0;
	uint64_t mapped = 0;
	bool filters = true;
	if (prctl(PR_GET_PDEATHSIG, &death_signal, 0UL, 0UL, 0UL) != 0)
		return jail_refused(e, "read the parent-death signal");
	if (check_kept(request, e) != 0 || measure_mapped(&mapped, e) != 0 ||
		jail_seccomp_probe(&filters, e) != 0)
		return -1;
	if (!filters)
		lacks |= JAIL_SECCOMP;
	if (enter_namespaces(&lacks, e) != 0 || enter_root(request->root_fd, e) != 0 ||
		close_others(request, e) != 0 || lower_limits(request, mapped, e) != 0 ||
		fix_capabilities(e) != 0 || leave_user(&lacks, e) != 0 ||
		drop_capabilities(request, e) != 0 || seal(death_signal, parent, e) != 0)
		return -1;
	if ((lacks & JAIL_SECCOMP) == 0 && jail_seccomp_install(request->program, e) != 0)
		return -1;
	*missing = lacks;
	return 0;
}

const char *jail_part_name(enum jail_part part)
{
	switch (part) {
	case JAIL_NAMESPACES:
		return "namespaces";
	case JAIL_USER:
		return "user";
	case JAIL_SECCOMP:
		return "seccomp";
	default:
		return "?";
	}
}
