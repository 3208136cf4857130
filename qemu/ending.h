/* The signals that end whoever runs a guest, and the guest with him. */
#ifndef PLYBOOT_QEMU_ENDING_H
#define PLYBOOT_QEMU_ENDING_H

#include <signal.h>
#include <stdbool.h>

/*
 * SIGINT, SIGTERM, SIGHUP and SIGQUIT, but for those that our caller had us ignore: nohup does so
 * with SIGHUP, a shell without job control with SIGINT and SIGQUIT of what it starts in the
 * background (POSIX, XCU 2.11). They are to go on being ignored. A signal that is blocked comes
 * even so: whoever waits for signals by a descriptor must leave them out.
 */
void ending_signals(sigset_t *out);

/* Whether our caller had us ignore this one. */
bool ending_is_ignored(int number);

/* In a child, before it becomes QEMU: the signals as they were before we caught them. QEMU catches
 * SIGINT and SIGHUP even where they were ignored, and then they come to it as to its process group;
 * so these are blocked. SIGTERM is not, by which we end it. */
void ending_prepare_child(void);

#endif
