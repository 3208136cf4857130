/* What the host wants run when the command has ended: it sees what the command changed, and nothing
 * that was there for the command alone. */
#ifndef PLYBOOT_RUN_THEN_H
#define PLYBOOT_RUN_THEN_H

#include "job.h"
#include "port.h"

/*
 * If the job has one: pass on what the command wrote, end all other processes within `patience_ms`,
 * take the mounts away that were put into the root, run it as root and wait for it. It writes to
 * the console, and its TMPDIR is /run. How it ends is no matter of the guest's: the host sees what
 * it left. Why it does not run is said. ERROR_IO: the host is gone.
 */
int then_run(struct port *port, const struct job *job, unsigned patience_ms, struct error *e);

#endif
