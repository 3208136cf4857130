#include "paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int refuse(struct error *e, const char *raw, const char *why)
{
	return error_set(e, ERROR_PATH, 0, "path `%.80s` %s", raw, why);
}

int path_normalize(const char *raw, char out[LIMIT_PATH_BYTES + 1], struct error *e)
{
	if (raw[0] == '\0')
		return refuse(e, raw, "is empty");
	if (raw[0] == '/')
		return refuse(e, raw, "is absolute");
	if (strlen(raw) > LIMIT_PATH_BYTES)
		return refuse(e, raw, "is longer than 4095 bytes");

	size_t used = 0;
	for (const char *at = raw; *at != '\0';) {
		size_t length = strcspn(at, "/");
		if (length == 2 && at[0] == '.' && at[1] == '.')
			return refuse(e, raw, "has a `..` in it");
		if (length > LIMIT_COMPONENT_BYTES)
			return refuse(e, raw, "has a name of more than 255 bytes");
		if (length > 0 && !(length == 1 && at[0] == '.')) {
			if (used > 0)
				out[used++] = '/';
			memcpy(out + used, at, length);
			used += length;
		}
		at += length;
		at += *at == '/';
	}
	out[used] = '\0';
	return 0;
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? path : slash + 1;
}

size_t path_parent_length(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? 0 : (size_t)(slash - path);
}

int path_list_add(struct path_list *list, const char *path, uint32_t value, struct error *e)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
		struct path_item *items = reallocarray(list->items, capacity, sizeof *items);
		if (items == NULL)
			return error_errno(e, ENOMEM, "remember path `%.80s`", path);
		list->items = items;
		list->capacity = capacity;
	}
	char *copy = strdup(path);
	if (copy == NULL)
		return error_errno(e, ENOMEM, "remember path `%.80s`", path);
	/* What malloc adds, about. */
	list->bytes += sizeof *list->items + strlen(path) + 1 + 2 * sizeof(void *);
	list->items[list->count++] = (struct path_item){.path = copy, .value = value};
	return 0;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(((const struct path_item *)a)->path, ((const struct path_item *)b)->path);
}

static int compare_items(const void *a, const void *b)
{
	uint32_t left = ((const struct path_item *)a)->value,
		 right = ((const struct path_item *)b)->value;
	int order = compare_paths(a, b);
	return order != 0 ? order : (left > right) - (left < right);
}

void path_list_sort(struct path_list *list)
{
	if (list->count > 0)
		qsort(list->items, list->count, sizeof *list->items, compare_items);
}

bool path_list_has(const struct path_list *list, const char *path)
{
	const struct path_item key = {.path = (char *)path};
	return list->count > 0 &&
	       bsearch(&key, list->items, list->count, sizeof key, compare_paths) != NULL;
}

void path_list_free(struct path_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].path);
	free(list->items);
	*list = (struct path_list){0};
}
