#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

static void put(struct json_text *json, const char *bytes, size_t count)
{
	if (json->failed)
		return;
	if (json->capacity - json->length <= count) {
		size_t capacity = (json->length + count + 1) * 2;
		char *bigger = realloc(json->text, capacity);
		if (bigger == NULL) {
			json->failed = true;
			return;
		}
		json->text = bigger;
		json->capacity = capacity;
	}
	memcpy(json->text + json->length, bytes, count);
	json->length += count;
	json->text[json->length] = '\0';
}

static void put_text(struct json_text *json, const char *text)
{
	put(json, text, strlen(text));
}

/* The length of the UTF-8 sequence at `s` (RFC 3629: shortest form, no surrogates, at most
 * U+10FFFF), 0 when it is none. */
static size_t utf8_length(const unsigned char *s)
{
	static const struct {
		unsigned char first_low, first_high, second_low, second_high, length;
	} forms[] = {
		{0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	if (s[0] < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if (s[0] < forms[i].first_low || s[0] > forms[i].first_high)
			continue;
		if (s[1] < forms[i].second_low || s[1] > forms[i].second_high)
			return 0;
		for (size_t n = 2; n < forms[i].length; n++) {
			if ((s[n] & 0xc0) != 0x80)
				return 0;
		}
		return forms[i].length;
	}
	return 0;
}

static void put_quoted(struct json_text *json, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;
	put(json, "\"", 1);
	while (*s != '\0') {
		size_t length = utf8_length(s);
		if (length == 0) {
			put_text(json, "\\ufffd");
			length = 1;
		} else if (*s == '"' || *s == '\\') {
			put(json, "\\", 1);
			put(json, (const char *)s, 1);
		} else if (*s < 0x20 || *s == 0x7f) {
			char escape[8];
			(void)snprintf(escape, sizeof escape, "\\u%04x", *s);
			put_text(json, escape);
		} else {
			put(json, (const char *)s, length);
		}
		s += length;
	}
	put(json, "\"", 1);
}

enum { DEPTH_OF_LINES = 2 };

static void put_line(struct json_text *json)
{
	put(json, "\n", 1);
	for (unsigned i = 0; i < json->depth; i++)
		put(json, "  ", 2);
}

static void put_key(struct json_text *json, const char *key)
{
	if (json->need_comma)
		put(json, ",", 1);
	if (json->depth > 0 && json->depth <= DEPTH_OF_LINES)
		put_line(json);
	else if (json->need_comma)
		put(json, " ", 1);
	json->need_comma = true;
	if (key != NULL) {
		put_quoted(json, key);
		put(json, ": ", 2);
	}
}

void json_text_open(struct json_text *json, const char *key, char bracket)
{
	put_key(json, key);
	put(json, &bracket, 1);
	json->need_comma = false;
	json->depth++;
}

void json_text_close(struct json_text *json, char bracket)
{
	bool empty = !json->need_comma;
	json->depth--;
	if (json->depth < DEPTH_OF_LINES && !empty)
		put_line(json);
	put(json, &bracket, 1);
	json->need_comma = true;
}

void json_text_string(struct json_text *json, const char *key, const char *value)
{
	put_key(json, key);
	if (value == NULL)
		put_text(json, "null");
	else
		put_quoted(json, value);
}

void json_text_bool(struct json_text *json, const char *key, bool value)
{
	put_key(json, key);
	put_text(json, value ? "true" : "false");
}

void json_text_number(struct json_text *json, const char *key, uint64_t value)
{
	char text[24];
	put_key(json, key);
	(void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	put_text(json, text);
}

void json_text_ms(struct json_text *json, const char *key, uint64_t us)
{
	char text[32];
	put_key(json, key);
	(void)snprintf(text, sizeof text, "%" CLOCK_MS, CLOCK_MS_OF(us));
	put_text(json, text);
}
