#include "initconf.h"

#include <stdlib.h>
#include <string.h>

#include "record.h"

/* A line's place and weight, for the functions in the table below. */
struct reader {
	struct initconf *conf;
	enum initconf_how how;
	unsigned line;
	struct error *e;
};

static const char *const device_names[INITCONF_DEVICES] = {
	[INITCONF_LAYERS] = "layers",
	[INITCONF_STATE] = "state",
	[INITCONF_RECORD] = "record",
};

const char *initconf_device_name(enum initconf_device device)
{
	return device_names[device];
}

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

/* --- values */

static bool is_one_of(const char *text, size_t max_length, const char *set)
{
	size_t length = strlen(text);
	return length >= 1 && length <= max_length && strspn(text, set) == length;
}

/* Absolute, no empty component, no "." or "..", no slash at the end. */
static bool path_is_normal(const char *path)
{
	if (path[0] != '/' || strlen(path) > 255)
		return false;
	while (*path == '/') {
		const char *name = ++path;
		path += strcspn(path, "/");
		size_t length = (size_t)(path - name);
		if (length == 0 || (length == 1 && name[0] == '.') ||
			(length == 2 && name[0] == '.' && name[1] == '.'))
			return false;
	}
	return true;
}

bool initconf_program_valid(const char *path)
{
	return path_is_normal(path);
}

bool initconf_device_valid(enum initconf_device device, const char *text)
{
	static const char hex[] = "0123456789abcdefABCDEF-";
	static const struct {
		const char *tag;
		size_t max_length;
		const char *set; /* NULL: any */
	} tags[] = {
		{"LABEL=", 16, NULL},      /* s_volume_name of ext4 */
		{"PARTLABEL=", 108, NULL}, /* 36 UTF-16 units */
		{"UUID=", 36, hex},
		{"PARTUUID=", 36, hex},
	};
	if (strcmp(text, "none") == 0)
		return device != INITCONF_LAYERS;
	if (strncmp(text, "/dev/", 5) == 0)
		return path_is_normal(text);
	for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
		size_t length = strlen(tags[i].tag);
		if (strncmp(text, tags[i].tag, length) != 0)
			continue;
		if (tags[i].set != NULL)
			return is_one_of(text + length, tags[i].max_length, tags[i].set);
		size_t rest = strlen(text + length);
		return rest >= 1 && rest <= tags[i].max_length;
	}
	return false;
}

bool initconf_stack_valid(const char *name)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	return is_one_of(name, STACK_NAME_SIZE - 1, set) && strchr("._-", name[0]) == NULL;
}

/* Decimal without sign, leading zeros or anything behind it. */
static bool number_parse(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;
	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		uint64_t digit = (uint64_t)(*text - '0');
		if (digit > max || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

bool initconf_wait_parse(const char *text, unsigned *seconds)
{
	uint64_t value;
	if (!number_parse(text, INITCONF_MAX_WAIT_S, &value))
		return false;
	*seconds = (unsigned)value;
	return true;
}

bool initconf_log_parse(const char *text, enum initconf_log *log)
{
	static const char *const names[INITCONF_LOGS] = {"quiet", "normal", "debug"};
	for (unsigned i = 0; i < INITCONF_LOGS; i++) {
		if (strcmp(text, names[i]) == 0) {
			*log = (enum initconf_log)i;
			return true;
		}
	}
	return false;
}

/* --- keys: each returns false when the value is not one of its kind */

static bool set_device(struct reader *r, enum initconf_device device, char *value)
{
	if (!initconf_device_valid(device, value))
		return false;
	r->conf->device[device] = value;
	r->conf->device_how[device] = r->how;
	return true;
}

static bool set_layers(struct reader *r, char *value)
{
	return set_device(r, INITCONF_LAYERS, value);
}

static bool set_state(struct reader *r, char *value)
{
	return set_device(r, INITCONF_STATE, value);
}

static bool set_record(struct reader *r, char *value)
{
	return set_device(r, INITCONF_RECORD, value);
}

static bool set_stack(struct reader *r, char *value)
{
	r->conf->stack = value;
	r->conf->stack_how = r->how;
	return initconf_stack_valid(value);
}

static bool set_upper(struct reader *r, char *value)
{
	r->conf->upper_volatile = true;
	return strcmp(value, "volatile") == 0;
}

static bool set_wait(struct reader *r, char *value)
{
	r->conf->wait_how = r->how;
	return initconf_wait_parse(value, &r->conf->wait_s);
}

static bool set_log(struct reader *r, char *value)
{
	r->conf->log_how = r->how;
	return initconf_log_parse(value, &r->conf->log);
}

const char *initconf_progress_name(enum initconf_progress progress)
{
	static const char *const names[INITCONF_PROGRESSES] = {"auto", "bar", "lines", "off"};
	return names[progress];
}

static bool set_progress(struct reader *r, char *value)
{
	for (unsigned i = 0; i < INITCONF_PROGRESSES; i++) {
		if (strcmp(value, initconf_progress_name((enum initconf_progress)i)) == 0) {
			r->conf->progress = (enum initconf_progress)i;
			return true;
		}
	}
	return false;
}

static bool set_floor(struct reader *r, char *value)
{
	return number_parse(value, INT64_MAX, &r->conf->floor);
}

static bool set_signatures(struct reader *r, char *value)
{
	uint64_t needed;
	if (!number_parse(value, LIMIT_SIGNATURES, &needed) || needed == 0)
		return false;
	r->conf->signatures = (unsigned)needed;
	return true;
}

static bool set_tries(struct reader *r, char *value)
{
	uint64_t tries;
	if (!number_parse(value, RECORD_TRIES_MOST, &tries) || tries == 0)
		return false;
	r->conf->tries = (uint8_t)tries;
	return true;
}

/* `none` is 0. */
static bool number_or_none(const char *value, uint64_t most, unsigned *out)
{
	uint64_t number = 0;
	if (strcmp(value, "none") != 0 && (!number_parse(value, most, &number) || number == 0))
		return false;
	*out = (unsigned)number;
	return true;
}

static bool set_upper_tries(struct reader *r, char *value)
{
	return number_or_none(value, INITCONF_UPPER_TRIES_MOST, &r->conf->upper_tries);
}

static bool set_watchdog(struct reader *r, char *value)
{
	if (!number_or_none(value, INITCONF_WATCHDOG_MOST_S, &r->conf->watchdog_s))
		return false;
	r->conf->watchdog_demanded = r->conf->watchdog_s > 0;
	return true;
}

static bool set_fsck(struct reader *r, char *value)
{
	return number_or_none(value, INITCONF_FSCK_MOST_S, &r->conf->fsck_s);
}

static bool set_revoked(struct reader *r, char *value)
{
	struct initconf *conf = r->conf;
	if (conf->revoked_count == LIMIT_KEYS ||
		!digest_parse(value, strlen(value), &conf->revoked[conf->revoked_count]))
		return false;
	conf->revoked_count++;
	return true;
}

static bool set_module(struct reader *r, char *value)
{
	struct initconf *conf = r->conf;
	char *end = value + strcspn(value, " \t");
	char *parameters = end + strspn(end, " \t");
	*end = '\0';
	if (conf->module_count == INITCONF_MAX_MODULES || !path_is_normal(value) ||
		strncmp(value, "/lib/modules/", 13) != 0)
		return false;
	conf->modules[conf->module_count++] = (struct initconf_module){value, parameters};
	return true;
}

static bool set_jail(struct reader *r, char *value)
{
	r->conf->jail_whole = true;
	return strcmp(value, "whole") == 0;
}

static bool set_allow_init(struct reader *r, char *value)
{
	r->conf->allow_init = true;
	return strcmp(value, "yes") == 0;
}

static bool set_allow_reset(struct reader *r, char *value)
{
	r->conf->allow_reset = true;
	return strcmp(value, "yes") == 0;
}

static bool set_keep(struct reader *r, char *value)
{
	struct initconf *conf = r->conf;
	if (conf->keep_count == INITCONF_MAX_KEEPS || !path_is_normal(value))
		return false;
	conf->keep[conf->keep_count++] = value;
	return true;
}

static bool set_shell(struct reader *r, char *value)
{
	r->conf->shell = value;
	return initconf_program_valid(value);
}

static bool set_on_failure(struct reader *r, char *value)
{
	for (unsigned i = 0; i < ON_FAILURE_KINDS; i++) {
		if (strcmp(value, on_failure_name((enum on_failure)i)) == 0) {
			r->conf->on_failure = (enum on_failure)i;
			return true;
		}
	}
	return false;
}

static const struct key {
	const char *name;
	bool (*set)(struct reader *r, char *value);
	bool may_default, may_repeat;
} keys[] = {
	{"layers", set_layers, true, false},
	{"state", set_state, true, false},
	{"record", set_record, true, false},
	{"stack", set_stack, true, false},
	{"upper", set_upper, false, false},
	{"wait", set_wait, true, false},
	{"log", set_log, true, false},
	{"progress", set_progress, false, false},
	{"floor", set_floor, false, false},
	{"signatures", set_signatures, false, false},
	{"tries", set_tries, false, false},
	{"upper-tries", set_upper_tries, false, false},
	{"watchdog", set_watchdog, false, false},
	{"fsck", set_fsck, false, false},
	{"revoked", set_revoked, false, true},
	{"module", set_module, false, true},
	{"jail", set_jail, false, false},
	{"allow-init", set_allow_init, false, false},
	{"allow-reset", set_allow_reset, false, false},
	{"keep", set_keep, false, true},
	{"shell", set_shell, false, false},
	{"on-failure", set_on_failure, false, false},
};
enum { KEY_COUNT = sizeof keys / sizeof keys[0] };

/* --- lines */

/* Cut the first word off `*line` and leave the rest, without the blanks between. */
static char *take_word(char **line)
{
	char *word = *line;
	char *end = word + strcspn(word, " \t");
	*line = end + strspn(end, " \t");
	*end = '\0';
	return word;
}

static int read_line(struct reader *r, char *line, bool seen[KEY_COUNT])
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
	while (i < KEY_COUNT && strcmp(keys[i].name, word) != 0)
		i++;
	if (i == KEY_COUNT)
		return error_set(r->e, ERROR_CONFIG, 0, "init.conf line %u: unknown key `%s`",
			r->line, word);
	if (r->how == INITCONF_DEFAULT && !keys[i].may_default)
		return error_set(r->e, ERROR_CONFIG, 0,
			"init.conf line %u: `%s` has no default, the command line can't change it",
			r->line, word);
	if (seen[i] && !keys[i].may_repeat)
		return error_set(r->e, ERROR_CONFIG, 0, "init.conf line %u: `%s` a second time",
			r->line, word);
	seen[i] = true;
	if (line[0] == '\0')
		return error_set(r->e, ERROR_CONFIG, 0, "init.conf line %u: `%s` without a value",
			r->line, word);
	if (!keys[i].set(r, line))
		return error_set(r->e, ERROR_CONFIG, 0, "init.conf line %u: `%s` can't be `%s`%s",
			r->line, word, line, keys[i].may_repeat ? ", or comes too often" : "");
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
	struct reader r = {.conf = conf, .e = e};
	bool seen[KEY_COUNT] = {false};
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
