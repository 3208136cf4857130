#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"

enum {
	DRAIN_MS = 3000,      /* 9600 baud: 3 KB; somebody may have pressed ^S */
	LOG_LINE_BYTES = 900, /* the kernel refuses lines of about 1 KiB */
	LOG_CONSOLE_OFF = 6,  /* syslog(2) */
	LOG_CONSOLE_ON = 7,
	SCREEN_COLUMNS = 80
};

/* To the line's beginning, and what was there is gone. */
#define CLEAR_LINE "\r\x1b[K"

static enum initconf_log current = INITCONF_LOG_QUIET;
static bool has_log; /* the machine is ours, and so is its log */
static bool heard;   /* there is a /dev/console */
static bool drawn;   /* the last line is one that was drawn */

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
	has_log = true;
	heard = true;
	int fd = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		heard = false;
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	}
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

/* What nobody hears is nobody's. */
static void write_whole(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t wrote = write(fd, bytes, length);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return;
		bytes += wrote;
		length -= (size_t)wrote;
	}
}

/* Until the kernel has printed what is to be printed: who reads this has its console to himself. */
static void settle(void)
{
	char active[64];
	int fd = open("/sys/class/tty/console/active", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return;
	(void)!read(fd, active, sizeof active);
	(void)close(fd);
}

/*
 * Also into the kernel's log, with a priority, for who looks at it later (`dmesg -l err`). The
 * console has the line already, so the kernel must not print it there: it is told to be silent
 * meanwhile, and has nothing unprinted before and after; but for when there is no console for us:
 * then the kernel's own, which may be the network's, is all there is. Opened for each line, since
 * the kernel takes ten in five seconds of one descriptor.
 */
static void write_log(enum console_priority priority, const char *line, size_t length)
{
	char entry[LOG_LINE_BYTES];
	if (!has_log)
		return;
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return;
	/* With its newline: without one the kernel would wait for more of the line. */
	int most = LOG_LINE_BYTES - (int)sizeof "<7>\n";
	int used = snprintf(entry, sizeof entry, "<%u>%.*s\n", (unsigned)priority,
		(int)length < most ? (int)length : most, line);
	settle();
	if (used > 0 && (!heard || syscall(SYS_syslog, LOG_CONSOLE_OFF, NULL, 0) == 0)) {
		(void)!write(fd, entry, (size_t)used);
		settle();
		if (heard)
			(void)syscall(SYS_syslog, LOG_CONSOLE_ON, NULL, 0);
	}
	(void)close(fd);
}

/* One write a line, so that the kernel's own messages don't cut it. */
static void write_line(const char *line, size_t length)
{
	char bytes[sizeof CLEAR_LINE - 1 + CONSOLE_LINE_BYTES];
	size_t used = drawn ? sizeof CLEAR_LINE - 1 : 0;
	memcpy(bytes, CLEAR_LINE, used);
	drawn = false;
	memcpy(bytes + used, line, length);
	bytes[used + length] = '\n';
	write_whole(2, bytes, used + length + 1);
}

static void make_harmless(char *line, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
	}
}

/* What is kept from the console at `quiet` is in the log all the same. */
__attribute__((format(printf, 3, 0))) static void print_va(
	enum console_priority priority, enum initconf_log level, const char *format, va_list args)
{
	char line[CONSOLE_LINE_BYTES] = "plyboot: ";
	size_t used = strlen(line), room = sizeof line - used;
	int saved = errno;
	if (level > current && (!has_log || level > INITCONF_LOG_NORMAL))
		return;
	int added = vsnprintf(line + used, room, format, args);
	if (added >= (int)room) {
		memcpy(line + sizeof line - 4, "...", 3);
		added = (int)room - 1;
	}
	if (added > 0)
		used += (size_t)added;
	make_harmless(line, used);
	if (level <= current)
		write_line(line, used);
	write_log(priority, line, used);
	errno = saved;
}

void console_print(enum initconf_log level, const char *format, ...)
{
	static const enum console_priority priorities[INITCONF_LOGS] = {
		CONSOLE_ERROR, CONSOLE_INFO, CONSOLE_DEBUG};
	const bool warns = strncasecmp(format, "warning", strlen("warning")) == 0;
	va_list args;
	va_start(args, format);
	print_va(warns ? CONSOLE_WARNING : priorities[level], level, format, args);
	va_end(args);
}

void console_print_as(
	enum console_priority priority, enum initconf_log level, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	print_va(priority, level, format, args);
	va_end(args);
}

/* --- a line that is drawn again */

bool console_is_screen(void)
{
	char type;
	struct winsize size;
	return ioctl(2, KDGKBTYPE, &type) == 0 && ioctl(2, TIOCGWINSZ, &size) == 0 &&
	       size.ws_col >= SCREEN_COLUMNS;
}

void console_draw(const char *text)
{
	char line[SCREEN_COLUMNS + sizeof CLEAR_LINE];
	if (current < INITCONF_LOG_NORMAL)
		return;
	int length = snprintf(line, sizeof line, "%splyboot: %s", drawn ? CLEAR_LINE : "", text);
	write_whole(2, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
	drawn = true;
}

void console_show(const char *text)
{
	char line[CONSOLE_LINE_BYTES];
	if (current < INITCONF_LOG_NORMAL)
		return;
	int length = snprintf(line, sizeof line, "plyboot: %s", text);
	write_line(line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}

void console_draw_end(void)
{
	if (drawn)
		write_whole(2, CLEAR_LINE, sizeof CLEAR_LINE - 1);
	drawn = false;
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
	const char *remedy = (unsigned)e->code < ERROR_CODES ? advice[e->code] : NULL;
	console_alert("ERROR %s: %s: %s", what, error_code_name(e->code), e->text);
	if (remedy != NULL)
		console_alert("  what to do: %s", remedy);
}
