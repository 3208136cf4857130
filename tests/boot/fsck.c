/*
 * What fsck.t puts in the place of e2fsck: it is called as that is, `<name> -p <device>`, and does
 * what the label of the file system on the device says. `attack`: what somebody would like to do
 * whom a file system made the master of its checker; it ends with 0 when nothing worked, else says
 * what did. (In the running system, as root, all of it works.)
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int device_fd;

/* --- attacks: each returns -1 when it did not work */

static int open_outside(void)
{
	static const char *const paths[] = {"/etc/plyboot/init.conf", "../../etc/plyboot/init.conf",
		"/proc/1/root/init", "/proc/self/status", "/init", "/run/plyboot", "/dev/console"};
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		if (open(paths[i], O_RDONLY) >= 0)
			return 0;
	}
	return -1;
}

static int use_descriptors(void)
{
	struct stat st;
	for (int fd = 3; fd < 64; fd++) {
		if (fd != device_fd && fstat(fd, &st) == 0)
			return 0;
	}
	return -1;
}

static int make_file(void)
{
	return open("/dev/file", O_WRONLY | O_CREAT, 0600);
}

static int make_device(void)
{
	return mknod("/dev/other", S_IFBLK | 0600, makedev(254, 0));
}

static int mount_proc(void)
{
	return mount("proc", "/etc", "proc", 0, NULL);
}

static int change_root(void)
{
	return chroot("/");
}

static int new_namespace(void)
{
	return unshare(CLONE_NEWNS);
}

static int signal_init(void)
{
	return kill(1, 0);
}

static int become_root(void)
{
	return getuid() == 0 || setuid(0) == 0 ? 0 : -1;
}

static int make_process(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return pid > 0 ? 0 : -1;
}

static int use_sockets(void)
{
	return socket(AF_UNIX, SOCK_DGRAM, 0);
}

static int map_executable(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED
		       ? -1
		       : 0;
}

static int flush_device(void)
{
	return ioctl(device_fd, BLKFLSBUF, 0);
}

static int dump_core(void)
{
	struct rlimit core;
	return getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max > 0 ? 0 : -1;
}

static int map_all_there_is(void)
{
	return mmap(NULL, (size_t)1 << 40, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0) == MAP_FAILED
		       ? -1
		       : 0;
}

/* It comes back with a word that says so. */
static int run_again(void)
{
	static char name[] = "e2fsck", word[] = "again";
	char *const arguments[] = {name, word, NULL};
	(void)fflush(stdout);
	(void)execve("/proc/self/exe", arguments, arguments + 2);
	(void)execve("/fsck-fake", arguments, arguments + 2);
	return -1;
}

static const struct attack {
	const char *name;
	int (*make)(void);
} attacks[] = {
	{"open what is outside", open_outside}, {"use a descriptor", use_descriptors},
	{"make a file", make_file}, {"make a device", make_device}, {"mount", mount_proc},
	{"change the root", change_root}, {"make a namespace", new_namespace},
	{"signal process 1", signal_init}, {"be root", become_root},
	{"make a process", make_process}, {"use sockets", use_sockets},
	{"map code", map_executable}, {"do what takes a capability to the device", flush_device},
	{"dump core", dump_core}, {"map more than there is", map_all_there_is},
	{"run a program", run_again}, /* the last, for nothing comes after it */
};

static int attack(void)
{
	int worked = 0;
	for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
		if (attacks[i].make() >= 0)
			worked += printf("it can %s\n", attacks[i].name) > 0;
	}
	return worked > 0 ? 8 : 0;
}

/* --- what else may be wrong with it */

static int flood(void)
{
	for (int i = 0; i < 100000; i++)
		(void)printf("%099d\n", i);
	(void)puts("that was all");
	return 1;
}

static int crash(void)
{
	(void)puts("here");
	(void)fflush(stdout);
	(void)raise(SIGSEGV);
	return 0;
}

/* Deaf to all that can be told it. */
static int hang(void)
{
	(void)signal(SIGTERM, SIG_IGN);
	(void)puts("halfway");
	(void)fflush(stdout);
	(void)close(1);
	(void)close(2);
	while (true)
		(void)usleep(100000);
	return 0;
}

/* Longer than the watchdog's time. */
static int be_slow(void)
{
	(void)sleep(8);
	return 0;
}

int main(int count, char **arguments)
{
	char label[17] = "";
	if (count == 2 && strcmp(arguments[1], "again") == 0)
		return puts("it can run a program") >= 0 ? 8 : 0;
	if (count != 3 || strcmp(arguments[1], "-p") != 0)
		return 16;
	device_fd = open(arguments[2], O_RDWR | O_EXCL);
	if (device_fd < 0 || pread(device_fd, label, 16, 1024 + 0x78) != 16)
		return 8;
	if (strcmp(label, "attack") == 0)
		return attack();
	if (strcmp(label, "flood") == 0)
		return flood();
	if (strcmp(label, "crash") == 0)
		return crash();
	if (strcmp(label, "hang") == 0)
		return hang();
	if (strcmp(label, "slow") == 0)
		return be_slow();
	return atoi(label);
}
