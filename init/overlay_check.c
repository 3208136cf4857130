#include "overlay_check.h"

#include <string.h>

/* mountinfo leaves out what is at the kernel's default, and modules can be loaded with other
 * defaults. */
const struct overlay_option overlay_options[OVERLAY_OPTIONS] = {
	{"metacopy", "off", {"metacopy", NULL}},
	{"redirect_dir", "nofollow", {"redirect_dir", "redirect_always_follow"}},
	{"index", "off", {"index", NULL}},
	{"nfs_export", "off", {"nfs_export", NULL}},
	{"xino", "off", {"xino_auto", NULL}},
};

struct seen {
	size_t lowers;
	bool upper, work, read_only, read_write;
	bool option[OVERLAY_OPTIONS];
};

/* The super options of the last mount at a path, or NULL. Fields: id parent major:minor root
 * mount-point options tags... - type source super-options */
static char *find_super_options(char *text, const char *at)
{
	char *found = NULL, *line, *next;
	for (line = text; *line != '\0'; line = next) {
		next = line + strcspn(line, "\n");
		if (*next == '\n')
			*next++ = '\0';
		char *dash = strstr(line, " - overlay ");
		char *point = line;
		for (int field = 0; field < 4 && point != NULL; field++) {
			point = strchr(point, ' ');
			point = point != NULL ? point + 1 : NULL;
		}
		size_t length = strlen(at);
		if (dash == NULL || point == NULL || strncmp(point, at, length) != 0 ||
			point[length] != ' ')
			continue;
		found = strchr(dash + strlen(" - overlay "), ' ');
	}
	return found != NULL ? found + 1 : NULL;
}

static const char *value_of(const char *option, const char *key)
{
	size_t length = strlen(key);
	return strncmp(option, key, length) == 0 ? option + length : NULL;
}

static int check_lower(const struct overlay_shown *want, struct seen *seen, const char *name,
	size_t length, struct error *e)
{
	if (seen->lowers == want->lower_count)
		return error_set(
			e, ERROR_KERNEL, 0, "the overlay has a lower too many: %.80s", name);
	const char *expected = want->lowers[seen->lowers];
	if (strlen(expected) != length || memcmp(expected, name, length) != 0)
		return error_set(e, ERROR_KERNEL, 0, "lower %zu of the overlay is %.*s, not %s",
			seen->lowers, (int)(length < 100 ? length : 100), name, expected);
	seen->lowers++;
	return 0;
}

/* "a:b:c", the form of mount(2). */
static int check_lowers(
	const struct overlay_shown *want, struct seen *seen, const char *list, struct error *e)
{
	for (;;) {
		size_t length = strcspn(list, ":");
		if (check_lower(want, seen, list, length, e) != 0)
			return -1;
		if (list[length] == '\0')
			return 0;
		list += length + 1;
	}
}

static int check_path(
	const char *what, const char *got, const char *want, bool *seen, struct error *e)
{
	if (want == NULL || strcmp(got, want) != 0)
		return error_set(e, ERROR_KERNEL, 0, "the overlay's %s is %.100s, not %s", what,
			got, want != NULL ? want : "none");
	*seen = true;
	return 0;
}

static int check_option(
	const char *option, const struct overlay_shown *want, struct seen *seen, struct error *e)
{
	const char *value;
	if ((value = value_of(option, "lowerdir=")) != NULL)
		return check_lowers(want, seen, value, e);
	if ((value = value_of(option, "lowerdir+=")) != NULL)
		return check_lower(want, seen, value, strlen(value), e);
	if ((value = value_of(option, "upperdir=")) != NULL)
		return check_path("upper", value, want->upper, &seen->upper, e);
	if ((value = value_of(option, "workdir=")) != NULL)
		return check_path("work directory", value, want->work, &seen->work, e);
	seen->read_only |= strcmp(option, "ro") == 0;
	seen->read_write |= strcmp(option, "rw") == 0;
	for (size_t i = 0; i < OVERLAY_OPTIONS; i++) {
		size_t length = strlen(overlay_options[i].name);
		if (strncmp(option, overlay_options[i].name, length) != 0 || option[length] != '=')
			continue;
		if (strcmp(option + length + 1, overlay_options[i].value) != 0)
			return error_set(e, ERROR_KERNEL, 0, "the overlay has %.100s, not %s",
				option, overlay_options[i].value);
		seen->option[i] = true;
	}
	return 0;
}

static int check_whole(const struct overlay_shown *want, const struct seen *seen, struct error *e)
{
	if (seen->lowers != want->lower_count)
		return error_set(e, ERROR_KERNEL, 0, "the overlay has %zu lowers, not %zu",
			seen->lowers, want->lower_count);
	if (want->upper != NULL && (!seen->upper || !seen->work))
		return error_set(e, ERROR_KERNEL, 0, "the overlay is without its upper");
	/* overlayfs falls back to read-only, in silence, when it can't use its work directory. */
	if (want->upper != NULL && !want->read_only && (seen->read_only || !seen->read_write))
		return error_set(e, ERROR_KERNEL, 0,
			"the overlay came up read-only: its work directory can't be used");
	if ((want->upper == NULL || want->read_only) && (!seen->read_only || seen->read_write))
		return error_set(e, ERROR_KERNEL, 0, "the overlay came up writable");
	return 0;
}

static int check_default(const struct overlay_option *option,
	char (*parameter)(void *context, const char *name), void *context, struct error *e)
{
	for (size_t i = 0; i < 2 && option->parameters[i] != NULL; i++) {
		char state = parameter(context, option->parameters[i]);
		if (state != 'N')
			return error_set(e, ERROR_KERNEL, 0,
				"the overlay does not show %s=%s, and the kernel's parameter %s is "
				"%s",
				option->name, option->value, option->parameters[i],
				state == 'Y' ? "Y" : "unknown");
	}
	return 0;
}

int overlay_check(char *text, const struct overlay_shown *want,
	char (*parameter)(void *context, const char *name), void *context, struct error *e)
{
	struct seen seen = {0};
	char *options = find_super_options(text, want->at);
	if (options == NULL)
		return error_set(e, ERROR_KERNEL, 0, "no overlay is mounted at %s", want->at);
	for (char *option = options, *next; option != NULL; option = next) {
		next = strchr(option, ',');
		if (next != NULL)
			*next++ = '\0';
		if (check_option(option, want, &seen, e) != 0)
			return -1;
	}
	for (size_t i = 0; i < OVERLAY_OPTIONS; i++) {
		if (!seen.option[i] &&
			check_default(&overlay_options[i], parameter, context, e) != 0)
			return -1;
	}
	return check_whole(want, &seen, e);
}
