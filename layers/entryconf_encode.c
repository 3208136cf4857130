#include "entryconf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scope.h"

struct writer {
	char *text;
	size_t size_bytes, capacity;
};

/* Room for `more` bytes and a NUL, which the caller is sure not to be many. */
static int reserve(struct writer *w, size_t more, struct error *e)
{
	size_t needed = w->size_bytes + more + 1;
	if (needed <= w->capacity)
		return 0;
	char *grown = realloc(w->text, needed * 2);
	if (grown == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	w->text = grown;
	w->capacity = needed * 2;
	return 0;
}

static void put_byte(struct writer *w, unsigned char byte)
{
	char *at = w->text + w->size_bytes;
	if (byte == '\\' || byte == '"')
		w->size_bytes += (size_t)sprintf(at, "\\%c", byte);
	else if (byte < 0x20 || byte > 0x7e)
		w->size_bytes += (size_t)sprintf(at, "\\x%02x", byte);
	else
		w->text[w->size_bytes++] = (char)byte;
}

static int put_plain(struct writer *w, const char *text, struct error *e)
{
	size_t length = strlen(text);
	if (reserve(w, length, e) != 0)
		return -1;
	memcpy(w->text + w->size_bytes, text, length + 1);
	w->size_bytes += length;
	return 0;
}

static int put_string(struct writer *w, const char *key, const char *value, struct error *e)
{
	size_t length = strlen(value);
	/* What can't fit is not written first. */
	if (length > ENTRYCONF_MAX_STRING || w->size_bytes + length > ENTRYCONF_MAX_BYTES)
		return error_set(e, ERROR_LIMIT, 0,
			"`%s`: over %d bytes of one string, or %d in all", key,
			(int)ENTRYCONF_MAX_STRING, (int)ENTRYCONF_MAX_BYTES);
	if (put_plain(w, key, e) != 0 || put_plain(w, " \"", e) != 0 ||
		reserve(w, 4 * length, e) != 0)
		return -1;
	for (size_t i = 0; i < length; i++)
		put_byte(w, (unsigned char)value[i]);
	return put_plain(w, "\"\n", e);
}

static int put_strings(
	struct writer *w, const char *key, const char *const *values, size_t count, struct error *e)
{
	for (size_t i = 0; i < count; i++) {
		if (put_string(w, key, values[i], e) != 0)
			return -1;
	}
	return 0;
}

static int put_all(struct writer *w, const struct entryconf *conf, struct error *e)
{
	const char *const end[] = {"stop-signal ", conf->stop_signal, "\non-exit ",
		entryconf_exit_names[conf->on_exit], "\n"};
	if (put_plain(w, "plyboot entry 1\n", e) != 0 ||
		put_strings(w, "argument", conf->arguments, conf->argument_count, e) != 0 ||
		put_strings(w, "environment", conf->variables, conf->variable_count, e) != 0 ||
		put_string(w, "directory", conf->directory, e) != 0 ||
		put_string(w, "user", conf->user, e) != 0)
		return -1;
	for (size_t i = 0; i < sizeof end / sizeof end[0]; i++) {
		if (put_plain(w, end[i], e) != 0)
			return -1;
	}
	return 0;
}

int entryconf_encode(const struct entryconf *conf, char **text, size_t *size_bytes, struct error *e)
{
	struct writer w = {0};
	struct entryconf again;
	int result = put_all(&w, conf, e);
	/* One definition of what is allowed. */
	if (result == 0)
		result = entryconf_decode((const uint8_t *)w.text, w.size_bytes, &again, e);
	if (result != 0) {
		free(w.text);
		return -1;
	}
	entryconf_free(&again);
	*text = w.text;
	*size_bytes = w.size_bytes;
	return 0;
}
