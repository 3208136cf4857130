#include "accounts.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { PASSWD_FIELDS = 7, GROUP_FIELDS = 4 };

struct part {
	const char *text; /* no NUL behind it */
	size_t length;
};

static bool same(struct part a, struct part b)
{
	return a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
}

static bool is_number(struct part part)
{
	for (size_t i = 0; i < part.length; i++) {
		if (part.text[i] < '0' || part.text[i] > '9')
			return false;
	}
	return part.length > 0;
}

/* An id of Linux: 0 .. 2^32-2, the one above means "none". */
static bool parse_id(struct part part, uint32_t *out)
{
	uint64_t value = 0;
	if (!is_number(part))
		return false;
	for (size_t i = 0; i < part.length; i++) {
		value = value * 10 + (uint64_t)(part.text[i] - '0');
		if (value >= UINT32_MAX)
			return false;
	}
	*out = (uint32_t)value;
	return true;
}

/* The fields of the line at `*text`, which is moved behind it. False when there are not as many. */
static bool next_line(const char **text, struct part *fields, size_t count)
{
	const char *at = *text, *end = at + strcspn(at, "\n");
	size_t found = 0;
	*text = *end == '\n' ? end + 1 : end;
	for (;; at++) {
		size_t length = strcspn(at, ":\n");
		if (found < count)
			fields[found] = (struct part){at, length};
		found++;
		at += length;
		if (at == end)
			return found == count;
	}
}

/* --- users */

static int set_home(struct part home, struct identity *out, struct error *e)
{
	if (home.length == 0 || home.text[0] != '/')
		home = (struct part){"/", 1};
	if (home.length >= sizeof out->home)
		return error_set(e, ERROR_LIMIT, 0,
			"/etc/passwd gives uid %u a home directory of %zu bytes", out->uid,
			home.length);
	memcpy(out->home, home.text, home.length);
	out->home[home.length] = '\0';
	return 0;
}

/* `*name` becomes that of the user, "" for a UID without an entry. */
static int find_user(const char *passwd, struct part wanted, struct part *name,
	struct identity *out, struct error *e)
{
	uint32_t wanted_uid = 0;
	bool by_number = is_number(wanted);
	if (by_number && !parse_id(wanted, &wanted_uid))
		return error_set(e, ERROR_CONFIG, 0, "the user %.*s is over 4294967294",
			(int)wanted.length, wanted.text);
	while (*passwd != '\0') {
		struct part fields[PASSWD_FIELDS];
		uint32_t uid, gid;
		if (!next_line(&passwd, fields, PASSWD_FIELDS) || !parse_id(fields[2], &uid) ||
			!parse_id(fields[3], &gid))
			continue;
		if (by_number ? uid != wanted_uid : !same(fields[0], wanted))
			continue;
		out->uid = uid;
		out->gid = gid;
		*name = fields[0];
		return set_home(fields[5], out, e);
	}
	if (!by_number)
		return error_set(e, ERROR_CONFIG, 0, "the user `%.*s` is not in /etc/passwd",
			(int)wanted.length, wanted.text);
	out->uid = wanted_uid;
	out->gid = 0;
	*name = (struct part){"", 0};
	return set_home((struct part){"/", 1}, out, e);
}

/* --- groups */

static bool lists(struct part members, struct part name)
{
	const char *end = members.text + members.length;
	for (const char *at = members.text; at <= end; at++) {
		size_t length = strcspn(at, ",:\n");
		if (same((struct part){at, length}, name))
			return true;
		at += length;
	}
	return false;
}

static int find_group(const char *group, struct part wanted, struct identity *out, struct error *e)
{
	uint32_t gid;
	if (is_number(wanted)) {
		if (!parse_id(wanted, &out->gid))
			return error_set(e, ERROR_CONFIG, 0, "the group %.*s is over 4294967294",
				(int)wanted.length, wanted.text);
		return 0;
	}
	while (*group != '\0') {
		struct part fields[GROUP_FIELDS];
		if (next_line(&group, fields, GROUP_FIELDS) && parse_id(fields[2], &gid) &&
			same(fields[0], wanted)) {
			out->gid = gid;
			return 0;
		}
	}
	return error_set(e, ERROR_CONFIG, 0, "the group `%.*s` is not in /etc/group",
		(int)wanted.length, wanted.text);
}

static int add_groups_of(const char *group, struct part name, struct identity *out, struct error *e)
{
	while (*group != '\0' && name.length > 0) {
		struct part fields[GROUP_FIELDS];
		uint32_t gid;
		if (!next_line(&group, fields, GROUP_FIELDS) || !parse_id(fields[2], &gid) ||
			!lists(fields[3], name))
			continue;
		if (out->group_count == ACCOUNTS_MAX_GROUPS)
			return error_set(e, ERROR_LIMIT, 0,
				"/etc/group has `%.*s` in more than %d groups", (int)name.length,
				name.text, (int)ACCOUNTS_MAX_GROUPS);
		out->groups[out->group_count++] = gid;
	}
	return 0;
}

int accounts_resolve(const char *user, const char *passwd, const char *group, struct identity *out,
	struct error *e)
{
	static struct identity found;
	struct part name = {"", 0}, wanted = {user, strcspn(user, ":")};
	const char *colon = user + wanted.length;
	found = (struct identity){.group_count = 1};
	if (find_user(passwd, wanted, &name, &found, e) != 0)
		return -1;
	int result = *colon == ':' ? find_group(group, (struct part){colon + 1, strlen(colon + 1)},
					     &found, e)
				   : add_groups_of(group, name, &found, e);
	if (result != 0)
		return -1;
	/* As initgroups(3) has it: what is closed to the group stays so when a program changes its
	 * own. */
	found.groups[0] = found.gid;
	*out = found;
	return 0;
}
