/* An archive of the form newc, made in memory. */
#ifndef PLYBOOT_TEST_NEWC_H
#define PLYBOOT_TEST_NEWC_H

#include <stdio.h>
#include <string.h>

struct newc {
	char text[8192];
	size_t size;
};

static inline void newc_add(struct newc *newc, const char *path, const char *content)
{
	newc->size += (size_t)snprintf(newc->text + newc->size, sizeof newc->text - newc->size,
		"070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x%s", 1, 0100644, 0, 0,
		1, 0, strlen(content), 0, 0, 0, 0, strlen(path) + 1, 0, path);
	newc->text[newc->size++] = '\0';
	while (newc->size % 4 != 0)
		newc->text[newc->size++] = '\0';
	newc->size += (size_t)snprintf(
		newc->text + newc->size, sizeof newc->text - newc->size, "%s", content);
	while (newc->size % 4 != 0)
		newc->text[newc->size++] = '\0';
}

#endif
