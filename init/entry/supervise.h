/* What process 1 waits for: signals that ask it to stop, and the end of processes. Nothing is
 * polled, and no wait but that for the program's own end is without a limit. */
#ifndef PLYBOOT_ENTRY_SUPERVISE_H
#define PLYBOOT_ENTRY_SUPERVISE_H

#include <stdbool.h>
#include <sys/types.h>

#include "entryconf.h"

enum {
	SUPERVISE_STOP_MS = 10000, /* for the program, as container engines give it */
	SUPERVISE_REST_MS = 5000,  /* for all that it left behind */
	SUPERVISE_KILL_MS = 2000   /* for the kernel, to end what was killed */
};

enum stop { STOP_NONE, STOP_POWEROFF, STOP_REBOOT };

struct ended {
	bool started; /* the program ran */
	bool over;    /* and ended; else it could not even be killed */
	int status;   /* as wait(2) has it */
	enum stop stop;
};

/* Take the signals: before anything else, since one that comes earlier is lost. */
void supervise_prepare(void);

/* What a signal asks for. */
enum stop supervise_meaning(int number);

/* Until the program has ended, or can't be made to. Reaps whatever else ends meanwhile. */
void supervise_program(pid_t program, const struct entryconf *conf, struct ended *out);

/* A descriptor to poll and read as signalfd(2) says, of the same signals; -1: none, with errno. */
int supervise_descriptor(void);

/* End every other process: SIGTERM, after `patience_ms` SIGKILL. */
void supervise_end_rest(unsigned patience_ms);

/* Up to `limit_ms` for this child to end. */
void supervise_child(pid_t child, unsigned limit_ms);

/* Wait that long, unless there is something to do sooner: a stop that is asked for. */
enum stop supervise_pause(unsigned ms);

#endif
