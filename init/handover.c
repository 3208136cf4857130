#include "handover.h"

#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "clock.h"
#include "console.h"
#include "mounts.h"
#include "scope.h"
#include "store.h"
#include "syscalls.h"
#include "watchdog.h"
#include "wayback.h"

static int check_init(int root, const char *init, struct error *e)
{
	struct stat st;
	SCOPED_FD fd = sys_openat2(root, init, O_PATH, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	if (fd < 0)
		return error_errno(e, errno, "the root's init %s", init);
	if (fstat(fd, &st) != 0)
		return error_errno(e, errno, "stat %s", init);
	if (!S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0)
		return error_set(
			e, ERROR_TYPE, 0, "the root's init %s is no executable file", init);
	return 0;
}

static int check_mount_point(int root, const char *name, struct error *e)
{
	if (mkdirat(root, name, 0755) != 0 && errno != EEXIST)
		return error_set(e, ERROR_MISSING, errno, "the root has no directory /%s", name);
	SCOPED_FD fd = sys_openat2(root, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0,
		RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		return error_set(e, ERROR_TYPE, errno, "/%s in the root must be a directory", name);
	return 0;
}

int handover_check(const char *root_path, const char *init, struct error *e)
{
	SCOPED_FD root = open(root_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_errno(e, errno, "open %s", root_path);
	if (check_init(root, init, e) != 0)
		return -1;
	for (unsigned i = 0; i < MOUNTS_COUNT; i++) {
		if (check_mount_point(root, mounts_carried[i], e) != 0)
			return -1;
	}
	return 0;
}

static int carry_mounts(const char *root, struct error *e)
{
	for (unsigned i = 0; i < MOUNTS_COUNT; i++) {
		char from[16], to[64];
		(void)snprintf(from, sizeof from, "/%s", mounts_carried[i]);
		(void)snprintf(to, sizeof to, "%s/%s", root, mounts_carried[i]);
		if (mount(from, to, NULL, MS_MOVE, NULL) != 0)
			return error_set(e, ERROR_KERNEL, errno, "move %s into the root", from);
	}
	return 0;
}

static int change_root(const char *root, struct error *e)
{
	if (chdir(root) != 0)
		return error_errno(e, errno, "go to %s", root);
	if (mount(".", "/", NULL, MS_MOVE, NULL) != 0)
		return error_set(e, ERROR_KERNEL, errno, "move the root to /");
	if (chroot(".") != 0 || chdir("/") != 0)
		return error_errno(e, errno, "change the root");
	return 0;
}

/* Gives its memory back. Only ever what is certainly an initramfs. */
static void delete_initramfs(int old_root)
{
	struct statfs fs;
	struct dirent *entry;
	if (getpid() != 1 || fstatfs(old_root, &fs) != 0 ||
		((unsigned long)fs.f_type != RAMFS_MAGIC &&
			(unsigned long)fs.f_type != TMPFS_MAGIC)) {
		console_say("warning: the old root is no initramfs; its files stay");
		return;
	}
	int fd = openat(old_root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		struct error why;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (store_remove(old_root, entry->d_name, &why) != 0)
			console_debug("initramfs: %s", why.text);
	}
	if (directory != NULL)
		(void)closedir(directory);
}

static void write_report(struct report *report)
{
	struct error why;
	if (report_write(report, &why) != 0)
		console_alert("WARNING: no boot.json: %s", why.text);
}

static void say_goodbye(const struct report *report, const char *init)
{
	const struct stack *stack = &report->candidate->stack;
	console_say("%s %llu: %zu layer%s, upper %s%s; %s after %" CLOCK_MS " ms", stack->name,
		(unsigned long long)stack->version, report->layer_count,
		report->layer_count == 1 ? "" : "s", report->upper,
		report->upper_trial ? " (on trial)" : "", init,
		CLOCK_MS_OF(clock_us() - report->start_us));
}

/* What the kernel made of the command line's words is not passed on: environment and arguments are
 * ours. */
static int run(const char *init, struct error *e)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	static char home[] = "HOME=/", term[] = "TERM=linux";
	char *const environment[] = {path, home, term, NULL};
	char name[256];
	char *const arguments[] = {name, NULL};
	sigset_t none;
	(void)snprintf(name, sizeof name, "%s", init);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)umask(022);
	(void)execve(init, arguments, environment);
	if (errno == ENOENT) /* handover_check() saw the file itself */
		return error_set(e, ERROR_MISSING, 0,
			"run %s: the root lacks the interpreter that it needs", init);
	return error_errno(e, errno, "run %s", init);
}

int handover_run(const char *root, const char *init, struct report *report, struct error *e)
{
	SCOPED_FD old_root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (old_root < 0)
		return error_errno(e, errno, "open /");
	if (carry_mounts(root, e) != 0 || change_root(root, e) != 0)
		return -1;
	wayback_note_devices(report);
	delete_initramfs(old_root);
	report_step(report, "handover");
	write_report(report);
	say_goodbye(report, init);
	watchdog_leave_armed();
	return run(init, e);
}
