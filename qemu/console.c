#include "console.h"

#include <string.h>

bool console_line_add(struct console_line *line, char byte)
{
	if (byte == '\n') {
		line->text[line->length] = '\0';
		line->returned = false;
		return true;
	}
	if (byte == '\r') {
		line->returned = true;
		return false;
	}
	if (line->returned) {
		line->returned = false;
		line->length = 0;
	}
	if (line->length < sizeof(line->text) - 1)
		line->text[line->length++] = byte;
	return false;
}

/* How many bytes the escape sequence at `s` has (ECMA-48: CSI, the string sequences, the rest). */
static size_t escape_length(const char *s)
{
	size_t n = 1;

	if (s[1] == '[') {
		for (n = 2; s[n] >= 0x20 && s[n] <= 0x3f; n++)
			;
		return s[n] >= 0x40 && s[n] <= 0x7e ? n + 1 : n;
	}
	if (s[1] != '\0' && strchr("]P^_X", s[1])) {
		for (n = 2; s[n] != '\0' && s[n] != '\a' && s[n] != '\033'; n++)
			;
		if (s[n] == '\a')
			return n + 1;
		return s[n] == '\033' && s[n + 1] == '\\' ? n + 2 : n;
	}
	while (s[n] >= 0x20 && s[n] <= 0x2f)
		n++;
	return s[n] >= 0x30 && s[n] <= 0x7e ? n + 1 : n;
}

/* The length of the UTF-8 sequence at `s` if it is a whole one that is no C1 control; else 0. */
static size_t utf8_length(const unsigned char *s)
{
	size_t length = s[0] >= 0xf0 && s[0] <= 0xf4  ? 4
			: s[0] >= 0xe0 && s[0] < 0xf0 ? 3
			: s[0] >= 0xc2 && s[0] < 0xe0 ? 2
						      : 0;

	for (size_t i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return s[0] == 0xc2 && s[1] < 0xa0 ? 0 : length;
}

void console_harmless(const char *line, char *out, size_t size)
{
	size_t used = 0;

	while (*line != '\0' && used + 1 < size) {
		unsigned char c = (unsigned char)*line;
		size_t whole = c >= 0x80 ? utf8_length((const unsigned char *)line) : 1;

		if (c == '\033') {
			line += escape_length(line);
			continue;
		}
		if (whole == 0 || (c < 0x20 && c != '\t') || c == 0x7f) {
			out[used++] = '?';
			line++;
			continue;
		}
		if (used + whole >= size)
			break;
		memcpy(out + used, line, whole);
		used += whole;
		line += whole;
	}
	out[used] = '\0';
}

/* The kernel's own line: at the start, or behind printk's "[   1.23] ". Quoted in the middle of
 * somebody's sentence it is not a panic. */
static bool is_panic(const char *line)
{
	const char *found = strstr(line, "Kernel panic - not syncing");

	return found && (found == line || (found - line >= 2 && memcmp(found - 2, "] ", 2) == 0));
}

static void end_line(struct console *console)
{
	char *kept = console->tail[console->line_count++ % CONSOLE_TAIL_LINES];

	console_harmless(console->current.text, kept, CONSOLE_LINE_SIZE);
	if (console->panic[0] == '\0' && is_panic(kept))
		memcpy(console->panic, kept, sizeof(console->panic));
	console->current.length = 0;
}

void console_feed(struct console *console, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		/* A NUL would hide the rest of its line. */
		if (console_line_add(&console->current, bytes[i] == '\0' ? '\001' : bytes[i]))
			end_line(console);
	}
}

void console_finish(struct console *console)
{
	if (console->current.length > 0 && console_line_add(&console->current, '\n'))
		end_line(console);
}

const char *console_tail(const struct console *console, size_t i)
{
	size_t count = console->line_count;
	size_t first = count > CONSOLE_TAIL_LINES ? count - CONSOLE_TAIL_LINES : 0;

	return i < count - first ? console->tail[(first + i) % CONSOLE_TAIL_LINES] : NULL;
}
