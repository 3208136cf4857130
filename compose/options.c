#include "options.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "near.h"
#include "report.h"

enum { MAX_OPTIONS = 64, HELP_COLUMN = 26, HELP_WIDTH = 79 };

int text_list_add(struct text_list *list, const char *text, struct error *e)
{
	const char **items = realloc(list->items, (list->count + 1) * sizeof *items);
	if (items == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory for the command line");
	items[list->count++] = text;
	list->items = items;
	return 0;
}

void text_list_free(struct text_list *list)
{
	free(list->items);
	*list = (struct text_list){0};
}

static bool digits_parse(const char **text, uint64_t *out)
{
	const char *c = *text;
	uint64_t value = 0;
	for (; *c >= '0' && *c <= '9'; c++) {
		uint64_t digit = (uint64_t)(*c - '0');
		if (value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (c == *text)
		return false;
	*text = c;
	*out = value;
	return true;
}

bool number_parse(const char *text, uint64_t *out)
{
	uint64_t value;
	if (!digits_parse(&text, &value) || *text != '\0')
		return false;
	*out = value;
	return true;
}

bool size_parse(const char *text, uint64_t *out)
{
	static const char suffixes[] = "KMGT";
	uint64_t value;
	unsigned shift = 0;
	if (!digits_parse(&text, &value))
		return false;
	if (*text != '\0') {
		const char *found = strchr(suffixes, *text);
		if (found == NULL || text[1] != '\0')
			return false;
		shift = 10 * (unsigned)(found - suffixes + 1);
	}
	if (value > UINT64_MAX >> shift)
		return false;
	*out = value << shift;
	return true;
}

static void *field_of(const struct option_spec *spec, void *options)
{
	return (char *)options + spec->offset;
}

static int set_text(
	const struct option_spec *spec, const char **field, const char *value, struct error *e)
{
	for (size_t i = 0; spec->choices != NULL && strcmp(spec->choices[i], value) != 0; i++) {
		if (spec->choices[i + 1] == NULL)
			return error_set(e, ERROR_USAGE, 0, "%s can't be `%s`: it is one of %s",
				spec->name, value, spec->value);
	}
	*field = value;
	return 0;
}

static int set_number(
	const struct option_spec *spec, uint64_t *field, const char *value, struct error *e)
{
	bool ok = spec->kind == OPTION_SIZE ? size_parse(value, field) : number_parse(value, field);
	if (!ok)
		return error_set(e, ERROR_USAGE, 0, "%s: `%s` is no %s", spec->name, value,
			spec->kind == OPTION_SIZE ? "size" : "number");
	if (*field < spec->min || (spec->max != 0 && *field > spec->max))
		return error_set(e, ERROR_USAGE, 0, "%s: %s is outside %" PRIu64 "..%" PRIu64,
			spec->name, value, spec->min, spec->max);
	return 0;
}

static int set_value(
	const struct option_spec *spec, void *options, const char *value, struct error *e)
{
	void *field = field_of(spec, options);
	switch (spec->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return 0;
	case OPTION_TEXT:
		return set_text(spec, field, value, e);
	case OPTION_LIST:
		return text_list_add(field, value, e);
	case OPTION_NUMBER:
	case OPTION_SIZE:
		return set_number(spec, field, value, e);
	}
	return -1;
}

/* The row that `word` names, up to its '=' if it has one; NULL when there is none. */
static const struct option_spec *find(const struct option_spec *specs, const char *word)
{
	size_t length = word[1] == '-' ? strcspn(word, "=") : strlen(word);
	for (const struct option_spec *spec = specs; spec->name != NULL; spec++) {
		if (strlen(spec->name) == length && memcmp(spec->name, word, length) == 0)
			return spec;
	}
	return NULL;
}

static void hint_near_option(const struct option_spec *specs, const char *word)
{
	for (const struct option_spec *spec = specs; spec->name != NULL; spec++) {
		if (word[1] == '-' && near_match(word, spec->name)) {
			report_hint("is %s meant?", spec->name);
			return;
		}
	}
}

/* One option at argv[*at], with its value; *at is left at its last word. */
static int parse_option(const struct option_spec *specs, void *options, int argc, char **argv,
	int *at, bool seen[MAX_OPTIONS], struct error *e)
{
	const char *word = argv[*at];
	const struct option_spec *spec = find(specs, word);
	if (spec == NULL) {
		hint_near_option(specs, word);
		return error_set(e, ERROR_USAGE, 0, "there is no option `%s`", word);
	}
	if (seen[spec - specs] && spec->kind != OPTION_LIST)
		return error_set(e, ERROR_USAGE, 0, "%s is given twice", spec->name);
	seen[spec - specs] = true;

	const char *value = word[strlen(spec->name)] == '=' ? word + strlen(spec->name) + 1 : NULL;
	if (spec->kind == OPTION_FLAG) {
		if (value != NULL)
			return error_set(e, ERROR_USAGE, 0, "%s takes no value", spec->name);
	} else if (value == NULL) {
		if (*at + 1 == argc)
			return error_set(
				e, ERROR_USAGE, 0, "%s needs a value: %s", spec->name, spec->value);
		value = argv[++*at];
	}
	return set_value(spec, options, value, e);
}

static int apply_fallbacks(const struct option_spec *specs, void *options,
	const bool seen[MAX_OPTIONS], struct error *e)
{
	for (size_t i = 0; specs[i].name != NULL; i++) {
		if (seen[i])
			continue;
		if (specs[i].required)
			return error_set(e, ERROR_USAGE, 0, "%s %s is missing", specs[i].name,
				specs[i].value);
		if (specs[i].fallback != NULL &&
			set_value(&specs[i], options, specs[i].fallback, e) != 0)
			return -1;
	}
	return 0;
}

int options_parse(const struct option_spec *specs, void *options, int argc, char **argv,
	struct text_list *operands, struct error *e)
{
	bool seen[MAX_OPTIONS] = {false};
	bool ended = false;
	for (int i = 0; i < argc; i++) {
		if (!ended && strcmp(argv[i], "--") == 0) {
			ended = true;
		} else if (ended || argv[i][0] != '-' || argv[i][1] == '\0') {
			if (text_list_add(operands, argv[i], e) != 0)
				return -1;
		} else if (parse_option(specs, options, argc, argv, &i, seen, e) != 0) {
			return -1;
		}
	}
	return apply_fallbacks(specs, options, seen, e);
}

void options_free(const struct option_spec *specs, void *options)
{
	for (const struct option_spec *spec = specs; spec->name != NULL; spec++) {
		if (spec->kind == OPTION_LIST)
			text_list_free(field_of(spec, options));
	}
}

/* Print words, broken at blanks, behind `indent`, where the cursor stands. */
static void print_wrapped(const char *text, size_t length, size_t indent, FILE *to)
{
	size_t column = indent;
	for (const char *end = text + length; text < end;) {
		size_t word = strcspn(text, " \n");
		if (column > indent && column + 1 + word > HELP_WIDTH) {
			fprintf(to, "\n%*s", (int)indent, "");
			column = indent;
		}
		if (column > indent) {
			fputc(' ', to);
			column++;
		}
		fwrite(text, 1, word, to);
		column += word;
		text += word + strspn(text + word, " ");
	}
}

void options_print_text(const char *text, FILE *to)
{
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");
		if (text[0] == ' ')
			fwrite(text, 1, length, to);
		else
			print_wrapped(text, length, 0, to);
		fputc('\n', to);
		text += length + (text[length] == '\n');
	}
}

void options_remark(const struct option_spec *spec, char out[OPTION_REMARK_SIZE])
{
	const bool fallback = spec->fallback != NULL;
	(void)snprintf(out, OPTION_REMARK_SIZE, "%s%s%s%s%s",
		spec->kind == OPTION_LIST ? " (may be repeated)" : "",
		spec->required ? " (required)" : "", fallback ? " (default: " : "",
		fallback ? spec->fallback : "", fallback ? ")" : "");
}

/* What is said of an option, and how it may be given. */
static void print_option_help(const struct option_spec *spec, FILE *to)
{
	char text[512], remark[OPTION_REMARK_SIZE];
	options_remark(spec, remark);
	(void)snprintf(text, sizeof text, "%s%s", spec->help, remark);
	print_wrapped(text, strlen(text), HELP_COLUMN, to);
	fputc('\n', to);
}

void options_print(const struct option_spec *specs, FILE *to)
{
	for (const struct option_spec *spec = specs; spec->name != NULL; spec++) {
		int used = fprintf(to, "  %s%s%s", spec->name, spec->value != NULL ? " " : "",
			spec->value != NULL ? spec->value : "");
		if (used >= HELP_COLUMN) {
			fputc('\n', to);
			used = 0;
		}
		fprintf(to, "%*s", (int)HELP_COLUMN - used, "");
		print_option_help(spec, to);
	}
}
