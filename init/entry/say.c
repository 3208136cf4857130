#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scope.h"

enum { LINE_BYTES = 1024, PATIENCE_MS = 1000 };

const char *say_advice(enum error_code code)
{
	switch (code) {
	case ERROR_FORMAT:
	case ERROR_LIMIT:
		return "make the layer with /.plyboot again: plyboot entry";
	case ERROR_CONFIG:
		return "make the layer with /.plyboot again, and name what the image has: plyboot "
		       "entry";
	case ERROR_TYPE:
		return "correct the file in its layer, or name another program: plyboot entry";
	case ERROR_MISSING:
		return "add a layer that has it, or name another program: plyboot entry";
	case ERROR_NOSPACE:
		return "give the machine more memory, or make room on its state partition";
	case ERROR_KERNEL:
		return "use a kernel that has it: kconfig/check says what is missing";
	case ERROR_IO:
		return "check the disk and its cable; the kernel's messages say more";
	default:
		return NULL;
	}
}

/* Opened each time: when the program's session ends, the kernel hangs up its terminal. */
static void write_line(const char *line, size_t length)
{
	SCOPED_FD fd = open("/dev/console", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	while (fd >= 0 && length > 0) {
		ssize_t wrote = write(fd, line, length);
		if (wrote > 0) {
			line += wrote;
			length -= (size_t)wrote;
			continue;
		}
		struct pollfd ready = {.fd = fd, .events = POLLOUT};
		if (errno != EAGAIN || poll(&ready, 1, PATIENCE_MS) != 1 ||
			(ready.revents & POLLOUT) == 0)
			return; /* nobody is listening */
	}
}

void say(const char *format, ...)
{
	char line[LINE_BYTES] = "plyboot: ";
	size_t used = strlen(line), room = sizeof line - used - 1;
	int saved = errno;
	va_list args;
	va_start(args, format);
	int added = vsnprintf(line + used, room, format, args);
	va_end(args);
	if (added > 0)
		used += (size_t)added < room ? (size_t)added : room - 1;
	for (size_t i = 0; i < used; i++) {
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
	}
	line[used++] = '\n';
	write_line(line, used);
	errno = saved;
}

void say_error(const char *what, const struct error *e)
{
	const char *remedy = say_advice(e->code);
	say("ERROR %s: %s: %s", what, error_code_name(e->code), e->text);
	if (remedy != NULL)
		say("  what to do: %s", remedy);
}
