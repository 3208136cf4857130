/* The real init of a measurement: tells the kernel's log that it runs, gives the verdict, powers
 * off. */
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

static void say(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		(void)!write(fd, text, strlen(text));
		(void)close(fd);
	}
}

int main(void)
{
	if (access("/dev/kmsg", W_OK) != 0)
		(void)mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	say("/dev/kmsg", "<6>bench: payload runs");
	say("/dev/ttyS1", "plyboot-verdict 0\n");
	sleep(1); /* the console is slower than this */
	(void)reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
