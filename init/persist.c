#include "persist.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "begun.h"
#include "console.h"
#include "handover.h"
#include "overlay.h"
#include "reset.h"
#include "scope.h"
#include "seed.h"
#include "state.h"
#include "store.h"
#include "syscalls.h"
#include "patience.h"

/* What all of a stack's paths have in common. */
struct service {
	const struct persist_request *request;
	struct report *report;
	int root, paths;
};

/* --- in the root */

static int open_in_root(int root, const char *path, int flags)
{
	return sys_openat2(root, path, flags | O_DIRECTORY | O_NOFOLLOW, 0, SYS_RESOLVE_STRICT);
}

/* The directory, which a writable root need not have. Nothing else runs, so what was no link when
 * it was looked at is none now. */
static int open_mount_point(int root, const struct persist_path *persist, struct error *e)
{
	char part[STACK_PERSIST_SIZE];
	const char *path = persist->path + 1;
	for (size_t at = 0; path[at] != '\0';) {
		at += strcspn(path + at, "/");
		(void)snprintf(part, sizeof part, "%.*s", (int)at, path);
		SCOPED_FD there = open_in_root(root, part, O_PATH);
		if (there < 0 && errno == ENOENT && mkdirat(root, part, 0755) != 0)
			return error_set(
				e, ERROR_MISSING, errno, "the root has no directory /%s", part);
		at += path[at] == '/';
	}
	int fd = open_in_root(root, path, O_RDONLY);
	if (fd < 0)
		return error_set(e, ERROR_TYPE, errno,
			"in the root it must be a directory, and reached through no link");
	return fd;
}

/* --- on the state partition */

static int open_paths(const struct persist_request *request, struct report *report, struct error *e)
{
	struct statvfs fs;
	if (state_mount(request->device, request->deadline_us, report, e) != 0)
		return -1;
	SCOPED_FD home = state_open_home(request->candidate->stack.name, e);
	int unfinished = home < 0 ? -1 : reset_is_unfinished(home, e);
	if (unfinished > 0)
		return error_set(e, ERROR_IO, 0, "a reset is not finished");
	SCOPED_FD paths = unfinished < 0 ? -1 : state_open_dir(home, "paths", true, e);
	if (paths < 0)
		return -1;
	if (fstatvfs(paths, &fs) != 0 || (fs.f_flag & ST_RDONLY) != 0)
		return error_set(e, ERROR_IO, 0, "the state partition is read-only");
	return scope_take_fd(&paths);
}

/* What a power cut left beside it goes, also of a copy that has its name by now. */
static int remove_rest(int paths, const char *name, struct error *e)
{
	char beside[STACK_PERSIST_SIZE + sizeof PERSIST_NEW];
	(void)snprintf(beside, sizeof beside, "%s%s", name, PERSIST_NEW);
	return store_remove(paths, beside, e);
}

static int begin(
	const struct begun *begun, int mount_point, struct report_persist *report, struct error *e)
{
	struct seed_amount amount;
	patience_begin("the first content of a persistent path is being copied");
	if (seed_tree(mount_point, begun->paths_fd, begun->name, patience_feed, &amount, e) != 0) {
		begun_give_up(begun);
		return -1;
	}
	report->seeded = true;
	console_say("%s is kept from now on: %llu inodes, %llu KiB of the image", begun->path,
		(unsigned long long)amount.inodes, (unsigned long long)amount.bytes / 1024);
	return 0;
}

static int open_kept(const struct service *service, int mount_point, const char *path,
	struct report_persist *noted, struct error *e)
{
	char name[STACK_PERSIST_SIZE];
	const struct begun begun = {
		.paths_fd = service->paths,
		.path = path,
		.name = name,
		.candidate = service->request->candidate,
		.record = service->request->record,
		.trial_upper = service->report->upper_trial,
	};
	if (persist_name(path, name, e) != 0 || remove_rest(service->paths, name, e) != 0)
		return -1;
	int has = begun_settle(&begun, service->report, e);
	if (has < 0 || (has == 0 && begin(&begun, mount_point, noted, e) != 0))
		return -1;
	return state_open_dir(service->paths, name, false, e);
}

/* --- one over the other */

/* The state is mounted nosuid and nodev, and so is what is made of it. */
static int clone_mount(int kept, const struct persist_path *persist, struct error *e)
{
	uint64_t allowed =
		(persist->suid ? MOUNT_ATTR_NOSUID : 0u) | (persist->dev ? MOUNT_ATTR_NODEV : 0u);
	SCOPED_FD mounted = sys_clone_mount(kept);
	if (mounted < 0 ||
		(allowed != 0 && sys_mount_setattr(mounted, "", AT_EMPTY_PATH, 0, allowed) != 0))
		return error_set(e, ERROR_KERNEL, errno, "make a mount of it");
	return scope_take_fd(&mounted);
}

/* What hides the real init is not served. */
static int attach(int mounted, int mount_point, const char *init, struct error *e)
{
	char path[40];
	if (sys_move_mount_onto(mounted, mount_point) != 0)
		return error_set(e, ERROR_KERNEL, errno, "mount it over the root");
	if (handover_check(OVERLAY_PATH, init, e) == 0)
		return 0;
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", mounted);
	if (umount2(path, MNT_DETACH) != 0)
		console_debug("unmount: %s", strerror(errno));
	return -1;
}

static int serve(const struct service *service, const struct persist_path *persist,
	struct report_persist *noted, struct error *e)
{
	SCOPED_FD mount_point = open_mount_point(service->root, persist, e);
	SCOPED_FD kept =
		mount_point < 0 ? -1 : open_kept(service, mount_point, persist->path, noted, e);
	SCOPED_FD mounted = kept < 0 ? -1 : clone_mount(kept, persist, e);
	return mounted < 0 ? -1 : attach(mounted, mount_point, service->request->init, e);
}

static struct report_persist *note(struct report *report, const char *path, const char *why)
{
	struct report_persist *persist = &report->persist[report->persist_count++];
	*persist = (struct report_persist){.path = path};
	(void)snprintf(persist->why, sizeof persist->why, "%s", why);
	return persist;
}

static void keep_none(const struct stack *stack, struct report *report)
{
	for (size_t i = 0; i < stack->persist_count; i++)
		(void)note(report, stack->persist[i].path,
			"init.conf or the command line asks for it");
}

static void refuse(struct report *report, struct report_persist *persist, const struct error *why)
{
	report_alarm(report, "NOTHING WILL BE KEPT in %s: %s", persist->path, why->text);
	(void)snprintf(persist->why, sizeof persist->why, "%.*s", REPORT_LINE_SIZE - 1, why->text);
	persist->seeded = false;
}

void persist_mount(const struct persist_request *request, struct report *report)
{
	struct error why = {0};
	const struct stack *stack = &request->candidate->stack;
	if (request->keep_nothing || strcmp(request->device, "none") == 0) {
		keep_none(stack, report);
		return;
	}
	SCOPED_FD root = open(OVERLAY_PATH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		(void)error_errno(&why, errno, "open " OVERLAY_PATH);
	SCOPED_FD paths = root < 0 ? -1 : open_paths(request, report, &why);
	const struct service service = {
		.request = request, .report = report, .root = root, .paths = paths};
	for (size_t i = 0; i < stack->persist_count; i++) {
		const struct persist_path *persist = &stack->persist[i];
		struct report_persist *noted = note(report, persist->path, "");
		if (paths < 0 || serve(&service, persist, noted, &why) != 0)
			refuse(report, noted, &why);
		else
			noted->kept = true;
	}
}
