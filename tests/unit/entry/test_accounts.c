/* init/entry/accounts.c: as whom a program runs, as the OCI image specification has it. */
#include <stdlib.h>

#include "errors.h"
#include "init/entry/accounts.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "broken:x:1\n"
			     "negative:x:-1:0::/:\n"
			     "odd:x:7:x::/:\n"
			     "more:x:9:9::/:/bin/sh:x\n"
			     "\n"
			     "app:x:500:600:An app:/home/app:/bin/false\n"
			     "app:x:501:601:a second one:/elsewhere:/bin/false\n"
			     "500:x:502:602:its name is a number:/home/500:\n"
			     "poor:x:503:603:::\n"
			     "astray:x:504:603::home:\n"
			     "last:x:4294967294:1::/:"; /* without its line feed */
static const char group[] = "root:x:0:\n"
			    "app:x:600:\n"
			    "audio:x:601:other,app\n"
			    "broken:x\n"
			    "odd:x:x:app\n"
			    "video:x:602:app\n"
			    "prefix:x:603:apps,ap,\n"
			    "spare:x:604:other\n"
			    "last:x:605:last,app";

static struct identity who;

static int resolve(const char *user, struct error *e)
{
	*e = (struct error){.code = ERROR_NONE};
	return accounts_resolve(user, passwd, group, &who, e);
}

static void is(const char *user, uid_t uid, gid_t gid, const char *home, const char *groups)
{
	struct error e;
	char text[256] = "";
	if (!ok(resolve(user, &e) == 0, "`%s`", user)) {
		printf("# %s\n", e.text);
		return;
	}
	is_int(who.uid, uid, "... its uid");
	is_int(who.gid, gid, "... its gid");
	is_str(who.home, home, "... its home");
	for (size_t i = 0; i < who.group_count; i++) {
		size_t used = strlen(text);
		(void)snprintf(
			text + used, sizeof text - used, "%s%u", i > 0 ? "," : "", who.groups[i]);
	}
	is_str(text, groups, "... its groups");
}

static void refuses(const char *user, enum error_code code)
{
	struct error e;
	memset(&who, UNTOUCHED, sizeof who);
	error_is(resolve(user, &e), &e, code, "`%s`", user);
	ok(is_untouched(&who, sizeof who), "... nothing is written");
}

static void test_users(void)
{
	is("root", 0, 0, "/root", "0");
	is("0", 0, 0, "/root", "0");
	is("app", 500, 600, "/home/app", "600,601,602,605");
	is("500", 500, 600, "/home/app", "600,601,602,605");
	is("502", 502, 602, "/home/500", "602");
	is("1234", 1234, 0, "/", "0");
	is("poor", 503, 603, "/", "603");
	is("astray", 504, 603, "/", "603");
	is("last", 4294967294, 1, "/", "1,605");
	is("4294967294", 4294967294, 1, "/", "1,605");
	is("007", 7, 0, "/", "0");
	static const char *const unknown[] = {"nobody", "broken", "negative", "odd", "more", "ap",
		"apps", "-1", "4294967295", "99999999999999999999999"};
	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
		refuses(unknown[i], ERROR_CONFIG);
}

static void test_groups(void)
{
	is("app:spare", 500, 604, "/home/app", "604");
	is("app:0", 500, 0, "/home/app", "0");
	is("app:77", 500, 77, "/home/app", "77");
	is("1234:audio", 1234, 601, "/", "601");
	is("1234:5678", 1234, 5678, "/", "5678");
	is("root:last", 0, 605, "/root", "605");
	refuses("app:nobody", ERROR_CONFIG);
	refuses("app:broken", ERROR_CONFIG);
	refuses("app:odd", ERROR_CONFIG);
	refuses("app:4294967295", ERROR_CONFIG);
	refuses("nobody:spare", ERROR_CONFIG);
}

static void test_no_files(void)
{
	struct error e;
	is_int(accounts_resolve("0", "", "", &who, &e), 0, "without the files: a number");
	ok(who.uid == 0 && who.gid == 0 && strcmp(who.home, "/") == 0, "... with group 0 and /");
	error_is(accounts_resolve("root", "", "", &who, &e), &e, ERROR_CONFIG, "... but no name");
}

static void test_limits(void)
{
	struct error e;
	enum { LINE = 16 };
	static char groups[(ACCOUNTS_MAX_GROUPS + 1) * LINE], users[ACCOUNTS_HOME_SIZE + 64];
	for (size_t i = 0; i < ACCOUNTS_MAX_GROUPS - 1; i++)
		(void)sprintf(groups + strlen(groups), "g:x:%zu:a\n", 1000 + i);
	is_int(accounts_resolve("a", "a:x:1:1::/:", groups, &who, &e), 0,
		"as many groups as may be");
	is_int((long long)who.group_count, ACCOUNTS_MAX_GROUPS, "... are there");
	(void)strcat(groups, "g:x:9:a");
	error_is(accounts_resolve("a", "a:x:1:1::/:", groups, &who, &e), &e, ERROR_LIMIT,
		"one more");
	is_int(accounts_resolve("a:g", "a:x:1:1::/:", groups, &who, &e), 0, "not asked for");

	(void)sprintf(users, "a:x:1:1::/%0*d:", ACCOUNTS_HOME_SIZE - 2, 0);
	is_int(accounts_resolve("a", users, "", &who, &e), 0, "as long a home as may be");
	(void)sprintf(users, "a:x:1:1::/%0*d:", ACCOUNTS_HOME_SIZE - 1, 0);
	error_is(accounts_resolve("a", users, "", &who, &e), &e, ERROR_LIMIT, "one more");
}

int main(void)
{
	test_users();
	test_groups();
	test_no_files();
	test_limits();
	return done();
}
