/* plyboot entry: a root without an init of its own gets a program to run. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "../layers/scope.h"
#include "entry_layer.h"
#include "report.h"
#include "verbs.h"

struct entry_options {
	const char *output, *store, *architecture, *directory, *user, *stop_signal, *on_exit;
	struct text_list env;
};

#define FIELD(name_) .offset = offsetof(struct entry_options, name_)
static const struct option_spec options[] = {
	{.name = "-o",
		.kind = OPTION_TEXT,
		FIELD(output),
		.value = "NAME.layer",
		.help = "write the layer's record here",
		.required = true},
	{.name = "--store",
		.kind = OPTION_TEXT,
		FIELD(store),
		.value = "DIR",
		.help = "the store that the blobs go to: made if there is none; default "
			"$PLYBOOT_STORE, else ./store"},
	{.name = "--env",
		.kind = OPTION_LIST,
		FIELD(env),
		.value = "NAME=VALUE",
		.help = "a variable of its environment; of one name the last counts"},
	{.name = "--directory",
		.kind = OPTION_TEXT,
		FIELD(directory),
		.value = "DIR",
		.help = "where it starts; made if it is missing (default: /)"},
	{.name = "--user",
		.kind = OPTION_TEXT,
		FIELD(user),
		.value = "USER[:GROUP]",
		.help = "as whom: names of the root's own /etc/passwd and /etc/group, or numbers "
			"(default: 0)"},
	{.name = "--stop-signal",
		.kind = OPTION_TEXT,
		FIELD(stop_signal),
		.value = "SIGNAL",
		.help = "what it is told to stop with (default: SIGTERM)"},
	{.name = "--on-exit",
		.kind = OPTION_TEXT,
		FIELD(on_exit),
		.value = "status|poweroff|reboot",
		.help = "what becomes of the machine when it has ended; status: off after an exit "
			"with 0, else a reboot",
		.choices = entryconf_exit_names,
		.fallback = "status"},
	{.name = "--arch",
		.kind = OPTION_TEXT,
		FIELD(architecture),
		.value = "A",
		.help = "of the first process: as `uname -m` says it; default: this machine's"},
	{0},
};
#undef FIELD

static bool same_name(const char *a, const char *b)
{
	return strncmp(a, b, strcspn(a, "=") + 1) == 0;
}

/* Of one name the last, where the first stood. */
static int set_variables(const struct text_list *given, struct entryconf *conf, struct error *e)
{
	conf->variables = calloc(given->count + 1, sizeof *conf->variables);
	if (conf->variables == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (size_t i = 0; i < given->count; i++) {
		const char *one = given->items[i];
		size_t at = 0;
		if (one[0] == '=' || strchr(one, '=') == NULL)
			return error_set(e, ERROR_USAGE, 0, "--env: `%s` is not NAME=VALUE", one);
		while (at < conf->variable_count && !same_name(conf->variables[at], one))
			at++;
		conf->variables[at] = one;
		conf->variable_count += at == conf->variable_count;
	}
	return 0;
}

static int set_arguments(const struct text_list *given, struct entryconf *conf, struct error *e)
{
	conf->arguments = calloc(given->count + 1, sizeof *conf->arguments);
	if (conf->arguments == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	memcpy(conf->arguments, given->items, given->count * sizeof *conf->arguments);
	conf->argument_count = given->count;
	return 0;
}

static unsigned choice(const char *const *choices, const char *given)
{
	unsigned i = 0;
	while (strcmp(choices[i], given) != 0)
		i++;
	return i;
}

static int set_rest(const struct entry_options *given, const char *directory,
	struct entryconf *conf, struct error *e)
{
	const char *signal = given->stop_signal != NULL ? given->stop_signal : "SIGTERM";
	if (!signal_name_parse(signal, conf->stop_signal))
		return error_set(
			e, ERROR_USAGE, 0, "--stop-signal: there is no signal `%s`", signal);
	conf->user = given->user != NULL ? given->user : "0";
	conf->directory = directory;
	conf->on_exit = (enum entryconf_exit)choice(entryconf_exit_names, given->on_exit);
	return 0;
}

static int write_record(struct output *output, const struct layer_record *record, struct error *e)
{
	char text[LAYER_RECORD_TEXT_SIZE];
	size_t size_bytes;
	if (layer_record_encode(record, text, &size_bytes, e) != 0 ||
		output_write(output, text, size_bytes, e) != 0)
		return -1;
	return output_commit(output, OUTPUT_REPLACE, e);
}

static void say(const char *output, const struct layer_record *record)
{
	char digest[DIGEST_TEXT_SIZE];
	digest_format(&record->digest, digest);
	printf("%s\n%s: %" PRIu64 " bytes stored, %" PRIu64 " unpacked, %" PRIu64
	       " entries; next, with this layer on top:\n"
	       "  plyboot stack --name NAME --version 1 --init " ENTRY_LAYER_INIT " LAYER... %s\n",
		digest, output, record->stored_bytes, record->unpacked_bytes, record->entries,
		output);
}

static int make(const struct entry_options *given, const struct entryconf *conf, struct error *e)
{
	SCOPED_OUTPUT output = OUTPUT_INIT;
	SCOPED_LAYOUT layout = LAYOUT_INIT;
	struct layer_record record;
	struct utsname machine;
	if (uname(&machine) != 0)
		return error_errno(e, errno, "uname");
	const char *architecture =
		given->architecture != NULL ? given->architecture : machine.machine;
	if (output_open(&output, given->output, 0644, e) != 0 ||
		layout_open(layout_path(given->store), true, &layout, e) != 0 ||
		entry_layer_add(&layout, conf, architecture, &record, e) != 0 ||
		write_record(&output, &record, e) != 0)
		return -1;
	layout_keep(&layout);
	say(given->output, &record);
	return 0;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct entry_options *given = opaque;
	SCOPED_ENTRYCONF conf = {0};
	SCOPED_FREE char *directory =
		entry_layer_directory(given->directory != NULL ? given->directory : "/");
	if (directory == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	if (set_arguments(operands, &conf, e) != 0 || set_variables(&given->env, &conf, e) != 0 ||
		set_rest(given, directory, &conf, e) != 0)
		return -1;
	return make(given, &conf, e);
}

const struct verb verb_entry = {
	.name = "entry",
	.summary = "make the layer that runs one program in a root without an init",
	.operands = "-- PROGRAM [ARG...]",
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.options = options,
	.options_bytes = sizeof(struct entry_options),
	.run = run,
	.text = "The layer holds a small static program, /.plyboot/entry, and entry.conf, which "
		"tells it what to run; nothing else of the root is touched. It goes on top of the "
		"others, and the stack is written with `--init /.plyboot/entry`.\n\n"
		"On the device it is the first process. It mounts what programs made for "
		"containers expect (/dev/pts, /dev/shm and so on), brings up the loopback "
		"interface, and starts PROGRAM, which is looked for in PATH, as its user, with the "
		"console as its terminal. SIGTERM, SIGPWR and SIGUSR2 stop PROGRAM and power off, "
		"SIGINT, which Ctrl-Alt-Del sends, stops it and reboots. When it has ended, the "
		"console says how, all other processes are ended, the file systems are made "
		"read-only, and the machine powers off after an exit with 0, and otherwise reboots "
		"after five seconds: a stack that is on trial then gives way to the one before.\n\n"
		"PATH is /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin, HOME that "
		"of /etc/passwd, TERM linux, unless --env says otherwise. A program that runs as 0 "
		"is root on the machine.\n",
};
