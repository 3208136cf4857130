#include "stack_private.h"

#include <stdio.h>
#include <string.h>

/* Mounts of /init's own, which the system fills anew at each boot. */
static const char *const never_kept[] = {"/dev", "/proc", "/run", "/sys"};

static bool is_within(const char *path, const char *directory)
{
	size_t length = strlen(directory);
	return strncmp(path, directory, length) == 0 &&
	       (path[length] == '\0' || path[length] == '/');
}

/* A colon would be read as the start of options. The others are in order, but "/a/b" may follow
 * "/a" with "/a-b" between them. */
static int check_path(const struct stack *stack, size_t index, struct error *e)
{
	const char *path = stack->persist[index].path;
	if (strchr(path, ':') != NULL)
		return error_set(e, ERROR_FORMAT, 0, "a persistent path may hold no colon");
	for (size_t i = 0; i < sizeof never_kept / sizeof *never_kept; i++) {
		if (is_within(path, never_kept[i]))
			return error_set(
				e, ERROR_FORMAT, 0, "nothing of %s can be kept", never_kept[i]);
	}
	for (size_t i = 0; i < index; i++) {
		if (is_within(path, stack->persist[i].path))
			return error_set(e, ERROR_FORMAT, 0,
				"it lies within `%.80s`, which is kept whole",
				stack->persist[i].path);
	}
	return 0;
}

int stack_check_persist(const struct stack *stack, size_t index, struct error *e)
{
	char name[STACK_PERSIST_SIZE];
	if (index >= LIMIT_PERSIST_PATHS)
		return error_set(
			e, ERROR_LIMIT, 0, "more than %u persistent paths", LIMIT_PERSIST_PATHS);
	if (index > 0 && strcmp(stack->persist[index - 1].path, stack->persist[index].path) >= 0)
		return error_set(
			e, ERROR_FORMAT, 0, "the paths are not sorted, or one is there twice");
	if (check_path(stack, index, e) != 0)
		return -1;
	return persist_name(stack->persist[index].path, name, e);
}

int persist_decode(const char *text, struct persist_path *out, struct error *e)
{
	return stack_persist.type->decode(&stack_persist, text, strlen(text), out, e);
}

void persist_format(const struct persist_path *persist, char out[PERSIST_TEXT_SIZE])
{
	char text[FIELD_VALUE_SIZE];
	stack_persist.type->format(&stack_persist, persist, text);
	(void)snprintf(out, PERSIST_TEXT_SIZE, "%.*s", PERSIST_TEXT_SIZE - 1, text);
}

int persist_name(const char *path, char out[STACK_PERSIST_SIZE], struct error *e)
{
	char name[STACK_PERSIST_SIZE * 3];
	size_t length = 0;
	for (const char *at = path + 1; *at != '\0'; at++) {
		const char *as = *at == '-' ? "%2d" : *at == '%' ? "%25" : NULL;
		if (as != NULL) {
			memcpy(name + length, as, 3);
			length += 3;
		} else {
			name[length++] = *at == '/' ? '-' : *at;
		}
	}
	if (length >= STACK_PERSIST_SIZE)
		return error_set(e, ERROR_LIMIT, 0,
			"its name on the state partition would have %zu bytes, over %d", length,
			STACK_PERSIST_SIZE - 1);
	name[length] = '\0';
	memcpy(out, name, length + 1);
	return 0;
}
