#include "verdict.h"

#include <string.h>

#include "boot.h"

static const char prefix[] = "plyboot-verdict ";

int verdict_parse(const char *line, const char *expect)
{
	const char *digits = line + sizeof(prefix) - 1;
	size_t digit_count;
	int verdict = 0;

	if (strncmp(line, prefix, sizeof(prefix) - 1) != 0)
		return -1;
	digit_count = strspn(digits, "0123456789");
	if (digit_count < 1 || digit_count > 3 || (digit_count > 1 && digits[0] == '0'))
		return -1;
	for (size_t i = 0; i < digit_count; i++)
		verdict = verdict * 10 + (digits[i] - '0');
	if (verdict > QEMU_STATUS_VERDICT_MAX)
		return -1;

	const char *rest = digits + digit_count;
	if (*rest == '\0')
		return expect ? -1 : verdict;
	if (*rest != ' ' || rest[1] == '\0' || strpbrk(rest + 1, " \t"))
		return -1;
	return !expect || strcmp(rest + 1, expect) == 0 ? verdict : -1;
}

void verdict_feed(struct verdict_port *port, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (!console_line_add(&port->current, bytes[i]))
			continue;
		/* A NUL within would make a longer line look like a shorter one. */
		if (port->verdict < 0 && strlen(port->current.text) == port->current.length)
			port->verdict = verdict_parse(port->current.text, port->expect);
		port->current.length = 0;
	}
}
