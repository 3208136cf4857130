/*
 * init/asking.c, reset.c and keep.c, by real overlays: what a reset keeps shows as before, all else
 * as the layers have it; what is reverted, too. PLYBOOT_COUNT random ones (30), from PLYBOOT_SEED.
 */
#include "init/console.h"
#include "init/reset.h"

#include "errors.h"
#include "homes.h"

#define MADE_FOR "demo 7 sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
#define TRIAL HOME "/trials/0707070707070707070707070707070707070707070707070707070707070707"

/* --- one of each */

static void make_home(void)
{
	static const char layers[] =
		"rm -rf layers plyboot && mkdir -p layers/etc/conf layers/srv/dir "
		"layers/opt/tree/sub && "
		"cd layers && echo 1 >etc/one && echo 2 >etc/conf/two && echo 3 >srv/dir/three && "
		"echo 4 >srv/gone && echo 5 >opt/tree/five && echo 6 >opt/tree/sub/six";
	static const char changes[] =
		"cd m && echo mine >etc/one && echo id >etc/machine-id && chmod 600 etc/machine-id "
		"&& "
		"rm srv/gone && rm -r opt/tree && mkdir -p opt/tree/sub opt/own && echo x "
		">opt/own/x && "
		"echo kept >opt/tree/sub/new && echo b >.dot && mkdir .hidden && echo c "
		">.hidden/.d && "
		"echo two >etc/conf/two && ln etc/machine-id etc/again && chmod 711 etc/conf";
	shell(layers);
	shell("mkdir -p " HOME "/upper " HOME "/work/work");
	overlay_on("layers", HOME "/upper");
	shell(changes);
	overlay_off();
	put_text(HOME "/made-for", MADE_FOR);
	shell("cd " HOME " && mkdir -p paths/var-lib-a paths/var-lib-b%2db/sub archive/1/upper && "
	      "echo a >paths/var-lib-a/.f && echo b >paths/var-lib-b%2db/sub/f && "
	      "echo x >archive/1/upper/x && mkdir -p paths/var-lib-c%new/tree dropped/x");
	shell("mkdir -p " TRIAL "/upper && echo x >" TRIAL "/upper/x");
}

static void ask(const char *text)
{
	put_text(HOME "/asked", text);
}

static bool shows(const char *path, const char *wanted)
{
	char command[256];
	(void)snprintf(
		command, sizeof command, "[ \"$(cat m/%s 2>/dev/null)\" = '%s' ]", path, wanted);
	return system(command) == 0;
}

static void test_nothing(void)
{
	make_home();
	char *before = view_of("plyboot");
	carry_out(false);
	char *after = view_of("plyboot");
	ok(same_view(after, before) && home_report.warning_count == 0,
		"nothing asked: nothing done");
	free(before);
	free(after);
	shell("rm -r plyboot && mkdir plyboot");
	ok((carry_out(false), home_report.warning_count == 0), "a new partition");
	is_str(names_in("plyboot"), "demo ", "... has a home then");
	carry_out(true);
	ok(says_alone("0 names of its upper and 0 persistent paths are kept"),
		"... and may be reset");
}

static void test_all_away(void)
{
	make_home();
	ask("reset\n");
	carry_out(false);
	ok(says_alone("demo was reset: 0 names of its upper and 0 persistent paths are kept"),
		"a reset that keeps nothing");
	is_str(names_in("plyboot"), "demo ", "... leaves a home");
	is_str(names_in(HOME), "", "... and nothing in it");
	carry_out(false);
	is_int((long long)home_report.warning_count, 0, "... and is over with that");
	make_home();
	carry_out(true);
	is_str(names_in(HOME), "", "the same from the command line");
}

static void test_kept(void)
{
	make_home();
	ask("reset\nkeep /.hidden\nkeep /etc/machine-id\nkeep /none/at/all\nkeep /opt/tree/sub\n"
	    "keep /srv/gone\nkeep /var/lib/b-b/sub/f\n");
	carry_out(false);
	ok(says_alone("6 names of its upper and 1 persistent path are kept"),
		"a reset that keeps some");
	is_str(names_in(HOME), "made-for paths upper ", "... leaves what has it");
	is_str(names_in(HOME "/paths"), "var-lib-b%2db ", "... and the persistent path, whole");
	ok(is_there(HOME "/paths/var-lib-b%2db/sub/f"), "... with what is in it");
	overlay_on("layers", HOME "/upper");
	ok(shows("etc/machine-id", "id") && !is_there("m/etc/again"), "a file is kept by its name");
	ok(shows("etc/one", "1") && shows("etc/conf/two", "2"),
		"its neighbours are as in the layers");
	ok(!is_there("m/srv/gone"), "a whiteout is kept");
	ok(shows(".hidden/.d", "c") && !is_there("m/.dot"), "dot files are kept, or go");
	ok(shows("opt/tree/five", "5"), "what an opaque directory hid is there again");
	ok(shows("opt/tree/sub/new", "kept") && !is_there("m/opt/tree/sub/six"),
		"but not in what is kept of it");
	is_str(names_in("m/opt"), "tree ", "what was made anew is gone");
	overlay_off();
	carry_out(true);
	is_str(names_in(HOME), "", "the command line's keeps what init.conf keeps: here nothing");
}

static void test_conf_keeps(void)
{
	make_home();
	home_conf.keep_count = 2;
	home_conf.keep[0] = "/etc/machine-id";
	home_conf.keep[1] = "/var";
	ask("reset\nkeep /etc/again\n");
	carry_out(false);
	home_conf.keep_count = 0;
	ok(says_alone("2 names of its upper and 2 persistent paths are kept"),
		"what init.conf keeps is kept as well, and all persistent paths below");
	is_str(names_in(HOME "/paths"), "var-lib-a var-lib-b%2db ",
		"... but none that is half made");
	is_str(names_in(HOME "/upper/etc"), "again machine-id ", "... in the upper");
	struct stat a, b;
	ok(stat(HOME "/upper/etc/again", &a) == 0 && stat(HOME "/upper/etc/machine-id", &b) == 0 &&
			a.st_ino == b.st_ino && a.st_nlink == 2,
		"... one file, as it was");
}

static void test_confirmed_trial(void)
{
	make_home();
	home_record = (struct record){
		.stack_count = 1, .stacks = {{.confirmed = true, .name = "demo", .version = 6}}};
	memset(home_record.stacks[0].text.bytes, 7, DIGEST_BYTES);
	ask("reset\nkeep /x\n");
	carry_out(false);
	ok(was_said("1 name of its upper") && is_there(HOME "/upper/x"),
		"what a confirmed trial wrote is kept");
	make_home();
	shell("rm -r " HOME "/upper && echo x >" HOME "/upper");
	ask("reset\nkeep /x\n");
	carry_out(false);
	ok(was_said("THE RESET IS NOT DONE, all is as it was: the upper is in part that of a newer "
		    "stack, which can't be merged") &&
			is_there(TRIAL "/upper/x") && is_there(HOME "/asked"),
		"one that can't be merged is not lost");
	ask("reset\n");
	carry_out(false);
	is_str(names_in(HOME), "", "... unless nothing is to be kept");
	home_record.stack_count = 0;
}

static void test_hostile(void)
{
	static const struct {
		const char *how, *is;
	} cases[] = {
		{"rm -r upper && ln -s /etc upper", "the upper is a link"},
		{"rm -r upper && echo x >upper", "the upper is a file"},
		{"rm -r paths && ln -s /etc paths", "so are the paths"},
		{"rm -r paths && mkdir paths && ln -s /etc paths/var-lib-a",
			"one of them is a link"},
		{"rm made-for && mkfifo made-for", "nobody knows whose it is"},
		{"rm -r archive trials && mkfifo archive && ln -s / trials",
			"all else is something else"},
		{"rm -r work && ln -s /etc work", "the work is a link"},
		{"mkdir -p ../.reset-demo/unfinished ../.reset-demo/paths/var-lib-a && "
		 "echo x >../.reset-demo/upper",
			"another one is beside it"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char command[256];
		make_home();
		(void)snprintf(command, sizeof command, "cd " HOME " && %s", cases[i].how);
		shell(command);
		ask("reset\nkeep /etc/one\nkeep /var/lib/b-b\n");
		carry_out(false);
		ok(was_said("demo was reset"), "%s: it is reset", cases[i].is);
		is_str(names_in("plyboot"), "demo ", "... and nothing else is left");
		const char *left = names_in(HOME);
		ok(strstr(left, "asked") == NULL && strstr(left, "work") == NULL &&
				strstr(left, "archive") == NULL && strstr(left, "trials") == NULL,
			"... nor in the home: %s", left);
		ok(is_there(HOME "/paths/var-lib-b%2db/sub/f") == (i != 2 && i != 3), "... paths");
	}
	ok(is_there("/etc/passwd"), "nothing was followed");
}

static void test_what_is_asked(void)
{
	static const char *const bad[] = {"rm -f asked && mkfifo asked",
		"rm -f asked && ln -s /etc asked", "rm -f asked && echo nonsense >asked",
		"rm -f asked && : >asked", "rm -f asked && head -c 300000 /dev/zero >asked",
		"rm -f asked && mkdir asked"};
	make_home();
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char command[128];
		(void)snprintf(command, sizeof command, "cd " HOME " && %s", bad[i]);
		shell(command);
		char *before = view_of("plyboot");
		carry_out(false);
		char *after = view_of("plyboot");
		ok(says_alone("what was asked for is not done: asked"), "%s", bad[i]);
		ok(same_view(after, before), "... and nothing is");
		free(before);
		free(after);
	}
	carry_out(true);
	ok(was_said("what was asked for is not done") && was_said("demo was reset"),
		"the command line asks all the same");
}

/* --- cut */

static void test_cut(void)
{
	make_home();
	shell("mkdir -p plyboot/.reset-demo/upper/etc plyboot/.reset-demo/paths/var-lib-a "
	      "plyboot/.reset-demo/unfinished && rm -r " HOME "/dropped");
	char *before = view_of(HOME);
	carry_out(false);
	char *after = view_of(HOME);
	ok(same_view(after, before), "cut before it was decided: all is as it was");
	is_str(names_in("plyboot"), "demo ", "... and nothing beside it");
	free(before);
	free(after);
	make_home();
	shell("cd plyboot && mv demo .reset-demo && mkdir -p demo/paths/var-lib-a demo/unfinished");
	struct error e;
	int home = open(HOME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	is_int(reset_is_unfinished(home, &e), 1, "cut after that: kept paths are to be moved");
	carry_out(false);
	ok(home_report.warning_count == 0, "... which is done");
	is_int(reset_is_unfinished(home, &e), 0, "... and over");
	is_str(names_in("plyboot"), "demo ", "... with the old one gone");
	is_str(names_in(HOME "/paths/var-lib-a"), ".f ", "... and what was kept in its place");
	is_str(names_in(HOME "/paths"), "var-lib-a ", "... alone");
	(void)close(home);
	make_home();
	shell("cd plyboot && mv demo .reset-demo && mkdir -p demo/paths/var-lib-a demo/unfinished "
	      "&& "
	      "echo x >demo/paths/var-lib-a/x");
	carry_out(true);
	ok(says_alone(
		   "a reset is not finished, the next boot goes on with it: move paths/var-lib-a"),
		"somebody else wrote there");
	ok(is_there(HOME "/unfinished") && is_there("plyboot/.reset-demo/paths/var-lib-a/.f"),
		"... and nothing is lost, nor another reset begun");
	shell("rm -r plyboot/.reset-demo");
	carry_out(true);
	ok(says_alone("a reset is not finished") && is_there(HOME "/paths/var-lib-a/x"),
		"without the old one neither");
}

/* --- reverted */

static void test_reverted(void)
{
	make_home();
	ask("revert /.dot\nrevert /etc/conf\nrevert /etc/one\nrevert /never/was\nrevert /opt/own\n"
	    "revert /opt/tree\nrevert /srv/gone\nrevert /srv/none\n");
	carry_out(false);
	ok(was_said("/etc/conf is reverted: it is what the image has") &&
			home_report.warning_count == 8,
		"paths are reverted");
	ok(!is_there(HOME "/asked") && !is_there(HOME "/dropped"), "... and that is over");
	ok(is_there(TRIAL "/upper/x") && is_there(HOME "/paths/var-lib-a/.f") &&
			is_there(HOME "/made-for"),
		"... and nothing else is touched");
	overlay_on("layers", HOME "/upper");
	ok(shows("etc/one", "1") && shows("etc/conf/two", "2"), "a file, a directory");
	struct stat st;
	ok(stat("m/etc/conf", &st) == 0 && (st.st_mode & 07777) == 0755, "... with its mode");
	ok(shows("srv/gone", "4"), "what was removed");
	ok(shows("opt/tree/five", "5") && !is_there("m/opt/tree/sub/new"), "what was made anew");
	ok(!is_there("m/opt/own") && !is_there("m/.dot"), "what the layers never had");
	ok(shows("etc/machine-id", "id"), "the rest is as it was");
	overlay_off();
}

static void test_not_reverted(void)
{
	make_home();
	ask("revert /etc/machine-id/x\nrevert /etc/one\nrevert /opt/tree/sub\nrevert "
	    "/opt/tree/x/y\n"
	    "revert /srv/gone/x\n");
	carry_out(false);
	ok(was_said("/opt/tree/sub IS NOT REVERTED: /opt/tree hides what the image has there") &&
			was_said("/opt/tree/x/y IS NOT REVERTED: /opt/tree hides") &&
			was_said("/etc/machine-id/x IS NOT REVERTED: /etc/machine-id hides") &&
			was_said("/srv/gone/x IS NOT REVERTED: /srv/gone hides"),
		"what something above hides is not");
	ok(was_said("/etc/one is reverted") && !is_there(HOME "/asked"),
		"... the others are, and that is over");
	ok(is_there(HOME "/upper/opt/tree/sub/new"), "... and it is still there");
	shell("ln -s ../etc " HOME "/upper/srv/link");
	ask("revert /srv/link/machine-id\n");
	carry_out(false);
	ok(says_alone("/srv/link hides") && is_there(HOME "/upper/etc/machine-id"),
		"no link is followed");
	shell("rm -r " HOME "/upper");
	ask("revert /etc/one\n");
	carry_out(false);
	ok(says_alone("is reverted") && !is_there(HOME "/asked"), "without an upper all is");
	shell("ln -s /etc " HOME "/upper");
	ask("revert /etc/one\n");
	carry_out(false);
	ok(says_alone("IS NOT REVERTED: open upper") && is_there(HOME "/asked"),
		"what may be possible later is tried again");
}

static void test_on_trial(void)
{
	make_home();
	memset(home_candidate.text.bytes, 7, DIGEST_BYTES);
	ask("revert /etc/one\n");
	carry_out(false);
	ok(says_alone("nothing is reverted as long as a trial is on: /etc/one waits") &&
			is_there(HOME "/asked") && is_there(HOME "/upper/etc/one"),
		"below a trial nothing is reverted");
	shell("rm -r " TRIAL " && ln -s /etc " TRIAL);
	carry_out(false);
	ok(says_alone("nothing is reverted: ") && is_there(HOME "/asked"), "nor below a link");
	memset(home_candidate.text.bytes, 0, DIGEST_BYTES);
	carry_out(false);
	ok(says_alone("/etc/one is reverted"), "without it, it is");
}

/* --- at random */

static const char *line_of(const char *view, const char *path, size_t *length)
{
	size_t size = strlen(path);
	for (; *view != '\0'; view += strcspn(view, "\n") + 1) {
		if (strncmp(view, path, size) == 0 && view[size] == ' ') {
			/* Which names are one file depends on which are there. */
			*length = strcspn(view, "#\n");
			return view;
		}
	}
	*length = 0;
	return "";
}

static bool in_upper(const char *path)
{
	char part[256];
	struct stat st;
	for (size_t at = 1; path[at] != '\0';) {
		at += strcspn(path + at, "/");
		(void)snprintf(part, sizeof part, HOME "/upper%.*s", (int)at, path);
		if (lstat(part, &st) != 0 || (path[at] != '\0' && !S_ISDIR(st.st_mode)))
			return false;
		at += path[at] == '/';
	}
	return true;
}

struct expectation {
	const char *before, *layers, *after; /* views */
	const struct asked *keep;
	bool there[ASKED_ROOM];
};

static bool is_right(const struct expectation *x, const char *path)
{
	const char *wanted = x->layers;
	for (size_t i = 0; i < x->keep->count; i++) {
		if (asked_is_within(path, x->keep->paths[i]) && x->there[i])
			wanted = x->before;
		else if (asked_is_within(x->keep->paths[i], path) && x->there[i])
			return true; /* above it: of either */
	}
	size_t is_length, length;
	const char *is = line_of(x->after, path, &is_length);
	const char *line = line_of(wanted, path, &length);
	if (is_length == length && strncmp(is, line, length) == 0)
		return true;
	printf("# %s is  %.*s\n# not %.*s\n", path, (int)is_length, is, (int)length, line);
	return false;
}

static bool all_right(const struct expectation *x, const char *view)
{
	bool good = true;
	for (; *view != '\0'; view += strcspn(view, "\n") + 1) {
		char path[256];
		(void)snprintf(path, sizeof path, "%.*s", (int)strcspn(view, " "), view);
		if (path[0] != '\0')
			good = is_right(x, path) && good;
	}
	return good;
}

static bool resets(uint64_t seed, size_t *kept)
{
	static struct asked keep;
	static char text[ASKED_TEXT_SIZE];
	struct error e;
	struct expectation x = {.keep = &keep};
	make_empty("layers");
	shell("rm -rf plyboot && mkdir -p " HOME "/upper");
	for (int i = 0; i < 300; i++)
		change_at_random(&seed, "layers");
	overlay_on("layers", HOME "/upper");
	for (int i = 0; i < 200; i++)
		change_at_random(&seed, "m");
	overlay_off();
	/* As at each boot: what overlayfs remembers of the layers' inodes holds no more. */
	shell("cp -a layers new && rm -r layers && mv new layers");
	keep = (struct asked){.reset = true};
	for (int i = 0; i < 4; i++) {
		char path[64];
		random_path(&seed, "", path);
		MUST(asked_add(&keep, path, &e) == 0);
	}
	for (size_t i = 0; i < keep.count; i++) {
		x.there[i] = in_upper(keep.paths[i]);
		*kept += x.there[i];
	}
	char *before = view_overlay("layers", HOME "/upper"), *layers = view_of("layers");
	(void)asked_encode(&keep, text);
	ask(text);
	carry_out(false);
	shell("mkdir -p " HOME "/upper");
	char *after = view_overlay("layers", HOME "/upper");
	x.before = before;
	x.layers = layers;
	x.after = after;
	bool good = says_alone("demo was reset") && all_right(&x, before) &&
		    all_right(&x, layers) && all_right(&x, after);
	free(before);
	free(layers);
	free(after);
	return good;
}

static unsigned long number_of(const char *variable, unsigned long otherwise)
{
	const char *value = getenv(variable);
	return value != NULL ? strtoul(value, NULL, 10) : otherwise;
}

static void test_random(void)
{
	unsigned long count = number_of("PLYBOOT_COUNT", 30), seed = number_of("PLYBOOT_SEED", 1);
	unsigned long wrong = 0;
	size_t kept = 0;
	for (unsigned long i = 0; i < count; i++) {
		if (!resets(seed * 1000003 + i, &kept)) {
			wrong++;
			printf("# case %lu of PLYBOOT_SEED=%lu\n", i, seed);
		}
	}
	ok(wrong == 0, "%lu random uppers reset, %zu paths kept: %lu wrong", count, kept, wrong);
	ok(kept > count / 2, "there was something to keep");
}

int main(void)
{
	overlays_start();
	test_nothing();
	test_all_away();
	test_kept();
	test_conf_keeps();
	test_confirmed_trial();
	test_hostile();
	test_what_is_asked();
	test_cut();
	test_reverted();
	test_not_reverted();
	test_on_trial();
	test_random();
	overlays_end();
	return done();
}
