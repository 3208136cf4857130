#include "report.h"

#include <stdio.h>
#include <string.h>

/* What is not here is STATUS_REFUSED. */
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
	[ERROR_USAGE] = STATUS_USAGE,
	[ERROR_NOSPACE] = STATUS_MACHINE,
	[ERROR_DEVICE] = STATUS_MACHINE,
	[ERROR_IO] = STATUS_MACHINE,
	[ERROR_MISSING] = STATUS_MACHINE,
	[ERROR_KERNEL] = STATUS_MACHINE,
};

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

void report_error(const struct error *e)
{
	if (e->code == ERROR_USAGE && hint[0] == '\0')
		report_hint("`plyboot %s%s--help` says what it takes",
			verb_name != NULL ? verb_name : "", verb_name != NULL ? " " : "");
	print_name();
	fprintf(stderr, "%s: %s\n", error_code_name(e->code), e->text);
	if (hint[0] != '\0')
		fprintf(stderr, "  %s\n", hint);
	hint[0] = '\0';
}

void report_warning(const char *format, ...)
{
	print_name();
	fputs("warning: ", stderr);
	va_list args;
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void report_hint(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	(void)vsnprintf(hint, sizeof hint, format, args);
	va_end(args);
}
