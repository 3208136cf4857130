#include "overlay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "files.h"
#include "overlay_check.h"
#include "partition.h"
#include "scope.h"
#include "store.h"
#include "store_mount.h"
#include "syscalls.h"

/* mount(2) copies one page of options, and cuts what is longer without a word. */
enum { MOUNT_OPTIONS_SIZE = 4096, MOUNTINFO_MAX_BYTES = 1024 * 1024 };

#define LOWER_PATH "/run/plyboot/lower"

/* Before 6.5 overlayfs takes any string by fsconfig, and complains of it on the console afterwards:
 * don't try. From 6.5 to 6.7 it refuses `lowerdir+` with EINVAL. */
static bool kernel_may_have_lowerdir_plus(void)
{
	struct utsname name;
	char *end;
	if (uname(&name) != 0)
		return false;
	long major = strtol(name.release, &end, 10);
	long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
	return major > 6 || (major == 6 && minor >= 5);
}

/* Lower number `index`, top first: where it is. */
static void lower_path(const struct overlay_request *request, size_t index, const char *store,
	char out[OVERLAY_NAME_SIZE])
{
	char id[DIGEST_HEX + 1];
	if (request->base != NULL && index-- == 0) {
		(void)snprintf(out, OVERLAY_NAME_SIZE, "%s", request->base);
		return;
	}
	if (index == 0) {
		(void)snprintf(out, OVERLAY_NAME_SIZE, "%s/%s", store, request->synthetic);
		return;
	}
	digest_format_hex(&request->ids[request->count - index], id);
	(void)snprintf(out, OVERLAY_NAME_SIZE, "%s/%s/root", store, id);
}

static int no_overlayfs(int sys_errno, struct error *e)
{
	return error_set(e, ERROR_KERNEL, sys_errno,
		"the kernel has no overlayfs (CONFIG_OVERLAY_FS=y, or its module in init.conf)");
}

/* --- fsopen, fsconfig, fsmount */

static int configure(int fs, const struct overlay_request *request, struct overlay_shown *shown)
{
	for (size_t i = 0; i < shown->lower_count; i++) {
		lower_path(request, i, STORE_MOUNT_PATH, shown->lowers[i]);
		if (sys_fsconfig_string(fs, "lowerdir+", shown->lowers[i]) != 0)
			return -1;
	}
	if (request->upper != NULL &&
		(sys_fsconfig_string(fs, "upperdir", request->upper) != 0 ||
			sys_fsconfig_string(fs, "workdir", request->work) != 0))
		return -1;
	for (size_t i = 0; i < OVERLAY_OPTIONS; i++) {
		if (sys_fsconfig_string(fs, overlay_options[i].name, overlay_options[i].value) != 0)
			return -1;
	}
	if (request->read_only && sys_fsconfig_flag(fs, "ro") != 0)
		return -1;
	return sys_fsconfig_string(fs, "source", "plyboot") != 0 ? -1 : sys_fsconfig_create(fs);
}

/* `*unknown` is set when this kernel does not know the way. */
static int mount_by_fsconfig(const struct overlay_request *request, struct overlay_shown *shown,
	bool *unknown, struct error *e)
{
	SCOPED_FD fs = sys_fsopen("overlay");
	if (fs < 0) {
		*unknown = errno == ENOSYS;
		return no_overlayfs(errno, e);
	}
	if (configure(fs, request, shown) != 0) {
		*unknown = errno == EINVAL;
		return partition_fs_error(fs, errno, "mount the overlay", e);
	}
	SCOPED_FD mounted = sys_fsmount(fs, 0);
	if (mounted < 0)
		return partition_fs_error(fs, errno, "mount the overlay", e);
	if (sys_move_mount(mounted, AT_FDCWD, OVERLAY_PATH) != 0)
		return error_set(e, ERROR_KERNEL, errno, "attach the overlay at " OVERLAY_PATH);
	return 0;
}

/* --- mount(2), with a directory of short links */

static int make_links(
	const struct overlay_request *request, struct overlay_shown *shown, struct error *e)
{
	SCOPED_FD run = open("/run/plyboot", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (run < 0)
		return error_errno(e, errno, "open /run/plyboot");
	if (store_remove(run, "lower", e) != 0)
		return -1;
	if (mkdirat(run, "lower", 0700) != 0)
		return error_errno(e, errno, "make " LOWER_PATH);
	SCOPED_FD links = openat(run, "lower", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (links < 0)
		return error_errno(e, errno, "open " LOWER_PATH);
	for (size_t i = 0; i < shown->lower_count; i++) {
		char target[OVERLAY_NAME_SIZE];
		lower_path(request, i, "../store", target);
		(void)snprintf(shown->lowers[i], OVERLAY_NAME_SIZE, "%zu", i);
		if (symlinkat(target, links, shown->lowers[i]) != 0)
			return error_errno(e, errno, "make " LOWER_PATH "/%s", shown->lowers[i]);
	}
	return 0;
}

__attribute__((format(printf, 2, 3))) static void append(
	char options[MOUNT_OPTIONS_SIZE], const char *format, ...)
{
	va_list args;
	size_t used = strlen(options);
	va_start(args, format);
	(void)vsnprintf(options + used, MOUNT_OPTIONS_SIZE - used, format, args);
	va_end(args);
}

static void write_options(const struct overlay_shown *shown, char options[MOUNT_OPTIONS_SIZE])
{
	options[0] = '\0';
	for (size_t i = 0; i < shown->lower_count; i++)
		append(options, "%s%s", i == 0 ? "lowerdir=" : ":", shown->lowers[i]);
	if (shown->upper != NULL)
		append(options, ",upperdir=%s,workdir=%s", shown->upper, shown->work);
	for (size_t i = 0; i < OVERLAY_OPTIONS; i++)
		append(options, ",%s=%s", overlay_options[i].name, overlay_options[i].value);
}

static int mount_by_options(
	const struct overlay_request *request, struct overlay_shown *shown, struct error *e)
{
	char options[MOUNT_OPTIONS_SIZE];
	if (make_links(request, shown, e) != 0)
		return -1;
	write_options(shown, options);
	if (strlen(options) >= MOUNT_OPTIONS_SIZE - 1)
		return error_set(e, ERROR_LIMIT, 0,
			"the overlay's options are over %d bytes: this many layers need Linux 6.8",
			MOUNT_OPTIONS_SIZE - 2);
	if (chdir(LOWER_PATH) != 0)
		return error_errno(e, errno, "go to " LOWER_PATH);
	int result = mount(
		"plyboot", OVERLAY_PATH, "overlay", request->read_only ? MS_RDONLY : 0, options);
	int saved = errno;
	if (chdir("/") != 0)
		return error_errno(e, errno, "go to /");
	if (result != 0 && saved == ENODEV)
		return no_overlayfs(saved, e);
	if (result != 0)
		return error_set(e, ERROR_KERNEL, saved,
			"mount the overlay (the kernel's messages say more)");
	return 0;
}

/* --- either, and reading back */

static char read_parameter(void *context, const char *name)
{
	char path[96];
	SCOPED_FREE char *text = NULL;
	size_t size_bytes;
	(void)context;
	(void)snprintf(path, sizeof path, "/sys/module/overlay/parameters/%s", name);
	if (files_read(AT_FDCWD, path, 64, &text, &size_bytes, NULL) != 0)
		return '\0';
	return text[0];
}

static int read_back(const struct overlay_shown *shown, struct error *e)
{
	SCOPED_FREE char *text = NULL;
	size_t size_bytes;
	if (files_read(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX_BYTES, &text, &size_bytes,
		    e) != 0)
		return -1;
	return overlay_check(text, shown, read_parameter, NULL, e);
}

static int mount_either(const struct overlay_request *request, struct overlay_shown *shown,
	const char **method, struct error *e)
{
	bool unknown = true;
	if (kernel_may_have_lowerdir_plus()) {
		unknown = false;
		*method = "lowerdir+";
		if (mount_by_fsconfig(request, shown, &unknown, e) == 0)
			return 0;
	}
	if (!unknown)
		return -1;
	*method = "mount(2)";
	return mount_by_options(request, shown, e);
}

int overlay_mount(const struct overlay_request *request, const char **method, struct error *e)
{
	struct overlay_shown shown = {
		.at = OVERLAY_PATH,
		.lower_count = request->count + 1 + (request->base != NULL),
		.upper = request->upper,
		.work = request->work,
		.read_only = request->read_only,
	};
	const char *way;
	SCOPED_FREE void *lowers = calloc(shown.lower_count, OVERLAY_NAME_SIZE);
	shown.lowers = lowers;
	if (lowers == NULL)
		return error_errno(e, ENOMEM, "memory for the overlay's lowers");
	if (mkdir(OVERLAY_PATH, 0755) != 0 && errno != EEXIST)
		return error_errno(e, errno, "make " OVERLAY_PATH);
	if (mount_either(request, &shown, &way, e) != 0)
		return -1;
	if (read_back(&shown, e) != 0) {
		overlay_unmount();
		return -1;
	}
	*method = way;
	return 0;
}

void overlay_unmount(void)
{
	(void)umount2(OVERLAY_PATH, MNT_DETACH); /* not mounted is as good */
}
