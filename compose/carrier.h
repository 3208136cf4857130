/*
 * The carrier: the small layer on top of a pushed image that holds what a registry knows nothing
 * of, the stack file with its signatures and the piece tables. Exactly these members, in this
 * order, with headers as ustar_header() writes them and no other bytes (layers/FORMAT.md):
 *
 *     .plyboot/
 *     .plyboot/stacks/
 *     .plyboot/stacks/<name>-<version>.stack
 *     .plyboot/pieces/
 *     .plyboot/pieces/<hex>                   each table once, in the order of the stack's layers
 */
#ifndef PLYBOOT_CARRIER_H
#define PLYBOOT_CARRIER_H

#include "../layers/signed.h"
#include "../layers/stack.h"
#include "bytes.h"

enum { CARRIER_MAX_BYTES = 64 * 1024 * 1024 /* of tar: it is held in memory whole */ };

struct carrier_table {
	struct digest digest; /* as the member's name says */
	const uint8_t *data;
	size_t size_bytes;
};

struct carrier {
	char stack_name[STACK_FILE_NAME_SIZE]; /* of the file */
	const uint8_t *stack_file;             /* into the tar, as are the tables */
	size_t stack_file_bytes;
	size_t table_count;
	struct carrier_table *tables; /* owned */
};

/* The tar of a stack file and the tables of its layers, `tables` without repetition. ERROR_LIMIT:
 * more than CARRIER_MAX_BYTES. */
int carrier_encode(const struct carrier *carrier, struct bytes *tar, struct error *e);

/* Take the tar apart, which must outlive `out`. ERROR_FORMAT for anything that carrier_encode()
 * would not have written; ERROR_LIMIT. Contents are not looked at. Free with carrier_free(). */
int carrier_decode(const uint8_t *tar, size_t size_bytes, struct carrier *out, struct error *e);

/*
 * What it carries: the signatures (`policy` NULL: nobody is asked), the stack file, whether it has
 * the name that it should, and of each layer its table, all of them and no others. ERROR_FORMAT,
 * ERROR_LIMIT, ERROR_SIZE, ERROR_DIGEST, ERROR_SIGNATURE, ERROR_KEY. `*signatures` counts the
 * signature lines. On success the caller frees the stack.
 */
int carrier_check(const struct carrier *carrier, const struct signature_policy *policy,
	struct stack *stack, size_t *signatures, struct error *e);

void carrier_free(struct carrier *carrier);

#endif
