#include "case_file.h"

#include <stdlib.h>
#include <string.h>

#include "../layers/error.h"

/* --- words */

struct words {
	const char *in;
	char *out; /* never behind `in` */
	struct error *e;
};

static int refuse(struct words *words, char c)
{
	return error_set(words->e, ERROR_FORMAT, 0,
		"a bare `%c` is for a shell: quote it with '...', or run sh -c '...'", c);
}

static int take_quoted(struct words *words)
{
	char quote = *words->in++;
	for (; *words->in != quote; words->in++) {
		if (*words->in == '\0')
			return error_set(
				words->e, ERROR_FORMAT, 0, "a quote %c is not closed", quote);
		if (quote == '"' && (*words->in == '$' || *words->in == '`'))
			return refuse(words, *words->in);
		if (quote == '"' && *words->in == '\\' &&
			(words->in[1] == '\\' || words->in[1] == '"'))
			words->in++;
		*words->out++ = *words->in;
	}
	words->in++;
	return 0;
}

static int take_word(struct words *words)
{
	while (*words->in != '\0' && *words->in != ' ' && *words->in != '\t') {
		char c = *words->in;
		if (c == '\'' || c == '"') {
			if (take_quoted(words) != 0)
				return -1;
			continue;
		}
		if (strchr(";&|<>()$`*?", c) != NULL)
			return refuse(words, c);
		if (c == '\\' && *++words->in == '\0')
			return error_set(words->e, ERROR_FORMAT, 0, "a backslash ends the line");
		*words->out++ = *words->in++;
	}
	return 0;
}

int case_words(char *line, struct text_list *out, struct error *e)
{
	struct words words = {.in = line, .out = line, .e = e};
	for (;;) {
		words.in += strspn(words.in, " \t");
		if (*words.in == '\0')
			return 0;
		const char *word = words.out;
		if (take_word(&words) != 0)
			return -1;
		bool last = *words.in == '\0';
		if (text_list_add(out, word, e) != 0)
			return -1;
		words.in += !last;
		*words.out++ = '\0';
		if (last)
			return 0;
	}
}

/* --- values */

static int set_number(const char *value, uint64_t min, uint64_t max, uint64_t *out, struct error *e)
{
	uint64_t number;
	if (!number_parse(value, &number) || number < min || number > max)
		return error_set(e, ERROR_FORMAT, 0, "`%.40s` is no number from %llu to %llu",
			value, (unsigned long long)min, (unsigned long long)max);
	*out = number;
	return 0;
}

static int set_command(struct case_item *item, char *value, struct error *e)
{
	if (item->given.words.count > 0)
		return error_set(e, ERROR_FORMAT, 0, "the case has a `run` already");
	return case_words(value, &item->given.words, e);
}

static int set_text(const char **field, const char *value, struct error *e)
{
	if (*field != NULL)
		return error_set(e, ERROR_FORMAT, 0, "that is said already");
	*field = value;
	return 0;
}

static int set_once(uint64_t *field, const char *value, uint64_t min, struct error *e)
{
	if (*field != 0)
		return error_set(e, ERROR_FORMAT, 0, "that is said already");
	return set_number(value, min, 1 << 24, field, e);
}

static int set_status(struct case_item *item, const char *value, struct error *e)
{
	uint64_t status;
	if (item->status >= 0)
		return error_set(e, ERROR_FORMAT, 0, "that is said already");
	if (set_number(value, 0, 255, &status, e) != 0)
		return -1;
	item->status = (int)status;
	return 0;
}

static int set(struct case_item *item, const char *key, char *value, struct error *e)
{
	struct run_given *given = &item->given;
	if (strcmp(key, "run") == 0)
		return set_command(item, value, e);
	if (strcmp(key, "status") == 0)
		return set_status(item, value, e);
	if (strcmp(key, "memory") == 0)
		return set_once(&given->memory_mib, value, 16, e);
	if (strcmp(key, "time-limit") == 0)
		return set_once(&given->limit_s, value, 1, e);
	if (strcmp(key, "directory") == 0)
		return set_text(&given->directory, value, e);
	if (strcmp(key, "user") == 0)
		return set_text(&given->user, value, e);
	if (strcmp(key, "env") == 0)
		return text_list_add(&given->environment, value, e);
	if (strcmp(key, "share") == 0)
		return text_list_add(&given->shares, value, e);
	if (strcmp(key, "share-rw") == 0)
		return text_list_add(&given->writable_shares, value, e);
	return error_set(e, ERROR_FORMAT, 0,
		"there is no key `%.40s`: it is one of case, run, status, memory, time-limit, env, "
		"directory, user, share, share-rw",
		key);
}

/* --- cases */

/* TAP takes what is behind a # for itself. */
static int check_name(const struct case_file *file, const char *name, struct error *e)
{
	if (strlen(name) > CASE_FILE_MAX_NAME)
		return error_set(
			e, ERROR_LIMIT, 0, "a name has at most %d bytes", CASE_FILE_MAX_NAME);
	if (strchr(name, '#') != NULL)
		return error_set(e, ERROR_FORMAT, 0, "a name has no # in it");
	for (size_t i = 0; i < file->count; i++) {
		if (strcmp(file->cases[i].name, name) == 0)
			return error_set(e, ERROR_FORMAT, 0, "line %zu has a case of that name",
				file->cases[i].line);
	}
	return 0;
}

static int end_case(const struct case_file *file, struct error *e)
{
	if (file->count == 0)
		return 0;
	struct case_item *item = &file->cases[file->count - 1];
	if (item->status < 0)
		item->status = 0;
	if (item->given.words.count == 0)
		return error_set(
			e, ERROR_FORMAT, 0, "the case of line %zu has no `run`", item->line);
	return run_given_check(&item->given, e) == 0
		       ? 0
		       : error_wrap(e, "the case of line %zu", item->line);
}

static int begin_case(struct case_file *file, const char *name, size_t line, struct error *e)
{
	if (end_case(file, e) != 0 || check_name(file, name, e) != 0)
		return -1;
	if (file->count == CASE_FILE_MAX_CASES)
		return error_set(
			e, ERROR_LIMIT, 0, "a file has at most %d cases", CASE_FILE_MAX_CASES);
	struct case_item *grown = reallocarray(file->cases, file->count + 1, sizeof *grown);
	if (grown == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	file->cases = grown;
	file->cases[file->count++] = (struct case_item){.name = name, .status = -1, .line = line};
	return 0;
}

/* Of a text whose first byte is no blank. */
static void trim(char *text)
{
	char *end = text + strlen(text);
	while (end[-1] == ' ' || end[-1] == '\t')
		*--end = '\0';
}

static int take_line(struct case_file *file, char *line, size_t number, struct error *e)
{
	char *key = line + strspn(line, " \t");
	if (*key == '\0' || *key == '#')
		return 0;
	char *value = key + strcspn(key, " \t");
	if (*value != '\0')
		*value++ = '\0';
	value += strspn(value, " \t");
	if (*value == '\0')
		return error_set(e, ERROR_FORMAT, 0, "`%.40s` has nothing behind it", key);
	if (strcmp(key, "run") != 0) /* whose last blank may be a word's */
		trim(value);
	if (strcmp(key, "case") == 0)
		return begin_case(file, value, number, e);
	if (file->count == 0)
		return error_set(e, ERROR_FORMAT, 0, "`%.40s` before the first `case`", key);
	return set(&file->cases[file->count - 1], key, value, e);
}

static int check_bytes(const char *bytes, size_t size_bytes, struct error *e)
{
	size_t line = 1;
	if (size_bytes > CASE_FILE_MAX_BYTES)
		return error_set(
			e, ERROR_LIMIT, 0, "it has more than %d bytes", CASE_FILE_MAX_BYTES);
	for (size_t i = 0; i < size_bytes; i++) {
		unsigned char c = (unsigned char)bytes[i];
		if (c == '\n')
			line++;
		else if ((c < ' ' && c != '\t') || c == 0x7f)
			return error_set(e, ERROR_FORMAT, 0, "line %zu: a control character", line);
	}
	return 0;
}

static int take_lines(struct case_file *file, struct error *e)
{
	char *rest = file->text;
	size_t number = 0;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		number++;
		if (take_line(file, line, number, e) != 0)
			return error_wrap(e, "line %zu", number);
	}
	if (file->count == 0)
		return error_set(e, ERROR_FORMAT, 0, "there is no case in it");
	return end_case(file, e);
}

int case_file_parse(const char *bytes, size_t size_bytes, struct case_file *out, struct error *e)
{
	struct case_file file = {0};
	if (check_bytes(bytes, size_bytes, e) != 0)
		return -1;
	file.text = strndup(bytes, size_bytes);
	if (file.text == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	if (take_lines(&file, e) == 0) {
		*out = file;
		return 0;
	}
	case_file_free(&file);
	return -1;
}

void case_file_free(struct case_file *file)
{
	for (size_t i = 0; i < file->count; i++) {
		struct run_given *given = &file->cases[i].given;
		text_list_free(&given->words);
		text_list_free(&given->environment);
		text_list_free(&given->shares);
		text_list_free(&given->writable_shares);
	}
	free(file->cases);
	free(file->text);
	*file = (struct case_file){0};
}
