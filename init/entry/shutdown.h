/* The end of the machine's work: nothing runs any more, what was written is on the disk. */
#ifndef PLYBOOT_ENTRY_SHUTDOWN_H
#define PLYBOOT_ENTRY_SHUTDOWN_H

#include "supervise.h"

enum machine_end { MACHINE_OFF, MACHINE_REBOOT };

/* What becomes of the machine. */
enum machine_end shutdown_choose(const struct ended *ended, enum entryconf_exit on_exit);

/* Say how it ended, and what follows. */
void shutdown_say(const char *program, const struct ended *ended);

/* End all processes, make every file system read-only, and do it; before a reboot that nobody asked
 * for, a pause, so that a device that always fails does not spin. */
_Noreturn void shutdown_run(const struct ended *ended, enum machine_end end);

/* The parts of it, for who has something to say in between: end all processes, as
 * supervise_end_rest() does, and make every file system read-only; */
void shutdown_settle(unsigned patience_ms);

/* and switch off or reset. */
_Noreturn void shutdown_off(enum machine_end end);

#endif
