#include "watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "clock.h"
#include "console.h"
#include "syscalls.h"

static const char device[] = "/dev/watchdog";

enum { FEED_US = 500000 };

static struct {
	int fd; /* 0: not armed; that is the console's */
	unsigned seconds;
	bool magic_close; /* closing it alone leaves it armed */
	uint64_t fed_us;
} watchdog;

/* A driver may round, or know only a few values. */
static void set_time(unsigned wanted_s, struct report *report)
{
	int seconds = (int)wanted_s;
	if (sys_ioctl(watchdog.fd, WDIOC_SETTIMEOUT, &seconds) != 0) {
		int saved = errno;
		seconds = 0;
		(void)sys_ioctl(watchdog.fd, WDIOC_GETTIMEOUT, &seconds);
		report_warn(report, "watchdog: %u s can't be had, it has %d: %s", wanted_s, seconds,
			strerror(saved));
	}
	watchdog.seconds = seconds > 0 ? (unsigned)seconds : 0;
}

static void look_back(struct report *report)
{
	int status = 0;
	if (sys_ioctl(watchdog.fd, WDIOC_GETBOOTSTATUS, &status) != 0 ||
		(status & WDIOF_CARDRESET) == 0)
		return;
	report->watchdog_reset = true;
	report_alarm(report, "the watchdog reset this machine: what ran before did not feed it");
}

void watchdog_arm(const struct initconf *conf, struct report *report)
{
	struct watchdog_info info = {0};
	if (conf->watchdog_s == 0 || watchdog.fd > 0)
		return;
	int fd = open(device, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		if (errno != ENOENT && errno != ENODEV)
			report_warn(
				report, "watchdog %s can't be opened: %s", device, strerror(errno));
		return;
	}
	watchdog.fd = fd;
	watchdog.magic_close = sys_ioctl(fd, WDIOC_GETSUPPORT, &info) == 0 &&
			       (info.options & WDIOF_MAGICCLOSE) != 0;
	set_time(conf->watchdog_s, report);
	look_back(report);
	report->watchdog = device;
	report->watchdog_s = watchdog.seconds;
	console_say("watchdog %s: %u s", device, watchdog.seconds);
}

void watchdog_expect(const struct initconf *conf, struct report *report)
{
	if (watchdog.fd > 0 || conf->watchdog_s == 0)
		return;
	if (conf->watchdog_demanded)
		report_warn(report, "there is no %s: nothing resets this machine when it hangs",
			device);
	else
		console_debug("there is no %s", device);
}

void watchdog_feed(void)
{
	int ignored;
	uint64_t now = clock_us();
	if (watchdog.fd == 0 || now - watchdog.fed_us < FEED_US)
		return;
	watchdog.fed_us = now;
	(void)sys_ioctl(watchdog.fd, WDIOC_KEEPALIVE, &ignored);
}

void watchdog_stop(void)
{
	if (watchdog.fd == 0)
		return;
	int off = WDIOS_DISABLECARD;
	bool stopped = sys_ioctl(watchdog.fd, WDIOC_SETOPTIONS, &off) == 0;
	if (!stopped)
		console_alert("the watchdog can't be stopped: it resets this machine after %u s",
			watchdog.seconds);
	if (stopped && watchdog.magic_close)
		(void)!write(watchdog.fd, "V", 1);
	(void)close(watchdog.fd);
	watchdog.fd = 0;
}

/* The kernel says "watchdog did not stop!" when the descriptor goes: behind our last line, not in
 * it. */
void watchdog_leave_armed(void)
{
	if (watchdog.fd == 0)
		return;
	watchdog.fed_us = 0;
	watchdog_feed();
	if (!watchdog.magic_close)
		console_alert("WARNING: the watchdog's driver stops it now: the real init has to "
			      "open it again");
	(void)tcdrain(STDOUT_FILENO);
}
