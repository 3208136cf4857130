/* init.conf: what it takes, and each thing that it refuses, with its line. */
#include "initconf.h"
#include "tap.h"

#include <stdlib.h>

#define KEY_ID "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int parse(const char *text, struct initconf *out, struct error *e)
{
	*e = (struct error){0};
	return initconf_parse(text, strlen(text), out, e);
}

static void test_nothing_gives_the_defaults(void)
{
	struct initconf conf;
	struct error e;
	is_int(parse("", &conf, &e), 0, "an empty file is fine");
	is_str(conf.device[INITCONF_LAYERS], "PARTLABEL=plyboot-layers", "default layers");
	is_str(conf.device[INITCONF_STATE], "PARTLABEL=plyboot-state", "default state");
	is_str(conf.device[INITCONF_RECORD], "PARTLABEL=plyboot-record", "default record");
	is_int(conf.device_how[INITCONF_LAYERS], INITCONF_ABSENT, "and nothing is fixed");
	is_str(conf.stack, NULL, "any stack");
	is_int(conf.wait_s, 30, "30 s");
	is_int(conf.log, INITCONF_LOG_NORMAL, "normal log");
	is_int(conf.progress, INITCONF_PROGRESS_AUTO, "progress as the console allows");
	is_int(conf.signatures, 1, "one signature");
	is_int(conf.tries, 3, "three tries");
	is_int(conf.upper_tries, 5, "five boots for an upper");
	ok(conf.watchdog_s == 60 && !conf.watchdog_demanded, "a watchdog, if there is one");
	is_int(conf.fsck_s, 600, "a check of ten minutes");
	is_int((long long)conf.floor, 0, "no floor");
	is_int(conf.on_failure, ON_FAILURE_HALT, "halt");
	ok(!conf.allow_init && !conf.allow_reset && !conf.upper_volatile && conf.shell == NULL,
		"nothing is allowed");
	ok(!conf.jail_whole, "nor demanded");
	initconf_free(&conf);
}

static void test_every_key(void)
{
	struct initconf conf;
	struct error e;
	int result = parse("# a comment\n"
			   "\n"
			   "layers LABEL=a b\n"
			   "default state UUID=01234567-89ab-cdef-0123-456789abcdef\n"
			   "record none\n"
			   "  stack demo  \n"
			   "upper volatile\n"
			   "default wait 5\n"
			   "log\tdebug\n"
			   "progress lines\n"
			   "floor 7\n"
			   "signatures 2\n"
			   "tries 99\n"
			   "upper-tries 99\n"
			   "watchdog 86400\n"
			   "fsck 86400\n"
			   "revoked " KEY_ID "\n"
			   "module /lib/modules/6.1/a.ko\n"
			   "module /lib/modules/6.1/b.ko.xz  x=1 y=2\n"
			   "jail whole\n"
			   "allow-init yes\n"
			   "allow-reset yes\n"
			   "keep /etc/machine-id\n"
			   "keep /srv/a name\n"
			   "shell /bin/sh\n"
			   "on-failure shell",
		&conf, &e);
	if (!is_int(result, 0, "all keys, the last line without its newline"))
		printf("# %s\n", e.text);
	is_str(conf.device[INITCONF_LAYERS], "LABEL=a b", "a label with a blank");
	is_int(conf.device_how[INITCONF_LAYERS], INITCONF_FIXED, "is fixed");
	is_int(conf.device_how[INITCONF_STATE], INITCONF_DEFAULT, "a default is not");
	is_str(conf.device[INITCONF_RECORD], "none", "no record");
	is_str(conf.stack, "demo", "blanks around are dropped");
	ok(conf.upper_volatile && conf.allow_init && conf.jail_whole, "flags");
	is_int(conf.wait_s, 5, "wait");
	is_int(conf.wait_how, INITCONF_DEFAULT, "as a default");
	is_int(conf.log, INITCONF_LOG_DEBUG, "a tab separates as well");
	is_int(conf.progress, INITCONF_PROGRESS_LINES, "progress");
	is_int((long long)conf.floor, 7, "floor");
	is_int(conf.signatures, 2, "signatures");
	is_int(conf.tries, 99, "tries");
	is_int(conf.upper_tries, 99, "boots for an upper");
	ok(conf.watchdog_s == 86400 && conf.watchdog_demanded, "a watchdog that should be there");
	is_int(conf.fsck_s, 86400, "a long check");
	is_int((long long)conf.revoked_count, 1, "revoked");
	is_int(conf.revoked[0].bytes[1], 0x23, "its bytes");
	is_int((long long)conf.module_count, 2, "modules in order");
	is_str(conf.modules[0].path, "/lib/modules/6.1/a.ko", "the first");
	is_str(conf.modules[0].parameters, "", "without parameters");
	is_str(conf.modules[1].path, "/lib/modules/6.1/b.ko.xz", "the second");
	is_str(conf.modules[1].parameters, "x=1 y=2", "with them");
	ok(conf.allow_reset && conf.keep_count == 2, "what stays in a reset");
	is_str(conf.keep[1], "/srv/a name", "a path with a blank");
	is_str(conf.shell, "/bin/sh", "shell");
	is_int(conf.on_failure, ON_FAILURE_SHELL, "on-failure");
	initconf_free(&conf);
}

static void refuses(const char *text, const char *says)
{
	static const struct initconf untouched = {.wait_s = 99};
	struct initconf conf = untouched;
	struct error e;
	ok(parse(text, &conf, &e) == -1 && e.code == ERROR_CONFIG, "refused: %s", says);
	ok(strstr(e.text, says) != NULL, "and the message has that");
	if (strstr(e.text, says) == NULL)
		printf("# %s\n", e.text);
	ok(memcmp(&conf, &untouched, sizeof conf) == 0, "and nothing was written");
}

static void test_no_watchdog(void)
{
	struct initconf conf;
	struct error e;
	is_int(parse("watchdog none\n", &conf, &e), 0, "no watchdog");
	ok(conf.watchdog_s == 0 && !conf.watchdog_demanded, "... is left alone");
	initconf_free(&conf);
}

static void test_no_fsck(void)
{
	struct initconf conf;
	struct error e;
	is_int(parse("fsck none\n", &conf, &e), 0, "no check");
	is_int(conf.fsck_s, 0, "... is none");
	initconf_free(&conf);
}

static void test_refusals(void)
{
	refuses("\n#\nnonsense 1\n", "line 3: unknown key `nonsense`");
	refuses("wait 1\nwait 2\n", "line 2: `wait` a second time");
	refuses("wait 1\ndefault wait 2\n", "line 2: `wait` a second time");
	refuses("default upper volatile\n", "`upper` has no default");
	refuses("default module /lib/modules/a.ko\n", "`module` has no default");
	refuses("default shell /bin/sh\n", "`shell` has no default");
	refuses("default\n", "unknown key ``");
	refuses("wait\n", "`wait` without a value");
	refuses("wait 3601\n", "`wait` can't be `3601`");
	refuses("wait 03\n", "`wait` can't be `03`");
	refuses("wait -1\n", "`wait` can't be `-1`");
	refuses("wait 1 s\n", "`wait` can't be `1 s`");
	refuses("wait 18446744073709551616\n", "`wait` can't be");
	refuses("layers none\n", "`layers` can't be `none`");
	refuses("layers vda1\n", "`layers` can't be `vda1`");
	refuses("layers /dev/../etc/shadow\n", "`layers` can't be");
	refuses("layers LABEL=\n", "`layers` can't be");
	refuses("layers LABEL=12345678901234567\n", "`layers` can't be");
	refuses("layers UUID=xyz\n", "`layers` can't be");
	refuses("stack Demo\n", "`stack` can't be");
	refuses("stack .demo\n", "`stack` can't be");
	refuses("upper persistent\n", "`upper` can't be");
	refuses("log loud\n", "`log` can't be");
	refuses("signatures 0\n", "`signatures` can't be");
	refuses("signatures 9\n", "`signatures` can't be");
	refuses("tries 0\n", "`tries` can't be");
	refuses("tries 100\n", "`tries` can't be");
	refuses("upper-tries 0\n", "`upper-tries` can't be");
	refuses("upper-tries 100\n", "`upper-tries` can't be");
	refuses("upper-tries never\n", "`upper-tries` can't be");
	refuses("default upper-tries 2\n", "`upper-tries` has no default");
	refuses("watchdog 0\n", "`watchdog` can't be");
	refuses("watchdog 86401\n", "`watchdog` can't be");
	refuses("watchdog off\n", "`watchdog` can't be");
	refuses("progress on\n", "`progress` can't be");
	refuses("progress\n", "`progress` without a value");
	refuses("progress bar\nprogress bar\n", "`progress` a second time");
	refuses("default progress bar\n", "`progress` has no default");
	refuses("fsck 0\n", "`fsck` can't be");
	refuses("fsck 86401\n", "`fsck` can't be");
	refuses("fsck auto\n", "`fsck` can't be");
	refuses("default fsck 5\n", "`fsck` has no default");
	refuses("floor 9223372036854775808\n", "`floor` can't be");
	refuses("revoked sha256:00\n", "`revoked` can't be");
	refuses("module /etc/a.ko\n", "`module` can't be");
	refuses("module /lib/modules/../a.ko\n", "`module` can't be");
	refuses("jail none\n", "`jail` can't be `none`");
	refuses("default jail whole\n", "`jail` has no default");
	refuses("allow-init no\n", "`allow-init` can't be");
	refuses("allow-reset no\n", "`allow-reset` can't be");
	refuses("keep etc\n", "`keep` can't be `etc`");
	refuses("keep /\n", "`keep` can't be `/`");
	refuses("default keep /etc\n", "`keep` has no default");
	char many[INITCONF_MAX_KEEPS * 8 + 9] = "";
	for (int i = 0; i <= INITCONF_MAX_KEEPS; i++)
		memcpy(many + 8 * i, "keep /a\n", 9);
	refuses(many, "`keep` can't be `/a`, or comes too often");
	refuses("shell sh\n", "`shell` can't be");
	refuses("shell /bin//sh\n", "`shell` can't be");
	refuses("on-failure explode\n", "`on-failure` can't be");
	refuses("on-failure shell\n", "needs a line `shell PATH`");
	refuses("wait 1\r\n", "line 1: a control character");
	refuses("wait 1\x7f\n", "line 1: a control character");
}

/* What the command line asks with words of its own. */
static void test_values(void)
{
	static const char digits[] =
		"1234567890123456789012345678901234567890123456789012345678901234";
	char path[258] = "/";
	unsigned seconds = 99;
	memset(path + 1, 'a', 255);
	ok(!initconf_program_valid(path), "a path of 256 bytes is refused");
	path[255] = '\0';
	ok(initconf_program_valid(path), "one of 255 is not");
	ok(!initconf_program_valid("/."), "\".\" is refused");
	ok(!initconf_program_valid("/.."), "\"..\" too");
	ok(!initconf_program_valid("/a/"), "and a slash at the end");
	ok(initconf_program_valid("/a/.b/..c/b."), "names that only begin so are not");
	ok(!initconf_stack_valid(""), "an empty stack name is refused");
	ok(!initconf_stack_valid(digits), "so is one of 64 bytes");
	ok(initconf_stack_valid(digits + 1), "one of 63 is not");
	ok(!initconf_wait_parse("", &seconds) && seconds == 99, "an empty number is refused");
}

static void test_ceilings(void)
{
	struct initconf conf;
	struct error e;
	static char big[INITCONF_MAX_BYTES + 1];
	memset(big, '\n', sizeof big);
	ok(initconf_parse(big, sizeof big, &conf, &e) == -1 && e.code == ERROR_CONFIG,
		"a byte over 64 KiB is refused");
	is_int(initconf_parse(big, sizeof big - 1, &conf, &e), 0, "64 KiB are not");
	initconf_free(&conf);
	ok(initconf_parse("wait\0 1\n", 8, &conf, &e) == -1 && e.code == ERROR_CONFIG,
		"a NUL is refused");

	char text[INITCONF_MAX_MODULES * 32 + 64] = "";
	char *end = text;
	for (int i = 0; i < INITCONF_MAX_MODULES; i++)
		end += sprintf(end, "module /lib/modules/m%d.ko\n", i);
	is_int(parse(text, &conf, &e), 0, "256 modules are fine");
	initconf_free(&conf);
	(void)sprintf(end, "module /lib/modules/more.ko\n");
	is_int(parse(text, &conf, &e), -1, "one more is not");
	ok(strstr(e.text, "line 257: ") != NULL, "at its line");

	char revoked[(LIMIT_KEYS + 1) * sizeof "revoked " KEY_ID "\t \n"] = "";
	for (unsigned i = 0; i < LIMIT_KEYS; i++)
		strcat(revoked, "revoked " KEY_ID "\t \n");
	is_int(parse(revoked, &conf, &e), 0, "16 revoked keys are fine, with blanks behind them");
	initconf_free(&conf);
	strcat(revoked, "revoked " KEY_ID "\n");
	is_int(parse(revoked, &conf, &e), -1, "one more is not");
	ok(strstr(e.text, "line 17: ") != NULL, "at its line");
}

int main(void)
{
	test_nothing_gives_the_defaults();
	test_every_key();
	test_no_watchdog();
	test_no_fsck();
	test_refusals();
	test_values();
	test_ceilings();
	return done();
}
