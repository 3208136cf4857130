/*
 * A file of cases for `plyboot run --cases`, described in CASES.md: lines KEY VALUE, of which
 * `case` begins a case. Pure, but for the heap.
 */
#ifndef PLYBOOT_CASE_FILE_H
#define PLYBOOT_CASE_FILE_H

#include "run_given.h"

enum {
	CASE_FILE_MAX_BYTES = 1024 * 1024,
	CASE_FILE_MAX_CASES = 10000,
	CASE_FILE_MAX_NAME = 200 /* bytes */
};

struct case_item {
	const char *name;
	struct run_given given; /* memory_mib and limit_s are 0 where nothing is said of them */
	int status;             /* with which it must end */
	size_t line;            /* where it begins */
};

struct case_file {
	size_t count;
	struct case_item *cases; /* owned */
	char *text;              /* owned; all texts are in it */
};

/* Parse it; the bytes are copied. ERROR_FORMAT, ERROR_LIMIT name the line. On success the caller
 * frees. */
int case_file_parse(const char *bytes, size_t size_bytes, struct case_file *out, struct error *e);
void case_file_free(struct case_file *file);
#define SCOPED_CASE_FILE __attribute__((cleanup(case_file_free))) struct case_file

/* Split a line into words, in place: blanks part them, '...' and "..." hold them together, a
 * backslash takes the next character as it is (within "...", only before \ and "). What a shell
 * would do more with, unquoted ; & | < > ( ) $ ` * ? and $ ` within "...", is ERROR_FORMAT. */
int case_words(char *line, struct text_list *out, struct error *e);

#endif
