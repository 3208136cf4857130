/* The program starts: in a session of its own with the console as its terminal, as its user. */
#ifndef PLYBOOT_ENTRY_LAUNCH_H
#define PLYBOOT_ENTRY_LAUNCH_H

#include <sys/types.h>

#include "accounts.h"
#include "entryconf.h"

/* The configuration's variables, and PATH, HOME and TERM where it has none. The array is the
 * caller's to free, the strings lie in `conf`, in `home_variable`, or are constants. ERROR_NOSPACE.
 */
enum { LAUNCH_HOME_SIZE = ACCOUNTS_HOME_SIZE + 8 };
int launch_environment(const struct entryconf *conf, const char *home,
	char home_variable[LAUNCH_HOME_SIZE], const char ***out, struct error *e);

/* The process that runs the program by now. What keeps it from running is the error: ERROR_MISSING,
 * ERROR_TYPE, ERROR_KERNEL, ERROR_IO, ERROR_NOSPACE; then there is no process, or one that has
 * ended and waits to be reaped. */
int launch(const struct entryconf *conf, const struct identity *who, pid_t *out, struct error *e);

#endif
