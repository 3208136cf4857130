#include "merge_metadata.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "ceilings.h"
#include "scope.h"

#define OVERLAY "trusted.overlay."
#define ESCAPED OVERLAY "overlay."
#define PROTECTED OVERLAY "protattr"
#define IMPURE OVERLAY "impure"
#define ORIGIN OVERLAY "origin"

static bool is_absent(int sys_errno)
{
	return sys_errno == ENODATA || sys_errno == EOPNOTSUPP;
}

/* 1 or 0; -1 when that can't be read: what is hidden must not come back because of a bad sector. */
static int has_xattr(int fd, const char *name, struct error *e)
{
	if (fgetxattr(fd, name, NULL, 0) >= 0)
		return 1;
	return is_absent(errno) ? 0 : error_errno(e, errno, "read the xattr `%.80s`", name);
}

int merge_has_flag(int fd, const char *flag, struct error *e)
{
	char value[2];
	ssize_t size = fgetxattr(fd, flag, value, sizeof value);
	if (size >= 0)
		return size == 1 && value[0] == 'y';
	return is_absent(errno) || errno == ERANGE
		       ? 0
		       : error_errno(e, errno, "read the xattr `%.80s`", flag);
}

/* All but overlayfs's own. Of those, what an overlay that is mounted within wrote is escaped, and
 * chattr +i and +a are what somebody wants of a directory, too (fs/overlayfs/inode.c). */
static bool is_for_users(const char *name)
{
	return strncmp(name, OVERLAY, sizeof OVERLAY - 1) != 0 ||
	       strncmp(name, ESCAPED, sizeof ESCAPED - 1) == 0 || strcmp(name, PROTECTED) == 0;
}

static ssize_t list_xattrs(int fd, char **names, struct error *e)
{
	ssize_t size = flistxattr(fd, NULL, 0);
	if (size < 0 && errno == EOPNOTSUPP)
		return 0;
	if (size < 0)
		return error_errno(e, errno, "list xattrs");
	*names = malloc((size_t)size + 1);
	if (*names == NULL)
		return error_errno(e, ENOMEM, "list xattrs");
	size = flistxattr(fd, *names, (size_t)size);
	return size < 0 ? error_errno(e, errno, "list xattrs") : size;
}

static int copy_xattr(int from, int into, const char *name, char *value, struct error *e)
{
	ssize_t size = fgetxattr(from, name, value, LIMIT_XATTR_VALUE_BYTES);
	if (size < 0 || fsetxattr(into, name, value, (size_t)size, 0) != 0)
		return error_errno(e, errno, "copy the xattr `%.80s`", name);
	return 0;
}

static int remove_other_xattrs(int from, int into, struct error *e)
{
	SCOPED_FREE char *there = NULL;
	ssize_t size = list_xattrs(into, &there, e);
	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(there + at) + 1) {
		int has = is_for_users(there + at) ? has_xattr(from, there + at, e) : 1;
		if (has < 0)
			return -1;
		if (has == 0 && fremovexattr(into, there + at) != 0)
			return error_errno(e, errno, "remove the xattr `%.80s`", there + at);
	}
	return size < 0 ? -1 : 0;
}

static int copy_xattrs(int from, int into, struct error *e)
{
	SCOPED_FREE char *names = NULL;
	ssize_t size = list_xattrs(from, &names, e);
	if (size <= 0)
		return (int)size;
	SCOPED_FREE char *value = malloc(LIMIT_XATTR_VALUE_BYTES);
	int result = value != NULL ? 0 : error_errno(e, ENOMEM, "copy xattrs");
	for (ssize_t at = 0; result == 0 && at < size; at += (ssize_t)strlen(names + at) + 1) {
		if (is_for_users(names + at))
			result = copy_xattr(from, into, names + at, value, e);
	}
	return result;
}

/* Without an origin overlayfs lists the whiteouts of a directory that the layers lack as names that
 * are not there. An empty one says that it isn't known. */
static int carry_origin(int from, int into, struct error *e)
{
	int needed = has_xattr(from, ORIGIN, e);
	int there = needed > 0 ? has_xattr(into, ORIGIN, e) : 1;
	if (needed < 0 || there < 0)
		return -1;
	if (there == 0 && fsetxattr(into, ORIGIN, "", 0, 0) != 0)
		return error_errno(e, errno, "set " ORIGIN);
	return 0;
}

int merge_set_flag(int fd, const char *flag, struct error *e)
{
	if (fsetxattr(fd, flag, "y", 1, 0) == 0)
		return 0;
	return error_errno(e, errno, "set %s", flag);
}

int merge_carry_flag(int from, int into, const char *flag, struct error *e)
{
	int has = merge_has_flag(from, flag, e);
	return has > 0 ? merge_set_flag(into, flag, e) : has;
}

/* Times last: whatever comes into a directory changes them. */
int merge_copy_metadata(int from, int into, struct error *e)
{
	struct stat st;
	if (fstat(from, &st) != 0)
		return error_errno(e, errno, "look at it");
	if (fchown(into, st.st_uid, st.st_gid) != 0)
		return error_errno(e, errno, "set its owner");
	if (remove_other_xattrs(from, into, e) != 0 || copy_xattrs(from, into, e) != 0)
		return -1;
	if (merge_carry_flag(from, into, IMPURE, e) != 0 || carry_origin(from, into, e) != 0)
		return -1;
	const struct timespec times[2] = {st.st_atim, st.st_mtim};
	if (fchmod(into, st.st_mode & 07777) != 0 || futimens(into, times) != 0)
		return error_errno(e, errno, "set its mode and times");
	return 0;
}
