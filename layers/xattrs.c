#include "xattrs.h"

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdint.h>
#include <string.h>

#include "little_endian.h"

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool xattr_is_user(const struct xattr *xattr)
{
	return starts_with(xattr->name, "user.");
}

/* linux/capability.h: revision in the top byte, one flag, then 2 pairs of masks, then a root id.
 * Files with revision 1 can't be made since Linux 4.14. */
static bool capability_is_well_formed(const struct xattr *xattr)
{
	static const size_t sizes[] = {[2] = 20, [3] = 24};
	const uint8_t *bytes = xattr->value;
	if (xattr->size_bytes < 4)
		return false;
	unsigned revision = bytes[3];
	return revision >= 2 && revision <= 3 && xattr->size_bytes == sizes[revision] &&
	       bytes[0] <= 1 && bytes[1] == 0 && bytes[2] == 0;
}

static bool acl_tag_may_follow(unsigned last, unsigned tag)
{
	switch (tag) {
	case ACL_USER_OBJ:
		return last == 0;
	case ACL_USER:
	case ACL_GROUP_OBJ:
		return last == ACL_USER_OBJ || last == ACL_USER;
	case ACL_GROUP:
	case ACL_MASK:
		return last == ACL_GROUP_OBJ || last == ACL_GROUP;
	case ACL_OTHER:
		return last == ACL_GROUP_OBJ || last == ACL_MASK;
	default:
		return false;
	}
}

/* What the kernel's posix_acl_valid() takes: one order, and a mask where somebody is named. The
 * host command must refuse what /init could not set. */
static bool acl_is_well_formed(const struct xattr *xattr)
{
	const uint8_t *bytes = xattr->value;
	const size_t header = sizeof(struct posix_acl_xattr_header);
	const size_t entry = sizeof(struct posix_acl_xattr_entry);
	if (xattr->size_bytes < header || (xattr->size_bytes - header) % entry != 0 ||
		get_u32(bytes) != POSIX_ACL_XATTR_VERSION)
		return false;
	unsigned last = 0;
	bool named = false;
	for (size_t at = header; at < xattr->size_bytes; at += entry) {
		unsigned tag = (unsigned)get_little_endian(bytes + at, 2);
		uint64_t permissions = get_little_endian(bytes + at + 2, 2);
		bool names = tag == ACL_USER || tag == ACL_GROUP;
		if (!acl_tag_may_follow(last, tag) || permissions > 7 ||
			(names && get_u32(bytes + at + 4) == UINT32_MAX) ||
			(named && tag == ACL_OTHER && last != ACL_MASK))
			return false;
		named |= names;
		last = tag;
	}
	return last == ACL_OTHER;
}

static int refuse(const struct xattr *xattr, const char *why, struct error *e)
{
	return error_set(e, ERROR_XATTR, 0, "xattr `%.80s` %s", xattr->name, why);
}

int xattr_check(const struct xattr *xattr, char type, struct error *e)
{
	const char *name = xattr->name;
	if (strlen(name) > LIMIT_XATTR_NAME_BYTES)
		return error_set(e, ERROR_LIMIT, 0, "an xattr name of more than 255 bytes");
	if (xattr->size_bytes > LIMIT_XATTR_VALUE_BYTES)
		return error_set(e, ERROR_LIMIT, 0, "xattr `%.80s` of more than 64 KiB", name);
	if (type == '2')
		return refuse(xattr, "on a symbolic link", e);

	bool file = type == '0' || type == '1'; /* a hard link's are its file's */
	if (strcmp(name, "security.capability") == 0) {
		if (!file)
			return refuse(xattr, "on something that is not a file", e);
		return capability_is_well_formed(xattr) ? 0 : refuse(xattr, "is malformed", e);
	}
	bool default_acl = strcmp(name, XATTR_ACL_DEFAULT) == 0;
	if (default_acl || strcmp(name, XATTR_ACL_ACCESS) == 0) {
		if (default_acl && type != '5')
			return refuse(xattr, "on something that is not a directory", e);
		return acl_is_well_formed(xattr) ? 0 : refuse(xattr, "is malformed", e);
	}
	/* user_namespaces(7) aside, the kernel keeps user.* for files and directories. */
	if (xattr_is_user(xattr) && name[5] != '\0' && !starts_with(name, "user.overlay."))
		return file || type == '5' ? 0 : refuse(xattr, "on a special file", e);
	return refuse(xattr, "may not be set by a layer", e);
}
