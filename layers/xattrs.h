/* Which extended attributes a layer may set, and on what. */
#ifndef PLYBOOT_XATTRS_H
#define PLYBOOT_XATTRS_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "ceilings.h"

#define XATTR_ACL_ACCESS "system.posix_acl_access"
#define XATTR_ACL_DEFAULT "system.posix_acl_default"

/* Room for what flistxattr(2) gives for a file of a layer: its own, and a few of the system's. */
enum { XATTR_NAMES_BYTES = (LIMIT_XATTRS + 8) * (LIMIT_XATTR_NAME_BYTES + 1) };

struct xattr {
	const char *name;
	const void *value;
	size_t size_bytes;
};

struct xattr_list {
	size_t count;
	struct xattr items[LIMIT_XATTRS]; /* borrowed */
};

bool xattr_is_user(const struct xattr *xattr);

/* Allowed: security.capability and POSIX ACLs in the forms that the kernel takes, user.* but not
 * user.overlay.*. Anything else is ERROR_XATTR: trusted.* would steer overlayfs, other security.*
 * cannot be set from a jail. ERROR_LIMIT for a name or value over the kernel's bounds. `type` is
 * the tar entry type. */
int xattr_check(const struct xattr *xattr, char type, struct error *e);

#endif
