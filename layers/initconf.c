#include "initconf_private.h"

#include <stdlib.h>
#include <string.h>

#include "record.h"

void initconf_defaults(struct initconf *out)
{
	*out = (struct initconf){
		.device = {"PARTLABEL=plyboot-layers", "PARTLABEL=plyboot-state",
			"PARTLABEL=plyboot-record"},
		.wait_s = INITCONF_WAIT_S,
		.log = INITCONF_LOG_NORMAL,
		.progress = INITCONF_PROGRESS_AUTO,
		.signatures = 1,
		.tries = RECORD_TRIES,
		.upper_tries = INITCONF_UPPER_TRIES,
		.watchdog_s = INITCONF_WATCHDOG_S,
		.fsck_s = INITCONF_FSCK_S,
		.on_failure = ON_FAILURE_HALT,
	};
}

/* Cut the first word off `*line` and leave the rest, without the blanks between. */
static char *take_word(char **line)
{
	char *word = *line;
	char *end = word + strcspn(word, " \t");
	*line = end + strspn(end, " \t");
	*end = '\0';
	return word;
}

static int read_line(struct initconf_reader *r, char *line, bool seen[INITCONF_KEYS])
{
	line += strspn(line, " \t");
	if (line[0] == '\0' || line[0] == '#')
		return 0;
	for (const char *c = line; *c != '\0'; c++) {
		if (((unsigned char)*c < ' ' && *c != '\t') || *c == 127)
			return error_set(r->e, ERROR_CONFIG, 0,
				"init.conf line %u: a control character", r->line);
	}
	for (size_t end = strlen(line); line[end - 1] == ' ' || line[end - 1] == '\t'; end--)
		line[end - 1] = '\0';

	char *word = take_word(&line);
	r->how = INITCONF_FIXED;
	if (strcmp(word, "default") == 0) {
		r->how = INITCONF_DEFAULT;
		word = take_word(&line);
	}
	size_t i = 0;
	while (i < INITCONF_KEYS && strcmp(initconf_keys[i].name, word) != 0)
		i++;
	if (i == INITCONF_KEYS)
		return error_set(r->e, ERROR_CONFIG, 0, "init.conf line %u: unknown key `%s`",
			r->line, word);
	if (r->how == INITCONF_DEFAULT && !initconf_keys[i].may_default)
		return error_set(r->e, ERROR_CONFIG, 0,
			"init.conf line %u: `%s` has no default, the command line can't change it",
			r->line, word);
	if (seen[i] && !initconf_keys[i].may_repeat)
		return error_set(r->e, ERROR_CONFIG, 0, "init.conf line %u: `%s` a second time",
			r->line, word);
	seen[i] = true;
	if (line[0] == '\0')
		return error_set(r->e, ERROR_CONFIG, 0, "init.conf line %u: `%s` without a value",
			r->line, word);
	if (!initconf_keys[i].set(r, line))
		return error_set(r->e, ERROR_CONFIG, 0, "init.conf line %u: `%s` can't be `%s`%s",
			r->line, word, line,
			initconf_keys[i].may_repeat ? ", or comes too often" : "");
	return 0;
}

static int check_whole(const struct initconf *conf, struct error *e)
{
	if (conf->on_failure == ON_FAILURE_SHELL && conf->shell == NULL)
		return error_set(e, ERROR_CONFIG, 0,
			"init.conf: `on-failure shell` needs a line `shell PATH`");
	return 0;
}

static int read_lines(struct initconf *conf, char *text, struct error *e)
{
	struct initconf_reader r = {.conf = conf, .e = e};
	bool seen[INITCONF_KEYS] = {false};
	while (text[0] != '\0') {
		char *end = text + strcspn(text, "\n");
		char *next = *end == '\0' ? end : end + 1;
		*end = '\0';
		r.line++;
		if (read_line(&r, text, seen) != 0)
			return -1;
		text = next;
	}
	return check_whole(conf, e);
}

int initconf_parse(const char *text, size_t size_bytes, struct initconf *out, struct error *e)
{
	struct initconf conf;
	initconf_defaults(&conf);
	if (size_bytes > INITCONF_MAX_BYTES)
		return error_set(
			e, ERROR_CONFIG, 0, "init.conf: over %d bytes", INITCONF_MAX_BYTES);
	if (size_bytes > 0 && memchr(text, '\0', size_bytes) != NULL)
		return error_set(e, ERROR_CONFIG, 0, "init.conf: a NUL byte");
	conf.text = malloc(size_bytes + 1);
	conf.modules = calloc(INITCONF_MAX_MODULES, sizeof conf.modules[0]);
	if (conf.text == NULL || conf.modules == NULL) {
		initconf_free(&conf);
		return error_set(e, ERROR_NOSPACE, 0, "memory for init.conf");
	}
	if (size_bytes > 0)
		memcpy(conf.text, text, size_bytes);
	conf.text[size_bytes] = '\0';
	if (read_lines(&conf, conf.text, e) != 0) {
		initconf_free(&conf);
		return -1;
	}
	*out = conf;
	return 0;
}

void initconf_free(struct initconf *conf)
{
	free(conf->text);
	free(conf->modules);
	conf->text = NULL;
	conf->modules = NULL;
}
