/* The command line chooses where init.conf fixes nothing, tightens otherwise, and is not followed
 * beyond. */
#include "init/cmdline.h"
#include "tap.h"

static char warnings[4096];
static char text[4096];
static struct initconf conf;
static struct settings got;

static void note(void *context, const char *line)
{
	(void)context;
	size_t used = strlen(warnings);
	(void)snprintf(warnings + used, sizeof warnings - used, "%s\n", line);
}

static void merge(const char *conf_text, const char *line)
{
	struct error e = {0};
	initconf_free(&conf);
	if (initconf_parse(conf_text, strlen(conf_text), &conf, &e) != 0)
		ok(false, "init.conf of this test: %s", e.text);
	warnings[0] = '\0';
	(void)snprintf(text, sizeof text, "%s", line);
	cmdline_merge(&conf, text, note, NULL, &got);
}

static void is_not_followed(const char *conf_text, const char *line, const char *why)
{
	merge(conf_text, line);
	char expected[256];
	(void)snprintf(expected, sizeof expected, "command line: %.*s is not followed: %s\n",
		(int)strcspn(line, "= "), line, why);
	is_str(warnings, expected, "a warning for: %s", line);
}

static void test_choosing(void)
{
	merge("", "BOOT_IMAGE=x root=/dev/vda1 console=ttyS0\n");
	is_str(warnings, "", "the kernel's words are none of ours");
	is_str(got.device[INITCONF_LAYERS], "PARTLABEL=plyboot-layers", "defaults hold");

	merge("default layers LABEL=a\ndefault wait 3\n",
		"plyboot.layers=/dev/vdb plyboot.state=none plyboot.record=LABEL=r "
		"plyboot.stack=demo "
		"plyboot.wait=7 plyboot.log=debug plyboot.upper=volatile ro\n");
	is_str(warnings, "", "all of it is followed");
	is_str(got.device[INITCONF_LAYERS], "/dev/vdb", "layers");
	is_str(got.device[INITCONF_STATE], "none", "state");
	is_str(got.device[INITCONF_RECORD], "LABEL=r", "record");
	is_str(got.stack, "demo", "stack");
	is_int(got.wait_s, 7, "wait");
	is_int(got.log, INITCONF_LOG_DEBUG, "log");
	ok(got.upper_volatile && got.read_only, "upper, ro");
	ok(!got.shell && got.init == NULL, "nothing else");
}

static void test_what_is_fixed_stays(void)
{
	static const char fixed[] =
		"layers LABEL=a\nstate LABEL=s\nrecord LABEL=r\nstack demo\nwait 3\n"
		"log normal\nupper volatile\n";
	is_not_followed(fixed, "plyboot.layers=/dev/vdb", "init.conf fixes it");
	is_str(got.device[INITCONF_LAYERS], "LABEL=a", "layers stay");
	is_not_followed(fixed, "plyboot.state=LABEL=t", "init.conf fixes it");
	is_str(got.device[INITCONF_STATE], "LABEL=s", "state stays");
	is_not_followed(fixed, "plyboot.record=none", "init.conf fixes it");
	is_str(got.device[INITCONF_RECORD], "LABEL=r", "record stays");
	is_not_followed(fixed, "plyboot.stack=other", "init.conf fixes it");
	is_str(got.stack, "demo", "stack stays");
	is_not_followed(fixed, "plyboot.wait=9", "init.conf fixes it");
	is_int(got.wait_s, 3, "wait stays");
	is_not_followed(fixed, "plyboot.log=debug", "init.conf fixes it");
	is_int(got.log, INITCONF_LOG_NORMAL, "log stays");

	merge(fixed, "plyboot.layers=LABEL=a plyboot.stack=demo plyboot.wait=3 plyboot.log=normal "
		     "quiet");
	is_str(warnings, "", "saying the same is no offence");
	is_int(got.log, INITCONF_LOG_NORMAL, "and quiet is the kernel's then");
	merge(fixed, "plyboot.state=none");
	is_str(got.device[INITCONF_STATE], "none", "going without state is tighter, and followed");
}

static void test_what_can_not_be(void)
{
	is_not_followed("", "plyboot.upper=persistent", "only `volatile` can be asked for here");
	is_not_followed("upper volatile\n", "plyboot.upper=", "it has no value");
	ok(got.upper_volatile, "the tighter upper stays");
	is_not_followed("", "plyboot.layers=", "it has no value");
	is_not_followed("", "plyboot.layers", "it has no value");
	is_not_followed("", "plyboot.layers=none", "no such value");
	is_not_followed("", "plyboot.stack=../x", "no such value");
	is_not_followed("", "plyboot.wait=5 plyboot.wait=6", "given more than once");
	is_int(got.wait_s, 30, "neither counts");
	is_not_followed("", "plyboot.wait=1e3", "no such value");
	is_not_followed("", "plyboot.log=loud", "no such value");
	is_not_followed("", "plyboot.nonsense=1", "no such setting");
	is_not_followed("", "plyboot.shell", "this initramfs has no shell");
	ok(!got.shell, "no shell");
	is_not_followed("shell /bin/sh\n", "plyboot.shell=yes", "it takes no value");
	is_not_followed("", "plyboot.reset", "init.conf has no `allow-reset yes`");
	ok(!got.reset, "no reset");
	is_not_followed("allow-reset yes\n", "plyboot.reset=yes", "it takes no value");
	is_not_followed("", "init=/bin/sh", "init.conf has no `allow-init yes`");
	is_str(got.init, NULL, "no other init");
	is_not_followed("allow-init yes\n", "init=bin/sh", "not an absolute path");
	is_not_followed("allow-init yes\n", "init=/a init=/b", "given more than once");
}

static void test_what_is_allowed(void)
{
	merge("shell /bin/sh\nallow-init yes\nallow-reset yes\n",
		"plyboot.shell plyboot.reset init=/bin/other");
	is_str(warnings, "", "allowed");
	ok(got.reset, "reset");
	ok(got.shell, "shell");
	is_str(got.init, "/bin/other", "init");
}

static void test_words(void)
{
	merge("", "quiet plyboot.log=debug");
	is_int(got.log, INITCONF_LOG_DEBUG, "plyboot.log counts for more than quiet");
	merge("", "quiet quiet ro ro");
	is_str(warnings, "", "the kernel's flags may come again");
	is_int(got.log, INITCONF_LOG_QUIET, "quiet");
	merge("", "ro=1");
	ok(!got.read_only, "ro with a value is something else");
	merge("", "x=\"a plyboot.wait=1 b\" plyboot.wait=2");
	is_int(got.wait_s, 2, "quoted words are not words");
	merge("", "plyboot.layers=\"PARTLABEL=a b\" \"plyboot.wait=4\"");
	is_str(got.device[INITCONF_LAYERS], "PARTLABEL=a b", "a quoted value");
	is_int(got.wait_s, 4, "a quoted word");
	merge("", "plyboot.state=LABEL=t");
	is_str(got.device[INITCONF_STATE], "LABEL=t", "another state");
	(void)snprintf(text, sizeof text, "plyboot.nonsense=1 plyboot.wait=6");
	cmdline_merge(&conf, text, NULL, NULL, &got);
	is_int(got.wait_s, 6, "with nobody to warn");
	merge("", "plyboot.wait=1 -- plyboot.wait=2 plyboot.nonsense");
	is_str(warnings, "", "what follows -- is the real init's");
	is_int(got.wait_s, 1, "and the rest counts");
	merge("", "\"plyboot.wait=4");
	is_int(got.wait_s, 4, "a quoted word without its other quote");
	merge("", "plyboot.layers=\"LABEL=a b");
	is_str(got.device[INITCONF_LAYERS], "LABEL=a b", "such a value");
	merge("", "\"");
	merge("", "plyboot.layers=\"");
	is_str(got.device[INITCONF_LAYERS], "PARTLABEL=plyboot-layers",
		"an open quote is no value");
}

int main(void)
{
	test_choosing();
	test_what_is_fixed_stays();
	test_what_can_not_be();
	test_what_is_allowed();
	test_words();
	initconf_free(&conf);
	return done();
}
