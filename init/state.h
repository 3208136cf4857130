/* The state partition. */
#ifndef PLYBOOT_STATE_H
#define PLYBOOT_STATE_H

#include <stdbool.h>

#include "report.h"

#define STATE_PATH "/run/plyboot/state"

/* Mount the partition at STATE_PATH; once is enough. `device` is as in init.conf, and `deadline_us`
 * how long to wait for it. Each error means that this state can't be used. */
int state_mount(const char *device, uint64_t deadline_us, struct report *report, struct error *e);

/* A directory that is one, not a link to one; made (0700) where it is missing and `make` is set. */
int state_open_dir(int parent_fd, const char *name, bool make, struct error *e);

/* Where an error comes of a partition without room: how much of what there is, in front of it. -1.
 */
int state_name_room(struct error *e);

/* <state>/plyboot/<stack name>, made where it is missing. */
int state_open_home(const char *name, struct error *e);

#endif
