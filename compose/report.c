#include "report.h"

#include <stdio.h>
#include <string.h>

#include "../qemu/console.h"

static const int statuses[ERROR_CODES] = {
	[ERROR_FORMAT] = STATUS_REFUSED,
	[ERROR_LIMIT] = STATUS_REFUSED,
	[ERROR_TARGET] = STATUS_REFUSED,
	[ERROR_ROLLBACK] = STATUS_REFUSED,
	[ERROR_SIGNATURE] = STATUS_REFUSED,
	[ERROR_KEY] = STATUS_REFUSED,
	[ERROR_DIGEST] = STATUS_REFUSED,
	[ERROR_TAR] = STATUS_REFUSED,
	[ERROR_TYPE] = STATUS_REFUSED,
	[ERROR_PATH] = STATUS_REFUSED,
	[ERROR_WHITEOUT] = STATUS_REFUSED,
	[ERROR_XATTR] = STATUS_REFUSED,
	[ERROR_STREAM] = STATUS_REFUSED,
	[ERROR_SIZE] = STATUS_REFUSED,
	[ERROR_CONFIG] = STATUS_REFUSED,
	[ERROR_JAIL] = STATUS_REFUSED,
	[ERROR_UPPER] = STATUS_REFUSED,
	[ERROR_USAGE] = STATUS_USAGE,
	[ERROR_NOSPACE] = STATUS_MACHINE,
	[ERROR_DEVICE] = STATUS_MACHINE,
	[ERROR_IO] = STATUS_MACHINE,
	[ERROR_MISSING] = STATUS_MACHINE,
	[ERROR_KERNEL] = STATUS_MACHINE,
};

const char report_statuses[] =
	"It ends with 0: done; 1: something was refused; 2: wrong usage; 3: the machine failed;\n"
	"`boot` also with a guest's verdict, and from 120: see its help.\n";

/* A program has one standard error: its state may be one, too. */
static const char *verb_name;
static char hint[512];

int report_status(enum error_code code)
{
	if ((unsigned)code >= ERROR_CODES || statuses[code] == STATUS_FINE)
		return STATUS_REFUSED;
	return statuses[code];
}

void report_verb(const char *name)
{
	verb_name = name;
}

static void print_name(void)
{
	fflush(stdout);
	fprintf(stderr, "plyboot%s%s: ", verb_name != NULL ? " " : "",
		verb_name != NULL ? verb_name : "");
}

/* One line, whatever is in the names of files that it speaks of. */
static void print_harmless(const char *text)
{
	char line[ERROR_TEXT_SIZE];
	console_harmless(text, line, sizeof line);
	fprintf(stderr, "%s\n", line);
}

void report_error(const struct error *e)
{
	if (e->code == ERROR_USAGE && hint[0] == '\0')
		report_hint("`plyboot %s%s--help` says what it takes",
			verb_name != NULL ? verb_name : "", verb_name != NULL ? " " : "");
	print_name();
	fprintf(stderr, "%s: ", error_code_name(e->code));
	print_harmless(e->text);
	if (hint[0] != '\0') {
		fputs("  ", stderr);
		print_harmless(hint);
	}
	hint[0] = '\0';
}

static void print_line(const char *what, const char *format, va_list args)
{
	char text[ERROR_TEXT_SIZE];
	print_name();
	fputs(what, stderr);
	(void)vsnprintf(text, sizeof text, format, args);
	print_harmless(text);
}

void report_warning(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	print_line("warning: ", format, args);
	va_end(args);
}

void report_note(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	print_line("", format, args);
	va_end(args);
}

void report_hint(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	(void)vsnprintf(hint, sizeof hint, format, args);
	va_end(args);
}
