#include "error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const code_names[ERROR_CODES] = {
	[ERROR_NONE] = "NONE",
	[ERROR_FORMAT] = "FORMAT",
	[ERROR_LIMIT] = "LIMIT",
	[ERROR_TARGET] = "TARGET",
	[ERROR_ROLLBACK] = "ROLLBACK",
	[ERROR_SIGNATURE] = "SIGNATURE",
	[ERROR_KEY] = "KEY",
	[ERROR_DIGEST] = "DIGEST",
	[ERROR_TAR] = "TAR",
	[ERROR_TYPE] = "TYPE",
	[ERROR_PATH] = "PATH",
	[ERROR_WHITEOUT] = "WHITEOUT",
	[ERROR_XATTR] = "XATTR",
	[ERROR_STREAM] = "STREAM",
	[ERROR_SIZE] = "SIZE",
	[ERROR_NOSPACE] = "NOSPACE",
	[ERROR_DEVICE] = "DEVICE",
	[ERROR_IO] = "IO",
	[ERROR_MISSING] = "MISSING",
	[ERROR_KERNEL] = "KERNEL",
	[ERROR_CONFIG] = "CONFIG",
	[ERROR_JAIL] = "JAIL",
	[ERROR_UPPER] = "UPPER",
	[ERROR_USAGE] = "USAGE",
};

const char *error_code_name(enum error_code code)
{
	if ((unsigned)code >= ERROR_CODES)
		return "UNKNOWN";
	return code_names[code];
}

/* musl has no words for what ext4 and XFS say of damage that they find. */
static const char *reason(int sys_errno)
{
	return sys_errno == EUCLEAN ? "the file system is damaged" : strerror(sys_errno);
}

static void set_va(
	struct error *e, enum error_code code, int sys_errno, const char *format, va_list args)
{
	if (e == NULL)
		return;
	e->code = code;
	e->sys_errno = sys_errno;
	(void)vsnprintf(e->text, sizeof e->text, format, args);
	if (sys_errno != 0) {
		size_t used = strlen(e->text);
		(void)snprintf(e->text + used, sizeof e->text - used, ": %s", reason(sys_errno));
	}
}

int error_set(struct error *e, enum error_code code, int sys_errno, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	set_va(e, code, sys_errno, format, args);
	va_end(args);
	return -1;
}

int error_errno(struct error *e, int sys_errno, const char *format, ...)
{
	enum error_code code = ERROR_IO;
	if (sys_errno == ENOMEM || sys_errno == ENOSPC || sys_errno == EDQUOT)
		code = ERROR_NOSPACE;
	else if (sys_errno == ENOENT)
		code = ERROR_MISSING;
	va_list args;
	va_start(args, format);
	set_va(e, code, sys_errno, format, args);
	va_end(args);
	return -1;
}

int error_wrap(struct error *e, const char *format, ...)
{
	if (e == NULL)
		return -1;
	char inner[ERROR_TEXT_SIZE];
	memcpy(inner, e->text, sizeof inner);
	va_list args;
	va_start(args, format);
	(void)vsnprintf(e->text, sizeof e->text, format, args);
	va_end(args);
	size_t used = strlen(e->text);
	(void)snprintf(e->text + used, sizeof e->text - used, ": %s", inner);
	return -1;
}
