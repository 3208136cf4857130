/*
 * The options of a verb as a table: the same rows parse the command line and print --help.
 */
#ifndef PLYBOOT_OPTIONS_H
#define PLYBOOT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../layers/error.h"

/* Words of the command line, in the order given. The words are argv's. */
struct text_list {
	size_t count;
	const char **items; /* owned */
};

int text_list_add(struct text_list *list, const char *text, struct error *e);
void text_list_free(struct text_list *list);

enum option_kind {
	OPTION_FLAG,   /* bool */
	OPTION_TEXT,   /* const char *: NULL when not given and without a fallback */
	OPTION_LIST,   /* struct text_list: may be repeated */
	OPTION_NUMBER, /* uint64_t, decimal, min..max */
	OPTION_SIZE,   /* uint64_t, bytes; K, M and G count in powers of 1024 */
};

struct option_spec {
	const char *name; /* "--store" or "-o"; NULL ends the table */
	enum option_kind kind;
	size_t offset;     /* of its field in the verb's structure of options */
	const char *value; /* what --help calls its value */
	const char *help;
	const char *fallback;       /* as if this had been given; NULL for none */
	const char *const *choices; /* of a text, ended by NULL; NULL for any */
	uint64_t min, max;          /* of a number or size; a max of 0 is none */
	bool required;
};

/*
 * Fill the zeroed structure `options` from the words behind the verb. Options and operands may be
 * mixed, "--" ends the options, "--name=value" is "--name value". ERROR_USAGE. What the lists own
 * is freed by options_free(), also after a failure.
 */
int options_parse(const struct option_spec *specs, void *options, int argc, char **argv,
	struct text_list *operands, struct error *e);
void options_free(const struct option_spec *specs, void *options);

/* How an option may be given: "", or " (may be repeated)", " (required)", " (default: ...)", or
 * several of them. */
enum { OPTION_REMARK_SIZE = 256 };
void options_remark(const struct option_spec *spec, char out[OPTION_REMARK_SIZE]);

/* The rows, one or more lines each, for --help. */
void options_print(const struct option_spec *specs, FILE *to);

/* Paragraphs, one a line of `text`, broken to the same width; lines that begin with a blank stay as
 * they are. */
void options_print_text(const char *text, FILE *to);

/* A decimal number, or a size with a suffix; nothing before or behind it. False when it is none or
 * doesn't fit. */
bool number_parse(const char *text, uint64_t *out);
bool size_parse(const char *text, uint64_t *out);

#endif
