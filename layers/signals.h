/* Signals by their names, which are the same on every architecture; their numbers are not. */
#ifndef PLYBOOT_SIGNALS_H
#define PLYBOOT_SIGNALS_H

#include <stdbool.h>

enum { SIGNAL_NAME_SIZE = 16 };

/* The one name that a signal has here, "SIGTERM" or "SIGRTMIN+3", of whatever people write: TERM,
 * sigterm, 15, SIGRTMAX-27. Real-time signals count as glibc and the container engines do: SIGRTMIN
 * is 34. False when there is no such signal. */
bool signal_name_parse(const char *given, char out[SIGNAL_NAME_SIZE]);

/* The number on this machine of a name as signal_name_parse() gives it; 0 for any other. */
int signal_number(const char *name);

/* The other way; "signal N" of one without a name. */
void signal_name(int number, char out[SIGNAL_NAME_SIZE]);

#endif
