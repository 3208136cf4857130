/*
 * What a jailed child has to say in the end, as bytes in a pipe. Who reads them takes them for
 * hostile: they come from where a layer was parsed.
 *
 *     8 x u64, little-endian: error code (0: it was unpacked), errno, parts that the jail lacks,
 * unpacked bytes, entries, user.* attributes, opaque directories, implied directories error code
 * not 0: ERROR_TEXT_SIZE bytes, the text and NULs else the directories: a byte (opaque 0, implied
 * IMPLIED_*), the path in normal form, NUL
 */
#ifndef PLYBOOT_VERDICT_H
#define PLYBOOT_VERDICT_H

#include "unpack.h"

enum { VERDICT_NUMBERS = 8, VERDICT_HEADER_BYTES = VERDICT_NUMBERS * 8 };

struct verdict {
	unsigned jail_missing; /* enum jail_part */
	struct error why;      /* ERROR_NONE: it was unpacked, and this is the result */
	struct unpack_result result;
};

/* -1 with errno. */
int verdict_write(int fd, const struct verdict *verdict);

struct verdict_reader;

/* ERROR_NOSPACE. */
int verdict_reader_open(struct verdict_reader **out, struct error *e);

/* Take the next bytes. ERROR_JAIL: they are no verdict. ERROR_LIMIT: more than LIMIT_LIST_BYTES of
 * paths. Nothing may be pushed after an error. */
int verdict_reader_push(
	struct verdict_reader *reader, const uint8_t *data, size_t size_bytes, struct error *e);

/* No more will come: the verdict, whose result the caller frees with unpack_result_free().
 * ERROR_JAIL: it is cut short. */
int verdict_reader_end(struct verdict_reader *reader, struct verdict *out, struct error *e);

void verdict_reader_close(struct verdict_reader *reader); /* NULL is fine */

#endif
