#include "surroundings.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ceilings.h"
#include "say.h"
#include "scope.h"

/* As the container engines mount them; the first four are /init's, and there when it ran. */
static const struct {
	const char *path, *type, *data;
	unsigned long flags;
	bool wanted; /* say it when the kernel has none */
} mounts[] = {
	{"/dev", "devtmpfs", "mode=0755", MS_NOSUID, true},
	{"/proc", "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, true},
	{"/sys", "sysfs", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, true},
	{"/run", "tmpfs", "mode=0755,size=20%", MS_NOSUID | MS_NODEV, true},
	{"/dev/pts", "devpts", "mode=0620,gid=5,ptmxmode=0666", MS_NOSUID | MS_NOEXEC, true},
	{"/dev/shm", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV | MS_NOEXEC, true},
	{"/dev/mqueue", "mqueue", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, false},
};

static const struct {
	const char *path, *target;
} links[] = {
	{"/dev/fd", "/proc/self/fd"},
	{"/dev/stdin", "/proc/self/fd/0"},
	{"/dev/stdout", "/proc/self/fd/1"},
	{"/dev/stderr", "/proc/self/fd/2"},
};

/* A directory on another file system than the one it lies in. */
static bool is_mounted(const char *path)
{
	char parent[32];
	struct stat here, above;
	const char *slash = strrchr(path, '/');
	size_t length = slash == path ? 1 : (size_t)(slash - path);
	memcpy(parent, path, length);
	parent[length] = '\0';
	return stat(path, &here) == 0 && stat(parent, &above) == 0 && here.st_dev != above.st_dev;
}

static void make_mounts(void)
{
	for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++) {
		const char *path = mounts[i].path;
		if (is_mounted(path))
			continue;
		if (mkdir(path, 0755) != 0 && errno != EEXIST)
			say("warning: the directory %s can't be made: %s", path, strerror(errno));
		else if (mount(mounts[i].type, path, mounts[i].type, mounts[i].flags,
				 mounts[i].data) != 0 &&
			 mounts[i].wanted)
			say("warning: %s is not mounted on %s: %s", mounts[i].type, path,
				strerror(errno));
	}
}

static void make_links(void)
{
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
		if (symlink(links[i].target, links[i].path) != 0 && errno != EEXIST)
			say("warning: the link %s can't be made: %s", links[i].path,
				strerror(errno));
	}
}

static void raise_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	SCOPED_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 && errno == EAFNOSUPPORT)
		return; /* a kernel without a network */
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) != 0) {
		say("warning: the interface lo can't be asked for: %s", strerror(errno));
		return;
	}
	request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
	if (ioctl(fd, SIOCSIFFLAGS, &request) != 0)
		say("warning: the interface lo can't be brought up: %s", strerror(errno));
}

static bool is_host_name(const char *name)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
	size_t length = strlen(name);
	return length >= 1 && length <= 64 && strspn(name, allowed) == length;
}

/* Images often have an empty one, or none. */
static void set_host_name(void)
{
	enum { MAX_BYTES = 4096 };
	struct error why;
	SCOPED_FREE char *text = NULL;
	size_t size_bytes;
	if (surroundings_read("/etc/hostname", MAX_BYTES, &text, &size_bytes, &why) != 0) {
		if (why.code != ERROR_MISSING)
			say("warning: no host name: %s", why.text);
		return;
	}
	text[strcspn(text, " \t\r\n")] = '\0';
	if (text[0] == '\0')
		return;
	if (!is_host_name(text))
		say("warning: /etc/hostname holds no host name: %.64s", text);
	else if (sethostname(text, strlen(text)) != 0)
		say("warning: the host name %s can't be set: %s", text, strerror(errno));
}

void surroundings_make(void)
{
	make_mounts();
	make_links();
	raise_loopback();
	set_host_name();
}

int surroundings_enter(const char *directory, struct error *e)
{
	char path[LIMIT_PATH_BYTES + 1];
	size_t length = strlen(directory);
	memcpy(path, directory, length + 1);
	for (size_t i = 1; i <= length; i++) {
		if (directory[i] != '/' && directory[i] != '\0')
			continue;
		path[i] = '\0';
		if (mkdir(path, 0755) != 0 && errno != EEXIST && errno != EISDIR)
			return error_errno(e, errno, "make the directory %s", path);
		path[i] = directory[i];
	}
	if (chdir(directory) != 0)
		return errno == ENOTDIR
			       ? error_set(e, ERROR_TYPE, 0, "%s must be a directory", directory)
			       : error_errno(e, errno, "go to the directory %s", directory);
	return 0;
}

int surroundings_read(
	const char *path, size_t max_bytes, char **text, size_t *size_bytes, struct error *e)
{
	struct stat st;
	/* Not to wait for whoever opens the other end of a FIFO. */
	SCOPED_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) != 0)
		return error_errno(e, errno, "open %s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERROR_TYPE, 0, "%s must be a regular file", path);
	if (st.st_size > (off_t)max_bytes)
		return error_set(e, ERROR_LIMIT, 0, "%s: over %zu bytes", path, max_bytes);
	SCOPED_FREE char *bytes = malloc((size_t)st.st_size + 1);
	size_t used = 0;
	if (bytes == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "memory for %s", path);
	while (used < (size_t)st.st_size) {
		ssize_t got = read(fd, bytes + used, (size_t)st.st_size - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(e, errno, "read %s", path);
		if (got == 0)
			break;
		used += (size_t)got;
	}
	bytes[used] = '\0';
	*text = SCOPE_TAKE(bytes);
	*size_bytes = used;
	return 0;
}
