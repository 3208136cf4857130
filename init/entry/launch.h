/* The program starts: in a session of its own with its streams, as its user. */
#ifndef PLYBOOT_ENTRY_LAUNCH_H
#define PLYBOOT_ENTRY_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "accounts.h"
#include "entryconf.h"

/* The configuration's variables, and PATH, HOME and TERM where it has none. The array is the
 * caller's to free, the strings lie in `conf`, in `home_variable`, or are constants. ERROR_NOSPACE.
 */
enum { LAUNCH_HOME_SIZE = ACCOUNTS_HOME_SIZE + 8 };
int launch_environment(const struct entryconf *conf, const char *home,
	char home_variable[LAUNCH_HOME_SIZE], const char ***out, struct error *e);

struct launch_streams {
	int fds[3];    /* become 0, 1 and 2; above 2 themselves, and with FD_CLOEXEC */
	bool terminal; /* the first is one, and becomes that of the session */
};

/* The process that runs the program by now. `streams` NULL: the console, as its terminal. What
 * keeps it from running is the error: ERROR_MISSING, ERROR_TYPE, ERROR_KERNEL, ERROR_IO,
 * ERROR_NOSPACE; then there is no process, or one that has ended and waits to be reaped. */
int launch(const struct entryconf *conf, const struct identity *who,
	const struct launch_streams *streams, pid_t *out, struct error *e);

#endif
