#include "completion.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "verbs.h"

/* What the words of --help for values and operands stand for: an action of the script. The first
 * row that is found in such a word counts. */
static const struct {
	const char *word;
	const char *action;
} actions[] = {
	{".pub", "suffix pub"},
	{".key", "suffix key"},
	{".layer", "suffix layer"},
	{".cpio", "suffix cpio"},
	{".img", "suffix img"},
	{"FILE.stack", "suffix stack"},
	{"LAYER", "suffix layer"},
	{"NAME-VERSION", "stack"},
	{"STACK", "stack"},
	{"TARGET", "stack"},
	{"SOURCE", "file"},
	{"HOST:GUEST", "directory"},
	{"BOOT.JSON", "file"},
	{"DIR", "directory"},
	{"OLD", "directory"},
	{"NEW", "directory"},
	{"UPPER", "directory"},
	{"DEST", "directory"},
	{"SIGNATURE", "file"},
	{"SIGNAL", "signal"},
	{"FILE", "file"},
	{"PATH", "file"},
	{"SRC", "file"},
	{"E2FSCK", "file"},
	{"PROGRAM", "file"},
};

static const char *action_of(const char *words)
{
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		if (strstr(words, actions[i].word) != NULL)
			return actions[i].action;
	}
	return NULL;
}

static void print_choices(const char *const *choices, FILE *to)
{
	fputs("words", to);
	for (; *choices != NULL; choices++)
		fprintf(to, " %s", *choices);
}

static void print_option_names(const struct verb *verb, FILE *to)
{
	fprintf(to, "\t%s) echo \"", verb->name);
	for (const struct option_spec *spec = verb->options; spec->name != NULL; spec++)
		fprintf(to, "%s ", spec->name);
	fputs("--help\" ;;\n", to);
}

/* What completes the value of each option; of a flag nothing is printed, and so it takes none. */
static void print_values(const struct verb *verb, FILE *to)
{
	for (const struct option_spec *spec = verb->options; spec->name != NULL; spec++) {
		const char *action = spec->value != NULL ? action_of(spec->value) : NULL;
		if (spec->kind == OPTION_FLAG)
			continue;
		fprintf(to, "\t\"%s %s\") echo \"", verb->name, spec->name);
		if (spec->choices != NULL)
			print_choices(spec->choices, to);
		else
			fputs(action != NULL ? action : "nothing", to);
		fputs("\" ;;\n", to);
	}
}

/* The words in lower case among operands, as "list|restore|remove [N...]", are typed as they are:
 * they come first. */
static bool print_operand_words(const char *operands, FILE *to)
{
	bool any = false;
	/* `verify` takes stacks, and they are what somebody looks for there. */
	if (action_of(operands) != NULL)
		return false;
	for (const char *c = operands; *c != '\0';) {
		size_t length = strcspn(c, " |[].");
		if (islower((unsigned char)*c)) {
			fprintf(to, "%s%.*s", any ? " " : "words ", (int)length, c);
			any = true;
		}
		c += length + (c[length] != '\0');
	}
	return any;
}

static void print_operands(const struct verb *verb, FILE *to)
{
	const char *action = action_of(verb->operands);
	if (strstr(verb->text, "SOURCE is NAME-VERSION") != NULL)
		action = "stack";
	fprintf(to, "\t%s) echo \"", verb->name);
	if (!print_operand_words(verb->operands, to))
		fputs(action != NULL ? action : "nothing", to);
	fputs("\" ;;\n", to);
}

static void print_function(const char *name, const char *of,
	void (*print)(const struct verb *verb, FILE *to), FILE *to)
{
	fprintf(to, "%s() {\n\tcase $%s in\n", name, of);
	for (const struct verb *const *verb = verbs; *verb != NULL; verb++)
		print(*verb, to);
	fputs("\tesac\n}\n\n", to);
}

/* What to do with a cursor that stands behind `words`. */
static const char script[] =
	"# The store that the command line so far says.\n"
	"_plyboot_store() {\n"
	"\tlocal i store=${PLYBOOT_STORE:-store}\n"
	"\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	"\t\t[[ ${COMP_WORDS[i]} != --store ]] || store=${COMP_WORDS[i + 1]}\n"
	"\t\t[[ ${COMP_WORDS[i]} != --store || $store != '=' ]] || store=${COMP_WORDS[i + 2]}\n"
	"\tdone\n"
	"\techo \"$store\"\n"
	"}\n\n"
	"_plyboot_stacks() {\n"
	"\tlocal file store\n"
	"\tstore=$(_plyboot_store)\n"
	"\tfor file in \"$store\"/stacks/*.stack; do\n"
	"\t\tfile=${file##*/}\n"
	"\t\tfile=${file%.stack}\n"
	"\t\t# compgen -W expands its words: what is no name of a stack must not get there.\n"
	"\t\t[[ $file == *[!A-Za-z0-9._-]* ]] || echo \"$file\"\n"
	"\tdone\n"
	"}\n\n"
	"# What readline completes itself, names with blanks and quotes too: see complete(1).\n"
	"_plyboot_by_readline() {\n"
	"\tcompopt -o \"$1\" 2>/dev/null || :\n"
	"}\n\n"
	"# ACTION [WORD...]: fills COMPREPLY\n"
	"_plyboot_act() {\n"
	"\tlocal cur=$1 action=${2-} words=${*:3}\n"
	"\tcase $action in\n"
	"\twords) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\") ;;\n"
	"\tsignal) mapfile -t COMPREPLY < <(compgen -A signal -- \"$cur\") ;;\n"
	"\tdirectory) _plyboot_by_readline dirnames ;;\n"
	"\tfile) _plyboot_by_readline default ;;\n"
	"\tstack)\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$(_plyboot_stacks)\" -- \"$cur\")\n"
	"\t\t_plyboot_by_readline default\n"
	"\t\t;;\n"
	"\tsuffix)\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -X \"!*.$words\" -- \"$cur\")\n"
	"\t\t_plyboot_by_readline filenames\n"
	"\t\t_plyboot_by_readline plusdirs\n"
	"\t\t_plyboot_by_readline default\n"
	"\t\t;;\n"
	"\tesac\n"
	"}\n\n"
	"_plyboot() {\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]-} before='' action prefix=''\n"
	"\tCOMPREPLY=()\n"
	"\tif ((COMP_CWORD == 1)); then\n"
	"\t\t_plyboot_act \"$cur\" words \"$_plyboot_verbs help --help --version\"\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tif [[ $verb == help ]]; then\n"
	"\t\t_plyboot_act \"$cur\" words \"$_plyboot_verbs --man --bash\"\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tbefore=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\t# --option=value is one word or three, as COMP_WORDBREAKS says.\n"
	"\tif [[ $cur == '=' ]]; then\n"
	"\t\tcur=''\n"
	"\telif [[ $before == '=' ]]; then\n"
	"\t\tbefore=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"\telif [[ $cur == --*=* ]]; then\n"
	"\t\tbefore=${cur%%=*} prefix=${cur%%=*}= cur=${cur#*=}\n"
	"\tfi\n"
	"\taction=$(_plyboot_value \"$verb $before\")\n"
	"\tif [[ -z $action && $cur == -* ]]; then\n"
	"\t\taction=\"words $(_plyboot_options \"$verb\")\"\n"
	"\telif [[ -z $action ]]; then\n"
	"\t\taction=$(_plyboot_operand \"$verb\")\n"
	"\tfi\n"
	"\t# shellcheck disable=SC2086 # words\n"
	"\t_plyboot_act \"$cur\" $action\n"
	"\t[[ -z $prefix ]] || COMPREPLY=(\"${COMPREPLY[@]/#/$prefix}\")\n"
	"}\n"
	"complete -F _plyboot plyboot\n";

void completion_print_bash(FILE *to)
{
	fputs("# shellcheck shell=bash\n# Completes command lines of plyboot in bash. Made by "
	      "`plyboot "
	      "help --bash`.\n_plyboot_verbs='",
		to);
	for (const struct verb *const *verb = verbs; *verb != NULL; verb++)
		fprintf(to, "%s%s", verb == verbs ? "" : " ", (*verb)->name);
	fputs("'\n\n", to);
	print_function("_plyboot_options", "1", print_option_names, to);
	print_function("_plyboot_value", "1", print_values, to);
	print_function("_plyboot_operand", "1", print_operands, to);
	fputs(script, to);
}
