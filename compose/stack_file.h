/* Stack files in a store, as the command reads, replaces and joins them. Nothing of them has been
 * verified: `plyboot verify` does that. */
#ifndef PLYBOOT_STACK_FILE_H
#define PLYBOOT_STACK_FILE_H

#include "../layers/signed.h"
#include "../layers/stack.h"
#include "layout.h"

struct stack_file {
	char name[STACK_FILE_NAME_SIZE]; /* with .stack */
	uint8_t *bytes;                  /* owned: the text and the signature lines */
	size_t size_bytes, text_bytes;
	size_t signature_count;
	struct signature_line lines[LIMIT_SIGNATURES];
	struct stack stack;
};

/* Its text and its signature lines, none of them verified. Of `lines`, LIMIT_SIGNATURES of them,
 * `*count` are filled. ERROR_FORMAT, ERROR_LIMIT, ERROR_SIGNATURE: the file is none. */
int stack_file_decode(const uint8_t *bytes, size_t size_bytes, size_t *text_bytes,
	struct signature_line *lines, size_t *count, struct stack *out, struct error *e);

/* The stack `name` ("NAME-VERSION") of a store. ERROR_USAGE: that is no such name; ERROR_MISSING;
 * ERROR_FORMAT, ERROR_LIMIT, ERROR_SIGNATURE: the file is none, or another one's. */
int stack_file_open(
	struct layout *layout, const char *name, struct stack_file *out, struct error *e);
void stack_file_close(struct stack_file *file);

/* What stands at `name` already: `*same` when it is this very text, which may have been signed. A
 * version that was signed and says something else is not replaced in passing: ERROR_USAGE unless
 * `force`. */
int stack_file_check_existing(struct layout *layout, const char *name, const void *text,
	size_t size_bytes, bool force, bool *same, struct error *e);

struct bytes;

/* What stack_file_write() would write: where the same text stands already, its signatures by other
 * keys are added. ERROR_LIMIT: there are too many then. The caller frees `out`. */
int stack_file_join(struct layout *layout, const char *name, const uint8_t *bytes,
	size_t size_bytes, struct bytes *out, struct error *e);

/* Write these very bytes in one step. */
int stack_file_put(struct layout *layout, const char *name, const uint8_t *bytes, size_t size_bytes,
	struct error *e);

/* Write a stack file, text and signature lines, in one step. Where the same text stands already,
 * signatures by other keys stay. ERROR_LIMIT: there are too many then. */
int stack_file_write(struct layout *layout, const char *name, const uint8_t *bytes,
	size_t size_bytes, struct error *e);

#endif
