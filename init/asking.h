/* What was asked for before this boot: layers/asked.h on the state partition, or plyboot.reset on
 * the command line. */
#ifndef PLYBOOT_ASKING_H
#define PLYBOOT_ASKING_H

#include "initconf.h"
#include "report.h"
#include "upper.h"

struct asking_request {
	const struct upper_request *upper;
	bool reset;                  /* the command line asks for it */
	const struct initconf *conf; /* what it keeps of every reset */
};

/* Carry it out, before an upper is chosen; also what a reset before this one left to do. What can't
 * be done is said loudly; the boot goes on with what there is. */
void asking_carry_out(const struct asking_request *request, struct report *report);

/* The same in plyboot/ of a state partition that is open. */
void asking_carry_out_in(int all_fd, const struct asking_request *request, struct report *report);

#endif
