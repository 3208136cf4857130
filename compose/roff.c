#include "roff.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* groff makes typographic characters of these, which nobody could paste into a shell. */
static const char *escape_of(char c, bool literal)
{
	switch (c) {
	case '\\':
		return "\\e";
	case '-':
		return literal ? "\\-" : NULL;
	case '\'':
		return literal ? "\\(aq" : NULL;
	case '`':
		return "\\(ga";
	case '^':
		return "\\(ha";
	case '~':
		return "\\(ti";
	default:
		return NULL;
	}
}

static void put(char c, bool literal, FILE *to)
{
	const char *escape = escape_of(c, literal);
	if (escape != NULL)
		fputs(escape, to);
	else
		fputc(c, to);
}

void roff_literal(const char *text, size_t length, FILE *to)
{
	/* At the beginning of a line these would begin a request. */
	if (length > 0 && (text[0] == '.' || text[0] == '\''))
		fputs("\\&", to);
	for (size_t i = 0; i < length; i++)
		put(text[i], true, to);
}

static void put_bold(const char *text, size_t length, FILE *to)
{
	fputs("\\fB", to);
	for (size_t i = 0; i < length; i++)
		put(text[i], true, to);
	fputs("\\fR", to);
}

/* "--store" or "-o" at `text`, which begins a word: its length, else 0. */
static size_t option_length(const char *text, size_t length)
{
	size_t dashes = length > 1 && text[1] == '-' ? 2 : 1;
	size_t end = dashes;
	if (length <= dashes || text[0] != '-' || !isalpha((unsigned char)text[dashes]))
		return 0;
	while (end < length && (isalnum((unsigned char)text[end]) || text[end] == '-'))
		end++;
	return end;
}

/* What is between a backquote at `text` and the next one: its length; 0 if there is none. */
static size_t quoted_length(const char *text, size_t length)
{
	const char *end = length > 1 && text[0] == '`' ? memchr(text + 1, '`', length - 1) : NULL;
	return end != NULL ? (size_t)(end - text) - 1 : 0;
}

void roff_prose(const char *text, size_t length, FILE *to)
{
	if (length > 0 && (text[0] == '.' || text[0] == '\''))
		fputs("\\&", to);
	for (size_t i = 0; i < length;) {
		const bool begins = i == 0 || strchr(" (`\"", text[i - 1]) != NULL;
		size_t quoted = quoted_length(text + i, length - i);
		size_t option = begins ? option_length(text + i, length - i) : 0;
		if (quoted > 0) {
			put_bold(text + i + 1, quoted, to);
			i += quoted + 2;
		} else if (option > 0) {
			put_bold(text + i, option, to);
			i += option;
		} else {
			put(text[i++], false, to);
		}
	}
}

/* An example's lines, from the first to the last that begins with a blank. Returns what follows. */
static const char *put_example(const char *text, FILE *to)
{
	fputs(".sp\n.RS 4\n.nf\n", to);
	while (text[0] == ' ') {
		size_t length = strcspn(text, "\n");
		size_t blanks = strspn(text, " ");
		roff_literal(text + blanks, length - blanks, to);
		fputc('\n', to);
		text += length + (text[length] == '\n');
	}
	fputs(".fi\n.RE\n", to);
	return text;
}

void roff_text(const char *text, FILE *to)
{
	/* A heading stands above the first one. */
	const char *macro = "";
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");
		if (text[0] == ' ') {
			text = put_example(text, to);
			continue;
		}
		if (length > 0) {
			fputs(macro, to);
			macro = ".PP\n";
			roff_prose(text, length, to);
			fputc('\n', to);
		}
		text += length + (text[length] == '\n');
	}
}
