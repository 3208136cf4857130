/* The host command: finds the verb, reads its options, runs it, says how it ended. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "report.h"
#include "verbs.h"

static void print_verbs(FILE *to)
{
	fputs("plyboot: a root file system out of signed layers, composed at boot\n\n"
	      "  plyboot VERB [OPTIONS] ...\n\n",
		to);
	for (const struct verb *const *verb = verbs; *verb != NULL; verb++)
		fprintf(to, "  %-10s %s\n", (*verb)->name, (*verb)->summary);
	fputs("\n`plyboot VERB --help` says more about each.\n"
	      "It ends with 0: fine; 1: something was refused; 2: wrong usage; 3: the machine "
	      "failed.\n",
		to);
}

static void print_help(const struct verb *verb)
{
	printf("plyboot %s: %s\n\n  plyboot %s [OPTIONS]%s%s\n\n", verb->name, verb->summary,
		verb->name, verb->operands[0] != '\0' ? " " : "", verb->operands);
	options_print(verb->options, stdout);
	printf("\n%s", verb->text);
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

int main(int argc, char **argv)
{
	/* libarchive converts names through the locale; bytes that are no UTF-8 stay bytes. */
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		(void)setlocale(LC_CTYPE, "en_US.UTF-8");

	struct error e = {.code = ERROR_NONE};
	if (argc < 2) {
		print_verbs(stderr);
		return STATUS_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
		strcmp(argv[1], "help") == 0) {
		print_verbs(stdout);
		return flush_output(&e) == 0 ? STATUS_FINE : STATUS_MACHINE;
	}
	const struct verb *verb = find_verb(argv[1]);
	if (verb == NULL) {
		(void)error_set(&e, ERROR_USAGE, 0, "there is no verb `%s`", argv[1]);
		report_error(&e);
		return STATUS_USAGE;
	}
	report_verb(verb->name);
	int result = 0;
	if (wants_help(argc - 2, argv + 2))
		print_help(verb);
	else
		result = run_verb(verb, argc - 2, argv + 2, &e);
	if (result >= 0 && flush_output(&e) != 0)
		result = -1;
	if (result < 0) {
		report_error(&e);
		return report_status(e.code);
	}
	return result;
}
