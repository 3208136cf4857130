#include "device_room.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "../layers/choose.h"
#include "../layers/scope.h"
#include "interrupt.h"

struct victims {
	size_t count;
	struct {
		char file_name[STACK_FILE_NAME_SIZE];
		const char *why;
	} list[LIMIT_STACK_FILES];
};

struct plan {
	const struct booted *booted;
	struct layout *layers;
	struct named *named;
	struct record_io record;
	struct device_stacks stacks;
	bool stays[LIMIT_STACK_FILES]; /* of stacks.found */
	struct victims victims;
	uint64_t free_bytes; /* once all that is planned has gone */
};

static void add_victim(struct plan *plan, const char *file_name, const char *why)
{
	char name[STACK_FILE_NAME_SIZE];
	size_t at = plan->victims.count++;
	(void)snprintf(plan->victims.list[at].file_name, STACK_FILE_NAME_SIZE, "%s", file_name);
	plan->victims.list[at].why = why;
	(void)snprintf(name, sizeof name, "%s", file_name);
	char *suffix = strstr(name, ".stack");
	if (suffix != NULL)
		*suffix = '\0';
	plan->free_bytes += named_drop(plan->named, name, false);
}

/* --- how much room there is */

/* What a sweep will take in any case. */
static int count_unnamed(struct plan *plan, struct error *e)
{
	SCOPED_FD fd = layout_open_directory(plan->layers, "blobs/sha256", e);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	if (dir == NULL)
		return fd < 0 ? -1 : error_errno(e, errno, "list blobs/sha256/");
	(void)scope_take_fd(&fd);
	while ((entry = readdir(dir)) != NULL) {
		struct digest digest;
		struct stat st;
		if (digest_parse_hex(entry->d_name, strlen(entry->d_name), &digest) &&
			!named_by_any(plan->named, &digest) &&
			fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			plan->free_bytes += (uint64_t)st.st_size;
	}
	(void)closedir(dir);
	return 0;
}

static int count_room(struct plan *plan, struct error *e)
{
	struct statvfs room;
	if (fstatvfs(plan->layers->fd, &room) != 0)
		return error_errno(e, errno, "the room on %s", plan->layers->path);
	plan->free_bytes = (uint64_t)room.f_bavail * room.f_frsize;
	return count_unnamed(plan, e);
}

/* --- which ones go */

static void mark_those_that_stay(struct plan *plan)
{
	const struct candidates *found = &plan->stacks.found;
	const struct record *record = &plan->record.record;
	int next = choose_next(found, record, plan->record.writable), confirmed = CHOOSE_NONE;
	for (size_t i = 0; i < found->count; i++) {
		const struct candidate *candidate = &found->list[i];
		const struct record_stack *known = record_find(record, &candidate->text);
		plan->stays[i] =
			plan->booted->runs && digest_equal(&candidate->text, &plan->booted->text);
		if (known != NULL && known->confirmed &&
			(confirmed == CHOOSE_NONE ||
				candidate->stack.version > found->list[confirmed].stack.version))
			confirmed = (int)i;
	}
	if (next != CHOOSE_NONE)
		plan->stays[next] = true;
	if (confirmed != CHOOSE_NONE)
		plan->stays[confirmed] = true;
}

static bool is_worn_out(const struct plan *plan, const struct candidate *candidate)
{
	const struct record_stack *known = record_find(&plan->record.record, &candidate->text);
	return known != NULL && !known->confirmed && known->tries_left == 0;
}

/* CHOOSE_NONE: all others stay. */
static int next_victim(const struct plan *plan)
{
	const struct candidates *found = &plan->stacks.found;
	int victim = CHOOSE_NONE;
	for (size_t i = 0; i < found->count; i++) {
		if (plan->stays[i])
			continue;
		bool worn_out = is_worn_out(plan, &found->list[i]);
		bool than = victim != CHOOSE_NONE && is_worn_out(plan, &found->list[victim]);
		if (victim == CHOOSE_NONE || (worn_out && !than) ||
			(worn_out == than &&
				found->list[i].stack.version < found->list[victim].stack.version))
			victim = (int)i;
	}
	return victim;
}

static int plan_room(struct plan *plan, uint64_t room_bytes, struct error *e)
{
	while (plan->free_bytes < room_bytes) {
		int victim = next_victim(plan);
		if (victim == CHOOSE_NONE)
			return error_set(e, ERROR_NOSPACE, 0,
				"%" PRIu64 " bytes are wanted on %s, and %" PRIu64
				" would be free: what runs, the newest confirmed stack and the one "
				"that boots next stay; nothing was removed",
				room_bytes, plan->layers->path, plan->free_bytes);
		plan->stays[victim] = true; /* looked at */
		add_victim(plan, plan->stacks.found.list[victim].file_name, "to make room");
	}
	return 0;
}

static int plan_all(struct plan *plan, uint64_t room_bytes, struct error *e)
{
	const struct candidate_policy policy = booted_policy(plan->booted, &plan->record.record);
	if (device_find_stacks(plan->layers, &policy, &plan->stacks, e) != 0 ||
		count_room(plan, e) != 0)
		return -1;
	mark_those_that_stay(plan);
	for (size_t i = 0; i < plan->stacks.refused_count; i++) {
		if (plan->stacks.refused[i].why.code == ERROR_ROLLBACK)
			add_victim(plan, plan->stacks.refused[i].file_name, "below the floor");
	}
	return plan_room(plan, room_bytes, e);
}

/* --- and then they do */

static int remove_victims(const struct plan *plan, bool dry_run, struct error *e)
{
	SCOPED_FD stacks = layout_open_directory(plan->layers, "stacks", e);
	if (stacks < 0)
		return -1;
	for (size_t i = 0; i < plan->victims.count; i++) {
		const char *name = plan->victims.list[i].file_name;
		if (interrupt_check(e) != 0)
			return -1;
		if (!dry_run && unlinkat(stacks, name, 0) != 0)
			return error_errno(e, errno, "remove stacks/%s", name);
		printf("%s %s: %s\n", dry_run ? "would remove" : "removed", name,
			plan->victims.list[i].why);
	}
	/* Before any of their blobs: a power cut must leave no stack without its layers. */
	if (!dry_run && plan->victims.count > 0 && fsync(stacks) != 0)
		return error_errno(e, errno, "flush stacks/");
	return 0;
}

int device_remove_stacks(const struct booted *booted, struct layout *layers, uint64_t room_bytes,
	bool dry_run, struct named *named, struct error *e)
{
	static struct plan plan;
	plan = (struct plan){.booted = booted, .layers = layers, .named = named};
	(void)device_read_record(booted, &plan.record);
	int result = plan_all(&plan, room_bytes, e);
	if (result == 0)
		result = remove_victims(&plan, dry_run, e);
	candidates_free(&plan.stacks.found);
	return result;
}
