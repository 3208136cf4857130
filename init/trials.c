#include "state_private.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "console.h"
#include "files.h"
#include "merge.h"
#include "paths.h"
#include "scope.h"
#include "store.h"
#include "syscalls.h"
#include "patience.h"

static const char trials[] = "trials", alone_mark[] = "alone", archive[] = "archive";

/* --- the archive */

/* One more than the highest that is there. */
static int next_number(int dir_fd, unsigned long *out, struct error *e)
{
	int again = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = again < 0 ? NULL : fdopendir(again);
	const struct dirent *entry;
	*out = 1;
	if (directory == NULL) {
		scope_close(&again);
		return error_errno(e, errno, "read the archive");
	}
	errno = 0;
	while ((entry = readdir(directory)) != NULL) {
		unsigned long number;
		if (aside_number_parse(entry->d_name, &number) && number >= *out)
			*out = number + 1;
	}
	int failed = errno;
	(void)closedir(directory);
	if (failed != 0)
		return error_errno(e, failed, "read the archive");
	return *out <= ASIDE_NUMBER_MOST
		       ? 0
		       : error_set(e, ERROR_LIMIT, 0, "there is no number left in the archive");
}

/* What lies in archive/new gets its number, if there is an upper in it; otherwise it is nothing. */
int state_finish_archive(int dir_fd, struct error *e)
{
	unsigned long number;
	char name[16];
	int has = state_has(dir_fd, "new", e);
	if (has <= 0)
		return has;
	SCOPED_FD made = state_open_dir(dir_fd, "new", false, e);
	if (made < 0 || (has = state_has(made, "upper", e)) < 0)
		return -1;
	if (has == 0)
		return store_remove(dir_fd, "new", e);
	if (next_number(dir_fd, &number, e) != 0)
		return -1;
	(void)snprintf(name, sizeof name, "%lu", number);
	if (fsync(made) != 0 || sys_rename_noreplace(dir_fd, "new", dir_fd, name) != 0 ||
		fsync(dir_fd) != 0)
		return error_errno(e, errno, "put the upper into the archive");
	return 0;
}

int state_archive(int home, const struct aside_mark *mark, struct error *e)
{
	struct owners owners;
	unsigned long number;
	char text[ASIDE_MARK_SIZE];
	int has = state_has(home, "upper", e);
	if (has <= 0)
		return has;
	SCOPED_FD dir = state_open_dir(home, archive, true, e);
	if (dir < 0 || state_finish_archive(dir, e) != 0 || next_number(dir, &number, e) != 0)
		return -1;
	SCOPED_FD made = state_open_dir(dir, "new", true, e);
	if (made < 0)
		return -1;
	/* Without an owner that can be read it is archived all the same. */
	if (state_read_owners(home, &owners, NULL) == 0 &&
		state_write_owners(made, &owners, e) != 0)
		return -1;
	if (mark != NULL &&
		files_write(made, ASIDE_MARK, text, aside_mark_encode(mark, text), e) != 0)
		return -1;
	if (renameat(home, "upper", made, "upper") != 0 || fsync(home) != 0)
		return error_errno(e, errno, "put the upper into the archive");
	return state_finish_archive(dir, e);
}

/* --- one trial */

static int open_trial(int home, const char *hex, struct error *e)
{
	SCOPED_FD all = state_open_dir(home, trials, false, e);
	return all < 0 ? -1 : state_open_dir(all, hex, false, e);
}

int trials_has(int home, const struct digest *text, struct error *e)
{
	char hex[DIGEST_HEX + 1];
	int has = state_has(home, trials, e);
	if (has <= 0)
		return has;
	digest_format_hex(text, hex);
	SCOPED_FD all = state_open_dir(home, trials, false, e);
	if (all < 0 || (has = state_has(all, hex, e)) <= 0)
		return all < 0 ? -1 : has;
	SCOPED_FD trial = state_open_dir(all, hex, false, e);
	if (trial < 0)
		return -1;
	if ((has = state_has(trial, "upper", e)) <= 0)
		return has; /* 0: it is the base by now */
	SCOPED_FD upper = state_open_dir(trial, "upper", false, e);
	return upper < 0 ? -1 : 1;
}

int trials_is_alone(int home, const struct digest *text, struct error *e)
{
	char hex[DIGEST_HEX + 1];
	digest_format_hex(text, hex);
	SCOPED_FD trial = open_trial(home, hex, e);
	return trial < 0 ? -1 : state_has(trial, alone_mark, e);
}

int trials_drop(int home, const struct digest *text, struct error *e)
{
	char hex[DIGEST_HEX + 1];
	digest_format_hex(text, hex);
	SCOPED_FD all = state_open_dir(home, trials, false, e);
	return all < 0 ? -1 : state_drop(home, all, hex, e);
}

int trials_make(int home, const struct digest *text, int model_fd, bool alone, struct error *e)
{
	char hex[DIGEST_HEX + 1];
	digest_format_hex(text, hex);
	SCOPED_FD all = state_open_dir(home, trials, true, e);
	if (all < 0 || store_remove(all, "new", e) != 0)
		return -1;
	SCOPED_FD made = state_open_dir(all, "new", true, e);
	if (made < 0 || state_make_upper(made, "upper", model_fd, e) != 0)
		return -1;
	if (alone && mkdirat(made, alone_mark, 0700) != 0)
		return error_errno(e, errno, "mark the trial upper");
	if (fsync(made) != 0 || sys_rename_noreplace(all, "new", all, hex) != 0 ||
		fsync(all) != 0 || fsync(home) != 0)
		return error_errno(e, errno, "rename the trial upper");
	return 0;
}

/* --- what becomes of them */

struct settlement {
	int home, all;
	const struct upper_request *request;
	struct report *report;
	bool confirmed; /* the stack that boots is so */
	bool merged;    /* the base is another one now */
	bool blocked;   /* the base is in part what another stack's confirmed trial shows */
	struct error why;
};

/* The whole upper of the trial is the base now, and never without its owner. */
static int become_base(
	const struct settlement *s, int trial, const struct owners *owners, struct error *e)
{
	if (state_write_owners(s->home, owners, e) != 0)
		return -1;
	if (renameat(trial, "upper", s->home, "upper") != 0 || fsync(s->home) != 0 ||
		fsync(trial) != 0)
		return error_errno(e, errno, "make the trial upper the base");
	return 0;
}

static int merge_into_base(const struct settlement *s, int trial, struct error *e)
{
	uint64_t entries = 0;
	SCOPED_FD from = state_open_dir(trial, "upper", false, e);
	SCOPED_FD into = from < 0 ? -1 : state_open_dir(s->home, "upper", false, e);
	SCOPED_FD scratch = into < 0 ? -1 : state_open_dir(s->home, "merging", true, e);
	if (scratch < 0)
		return -1;
	const struct merge_request request = {
		.from_fd = from, .into_fd = into, .scratch_fd = scratch, .progress = patience_feed};
	patience_begin("what a trial wrote is being merged");
	if (merge_uppers(&request, &entries, e) != 0)
		return -1;
	console_debug("state: %llu entr%s merged", (unsigned long long)entries,
		entries == 1 ? "y" : "ies");
	return store_remove(s->home, "merging", e);
}

/* An upper that is not there was made the base before the power went. */
static int merge_trial(
	const struct settlement *s, int trial, const struct owners *owners, struct error *e)
{
	int upper = state_has(trial, "upper", e);
	int alone = upper < 0 ? -1 : state_has(trial, alone_mark, e);
	if (alone < 0 || upper == 0)
		return alone < 0 ? -1 : 0;
	if (alone > 0 && state_archive(s->home, NULL, e) != 0)
		return -1;
	int base = state_has(s->home, "upper", e);
	if (base < 0)
		return -1;
	return base > 0 ? merge_into_base(s, trial, e) : become_base(s, trial, owners, e);
}

/* In this order: only with a new owner is the trial no more needed. */
static int keep_trial(const struct settlement *s, const char *hex, const struct record_stack *known,
	struct error *e)
{
	struct owners owners;
	struct owner owner = {.version = known->version, .text = known->text};
	memcpy(owner.name, known->name, sizeof owner.name);
	SCOPED_FD trial = state_open_dir(s->all, hex, false, e);
	if (trial < 0)
		return -1;
	int alone = state_has(trial, alone_mark, e);
	if (alone < 0)
		return -1;
	/* A fresh upper has no past. */
	if (alone > 0 || state_read_owners(s->home, &owners, NULL) != 0)
		owners.count = 0;
	owners_put_first(&owners, &owner);
	if (merge_trial(s, trial, &owners, e) != 0 || state_write_owners(s->home, &owners, e) != 0)
		return -1;
	return state_drop(s->home, s->all, hex, e);
}

static void settle(struct settlement *s, const char *hex, const struct digest *text)
{
	struct error why;
	const struct record_stack *known = record_find(s->request->record, text);
	if (known != NULL && known->confirmed) {
		const unsigned long long version = known->version;
		if (keep_trial(s, hex, known, &why) != 0) {
			if (!digest_equal(text, &s->request->candidate->text)) {
				s->blocked = true;
				s->why = why;
			}
			report_alarm(s->report,
				"what was kept of the trial of %s %llu"
				" can't be merged, and stays as it is: %s",
				known->name, version, why.text);
		} else {
			s->merged = true;
			console_say("the trial of %s %llu is over: its changes are kept",
				known->name, version);
		}
	}
}

/* Made over a base that is no more, or of a stack that a confirmed one took the place of. */
static void drop_stale(struct settlement *s, const char *hex, const struct digest *text)
{
	struct error why;
	const struct record_stack *known = record_find(s->request->record, text);
	if (known != NULL && known->confirmed)
		return;
	if (s->merged || (s->confirmed && !digest_equal(text, &s->request->candidate->text))) {
		if (state_drop(s->home, s->all, hex, &why) != 0)
			report_warn(
				s->report, "a trial that failed can't be removed: %s", why.text);
		else
			console_say("a trial that was never confirmed (%.12s) is dropped", hex);
	}
}

static int settle_all(struct settlement *s, struct error *e)
{
	struct path_list names = {0};
	int has = state_has(s->home, trials, e);
	if (has <= 0)
		return has;
	SCOPED_FD all = state_open_dir(s->home, trials, false, e);
	if (all < 0 || store_remove(all, "new", e) != 0)
		return -1;
	s->all = all;
	/* The names first: what is read is changed below. Others than ours are left alone. */
	int result = files_list(all, &names, e);
	for (size_t i = 0; result == 0 && i < names.count; i++) {
		struct digest text;
		const char *name = names.items[i].path;
		if (digest_parse_hex(name, strlen(name), &text))
			settle(s, name, &text);
	}
	for (size_t i = 0; result == 0 && i < names.count; i++) {
		struct digest text;
		(void)digest_parse_hex(names.items[i].path, DIGEST_HEX, &text);
		drop_stale(s, names.items[i].path, &text);
	}
	path_list_free(&names);
	return result;
}

/* Of what was cut: only ever what nothing else names. */
static int clean_up(int home, struct error *e)
{
	static const char *const leftovers[] = {"dropped", "merging", "upper.new"};
	for (size_t i = 0; i < sizeof leftovers / sizeof leftovers[0]; i++) {
		if (store_remove(home, leftovers[i], e) != 0)
			return -1;
	}
	int has = state_has(home, archive, e);
	if (has <= 0)
		return has;
	SCOPED_FD dir = state_open_dir(home, archive, false, e);
	return dir < 0 ? -1 : state_finish_archive(dir, e);
}

int trials_settle(
	int home, const struct upper_request *request, struct report *report, struct error *e)
{
	struct error why;
	if (clean_up(home, &why) != 0)
		report_warn(report, "state: what was left half done stays there: %s", why.text);
	if (request->record == NULL)
		return 0;
	const struct record_stack *known = record_find(request->record, &request->candidate->text);
	struct settlement settlement = {.home = home,
		.request = request,
		.report = report,
		.confirmed = known != NULL && known->confirmed};
	if (settle_all(&settlement, &why) != 0)
		report_warn(report, "state: the trials can't be looked at: %s", why.text);
	if (!settlement.blocked)
		return 0;
	*e = settlement.why;
	return error_wrap(e, "the upper is in part that of a newer stack, which can't be merged");
}
