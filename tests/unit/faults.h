/*
 * Calls that fail on demand. A program that includes this (once) is linked with --wrap for each of
 * FAULT_CALLS in the Makefile; its name begins with test_faults. Between faults_begin() and
 * faults_end() the n-th call of the wanted kinds does not happen and gives an error instead.
 *
 * faults_all() runs something for n = 1, 2, ... until nothing fails any more: each time it must
 * either give a clean error (the code that belongs to the errno, a sentence, the out-parameters
 * untouched) or still be right, and it may keep no descriptor open. Memory is the sanitizers' part.
 */
#ifndef PLYBOOT_TEST_FAULTS_H
#define PLYBOOT_TEST_FAULTS_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "errors.h"

enum {
	FAULTS_MEMORY = 1,   /* malloc() and its kin give NULL */
	FAULTS_SYSTEM = 2,   /* a system call gives -1 */
	FAULTS_TRANSFER = 4, /* so does a read or write */
	FAULTS_SHORT = 8     /* a read or write moves one byte */
};
enum { FAULTS_WRONG = 99, FAULTS_MOST = 5000 };

static struct faults {
	unsigned kinds, left;
	int error_number;
	bool active, fired;
	const char *name; /* of the call that failed */
} faults;

static inline void faults_begin(void)
{
	faults.active = true;
}

static inline void faults_end(void)
{
	int saved = errno;
	faults.active = false;
	errno = saved;
}

static inline bool faults_due(unsigned kind, const char *name)
{
	if (!faults.active || (faults.kinds & kind) == 0 || faults.left == 0 || --faults.left > 0)
		return false;
	faults.fired = true;
	faults.name = name;
	if (faults.error_number != 0)
		errno = faults.error_number;
	return true;
}

/* --- the calls */

#define FAULTS_WRAP(type, name, parameters, arguments, kind, failure)                              \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		return faults_due(kind, #name) ? (failure) : __real_##name arguments;              \
	}
#define FAULTS_CALL(name, parameters, arguments)                                                   \
	FAULTS_WRAP(int, name, parameters, arguments, FAULTS_SYSTEM, -1)

FAULTS_WRAP(void *, malloc, (size_t size), (size), FAULTS_MEMORY, NULL)
FAULTS_WRAP(void *, calloc, (size_t count, size_t size), (count, size), FAULTS_MEMORY, NULL)
FAULTS_WRAP(void *, realloc, (void *old, size_t size), (old, size), FAULTS_MEMORY, NULL)
FAULTS_WRAP(void *, reallocarray, (void *old, size_t count, size_t size), (old, count, size),
	FAULTS_MEMORY, NULL)
FAULTS_WRAP(char *, strdup, (const char *text), (text), FAULTS_MEMORY, NULL)
FAULTS_WRAP(char *, strndup, (const char *text, size_t most), (text, most), FAULTS_MEMORY, NULL)
FAULTS_WRAP(locale_t, newlocale, (int mask, const char *name, locale_t base), (mask, name, base),
	FAULTS_MEMORY, (locale_t)0)
FAULTS_WRAP(void *, mmap, (void *at, size_t size, int protection, int flags, int fd, off_t offset),
	(at, size, protection, flags, fd, offset), FAULTS_MEMORY, MAP_FAILED)

FAULTS_CALL(fstat, (int fd, struct stat *st), (fd, st))
FAULTS_CALL(fstatat, (int fd, const char *path, struct stat *st, int flags), (fd, path, st, flags))
FAULTS_CALL(mkdirat, (int fd, const char *path, mode_t mode), (fd, path, mode))
FAULTS_CALL(unlinkat, (int fd, const char *path, int flags), (fd, path, flags))
FAULTS_CALL(symlinkat, (const char *to, int fd, const char *path), (to, fd, path))
FAULTS_CALL(linkat, (int from, const char *old, int to, const char *path, int flags),
	(from, old, to, path, flags))
FAULTS_CALL(mknodat, (int fd, const char *path, mode_t mode, dev_t dev), (fd, path, mode, dev))
FAULTS_CALL(fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
FAULTS_CALL(fchownat, (int fd, const char *path, uid_t uid, gid_t gid, int flags),
	(fd, path, uid, gid, flags))
FAULTS_CALL(fchmod, (int fd, mode_t mode), (fd, mode))
FAULTS_CALL(fchmodat, (int fd, const char *path, mode_t mode, int flags), (fd, path, mode, flags))
FAULTS_CALL(futimens, (int fd, const struct timespec times[2]), (fd, times))
FAULTS_CALL(utimensat, (int fd, const char *path, const struct timespec times[2], int flags),
	(fd, path, times, flags))
FAULTS_CALL(fsetxattr, (int fd, const char *name, const void *value, size_t size, int flags),
	(fd, name, value, size, flags))
FAULTS_CALL(lsetxattr,
	(const char *path, const char *name, const void *value, size_t size, int flags),
	(path, name, value, size, flags))
FAULTS_CALL(fremovexattr, (int fd, const char *name), (fd, name))
FAULTS_CALL(renameat, (int from, const char *old, int to, const char *path), (from, old, to, path))
FAULTS_CALL(fchdir, (int fd), (fd))
FAULTS_CALL(fsync, (int fd), (fd))
FAULTS_WRAP(ssize_t, fgetxattr, (int fd, const char *name, void *value, size_t size),
	(fd, name, value, size), FAULTS_SYSTEM, -1)
FAULTS_WRAP(ssize_t, flistxattr, (int fd, char *names, size_t size), (fd, names, size),
	FAULTS_SYSTEM, -1)
FAULTS_WRAP(
	off_t, lseek, (int fd, off_t offset, int whence), (fd, offset, whence), FAULTS_SYSTEM, -1)
FAULTS_WRAP(DIR *, fdopendir, (int fd), (fd), FAULTS_SYSTEM, NULL)
FAULTS_WRAP(struct dirent *, readdir, (DIR * dir), (dir), FAULTS_SYSTEM, NULL)
FAULTS_WRAP(FILE *, fdopen, (int fd, const char *mode), (fd, mode), FAULTS_SYSTEM, NULL)

/* What they close is closed, also when they fail. */
FAULTS_WRAP(int, close, (int fd), (fd), FAULTS_SYSTEM,
	(__real_close(fd), errno = faults.error_number, -1))
FAULTS_WRAP(int, fclose, (FILE * file), (file), FAULTS_SYSTEM,
	(__real_fclose(file), errno = faults.error_number, EOF))

#define FAULTS_MOVE(name, type, parameters, arguments, shortened)                                  \
	ssize_t __real_##name parameters;                                                          \
	ssize_t __wrap_##name parameters;                                                          \
	ssize_t __wrap_##name parameters                                                           \
	{                                                                                          \
		if (faults_due(FAULTS_TRANSFER, #name))                                            \
			return -1;                                                                 \
		if (size > 1 && faults_due(FAULTS_SHORT, #name))                                   \
			return __real_##name shortened;                                            \
		return __real_##name arguments;                                                    \
	}
FAULTS_MOVE(read, void, (int fd, void *data, size_t size), (fd, data, size), (fd, data, 1))
FAULTS_MOVE(
	write, const void, (int fd, const void *data, size_t size), (fd, data, size), (fd, data, 1))
FAULTS_MOVE(pread, void, (int fd, void *data, size_t size, off_t at), (fd, data, size, at),
	(fd, data, 1, at))
FAULTS_MOVE(pwrite, const void, (int fd, const void *data, size_t size, off_t at),
	(fd, data, size, at), (fd, data, 1, at))

int __real_openat(int fd, const char *path, int flags, ...);
int __wrap_openat(int fd, const char *path, int flags, ...);
int __wrap_openat(int fd, const char *path, int flags, ...)
{
	va_list list;
	va_start(list, flags);
	unsigned mode = va_arg(list, unsigned);
	va_end(list);
	return faults_due(FAULTS_SYSTEM, "openat") ? -1 : __real_openat(fd, path, flags, mode);
}

/* For files on tmpfs, which has O_DIRECT only from Linux 6.6. */
static bool faults_buffered;
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	va_list list;
	va_start(list, flags);
	unsigned mode = va_arg(list, unsigned);
	va_end(list);
	if (faults_buffered)
		flags &= ~O_DIRECT;
	return faults_due(FAULTS_SYSTEM, "open") ? -1 : __real_open(path, flags, mode);
}

/* It takes six arguments also where the caller gave fewer: then the last one is whatever lies on
 * the stack. */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
__attribute__((no_sanitize_address)) long __wrap_syscall(long number, ...)
{
	long a[6];
	va_list list;
	va_start(list, number);
	for (size_t i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	return faults_due(FAULTS_SYSTEM, "syscall")
		       ? -1
		       : __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* What a test puts in the place of a device's answers. */
static int (*faults_ioctl)(unsigned long request, void *argument);
int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list list;
	va_start(list, request);
	void *argument = va_arg(list, void *);
	va_end(list);
	if (faults_due(FAULTS_SYSTEM, "ioctl"))
		return -1;
	return faults_ioctl != NULL ? faults_ioctl(request, argument)
				    : __real_ioctl(fd, request, argument);
}

/* --- trying all of them */

static inline size_t count_descriptors(void)
{
	size_t count = 0;
	DIR *dir = opendir("/proc/self/fd");
	if (dir == NULL)
		abort();
	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count;
}

/* The code that belongs to an errno; `also` is one more that a case may have its reasons for. */
static inline bool is_clean_error(const struct error *e, int error_number, unsigned also)
{
	unsigned good = 1u << ERROR_IO;
	if (error_number == ENOMEM || error_number == ENOSPC)
		good = 1u << ERROR_NOSPACE;
	else if (error_number == EOPNOTSUPP)
		good = 1u << ERROR_IO | 1u << ERROR_KERNEL;
	return ((good | also) & 1u << e->code) != 0 && e->text[0] != '\0';
}

struct faults_case {
	const char *name;
	/* Calls what is tested between faults_begin() and faults_end(): 0, -1 with the error and
	 * nothing written, or FAULTS_WRONG when something is not as it should be. */
	int (*run)(struct error *e);
	unsigned also; /* a set of 1u << ERROR_..: codes that are clean beside those of errno */
};

static inline void faults_try(
	const struct faults_case *one, unsigned kinds, int error_number, const char *how)
{
	unsigned wrong = 0, refused = 0, survived = 0, n = 1;
	const bool must_survive = error_number == EINTR || kinds == FAULTS_SHORT;
	for (; n < FAULTS_MOST; n++) {
		struct error e = {0};
		size_t before = count_descriptors();
		faults = (struct faults){.kinds = kinds, .left = n, .error_number = error_number};
		int result = one->run(&e);
		bool fired = faults.fired;
		faults.kinds = 0;
		/* A file system without xattrs, when it had some before: nobody can see through
		 * that.
		 */
		bool good = result == 0 ||
			    (fired && error_number == EOPNOTSUPP &&
				    strcmp(faults.name, "flistxattr") == 0) ||
			    (result == -1 && fired && !must_survive &&
				    is_clean_error(&e, error_number, one->also));
		size_t leaked = count_descriptors() - before;
		if (!good || leaked != 0) {
			wrong++;
			printf("# %s, call %u (%s): result %d, %s: %s; %zu descriptors more\n",
				one->name, n, fired ? faults.name : "none failed", result,
				error_code_name(e.code), e.text, leaked);
		}
		if (!fired)
			break;
		refused += result == -1;
		survived += result == 0;
	}
	ok(wrong == 0 && n < FAULTS_MOST,
		"%s, each call fails once with %s: %u errors, %u survived, 0 unclean", one->name,
		how, refused, survived);
	printf("# P11: %u failed calls, %u failures\n", refused + survived, wrong);
}

static inline void faults_all(const struct faults_case *one)
{
	faults_try(one, FAULTS_MEMORY, ENOMEM, "no memory");
	faults_try(one, FAULTS_SYSTEM | FAULTS_TRANSFER, EIO, "EIO");
	faults_try(one, FAULTS_SYSTEM | FAULTS_TRANSFER, ENOSPC, "ENOSPC");
	faults_try(one, FAULTS_SYSTEM | FAULTS_TRANSFER, ENOMEM, "ENOMEM");
	faults_try(one, FAULTS_SYSTEM | FAULTS_TRANSFER, EOPNOTSUPP, "EOPNOTSUPP");
	faults_try(one, FAULTS_TRANSFER, EINTR, "EINTR");
	faults_try(one, FAULTS_SHORT, 0, "a short read or write");
}

#endif
