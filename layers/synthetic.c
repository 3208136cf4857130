#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "scope.h"
#include "store_private.h"
#include "xattrs.h"

/* One layer of the stack, as the search for metadata sees it. */
struct lower {
	int root_fd;
	char *text; /* the contents of "implied", which the items point into */
	size_t count;
	struct implied {
		const char *path;
		bool fresh;
	} * items; /* sorted by path */
};

struct stack_view {
	struct lower *lowers; /* bottom first */
	size_t count;
};

static int compare_implied(const void *a, const void *b)
{
	return strcmp(((const struct implied *)a)->path, ((const struct implied *)b)->path);
}

static const struct implied *find_implied(const struct lower *lower, const char *path)
{
	const struct implied key = {.path = path};
	if (lower->count == 0)
		return NULL;
	return bsearch(&key, lower->items, lower->count, sizeof key, compare_implied);
}

static int read_whole(int fd, char *text, size_t size)
{
	for (size_t used = 0; used < size;) {
		errno = EIO; /* for an end that comes too early */
		ssize_t got = read(fd, text + used, size - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		used += (size_t)got;
	}
	return 0;
}

/* The list was written by store_add() into a directory of ours; it was sorted then. */
static int read_implied(int layer_fd, struct lower *lower, struct error *e)
{
	static const char what[] = "read the list of implied directories";
	SCOPED_FD fd = openat(layer_fd, "implied", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0)
		return error_errno(e, errno, "%s", what);
	size_t size = (size_t)st.st_size;
	lower->text = malloc(size + 1);
	if (lower->text == NULL)
		return error_errno(e, ENOMEM, "%s", what);
	if (read_whole(fd, lower->text, size) != 0)
		return error_errno(e, errno, "%s", what);
	lower->text[size] = '\0';

	size_t count = 0;
	for (size_t at = 0; at < size; at += strlen(lower->text + at) + 1)
		count++;
	lower->items = calloc(count + 1, sizeof *lower->items);
	if (lower->items == NULL)
		return error_errno(e, ENOMEM, "%s", what);
	for (size_t at = 0; at < size; at += strlen(lower->text + at) + 1)
		lower->items[lower->count++] = (struct implied){
			.path = lower->text + at + 1, .fresh = lower->text[at] == 'f'};
	return 0;
}

static int open_lower(int store_fd, const struct digest *id, struct lower *lower, struct error *e)
{
	char name[DIGEST_HEX + 1];
	digest_format_hex(id, name);
	SCOPED_FD layer_fd = store_open_below(store_fd, name, O_RDONLY | O_DIRECTORY);
	if (layer_fd >= 0)
		lower->root_fd = store_open_below(layer_fd, "root", O_RDONLY | O_DIRECTORY);
	if (lower->root_fd < 0)
		return error_errno(e, errno, "open layer %.12s in the store", name);
	return read_implied(layer_fd, lower, e);
}

static void close_view(struct stack_view *view)
{
	for (size_t i = 0; i < view->count; i++) {
		scope_close(&view->lowers[i].root_fd);
		free(view->lowers[i].text);
		free(view->lowers[i].items);
	}
	free(view->lowers);
}

static int open_view(int store_fd, const struct digest *ids, size_t count, struct stack_view *view,
	struct error *e)
{
	view->lowers = calloc(count, sizeof *view->lowers);
	if (view->lowers == NULL)
		return error_errno(e, ENOMEM, "look at a stack's layers");
	view->count = count;
	for (size_t i = 0; i < count; i++)
		view->lowers[i].root_fd = -1;
	for (size_t i = 0; i < count; i++)
		if (open_lower(store_fd, &ids[i], &view->lowers[i], e) != 0)
			return -1;
	return 0;
}

enum found { FOUND_FAILED = -1, FOUND_NOTHING, FOUND_HIDDEN, FOUND_DIRECTORY };

/* What one layer says of a directory. FOUND_HIDDEN: nothing below this layer can show there,
 * because the name or one of its parents is a whiteout, something else, or (a parent) opaque. */
static enum found look(const struct lower *lower, const char *path, int *out)
{
	char prefix[LIMIT_PATH_BYTES + 1];
	size_t length = strlen(path);
	bool hidden = false;
	memcpy(prefix, path, length + 1);
	for (size_t end = 0;; end++) {
		bool last = end == length;
		if (!last && prefix[end] != '/' && end != 0)
			continue;
		/* The root first, as "", then each parent, then the path itself. */
		char kept = prefix[end];
		prefix[end] = '\0';
		SCOPED_FD fd = store_open_below(lower->root_fd, prefix, O_RDONLY | O_DIRECTORY);
		prefix[end] = kept;
		if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
			return FOUND_FAILED;
		if (fd < 0)
			return errno == ENOENT && !hidden ? FOUND_NOTHING : FOUND_HIDDEN;
		if (last) {
			*out = scope_take_fd(&fd);
			return hidden ? FOUND_HIDDEN : FOUND_DIRECTORY;
		}
		bool opaque;
		if (store_is_opaque(fd, &opaque) != 0)
			return FOUND_FAILED;
		hidden |= opaque;
	}
}

/*
 * The directory whose metadata `path` has in the stack, and whether overlayfs would show another
 * one's: the topmost layer that has an entry for it decides; implied ones above it hide it. When no
 * layer has one, or the name is not visible as a directory, `*out` is -1.
 */
static int find_metadata(
	const struct stack_view *view, const char *path, int *out, bool *wrong, struct error *e)
{
	*out = -1;
	*wrong = false;
	for (size_t i = view->count; i-- > 0;) {
		const struct lower *lower = &view->lowers[i];
		int fd = -1;
		enum found found = look(lower, path, &fd);
		if (found == FOUND_FAILED)
			return error_errno(e, errno, "look at \"%.80s\"", path);
		const struct implied *implied = fd >= 0 ? find_implied(lower, path) : NULL;
		if (fd >= 0 && implied == NULL) {
			*out = fd;
			return 0;
		}
		scope_close(&fd);
		if (implied != NULL)
			*wrong = true;
		if (found == FOUND_HIDDEN || (implied != NULL && implied->fresh))
			break;
	}
	return 0;
}

int store_copy_metadata(int from_fd, int to_fd, struct error *e)
{
	struct stat st;
	char names[XATTR_NAMES_BYTES];
	ssize_t size = flistxattr(from_fd, names, sizeof names);
	if (fstat(from_fd, &st) != 0 || (size < 0 && errno != EOPNOTSUPP))
		return error_errno(e, errno, "read a directory's metadata");
	if (fchown(to_fd, st.st_uid, st.st_gid) != 0)
		return error_errno(e, errno, "copy a directory's owner");
	SCOPED_FREE char *value = malloc(LIMIT_XATTR_VALUE_BYTES);
	if (value == NULL)
		return error_errno(e, ENOMEM, "copy a directory's xattrs");
	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(names + at) + 1) {
		const char *name = names + at;
		if (strncmp(name, "trusted.", 8) == 0)
			continue;
		ssize_t length = fgetxattr(from_fd, name, value, LIMIT_XATTR_VALUE_BYTES);
		if (length < 0 || fsetxattr(to_fd, name, value, (size_t)length, 0) != 0)
			return error_errno(e, errno, "copy a directory's xattr \"%.80s\"", name);
	}
	const struct timespec times[2] = {st.st_atim, st.st_mtim};
	if (fchmod(to_fd, st.st_mode & 07777) != 0 || futimens(to_fd, times) != 0)
		return error_errno(e, errno, "copy a directory's mode and times");
	return 0;
}

/* Every path that some layer only implies, once. Borrowed from the view. */
struct path_set {
	const char **paths;
	size_t count;
};

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int collect(const struct stack_view *view, struct path_set *set, struct error *e)
{
	size_t total = 1;
	for (size_t i = 0; i < view->count; i++)
		total += view->lowers[i].count;
	set->paths = calloc(total, sizeof *set->paths);
	if (set->paths == NULL)
		return error_errno(e, ENOMEM, "collect implied directories");
	set->paths[set->count++] = ""; /* the root's metadata is always wanted */
	for (size_t i = 0; i < view->count; i++)
		for (size_t j = 0; j < view->lowers[i].count; j++)
			set->paths[set->count++] = view->lowers[i].items[j].path;
	qsort(set->paths, set->count, sizeof *set->paths, compare_paths);
	size_t unique = 1;
	for (size_t i = 1; i < set->count; i++)
		if (strcmp(set->paths[i], set->paths[unique - 1]) != 0)
			set->paths[unique++] = set->paths[i];
	set->count = unique;
	return 0;
}

struct visit {
	const struct stack_view *view;
	int root_fd; /* of the synthetic layer */
};

static int make_one(const struct visit *visit, const char *path, struct error *e)
{
	if (path[0] != '\0' && mkdirat(visit->root_fd, path, 0755) != 0 && errno != EEXIST)
		return error_errno(e, errno, "make \"%.80s\"", path);
	return 0;
}

/* As an implied directory of a layer: see tree_names.c. */
static int set_default_metadata(int fd, const char *path, struct error *e)
{
	static const struct timespec epoch[2];
	if (fchmod(fd, 0755) != 0 || futimens(fd, epoch) != 0)
		return error_errno(e, errno, "set up \"%.80s\"", path);
	return 0;
}

static int describe_one(const struct visit *visit, const char *path, struct error *e)
{
	bool wrong;
	int from_fd;
	if (find_metadata(visit->view, path, &from_fd, &wrong, e) != 0)
		return -1;
	SCOPED_FD from = from_fd;
	SCOPED_FD to = store_open_below(visit->root_fd, path, O_RDONLY | O_DIRECTORY);
	if (to < 0)
		return error_errno(e, errno, "open \"%.80s\"", path);
	if (from < 0)
		return set_default_metadata(to, path, e); /* no layer describes it */
	return store_copy_metadata(from, to, e) == 0 ? 0 : error_wrap(e, "\"%.80s\"", path);
}

/* Each directory on the way to `path`, the root first and `path` last. */
static int each_prefix(const struct visit *visit, const char *path,
	int (*act)(const struct visit *visit, const char *path, struct error *e), struct error *e)
{
	char prefix[LIMIT_PATH_BYTES + 1];
	size_t length = strlen(path);
	memcpy(prefix, path, length + 1);
	for (size_t end = 0; end <= length; end++) {
		if (end != 0 && end != length && prefix[end] != '/')
			continue;
		char kept = prefix[end];
		prefix[end] = '\0';
		if (act(visit, prefix, e) != 0)
			return -1;
		prefix[end] = kept;
	}
	return 0;
}

/* Only what overlayfs would show wrongly, or the name would hide nothing and cost an inode. */
static int each_wanted(const struct visit *visit, const struct path_set *set,
	int (*act)(const struct visit *visit, const char *path, struct error *e), struct error *e)
{
	for (size_t i = 0; i < set->count; i++) {
		bool wrong;
		int fd;
		if (find_metadata(visit->view, set->paths[i], &fd, &wrong, e) != 0)
			return -1;
		bool wanted = set->paths[i][0] == '\0' || (fd >= 0 && wrong);
		scope_close(&fd);
		if (wanted && each_prefix(visit, set->paths[i], act, e) != 0)
			return -1;
	}
	return 0;
}

static int fill(const struct stack_view *view, int into_fd, const char *name, struct error *e)
{
	struct path_set set = {0};
	if (mkdirat(into_fd, name, 0755) != 0)
		return error_errno(e, errno, "make its root");
	SCOPED_FD root_fd = store_open_below(into_fd, name, O_RDONLY | O_DIRECTORY);
	if (root_fd < 0)
		return error_errno(e, errno, "open its root");
	const struct visit visit = {.view = view, .root_fd = root_fd};
	/* First all names, then all metadata: a child changes its parent's time and inherits its
	 * default ACL. */
	int result = collect(view, &set, e);
	if (result == 0)
		result = each_wanted(&visit, &set, make_one, e);
	if (result == 0)
		result = each_wanted(&visit, &set, describe_one, e);
	free(set.paths);
	return result;
}

int store_make_synthetic(int store_fd, const struct digest *ids, size_t count, int into_fd,
	const char *name, struct error *e)
{
	struct stack_view view = {0};
	int result = open_view(store_fd, ids, count, &view, e);
	if (result == 0)
		result = fill(&view, into_fd, name, e);
	close_view(&view);
	return result == 0 ? 0 : error_wrap(e, "synthetic layer");
}
