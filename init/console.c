#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum initconf_log current = INITCONF_LOG_QUIET;

/* What a person can do about each kind of error. */
static const char *const advice[ERROR_CODES] = {
	[ERROR_FORMAT] =
		"write the file again with this plyboot; the initramfs may be older than it",
	[ERROR_LIMIT] = "sign the stack again from the layers as they are; see the limits in the "
			"stack file",
	[ERROR_TARGET] = "install a stack made for this machine, kernel and initramfs",
	[ERROR_ROLLBACK] = "install a newer stack: this device does not go back below its floor",
	[ERROR_SIGNATURE] = "copy the stack file again, or sign it again",
	[ERROR_KEY] = "sign with a key that is in this initramfs, or put the key into it",
	[ERROR_DIGEST] =
		"the bytes on the disk are not those that were signed: copy the layer again",
	[ERROR_TAR] = "make the layer again with plyboot pack",
	[ERROR_TYPE] = "make the layer without that entry",
	[ERROR_PATH] = "make the layer without that entry",
	[ERROR_WHITEOUT] = "make the layer again with plyboot diff",
	[ERROR_XATTR] = "make the layer without that attribute, or use Linux 6.6 or newer",
	[ERROR_STREAM] = "compress the layer again with plyboot pack",
	[ERROR_SIZE] = "sign the stack again from the layers as they are",
	[ERROR_NOSPACE] = "give the machine more memory, or make the layers smaller",
	[ERROR_DEVICE] =
		"attach the disk, check plyboot.layers= and init.conf, or raise plyboot.wait=",
	[ERROR_IO] = "check the disk and its cable; the kernel's messages say more",
	[ERROR_MISSING] = "put what is missing where the message says",
	[ERROR_KERNEL] =
		"check the kernel's configuration with kconfig/check, and the modules in init.conf",
	[ERROR_CONFIG] =
		"correct init.conf and make the initramfs again, or correct the command line",
	[ERROR_USAGE] = "run /init only as the first process of an initramfs",
};

void console_open(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	for (int target = 0; target <= 2; target++) {
		/* dup2 onto itself would leave close-on-exec set. */
		if (fd == target)
			(void)fcntl(fd, F_SETFD, 0);
		else
			(void)dup2(fd, target);
	}
	if (fd > 2)
		(void)close(fd);
}

void console_set_level(enum initconf_log level)
{
	current = level;
}

enum initconf_log console_level(void)
{
	return current;
}

/* One write a line, so that the kernel's own messages don't cut it. */
static void write_line(char *line, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
	}
	line[length++] = '\n';
	while (length > 0) {
		ssize_t wrote = write(2, line, length);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return; /* nobody is listening */
		line += wrote;
		length -= (size_t)wrote;
	}
}

static void say_va(const char *format, va_list args)
{
	char line[1024] = "plyboot: ";
	size_t used = strlen(line);
	int saved = errno;
	int added = vsnprintf(line + used, sizeof line - used - 1, format, args);
	if (added > 0)
		used = used + (size_t)added < sizeof line - 1 ? used + (size_t)added
							      : sizeof line - 2;
	write_line(line, used);
	errno = saved;
}

void console_say(const char *format, ...)
{
	va_list args;
	if (current < INITCONF_LOG_NORMAL)
		return;
	va_start(args, format);
	say_va(format, args);
	va_end(args);
}

void console_debug(const char *format, ...)
{
	va_list args;
	if (current < INITCONF_LOG_DEBUG)
		return;
	va_start(args, format);
	say_va(format, args);
	va_end(args);
}

void console_alert(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say_va(format, args);
	va_end(args);
}

void console_error(const char *what, const struct error *e)
{
	const char *todo = (unsigned)e->code < ERROR_CODES ? advice[e->code] : NULL;
	console_alert("ERROR %s: %s: %s", what, error_code_name(e->code), e->text);
	if (todo != NULL)
		console_alert("  what to do: %s", todo);
}
