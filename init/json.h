/* JSON text (RFC 8259) into a growing buffer. Running out of memory is remembered, not returned. */
#ifndef PLYBOOT_JSON_H
#define PLYBOOT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise; free `text`. `failed` says that the text is not whole. */
struct json_text {
	char *text; /* owned, NUL-terminated once anything was written */
	size_t length, capacity;
	bool failed;
	bool need_comma;
	unsigned depth;
};

/* A line for each member of the outermost value and for each element of theirs; what lies deeper
 * stays on its line. */

/* `key` is NULL for an element of an array and for the outermost value. */
void json_text_open(struct json_text *json, const char *key, char bracket); /* '{' or '[' */
void json_text_close(struct json_text *json, char bracket);                 /* '}' or ']' */

/* Any bytes: what is not UTF-8 becomes U+FFFD, one for each byte. NULL becomes null. */
void json_text_string(struct json_text *json, const char *key, const char *value);
/* true, false */
void json_text_bool(struct json_text *json, const char *key, bool value);
void json_text_number(struct json_text *json, const char *key, uint64_t value);
void json_text_ms(
	struct json_text *json, const char *key, uint64_t us); /* as milliseconds, three decimals */

#endif
