#include "json_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../layers/base64.h"
#include "../layers/ceilings.h"
#include "../layers/scope.h"
#include "shown.h"

struct json_line json_line_new(void)
{
	json_t *json = json_object();
	return (struct json_line){.json = json, .failed = json == NULL};
}

void json_line_put(struct json_line *object, const char *key, json_t *value)
{
	if (json_object_set_new(object->json, key, value) != 0)
		object->failed = true;
}

void json_line_put_object(struct json_line *object, const char *key, struct json_line value)
{
	object->failed |= value.failed;
	json_line_put(object, key, value.json);
}

void json_line_append(struct json_line *object, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) != 0)
		object->failed = true;
}

void json_line_put_number(struct json_line *object, const char *key, uint64_t value)
{
	json_line_put(object, key, json_integer((json_int_t)value));
}

json_t *json_line_base64(const void *data, size_t size_bytes)
{
	SCOPED_FREE char *text = malloc(BASE64_LENGTH(size_bytes) + 1);
	if (text == NULL)
		return NULL;
	base64_encode(data, size_bytes, text);
	return json_string(text);
}

char *json_line_escaped(const char *text)
{
	char *out = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&out, &size);
	if (to == NULL)
		return NULL;
	shown_print(text, to);
	if (fclose(to) == 0)
		return out;
	free(out);
	return NULL;
}

void json_line_put_name(struct json_line *object, const char *key, const char *text)
{
	if (shown_is_utf8(text)) {
		json_line_put(object, key, json_string(text));
		return;
	}
	char exactly[32];
	SCOPED_FREE char *shown = json_line_escaped(text);
	(void)snprintf(exactly, sizeof exactly, "%s_base64", key);
	json_line_put(object, key, shown == NULL ? NULL : json_string(shown));
	json_line_put(object, exactly, json_line_base64(text, strlen(text)));
}

void json_line_put_path(struct json_line *object, const char *key, const char *path)
{
	char absolute[LIMIT_PATH_BYTES + 2] = "/";
	memcpy(absolute + 1, path, strlen(path) + 1);
	json_line_put_name(object, key, absolute);
}

int json_line_print(struct json_line *object, struct error *e)
{
	int result = 0;
	if (object->failed)
		result = error_set(e, ERROR_NOSPACE, 0, "no memory");
	else if (json_dumpf(object->json, stdout, JSON_COMPACT) != 0)
		result = error_set(e, ERROR_IO, errno, "standard output can't be written");
	else
		putchar('\n');
	json_decref(object->json);
	return result;
}
