#include <stdio.h>
#include <string.h>

#include "modules_private.h"
#include "near.h"
#include "report.h"

enum module_state { UNSEEN, CHOOSING, CHOSEN };

static struct module *find(struct modules *modules, const char *name)
{
	for (size_t i = 0; i < modules->count; i++) {
		if (strcmp(modules->all[i].name, name) == 0)
			return &modules->all[i];
	}
	return NULL;
}

static bool word_names(const struct words *words, size_t i, const char *name)
{
	char own[MODULE_NAME_SIZE];
	module_name(words->start[i], words->length[i], own);
	return strcmp(own, name) == 0;
}

static bool is_builtin(const struct modules *modules, const char *name)
{
	const char *rest = modules->builtin;
	struct words words;
	while (next_line(&rest, &words)) {
		if (words.count > 0 && word_names(&words, 0, name))
			return true;
	}
	return false;
}

/* "alias crc32c crc32c_generic": exact names only, no patterns. Of several the one in portable C,
 * which runs on every machine of the architecture. */
static struct module *find_alias(struct modules *modules, const char *name)
{
	const char *rest = modules->alias;
	struct module *found = NULL;
	struct words words;
	while (next_line(&rest, &words)) {
		char target[MODULE_NAME_SIZE];
		if (words.count != 3 || !word_names(&words, 1, name))
			continue;
		module_name(words.start[2], words.length[2], target);
		if (found == NULL || strstr(target, "_generic") != NULL)
			found = find(modules, target);
	}
	return found;
}

static int choose(struct modules *modules, struct module *module, struct error *e);

static int choose_needs(struct modules *modules, const struct module *module, struct error *e)
{
	const char *rest = module->needs;
	struct words words;
	while (next_line(&rest, &words)) {
		for (size_t i = 0; i < words.count; i++) {
			char name[MODULE_NAME_SIZE];
			module_name(words.start[i], words.length[i], name);
			struct module *needed = find(modules, name);
			if (needed == NULL)
				return error_set(e, ERROR_MISSING, 0,
					"%s needs %s, which modules.dep does not list",
					module->name, name);
			if (choose(modules, needed, e) != 0)
				return -1;
		}
	}
	return 0;
}

/* "softdep ext4 pre: crc32c post: ...": those that are there; the kernel can do without the others.
 */
static int choose_soft(
	struct modules *modules, const struct module *module, bool post, struct error *e)
{
	const char *rest = modules->softdep;
	struct words words;
	while (next_line(&rest, &words)) {
		if (words.count < 3 || !word_names(&words, 1, module->name))
			continue;
		bool counts = false;
		for (size_t i = 2; i < words.count; i++) {
			char name[MODULE_NAME_SIZE];
			if (words.start[i][words.length[i] - 1] == ':') {
				counts = (words.start[i][1] == 'o') == post; /* "post:", "pre:" */
				continue;
			}
			module_name(words.start[i], words.length[i], name);
			struct module *soft = counts ? find(modules, name) : NULL;
			if (soft == NULL && counts && !is_builtin(modules, name))
				soft = find_alias(modules, name);
			if (soft != NULL && choose(modules, soft, e) != 0)
				return -1;
		}
	}
	return 0;
}

/* What it needs first, then itself. A circle of soft dependencies ends where it began. */
static int choose(struct modules *modules, struct module *module, struct error *e)
{
	if (module->state != UNSEEN)
		return 0;
	module->state = CHOOSING;
	if (choose_soft(modules, module, false, e) != 0 || choose_needs(modules, module, e) != 0)
		return -1;
	modules->chosen[modules->chosen_count++] = module;
	module->state = CHOSEN;
	return choose_soft(modules, module, true, e);
}

static void hint_near_names(const struct modules *modules, const char *name)
{
	char text[256] = "";
	size_t used = 0;
	for (size_t i = 0; i < modules->count && used < sizeof text; i++) {
		const char *other = modules->all[i].name;
		if (near_match(name, other))
			used += (size_t)snprintf(text + used, sizeof text - used, "%s%s",
				used > 0 ? ", " : "", other);
	}
	if (used > 0)
		report_hint("there is: %s", text);
}

int modules_choose(struct modules *modules, const char *name, struct error *e)
{
	char own[MODULE_NAME_SIZE];
	module_name(name, strlen(name), own);
	struct module *module = find(modules, own);
	if (module == NULL && is_builtin(modules, own))
		return 0;
	if (module == NULL)
		module = find_alias(modules, own);
	if (module != NULL)
		return choose(modules, module, e);
	hint_near_names(modules, own);
	return error_set(
		e, ERROR_MISSING, 0, "the kernel %s has no module %s", modules->release, name);
}
