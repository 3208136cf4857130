#include "tree_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "scope.h"

static const struct xattr *find_default_acl(const struct tree_entry *entry)
{
	const struct xattr *found = NULL;
	for (size_t i = 0; i < entry->xattrs.count; i++)
		if (strcmp(entry->xattrs.items[i].name, XATTR_ACL_DEFAULT) == 0)
			found = &entry->xattrs.items[i];
	return found;
}

static int add(struct tree *tree, const char *path, struct inheritable **out, struct error *e)
{
	if (tree->inheritable_count == tree->inheritable_capacity) {
		size_t capacity = tree->inheritable_capacity * 2 + 16;
		struct inheritable *more =
			reallocarray(tree->inheritable, capacity, sizeof *tree->inheritable);
		if (more == NULL)
			return error_errno(e, ENOMEM, "remember `%.80s`", path);
		tree->inheritable = more;
		tree->inheritable_capacity = capacity;
	}
	struct inheritable *item = &tree->inheritable[tree->inheritable_count];
	*item = (struct inheritable){.path = strdup(path), .order = tree->inheritable_count};
	if (item->path == NULL)
		return error_errno(e, ENOMEM, "remember `%.80s`", path);
	tree->inheritable_count++;
	*out = item;
	return 0;
}

int tree_keep_inheritable(
	struct tree *tree, const struct tree_entry *entry, bool existed, struct error *e)
{
	const struct xattr *acl = find_default_acl(entry);
	bool sets_mode = (entry->mode & S_ISGID) != 0;
	if (acl == NULL && !sets_mode)
		return existed ? tree_drop_inheritable(tree, entry->path, e) : 0;
	struct inheritable *item;
	if (add(tree, entry->path, &item, e) != 0)
		return -1;
	item->mode = entry->mode;
	item->sets_mode = sets_mode;
	if (acl == NULL)
		return 0;
	item->default_acl = malloc(acl->size_bytes); /* never empty: xattr_check() */
	if (item->default_acl == NULL)
		return error_errno(e, ENOMEM, "remember `%.80s`", entry->path);
	memcpy(item->default_acl, acl->value, acl->size_bytes);
	item->default_acl_bytes = acl->size_bytes;
	return 0;
}

int tree_drop_inheritable(struct tree *tree, const char *path, struct error *e)
{
	struct inheritable *nothing;
	return tree->inheritable_count == 0 ? 0 : add(tree, path, &nothing, e);
}

static int set(const struct tree *tree, const struct inheritable *item, struct error *e)
{
	if (!item->sets_mode && item->default_acl == NULL)
		return 0;
	SCOPED_FD fd = tree_open_below(tree->root_fd, item->path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return error_errno(e, errno, "open `%.80s`", item->path);
	if (item->default_acl != NULL && fsetxattr(fd, XATTR_ACL_DEFAULT, item->default_acl,
						 item->default_acl_bytes, 0) != 0)
		return tree_set_xattr_failed(item->path, XATTR_ACL_DEFAULT, e);
	if (item->sets_mode && fchmod(fd, item->mode) != 0)
		return error_errno(e, errno, "set mode of `%.80s`", item->path);
	return 0;
}

/* By path, and entries of one path in their order. */
static int compare(const void *a, const void *b)
{
	const struct inheritable *left = a, *right = b;
	int order = strcmp(left->path, right->path);
	return order != 0 ? order : (left->order > right->order) - (left->order < right->order);
}

int tree_set_inheritable(struct tree *tree, struct error *e)
{
	struct inheritable *all = tree->inheritable;
	size_t count = tree->inheritable_count;
	if (count > 0)
		qsort(all, count, sizeof *all, compare);
	for (size_t i = 0; i < count && !tree->names_only; i++) {
		bool last = i + 1 == count || strcmp(all[i].path, all[i + 1].path) != 0;
		if (last && set(tree, &all[i], e) != 0)
			return -1;
	}
	return 0;
}

void tree_free_inheritable(struct tree *tree)
{
	for (size_t i = 0; i < tree->inheritable_count; i++) {
		free(tree->inheritable[i].path);
		free(tree->inheritable[i].default_acl);
	}
	free(tree->inheritable);
}
