#include "upper.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "devices.h"
#include "files.h"
#include "partition.h"
#include "scope.h"
#include "store.h"
#include "syscalls.h"

#define STATE_PATH "/run/plyboot/state"

enum { MADE_FOR_MAX_BYTES = 512 };
static const char made_for[] = "made-for";

static int mount_state(const struct upper_request *request, struct report *report, struct error *e)
{
	static bool mounted;
	char device[DEVICES_PATH_SIZE];
	if (mounted)
		return 0;
	if (devices_find(request->device, request->deadline_us, device, e) != 0)
		return -1;
	memcpy(report->device[INITCONF_STATE], device, sizeof device);
	if (mkdir(STATE_PATH, 0700) != 0 && errno != EEXIST)
		return error_errno(e, errno, "make " STATE_PATH);
	if (partition_mount(device, STATE_PATH, e) != 0)
		return -1;
	mounted = true;
	return 0;
}

/* A directory that is one, not a link to one; made where it is missing. */
static int open_dir(int parent_fd, const char *name, bool make, struct error *e)
{
	if (make && mkdirat(parent_fd, name, 0700) != 0 && errno != EEXIST)
		return error_errno(e, errno, "make %s on the state partition", name);
	int fd = sys_openat2(
		parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, SYS_RESOLVE_STRICT);
	if (fd < 0)
		return error_errno(e, errno, "open %s on the state partition", name);
	return fd;
}

/* <state>/plyboot/<stack name> */
static int open_home(const char *name, struct error *e)
{
	SCOPED_FD root = open(STATE_PATH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_errno(e, errno, "open " STATE_PATH);
	SCOPED_FD all = open_dir(root, "plyboot", true, e);
	if (all < 0)
		return -1;
	return open_dir(all, name, true, e);
}

static void describe(const struct candidate *candidate, char out[MADE_FOR_MAX_BYTES])
{
	char digest[DIGEST_TEXT_SIZE];
	digest_format(&candidate->text, digest);
	(void)snprintf(out, MADE_FOR_MAX_BYTES, "%s %llu %s\n", candidate->stack.name,
		(unsigned long long)candidate->stack.version, digest);
}

/* Complete before it gets its name: a power cut in between leaves none. */
static int make_upper(int home, const struct upper_request *request, struct error *e)
{
	char text[MADE_FOR_MAX_BYTES];
	if (store_remove(home, "upper.new", e) != 0)
		return -1;
	SCOPED_FD upper = open_dir(home, "upper.new", true, e);
	if (upper < 0 || store_copy_metadata(request->model_fd, upper, e) != 0)
		return -1;
	if (fsync(upper) != 0)
		return error_errno(e, errno, "fsync the new upper");
	describe(request->candidate, text);
	if (files_write(home, made_for, text, strlen(text), e) != 0)
		return -1;
	if (renameat(home, "upper.new", home, "upper") != 0 || fsync(home) != 0)
		return error_errno(e, errno, "rename the new upper");
	return 0;
}

/* A full disk is no reason to boot without the changes that are on it. */
static void remember_made_for(int home, const char *text, struct report *report)
{
	struct error why;
	if (files_write(home, made_for, text, strlen(text), &why) != 0)
		report_warn(report,
			"state: the stack that the upper is made for can't be noted: %s", why.text);
}

/* The upper is kept whatever it was made for; that it is another's is said at every boot. */
static void check_made_for(int home, const struct upper_request *request, struct report *report)
{
	char now[MADE_FOR_MAX_BYTES];
	SCOPED_FREE char *then = NULL;
	size_t size_bytes;
	struct stat st = {0};
	struct error why = {.text = "it is no file"};
	describe(request->candidate, now);
	if (fstatat(home, made_for, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
		remember_made_for(home, now, report);
	else if (!S_ISREG(st.st_mode) ||
		 files_read(home, made_for, MADE_FOR_MAX_BYTES, &then, &size_bytes, &why) != 0)
		report_warn(
			report, "state: what the upper was made for can't be read: %s", why.text);
	else if (strcmp(then, now) != 0)
		report_warn(report, "the upper was made for %.*s; it is kept for %.*s",
			(int)strcspn(then, "\n"), then, (int)strcspn(now, "\n"), now);
}

static int prepare_home(
	int home, const struct upper_request *request, struct report *report, struct error *e)
{
	struct stat st;
	if (fstatat(home, "upper", &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			return error_errno(e, errno, "look at upper on the state partition");
		if (make_upper(home, request, e) != 0)
			return -1;
	} else {
		check_made_for(home, request, report);
	}
	SCOPED_FD upper = open_dir(home, "upper", false, e);
	if (upper < 0)
		return -1;
	SCOPED_FD work = open_dir(home, "work", true, e);
	return work < 0 ? -1 : 0;
}

int state_prepare(const struct upper_request *request, struct report *report,
	struct upper_dirs *out, struct error *e)
{
	const char *name = request->candidate->stack.name;
	if (mount_state(request, report, e) != 0)
		return -1;
	SCOPED_FD home = open_home(name, e);
	if (home < 0 || prepare_home(home, request, report, e) != 0)
		return -1;
	out->kind = UPPER_PERSISTENT;
	(void)snprintf(out->upper, sizeof out->upper, STATE_PATH "/plyboot/%s/upper", name);
	(void)snprintf(out->work, sizeof out->work, STATE_PATH "/plyboot/%s/work", name);
	return 0;
}
