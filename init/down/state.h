/* The state partition, which the root's overlay goes on using when it is no longer mounted
 * anywhere. */
#ifndef PLYBOOT_DOWN_STATE_H
#define PLYBOOT_DOWN_STATE_H

#include <stdbool.h>

/* After unmount_all(): nothing uses it any more, or its file system is made read-only, which is as
 * clean. True if that is so; what is not is said. */
bool state_settle(void);

#endif
