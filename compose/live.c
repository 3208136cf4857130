#include "live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "output.h"

enum { MOUNTINFO_MAX_BYTES = 4 * 1024 * 1024 };

static bool is_octal(const char *text)
{
	for (int i = 0; i < 3; i++) {
		if (text[i] < '0' || text[i] > '7')
			return false;
	}
	return true;
}

/* The kernel writes blanks, commas and backslashes as \040 ... */
static void unescape(char *text)
{
	char *to = text;
	while (*text != '\0') {
		if (text[0] == '\\' && is_octal(text + 1)) {
			*to++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + text[3] - '0');
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/* The next word of a line, NUL-terminated; NULL behind the last. */
static char *word(char **line)
{
	return strsep(line, " ");
}

/* `*options` becomes those of the mount at "/" if this line is of one: NULL of what is no overlay.
 */
static void look_at(char *line, char **options)
{
	char *field = NULL;
	for (int i = 0; i < 5; i++) /* ID, parent, device, root, mount point */
		field = word(&line);
	if (field == NULL || strcmp(field, "/") != 0)
		return;
	while (field != NULL && strcmp(field, "-") != 0)
		field = word(&line);
	const char *type = word(&line);
	(void)word(&line); /* the source */
	*options = type != NULL && strcmp(type, "overlay") == 0 ? word(&line) : NULL;
}

static int read_options(char *options, struct live_upper *out, struct error *e)
{
	static const char upperdir[] = "upperdir=";
	struct live_upper found = {0};
	for (char *option; (option = strsep(&options, ",")) != NULL;) {
		if (strncmp(option, upperdir, strlen(upperdir)) == 0)
			found.path = option + strlen(upperdir);
		else if (strcmp(option, "userxattr") == 0)
			found.userxattr = true;
	}
	if (found.path == NULL)
		return error_set(e, ERROR_MISSING, 0,
			"the root of this system has no upper: it can't be written to");
	unescape(found.path);
	found.path = strdup(found.path);
	if (found.path == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	*out = found;
	return 0;
}

int live_upper_find(const char *mountinfo, struct live_upper *out, struct error *e)
{
	SCOPED_FREE char *text = strdup(mountinfo);
	if (text == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	char *options = NULL; /* of mounts over mounts the last shows */
	char *rest = text;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;)
		look_at(line, &options);
	if (options == NULL)
		return error_set(e, ERROR_MISSING, 0, "the root of this system is no overlay");
	return read_options(options, out, e);
}

static int find_mounted(struct live_upper *out, struct error *e)
{
	SCOPED_FREE uint8_t *text = NULL;
	size_t size_bytes;
	if (input_read_file("/proc/self/mountinfo", MOUNTINFO_MAX_BYTES, &text, &size_bytes, e) !=
		0)
		return -1;
	return live_upper_find((const char *)text, out, e);
}

int live_upper_booted(const struct booted *booted, struct live_upper *out, struct error *e)
{
	if (!booted->knows_uppers)
		return find_mounted(out, e);
	if (booted->upper_count == 0)
		return error_set(e, ERROR_MISSING, 0,
			"the root of this system has no upper: it can't be written to");
	struct live_upper upper = {.path = strdup(booted->uppers[0])};
	if (booted->upper_count > 1)
		upper.below = strdup(booted->uppers[1]);
	if (upper.path == NULL || (booted->upper_count > 1 && upper.below == NULL)) {
		live_upper_free(&upper);
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	}
	*out = upper;
	return 0;
}

int live_upper_of_root(struct live_upper *out, struct error *e)
{
	struct error why;
	SCOPED_BOOTED booted = {.report = NULL};
	if (booted_read(NULL, &booted, &why) == 0)
		return live_upper_booted(&booted, out, e);
	if (why.code == ERROR_MISSING)
		return find_mounted(out, e);
	*e = why;
	return -1;
}

void live_upper_free(struct live_upper *upper)
{
	free(upper->path);
	free(upper->below);
	*upper = (struct live_upper){.path = NULL};
}

enum scan_marks live_upper_marks(const struct live_upper *upper)
{
	return upper->userxattr ? SCAN_MARKS_USER : SCAN_MARKS_TRUSTED;
}

int live_upper_scan(
	const struct live_upper *upper, bool root_owned, struct scan *out, struct error *e)
{
	enum scan_marks marks = live_upper_marks(upper);
	SCOPED_SCAN below = SCAN_INIT;
	if (scan_upper(upper->path, root_owned, marks, out, e) != 0)
		return -1;
	if (upper->below == NULL)
		return 0;
	if (scan_upper(upper->below, root_owned, marks, &below, e) == 0 &&
		scan_put_over(out, &below, e) == 0)
		return 0;
	scan_free(out);
	return -1;
}
