/*
 * The stack file: which layers make a root, and what may be done with it. Canonical text: one key a
 * line, in this order, one way to write anything; decode then encode gives the input back, or it is
 * refused. Keys in [] may be absent; "layer" starts a block of eight lines, bottom layer first.
 *
 *     plyboot stack 1
 *     name demo
 *     version 7
 *     floor 3
 *     created 2026-11-23T15:06:12Z
 *     architecture x86_64
 *     [kernel 6.1.0-40-cloud-amd64]
 *     layer sha256:...
 *     media-type application/vnd.oci.image.layer.v1.tar+zstd
 *     stored 123456
 *     unpacked 345678
 *     entries 1200
 *     largest-piece 65536
 *     user-xattrs none|required|optional
 *     pieces sha256:...
 *     upper persistent|volatile|none
 *     [upper-change fresh|refuse]       only with "upper persistent"; without it: keep
 *     [upper-size 67108864]             bytes, only with "upper volatile"
 *     [persist /var/lib/thing]          sorted; allows more with :suid, :dev or :suid,dev behind it
 *     init /sbin/init
 *     on-failure halt|reboot|shell
 *     ---
 */
#ifndef PLYBOOT_STACK_H
#define PLYBOOT_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "error.h"
#include "ceilings.h"
#include "verified.h"

enum media { MEDIA_TAR, MEDIA_TAR_GZIP, MEDIA_TAR_ZSTD, MEDIA_TYPES };

/* "application/vnd.oci.image.layer.v1.tar", "...+gzip", "...+zstd" */
const char *media_name(enum media media);

/* What to do with user.* extended attributes where tmpfs lacks them (Linux before 6.6). */
enum user_xattrs {
	USER_XATTRS_NONE,     /* the layer has none, and must have none */
	USER_XATTRS_REQUIRED, /* refuse the layer */
	USER_XATTRS_OPTIONAL, /* leave them out, with a warning */
	USER_XATTRS_KINDS
};

enum upper { UPPER_PERSISTENT, UPPER_VOLATILE, UPPER_NONE, UPPER_KINDS };

/* What becomes of an upper that was another stack's. */
enum upper_change { UPPER_CHANGE_KEEP, UPPER_CHANGE_FRESH, UPPER_CHANGE_REFUSE, UPPER_CHANGES };
const char *upper_change_name(enum upper_change change);

/* What to do when nothing boots. */
enum on_failure { ON_FAILURE_HALT, ON_FAILURE_REBOOT, ON_FAILURE_SHELL, ON_FAILURE_KINDS };
const char *upper_name(enum upper upper);
const char *on_failure_name(enum on_failure on_failure);

struct layer_record {
	struct digest digest; /* of the stored bytes: the OCI layer digest */
	enum media media;
	uint64_t stored_bytes;
	uint64_t unpacked_bytes;      /* see unpack_charge() in unpack.h */
	uint64_t entries;             /* tar entries, whiteouts and directories included */
	uint64_t largest_piece_bytes; /* stored bytes of the largest piece */
	enum user_xattrs user_xattrs;
	struct digest pieces; /* of the piece table */
};

enum {
	STACK_NAME_SIZE = 64,    /* [a-z0-9][a-z0-9._-]{0,62} */
	STACK_TEXT_SIZE = 65,    /* architecture, kernel: [A-Za-z0-9._+~-]{1,64} */
	STACK_CREATED_SIZE = 21, /* RFC 3339, UTC, seconds */
	STACK_PERSIST_SIZE = 252 /* a path, or the name that it has on the state partition */
};

/* A directory that is kept on the state partition, whatever becomes of the upper. */
struct persist_path {
	char path[STACK_PERSIST_SIZE]; /* absolute, normal, without a colon */
	bool suid, dev;                /* set-id bits and device nodes work there */
};

struct stack {
	char name[STACK_NAME_SIZE];
	uint64_t version; /* 1 .. 2^63-1, so that every language can hold it */
	uint64_t floor;   /* 0 .. version */
	char created[STACK_CREATED_SIZE];
	char architecture[STACK_TEXT_SIZE]; /* as uname(2) says: x86_64, aarch64 */
	char kernel[STACK_TEXT_SIZE];       /* kernel release, "" for any */
	size_t layer_count;                 /* 1 .. LIMIT_LAYERS */
	struct layer_record *layers;        /* owned; bottom first */
	enum upper upper;
	enum upper_change upper_change;
	uint64_t
		upper_bytes; /* of a volatile one at most; 0: as tmpfs has it, half of the memory */
	size_t persist_count;
	struct persist_path *persist; /* owned; sorted, none within another */
	char init[256];               /* absolute, normal path */
	enum on_failure on_failure;
};

/* ERROR_FORMAT, ERROR_LIMIT. On success the caller frees with stack_free(). */
int stack_decode(const struct verified *text, struct stack *out, struct error *e);

/* The canonical text through "---\n", NUL-terminated; caller frees. ERROR_FORMAT or ERROR_LIMIT
 * when a field holds what cannot be written. */
int stack_encode(const struct stack *stack, char **text, size_t *size_bytes, struct error *e);

void stack_free(struct stack *stack);

/* Does it fit this machine? ERROR_TARGET otherwise. Strings as uname(2) gives them. */
int stack_check_target(const struct stack *stack, const char *machine, const char *kernel_release,
	struct error *e);

/* A persistent path as it stands in the file, PATH[:OPTIONS]. ERROR_FORMAT, ERROR_LIMIT. Whether a
 * stack may have it, and beside which others, stack_encode() says. */
enum { PERSIST_TEXT_SIZE = STACK_PERSIST_SIZE + 9 };
int persist_decode(const char *text, struct persist_path *out, struct error *e);
void persist_format(const struct persist_path *persist, char out[PERSIST_TEXT_SIZE]);

/* The name of its directory on the state partition: one for each path, and a path for each. Never
 * one with a % before anything but a 2, as in PERSIST_NEW. ERROR_LIMIT: it would be too long. */
#define PERSIST_NEW "%new"
int persist_name(const char *path, char out[STACK_PERSIST_SIZE], struct error *e);

/* The eight lines of one layer alone, the form of a .layer file; LAYER_RECORD_TEXT_SIZE holds any.
 */
enum { LAYER_RECORD_TEXT_SIZE = 512 };
int layer_record_encode(const struct layer_record *record, char out[LAYER_RECORD_TEXT_SIZE],
	size_t *size_bytes, struct error *e);
int layer_record_decode(const struct verified *text, struct layer_record *out, struct error *e);

/* A layer's identity in the store: the SHA-256 of its eight lines. */
int layer_record_id(const struct layer_record *record, struct digest *out, struct error *e);

/* File name of a stack on a layers partition: "<name>-<version>.stack". */
enum { STACK_FILE_NAME_SIZE = STACK_NAME_SIZE + 20 + 8 };
void stack_file_name(const struct stack *stack, char out[STACK_FILE_NAME_SIZE]);

/* Is it in a file of its name? ERROR_FORMAT otherwise. */
int stack_check_file_name(const struct stack *stack, const char *file_name, struct error *e);

#endif
