#include "mountinfo.h"

#include <stdlib.h>
#include <string.h>

enum { POINT_FIELD = 4 };

static size_t count_lines(const char *text)
{
	size_t count = 0;
	while (*text != '\0') {
		text += strcspn(text, "\n");
		count++;
		if (*text == '\n')
			text++;
	}
	return count;
}

static int is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* The kernel writes blank, tab, newline and backslash as a backslash and three octal digits. */
static void undo_escapes(char *text)
{
	char *to = text;
	for (const char *from = text; *from != '\0'; to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && is_octal(from[2]) &&
			is_octal(from[3])) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* Fields: id parent major:minor root mount-point options tags... - type source super-options */
static int parse_line(char *line, struct mount_point *out)
{
	char *point = line;
	for (int field = 0; field < POINT_FIELD && point != NULL; field++) {
		point = strchr(point, ' ');
		point = point != NULL ? point + 1 : NULL;
	}
	char *dash = point != NULL ? strstr(point, " - ") : NULL;
	if (dash == NULL || *point != '/')
		return -1;
	char *type = dash + strlen(" - ");
	type[strcspn(type, " ")] = '\0';
	point[strcspn(point, " ")] = '\0';
	undo_escapes(point);
	*out = (struct mount_point){point, type};
	return 0;
}

size_t mountinfo_parse(char *text, struct mount_point *out, size_t max)
{
	size_t count = 0;
	if (out == NULL)
		return count_lines(text);
	for (char *line = text, *next; *line != '\0' && count < max; line = next) {
		next = line + strcspn(line, "\n");
		if (*next == '\n')
			*next++ = '\0';
		if (parse_line(line, &out[count]) == 0)
			count++;
	}
	return count;
}

static int longer_first(const void *a, const void *b)
{
	size_t one = strlen(((const struct mount_point *)a)->path);
	size_t other = strlen(((const struct mount_point *)b)->path);
	return (one < other) - (one > other);
}

/* What is below another has the longer path. */
void mountinfo_deepest_first(struct mount_point *mounts, size_t count)
{
	if (count > 0)
		qsort(mounts, count, sizeof *mounts, longer_first);
}
