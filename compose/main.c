/* The host command: finds the verb, reads its options, runs it, says how it ended. */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "interrupt.h"
#include "near.h"
#include "report.h"
#include "verbs.h"
#include "version.h"

static void print_verbs(FILE *to)
{
	fputs("plyboot: a root file system out of signed layers, composed at boot\n\n"
	      "  plyboot VERB [OPTIONS] ...\n\n",
		to);
	for (const struct verb *const *verb = verbs; *verb != NULL; verb++)
		fprintf(to, "  %-10s %s\n", (*verb)->name, (*verb)->summary);
	fputs("\n`plyboot help VERB` says more about each; `plyboot --version` which this is.\n",
		to);
	fputs(report_statuses, to);
}

static void print_help(const struct verb *verb)
{
	printf("plyboot %s: %s\n\n  plyboot %s [OPTIONS]%s%s\n\n", verb->name, verb->summary,
		verb->name, verb->operands[0] != '\0' ? " " : "", verb->operands);
	options_print(verb->options, stdout);
	putchar('\n');
	options_print_text(verb->text, stdout);
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	}
	return false;
}

static const struct verb *find_verb(const char *name)
{
	for (const struct verb *const *verb = verbs; *verb != NULL; verb++) {
		if (strcmp((*verb)->name, name) == 0)
			return *verb;
	}
	return NULL;
}

/* What comes out is the verb's: 0, an exit status, or -1 with the error. */
static int run_verb(const struct verb *verb, int argc, char **argv, struct error *e)
{
	SCOPED_FREE void *options = calloc(1, verb->options_bytes);
	if (options == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	struct text_list operands = {0};
	int result = options_parse(verb->options, options, argc, argv, &operands, e);
	if (result == 0 &&
		(operands.count < verb->operands_min || operands.count > verb->operands_max))
		result = error_set(e, ERROR_USAGE, 0, "it is called as `plyboot %s [OPTIONS] %s`",
			verb->name, verb->operands);
	if (result == 0)
		result = verb->run(options, &operands, e);
	options_free(verb->options, options);
	text_list_free(&operands);
	return result;
}

/* Output that could not be written is a failure, however well the rest went. */
static int flush_output(struct error *e)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return error_set(e, ERROR_IO, 0, "standard output can't be written");
	return 0;
}

/* A standard descriptor that is closed would become that of the next file, and messages be written
 * into it. What stands in for it can be neither read nor written. */
static void occupy_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/", O_PATH | O_DIRECTORY);
	}
}

static int unknown_verb(const char *name, struct error *e)
{
	for (const struct verb *const *verb = verbs; *verb != NULL; verb++) {
		if (near_match(name, (*verb)->name))
			report_hint("is `plyboot %s` meant?", (*verb)->name);
	}
	return error_set(e, ERROR_USAGE, 0, "there is no verb `%s`", name);
}

/* "help VERB" is "VERB --help". */
static int help(const char *name, struct error *e)
{
	const struct verb *verb = name != NULL ? find_verb(name) : NULL;
	if (name != NULL && name[0] != '-' && verb == NULL)
		return unknown_verb(name, e);
	if (verb != NULL)
		print_help(verb);
	else
		print_verbs(stdout);
	return 0;
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

/* As run_verb(); `*chosen` becomes the verb, once there is one. */
static int run(int argc, char **argv, const struct verb **chosen, struct error *e)
{
	if (is_one_of(argv[1], "help", "--help", "-h"))
		return help(argc > 2 ? argv[2] : NULL, e);
	if (is_one_of(argv[1], "version", "--version", "-V")) {
		printf("plyboot %s\n", PLYBOOT_VERSION);
		return 0;
	}
	const struct verb *verb = find_verb(argv[1]);
	if (verb == NULL)
		return unknown_verb(argv[1], e);
	*chosen = verb;
	report_verb(verb->name);
	if (wants_help(argc - 2, argv + 2))
		return help(verb->name, e);
	return run_verb(verb, argc - 2, argv + 2, e);
}

int main(int argc, char **argv)
{
	/* libarchive converts names through the locale; bytes that are no UTF-8 stay bytes. */
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		(void)setlocale(LC_CTYPE, "en_US.UTF-8");
	occupy_standard_descriptors();
	if (argc < 2) {
		print_verbs(stderr);
		return STATUS_USAGE;
	}
	struct error e = {.code = ERROR_NONE};
	const struct verb *verb = NULL;
	int result = run(argc, argv, &verb, &e);
	if (result >= 0 && flush_output(&e) != 0)
		result = -1;
	/* What was complete when a signal came stays, and so it is a success. */
	if (result != 0)
		interrupt_finish();
	if (result < 0) {
		report_error(&e);
		return verb != NULL && verb->failure_status != 0 ? verb->failure_status
								 : report_status(e.code);
	}
	return result;
}
