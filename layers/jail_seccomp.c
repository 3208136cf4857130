/*
 * The system calls of unpacking, as a filter (seccomp(2)). Anything else kills the process, as does
 * a call of another architecture: the numbers mean something else there. (x32's have bit 30 set,
 * and so are not in the list.)
 *
 * And those of a program that checks a file system. It is somebody else's, and may well try a call
 * that is new, or that its libc makes in passing: ENOSYS is as good a no as death, and does not end
 * it in the middle of a repair.
 *
 * A list of comparisons will do. From Linux 5.11 the kernel works out at installation which numbers
 * are allowed whatever their arguments, and runs no filter for those; and a binary search made the
 * installation no faster (0.2 ms both).
 */
#include "jail_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Arguments are looked at in their lower half, which is all the kernel takes of these; where that
 * half lies is little-endian's. */
#if defined __x86_64__ && !defined __ILP32__
#define JAIL_ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__ && defined __AARCH64EL__
#define JAIL_ARCH AUDIT_ARCH_AARCH64
#elif defined __riscv && __riscv_xlen == 64
#define JAIL_ARCH AUDIT_ARCH_RISCV64
#elif defined __arm__ && defined __ARM_EABI__ && defined __ARMEL__
#define JAIL_ARCH AUDIT_ARCH_ARM
#else
#error "no list of system calls for this architecture"
#endif

/* Allowed whatever their arguments. Those with 32 or 64 in their names are of
 * 32-bit machines. */
static const uint16_t unpack_calls[] = {
	/* a piece is read; a file is written; the result goes to the parent */
	SYS_pread64,
	SYS_write,
	SYS_close,
	/* names, below the root: parents by openat2() */
	SYS_openat,
	SYS_openat2,
	SYS_mkdirat,
	SYS_mknodat,
	SYS_symlinkat,
	SYS_linkat,
	SYS_unlinkat,
	SYS_fchdir,
	SYS_umask, /* 0: modes are given when things are made */
/* what stands there already */
#ifdef SYS_newfstatat
	SYS_newfstatat,
#endif
#ifdef SYS_fstatat64
	SYS_fstatat64,
	SYS_fstat64,
#endif
	SYS_fstat,
	SYS_statx,
/* metadata */
#ifdef SYS_fchown32
	SYS_fchown32,
#endif
	SYS_fchown,
	SYS_fchownat,
	SYS_fchmod,
	SYS_fchmodat,
	SYS_utimensat,
#ifdef SYS_utimensat_time64
	SYS_utimensat_time64,
#endif
	SYS_fsetxattr,
	SYS_lsetxattr,
	SYS_flistxattr,
	SYS_fremovexattr,
	/* memory; mmap() and mprotect() are below */
	SYS_brk,
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	/* threads: clone() and futex() are below */
	SYS_rt_sigprocmask,
#ifdef __GLIBC__
	SYS_rt_sigaction,
	SYS_set_robust_list,
	SYS_rseq,
#endif
	/* waiting with a limit; after a SIGSTOP it is restarted */
	SYS_clock_gettime,
#ifdef SYS_clock_gettime64
	SYS_clock_gettime64,
#endif
	SYS_restart_syscall,
	/* the end, of a thread and of all */
	SYS_exit,
	SYS_exit_group,
#ifdef __SANITIZE_ADDRESS__
	/* its run-time library, in each new thread */
	SYS_gettid,
	SYS_sched_yield,
	SYS_sigaltstack,
	SYS_sched_getaffinity,
#endif
};

/* Allowed when (argument & mask) == value. */
struct rule {
	uint16_t number;
	uint16_t argument;
	uint32_t mask, value;
};

/* What pthread_create() asks for, in musl (which adds CLONE_DETACHED, without effect) and glibc: a
 * thread, never a process, never with a namespace. */
#define THREAD_FLAGS                                                                               \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |        \
		CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

#ifdef SYS_mmap2
#define SYS_JAIL_MMAP SYS_mmap2
#else
#define SYS_JAIL_MMAP SYS_mmap
#endif

#define FUTEX(number, operation)                                                                   \
	{                                                                                          \
		number, 1, (uint32_t)FUTEX_CMD_MASK, operation                                     \
	}
/* Mutexes, conditions and joining; not those that inherit priorities (CVE-2014-3153,
 * CVE-2021-3347). */
#define FUTEX_RULES(number)                                                                        \
	FUTEX(number, FUTEX_WAKE), FUTEX(number, FUTEX_WAIT), FUTEX(number, FUTEX_WAIT_BITSET),    \
		FUTEX(number, FUTEX_REQUEUE)

/* Nothing that was written is run; and threads, but no processes. */
#define CODE_AND_THREAD_RULES                                                                      \
	{SYS_JAIL_MMAP, 2, PROT_EXEC, 0}, {SYS_mprotect, 2, PROT_EXEC, 0},                         \
	{                                                                                          \
		SYS_clone, 0, ~(uint32_t)CLONE_DETACHED, THREAD_FLAGS                              \
	}

static const struct rule unpack_rules[] = {
#ifdef SYS_futex
	FUTEX_RULES(SYS_futex),
#endif
#ifdef SYS_futex_time64
	FUTEX_RULES(SYS_futex_time64),
#endif
	CODE_AND_THREAD_RULES,
};

/* Both of musl's and of glibc's ways to do the same. */
static const uint16_t program_calls[] = {
	/* the device */
	SYS_openat,
	SYS_read,
	SYS_readv,
	SYS_pread64,
	SYS_write,
	SYS_writev,
	SYS_pwrite64,
	SYS_lseek,
	SYS_close,
	SYS_fsync,
	SYS_fdatasync,
	SYS_fallocate,
#ifdef SYS__llseek
	SYS__llseek,
#endif
#ifdef SYS_fadvise64
	SYS_fadvise64,
#endif
#ifdef SYS_arm_fadvise64_64
	SYS_arm_fadvise64_64,
#endif
	/* what there is */
	SYS_fstat,
	SYS_statx,
	SYS_faccessat,
	SYS_readlinkat,
	SYS_getcwd,
#ifdef SYS_newfstatat
	SYS_newfstatat,
#endif
#ifdef SYS_fstatat64
	SYS_fstatat64,
	SYS_fstat64,
	SYS_stat64,
	SYS_lstat64,
#endif
#ifdef SYS_open
	SYS_open,
	SYS_stat,
	SYS_lstat,
	SYS_access,
	SYS_readlink,
#endif
#ifdef SYS_fcntl64
	SYS_fcntl64,
#endif
	SYS_fcntl,
	SYS_dup,
	/* memory; mmap() and mprotect() are below */
	SYS_brk,
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	/* itself */
	SYS_getpid,
	SYS_gettid,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
#ifdef SYS_getuid32
	SYS_getuid32,
	SYS_geteuid32,
	SYS_getgid32,
	SYS_getegid32,
#endif
#ifdef SYS_arch_prctl
	SYS_arch_prctl,
#endif
	SYS_prlimit64,
	SYS_getrusage,
	SYS_sysinfo,
	SYS_uname,
	SYS_getrandom,
	SYS_umask,
	/* threads: clone() and futex() are below */
	SYS_set_tid_address,
	SYS_set_robust_list,
	SYS_rseq,
	SYS_sched_getaffinity,
	SYS_sched_yield,
	/* signals, of its own to itself: it is a user that has no other process */
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_sigaltstack,
	SYS_tgkill,
	SYS_tkill,
	/* time */
	SYS_clock_gettime,
	SYS_nanosleep,
	SYS_clock_nanosleep,
#ifdef SYS_clock_gettime64
	SYS_clock_gettime64,
	SYS_clock_nanosleep_time64,
#endif
	SYS_gettimeofday,
#ifdef SYS_time
	SYS_time,
#endif
	SYS_restart_syscall,
	/* the end, of a thread and of all */
	SYS_exit,
	SYS_exit_group,
};

/* The ioctls of block devices (linux/fs.h), and none of any other kind; of prctl(2) what libblkid
 * asks before it reads its environment. The program itself is the one thing that can be run. */
static const struct rule program_rules[] = {
#ifdef SYS_futex
	FUTEX_RULES(SYS_futex),
#endif
#ifdef SYS_futex_time64
	FUTEX_RULES(SYS_futex_time64),
#endif
	CODE_AND_THREAD_RULES,
	{SYS_execveat, 4, UINT32_MAX, AT_EMPTY_PATH},
	{SYS_prctl, 0, UINT32_MAX, PR_GET_DUMPABLE},
	{SYS_ioctl, 1, 0xff00, 0x1200},
};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const struct list {
	const uint16_t *calls;
	size_t call_count;
	const struct rule *rules;
	size_t rule_count;
	uint32_t otherwise;
} unpack_list = {unpack_calls, COUNT(unpack_calls), unpack_rules, COUNT(unpack_rules),
	SECCOMP_RET_KILL_PROCESS},
  program_list = {program_calls, COUNT(program_calls), program_rules, COUNT(program_rules),
	  SECCOMP_RET_ERRNO | ENOSYS};

enum { RULE_LENGTH = 5, ENDS = 4, MOST_LENGTH = 256 };
#define LENGTH(calls, rules) (4 + COUNT(calls) + COUNT(rules) * RULE_LENGTH + ENDS)
_Static_assert(LENGTH(unpack_calls, unpack_rules) <= MOST_LENGTH, "a jump is of 8 bits");
_Static_assert(LENGTH(program_calls, program_rules) <= MOST_LENGTH, "a jump is of 8 bits");

static uint32_t offset_of_argument(size_t index)
{
	return (uint32_t)(offsetof(struct seccomp_data, args) + index * sizeof(uint64_t));
}

struct filter {
	unsigned short count;
	struct sock_filter code[MOST_LENGTH];
};

static void add(struct filter *filter, unsigned code, uint32_t k)
{
	filter->code[filter->count++] = (struct sock_filter)BPF_STMT((uint16_t)code, k);
}

/* To `target` when what was loaded is `k`; `otherwise` is how many are skipped else. */
static void add_if(struct filter *filter, uint32_t k, unsigned target, unsigned otherwise)
{
	unsigned skipped = target - filter->count - 1;
	filter->code[filter->count++] = (struct sock_filter)BPF_JUMP(
		BPF_JMP | BPF_JEQ | BPF_K, k, (uint8_t)skipped, (uint8_t)otherwise);
}

static void add_rule(struct filter *filter, const struct rule *rule, unsigned allow)
{
	add_if(filter, rule->number, filter->count + 1u, RULE_LENGTH - 1);
	add(filter, BPF_LD | BPF_W | BPF_ABS, offset_of_argument(rule->argument));
	add(filter, BPF_ALU | BPF_AND | BPF_K, rule->mask);
	add_if(filter, rule->value, allow, 0);
	add(filter, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
}

static void compile(const struct list *list, struct filter *filter)
{
	/* where the verdicts are */
	const unsigned allow = (unsigned)(4 + list->call_count + list->rule_count * RULE_LENGTH);
	const unsigned foreign = allow + 2, not_there = allow + 3;
	add(filter, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	add_if(filter, JAIL_ARCH, 2, foreign - 2);
	add(filter, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < list->call_count; i++)
		add_if(filter, list->calls[i], allow, 0);
	for (size_t i = 0; i < list->rule_count; i++)
		add_rule(filter, &list->rules[i], allow);
	/* glibc tries clone3() first, whose flags no filter can see, then clone(). */
	add_if(filter, SYS_clone3, not_there, 1);
	add(filter, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	add(filter, BPF_RET | BPF_K, list->otherwise);
	add(filter, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	add(filter, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
}

/* Where there are filters, the one that isn't there is the trouble. */
int jail_seccomp_probe(bool *supported, struct error *e)
{
	errno = 0;
	(void)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL);
	if (errno != EFAULT && errno != EINVAL && errno != ENOSYS)
		return jail_refused(e, "look for seccomp");
	*supported = errno == EFAULT;
	return 0;
}

/* Without SPEC_ALLOW, kernels before 5.16 make every access to memory slower
 * (spec_store_bypass_disable=seccomp), for the sake of programs that run others' code beside their
 * own secrets. */
int jail_seccomp_install(bool program, struct error *e)
{
	struct filter filter = {0};
	compile(program ? &program_list : &unpack_list, &filter);
	const struct sock_fprog code = {.len = filter.count, .filter = filter.code};
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &code) !=
		0)
		return jail_refused(e, "install the filter of system calls");
	return 0;
}
