/* What a guest prints, as lines. Pure: no descriptor, no clock, no allocation. */
#ifndef PLYBOOT_QEMU_CONSOLE_H
#define PLYBOOT_QEMU_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

enum { CONSOLE_LINE_SIZE = 400, CONSOLE_TAIL_LINES = 50 };

/* One line while its bytes come in. Bytes over the size are dropped. All zero is empty. */
struct console_line {
	char text[CONSOLE_LINE_SIZE]; /* ended by NUL once console_line_add has returned true */
	size_t length;
	bool returned;
};

/* Add a byte; true when it ended the line (\n, \r\n). A \r in the middle starts the line anew, as
 * on a screen: of a progress line the last state stays. After true, set `length` to 0. */
bool console_line_add(struct console_line *line, char byte);

/* Copy `line` as text that is safe to print anywhere: escape sequences are dropped, other control
 * characters (C1 too, but for the tab) and what is not UTF-8 become '?'. Cut to fit. */
void console_harmless(const char *line, char *out, size_t size);

/* The last lines of a console. All zero is empty. */
struct console {
	struct console_line current;
	char tail[CONSOLE_TAIL_LINES][CONSOLE_LINE_SIZE]; /* harmless; a ring */
	size_t line_count;                                /* lines ended so far */
	char panic[CONSOLE_LINE_SIZE]; /* the first panic line, harmless; empty: none */
};

void console_feed(struct console *console, const char *bytes, size_t length);

/* The guest is gone: an unfinished line counts as a line. */
void console_finish(struct console *console);

/* The i-th of the kept lines, 0 the oldest; NULL behind the last. */
const char *console_tail(const struct console *console, size_t i);

#endif
