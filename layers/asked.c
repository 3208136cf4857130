#include "asked.h"

#include <stdio.h>
#include <string.h>

#include "ceilings.h"

static const char reset_line[] = "reset\n", keep_word[] = "keep ", revert_word[] = "revert ";

/* --- paths */

bool asked_is_within(const char *path, const char *directory)
{
	size_t length = strlen(directory);
	return strncmp(path, directory, length) == 0 &&
	       (path[length] == '\0' || path[length] == '/');
}

/* Components with a slash in front of each, none empty, ".", ".." or too long a name. */
static bool path_is_normal(const char *path)
{
	if (strlen(path) >= ASKED_PATH_SIZE || path[0] == '\0')
		return false;
	while (*path != '\0') {
		size_t length = *path == '/' ? strcspn(path + 1, "/") : 0;
		if (length == 0 || length > LIMIT_COMPONENT_BYTES ||
			(path[1] == '.' && (length == 1 || (length == 2 && path[2] == '.'))))
			return false;
		path += 1 + length;
	}
	return true;
}

static void remove_at(struct asked *asked, size_t index)
{
	asked->count--;
	memmove(asked->paths[index], asked->paths[index + 1],
		(asked->count - index) * sizeof asked->paths[0]);
}

static void insert(struct asked *asked, const char *path)
{
	size_t i = 0;
	while (i < asked->count && strcmp(asked->paths[i], path) < 0)
		i++;
	memmove(asked->paths[i + 1], asked->paths[i], (asked->count - i) * sizeof asked->paths[0]);
	(void)snprintf(asked->paths[i], sizeof asked->paths[0], "%s", path);
	asked->count++;
}

int asked_add(struct asked *asked, const char *path, struct error *e)
{
	if (!path_is_normal(path))
		return error_set(e, ERROR_PATH, 0,
			"`%.80s` is no absolute path in its normal form, or too long", path);
	for (size_t i = 0; i < asked->count; i++) {
		if (asked_is_within(path, asked->paths[i]))
			return 0;
	}
	for (size_t i = asked->count; i > 0; i--) {
		if (asked_is_within(asked->paths[i - 1], path))
			remove_at(asked, i - 1);
	}
	if (asked->count == ASKED_ROOM)
		return error_set(e, ERROR_LIMIT, 0, "over %d paths", ASKED_ROOM);
	insert(asked, path);
	return 0;
}

bool asked_remove(struct asked *asked, const char *path)
{
	for (size_t i = 0; i < asked->count; i++) {
		if (strcmp(asked->paths[i], path) == 0) {
			remove_at(asked, i);
			return true;
		}
	}
	return false;
}

/* --- the text */

static bool is_plain(char c)
{
	return c > ' ' && c < 127 && c != '%';
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What ends with the line's newline; NULL: it is not what would have been written. */
static const char *take_path(const char *at, const char *end, char out[ASKED_PATH_SIZE])
{
	size_t used = 0;
	for (; at < end && *at != '\n'; at++) {
		char c = *at;
		if (c == '%') {
			int high = end - at > 2 ? hex_value(at[1]) : -1;
			int low = high >= 0 ? hex_value(at[2]) : -1;
			c = (char)(low < 0 ? 'x' : high * 16 + low);
			if (is_plain(c) || c == '\0')
				return NULL;
			at += 2;
		} else if (!is_plain(c)) {
			return NULL;
		}
		if (used == ASKED_PATH_SIZE - 1)
			return NULL;
		out[used++] = c;
	}
	out[used] = '\0';
	return at < end ? at + 1 : NULL;
}

static bool begins(const char *at, const char *end, const char *word)
{
	size_t length = strlen(word);
	return (size_t)(end - at) >= length && memcmp(at, word, length) == 0;
}

/* The next of them in their order, and none within another. */
static bool may_follow(const struct asked *asked, const char *path)
{
	if (!path_is_normal(path) || asked->count == ASKED_MOST)
		return false;
	for (size_t i = 0; i < asked->count; i++) {
		if (strcmp(asked->paths[i], path) >= 0 || asked_is_within(path, asked->paths[i]))
			return false;
	}
	return true;
}

static int refuse(struct asked *out, struct error *e, const char *why)
{
	size_t line = out->count + 1 + out->reset;
	out->reset = false;
	out->count = 0;
	return error_set(e, ERROR_FORMAT, 0, "line %zu %s", line, why);
}

int asked_decode(const char *text, size_t size_bytes, struct asked *out, struct error *e)
{
	const char *at = text, *end = text + size_bytes;
	out->count = 0;
	out->reset = begins(at, end, reset_line);
	if (out->reset)
		at += strlen(reset_line);
	const char *word = out->reset ? keep_word : revert_word;
	while (at < end) {
		char *path = out->paths[out->count];
		at = begins(at, end, word) ? take_path(at + strlen(word), end, path) : NULL;
		if (at == NULL)
			return refuse(
				out, e, out->reset ? "is not `keep PATH`" : "is not `revert PATH`");
		if (!may_follow(out, path))
			return refuse(out, e,
				"has a path that is none, out of order, within another, or one too "
				"many");
		out->count++;
	}
	if (!out->reset && out->count == 0)
		return refuse(out, e, "is not there");
	return 0;
}

static size_t put_path(const char *path, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t used = 0;
	for (; *path != '\0'; path++) {
		if (is_plain(*path)) {
			out[used++] = *path;
		} else {
			out[used++] = '%';
			out[used++] = digits[(unsigned char)*path >> 4];
			out[used++] = digits[*path & 15];
		}
	}
	return used;
}

static size_t put_text(const char *text, char *out)
{
	size_t length = strlen(text);
	memcpy(out, text, length);
	return length;
}

size_t asked_encode(const struct asked *asked, char out[ASKED_TEXT_SIZE])
{
	size_t used = asked->reset ? put_text(reset_line, out) : 0;
	for (size_t i = 0; i < asked->count; i++) {
		used += put_text(asked->reset ? keep_word : revert_word, out + used);
		used += put_path(asked->paths[i], out + used);
		used += put_text("\n", out + used);
	}
	out[used] = '\0';
	return used;
}
