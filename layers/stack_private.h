/* The lines of a stack file as tables, which decoding and encoding both walk. */
#ifndef PLYBOOT_STACK_PRIVATE_H
#define PLYBOOT_STACK_PRIVATE_H

#include <stdbool.h>

#include "stack.h"

#define STACK_FIRST_LINE "plyboot stack 1"
#define STACK_LAST_LINE "---"

/* Holds any value, one character too many (which decode() refuses), and a NUL. */
enum { FIELD_VALUE_SIZE = LIMIT_PATH_BYTES + 2 };

struct field;

/* How a kind of value is read and written. format() writes whatever it finds; whoever encodes lets
 * decode() judge the result, so that there is one definition of what is allowed. */
struct field_type {
	int (*decode)(const struct field *field, const char *text, size_t length, void *out,
		struct error *e);
	void (*format)(const struct field *field, const void *in, char out[FIELD_VALUE_SIZE]);
};

struct field {
	const char *key;
	const struct field_type *type;
	size_t offset;            /* of the value in its structure */
	uint64_t min, max;        /* of a number; of a text, max is its longest length */
	const char *const *names; /* of a choice; there are max of them */
	bool optional;            /* the line is left out when the value is "" */
};

enum { HEAD_FIELDS = 6, LAYER_FIELDS = 8, UPPER_OPTIONS = 2, TAIL_FIELDS = 2 };
extern const struct field stack_head[HEAD_FIELDS];   /* name .. kernel */
extern const struct field stack_layer[LAYER_FIELDS]; /* layer .. pieces, of struct layer_record */
extern const struct field stack_upper;
extern const struct field stack_upper_options[UPPER_OPTIONS];
extern const struct field stack_persist;           /* of one struct persist_path */
extern const struct field stack_tail[TAIL_FIELDS]; /* init, on-failure */

extern const char *const media_names[MEDIA_TYPES];
extern const char *const upper_names[UPPER_KINDS];
extern const char *const upper_change_names[UPPER_CHANGES];
extern const char *const on_failure_names[ON_FAILURE_KINDS];

/* Is it a name that a stack may have? `name` needs no NUL. */
bool stack_name_is_valid(const char *name, size_t length);

/* What several lines must agree on. The message has no line number. */
int stack_check_floor(const struct stack *stack, struct error *e);
int stack_check_layer_count(const struct stack *stack, struct error *e);
int stack_check_upper(const struct stack *stack, struct error *e);
int stack_check_persist(const struct stack *stack, size_t index, struct error *e);

#endif
