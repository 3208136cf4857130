/* An upper that is taken from under a confirmed stack, and comes back (state_private.h has where it
 * lies). It happens when the stack was confirmed at two boots in a row, and then not for so many;
 * if another upper does not help either, they take turns. And it happens when somebody asks. */
#ifndef PLYBOOT_INIT_ASIDE_H
#define PLYBOOT_INIT_ASIDE_H

#include "upper.h"

/* Before an upper is chosen: if the base was taken away when the power went, what was to take its
 * place does; with nothing of that kind, none is there yet. */
int aside_resume(
	int home, const struct upper_request *request, struct report *report, struct error *e);

/* When there is a base or a trial upper: is another one to be the base in this boot? Noted in the
 * report. `owned`: the base was this stack's before this boot, too. -1: another one is to be, and
 * can't be, and the one that is there is not to be used. */
int aside_turn(int home, const struct upper_request *request, bool owned, struct report *report,
	struct error *e);

#endif
