/* The number fields of a tar header (POSIX.1-2001 ustar, and GNU's base-256). */
#ifndef PLYBOOT_TAR_FIELD_H
#define PLYBOOT_TAR_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { TAR_BLOCK_BYTES = 512 };

struct tar_header {
	char name[100];
	char mode[8], uid[8], gid[8], size[12], mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[8];
	char uname[32], gname[32];
	char major[8], minor[8];
	char prefix[155];
	char pad[12];
};

/* Octal digits, optional spaces before, only NUL and space behind; nothing at all is 0. Or
 * base-256, if it is not negative. False: a sign, a stray character, more than 63 bits. */
bool tar_field_unsigned(const char *field, size_t length, uint64_t *out);

/* The same, negative base-256 included: for times only. */
bool tar_field_signed(const char *field, size_t length, int64_t *out);

/* Decimal digits without sign or leading zeros, the whole of `length`. At most 63 bits. */
bool tar_decimal(const char *text, size_t length, uint64_t *out);

/* A pax time: [-]digits[.digits], with at most nine digits behind the point: what is finer cannot
 * be kept. */
bool tar_pax_time(const char *text, size_t length, struct timespec *out);

/* Does the checksum field hold the unsigned sum of the block? */
bool tar_checksum_ok(const struct tar_header *header);

#endif
