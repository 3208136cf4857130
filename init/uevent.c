#include "uevent.h"

#include <string.h>

bool uevent_value(const char *text, const char *key, char *out, size_t out_size)
{
	size_t key_length = strlen(key);
	while (*text != '\0') {
		size_t line = strcspn(text, "\n");
		if (line > key_length && memcmp(text, key, key_length) == 0 &&
			text[key_length] == '=') {
			size_t length = line - key_length - 1;
			if (length >= out_size)
				return false;
			memcpy(out, text + key_length + 1, length);
			out[length] = '\0';
			return true;
		}
		text += line + (text[line] == '\n');
	}
	return false;
}
