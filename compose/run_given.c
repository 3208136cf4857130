#include "run_given.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/runport.h"
#include "../layers/scope.h"

/* HOST:GUEST, where GUEST is absolute: the last ":/" counts. NULL: it is none. */
static const char *guest_part(const char *text)
{
	const char *found = NULL;
	for (const char *at = text; (at = strstr(at, ":/")) != NULL; at++)
		found = at + 1;
	return found != NULL && found > text + 1 ? found : NULL;
}

static int check_shares(const struct text_list *list, const char *option, struct error *e)
{
	for (size_t i = 0; i < list->count; i++) {
		if (guest_part(list->items[i]) == NULL)
			return error_set(e, ERROR_USAGE, 0,
				"%s `%s`: it is HOST:GUEST, a directory here and an absolute path "
				"in the guest",
				option, list->items[i]);
	}
	return 0;
}

int run_given_check(const struct run_given *given, struct error *e)
{
	size_t shares = given->shares.count + given->writable_shares.count + (given->out != NULL);
	for (size_t i = 0; i < given->environment.count; i++) {
		const char *equals = strchr(given->environment.items[i], '=');
		if (equals == NULL || equals == given->environment.items[i])
			return error_set(e, ERROR_USAGE, 0, "--env `%s`: it is NAME=VALUE",
				given->environment.items[i]);
	}
	if (given->directory != NULL && given->directory[0] != '/')
		return error_set(e, ERROR_USAGE, 0,
			"--directory `%s`: it is an absolute path in the guest", given->directory);
	if (shares > RUNPORT_MAX_SHARES)
		return error_set(e, ERROR_USAGE, 0, "a guest has at most %d shared directories",
			RUNPORT_MAX_SHARES);
	if (check_shares(&given->shares, "--share", e) != 0)
		return -1;
	return check_shares(&given->writable_shares, "--share-rw", e);
}

bool run_given_has_shares(const struct run_given *given)
{
	return given->out != NULL || given->shares.count + given->writable_shares.count > 0;
}

static int copy_list(const struct text_list *list, const char ***out, struct error *e)
{
	*out = calloc(list->count + 1, sizeof **out);
	if (*out == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (size_t i = 0; i < list->count; i++)
		(*out)[i] = list->items[i];
	return 0;
}

/* The last of a name counts: getenv(3) would find the first. */
static int copy_environment(const struct text_list *list, const char ***out, struct error *e)
{
	size_t count = 0;
	if (copy_list(list, out, e) != 0)
		return -1;
	for (size_t i = 0; i < list->count; i++) {
		size_t name = strcspn(list->items[i], "=") + 1, later = i + 1;
		while (later < list->count &&
			strncmp(list->items[i], list->items[later], name) != 0)
			later++;
		if (later == list->count)
			(*out)[count++] = list->items[i];
	}
	(*out)[count] = NULL;
	return 0;
}

static int check_directory(const char *path, struct error *e)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return error_errno(e, errno, "the shared directory `%s`", path);
	if (!S_ISDIR(st.st_mode))
		return error_set(
			e, ERROR_TYPE, 0, "`%s` is no directory: it can't be shared", path);
	return 0;
}

static int add_share(struct run_command *out, const char *text, bool writable, struct error *e)
{
	const char *target = guest_part(text);
	char *path = strndup(text, (size_t)(target - 1 - text));
	if (path == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	out->paths[out->path_count++] = path;
	out->shares[out->command.share_count++] =
		(struct qemu_share){.path = path, .target = target, .writable = writable};
	return check_directory(path, e);
}

static int add_out(struct run_command *out, const char *path, struct error *e)
{
	if (mkdir(path, 0777) != 0 && errno != EEXIST)
		return error_errno(e, errno, "make the directory `%s`", path);
	out->shares[out->command.share_count++] =
		(struct qemu_share){.path = path, .target = RUN_GIVEN_OUT, .writable = true};
	return check_directory(path, e);
}

static int add_shares(const struct run_given *given, struct run_command *out, struct error *e)
{
	size_t count = given->shares.count + given->writable_shares.count + 1;
	out->shares = calloc(count, sizeof *out->shares);
	out->paths = calloc(count, sizeof *out->paths);
	if (out->shares == NULL || out->paths == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	out->command.shares = out->shares;
	for (size_t i = 0; i < given->shares.count; i++) {
		if (add_share(out, given->shares.items[i], false, e) != 0)
			return -1;
	}
	for (size_t i = 0; i < given->writable_shares.count; i++) {
		if (add_share(out, given->writable_shares.items[i], true, e) != 0)
			return -1;
	}
	return given->out != NULL ? add_out(out, given->out, e) : 0;
}

int run_command_make(const struct run_given *given, struct run_command *out, struct error *e)
{
	*out = (struct run_command){.command = QEMU_COMMAND_INIT};
	if (run_given_check(given, e) == 0 && copy_list(&given->words, &out->arguments, e) == 0 &&
		copy_environment(&given->environment, &out->environment, e) == 0 &&
		add_shares(given, out, e) == 0) {
		out->command.arguments = out->arguments;
		out->command.environment = out->environment;
		out->command.directory = given->directory;
		out->command.user = given->user;
		return 0;
	}
	run_command_free(out);
	return -1;
}

void run_command_free(struct run_command *command)
{
	for (size_t i = 0; i < command->path_count; i++)
		free(command->paths[i]);
	free(command->paths);
	free(command->shares);
	free(command->arguments);
	free(command->environment);
	*command = (struct run_command){0};
}
