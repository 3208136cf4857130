/* The watchdog that /init armed, if it did. */
#ifndef PLYBOOT_DOWN_WATCHDOG_H
#define PLYBOOT_DOWN_WATCHDOG_H

/* From here on it is fed here. */
void watchdog_take(void);
void watchdog_feed(void);

/* For a machine that is to stay as it is. */
void watchdog_stop(void);

#endif
