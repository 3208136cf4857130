/*
 * What a layer's author would like to do who has taken over what unpacks it, for hostile.t: an
 * /init with the parser's tree_add_symlink() wrapped (the Makefile's init-hostile). A symbolic link
 * .hostile in a layer names the attack, which is then made where the parser runs, in the jail.
 *
 * How it went is the layer's error: USAGE, which /init never says, "it works"; TYPE and errno:
 * denied. Death by the attack is /init's to tell. A layer with the link that boots was never
 * attacked.
 *
 * HOSTILE_JAIL=none or =seccomp in the environment, which is the kernel's command line, leaves out
 * all of the jail, or that part: to see that the attacks are some, and what the other parts do.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "layers/jail.h"
#include "layers/syscalls.h"
#include "layers/tree.h"

int __real_tree_add_symlink(struct tree *tree, const struct tree_entry *entry, struct error *e);
int __wrap_tree_add_symlink(struct tree *tree, const struct tree_entry *entry, struct error *e);
int __real_jail_enter(const struct jail_request *request, unsigned *missing, struct error *e);
int __wrap_jail_enter(const struct jail_request *request, unsigned *missing, struct error *e);

/* Each returns -1 and errno when it did not work. Where calls that unpacking makes too will do, as
 * openat(), it is those, which no filter stops. */

static const char outside[] = "etc/plyboot/init.conf";

/* By its path, upwards from any descriptor, and by the root of another process. */
static int open_outside(void)
{
	char path[256];
	int found = -1;
	for (int up = 0; up < 16 && found < 0; up++) {
		path[0] = '/';
		for (int i = 0; i < up; i++)
			memcpy(path + 1 + 3 * i, "../", 3);
		memcpy(path + 1 + 3 * up, outside, sizeof outside);
		found = openat(AT_FDCWD, path, O_RDONLY);
		for (int fd = AT_FDCWD; fd < 64 && found < 0; fd = fd < 0 ? 0 : fd + 1)
			found = openat(fd, path + 1, O_RDONLY);
	}
	if (found < 0)
		found = openat(AT_FDCWD, "/proc/1/root/etc/plyboot/init.conf", O_RDONLY);
	return found;
}

static int open_device(void)
{
	(void)mknodat(
		AT_FDCWD, "/disk", S_IFBLK | 0600, makedev(254, 0)); /* as the first virtio disk */
	return openat(AT_FDCWD, "/disk", O_RDWR);
}

/* To be root's again, who could chroot out. */
static int chroot_again(void)
{
	(void)mkdir("/below", 0700);
	return chroot("/below");
}

/* And take the network up. */
static int open_socket(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &request);
}

static int make_mount(void)
{
	return mount("none", "/", "tmpfs", 0, NULL);
}

/* PTRACE_SEIZE: the parent goes on, and is let go when we end. */
static int trace_parent(void)
{
	return (int)syscall(SYS_ptrace, 0x4206, getppid(), 0, 0);
}

/* One that PID 1 does not mind. */
static int signal_parent(void)
{
	return kill(getppid(), SIGWINCH);
}

static int start_process(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return pid;
}

/* More than any layer of this test may have, less than the machine has. */
static int take_memory(void)
{
	const size_t step = 1 << 20;
	for (size_t taken = 0; taken < 192 * step; taken += step) {
		char *more = mmap(
			NULL, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (more == MAP_FAILED)
			return -1;
		memset(more, 1, step);
	}
	return 0;
}

static int fill_store(void)
{
	static char block[1 << 20];
	int fd = openat(AT_FDCWD, "/full", O_WRONLY | O_CREAT | O_EXCL, 0600);
	for (int i = 0; i < 192; i++) {
		if (write(fd, block, sizeof block) < 0)
			return -1;
	}
	return 0;
}

static int spin(void)
{
	volatile bool on = true;
	while (on)
		continue;
	return 0;
}

static const struct attack {
	const char *name;
	int (*run)(void);
} attacks[] = {
	{"open", open_outside},
	{"device", open_device},
	{"chroot", chroot_again},
	{"socket", open_socket},
	{"mount", make_mount},
	{"ptrace", trace_parent},
	{"signal", signal_parent},
	{"fork", start_process},
	{"memory", take_memory},
	{"fill", fill_store},
	{"spin", spin},
};

int __wrap_tree_add_symlink(struct tree *tree, const struct tree_entry *entry, struct error *e)
{
	if (strcmp(entry->path, ".hostile") != 0)
		return __real_tree_add_symlink(tree, entry, e);
	for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
		if (strcmp(entry->link, attacks[i].name) != 0)
			continue;
		if (attacks[i].run() >= 0)
			return error_set(e, ERROR_USAGE, 0, "hostile %s: it works", entry->link);
		return error_set(e, ERROR_TYPE, errno, "hostile %s", entry->link);
	}
	return 0;
}

int __wrap_jail_enter(const struct jail_request *request, unsigned *missing, struct error *e)
{
	const char *without = getenv("HOSTILE_JAIL");
	struct jail_request less = *request;
	if (without != NULL && strcmp(without, "none") == 0) {
		*missing = JAIL_ALL;
		return 0;
	}
	if (without != NULL)
		less.leave_out |= JAIL_SECCOMP;
	return __real_jail_enter(&less, missing, e);
}
