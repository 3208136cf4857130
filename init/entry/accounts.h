/* As whom a program runs: the image's own /etc/passwd and /etc/group, read as the OCI image
 * specification (config.md, "User") wants it. Pure. */
#ifndef PLYBOOT_ENTRY_ACCOUNTS_H
#define PLYBOOT_ENTRY_ACCOUNTS_H

#include <stddef.h>
#include <sys/types.h>

#include "error.h"

enum {
	ACCOUNTS_MAX_GROUPS = 1024,
	ACCOUNTS_MAX_FILE = 8 * 1024 * 1024, /* bytes that are read of either file */
	ACCOUNTS_HOME_SIZE = 1024
};

struct identity {
	uid_t uid;
	gid_t gid;
	size_t group_count;
	gid_t groups[ACCOUNTS_MAX_GROUPS]; /* supplementary: `gid` first, then the others */
	char home[ACCOUNTS_HOME_SIZE];     /* "/" of a user without an entry */
};

/*
 * `user` is USER, UID, USER:GROUP and so on, as entry.conf has it; digits alone are always a
 * number. `passwd` and `group` are the files' texts, "" when there is none; lines that are none of
 * their kind are passed over. Without GROUP: the user's own group, or 0 for a UID without an entry,
 * and the groups that list the user. With it: that group and no other.
 *
 * ERROR_CONFIG: no such user or group, or a number that can't be one. ERROR_LIMIT: a member of too
 * many groups, or a home that is too long.
 */
int accounts_resolve(const char *user, const char *passwd, const char *group, struct identity *out,
	struct error *e);

#endif
