/*
 * A stack, composed on the host by /init's own code: the signature, the jail, the store, the
 * synthetic layer, the overlay (rung.c), in a mount namespace that ends with the process.
 *
 *     compose-stack STORE NAME KEY.der COMMAND [ARGUMENT...]
 *
 * STORE is an OCI image layout with stacks/; COMMAND runs in the composed root's directory, on the
 * host's own root, with its /run hidden. As root.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/boot.h"
#include "init/console.h"
#include "init/files.h"
#include "init/overlay.h"
#include "scope.h"

/* Where the host's root is put together again, with a /run and an OVERLAY_PATH that are ours. */
#define VIEW "/run"

static struct boot boot;

static int bind_one(const char *name, struct error *e)
{
	char from[256 + 1], to[256 + sizeof VIEW];
	struct stat st;
	(void)snprintf(from, sizeof from, "/%s", name);
	(void)snprintf(to, sizeof to, VIEW "/%s", name);
	if (lstat(from, &st) != 0)
		return error_errno(e, errno, "stat %s", from);
	if (S_ISLNK(st.st_mode)) {
		char target[4096] = "";
		if (readlink(from, target, sizeof target - 1) < 0 || symlink(target, to) != 0)
			return error_errno(e, errno, "copy the link %s", from);
		return 0;
	}
	if (!S_ISDIR(st.st_mode) || strcmp(from, VIEW) == 0 || strcmp(from, OVERLAY_PATH) == 0)
		return 0;
	if (mkdir(to, 0755) != 0 || mount(from, to, NULL, MS_BIND | MS_REC, NULL) != 0)
		return error_errno(e, errno, "bind %s to %s", from, to);
	return 0;
}

static int bind_all(struct error *e)
{
	DIR *directory = opendir("/");
	const struct dirent *entry;
	int result = 0;
	if (directory == NULL)
		return error_errno(e, errno, "open /");
	while (result == 0 && (entry = readdir(directory)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = bind_one(entry->d_name, e);
	(void)closedir(directory);
	return result;
}

static int enter_view(struct error *e)
{
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return error_errno(e, errno, "a mount namespace of its own");
	if (mount("plyboot-view", VIEW, "tmpfs", 0, "mode=0755") != 0)
		return error_errno(e, errno, "mount a tmpfs");
	if (bind_all(e) != 0)
		return -1;
	if (mkdir(VIEW "/run", 0755) != 0 || mkdir(VIEW "/run/plyboot", 0755) != 0)
		return error_errno(e, errno, "make /run");
	if (chroot(VIEW) != 0 || chdir("/") != 0)
		return error_errno(e, errno, "change the root");
	return 0;
}

static int read_key(const char *path, struct error *e)
{
	SCOPED_FREE char *der = NULL;
	size_t size_bytes;
	if (files_read(AT_FDCWD, path, 4096, &der, &size_bytes, e) != 0 ||
		key_decode((const uint8_t *)der, size_bytes, &boot.keys[0], e) != 0)
		return error_wrap(e, "%s", path);
	boot.key_count = 1;
	return 0;
}

static int open_store(const char *path, struct error *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(e, errno, "open %s", path);
	if (source_dir_open(fd, &boot.source, e) == 0)
		return 0;
	(void)close(fd);
	return -1;
}

static int find_stack(const char *name, struct error *e)
{
	const struct candidate_policy policy = {
		.signatures = {.keys = boot.keys, .key_count = boot.key_count, .needed = 1},
		.name = name,
		.machine = boot.machine.machine,
		.kernel_release = boot.machine.release,
	};
	return candidates_find(boot.source, &policy, &boot.report, &boot.found, e);
}

static int compose(char **argv, struct error *e)
{
	const char *init;
	boot.record.fd = -1;
	boot.store.fd = -1;
	boot.store.cpus = 2;
	boot.settings.device[INITCONF_STATE] = boot.settings.device[INITCONF_RECORD] = "none";
	initconf_defaults(&boot.conf);
	report_start(&boot.report, &boot.conf);
	if (uname(&boot.machine) != 0)
		return error_errno(e, errno, "uname");
	if (read_key(argv[3], e) != 0 || open_store(argv[1], e) != 0 ||
		find_stack(argv[2], e) != 0 || enter_view(e) != 0)
		return -1;
	const struct candidate *newest = &boot.found.list[boot.found.count - 1];
	if (report_try(&boot.report, newest, e) != 0)
		return -1;
	return rung_climb(&boot, newest, &init, e);
}

int main(int argc, char **argv)
{
	struct error e = {0};
	mode_t umask_before = umask(0); /* as /init has it */
	if (argc < 5) {
		(void)fputs("usage: compose-stack STORE NAME KEY.der COMMAND...\n", stderr);
		return 2;
	}
	if (compose(argv, &e) != 0) {
		console_error("compose-stack", &e);
		return 1;
	}
	(void)umask(umask_before);
	if (chdir(OVERLAY_PATH) != 0 || execvp(argv[4], argv + 4) != 0)
		perror(argv[4]);
	return 1;
}
