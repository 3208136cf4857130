#include "state_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "console.h"
#include "devices.h"
#include "files.h"
#include "partition.h"
#include "scope.h"
#include "spare.h"
#include "store.h"
#include "syscalls.h"
#include "upper.h"

static const char made_for[] = "made-for";

int state_mount(const char *name, uint64_t deadline_us, struct report *report, struct error *e)
{
	static bool mounted;
	char device[DEVICES_PATH_SIZE];
	if (mounted)
		return 0;
	if (devices_find(name, deadline_us, device, e) != 0)
		return -1;
	memcpy(report->device[INITCONF_STATE], device, sizeof device);
	if (mkdir(STATE_PATH, 0700) != 0 && errno != EEXIST)
		return error_errno(e, errno, "make " STATE_PATH);
	if (partition_mount(device, STATE_PATH, e) != 0)
		return -1;
	mounted = true;
	return 0;
}

/* --- directories and files there */

int state_open_dir(int parent_fd, const char *name, bool make, struct error *e)
{
	if (make && mkdirat(parent_fd, name, 0700) != 0 && errno != EEXIST)
		return error_errno(e, errno, "make %s on the state partition", name);
	int fd = sys_openat2(
		parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, SYS_RESOLVE_STRICT);
	if (fd < 0)
		return error_errno(e, errno, "open %s on the state partition", name);
	return fd;
}

int state_has(int dir_fd, const char *name, struct error *e)
{
	struct stat st;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	if (errno == ENOENT)
		return 0;
	return error_errno(e, errno, "look at %s on the state partition", name);
}

int state_read_owners(int home, struct owners *out, struct error *e)
{
	SCOPED_FREE char *text = NULL;
	size_t size_bytes;
	struct stat st;
	*out = (struct owners){.count = 0};
	if (fstatat(home, made_for, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return error_errno(e, errno, "look at %s", made_for);
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERROR_FORMAT, 0, "%s is no file", made_for);
	if (files_read(home, made_for, OWNERS_TEXT_SIZE, &text, &size_bytes, e) != 0)
		return -1;
	return owners_decode(text, size_bytes, out, e) == 0 ? 0 : error_wrap(e, "%s", made_for);
}

int state_write_owners(int home, const struct owners *owners, struct error *e)
{
	char text[OWNERS_TEXT_SIZE];
	return files_write(home, made_for, text, owners_encode(owners, text), e);
}

int state_make_upper(int dir_fd, const char *name, int model_fd, struct error *e)
{
	SCOPED_FD upper = state_open_dir(dir_fd, name, true, e);
	if (upper < 0 || store_copy_metadata(model_fd, upper, e) != 0)
		return -1;
	return fsync(upper) == 0 ? 0 : error_errno(e, errno, "fsync %s", name);
}

int state_drop(int home, int dir_fd, const char *name, struct error *e)
{
	if (store_remove(home, "dropped", e) != 0)
		return -1;
	if (renameat(dir_fd, name, home, "dropped") != 0 && errno != ENOENT)
		return error_errno(e, errno, "put %s away", name);
	if (fsync(home) != 0 || fsync(dir_fd) != 0)
		return error_errno(e, errno, "put %s away", name);
	return store_remove(home, "dropped", e);
}

/* <state>/plyboot/<stack name> */
int state_open_home(const char *name, struct error *e)
{
	SCOPED_FD root = open(STATE_PATH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_errno(e, errno, "open " STATE_PATH);
	SCOPED_FD all = state_open_dir(root, "plyboot", true, e);
	if (all < 0)
		return -1;
	return state_open_dir(all, name, true, e);
}

/* --- whose the base is */

static struct owner owner_of(const struct candidate *candidate)
{
	struct owner owner = {.version = candidate->stack.version, .text = candidate->text};
	memcpy(owner.name, candidate->stack.name, sizeof owner.name);
	return owner;
}

/* A full disk is no reason to boot without the changes that are on it. */
static void own(
	int home, struct owners *owners, const struct upper_request *request, struct report *report)
{
	struct error why;
	struct owner owner = owner_of(request->candidate);
	owners_put_first(owners, &owner);
	if (state_write_owners(home, owners, &why) != 0)
		report_warn(report,
			"state: the stack that the upper is made for can't be noted: %s", why.text);
}

static void read_owners(int home, struct owners *out, struct report *report)
{
	struct error why;
	if (state_read_owners(home, out, &why) != 0 && why.code != ERROR_MISSING)
		report_warn(
			report, "state: what the upper was made for can't be read: %s", why.text);
}

/* --- the upper of a boot */

/* Complete before it gets its name: a power cut in between leaves none. */
static int make_base(
	int home, const struct upper_request *request, struct report *report, struct error *e)
{
	struct owners owners = {.count = 0};
	if (store_remove(home, "upper.new", e) != 0 ||
		state_make_upper(home, "upper.new", request->model_fd, e) != 0)
		return -1;
	own(home, &owners, request, report);
	if (renameat(home, "upper.new", home, "upper") != 0 || fsync(home) != 0)
		return error_errno(e, errno, "rename the new upper");
	return 0;
}

static void describe(const struct owners *owners, char out[OWNERS_LINE_SIZE])
{
	const struct owner *owner = &owners->list[0];
	if (owners->count == 0)
		(void)snprintf(out, OWNERS_LINE_SIZE, "nobody knows whom");
	else
		(void)snprintf(out, OWNERS_LINE_SIZE, "%s %llu", owner->name,
			(unsigned long long)owner->version);
}

/* The base is another stack's. Either that one can't come back to find it as it was, for this one
 * is confirmed; or it could, and then it is not touched. */
static int take_over(int home, const struct upper_request *request, struct owners *owners,
	bool trial, struct report *report, struct error *e)
{
	const struct stack *stack = &request->candidate->stack;
	bool fresh = stack->upper_change == UPPER_CHANGE_FRESH;
	const unsigned long long version = stack->version;
	char whose[OWNERS_LINE_SIZE];
	describe(owners, whose);
	if (stack->upper_change == UPPER_CHANGE_REFUSE)
		return error_set(e, ERROR_UPPER, 0,
			"the upper on the state partition is that of %s, and %s %llu"
			" refuses any but its own",
			whose, stack->name, version);
	if (trial) {
		SCOPED_FD base = state_open_dir(home, "upper", false, e);
		if (base < 0)
			return -1;
		return trials_make(home, &request->candidate->text,
			fresh ? request->model_fd : base, fresh, e);
	}
	if (fresh) {
		report_warn(report,
			"the upper of %s is in the archive now: %s %llu"
			" begins with a fresh one",
			whose, stack->name, version);
		return state_archive(home, e) == 0 ? make_base(home, request, report, e) : -1;
	}
	report_warn(report, "the upper was made for %s; it is kept for %s %llu", whose, stack->name,
		version);
	own(home, owners, request, report);
	return 0;
}

/* After this, there is a trial upper of this stack, or a base that is its own. */
static int have_upper(
	int home, const struct upper_request *request, struct report *report, struct error *e)
{
	const struct record_stack *known =
		request->record != NULL ? record_find(request->record, &request->candidate->text)
					: NULL;
	bool trial = request->record != NULL && (known == NULL || !known->confirmed);
	struct owners owners;
	int has = trials_has(home, &request->candidate->text, e);
	if (has != 0)
		return has < 0 ? -1 : 0;
	has = state_has(home, "upper", e);
	if (has <= 0)
		return has < 0 ? -1 : make_base(home, request, report, e);
	read_owners(home, &owners, report);
	if (owners_is(&owners, &request->candidate->text))
		return 0;
	return take_over(home, request, &owners, trial, report, e);
}

static int check_dir(int home, const char *name, bool make, struct error *e)
{
	SCOPED_FD fd = state_open_dir(home, name, make, e);
	return fd < 0 ? -1 : 0;
}

static int name_dirs(
	int home, const struct upper_request *request, struct upper_dirs *out, struct error *e)
{
	const char *name = request->candidate->stack.name;
	char hex[DIGEST_HEX + 1];
	int trial = trials_has(home, &request->candidate->text, e);
	int alone = trial > 0 ? trials_is_alone(home, &request->candidate->text, e) : 0;
	int base = state_has(home, "upper", e);
	if (trial < 0 || alone < 0 || base < 0)
		return -1;
	if ((base > 0 && check_dir(home, "upper", false, e) != 0) ||
		check_dir(home, "work", true, e) != 0)
		return -1;
	digest_format_hex(&request->candidate->text, hex);
	out->kind = UPPER_PERSISTENT;
	out->trial = trial > 0;
	(void)snprintf(out->work, sizeof out->work, STATE_PATH "/plyboot/%s/work", name);
	if (!out->trial) {
		(void)snprintf(out->upper, sizeof out->upper, STATE_PATH "/plyboot/%s/upper", name);
		return 0;
	}
	(void)snprintf(
		out->upper, sizeof out->upper, STATE_PATH "/plyboot/%s/trials/%s/upper", name, hex);
	if (base > 0 && alone == 0)
		(void)snprintf(out->base, sizeof out->base, STATE_PATH "/plyboot/%s/upper", name);
	return 0;
}

int state_name_room(struct error *e)
{
	struct statvfs fs;
	if ((e->code != ERROR_NOSPACE && e->sys_errno != ENOSPC) || statvfs(STATE_PATH, &fs) != 0)
		return -1;
	return error_wrap(e, "the state partition has %llu KiB and %llu inodes free",
		(unsigned long long)(fs.f_bavail * fs.f_frsize / 1024),
		(unsigned long long)fs.f_favail);
}

int state_prepare(const struct upper_request *request, struct report *report,
	struct upper_dirs *out, struct error *e)
{
	if (state_mount(request->device, request->deadline_us, report, e) != 0)
		return -1;
	SCOPED_FD home = state_open_home(request->candidate->stack.name, e);
	if (home < 0)
		return state_name_room(e);
	trials_settle(home, request, report);
	if (have_upper(home, request, report, e) != 0 || name_dirs(home, request, out, e) != 0)
		return state_name_room(e);
	(void)spare_keep(home, NULL); /* where there is no room for it, that is no news */
	return 0;
}
