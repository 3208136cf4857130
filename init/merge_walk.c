#include "merge_walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "scope.h"
#include "syscalls.h"

enum { NAME_SHOWN = 80 };

static char *put_before(char *at, const char *name)
{
	size_t length = strnlen(name, NAME_SHOWN);
	at -= length;
	memcpy(at, name, length);
	*--at = '/';
	return at;
}

const char *walk_path(const struct walk *walk, const char *name, char out[WALK_PATH_SIZE])
{
	const size_t room = NAME_SHOWN + sizeof "/...";
	char *at = out + WALK_PATH_SIZE - 1;
	size_t level = walk->depth;
	*at = '\0';
	if (name != NULL)
		at = put_before(at, name);
	for (; level > 1 && (size_t)(at - out) >= room; level--)
		at = put_before(at, walk->names + walk->levels[level - 1].name);
	if (level > 1)
		return memcpy(at - 3, "...", 3);
	return *at == '\0' ? "/" : at;
}

/* --- memory */

static int make_room(void **array, size_t *capacity, size_t needed, size_t size, struct error *e)
{
	if (needed <= *capacity)
		return 0;
	size_t wanted = needed < 64 ? 64 : needed + needed / 2;
	void *larger = reallocarray(*array, wanted, size);
	if (larger == NULL)
		return error_errno(e, ENOMEM, "remember which directories are left");
	*array = larger;
	*capacity = wanted;
	return 0;
}

int walk_remember(struct walk *walk, const char *name, struct error *e)
{
	size_t size = strlen(name) + 1;
	void *names = walk->names;
	if (make_room(&names, &walk->names_capacity, walk->names_size + size, 1, e) != 0)
		return -1;
	walk->names = names;
	memcpy(walk->names + walk->names_size, name, size);
	walk->names_size += size;
	return 0;
}

static int add_level(struct walk *walk, const struct walk_level *level, struct error *e)
{
	void *levels = walk->levels;
	if (make_room(&levels, &walk->levels_capacity, walk->depth + 1, sizeof *level, e) != 0)
		return -1;
	walk->levels = levels;
	walk->levels[walk->depth++] = *level;
	return 0;
}

/* The last of the names; that of the directory that it is in when no child is left. */
static size_t last_name(const struct walk *walk)
{
	size_t at = walk->names_size - 1;
	while (at > 0 && walk->names[at - 1] != '\0')
		at--;
	return at;
}

/* --- steps */

static int look_at(int fd, struct walk_place *out)
{
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0)
		return -1;
	*out = (struct walk_place){.device = st.st_dev, .inode = st.st_ino};
	return 0;
}

static void move_to(struct walk *walk, int *from, int *into)
{
	scope_close(&walk->from);
	scope_close(&walk->into);
	walk->from = scope_take_fd(from);
	walk->into = scope_take_fd(into);
}

/* By the name that stands there. */
static int go_down(struct walk *walk, int from_fd, int into_fd, size_t name, struct error *e)
{
	char shown[WALK_PATH_SIZE];
	const int flags = O_RDONLY | O_DIRECTORY;
	const char *to = walk->names + name;
	struct walk_level level = {
		.name = name, .exact = walk->depth > 0 && walk_level(walk)->exact};
	SCOPED_FD from = sys_openat2(from_fd, to, flags, 0, SYS_RESOLVE_STRICT);
	if (look_at(from, &level.from) != 0)
		return error_errno(e, errno, "open `%s`", walk_path(walk, to, shown));
	SCOPED_FD into = sys_openat2(into_fd, to, flags, 0, SYS_RESOLVE_STRICT);
	if (look_at(into, &level.into) != 0)
		return error_errno(
			e, errno, "open what `%s` is merged into", walk_path(walk, to, shown));
	if (add_level(walk, &level, e) != 0)
		return -1;
	move_to(walk, &from, &into);
	return 0;
}

/* -1 and errno 0: it is another directory than the one that it was. */
static int open_parent(int fd, const struct walk_place *wanted)
{
	struct walk_place place;
	SCOPED_FD parent = sys_openat2(
		fd, "..", O_RDONLY | O_DIRECTORY, 0, RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
	if (look_at(parent, &place) != 0)
		return -1;
	errno = 0;
	return place.device == wanted->device && place.inode == wanted->inode
		       ? scope_take_fd(&parent)
		       : -1;
}

static int go_up(struct walk *walk, struct error *e)
{
	char shown[WALK_PATH_SIZE];
	const struct walk_level *to = walk_level(walk) - 1;
	SCOPED_FD from = open_parent(walk->from, &to->from);
	SCOPED_FD into = from < 0 ? -1 : open_parent(walk->into, &to->into);
	if (into < 0)
		return error_set(e, ERROR_IO, errno,
			errno == 0 ? "`%s` was moved while it was merged" : "leave `%s`",
			walk_path(walk, NULL, shown));
	walk->names_size = walk_level(walk)->name;
	walk->depth--;
	move_to(walk, &from, &into);
	return 0;
}

int walk_begin(struct walk *walk, int from, int into, struct error *e)
{
	return walk_remember(walk, ".", e) == 0 ? go_down(walk, from, into, 0, e) : -1;
}

int walk_next(struct walk *walk, struct error *e)
{
	for (;;) {
		size_t name = last_name(walk);
		if (name != walk_level(walk)->name)
			return go_down(walk, walk->from, walk->into, name, e) == 0 ? 1 : -1;
		if (walk->depth == 1)
			return 0;
		if (go_up(walk, e) != 0)
			return -1;
	}
}

void walk_end(struct walk *walk)
{
	scope_close(&walk->from);
	scope_close(&walk->into);
	free(walk->levels);
	free(walk->names);
}
