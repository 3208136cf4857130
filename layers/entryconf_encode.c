#include "entryconf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Around the bytes of each string; of all lines that hold none. */
enum { AROUND_STRING = sizeof "environment \"\"\n", OTHER_LINES = 256 };

/* What may be needed for the file, so that there is room for all of it from the beginning. */
struct need {
	size_t strings, string_bytes;
	struct error *e;
};

static int count_string(struct need *need, const char *key, const char *value)
{
	size_t length = strlen(value);
	need->strings++;
	need->string_bytes += length;
	if (length <= ENTRYCONF_MAX_STRING && need->string_bytes <= ENTRYCONF_MAX_BYTES)
		return 0;
	return error_set(need->e, ERROR_LIMIT, 0, "`%s`: over %d bytes of one string, or %d in all",
		key, (int)ENTRYCONF_MAX_STRING, (int)ENTRYCONF_MAX_BYTES);
}

static int count_strings(
	struct need *need, const char *key, const char *const *values, size_t count)
{
	if (count > ENTRYCONF_MAX_ITEMS)
		return error_set(need->e, ERROR_LIMIT, 0, "`%s`: more than %d", key,
			(int)ENTRYCONF_MAX_ITEMS);
	for (size_t i = 0; i < count; i++) {
		if (count_string(need, key, values[i]) != 0)
			return -1;
	}
	return 0;
}

static char *put_string(char *to, const char *key, const char *value)
{
	to += sprintf(to, "%s \"", key);
	for (; *value != '\0'; value++) {
		unsigned char byte = (unsigned char)*value;
		if (byte == '\\' || byte == '"')
			to += sprintf(to, "\\%c", byte);
		else if (byte < 0x20 || byte > 0x7e)
			to += sprintf(to, "\\x%02x", byte);
		else
			*to++ = (char)byte;
	}
	return to + sprintf(to, "\"\n");
}

static char *put_all(char *to, const struct entryconf *conf)
{
	to += sprintf(to, "plyboot entry 1\n");
	for (size_t i = 0; i < conf->argument_count; i++)
		to = put_string(to, "argument", conf->arguments[i]);
	for (size_t i = 0; i < conf->variable_count; i++)
		to = put_string(to, "environment", conf->variables[i]);
	to = put_string(to, "directory", conf->directory);
	to = put_string(to, "user", conf->user);
	return to + sprintf(to, "stop-signal %s\non-exit %s\n", conf->stop_signal,
			    entryconf_exit_names[conf->on_exit]);
}

int entryconf_encode(const struct entryconf *conf, char **text, size_t *size_bytes, struct error *e)
{
	struct need need = {.e = e};
	struct entryconf again;
	if (count_strings(&need, "argument", conf->arguments, conf->argument_count) != 0 ||
		count_strings(&need, "environment", conf->variables, conf->variable_count) != 0 ||
		count_string(&need, "directory", conf->directory) != 0 ||
		count_string(&need, "user", conf->user) != 0)
		return -1;
	char *room = malloc(4 * need.string_bytes + AROUND_STRING * need.strings + OTHER_LINES);
	if (room == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	size_t used = (size_t)(put_all(room, conf) - room);
	/* One definition of what is allowed. */
	if (entryconf_decode((const uint8_t *)room, used, &again, e) != 0) {
		free(room);
		return -1;
	}
	entryconf_free(&again);
	*text = room;
	*size_bytes = used;
	return 0;
}
