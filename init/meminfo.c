#include "meminfo.h"

#include <stdlib.h>
#include <string.h>

bool meminfo_bytes(const char *text, const char *key, uint64_t *bytes)
{
	size_t key_length = strlen(key);
	while (*text != '\0') {
		if (strncmp(text, key, key_length) == 0 && text[key_length] == ':') {
			char *end;
			unsigned long long kib = strtoull(text + key_length + 1, &end, 10);
			if (strncmp(end, " kB\n", 4) != 0 || kib > UINT64_MAX / 1024)
				return false;
			*bytes = kib * 1024;
			return true;
		}
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return false;
}
