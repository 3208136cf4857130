#include "entryconf.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ceilings.h"
#include "text.h"

#define FIRST_LINE "plyboot entry 1\n"

struct reader {
	const char *next, *end; /* of the text; `next` begins a line */
	unsigned line;          /* the number of the last line that was taken */
	char *room;             /* where the next string goes */
	struct entryconf *conf;
	struct error *e;
};

const char *const entryconf_exit_names[ENTRYCONF_EXITS + 1] = {
	[ENTRYCONF_EXIT_STATUS] = "status",
	[ENTRYCONF_EXIT_POWEROFF] = "poweroff",
	[ENTRYCONF_EXIT_REBOOT] = "reboot",
};

static int refuse(const struct reader *r, enum error_code code, const char *what)
{
	return error_set(r->e, code, 0, "line %u: %s", r->line, what);
}

/* --- lines */

static bool is_at(const struct reader *r, const char *key)
{
	size_t length = strlen(key);
	return (size_t)(r->end - r->next) > length && memcmp(r->next, key, length) == 0 &&
	       r->next[length] == ' ';
}

/* The value of the next line, which must have this key. There is a line feed: text_check() saw it.
 */
static int take(struct reader *r, const char *key, const char **value, size_t *length)
{
	r->line++;
	if (!is_at(r, key))
		return error_set(
			r->e, ERROR_FORMAT, 0, "line %u: `%s` must stand here", r->line, key);
	*value = r->next + strlen(key) + 1;
	const char *feed = memchr(*value, '\n', (size_t)(r->end - *value));
	*length = (size_t)(feed - *value);
	r->next = feed + 1;
	return 0;
}

/* --- strings: "...", with \\ and \" and, for all but printable ASCII, \x and two digits */

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = memchr(digits, c, 16);
	return found == NULL ? -1 : (int)(found - digits);
}

/* The byte that an escape at `at` stands for, and its length; 0 for none that may be written so.
 * Behind it is at least the quote that ends the string. */
static size_t unescape(const char *at, char *out)
{
	if (at[1] == '\\' || at[1] == '"') {
		*out = at[1];
		return 2;
	}
	if (at[1] != 'x' || hex_digit(at[2]) < 0 || hex_digit(at[3]) < 0)
		return 0;
	int byte = hex_digit(at[2]) * 16 + hex_digit(at[3]);
	*out = (char)byte;
	return byte == 0 || (byte >= 0x20 && byte <= 0x7e) ? 0 : 4;
}

static int take_string(struct reader *r, const char *key, const char **out)
{
	const char *value;
	size_t length;
	char *to = r->room;
	if (take(r, key, &value, &length) != 0)
		return -1;
	if (length < 2 || value[0] != '"' || value[length - 1] != '"')
		return refuse(r, ERROR_FORMAT, "the value must stand in double quotes");
	for (const char *at = value + 1, *end = value + length - 1; at < end;) {
		size_t used = 1;
		*to = *at;
		if (*at == '\\')
			used = unescape(at, to);
		if (*at == '"' || used == 0 || used > (size_t)(end - at))
			return refuse(
				r, ERROR_FORMAT, "a quote or an escape that may not stand there");
		at += used;
		to++;
	}
	if (to - r->room > ENTRYCONF_MAX_STRING)
		return refuse(r, ERROR_LIMIT, "a string over 131071 bytes");
	*to++ = '\0';
	*out = r->room;
	r->room = to;
	return 0;
}

/* --- keys */

static int take_items(struct reader *r, const char *key, const char **items, size_t *count)
{
	while (is_at(r, key)) {
		if (*count == ENTRYCONF_MAX_ITEMS) {
			r->line++;
			return refuse(r, ERROR_LIMIT, "more than 4096 of a kind");
		}
		if (take_string(r, key, &items[*count]) != 0)
			return -1;
		(*count)++;
	}
	return 0;
}

static int take_arguments(struct reader *r)
{
	struct entryconf *conf = r->conf;
	if (take_items(r, "argument", conf->arguments, &conf->argument_count) != 0)
		return -1;
	if (conf->argument_count == 0 || conf->arguments[0][0] == '\0')
		return error_set(r->e, ERROR_FORMAT, 0,
			"line 2: `argument` must stand here, with the program to run");
	return 0;
}

static bool same_name(const char *a, const char *b)
{
	size_t length = strcspn(a, "=") + 1;
	return strncmp(a, b, length) == 0;
}

static int take_variables(struct reader *r)
{
	struct entryconf *conf = r->conf;
	if (take_items(r, "environment", conf->variables, &conf->variable_count) != 0)
		return -1;
	unsigned first = r->line - (unsigned)conf->variable_count + 1;
	for (size_t i = 0; i < conf->variable_count; i++) {
		const char *one = conf->variables[i];
		r->line = first + (unsigned)i;
		if (one[0] == '=' || strchr(one, '=') == NULL)
			return refuse(r, ERROR_FORMAT, "a variable must be NAME=VALUE");
		for (size_t before = 0; before < i; before++) {
			if (same_name(one, conf->variables[before]))
				return refuse(r, ERROR_FORMAT, "a variable a second time");
		}
	}
	return 0;
}

static int take_directory(struct reader *r)
{
	if (take_string(r, "directory", &r->conf->directory) != 0)
		return -1;
	const char *path = r->conf->directory;
	if (strlen(path) > LIMIT_PATH_BYTES)
		return refuse(r, ERROR_LIMIT, "a path over 4095 bytes");
	if (path[0] != '/')
		return refuse(r, ERROR_FORMAT, "the directory must begin with /");
	if (path[1] == '\0')
		return 0;
	while (*path == '/') {
		const char *part = ++path;
		size_t length = strcspn(path, "/");
		path += length;
		if (length == 0 || (length <= 2 && strspn(part, ".") >= length))
			return refuse(r, ERROR_FORMAT,
				"the directory may have no empty, `.` or `..` parts");
		if (length > LIMIT_COMPONENT_BYTES)
			return refuse(r, ERROR_LIMIT, "a path with a part over 255 bytes");
	}
	return 0;
}

static int take_user(struct reader *r)
{
	if (take_string(r, "user", &r->conf->user) != 0)
		return -1;
	const char *user = r->conf->user, *group = strchr(user, ':');
	size_t length = strcspn(user, ":");
	size_t group_length = group == NULL ? 0 : strlen(group + 1);
	if (length == 0 || (group != NULL && group_length == 0) ||
		(group != NULL && strchr(group + 1, ':') != NULL) || strchr(user, '\n') != NULL)
		return refuse(r, ERROR_FORMAT, "the user must be USER or USER:GROUP");
	if (length > ENTRYCONF_MAX_USER || group_length > ENTRYCONF_MAX_USER)
		return refuse(r, ERROR_LIMIT, "a name over 255 bytes");
	return 0;
}

static int take_stop_signal(struct reader *r)
{
	const char *value;
	size_t length;
	if (take(r, "stop-signal", &value, &length) != 0)
		return -1;
	char *name = r->conf->stop_signal;
	if (length >= SIGNAL_NAME_SIZE)
		return refuse(r, ERROR_FORMAT, "no signal has such a name");
	memcpy(name, value, length);
	name[length] = '\0';
	if (signal_number(name) == 0)
		return refuse(r, ERROR_FORMAT, "no signal has such a name");
	return 0;
}

static int take_on_exit(struct reader *r)
{
	const char *value;
	size_t length;
	if (take(r, "on-exit", &value, &length) != 0)
		return -1;
	for (unsigned i = 0; i < ENTRYCONF_EXITS; i++) {
		if (strlen(entryconf_exit_names[i]) == length &&
			memcmp(entryconf_exit_names[i], value, length) == 0) {
			r->conf->on_exit = (enum entryconf_exit)i;
			return 0;
		}
	}
	return refuse(r, ERROR_FORMAT, "`status`, `poweroff` or `reboot` must stand here");
}

static int take_all(struct reader *r)
{
	size_t first = strlen(FIRST_LINE);
	if ((size_t)(r->end - r->next) < first || memcmp(r->next, FIRST_LINE, first) != 0)
		return error_set(
			r->e, ERROR_FORMAT, 0, "line 1: `plyboot entry 1` must stand here");
	r->next += first;
	r->line = 1;
	if (take_arguments(r) != 0 || take_variables(r) != 0 || take_directory(r) != 0 ||
		take_user(r) != 0 || take_stop_signal(r) != 0 || take_on_exit(r) != 0)
		return -1;
	r->line++;
	return r->next == r->end ? 0 : refuse(r, ERROR_FORMAT, "nothing may stand here");
}

int entryconf_decode(
	const uint8_t *bytes, size_t size_bytes, struct entryconf *out, struct error *e)
{
	struct entryconf conf = {0};
	if (size_bytes > ENTRYCONF_MAX_BYTES)
		return error_set(e, ERROR_LIMIT, 0, "over %d bytes", (int)ENTRYCONF_MAX_BYTES);
	if (text_check(bytes, size_bytes, e) != 0)
		return -1;
	/* No string is longer than its line. */
	conf.storage = malloc(size_bytes);
	conf.arguments = calloc(ENTRYCONF_MAX_ITEMS + 1, sizeof *conf.arguments);
	conf.variables = calloc(ENTRYCONF_MAX_ITEMS + 1, sizeof *conf.variables);
	struct reader r = {
		.next = (const char *)bytes,
		.end = (const char *)bytes + size_bytes,
		.room = conf.storage,
		.conf = &conf,
		.e = e,
	};
	int result = conf.storage == NULL || conf.arguments == NULL || conf.variables == NULL
			     ? error_set(e, ERROR_NOSPACE, 0, "no memory")
			     : take_all(&r);
	if (result == 0)
		*out = conf;
	else
		entryconf_free(&conf);
	return result;
}

void entryconf_free(struct entryconf *conf)
{
	free(conf->storage);
	free(conf->arguments);
	free(conf->variables);
	*conf = (struct entryconf){0};
}
