#include "cmdline.h"

#include <stdio.h>
#include <string.h>

struct merge {
	const struct initconf *conf;
	struct settings *out;
	void (*warn)(void *context, const char *line);
	void *context;
};

/* Each returns NULL, or why the word was not followed. `value` is NULL for a word without '='. */

static const char fixed[] = "init.conf fixes it";
static const char invalid[] = "no such value";

static const char *take_device(struct merge *m, enum initconf_device device, const char *value)
{
	if (m->conf->device_how[device] == INITCONF_FIXED)
		return strcmp(m->conf->device[device], value) == 0 ? NULL : fixed;
	if (!initconf_device_valid(device, value))
		return invalid;
	m->out->device[device] = value;
	return NULL;
}

static const char *take_layers(struct merge *m, const char *value)
{
	return take_device(m, INITCONF_LAYERS, value);
}

static const char *take_state(struct merge *m, const char *value)
{
	/* Going without is tighter than any state. */
	if (strcmp(value, "none") == 0) {
		m->out->device[INITCONF_STATE] = value;
		return NULL;
	}
	return take_device(m, INITCONF_STATE, value);
}

static const char *take_record(struct merge *m, const char *value)
{
	return take_device(m, INITCONF_RECORD, value);
}

static const char *take_stack(struct merge *m, const char *value)
{
	if (m->conf->stack_how == INITCONF_FIXED)
		return strcmp(m->conf->stack, value) == 0 ? NULL : fixed;
	if (!initconf_stack_valid(value))
		return invalid;
	m->out->stack = value;
	return NULL;
}

static const char *take_upper(struct merge *m, const char *value)
{
	if (strcmp(value, "volatile") != 0)
		return "only `volatile` can be asked for here";
	m->out->upper_volatile = true;
	return NULL;
}

static const char *take_wait(struct merge *m, const char *value)
{
	unsigned seconds;
	if (!initconf_wait_parse(value, &seconds))
		return invalid;
	if (m->conf->wait_how == INITCONF_FIXED && seconds != m->conf->wait_s)
		return fixed;
	m->out->wait_s = seconds;
	return NULL;
}

static const char *take_log(struct merge *m, const char *value)
{
	enum initconf_log log;
	if (!initconf_log_parse(value, &log))
		return invalid;
	if (m->conf->log_how == INITCONF_FIXED && log != m->conf->log)
		return fixed;
	m->out->log = log;
	return NULL;
}

static const char *take_shell(struct merge *m, const char *value)
{
	(void)value;
	if (m->conf->shell == NULL)
		return "this initramfs has no shell";
	m->out->shell = true;
	return NULL;
}

static const char *take_reset(struct merge *m, const char *value)
{
	(void)value;
	if (!m->conf->allow_reset)
		return "init.conf has no `allow-reset yes`";
	m->out->reset = true;
	return NULL;
}

static const char *take_init(struct merge *m, const char *value)
{
	if (!m->conf->allow_init)
		return "init.conf has no `allow-init yes`";
	if (!initconf_program_valid(value))
		return "not an absolute path";
	m->out->init = value;
	return NULL;
}

/* The kernel's own word: meant for it and for us, so no warning where we don't follow. */
static const char *take_quiet(struct merge *m, const char *value)
{
	(void)value;
	if (m->conf->log_how != INITCONF_FIXED)
		m->out->log = INITCONF_LOG_QUIET;
	return NULL;
}

static const char *take_ro(struct merge *m, const char *value)
{
	(void)value;
	m->out->read_only = true;
	return NULL;
}

enum word_kind {
	WORD_VALUE, /* KEY=VALUE, once */
	WORD_FLAG,  /* KEY, once */
	WORD_KERNEL /* KEY, the kernel's: any number of times; with a value it is another word */
};

static const struct word {
	const char *name;
	enum word_kind kind;
	const char *(*take)(struct merge *m, const char *value);
} words[] = {
	/* The kernel's come first, so that plyboot.log= counts for more than quiet. */
	{"quiet", WORD_KERNEL, take_quiet},
	{"ro", WORD_KERNEL, take_ro},
	{"init", WORD_VALUE, take_init},
	{"plyboot.layers", WORD_VALUE, take_layers},
	{"plyboot.state", WORD_VALUE, take_state},
	{"plyboot.record", WORD_VALUE, take_record},
	{"plyboot.stack", WORD_VALUE, take_stack},
	{"plyboot.upper", WORD_VALUE, take_upper},
	{"plyboot.wait", WORD_VALUE, take_wait},
	{"plyboot.log", WORD_VALUE, take_log},
	{"plyboot.shell", WORD_FLAG, take_shell},
	{"plyboot.reset", WORD_FLAG, take_reset},
};
enum { WORD_COUNT = sizeof words / sizeof words[0] };

struct given {
	unsigned times;
	const char *value;
};

/* The next word, as the kernel's next_arg() cuts it: a double quote holds blanks together, around a
 * word or a value, and is taken off. NULL at the end. */
static char *next_word(char **text, char **value)
{
	char *word = *text + strspn(*text, " \t\n");
	if (*word == '\0')
		return NULL;
	bool quoted = *word == '"';
	bool inside = quoted;
	word += quoted;
	char *end = word;
	*value = NULL;
	for (; *end != '\0' && (inside || strchr(" \t\n", *end) == NULL); end++) {
		if (*end == '=' && *value == NULL)
			*value = end + 1;
		if (*end == '"')
			inside = !inside;
	}
	*text = *end == '\0' ? end : end + 1;
	*end = '\0';
	if (quoted && end > word && end[-1] == '"')
		*--end = '\0';
	if (*value == NULL)
		return word;
	(*value)[-1] = '\0';
	if ((*value)[0] == '"') {
		(*value)++;
		if (end > *value && end[-1] == '"')
			end[-1] = '\0';
	}
	return word;
}

static void complain(struct merge *m, const char *name, const char *why)
{
	char line[320];
	if (m->warn == NULL)
		return;
	(void)snprintf(line, sizeof line, "command line: %s is not followed: %s", name, why);
	m->warn(m->context, line);
}

static void note_word(
	struct merge *m, const char *word, const char *value, struct given given[WORD_COUNT])
{
	for (size_t i = 0; i < WORD_COUNT; i++) {
		if (strcmp(words[i].name, word) != 0)
			continue;
		if (words[i].kind == WORD_KERNEL && value != NULL)
			return;
		given[i].times++;
		given[i].value = value;
		return;
	}
	if (strncmp(word, "plyboot.", 8) == 0)
		complain(m, word, "no such setting");
}

static void follow(struct merge *m, const struct word *word, const struct given *given)
{
	const char *why = NULL;
	if (given->times > 1 && word->kind != WORD_KERNEL)
		why = "given more than once";
	else if (word->kind == WORD_VALUE && (given->value == NULL || given->value[0] == '\0'))
		why = "it has no value";
	else if (word->kind == WORD_FLAG && given->value != NULL)
		why = "it takes no value";
	else
		why = word->take(m, given->value);
	if (why != NULL)
		complain(m, word->name, why);
}

void cmdline_merge(const struct initconf *conf, char *text,
	void (*warn)(void *context, const char *line), void *context, struct settings *out)
{
	struct merge m = {.conf = conf, .out = out, .warn = warn, .context = context};
	struct given given[WORD_COUNT] = {{0}};
	char *word, *value;
	*out = (struct settings){
		.stack = conf->stack,
		.upper_volatile = conf->upper_volatile,
		.wait_s = conf->wait_s,
		.log = conf->log,
	};
	memcpy(out->device, conf->device, sizeof out->device);
	/* What follows "--" is for the real init, in the kernel's reading. */
	while ((word = next_word(&text, &value)) != NULL && strcmp(word, "--") != 0)
		note_word(&m, word, value, given);
	for (size_t i = 0; i < WORD_COUNT; i++) {
		if (given[i].times > 0)
			follow(&m, &words[i], &given[i]);
	}
}
