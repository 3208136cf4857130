/* Signed stack files in memory, and the source that serves them. */
#ifndef PLYBOOT_TEST_STACK_FILES_H
#define PLYBOOT_TEST_STACK_FILES_H

#include <stdio.h>
#include <stdlib.h>

#include "init/candidates.h"
#include "signer.h"

enum { STACK_FILES = 80 };

struct stack_file {
	char name[2 * STACK_FILE_NAME_SIZE];
	uint8_t *bytes; /* owned */
	size_t size_bytes;
	bool present, unreadable;
};

struct stack_files {
	struct source source;
	struct signer signer;
	size_t count;
	struct stack_file list[STACK_FILES];
	bool cannot_be_listed;
};

static inline int stack_files_list(struct source *source,
	int (*visit)(void *context, const char *file_name, struct error *e), void *context,
	struct error *e)
{
	struct stack_files *files = (struct stack_files *)source;
	if (files->cannot_be_listed)
		return error_set(e, ERROR_IO, 0, "list");
	for (size_t i = files->count; i-- > 0;) {
		int result = files->list[i].present ? visit(context, files->list[i].name, e) : 0;
		if (result != 0)
			return result;
	}
	return 0;
}

static inline int stack_files_read(struct source *source, const char *file_name, uint8_t **bytes,
	size_t *size_bytes, struct error *e)
{
	struct stack_files *files = (struct stack_files *)source;
	for (size_t i = 0; i < files->count; i++) {
		const struct stack_file *file = &files->list[i];
		if (strcmp(file->name, file_name) != 0)
			continue;
		if (file->unreadable)
			return error_set(e, ERROR_IO, 0, "read");
		*bytes = malloc(file->size_bytes);
		if (*bytes == NULL)
			abort();
		memcpy(*bytes, file->bytes, file->size_bytes);
		*size_bytes = file->size_bytes;
		return 0;
	}
	return error_set(e, ERROR_MISSING, 0, "no such stack file");
}

static const struct source_ops stack_files_ops = {
	.list_stacks = stack_files_list, .read_stack = stack_files_read};

static inline void stack_files_open(struct stack_files *files)
{
	*files = (struct stack_files){.source = {&stack_files_ops}};
	signer_open(
		"c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721", &files->signer);
}

static inline void stack_files_free(struct stack_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->list[i].bytes);
	files->count = 0;
}

/* What a stack must have to be one; version and floor are for the test to set. */
static inline struct stack stack_example(const char *name, uint64_t version, uint64_t floor)
{
	static struct layer_record layer = {.media = MEDIA_TAR,
		.stored_bytes = 1,
		.entries = 1,
		.largest_piece_bytes = 1,
		.user_xattrs = USER_XATTRS_NONE};
	struct stack stack = {.version = version,
		.floor = floor,
		.created = "2026-11-23T15:06:12Z",
		.architecture = "x86_64",
		.layer_count = 1,
		.layers = &layer,
		.upper = UPPER_VOLATILE,
		.init = "/sbin/init"};
	(void)snprintf(stack.name, sizeof stack.name, "%s", name);
	return stack;
}

/* Signed, in a file of its name or, if not NULL, of another. */
static inline struct stack_file *stack_files_add(
	struct stack_files *files, const struct stack *stack, const char *file_name)
{
	struct stack_file *file = &files->list[files->count++];
	struct signature_line line = {.key_id = files->signer.key.id};
	struct digest hash;
	char *text, signature[SIGNED_LINE_SIZE];
	size_t length;
	if (files->count > STACK_FILES || stack_encode(stack, &text, &length, NULL) != 0)
		abort();
	digest_of(text, length, &hash);
	signer_sign(&files->signer, &hash, line.signature);
	signed_format_line(&line, signature);
	file->bytes = malloc(length + sizeof signature);
	if (file->bytes == NULL)
		abort();
	memcpy(file->bytes, text, length);
	memcpy(file->bytes + length, signature, strlen(signature));
	file->size_bytes = length + strlen(signature);
	free(text);
	char own[STACK_FILE_NAME_SIZE];
	stack_file_name(stack, own);
	(void)snprintf(file->name, sizeof file->name, "%s", file_name != NULL ? file_name : own);
	file->present = true;
	return file;
}

static inline struct candidate_policy stack_files_policy(
	const struct stack_files *files, const struct record *record)
{
	struct candidate_policy policy = {
		.signatures = {.keys = &files->signer.key, .key_count = 1, .needed = 1},
		.machine = "x86_64",
		.kernel_release = "6.1.0",
	};
	floors_add_record(&policy.floors, record);
	return policy;
}

#endif
