/* The real init of a measurement: tells the kernel's log and the console that it runs, gives the
 * verdict, shows plyboot's report where there is one, powers off. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void say(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		(void)!write(fd, text, strlen(text));
		(void)close(fd);
	}
}

static void say_when(void)
{
	struct timespec now;
	char line[80];
	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	(void)snprintf(line, sizeof line, "bench: uptime_ms %.3f\n",
		(double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6);
	say("/dev/console", line);
}

static void show(const char *path)
{
	char text[4096];
	ssize_t got;
	int from = open(path, O_RDONLY | O_CLOEXEC);
	int to = open("/dev/console", O_WRONLY | O_CLOEXEC);
	while (from >= 0 && (got = read(from, text, sizeof text)) > 0)
		(void)!write(to, text, (size_t)got);
}

int main(void)
{
	if (access("/dev/kmsg", W_OK) != 0)
		(void)mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	say_when();
	say("/dev/kmsg", "<6>bench: payload runs");
	show("/run/plyboot/boot.json");
	say("/dev/ttyS1", "plyboot-verdict 0\n");
	sleep(1); /* the console is slower than this */
	(void)reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
