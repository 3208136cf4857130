/* What is impossible in the jail, with seccomp and, for when a kernel has none, without; and what
 * unpacking needs, which is possible. */
#include <arpa/inet.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

#include "in_jail.h"
#include "unpacking.h"

/* Any result will do: the kernel's configuration decides, or nothing forbids it. */
enum { ANY = -3 };

enum { MEGABYTE = 1 << 20, JAIL_MEGABYTES = 64 };

static struct sandbox sandbox;
static int outside_fd;   /* open in the parent, of a file outside the root */
static int namespace_fd; /* kept */
static int pipe_fds[2];  /* the second is kept */
static int listening_fds[2];
static struct sockaddr_un unix_address;
static struct sockaddr_in inet_address;
static int secret = 42; /* at the same place in the parent */

static int said(long result)
{
	return result < 0 ? errno : 0;
}

/* --- what must be impossible */

static int open_absolute(void)
{
	return said(openat(AT_FDCWD, in_sandbox(&sandbox, "canary/file"), O_RDONLY));
}

static int open_parent(void)
{
	return said(openat(sandbox.root_fd, "../beside", O_RDONLY));
}

static int open_by_working_directory(void)
{
	return said(openat(AT_FDCWD, "beside", O_RDONLY));
}

static int open_above_working_directory(void)
{
	return said(openat(AT_FDCWD, "../canary/file", O_RDONLY));
}

static int use_descriptor(void)
{
	char byte;
	return said(pread(outside_fd, &byte, 1, 0));
}

static int use_high_descriptor(void)
{
	char byte;
	return said(pread(200, &byte, 1, 0));
}

static int make_socket(void)
{
	return said(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int connect_unix(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	return said(connect(fd, (const struct sockaddr *)&unix_address, sizeof unix_address));
}

static int connect_inet(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	return said(connect(fd, (const struct sockaddr *)&inet_address, sizeof inet_address));
}

static int mount_something(void)
{
	if (fchdir(sandbox.root_fd) != 0)
		return ANY;
	int result = said(mount("none", ".", "tmpfs", 0, NULL));
	if (result == 0)
		(void)umount2(in_sandbox(&sandbox, "work/root"), MNT_DETACH);
	return result;
}

static int trace_parent(void)
{
	return said(ptrace(PTRACE_SEIZE, getppid(), NULL, NULL));
}

static int signal_parent(void)
{
	return said(kill(getppid(), 0));
}

static int read_parent(void)
{
	int copy;
	struct iovec to = {&copy, sizeof copy}, from = {&secret, sizeof secret};
	return said(process_vm_readv(getppid(), &to, 1, &from, 1, 0));
}

static int new_namespace(void)
{
	return said(unshare(CLONE_NEWUTS));
}

static int new_user_namespace(void)
{
	return said(unshare(CLONE_NEWUSER));
}

static int old_namespace(void)
{
	return said(setns(namespace_fd, CLONE_NEWUTS));
}

static int change_root(void)
{
	return said(chroot("."));
}

static int make_block_device(void)
{
	int result = said(mknodat(sandbox.root_fd, "disk", S_IFBLK | 0600, makedev(7, 0)));
	(void)unlinkat(sandbox.root_fd, "disk", 0);
	return result;
}

static int set_xattr(const char *name)
{
	int fd = openat(sandbox.root_fd, "xattrs", O_WRONLY | O_CREAT, 0600);
	return said(fsetxattr(fd, name, "y", 1, 0));
}

static int set_trusted_xattr(void)
{
	return set_xattr("trusted.overlay.opaque");
}

static int set_other_trusted_xattr(void)
{
	return set_xattr("trusted.test");
}

static int set_security_xattr(void)
{
	return set_xattr("security.ima");
}

static int run_program(void)
{
	char *const arguments[] = {"true", NULL};
	jailed_page()->result = 0; /* should it run */
	(void)execve("/bin/true", arguments, arguments + 1);
	return errno;
}

static int ask_for_keys(void)
{
	return said(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1));
}

static int use_bpf(void)
{
	union bpf_attr attr = {.start_id = 0};
	return said(syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &attr, sizeof attr));
}

static int use_io_uring(void)
{
	struct io_uring_params parameters = {0};
	return said(syscall(SYS_io_uring_setup, 1, &parameters));
}

static int map_executable(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return at == MAP_FAILED ? errno : 0;
}

static int make_executable(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return at == MAP_FAILED ? ANY : said(mprotect(at, 4096, PROT_READ | PROT_EXEC));
}

static int make_process(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(0);
	return said(pid);
}

/* As a thread would be made, but for one flag. */
static int make_thread_in_namespace(void)
{
	const long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			   CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |
			   CLONE_CHILD_CLEARTID | CLONE_NEWNET;
	return said(syscall(SYS_clone, flags, 0, 0, 0, 0));
}

static int clone_by_structure(void)
{
	return said(syscall(SYS_clone3, NULL, 0));
}

static int lock_with_priority(void)
{
	unsigned word = 0;
	return said(
		syscall(SYS_futex, &word, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0));
}

static int call_outside_list(void)
{
	return said(syscall(SYS_getuid));
}

static int raise_limit(void)
{
	const struct rlimit limit = {1000, 1000};
	return said(setrlimit(RLIMIT_NOFILE, &limit));
}

static int become_root(void)
{
	return said(syscall(SYS_setresuid, 0, 0, 0));
}

static int regain_capability(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};
	if (syscall(SYS_capget, &header, data) != 0)
		return ANY;
	data[0].permitted |= 1u << CAP_SYS_ADMIN;
	data[0].effective |= 1u << CAP_SYS_ADMIN;
	return said(syscall(SYS_capset, &header, data));
}

static int has_no_capability(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};
	if (syscall(SYS_capget, &header, data) != 0)
		return errno;
	return data[0].permitted == 0 && data[1].permitted == 0 && data[0].inheritable == 0 ? 0
											    : ANY;
}

static int map_much(void)
{
	void *at = mmap(NULL, (size_t)(JAIL_MEGABYTES + 1) * MEGABYTE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return at == MAP_FAILED ? errno : 0;
}

#ifdef __x86_64__
static int call_by_x32(void)
{
	return said(syscall(0x40000000 | SYS_write, 1, "", 0));
}

/* write(2) has the number of exit(2) there; 4 is write, and stat here. */
static int call_by_i386(void)
{
	int result = 4;
	__asm__ volatile("int $0x80" : "+a"(result) : "b"(-1), "c"(0), "d"(0) : "memory");
	return result < 0 ? -result : 0;
}
#endif

struct attempt {
	const char *name;
	int (*try)(void);
	int outside;       /* the result without a jail: what it takes is there */
	int with, without; /* in the jail, with seccomp and without */
};

enum { BY_FILTER = DIED - SIGSYS };

static const struct attempt attempts[] = {
	{"open a file outside by its path", open_absolute, 0, ENOENT, ENOENT},
	{"open a file outside by ..", open_parent, 0, ENOENT, ENOENT},
	{"open a file outside, in the old working directory", open_by_working_directory, 0, ENOENT,
		ENOENT},
	{"open a file outside, above the working directory", open_above_working_directory, 0,
		ENOENT, ENOENT},
	{"use a descriptor that was open before", use_descriptor, 0, EBADF, EBADF},
	{"use a high descriptor that was open before", use_high_descriptor, 0, EBADF, EBADF},
	{"make a socket (without seccomp: on a network of its own)", make_socket, 0, BY_FILTER, 0},
	{"connect to a socket with an abstract name", connect_unix, 0, BY_FILTER, ECONNREFUSED},
	{"connect to a TCP socket", connect_inet, 0, BY_FILTER, ENETUNREACH},
	{"mount", mount_something, 0, BY_FILTER, EPERM},
	{"trace the parent", trace_parent, 0, BY_FILTER, EPERM},
	{"signal the parent", signal_parent, 0, BY_FILTER, EPERM},
	{"read the parent's memory", read_parent, 0, BY_FILTER, EPERM},
	{"make a namespace", new_namespace, 0, BY_FILTER, EPERM},
	{"make a user namespace", new_user_namespace, ANY, BY_FILTER, EPERM},
	{"enter a namespace", old_namespace, 0, BY_FILTER, EPERM},
	{"change the root again", change_root, 0, BY_FILTER, EPERM},
	{"make a block device", make_block_device, 0, EPERM, EPERM},
	{"set trusted.overlay.opaque", set_trusted_xattr, 0, EPERM, EPERM},
	{"set another trusted xattr", set_other_trusted_xattr, 0, EPERM, EPERM},
	{"set security.ima", set_security_xattr, ANY, EPERM, EPERM},
	{"run a program (without seccomp: there is none)", run_program, 0, BY_FILTER, ENOENT},
	{"ask for keys (without seccomp: its own)", ask_for_keys, ANY, BY_FILTER, ANY},
	{"look at BPF programs", use_bpf, ANY, BY_FILTER, EPERM},
	{"use io_uring (without seccomp: with its own rights)", use_io_uring, ANY, BY_FILTER, ANY},
	{"map memory to be executed (without seccomp: can)", map_executable, 0, BY_FILTER, 0},
	{"have memory executed (without seccomp: can)", make_executable, 0, BY_FILTER, 0},
	{"make a process", make_process, 0, BY_FILTER, EAGAIN},
	{"make a thread in a namespace", make_thread_in_namespace, ANY, BY_FILTER, ANY},
	{"clone3(), whose flags no filter sees (without seccomp: as allowed as a thread)",
		clone_by_structure, EINVAL, ENOSYS, EINVAL},
	{"lock with inheritance of priority (without seccomp: can)", lock_with_priority, ANY,
		BY_FILTER, ANY},
	{"make a system call that unpacking does not (without seccomp: can)", call_outside_list, 0,
		BY_FILTER, 0},
	{"raise a limit", raise_limit, ANY, BY_FILTER, EPERM},
	{"become root again", become_root, 0, BY_FILTER, EPERM},
	{"take a capability", regain_capability, 0, BY_FILTER, EPERM},
#ifndef __SANITIZE_ADDRESS__
	{"have more memory than allowed", map_much, 0, ENOMEM, ENOMEM},
#endif
#ifdef __x86_64__
	{"make a system call by x32's numbers (without seccomp: as its own)", call_by_x32, ANY,
		BY_FILTER, ANY},
#endif
};

static int kept[2];

static struct jail_request request_with(unsigned leave_out)
{
	return (struct jail_request){
		.root_fd = sandbox.root_fd,
		.keep = kept,
		.keep_count = sizeof kept / sizeof *kept,
		.memory_bytes = (uint64_t)JAIL_MEGABYTES * MEGABYTE,
		.leave_out = leave_out,
	};
}

static void attempt_is(int got, int want, const char *name, const char *where)
{
	bool good = got == want || (want == ANY && got != NOT_ENTERED && got != NOTHING_SAID);
	ok(good, "%s: %s", where, name);
	if (!good)
		printf("#  got: %d\n# want: %d\n", got, want);
}

static void test_impossible(void)
{
	const struct jail_request with = request_with(0), without = request_with(JAIL_SECCOMP);
	for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
		const struct attempt *a = &attempts[i];
		attempt_is(jailed_try(NULL, a->try).result, a->outside, a->name,
			"outside of the jail one can");
		attempt_is(jailed_try(&with, a->try).result, a->with, a->name,
			"in the jail one can't");
		attempt_is(jailed_try(&without, a->try).result, a->without, a->name,
			"in the jail without seccomp one can't");
		(void)unlinkat(sandbox.root_fd, "xattrs", 0);
	}
	ok(sandbox_untouched(&sandbox), "nothing outside was touched by it");
	ok(sandbox_root_is_empty(&sandbox), "nor anything made");
}

/* Where a program is to be run there is no call that would be its death, and no capability that
 * would allow one. */
static int program_gets(const struct attempt *a)
{
	if (a->try == call_outside_list)
		return 0; /* getuid(), which is in this list */
	if (a->try == raise_limit)
		return EPERM;
	if (a->try == make_block_device || a->try == regain_capability || a->try == mount_something)
		return ANY;
	return a->with == BY_FILTER || a->with == EPERM ? ENOSYS : a->with;
}

static int run_descriptor(void)
{
	char *const arguments[] = {NULL};
	return said(syscall(SYS_execveat, namespace_fd, "", arguments, arguments, AT_EMPTY_PATH));
}

static int run_path(void)
{
	char *const arguments[] = {NULL};
	return said(syscall(SYS_execveat, AT_FDCWD, "/xattrs", arguments, arguments, 0));
}

static int ask_terminal(void)
{
	return said(ioctl(namespace_fd, TCGETS, NULL));
}

static int ask_block_device(void)
{
	return said(ioctl(namespace_fd, BLKROGET, NULL));
}

static void test_program(void)
{
	struct jail_request request = request_with(0);
	request.program = true;
	for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
		attempt_is(jailed_try(&request, attempts[i].try).result, program_gets(&attempts[i]),
			attempts[i].name, "in a program's jail one can't");
		(void)unlinkat(sandbox.root_fd, "xattrs", 0);
	}
	is_int(jailed_try(&request, run_descriptor).result, EACCES,
		"in a program's jail one can run a descriptor, were it a program");
	is_int(jailed_try(&request, run_path).result, ENOSYS, "but no path");
	is_int(jailed_try(&request, ask_block_device).result, ENOTTY,
		"one can ask a block device, were it one");
	is_int(jailed_try(&request, ask_terminal).result, ENOSYS, "but no terminal");
	request.leave_out = JAIL_SECCOMP;
	is_int(jailed_try(&request, has_no_capability).result, 0, "it has no capability");
	ok(sandbox_untouched(&sandbox) && sandbox_root_is_empty(&sandbox), "nothing was touched");
}

#ifdef __x86_64__
/* Without CONFIG_IA32_EMULATION the instruction itself is a crash, in and outside of the jail. */
static void test_i386(void)
{
	const struct jail_request request = request_with(0);
	int outside = jailed_try(NULL, call_by_i386).result;
	attempt_is(jailed_try(&request, call_by_i386).result,
		outside == DIED - SIGSEGV ? outside : BY_FILTER, "make a system call of i386",
		"in the jail one can't");
	struct jail_request program = request;
	program.program = true;
	attempt_is(jailed_try(&program, call_by_i386).result,
		outside == DIED - SIGSEGV ? outside : BY_FILTER, "make a system call of i386",
		"in a program's jail one can't");
}
#endif

/* --- what the process is then */

static int is_confined(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	int signal = 0;
	for (unsigned long capability = 0; capability <= CAP_LAST_CAP; capability++)
		if (prctl(PR_CAPBSET_READ, capability, 0UL, 0UL, 0UL) == 1)
			return 1;
	for (unsigned long capability = 0; capability <= CAP_LAST_CAP; capability++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0UL, 0UL) == 1)
			return 2;
	const unsigned want = 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER |
			      1u << CAP_FSETID | 1u << CAP_SETFCAP;
	if (syscall(SYS_capget, &header, data) != 0 || data[0].permitted != want ||
		data[0].effective != want || data[0].inheritable != 0 || data[1].permitted != 0 ||
		data[1].effective != 0 || data[1].inheritable != 0)
		return 3;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) != 1)
		return 4;
	if (prctl(PR_GET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) != 0)
		return 5;
	if (prctl(PR_GET_SECUREBITS, 0UL, 0UL, 0UL, 0UL) != 0xef)
		return 6;
	if (prctl(PR_GET_PDEATHSIG, &signal, 0UL, 0UL, 0UL) != 0 || signal != SIGKILL)
		return 7;
	if (getgroups(0, NULL) != 0)
		return 8;
	if (getuid() != JAIL_FIRST_UID + (unsigned)getpid() || geteuid() != getuid())
		return 9;
	return 0;
}

static int has_limits(void)
{
	struct rlimit core, files, processes;
	if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0)
		return 1;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_max > 64)
		return 2;
	if (getrlimit(RLIMIT_NPROC, &processes) != 0 || processes.rlim_max != 1)
		return 3;
	return 0;
}

static int is_seccomp_mode(void)
{
	return prctl(PR_GET_SECCOMP, 0UL, 0UL, 0UL, 0UL);
}

static int is_root_user(void)
{
	if (prctl(PR_GET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) != 0)
		return 1;
	return getuid() == 0 && geteuid() == 0 ? 0 : 2;
}

static int has_kept_descriptor(void)
{
	struct stat st;
	return said(fstat(namespace_fd, &st));
}

static volatile int *nowhere;

__attribute__((no_sanitize("undefined"))) static int crash(void)
{
	*nowhere = 1;
	return 0;
}

static int write_and_return(void)
{
	return write(pipe_fds[1], "x", 1) == 1 ? 0 : errno;
}

static void test_state(void)
{
	gid_t groups[] = {1, 2, 3};
	if (setgroups(3, groups) != 0)
		abort();
	struct jail_request request = request_with(JAIL_SECCOMP);
	struct jailed jailed = jailed_try(&request, is_confined);
	is_int(jailed.result, 0,
		"capabilities, bounding set, securebits, no_new_privs, dumpable, groups, user, "
		"parent-death signal");
	is_int(jailed.missing, JAIL_SECCOMP, "what was left out is missing, and nothing else");
	is_int(jailed_try(&request, has_limits).result, 0, "limits");
	is_int(jailed_try(&request, is_seccomp_mode).result, 0, "no filter when it is left out");

	request = request_with(JAIL_SECCOMP | JAIL_USER);
	jailed = jailed_try(&request, is_root_user);
	is_int(jailed.result, 0, "still root when the user is left out, and not dumpable");
	is_int(jailed.missing, JAIL_SECCOMP | JAIL_USER, "which is missing then");

	request = request_with(JAIL_SECCOMP | JAIL_NAMESPACES);
	jailed = jailed_try(&request, connect_unix);
	is_int(jailed.result, 0, "without namespaces a socket outside can be connected to");
	is_int(jailed.missing, JAIL_SECCOMP | JAIL_NAMESPACES, "and they are missing");
	is_int(jailed_try(&request, has_kept_descriptor).result, 0, "a kept descriptor is open");

	request = request_with(0);
	jailed = jailed_try(&request, write_and_return);
	is_int(jailed.result, 0, "in all of the jail a kept descriptor can be written to");
	is_int(jailed.missing, 0, "and no part is missing");

	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	(void)setrlimit(RLIMIT_CORE, &unlimited);
	jailed = jailed_try(&request, crash);
	is_int(jailed.result, DIED - SIGSEGV, "a crash is a death");
	ok(!jailed.core, "without a core dump");
}

/* --- what is refused */

static int nothing(void)
{
	return 0;
}

static void test_refused(void)
{
	struct jail_request request = request_with(0);
	request.keep = &sandbox.root_fd;
	request.keep_count = 1;
	struct jailed jailed = jailed_try(&request, nothing);
	(void)error_is(jailed.result, &jailed.e, ERROR_TYPE, "a directory is not kept open");
	is_int(jailed.missing, ~0u, "and `missing` is untouched");

	const int closed = 900;
	request.keep = &closed;
	jailed = jailed_try(&request, nothing);
	(void)error_is(jailed.result, &jailed.e, ERROR_KERNEL, "nor can be what is not open");

	request = request_with(0);
	request.root_fd = outside_fd;
	jailed = jailed_try(&request, nothing);
	(void)error_is(jailed.result, &jailed.e, ERROR_KERNEL, "a file is no root");
}

/* --- what must be possible */

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int turns;
} game = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

enum { TURNS = 200 };

static void *play(void *context)
{
	const int odd = *(const int *)context;
	void *memory = malloc(2 * MEGABYTE);
	(void)pthread_mutex_lock(&game.mutex);
	while (game.turns < TURNS) {
		struct timespec soon;
		(void)clock_gettime(CLOCK_REALTIME, &soon);
		soon.tv_sec += 5;
		if (game.turns % 2 != odd)
			(void)pthread_cond_timedwait(&game.changed, &game.mutex, &soon);
		else
			game.turns++;
		(void)pthread_cond_broadcast(&game.changed);
	}
	(void)pthread_mutex_unlock(&game.mutex);
	memory = realloc(memory, 5 * MEGABYTE);
	bool had = memory != NULL;
	free(memory);
	return had ? (void *)context : NULL;
}

static int start_threads(int count)
{
	static const int odd[] = {0, 1, 1, 1};
	pthread_t threads[4];
	void *results[4];
	int started = 0, error_number = 0;
	while (started < count && error_number == 0) {
		error_number = pthread_create(
			&threads[started], NULL, play, (void *)(uintptr_t)&odd[started]);
		started += error_number == 0;
	}
	if (error_number != 0)
		return error_number; /* those that wait end with the process */
	for (int i = 0; i < started; i++)
		if (pthread_join(threads[i], &results[i]) != 0 || results[i] == NULL)
			return ANY;
	return game.turns >= TURNS ? 0 : ANY;
}

static int start_two_threads(void)
{
	return start_threads(2);
}

static int start_four_threads(void)
{
	return start_threads(4);
}

static int map_some(void)
{
	const size_t size = (size_t)JAIL_MEGABYTES / 2 * MEGABYTE;
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return errno;
	memset(at, 1, size);
	return said(munmap(at, size));
}

static void test_threads_and_memory(void)
{
	for (unsigned leave_out = 0; leave_out <= JAIL_SECCOMP; leave_out += JAIL_SECCOMP) {
		const char *how = leave_out == 0 ? "with seccomp" : "without seccomp";
		struct jail_request request = request_with(leave_out);
		request.threads = 2;
		is_int(jailed_try(&request, start_two_threads).result, 0,
			"%s: as many threads as asked for, that wait for each other", how);
		is_int(jailed_try(&request, start_four_threads).result, EAGAIN, "%s: and no more",
			how);
		is_int(jailed_try(&request, map_some).result, 0, "%s: half the memory", how);
	}
	struct jail_request request = request_with(0);
	request.memory_bytes = UINT64_MAX;
	is_int(jailed_try(&request, map_much).result, 0, "memory without a limit");
}

#define CAPABILITY "\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ACL                                                                                        \
	"\x02\0\0\0\x01\0\x07\0\xff\xff\xff\xff\x02\0\x06\0\xe8\x03\0\0\x04\0\x05\0\xff"           \
	"\xff\xff\xff\x10\0\x07\0\xff\xff\xff\xff\x20\0\x05\0\xff\xff\xff\xff"
#define XATTR(name, value) .xattr = name, .xattr_value = value, .xattr_bytes = sizeof(value) - 1

/* Every call of tree.c. */
static const struct item items[] = {
	{.path = ".", .type = '5', .mode = 0751, .uid = 3, .gid = 4, .mtime = 5},
	{.path = "file", .body = "hello", .mtime = -7, .uid = 1000, .gid = 7},
	{.path = "able", .body = "x", .mode = 04755, XATTR("security.capability", CAPABILITY)},
	{.path = "group", .body = "x", .mode = 02755, .uid = 5, .gid = 6},
	{.path = "acl", .body = "x", .uid = 8, XATTR("system.posix_acl_access", ACL)},
	{.path = "user", .body = "x", .mode = 0444, .uid = 8, XATTR("user.x", "value")},
	{.path = "d", .type = '5', .mode = 02700, .uid = 77, XATTR("user.old", "value")},
	{.path = "d", .type = '5', .mode = 0700, .uid = 77, XATTR("system.posix_acl_default", ACL)},
	{.path = "d/link", .type = '2', .link = "../file", .mtime = 1, .uid = 9},
	{.path = "d/hard", .type = '1', .link = "user"},
	{.path = "d/fifo",
		.type = '6',
		.mtime = 3,
		.uid = 9,
		XATTR("system.posix_acl_access", ACL)},
	{.path = "closed", .type = '5', .mode = 0, .uid = 99},
	{.path = "closed/below/file", .body = "y", .mode = 0, .uid = 99},
	{.path = "implied/deep/file", .body = "x"},
	{.path = ".wh.gone"},
	{.path = "gone/x", .body = "y"},
	{.path = "d/.wh.removed"},
	{.path = "file2", .body = "to be a directory"},
	{.path = "file2", .type = '5', .mode = 01777},
	{.path = "implied/.wh..wh..opq"},
	{.path = "null", .type = '3', .mode = 0666, .major = 1, .minor = 3, .uid = 9},
	{.path = "disk", .type = '4', .mode = 0600, .major = 7, .minor = 1},
	{0},
};

static struct layer layer;
static struct unpack_result unpacked;
static struct error unpack_error;

static int unpack_here(void)
{
	return unpack_layer(&layer, &sandbox, false, &unpacked, &unpack_error);
}

/* In the jail, whose error would otherwise die with it. */
static int unpack_jailed(void)
{
	int result = unpack_here();
	jailed_page()->e = unpack_error;
	return result;
}

static void empty_root(void)
{
	DIR *dir = opendir(sandbox.root);
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
			store_remove(sandbox.root_fd, entry->d_name, &unpack_error) != 0)
			abort();
	(void)closedir(dir);
}

/* What becomes of the layer. */
static struct bytes unpacked_tree(const struct jail_request *request, const char *name)
{
	struct jailed jailed = jailed_try(request, unpack_jailed);
	if (!is_int(jailed.result, 0, "%s: unpacks", name))
		printf("# %s\n", jailed.e.text);
	struct bytes tree = list_tree(sandbox.root, NULL, 0);
	empty_root();
	return tree;
}

/* The layer of `items`, with the numbers that are right for it. */
static void make_layer(enum media media, bool devices)
{
	struct bytes tar = {0};
	for (const struct item *item = items; item->path != NULL; item++)
		if (devices || (item->type != '3' && item->type != '4'))
			tar_add(&tar, item);
	tar_end(&tar);
	if (unpack_tar_bytes(&tar, media, &sandbox, false, &unpacked, &unpack_error) != 0)
		abort();
	empty_root();
	layer_of_tar(&layer, media, &tar, ODD_PIECE_BYTES);
	layer.record.unpacked_bytes = unpacked.unpacked_bytes;
	layer.record.entries = unpacked.entries;
	unpack_result_free(&unpacked);
	bytes_free(&tar);
}

static void test_unpack(enum media media, bool devices, const char *name)
{
	make_layer(media, devices);
	struct bytes want = unpacked_tree(NULL, name);
	for (unsigned leave_out = 0; leave_out <= JAIL_SECCOMP; leave_out += JAIL_SECCOMP) {
		struct jail_request request = request_with(leave_out);
		request.devices = devices;
		struct bytes got = unpacked_tree(&request, name);
		ok(same_listing(&got, &want), "%s: in the jail to the same tree as outside", name);
		bytes_free(&got);
	}
	bytes_free(&want);
	layer_free(&layer);
}

static void test_unpack_devices_unasked(void)
{
	const struct jail_request request = request_with(0);
	make_layer(MEDIA_TAR, true);
	struct jailed jailed = jailed_try(&request, unpack_jailed);
	(void)error_is(jailed.result, &jailed.e, ERROR_IO,
		"a layer with devices, when there are to be none");
	is_int(jailed.e.sys_errno, EPERM, "for want of a capability");
	empty_root();
	layer_free(&layer);
}

/* --- setting up */

static int listen_at(int family, const void *address, socklen_t size)
{
	int fd = socket(family, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, address, size) != 0 || listen(fd, 100) != 0)
		abort();
	return fd;
}

static void listen_outside(void)
{
	unix_address.sun_family = AF_UNIX;
	(void)snprintf(unix_address.sun_path + 1, sizeof unix_address.sun_path - 1,
		"plyboot-test-%d", (int)getpid());
	listening_fds[0] = listen_at(AF_UNIX, &unix_address, sizeof unix_address);
	inet_address.sin_family = AF_INET;
	inet_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listening_fds[1] = listen_at(AF_INET, &inet_address, sizeof inet_address);
	socklen_t size = sizeof inet_address;
	if (getsockname(listening_fds[1], (struct sockaddr *)&inet_address, &size) != 0)
		abort();
}

int main(void)
{
	if (!have_root())
		return 0;
	sandbox_open(&sandbox);
	outside_fd = open(in_sandbox(&sandbox, "canary/file"), O_RDONLY | O_CLOEXEC);
	namespace_fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	if (chdir(in_sandbox(&sandbox, "work")) != 0 || outside_fd < 0 || namespace_fd < 0 ||
		dup2(outside_fd, 200) != 200 || pipe(pipe_fds) != 0)
		abort();
	kept[0] = pipe_fds[1];
	kept[1] = namespace_fd;
	listen_outside();

	test_impossible();
	test_program();
#ifdef __x86_64__
	test_i386();
#endif
	test_state();
	test_refused();
	test_threads_and_memory();
	test_unpack(MEDIA_TAR, false, "a plain layer");
	test_unpack(MEDIA_TAR_GZIP, false, "a gzip layer");
	test_unpack(MEDIA_TAR_ZSTD, true, "a zstd layer with devices");
	test_unpack_devices_unasked();
	is_str(jail_part_name(JAIL_NAMESPACES), "namespaces", "name of a part");
	is_str(jail_part_name(JAIL_USER), "user", "name of a part");
	is_str(jail_part_name(JAIL_SECCOMP), "seccomp", "name of a part");
	is_str(jail_part_name((enum jail_part)0x80), "?", "name of no part");

	ok(sandbox_untouched(&sandbox), "all outside the root is as it was");
	sandbox_close(&sandbox);
	return done();
}
