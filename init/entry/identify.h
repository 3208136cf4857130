/* Whom a user of entry.conf or of a job is in this root. */
#ifndef PLYBOOT_ENTRY_IDENTIFY_H
#define PLYBOOT_ENTRY_IDENTIFY_H

#include "accounts.h"

/* accounts_resolve() with this root's /etc/passwd and /etc/group; without such a file nobody has a
 * name. Its errors, and those of surroundings_read() but ERROR_MISSING. */
int identify(const char *user, struct identity *who, struct error *e);

#endif
