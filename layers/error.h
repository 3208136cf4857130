/*
 * An error is a value: what kind it is, which errno came with it, and a sentence that names the
 * thing and the reason. Callers add context in front on the way up; nobody below main() prints.
 *
 * Every function here that can fail takes a `struct error *` as its last argument and returns 0,
 * or -1 with the error filled in; out-parameters are written on success only.
 */
#ifndef PLYBOOT_ERROR_H
#define PLYBOOT_ERROR_H

#include <stdarg.h>
#include <stddef.h>

/* The words of error_code_name() are an interface: the console, boot.json and the tests use them.
 */
enum error_code {
	ERROR_NONE,
	ERROR_FORMAT,    /* a file of ours is not in its one canonical form */
	ERROR_LIMIT,     /* over a signed limit or a compiled-in ceiling */
	ERROR_TARGET,    /* made for another architecture or kernel */
	ERROR_ROLLBACK,  /* older than the floor */
	ERROR_SIGNATURE, /* no signature, or one that does not verify */
	ERROR_KEY,       /* signed by a key that is not trusted, or a key that is no key */
	ERROR_DIGEST,    /* bytes differ from what the signature pins */
	ERROR_TAR,       /* not the strict tar profile */
	ERROR_TYPE,      /* an entry type that a layer may not hold */
	ERROR_PATH,      /* a name that leaves the root, or leads through something else */
	ERROR_WHITEOUT,  /* a whiteout that removes nothing nameable */
	ERROR_XATTR,     /* an extended attribute that a layer may not set */
	ERROR_STREAM,    /* compressed data that is damaged, cut or has a tail */
	ERROR_SIZE,      /* fewer bytes or entries than the signature says */
	ERROR_NOSPACE,   /* not enough memory or room */
	ERROR_DEVICE,    /* a block device that is missing, ambiguous or the wrong kind */
	ERROR_IO,        /* the kernel could not read or write */
	ERROR_MISSING,   /* a file, blob or program that is not there */
	ERROR_KERNEL,    /* the running kernel lacks something */
	ERROR_CONFIG,    /* init.conf or the command line asks for what can't be */
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

/* As error_set with a code chosen from errno: ENOMEM and ENOSPC are ERROR_NOSPACE, ENOENT is
 * ERROR_MISSING, everything else ERROR_IO. */
int error_errno(struct error *e, int sys_errno, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The upper-case word of a code, such as "DIGEST"; never NULL. */
const char *error_code_name(enum error_code code);

#endif
