#include "lowers.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "../layers/syscalls.h"

/* A directory, and the layers whose directories of that path show in it as one, top first. */
struct lowers_frame {
	char *path;
	size_t count;
	uint16_t *roots;
};

static int no_memory(struct error *e)
{
	return error_set(e, ERROR_NOSPACE, 0, "no memory for the layers' directories");
}

/* --- frames */

static void pop(struct lowers *lowers)
{
	struct lowers_frame *frame = &lowers->frames[--lowers->depth];
	free(frame->path);
	free(frame->roots);
}

static int push(struct lowers *lowers, const char *path, const uint16_t *roots, size_t count,
	struct error *e)
{
	if (lowers->depth == lowers->capacity) {
		size_t capacity = lowers->capacity * 2 + 16;
		struct lowers_frame *frames =
			reallocarray(lowers->frames, capacity, sizeof *frames);
		if (frames == NULL)
			return no_memory(e);
		lowers->frames = frames;
		lowers->capacity = capacity;
	}
	struct lowers_frame frame = {.path = strdup(path),
		.count = count,
		.roots = malloc((count + 1) * sizeof *frame.roots)};
	if (frame.path == NULL || frame.roots == NULL) {
		free(frame.path);
		free(frame.roots);
		return no_memory(e);
	}
	memcpy(frame.roots, roots, count * sizeof *roots);
	lowers->frames[lowers->depth++] = frame;
	return 0;
}

static bool is_at_or_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);
	return length == 0 || (strncmp(path, directory, length) == 0 &&
				      (path[length] == '/' || path[length] == '\0'));
}

/* --- one name */

struct found {
	struct scan_entry entry; /* of the topmost that has it */
	size_t root;
	bool there;
	size_t count; /* of directories that show as one */
	uint16_t roots[LIMIT_LAYERS + 1];
};

/* `*there`: is there such a name in this layer? */
static int look(const struct scan *root, const char *path, bool *there, struct scan_entry *out,
	struct error *e)
{
	char parent[LIMIT_PATH_BYTES + 1];
	const char *slash = strrchr(path, '/');
	(void)snprintf(
		parent, sizeof parent, "%.*s", slash == NULL ? 0 : (int)(slash - path), path);
	*there = false;
	SCOPED_FD fd = sys_openat2(root->root_fd, slash == NULL ? "." : parent,
		O_RDONLY | O_DIRECTORY, 0, SYS_RESOLVE_STRICT);
	if (fd < 0)
		return error_errno(e, errno, "open `%s/%s`", root->root, parent);
	if (scan_name(fd, path, root->marks, out, e) == 0)
		*there = true;
	else if (e->code != ERROR_MISSING)
		return -1;
	return 0;
}

/* From the topmost layer down, until something hides all that is below. */
static int find_in(const struct lowers *lowers, const struct lowers_frame *parent, const char *path,
	struct found *out, struct error *e)
{
	out->there = false;
	out->count = 0;
	for (size_t i = 0; i < parent->count; i++) {
		struct scan_entry entry;
		bool there;
		if (look(&lowers->roots[parent->roots[i]], path, &there, &entry, e) != 0)
			goto failed;
		if (!there)
			continue;
		bool is_directory = S_ISDIR(entry.st.st_mode), opaque = entry.opaque;
		bool shows = !entry.whiteout && (is_directory || out->count == 0);
		if (shows && is_directory)
			out->roots[out->count++] = parent->roots[i];
		if (shows && !out->there) {
			out->there = true;
			out->entry = entry;
			out->root = parent->roots[i];
		} else {
			scan_entry_free(&entry);
		}
		if (!is_directory || opaque)
			break;
	}
	return 0;
failed:
	if (out->there)
		scan_entry_free(&out->entry);
	return -1;
}

/* Every layer's root is part of the root, whatever marks it has. */
static int find_root(struct lowers *lowers, struct found *out, struct error *e)
{
	out->there = true;
	out->root = 0;
	out->count = lowers->count;
	for (size_t i = 0; i < lowers->count; i++)
		out->roots[i] = (uint16_t)i;
	return scan_name(lowers->roots[0].root_fd, "", lowers->roots[0].marks, &out->entry, e);
}

/* The frame of a directory becomes the last one; `*frame` NULL: there is no such directory. One
 * component after the other, from the last frame that is on the way. */
static int enter(
	struct lowers *lowers, const char *path, const struct lowers_frame **frame, struct error *e)
{
	SCOPED_FREE struct found *found = malloc(sizeof *found);
	if (found == NULL)
		return no_memory(e);
	while (lowers->depth > 0 && !is_at_or_below(path, lowers->frames[lowers->depth - 1].path))
		pop(lowers);
	*frame = NULL;
	for (;;) {
		char step[LIMIT_PATH_BYTES + 1];
		const struct lowers_frame *last =
			lowers->depth == 0 ? NULL : &lowers->frames[lowers->depth - 1];
		if (last != NULL && strcmp(last->path, path) == 0) {
			*frame = last->count > 0 ? last : NULL;
			return 0;
		}
		if (last != NULL && last->count == 0)
			return 0;
		size_t from = last == NULL ? 0 : strlen(last->path) + (last->path[0] != '\0');
		size_t length = last == NULL ? 0 : from + strcspn(path + from, "/");
		(void)snprintf(step, sizeof step, "%.*s", (int)length, path);
		if ((last == NULL ? find_root(lowers, found, e)
				  : find_in(lowers, last, step, found, e)) != 0)
			return -1;
		if (found->there)
			scan_entry_free(&found->entry);
		if (push(lowers, step, found->roots, found->count, e) != 0)
			return -1;
	}
}

static int find(struct lowers *lowers, const char *path, struct found *out, struct error *e)
{
	char parent[LIMIT_PATH_BYTES + 1];
	const char *slash = strrchr(path, '/');
	const struct lowers_frame *frame;
	if (path[0] == '\0')
		return find_root(lowers, out, e);
	(void)snprintf(
		parent, sizeof parent, "%.*s", slash == NULL ? 0 : (int)(slash - path), path);
	out->there = false;
	if (enter(lowers, parent, &frame, e) != 0)
		return -1;
	return frame == NULL ? 0 : find_in(lowers, frame, path, out, e);
}

int lowers_find(struct lowers *lowers, const char *path, bool *found, struct scan_entry *out,
	const struct scan **root, struct error *e)
{
	SCOPED_FREE struct found *here = malloc(sizeof *here);
	if (here == NULL)
		return no_memory(e);
	if (find(lowers, path, here, e) != 0)
		return -1;
	*found = here->there;
	if (here->there) {
		*out = here->entry;
		*root = &lowers->roots[here->root];
	}
	return 0;
}

/* --- a directory's names */

struct list {
	char **paths;
	size_t count;
};

static int add(struct list *list, const char *directory, const char *name, struct error *e)
{
	char **paths = reallocarray(list->paths, list->count + 1, sizeof *paths);
	if (paths == NULL)
		return no_memory(e);
	list->paths = paths;
	if (asprintf(&paths[list->count], "%s%s%s", directory, directory[0] != '\0' ? "/" : "",
		    name) < 0)
		return no_memory(e);
	list->count++;
	return 0;
}

static int list_one(const struct scan *root, const char *path, struct list *list, struct error *e)
{
	const struct dirent *entry;
	int fd = sys_openat2(root->root_fd, path[0] == '\0' ? "." : path, O_RDONLY | O_DIRECTORY, 0,
		SYS_RESOLVE_STRICT);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	int result = 0;
	if (directory == NULL) {
		int saved = errno;
		scope_close(&fd);
		return error_errno(e, saved, "list `%s/%s`", root->root, path);
	}
	while (result == 0 && (errno = 0, entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = add(list, path, entry->d_name, e);
	}
	if (result == 0 && errno != 0)
		result = error_errno(e, errno, "list `%s/%s`", root->root, path);
	(void)closedir(directory);
	return result;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names that several layers have, and those that a whiteout stands for, are in it. */
static int keep_shown(struct lowers *lowers, struct list *list, struct error *e)
{
	SCOPED_FREE struct found *found = malloc(sizeof *found);
	size_t kept = 0;
	if (found == NULL)
		return no_memory(e);
	if (list->count > 0)
		qsort(list->paths, list->count, sizeof *list->paths, compare_paths);
	for (size_t i = 0; i < list->count; i++) {
		char *path = list->paths[i];
		list->paths[i] = NULL;
		found->there = false;
		if ((kept == 0 || strcmp(list->paths[kept - 1], path) != 0) &&
			find(lowers, path, found, e) != 0) {
			free(path);
			return -1;
		}
		if (found->there) {
			scan_entry_free(&found->entry);
			list->paths[kept++] = path;
		} else {
			free(path);
		}
	}
	list->count = kept;
	return 0;
}

int lowers_list(
	struct lowers *lowers, const char *path, char ***out, size_t *count, struct error *e)
{
	const struct lowers_frame *frame;
	struct list list = {.count = 0};
	int result = enter(lowers, path, &frame, e);
	for (size_t i = 0; result == 0 && frame != NULL && i < frame->count; i++)
		result = list_one(&lowers->roots[frame->roots[i]], path, &list, e);
	if (result == 0)
		result = keep_shown(lowers, &list, e);
	if (result != 0) {
		lowers_list_free(list.paths, list.count);
		return -1;
	}
	*out = list.paths;
	*count = list.count;
	return 0;
}

void lowers_list_free(char **paths, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(paths[i]);
	free(paths);
}

/* --- all of them */

static int open_root(const char *path, struct scan *out, struct error *e)
{
	*out = (struct scan){.root_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.below_fd = -1,
		.root = path,
		.marks = SCAN_MARKS_TRUSTED};
	return out->root_fd >= 0 ? 0 : error_errno(e, errno, "open the layer `%s`", path);
}

int lowers_open_at(char *const *paths, size_t count, struct lowers *out, struct error *e)
{
	struct lowers lowers = LOWERS_INIT;
	int result = 0;
	lowers.roots = calloc(count + 1, sizeof *lowers.roots);
	lowers.paths = calloc(count + 1, sizeof *lowers.paths);
	if (lowers.roots == NULL || lowers.paths == NULL) {
		lowers_close(&lowers);
		return no_memory(e);
	}
	while (result == 0 && lowers.count < count) {
		char *path = strdup(paths[lowers.count]);
		struct scan *root = &lowers.roots[lowers.count];
		lowers.paths[lowers.count++] = path;
		result = path == NULL ? no_memory(e) : open_root(path, root, e);
	}
	if (result == 0)
		*out = lowers;
	else
		lowers_close(&lowers);
	return result;
}

static int add_path(char **paths, size_t *count, const char *directory, const struct digest *id,
	bool synthetic, struct error *e)
{
	char hex[DIGEST_HEX + 1];
	digest_format_hex(id, hex);
	if (asprintf(&paths[*count], "%s/store/%s%s%s", directory, synthetic ? "top-" : "", hex,
		    synthetic ? "" : "/root") < 0)
		return no_memory(e);
	(*count)++;
	return 0;
}

int lowers_open(
	const struct booted *booted, const char *directory, struct lowers *out, struct error *e)
{
	char *paths[LIMIT_LAYERS + 1];
	size_t count = 0;
	const char *run = directory != NULL ? directory : BOOTED_DIRECTORY;
	if (!booted->runs || booted->lower_count == 0)
		return error_set(e, ERROR_MISSING, 0, "%s: no stack's root was mounted", run);
	int result = add_path(paths, &count, run, &booted->text, true, e);
	for (size_t i = booted->lower_count; result == 0 && i-- > 0;)
		result = add_path(paths, &count, run, &booted->lowers[i], false, e);
	if (result == 0)
		result = lowers_open_at(paths, count, out, e);
	while (count > 0)
		free(paths[--count]);
	return result;
}

void lowers_close(struct lowers *lowers)
{
	while (lowers->depth > 0)
		pop(lowers);
	for (size_t i = 0; i < lowers->count; i++) {
		if (lowers->paths[i] != NULL)
			scope_close(&lowers->roots[i].root_fd);
		free(lowers->paths[i]);
	}
	free(lowers->roots);
	free(lowers->paths);
	free(lowers->frames);
	*lowers = (struct lowers)LOWERS_INIT;
}
