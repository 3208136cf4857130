#include "tree_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "scope.h"

/* Of those nearest to where entries go. */
enum { LEVELS_OPEN = 32 };

int tree_levels_open(struct tree *tree, struct error *e)
{
	struct stat st;
	tree->levels = calloc(LEVELS_OPEN, sizeof *tree->levels);
	if (tree->levels == NULL)
		return error_errno(e, ENOMEM, "start a tree");
	tree->level_capacity = LEVELS_OPEN;
	/* For futimens() a descriptor of its own: the caller's may be O_PATH. */
	int fd = tree_open_below(tree->root_fd, "", O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return error_errno(e, errno, "open the layer's root");
	tree->levels[tree->level_count++] = (struct level){.fd = fd};
	if (fstat(fd, &st) != 0)
		return error_errno(e, errno, "look at the layer's root");
	tree->levels[0].mtime = st.st_mtim;
	return tree_note_origin(tree, "", ORIGIN_IMPLIED, e);
}

void tree_levels_close(struct tree *tree)
{
	for (size_t i = 0; i < tree->level_count; i++)
		scope_close(&tree->levels[i].fd);
	free(tree->levels);
}

struct level *tree_deepest(struct tree *tree)
{
	return &tree->levels[tree->level_count - 1];
}

/* The deepest level may have been closed. */
static int reopen(struct tree *tree, struct error *e)
{
	struct level *level = tree_deepest(tree);
	if (level->fd >= 0)
		return 0;
	tree->path[level->length] = '\0';
	level->fd = tree_open_below(tree->root_fd, tree->path, O_RDONLY | O_DIRECTORY);
	if (level->fd < 0)
		return error_errno(e, errno, "open `%.80s`", tree->path);
	return 0;
}

static int leave(struct tree *tree, struct error *e)
{
	struct level *level = tree_deepest(tree);
	const struct timespec times[2] = {level->mtime, level->mtime};
	if (level->dirty && !tree->names_only) {
		if (reopen(tree, e) != 0)
			return -1;
		tree->path[level->length] = '\0';
		if (futimens(level->fd, times) != 0)
			return error_errno(e, errno, "set time of `%.80s`", tree->path);
	}
	scope_close(&level->fd);
	tree->level_count--;
	return 0;
}

int tree_leave_all(struct tree *tree, struct error *e)
{
	while (tree->level_count > 0)
		if (leave(tree, e) != 0)
			return -1;
	return 0;
}

int tree_push(
	struct tree *tree, const char *name, int fd, const struct timespec *mtime, struct error *e)
{
	SCOPED_FD owned = fd;
	size_t count = tree->level_count, at = tree_deepest(tree)->length;
	if (count == tree->level_capacity) {
		struct level *more = reallocarray(tree->levels, count * 2, sizeof *tree->levels);
		if (more == NULL)
			return error_errno(e, ENOMEM, "go down to `%.80s`", name);
		tree->levels = more;
		tree->level_capacity = count * 2;
	}
	if (count >= LEVELS_OPEN) {
		scope_close(&tree->levels[count - LEVELS_OPEN].fd);
		tree->levels[count - LEVELS_OPEN].fd = -1;
	}
	size_t length = strlen(name);
	if (at > 0)
		tree->path[at++] = '/';
	memcpy(tree->path + at, name, length + 1);
	tree->levels[tree->level_count++] =
		(struct level){.length = at + length, .fd = scope_take_fd(&owned), .mtime = *mtime};
	return 0;
}

/* One component down, making it when this layer has no entry for it. `path` ends with `name`. */
static int step_down(struct tree *tree, const char *name, const char *path, struct error *e)
{
	if (reopen(tree, e) != 0)
		return -1;
	int dir_fd = tree_deepest(tree)->fd;
	struct stat st;
	SCOPED_FD fd = tree_open_below(dir_fd, name, O_RDONLY | O_DIRECTORY);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		tree_deepest(tree)->dirty = true;
		int made = errno == ENOENT ? tree_make_implied(tree, dir_fd, name, path, e)
					   : tree_replace_whiteout(tree, dir_fd, name, path, e);
		if (made != 0)
			return -1;
		/* Its time is zero when its children are there, so that equal layers give equal
		 * trees. */
		static const struct timespec epoch;
		fd = tree_open_below(dir_fd, name, O_RDONLY | O_DIRECTORY);
		if (fd >= 0)
			return tree_push(tree, name, scope_take_fd(&fd), &epoch, e);
	}
	if (fd < 0)
		return errno == ELOOP || errno == EXDEV
			       ? tree_refuse_parent(path, e)
			       : error_errno(e, errno, "open `%.80s`", path);
	if (fstat(fd, &st) != 0)
		return error_errno(e, errno, "look at `%.80s`", path);
	return tree_push(tree, name, scope_take_fd(&fd), &st.st_mtim, e);
}

/* How many levels are on the way to there. */
static size_t count_common(const struct tree *tree, const char *path, size_t length)
{
	size_t count = 1;
	for (; count < tree->level_count; count++) {
		size_t end = tree->levels[count].length, begin = tree->levels[count - 1].length;
		if (end > length || memcmp(path + begin, tree->path + begin, end - begin) != 0 ||
			(end < length && path[end] != '/'))
			break;
	}
	return count;
}

int tree_enter(struct tree *tree, const char *path, size_t length, int *out, struct error *e)
{
	size_t common = count_common(tree, path, length);
	while (tree->level_count > common)
		if (leave(tree, e) != 0)
			return -1;
	char prefix[LIMIT_PATH_BYTES + 1];
	memcpy(prefix, path, length);
	prefix[length] = '\0';
	for (size_t begin = tree_deepest(tree)->length; begin < length;) {
		begin += prefix[begin] == '/';
		size_t end = begin + strcspn(prefix + begin, "/");
		char kept = prefix[end];
		prefix[end] = '\0';
		if (step_down(tree, prefix + begin, prefix, e) != 0)
			return -1;
		prefix[end] = kept;
		begin = end;
	}
	if (reopen(tree, e) != 0)
		return -1;
	tree_deepest(tree)->dirty = true;
	*out = tree_deepest(tree)->fd;
	return 0;
}
