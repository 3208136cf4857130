#include "text.h"

int text_check(const uint8_t *bytes, size_t size_bytes, struct error *e)
{
	if (size_bytes == 0)
		return error_set(e, ERROR_FORMAT, 0, "the file is empty");
	unsigned line = 1;
	for (size_t i = 0; i < size_bytes; i++) {
		if (bytes[i] == '\n')
			line++;
		else if (bytes[i] < 0x20 || bytes[i] > 0x7e)
			return error_set(e, ERROR_FORMAT, 0,
				"line %u: byte 0x%02x, only printable ASCII and line feeds are "
				"allowed",
				line, bytes[i]);
	}
	if (bytes[size_bytes - 1] != '\n')
		return error_set(e, ERROR_FORMAT, 0, "line %u: no line feed at its end", line);
	return 0;
}
