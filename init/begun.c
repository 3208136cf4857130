#include "begun.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"
#include "scope.h"
#include "state_private.h"
#include "store.h"
#include "syscalls.h"

/* Behind a name of up to STACK_PERSIST_SIZE - 1 bytes there is room for four. */
static const char note_end[] = "%by";
enum { AWAY_MOST = 99, BESIDE_SIZE = STACK_PERSIST_SIZE + 4 };

static void name_note(const struct begun *begun, char out[BESIDE_SIZE])
{
	(void)snprintf(out, BESIDE_SIZE, "%s%s", begun->name, note_end);
}

/* --- on trial */

static bool has_confirmed(const struct record *record, const char *name)
{
	for (uint32_t i = 0; i < record->stack_count; i++) {
		if (record->stacks[i].confirmed && strcmp(record->stacks[i].name, name) == 0)
			return true;
	}
	return false;
}

/* A trial is one against something that was there before. Where nobody ever confirms, the first
 * stack is not on trial for ever, and what it keeps is there for the next. */
static bool is_trial(const struct begun *begun)
{
	if (begun->record == NULL)
		return false;
	const struct record_stack *known = record_find(begun->record, &begun->candidate->text);
	if (known != NULL && known->confirmed)
		return false;
	return begun->trial_upper || has_confirmed(begun->record, begun->candidate->stack.name);
}

/* --- the note */

/* 1, or 0 when there is none. ERROR_FORMAT: it is none of ours. */
static int read_note(const struct begun *begun, struct digest *out, struct error *e)
{
	char note[BESIDE_SIZE];
	struct stat st;
	SCOPED_FREE char *text = NULL;
	size_t size_bytes;
	name_note(begun, note);
	if (fstatat(begun->paths_fd, note, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : error_errno(e, errno, "look at paths/%s", note);
	if (!S_ISREG(st.st_mode) || st.st_size != DIGEST_HEX)
		return error_set(
			e, ERROR_FORMAT, 0, "paths/%s is no file of %d bytes", note, DIGEST_HEX);
	if (files_read(begun->paths_fd, note, DIGEST_HEX, &text, &size_bytes, e) != 0)
		return error_wrap(e, "paths");
	if (!digest_parse_hex(text, size_bytes, out))
		return error_set(e, ERROR_FORMAT, 0, "paths/%s holds no digest", note);
	return 1;
}

static int write_note(const struct begun *begun, const char *note, struct error *e)
{
	char hex[DIGEST_HEX + 1];
	digest_format_hex(&begun->candidate->text, hex);
	SCOPED_FD fd = openat(
		begun->paths_fd, note, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || files_write_all(fd, hex, DIGEST_HEX) != 0 || fsync(fd) != 0)
		return error_errno(e, errno, "write paths/%s", note);
	return 0;
}

/* What is there is of a path that is not: whatever it is, it must not tell of the next one. Half a
 * note is left by a power cut, but no path with it. */
static int note_beginning(const struct begun *begun, struct error *e)
{
	char note[BESIDE_SIZE];
	name_note(begun, note);
	if (store_remove(begun->paths_fd, note, e) != 0 ||
		(is_trial(begun) && write_note(begun, note, e) != 0))
		return -1;
	if (fsync(begun->paths_fd) != 0)
		return error_errno(e, errno, "flush paths");
	return 0;
}

void begun_give_up(const struct begun *begun)
{
	char note[BESIDE_SIZE];
	name_note(begun, note);
	if (state_has(begun->paths_fd, begun->name, NULL) == 0)
		(void)store_remove(begun->paths_fd, note, NULL);
}

/* --- the path */

/* What is there stays noted until it goes, so that the next boot tries again. */
static void become_own(const struct begun *begun, struct report *report)
{
	char note[BESIDE_SIZE];
	name_note(begun, note);
	if (unlinkat(begun->paths_fd, note, 0) != 0 || fsync(begun->paths_fd) != 0)
		report_warn(report, "state: paths/%s can't be removed: %s", note, strerror(errno));
}

/* The note stays beside nothing, where it means nothing. */
static int put_away(
	const struct begun *begun, const struct digest *who, struct report *report, struct error *e)
{
	char away[BESIDE_SIZE], hex[DIGEST_HEX + 1];
	int result = -1;
	errno = EEXIST;
	for (unsigned i = 1; i <= AWAY_MOST && result != 0 && errno == EEXIST; i++) {
		(void)snprintf(away, sizeof away, "%s%%x%u", begun->name, i);
		result = sys_rename_noreplace(begun->paths_fd, begun->name, begun->paths_fd, away);
	}
	if (result != 0 && errno == EEXIST)
		return error_set(e, ERROR_LIMIT, 0,
			"what %d trials that are over wrote there is put away already: remove "
			"some of it",
			AWAY_MOST);
	if (result != 0 || fsync(begun->paths_fd) != 0)
		return error_errno(e, errno, "put away what a trial that is over wrote");
	digest_format_hex(who, hex);
	report_warn(report,
		"what a trial that is over (%.12s) wrote is in %s/plyboot/%s/paths/%s now, and %s "
		"is begun anew",
		hex, STATE_PATH, begun->candidate->stack.name, away, begun->path);
	return 0;
}

/* 1: it is for this stack; 0: it is out of the way. A note that is none of ours says nothing of a
 * trial: what the device keeps must not vanish over a byte that went bad, and whoever can write the
 * one can write the other. */
static int judge(const struct begun *begun, struct report *report, struct error *e)
{
	struct digest who;
	if (begun->record == NULL)
		return 1;
	int has = read_note(begun, &who, e);
	if (has < 0 && e->code == ERROR_FORMAT) {
		report_warn(report, "%s is served as it is; who began it is not known: %s",
			begun->path, e->text);
		return 1;
	}
	if (has <= 0)
		return has < 0 ? -1 : 1;
	const struct record_stack *known = record_find(begun->record, &who);
	if (known != NULL && known->confirmed) {
		become_own(begun, report);
		return 1;
	}
	if (digest_equal(&who, &begun->candidate->text))
		return 1;
	return put_away(begun, &who, report, e);
}

int begun_settle(const struct begun *begun, struct report *report, struct error *e)
{
	int has = state_has(begun->paths_fd, begun->name, e);
	if (has > 0)
		has = judge(begun, report, e);
	return has != 0 ? has : note_beginning(begun, e);
}
