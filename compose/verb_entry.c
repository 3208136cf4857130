/* plyboot entry: a root without an init of its own gets a program to run. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "../layers/scope.h"
#include "entry_image.h"
#include "entry_layer.h"
#include "report.h"
#include "verbs.h"

struct entry_options {
	const char *output, *store, *image, *architecture, *directory, *user, *stop_signal,
		*on_exit;
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
		.help = "the store that the blobs go to: made if there is none; default: "
			"$PLYBOOT_STORE, else ./store"},
	{.name = "--image",
		.kind = OPTION_TEXT,
		FIELD(image),
		.value = "REF",
		.help = "take all of it from the config of this image in the store; what is given "
			"here besides counts for more"},
	{.name = "--env",
		.kind = OPTION_LIST,
		FIELD(env),
		.value = "NAME=VALUE",
		.help = "a variable of its environment; of one name the last counts"},
	{.name = "--directory",
		.kind = OPTION_TEXT,
		FIELD(directory),
		.value = "DIR",
		.help = "where it starts; made if it is missing (default: the image's, else /)"},
	{.name = "--user",
		.kind = OPTION_TEXT,
		FIELD(user),
		.value = "USER[:GROUP]",
		.help = "as whom: names of the root's own /etc/passwd and /etc/group, or numbers "
			"(default: the image's, else 0)"},
	{.name = "--stop-signal",
		.kind = OPTION_TEXT,
		FIELD(stop_signal),
		.value = "SIGNAL",
		.help = "what it is told to stop with (default: the image's, else SIGTERM)"},
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
		.help = "of the first process: as `uname -m` says it; default: the image's, else "
			"this machine's"},
	{0},
};
#undef FIELD

static bool same_name(const char *a, const char *b)
{
	return strncmp(a, b, strcspn(a, "=") + 1) == 0;
}

/* Of one name the last, where the first stood. */
static void put_variable(struct entryconf *conf, const char *one)
{
	size_t at = 0;
	while (at < conf->variable_count && !same_name(conf->variables[at], one))
		at++;
	conf->variables[at] = one;
	conf->variable_count += at == conf->variable_count;
}

static bool is_variable(const char *text)
{
	return text[0] != '=' && strchr(text, '=') != NULL;
}

/* The image's, and over them those of the command line. */
static int set_variables(const struct oci_texts *image, const struct text_list *given,
	struct entryconf *conf, struct error *e)
{
	conf->variables = calloc(image->count + given->count + 1, sizeof *conf->variables);
	if (conf->variables == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (size_t i = 0; i < image->count; i++) {
		if (!is_variable(image->items[i]))
			return error_set(e, ERROR_FORMAT, 0,
				"the image's Env has `%s`, which is not NAME=VALUE",
				image->items[i]);
		put_variable(conf, image->items[i]);
	}
	for (size_t i = 0; i < given->count; i++) {
		if (!is_variable(given->items[i]))
			return error_set(e, ERROR_USAGE, 0, "--env: `%s` is not NAME=VALUE",
				given->items[i]);
		put_variable(conf, given->items[i]);
	}
	return 0;
}

/* Entrypoint and Cmd, or what the command line has instead of both. */
static int set_arguments(const struct oci_config *image, const struct text_list *given,
	struct entryconf *conf, struct error *e)
{
	const struct oci_texts program = {given->count, given->items}, none = {0};
	const struct oci_texts *first = given->count > 0 ? &program : &image->entrypoint;
	const struct oci_texts *second = given->count > 0 ? &none : &image->cmd;
	conf->arguments = calloc(first->count + second->count + 1, sizeof *conf->arguments);
	if (conf->arguments == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (size_t i = 0; i < first->count; i++)
		conf->arguments[conf->argument_count++] = first->items[i];
	for (size_t i = 0; i < second->count; i++)
		conf->arguments[conf->argument_count++] = second->items[i];
	if (conf->argument_count == 0)
		return error_set(e, ERROR_USAGE, 0,
			"there is no program: neither behind `--`, nor in an image's config");
	return 0;
}

static unsigned choice(const char *const *choices, const char *given)
{
	unsigned i = 0;
	while (strcmp(choices[i], given) != 0)
		i++;
	return i;
}

/* The first that says something. */
static const char *first_of(const char *given, const char *image, const char *fallback)
{
	if (given != NULL)
		return given;
	return image != NULL && image[0] != '\0' ? image : fallback;
}

static int set_signal(const struct oci_config *image, const struct entry_options *given,
	struct entryconf *conf, struct error *e)
{
	const char *signal = first_of(given->stop_signal, image->stop_signal, "SIGTERM");
	if (signal_name_parse(signal, conf->stop_signal))
		return 0;
	if (given->stop_signal != NULL)
		return error_set(
			e, ERROR_USAGE, 0, "--stop-signal: there is no signal `%s`", signal);
	report_hint("give another: --stop-signal");
	return error_set(
		e, ERROR_FORMAT, 0, "the image's StopSignal is `%s`, which is no signal", signal);
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

static int set_all(const struct oci_config *image, const struct entry_options *given,
	const struct text_list *operands, char **directory, struct entryconf *conf, struct error *e)
{
	*directory = entry_layer_directory(first_of(given->directory, image->working_dir, "/"));
	if (*directory == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	conf->directory = *directory;
	conf->user = first_of(given->user, image->user, "0");
	conf->on_exit = (enum entryconf_exit)choice(entryconf_exit_names, given->on_exit);
	if (set_arguments(image, operands, conf, e) != 0 ||
		set_variables(&image->env, &given->env, conf, e) != 0)
		return -1;
	return set_signal(image, given, conf, e);
}

static int make(const struct entry_options *given, const struct entryconf *conf,
	const char *architecture, struct error *e)
{
	SCOPED_OUTPUT output = OUTPUT_INIT;
	SCOPED_LAYOUT layout = LAYOUT_INIT;
	struct layer_record record;
	if (output_open(&output, given->output, 0644, e) != 0 ||
		layout_open(layout_path(given->store), true, &layout, e) != 0 ||
		entry_layer_add(&layout, conf, architecture, &record, e) != 0 ||
		write_record(&output, &record, e) != 0)
		return -1;
	layout_keep(&layout);
	say(given->output, &record);
	return 0;
}

/* Of images, as uname(2) calls it. */
static const char *machine_of(const char *architecture)
{
	static const char *const names[][2] = {{"amd64", "x86_64"}, {"arm64", "aarch64"}};
	for (size_t i = 0; architecture != NULL && i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(names[i][0], architecture) == 0)
			return names[i][1];
	}
	return architecture;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct entry_options *given = opaque;
	SCOPED_OCI_CONFIG image = {0};
	SCOPED_ENTRYCONF conf = {0};
	SCOPED_FREE char *directory = NULL;
	struct utsname machine;
	if (uname(&machine) != 0)
		return error_errno(e, errno, "uname");
	if ((given->image != NULL &&
		    entry_image_read(layout_path(given->store), given->image, &image, e) != 0) ||
		set_all(&image, given, operands, &directory, &conf, e) != 0)
		return -1;
	return make(given, &conf,
		first_of(given->architecture, machine_of(image.architecture), machine.machine), e);
}

const struct verb verb_entry = {
	.name = "entry",
	.summary = "make the layer that runs one program in a root without an init",
	.operands = "-- [PROGRAM [ARG...]]",
	.operands_min = 0,
	.operands_max = OPERANDS_ANY,
	.options = options,
	.options_bytes = sizeof(struct entry_options),
	.run = run,
	.text = "The layer holds a small static program, /.plyboot/entry, and entry.conf, which "
		"tells it what to run; nothing else of the root is touched. It goes on top of the "
		"others, and the stack is written with `--init /.plyboot/entry`.\n\n"
		"With --image, what the image's config has counts: Entrypoint and Cmd, unless "
		"PROGRAM stands here instead of both; Env, in which --env changes single names; "
		"WorkingDir, User, StopSignal. `plyboot import` puts images into the store.\n\n"
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
	.examples = "Start the program that an imported image names:\n"
		    "  plyboot entry --image app:1 -o entry.layer\n"
		    "Start another program, as an ordinary user:\n"
		    "  plyboot entry --user 1000 -o entry.layer -- /bin/server --port 80\n",
};
