/* The end of what still runs. */
#ifndef PLYBOOT_DOWN_PROCESSES_H
#define PLYBOOT_DOWN_PROCESSES_H

/* SIGTERM, and after five seconds SIGKILL, to all processes but process 1, the kernel's, and those
 * of this session: the script that has called. Returns when they have ended, or soon after. */
void processes_end(void);

#endif
