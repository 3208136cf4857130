#include "watchdog.h"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <unistd.h>

#include "../entry/say.h"
#include "syscalls.h"

static int device = -1;

void watchdog_take(void)
{
	device = open("watchdog", O_WRONLY | O_CLOEXEC); /* in the working directory: place.h */
	watchdog_feed();
}

void watchdog_feed(void)
{
	int ignored;
	if (device >= 0)
		(void)sys_ioctl(device, WDIOC_KEEPALIVE, &ignored);
}

void watchdog_stop(void)
{
	int off = WDIOS_DISABLECARD;
	if (device < 0)
		return;
	if (sys_ioctl(device, WDIOC_SETOPTIONS, &off) != 0)
		say("the watchdog can't be stopped: it resets this machine");
	(void)!write(device, "V", 1);
	(void)close(device);
	device = -1;
}
