/*
 * An error is a value: what kind it is, which errno came with it, and a sentence that names the
 * thing and the reason. Callers add context in front on the way up; nobody below main() prints.
 *
 * It begins in lower case and ends without a full stop, says what to do where that is not plain,
 * and puts what it cites (a name in a layer, a word of a file or of the command line) in backticks,
 * open `%s`, never in quotes (tests/lint looks for those).
 *
 * Every function here that can fail takes a `struct error *` as its last argument and returns 0,
 * or -1 with the error filled in; out-parameters are written on success only.
 */
#ifndef PLYBOOT_ERROR_H
#define PLYBOOT_ERROR_H

#include <stdarg.h>
#include <stddef.h>

/* The words of error_code_name() are an interface: the console, boot.json and the tests use them.
 * init/BOOT.md lists them, with these meanings and what becomes of each. */
enum error_code {
	ERROR_NONE,
	ERROR_FORMAT,    /* a file is not in its one canonical form */
	ERROR_LIMIT,     /* over a signed limit or a built-in ceiling */
	ERROR_TARGET,    /* for another architecture or kernel */
	ERROR_ROLLBACK,  /* older than the floor */
	ERROR_SIGNATURE, /* no signature, too few, or one that does not verify */
	ERROR_KEY,       /* signed by a key that is not trusted, or a key that is no key */
	ERROR_DIGEST,    /* bytes differ from what the signature pins */
	ERROR_TAR,       /* a tar that is damaged, or neither POSIX pax nor GNU */
	ERROR_TYPE,      /* the wrong kind of file, or one that a layer may not hold */
	ERROR_PATH,      /* a name that leaves the layer, or leads through a link */
	ERROR_WHITEOUT,  /* a whiteout that names nothing, or is no empty file */
	ERROR_XATTR,     /* an extended attribute that a layer may not set */
	ERROR_STREAM,    /* compressed data that is damaged or cut, or has a tail */
	ERROR_SIZE,      /* not as many bytes or entries as are signed */
	ERROR_NOSPACE,   /* not enough memory, or no room on a disk */
	ERROR_DEVICE,    /* a block device that is missing, ambiguous or the wrong kind */
	ERROR_IO,        /* the kernel could not read or write */
	ERROR_MISSING,   /* a file, blob or program that is not there */
	ERROR_KERNEL,    /* the running kernel lacks something, or refused it */
	ERROR_CONFIG,    /* init.conf or the command line asks for what can't be */
	ERROR_JAIL,      /* what unpacked the layer broke out, hung or crashed, and was ended */
	ERROR_UPPER,     /* the upper that is there is another stack's, and this one refuses it */
	ERROR_USAGE,     /* the command was called wrongly */
	ERROR_CODES
};

enum { ERROR_TEXT_SIZE = 512 };

struct error {
	enum error_code code;
	int sys_errno; /* 0 when no system call was at fault */
	char text[ERROR_TEXT_SIZE];
};

/* Fill `e`; the sentence gets ": <strerror>" behind it when sys_errno is not 0. Returns -1.
 * `e` may be NULL: then only the return value is given. Text that does not fit is cut. */
int error_set(struct error *e, enum error_code code, int sys_errno, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Put "<context>: " in front of what `e` says already. Returns -1. */
int error_wrap(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As error_set with a code chosen from errno: ENOMEM, ENOSPC and EDQUOT are ERROR_NOSPACE, ENOENT
 * is ERROR_MISSING, everything else ERROR_IO. */
int error_errno(struct error *e, int sys_errno, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The upper-case word of a code, such as "DIGEST"; never NULL. */
const char *error_code_name(enum error_code code);

#endif
