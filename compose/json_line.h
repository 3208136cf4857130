/* A JSON object that is filled key by key, and printed in one line. */
#ifndef PLYBOOT_JSON_LINE_H
#define PLYBOOT_JSON_LINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "../layers/error.h"

/* What could not be put in is noted, and said by json_line_print() alone. */
struct json_line {
	json_t *json;
	bool failed;
};

struct json_line json_line_new(void);

/* `value` is taken over; NULL is what could not be made. */
void json_line_put(struct json_line *object, const char *key, json_t *value);
void json_line_put_object(struct json_line *object, const char *key, struct json_line value);
void json_line_append(struct json_line *object, json_t *array, json_t *value);
void json_line_put_number(struct json_line *object, const char *key, uint64_t value);

/* JSON has no bytes: what is no UTF-8 comes escaped, and exactly in a second key, KEY_base64. */
void json_line_put_name(struct json_line *object, const char *key, const char *text);
/* `path` with the slash in front that paths in the tree have. */
void json_line_put_path(struct json_line *object, const char *key, const char *path);

json_t *json_line_base64(const void *data, size_t size_bytes);

/* Escaped as in the other output (shown.h). The caller frees; NULL: no memory. */
char *json_line_escaped(const char *text);

/* In one line on standard output, and freed. ERROR_NOSPACE, ERROR_IO. */
int json_line_print(struct json_line *object, struct error *e);

#endif
