#include "network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../entry/say.h"
#include "scope.h"

#define CARD "eth0"
#define RESOLV_CONF "/etc/resolv.conf"
#define OUR_RESOLV_CONF "/run/plyboot.resolv.conf"

/* QEMU's: docs/system/devices/net.rst. */
static const char address[] = "10.0.2.15", mask[] = "255.255.255.0", gateway[] = "10.0.2.2";
static const char resolver[] = "nameserver 10.0.2.3\n";

static struct sockaddr internet(const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(text)};
	struct sockaddr out;
	memcpy(&out, &in, sizeof out);
	return out;
}

static int configure(int fd)
{
	struct ifreq request = {.ifr_name = CARD};
	struct rtentry route = {
		.rt_dst = internet("0.0.0.0"),
		.rt_genmask = internet("0.0.0.0"),
		.rt_gateway = internet(gateway),
		.rt_flags = RTF_UP | RTF_GATEWAY,
	};
	request.ifr_addr = internet(address);
	if (ioctl(fd, SIOCSIFADDR, &request) != 0)
		return -1;
	request.ifr_netmask = internet(mask);
	if (ioctl(fd, SIOCSIFNETMASK, &request) != 0)
		return -1;
	if (ioctl(fd, SIOCGIFFLAGS, &request) != 0)
		return -1;
	request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
	return ioctl(fd, SIOCSIFFLAGS, &request) != 0 ? -1 : ioctl(fd, SIOCADDRT, &route);
}

static bool resolv_conf_set;
static char resolv_conf_made[PATH_MAX]; /* the file that was made for it, which may be elsewhere */

/* The link's text, as an absolute path. */
static bool resolv_conf_target(char path[PATH_MAX])
{
	static const char below[] = "/etc/";
	char link[PATH_MAX - sizeof below];
	ssize_t length = readlink(RESOLV_CONF, link, sizeof link);
	if (length <= 0 || (size_t)length == sizeof link)
		return false;
	(void)snprintf(path, PATH_MAX, "%s%.*s", link[0] == '/' ? "" : below, (int)length, link);
	return true;
}

/* Where a service of the root writes its resolv.conf when it runs, systemd-resolved's say, and the
 * root's is a link to that, make the directories. Only within /run, which is new with each boot: a
 * directory whose parent is on another file system stays missing. */
static void make_target_directories(void)
{
	char path[PATH_MAX];
	struct stat root, run, parent, st;
	if (!resolv_conf_target(path) || stat("/", &root) != 0 || stat("/run", &run) != 0 ||
		run.st_dev == root.st_dev)
		return;
	parent = root;
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (stat(path, &st) == 0)
			parent = st;
		else if (parent.st_dev != run.st_dev || mkdir(path, 0755) != 0)
			return;
		*slash = '/';
	}
}

/* Mounted over the root's own file, which stays as it is in an upper that is kept. */
static void set_resolver(void)
{
	bool missing = access(RESOLV_CONF, F_OK) != 0 && errno == ENOENT;
	if (missing)
		make_target_directories();
	SCOPED_FD ours = open(OUR_RESOLV_CONF, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	SCOPED_FD place = open(RESOLV_CONF, O_RDONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);
	ssize_t length = (ssize_t)sizeof resolver - 1;
	if (ours < 0 || write(ours, resolver, (size_t)length) != length || place < 0 ||
		mount(OUR_RESOLV_CONF, RESOLV_CONF, NULL, MS_BIND, NULL) != 0)
		say("warning: " RESOLV_CONF " can't be set: %s", strerror(errno));
	else
		resolv_conf_set = true;
	if (missing && place >= 0 && realpath(RESOLV_CONF, resolv_conf_made) == NULL)
		resolv_conf_made[0] = '\0';
}

void network_withdraw(void)
{
	struct stat st;
	if (resolv_conf_set && umount2(RESOLV_CONF, MNT_DETACH) != 0)
		return;
	if (lstat(resolv_conf_made, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
		(void)unlink(resolv_conf_made);
}

void network_raise(void)
{
	SCOPED_FD fd = -1;
	if (if_nametoindex(CARD) == 0)
		return;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || configure(fd) != 0) {
		say("warning: the network card " CARD " can't be set up: %s", strerror(errno));
		return;
	}
	set_resolver();
}
