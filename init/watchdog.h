/*
 * The machine's watchdog: a device that resets it unless it is fed in time. /init feeds it only as
 * the boot gets on, and leaves it armed for the real init: so that whatever hangs, here or there,
 * ends in a reset, and the stack's try was counted.
 */
#ifndef PLYBOOT_WATCHDOG_H
#define PLYBOOT_WATCHDOG_H

#include "initconf.h"
#include "report.h"

/* Arm it. Nothing happens when it is armed already, is not wanted, or is not there. Noted in the
 * report: that it caused the last reset, and what is not as it was asked for. */
void watchdog_arm(const struct initconf *conf, struct report *report);

/* There should be one by now. */
void watchdog_expect(const struct initconf *conf, struct report *report);

/* The boot got on. */
void watchdog_feed(void);

/* Nobody is going to feed it, and it shall not reset the machine: stopped, or said that it can't
 * be. */
void watchdog_stop(void);

/* For the real init: fed for the last time. It opens the device anew. */
void watchdog_leave_armed(void);

#endif
