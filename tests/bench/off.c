/* The least that can follow a kernel: a first process that says when it ran, and powers off. */
#include <stdio.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	(void)printf(
		"bench: uptime_ms %.3f\n", (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6);
	(void)fflush(stdout);
	(void)reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
