/* The part of a boot that does what was asked for before it, for tests/powercut/reset.t: of the
 * stack NAME, in the directory plyboot/ of a state partition that is mounted somewhere. */
#include "init/asking.h"

#include <fcntl.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	static struct report report;
	static struct candidate candidate;
	struct initconf conf;
	int all = argc == 3 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (all < 0) {
		(void)fputs("usage: carry-out DIRECTORY NAME\n", stderr);
		return 2;
	}
	initconf_defaults(&conf);
	(void)snprintf(candidate.stack.name, sizeof candidate.stack.name, "%s", argv[2]);
	const struct upper_request upper = {.candidate = &candidate, .device = "none"};
	const struct asking_request request = {.upper = &upper, .conf = &conf};
	asking_carry_out_in(all, &request, &report);
	return 0;
}
