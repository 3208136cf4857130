#include "aside.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "console.h"
#include "files.h"
#include "scope.h"
#include "spare.h"
#include "state_private.h"
#include "syscalls.h"

/* Numbers in the archive; 0: none is so. */
struct archive {
	int dir_fd;            /* -1: there is none */
	unsigned long marked;  /* the last upper that was taken away */
	unsigned long earlier; /* the one before it: it is there while the two change places */
	unsigned long asked;   /* somebody wants this one */
	unsigned long emptied; /* it has become the base, and was not removed */
};

/* What one boot is about. */
struct turn {
	int home;
	const struct upper_request *request;
	bool owned; /* the base was this stack's before this boot, too */
	struct report *report;
	struct archive archive;
	const struct record_stack *known; /* NULL: no record is kept */
	uint32_t boots; /* of this stack since it was confirmed last, without this one */
};

/* --- the archive */

/* Nothing of ours, which does not keep us from what is. */
static bool is_no_directory(const struct error *e)
{
	return e->sys_errno == ENOTDIR || e->sys_errno == ELOOP;
}

static int open_number(int dir_fd, unsigned long number, struct error *e)
{
	char name[16];
	(void)snprintf(name, sizeof name, "%lu", number);
	return state_open_dir(dir_fd, name, false, e);
}

static int look_at(struct archive *archive, unsigned long number, struct error *e)
{
	struct error why = {.code = ERROR_NONE};
	SCOPED_FD fd = open_number(archive->dir_fd, number, &why);
	if (fd < 0 && is_no_directory(&why))
		return 0;
	if (fd < 0) {
		*e = why;
		return -1;
	}
	int upper = state_has(fd, "upper", e);
	int mark = upper < 0 ? -1 : state_has(fd, ASIDE_MARK, e);
	int request = mark < 0 ? -1 : state_has(fd, ASIDE_REQUEST, e);
	if (request < 0)
		return -1;
	if (upper == 0 && mark + request > 0)
		archive->emptied = number;
	if (upper == 0)
		return 0;
	if (request > 0 && number > archive->asked)
		archive->asked = number;
	if (mark > 0 && number > archive->marked) {
		archive->earlier = archive->marked;
		archive->marked = number;
	} else if (mark > 0 && number > archive->earlier) {
		archive->earlier = number;
	}
	return 0;
}

static int look_at_all(struct archive *archive, struct error *e)
{
	int again = openat(archive->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = again < 0 ? NULL : fdopendir(again);
	const struct dirent *entry;
	int result = 0;
	if (directory == NULL) {
		scope_close(&again);
		return error_errno(e, errno, "read the archive");
	}
	while (result == 0) {
		unsigned long number;
		errno = 0;
		if ((entry = readdir(directory)) == NULL)
			break;
		if (aside_number_parse(entry->d_name, &number))
			result = look_at(archive, number, e);
	}
	/* One that was not seen would be left behind for good. */
	if (result == 0 && errno != 0)
		result = error_errno(e, errno, "read the archive");
	(void)closedir(directory);
	return result;
}

/* One that was on its way there has its number first. The caller closes `dir_fd`. */
static int look(int home, struct archive *out, struct error *e)
{
	struct error why = {.code = ERROR_NONE};
	*out = (struct archive){.dir_fd = state_open_dir(home, "archive", false, &why)};
	if (out->dir_fd >= 0)
		return state_finish_archive(out->dir_fd, e) == 0 ? look_at_all(out, e) : -1;
	if (why.sys_errno == ENOENT || is_no_directory(&why))
		return 0;
	*e = why;
	return -1;
}

static int unmark(const struct archive *archive, unsigned long number, struct error *e)
{
	SCOPED_FD fd = open_number(archive->dir_fd, number, e);
	if (fd < 0)
		return -1;
	if (unlinkat(fd, ASIDE_MARK, 0) != 0 || fsync(fd) != 0)
		return error_errno(e, errno, "remove the mark of number %lu", number);
	return 0;
}

static int read_mark(const struct archive *archive, unsigned long number, struct aside_mark *out,
	struct error *e)
{
	SCOPED_FREE char *text = NULL;
	size_t size_bytes;
	struct stat st;
	SCOPED_FD fd = open_number(archive->dir_fd, number, e);
	if (fd < 0)
		return -1;
	if (fstatat(fd, ASIDE_MARK, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return error_errno(e, errno, "look at the mark of number %lu", number);
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERROR_FORMAT, 0, "the mark of number %lu is no file", number);
	if (files_read(fd, ASIDE_MARK, ASIDE_MARK_SIZE, &text, &size_bytes, e) != 0 ||
		aside_mark_decode(text, size_bytes, out, e) != 0)
		return error_wrap(e, "the mark of number %lu", number);
	return 0;
}

/* --- one upper takes the place of another */

/* There is no base now. Its owner is written first: as long as the upper is in the archive, all of
 * this is done again. */
static int bring_in(int home, const struct archive *archive, unsigned long number,
	const struct upper_request *request, struct report *report, struct error *e)
{
	struct owners owners;
	char name[16];
	(void)snprintf(name, sizeof name, "%lu", number);
	SCOPED_FD from = open_number(archive->dir_fd, number, e);
	if (from < 0)
		return -1;
	if (state_read_owners(from, &owners, NULL) != 0)
		owners.count = 0;
	state_own(home, &owners, request, report);
	if (sys_rename_noreplace(from, "upper", home, "upper") != 0 || fsync(home) != 0 ||
		fsync(from) != 0)
		return error_errno(e, errno, "make number %lu of the archive the upper", number);
	(void)state_drop(home, archive->dir_fd, name, NULL); /* or else at the next turn */
	return 0;
}

int aside_resume(
	int home, const struct upper_request *request, struct report *report, struct error *e)
{
	struct archive archive;
	int has = state_has(home, "upper", e);
	if (has != 0)
		return has < 0 ? -1 : 0;
	int result = look(home, &archive, e);
	SCOPED_FD dir = archive.dir_fd;
	unsigned long number = archive.asked != 0 ? archive.asked : archive.earlier;
	if (result != 0 || number == 0)
		return result;
	if (bring_in(home, &archive, number, request, report, e) != 0)
		return error_wrap(e, "number %lu of the archive can't come back", number);
	return 0;
}

/* The base goes to the archive, and `number` comes in its place; 0: a fresh one. Only renaming is
 * left when the base is not there any more. */
static int exchange(
	const struct turn *self, unsigned long number, enum aside_why why, struct error *e)
{
	const struct aside_mark mark = {.boots = self->boots, .why = why};
	const struct upper_request *request = self->request;
	if (number == 0 && state_begin_base(self->home, request->model_fd, e) != 0)
		return -1;
	if (state_archive(self->home, self->known != NULL ? &mark : NULL, e) != 0)
		return -1;
	return number == 0 ? state_finish_base(self->home, request, self->report, e)
			   : bring_in(self->home, &self->archive, number, request, self->report, e);
}

/* --- whose turn it is */

/* Of the archive as it is now. */
static void note(struct turn *self)
{
	struct aside_mark mark = {.why = ASIDE_UNCONFIRMED};
	struct error ignored;
	struct archive *archive = &self->archive;
	scope_close(&archive->dir_fd);
	if (look(self->home, archive, &ignored) != 0 || archive->marked == 0)
		return;
	(void)read_mark(archive, archive->marked, &mark, NULL);
	self->report->aside = archive->marked;
	self->report->aside_why = aside_why_name(mark.why);
}

/* Where there is no room, the little that is kept for such times makes some. */
static int exchange_with_spare(struct turn *self, unsigned long number, struct error *e)
{
	int result = exchange(self, number, ASIDE_UNCONFIRMED, e);
	if (result != 0 && e->code == ERROR_NOSPACE && spare_give(self->home, NULL) == 0)
		result = exchange(self, number, ASIDE_UNCONFIRMED, e);
	return result;
}

/* Is the base still there, after something failed? */
static bool has_base(const struct turn *self)
{
	return state_has(self->home, "upper", NULL) > 0;
}

static int set_aside(struct turn *self, struct error *e)
{
	const struct stack *stack = &self->request->candidate->stack;
	const unsigned long long version = stack->version, boots = self->boots;
	const char *plural = boots == 1 ? "" : "s";
	unsigned long other = self->archive.marked;
	if (exchange_with_spare(self, other, e) != 0) {
		/* By turns here as well, as far as that goes: this upper, and none. */
		if (self->boots / self->request->upper_tries % 2 == 0 && has_base(self)) {
			report_alarm(self->report,
				"the upper can't be set aside, and is used as it is: %s", e->text);
			return 0;
		}
		return error_wrap(e,
			"%llu boot%s of %s %llu without a confirm, and its upper can't be set "
			"aside",
			boots, plural, stack->name, version);
	}
	note(self);
	unsigned long number = self->report->aside;
	if (other == 0)
		report_alarm(self->report,
			"THE UPPER IS SET ASIDE: %llu boot%s of %s %llu without a confirm; it is "
			"number %lu"
			" of the archive, and a fresh one in its place: plyboot upper restore %lu"
			" brings it back",
			boots, plural, stack->name, version, number, number);
	else
		report_alarm(self->report,
			"AN UPPER THAT WAS SET ASIDE IS BACK: %llu boot%s of %s %llu without a "
			"confirm, and another one did not help; that is number %lu of the archive",
			boots, plural, stack->name, version, number);
	return 0;
}

/* What somebody asked for. */
static int restore(struct turn *self, struct error *e)
{
	unsigned long number = self->archive.asked;
	if (exchange(self, number, ASIDE_ASKED, e) != 0) {
		if (!has_base(self))
			return error_wrap(
				e, "number %lu of the archive is to be the upper", number);
		report_alarm(self->report,
			"number %lu of the archive can't be made the upper, as was asked: %s",
			number, e->text);
		return 0;
	}
	console_say("number %lu of the archive is the upper, as was asked", number);
	note(self);
	return 0;
}

/* Confirmed without it: it comes back only if it is asked for. */
static void settle(struct turn *self)
{
	struct error why;
	unsigned long number = self->archive.marked;
	if (unmark(&self->archive, number, &why) != 0)
		report_warn(self->report, "state: the archive stays as it is: %s", why.text);
	else
		console_say("number %lu of the archive is not set aside any more, but stays there",
			number);
}

static int judge(struct turn *self, struct error *e)
{
	struct aside_mark mark = {.boots = 0};
	struct error why;
	unsigned tries = self->request->upper_tries;
	unsigned long number = self->archive.marked;
	if (number != 0 && read_mark(&self->archive, number, &mark, &why) != 0) {
		report_warn(self->report, "state: how long an upper is set aside is not known: %s",
			why.text);
		if (why.code != ERROR_FORMAT && why.code != ERROR_LIMIT)
			return 0; /* it may be known next time */
	}
	if (number != 0 && (self->boots == 0 || self->boots < mark.boots)) {
		settle(self);
		return 0;
	}
	if (self->known->reconfirmed && tries > 0 && self->boots - mark.boots >= tries)
		return set_aside(self, e);
	if (number != 0)
		report_warn(self->report,
			"an upper is set aside as number %lu of the archive:"
			" plyboot upper restore %lu brings it back",
			number, number);
	return 0;
}

/* What is left over from an exchange that was cut. */
static int tidy(const struct turn *self, struct error *e)
{
	char name[16];
	const struct archive *archive = &self->archive;
	(void)snprintf(name, sizeof name, "%lu", archive->emptied);
	if (archive->emptied != 0 && state_drop(self->home, archive->dir_fd, name, e) != 0)
		return -1;
	return archive->earlier != 0 ? unmark(archive, archive->earlier, e) : 0;
}

/* Only under its owner, which is confirmed; and never below an upper that waits to be merged. */
static bool may_change(const struct turn *self)
{
	struct owners owners;
	const struct digest *text = &self->request->candidate->text;
	return (self->known != NULL ? self->known->confirmed : self->request->record == NULL) &&
	       trials_has(self->home, text, NULL) == 0 &&
	       state_read_owners(self->home, &owners, NULL) == 0 && owners_is(&owners, text);
}

static int take(struct turn *self, struct error *e)
{
	struct error why;
	if (tidy(self, &why) != 0)
		report_warn(self->report, "state: the archive stays as it is: %s", why.text);
	bool may = may_change(self);
	if (self->archive.asked != 0 && may)
		return restore(self, e);
	if (self->archive.asked != 0)
		console_say(
			"number %lu of the archive becomes the upper when a confirmed stack boots",
			self->archive.asked);
	if (!may || !self->owned || self->known == NULL || !self->request->counted)
		return 0;
	return judge(self, e);
}

int aside_turn(int home, const struct upper_request *request, bool owned, struct report *report,
	struct error *e)
{
	struct error why;
	const struct record *record = request->record;
	struct turn self = {.home = home,
		.request = request,
		.owned = owned,
		.report = report,
		.known = record != NULL ? record_find(record, &request->candidate->text) : NULL};
	if (self.known != NULL && self.known->boots_unconfirmed > 0)
		self.boots = self.known->boots_unconfirmed - 1;
	int result = look(home, &self.archive, &why);
	if (result != 0) {
		report_warn(report, "state: the archive can't be looked at: %s", why.text);
		result = 0;
	} else {
		result = take(&self, e);
		note(&self);
	}
	scope_close(&self.archive.dir_fd);
	return result;
}
