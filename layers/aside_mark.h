/*
 * `aside` in the directory of an archived upper: it was taken from under the stack that boots, and
 * comes back by itself if that did not help. One line:
 *
 *     BOOTS WHY        of the stack without a confirm by then, decimal; `unconfirmed` or `asked`
 *
 * It lies on the state partition: whoever can write there can write anything into it.
 */
#ifndef PLYBOOT_ASIDE_MARK_H
#define PLYBOOT_ASIDE_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define ASIDE_MARK "aside"      /* a file as above */
#define ASIDE_REQUEST "restore" /* a file, empty: at the next boot this is to be the upper */

enum { ASIDE_MARK_SIZE = 32, ASIDE_NUMBER_MOST = 999999999 };

enum aside_why {
	ASIDE_UNCONFIRMED, /* it was in use when so many boots were not confirmed */
	ASIDE_ASKED,       /* another one was asked for in its place */
	ASIDE_WHYS
};

struct aside_mark {
	uint32_t boots;
	enum aside_why why;
};

const char *aside_why_name(enum aside_why why);

/* ERROR_FORMAT for anything that aside_mark_encode() would not have written. */
int aside_mark_decode(const char *text, size_t size_bytes, struct aside_mark *out, struct error *e);
size_t aside_mark_encode(const struct aside_mark *mark, char out[ASIDE_MARK_SIZE]);

/* The number of an archived upper, which is the name of its directory: 1 ... ASIDE_NUMBER_MOST,
 * decimal, written in the one way. False, and `*out` stays, for anything else. */
bool aside_number_parse(const char *text, unsigned long *out);

#endif
