#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clock.h"

enum { DRAIN_MS = 3000 }; /* 9600 baud: 3 KB; somebody may have pressed ^S */

static enum initconf_log current = INITCONF_LOG_QUIET;

/* What a person can do about each kind of error. Nothing here is called wrongly: no ERROR_USAGE. */
static const char *const advice[ERROR_CODES] = {
	[ERROR_FORMAT] = "copy the file again; if it is whole, make the initramfs again, with a "
			 "newer plyboot",
	[ERROR_LIMIT] = "make the layer smaller, or write and sign the stack again",
	[ERROR_TARGET] = "install a stack that is made for this machine, kernel and initramfs",
	[ERROR_ROLLBACK] = "install a newer stack: this device does not go back below its floor",
	[ERROR_SIGNATURE] = "copy the stack file again; if it is whole, sign it again",
	[ERROR_KEY] = "sign the stack with a key that is in this initramfs, or make the initramfs "
		      "again with the key",
	[ERROR_DIGEST] =
		"the bytes on the disk are not those that were signed: copy the layer again",
	[ERROR_TAR] = "make the layer again with plyboot pack",
	[ERROR_TYPE] = "make the layer again without that entry, or with one of the right kind",
	[ERROR_PATH] = "make the layer without that entry",
	[ERROR_WHITEOUT] = "make the layer again with plyboot diff",
	[ERROR_XATTR] = "make the layer without that attribute",
	[ERROR_STREAM] = "compress the layer again with plyboot pack",
	[ERROR_SIZE] = "copy the layer again; if it is whole, write and sign the stack again",
	[ERROR_NOSPACE] = "give the machine more memory, or make the layers smaller",
	[ERROR_DEVICE] =
		"attach the disk, or correct its name in init.conf or plyboot.layers=; if none was "
		"found, add its driver: plyboot initramfs --module",
	[ERROR_IO] = "check the disk and its cable; the kernel's messages say more",
	[ERROR_MISSING] = "put what is missing where the message says",
	[ERROR_KERNEL] =
		"use a kernel that has it: kconfig/check says what is missing, and init.conf which "
		"modules are loaded",
	[ERROR_CONFIG] =
		"correct the kernel command line, or init.conf and make the initramfs again",
	[ERROR_JAIL] = "make the layer again with plyboot pack; report this layer: it attacked or "
		       "crashed what unpacks it",
	[ERROR_UPPER] = "install a stack that keeps the upper, or one that begins a fresh one",
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

void console_print(enum initconf_log level, const char *format, ...)
{
	char line[CONSOLE_LINE_BYTES] = "plyboot: ";
	size_t used = strlen(line), room = sizeof line - used;
	int saved = errno;
	va_list args;
	if (level > current)
		return;
	va_start(args, format);
	int added = vsnprintf(line + used, room, format, args);
	va_end(args);
	if (added >= (int)room) {
		memcpy(line + sizeof line - 4, "...", 3);
		added = (int)room - 1;
	}
	if (added > 0)
		used += (size_t)added;
	write_line(line, used); /* its newline takes the NUL's place */
	errno = saved;
}

void console_drain(void)
{
	int left = 0;
	for (unsigned waited_ms = 0; waited_ms < DRAIN_MS; waited_ms += 10) {
		if (ioctl(2, TIOCOUTQ, &left) != 0 || left <= 0)
			return;
		clock_sleep_ms(10);
	}
}

void console_error(const char *what, const struct error *e)
{
	const char *todo = (unsigned)e->code < ERROR_CODES ? advice[e->code] : NULL;
	console_alert("ERROR %s: %s: %s", what, error_code_name(e->code), e->text);
	if (todo != NULL)
		console_alert("  what to do: %s", todo);
}
