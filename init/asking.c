#include "asking.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "asked.h"
#include "console.h"
#include "files.h"
#include "keep.h"
#include "paths.h"
#include "reset.h"
#include "scope.h"
#include "state_private.h"
#include "patience.h"

static const char file_name[] = "asked";

/* Not on the stack: it is large. There is one at a time. */
static struct asked asked;

/* 1, or 0: nothing is asked for. */
static int read_asked(int home, struct error *e)
{
	SCOPED_FREE char *text = NULL;
	size_t size_bytes;
	struct stat st;
	if (fstatat(home, file_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : error_errno(e, errno, "look at %s", file_name);
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERROR_FORMAT, 0, "%s is no file", file_name);
	if (files_read(home, file_name, ASKED_TEXT_SIZE, &text, &size_bytes, e) != 0)
		return -1;
	return asked_decode(text, size_bytes, &asked, e) == 0 ? 1 : error_wrap(e, "%s", file_name);
}

static int forget_asked(int home, struct error *e)
{
	if (unlinkat(home, file_name, 0) != 0 || fsync(home) != 0)
		return error_errno(e, errno, "remove %s", file_name);
	return 0;
}

/* --- a reset */

/* What a confirmed trial wrote belongs to what is kept, and it must be where that is looked for. */
static int settle_trials(
	int home, const struct upper_request *upper, struct report *report, struct error *e)
{
	if (trials_settle(home, upper, report, e) != 0)
		return -1;
	for (size_t i = 0; upper->record != NULL && i < upper->record->stack_count; i++) {
		const struct record_stack *known = &upper->record->stacks[i];
		int has = known->confirmed ? trials_has(home, &known->text, e) : 0;
		if (has != 0)
			return has < 0 ? -1
				       : error_set(e, ERROR_UPPER, 0,
						 "what %s %llu wrote on trial is confirmed, and "
						 "not merged",
						 known->name, (unsigned long long)known->version);
	}
	return 0;
}

static void say_kept(int upper, const char *path)
{
	struct error ignored;
	struct keep_place place = {.parent_fd = -1};
	if (upper >= 0 && keep_find(upper, path, &place, &ignored) > 0)
		console_say("reset: %s is kept", path);
	else
		console_say("reset: of %s the upper had nothing", path);
	scope_close(&place.parent_fd);
}

static void say_reset(int all_fd, const char *name, const struct reset_kept *kept,
	const struct statvfs *before, struct report *report)
{
	struct statvfs after = *before;
	struct error ignored;
	(void)fstatvfs(all_fd, &after);
	uint64_t inodes = after.f_ffree > before->f_ffree ? after.f_ffree - before->f_ffree : 0;
	uint64_t blocks = after.f_bfree > before->f_bfree ? after.f_bfree - before->f_bfree : 0;
	report_warn(report,
		"%s was reset: %llu name%s of its upper and %u persistent path%s are kept, %llu "
		"inodes and %llu KiB free again",
		name, (unsigned long long)kept->names, kept->names == 1 ? "" : "s", kept->paths,
		kept->paths == 1 ? "" : "s", (unsigned long long)inodes,
		(unsigned long long)(blocks * after.f_frsize / 1024));
	SCOPED_FD home = state_open_dir(all_fd, name, false, &ignored);
	SCOPED_FD upper = home < 0 ? -1 : state_open_dir(home, "upper", false, &ignored);
	for (size_t i = 0; i < asked.count; i++)
		say_kept(upper, asked.paths[i]);
}

static int begin_reset(int all_fd, int home, const struct asking_request *request,
	struct reset_kept *kept, struct report *report, struct error *e)
{
	const struct reset_request reset = {.all_fd = all_fd,
		.name = request->upper->candidate->stack.name,
		.keep = &asked,
		.progress = patience_feed};
	patience_begin("the reset goes on");
	for (size_t i = 0; i < request->conf->keep_count; i++) {
		if (asked_add(&asked, request->conf->keep[i], e) != 0)
			return -1;
	}
	if (asked.count > 0 && settle_trials(home, request->upper, report, e) != 0)
		return -1;
	return reset_home(&reset, kept, e);
}

static void do_reset(
	int all_fd, int home, const struct asking_request *request, struct report *report)
{
	const char *name = request->upper->candidate->stack.name;
	struct statvfs before = {0};
	struct reset_kept kept;
	struct error why;
	(void)fstatvfs(all_fd, &before);
	if (begin_reset(all_fd, home, request, &kept, report, &why) != 0) {
		report_alarm(report, "THE RESET IS NOT DONE, all is as it was: %s", why.text);
		return;
	}
	if (reset_finish(all_fd, name, &why) != 0)
		report_alarm(report, "a reset is not finished, the next boot goes on with it: %s",
			why.text);
	say_reset(all_fd, name, &kept, &before, report);
}

/* --- what is reverted */

/* What a directory above it hides would not show again. */
static int remove_at(int home, int upper, const char *path, struct error *e)
{
	struct keep_place place;
	int result = keep_find(upper, path, &place, e);
	if (result >= 0 && place.hider > 0)
		result = error_set(e, ERROR_PATH, 0, "%.*s hides what the image has there",
			(int)place.hider, path);
	else if (result > 0)
		result = state_drop(home, place.parent_fd, path_base(path), e);
	scope_close(&place.parent_fd);
	return result;
}

static int revert(int home, const char *path, struct error *e)
{
	int there = state_has(home, "upper", e);
	if (there <= 0)
		return there;
	SCOPED_FD upper = state_open_dir(home, "upper", false, e);
	return upper < 0 ? -1 : remove_at(home, upper, path, e);
}

/* What will never be possible is not tried again; all else is, since nothing of it has two ends. */
static void do_reverts(int home, struct report *report)
{
	struct error why;
	bool again = false;
	for (size_t i = 0; i < asked.count; i++) {
		const char *path = asked.paths[i];
		if (revert(home, path, &why) == 0) {
			report_warn(report, "%s is reverted: it is what the image has", path);
			continue;
		}
		report_alarm(report, "%s IS NOT REVERTED: %s", path, why.text);
		again = again || why.code != ERROR_PATH;
	}
	if (!again && forget_asked(home, &why) != 0)
		report_alarm(report, "what was asked for will be done again: %s", why.text);
}

/* Nothing is taken from below an upper that is on trial. */
static void do_reverts_below(int home, const struct upper_request *upper, struct report *report)
{
	struct error why;
	int trial = trials_has(home, &upper->candidate->text, &why);
	if (trial < 0)
		report_alarm(report, "nothing is reverted: %s", why.text);
	else if (trial > 0)
		report_warn(report, "nothing is reverted as long as a trial is on: %s waits",
			asked.paths[0]);
	else
		do_reverts(home, report);
}

/* --- which of them */

static void begin_with(bool reset)
{
	asked.reset = reset;
	asked.count = 0;
}

void asking_carry_out_in(int all_fd, const struct asking_request *request, struct report *report)
{
	const char *name = request->upper->candidate->stack.name;
	struct error why;
	if (reset_finish(all_fd, name, &why) != 0) {
		report_alarm(report, "a reset is not finished, the next boot goes on with it: %s",
			why.text);
		return;
	}
	SCOPED_FD home = state_open_dir(all_fd, name, true, &why);
	int found = home < 0 ? -1 : read_asked(home, &why);
	if (found < 0)
		report_alarm(report, "what was asked for is not done: %s", why.text);
	if (found <= 0 || (request->reset && !asked.reset))
		begin_with(request->reset);
	if (asked.reset && home >= 0)
		do_reset(all_fd, home, request, report);
	else if (found > 0)
		do_reverts_below(home, request->upper, report);
}

static int open_all(const struct upper_request *upper, struct report *report, struct error *e)
{
	const struct stack *stack = &upper->candidate->stack;
	if (upper->keep_nothing || strcmp(upper->device, "none") == 0 ||
		(stack->upper != UPPER_PERSISTENT && stack->persist_count == 0))
		return error_set(e, ERROR_UPPER, 0, "nothing is kept in this boot");
	if (state_mount(upper->device, upper->deadline_us, report, e) != 0)
		return -1;
	SCOPED_FD root = open(STATE_PATH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_errno(e, errno, "open " STATE_PATH);
	return state_open_dir(root, "plyboot", true, e);
}

void asking_carry_out(const struct asking_request *request, struct report *report)
{
	struct error why;
	SCOPED_FD all = open_all(request->upper, report, &why);
	if (all >= 0)
		asking_carry_out_in(all, request, report);
	else if (request->reset)
		report_warn(report, "plyboot.reset does nothing: %s", why.text);
}
