#include "near.h"

#include <stddef.h>
#include <string.h>

enum { WORD_SIZE = 128 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_SIZE];
	size_t width = strlen(b);
	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= width; j++) {
			size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			row[j] = least(replaced, least(row[j], row[j - 1]) + 1);
		}
	}
	return row[width];
}

bool near_match(const char *word, const char *other)
{
	if (word[0] == '\0' || strlen(other) >= WORD_SIZE)
		return false;
	return strstr(other, word) != NULL || distance(word, other) <= 1 + strlen(word) / 4;
}
