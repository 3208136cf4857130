/* Between jail.c (everything else) and jail_seccomp.c (the allow-list). */
#ifndef PLYBOOT_JAIL_PRIVATE_H
#define PLYBOOT_JAIL_PRIVATE_H

#include "jail.h"

/* ERROR_KERNEL, with errno: the kernel would not do that. Returns -1. */
int jail_refused(struct error *e, const char *what);

/* Can a filter be installed here? 0, with *supported; -1: the kernel gives a reason that is not
 * "there are no filters". */
int jail_seccomp_probe(bool *supported, struct error *e);

/* From here on the allow-list holds, for this thread and those it creates: that of unpacking, or of
 * a program that is to be run. Needs PR_SET_NO_NEW_PRIVS. */
int jail_seccomp_install(bool program, struct error *e);

#endif
