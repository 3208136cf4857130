/* init/candidates.c: which of the files on a real layers partition are passed over, and why. */
#include <fcntl.h>

#include "layers/sandbox.h"

#include "errors.h"
#include "init/candidates.h"
#include "init/report.h"
#include "layers/record.h"
#include "stacks.h"

static struct signer a;
static struct sandbox sandbox;
static struct source *source;
static struct candidates found;
static struct report report;

static void forget(void)
{
	for (size_t i = 0; i < found.count; i++)
		stack_free(&found.list[i].stack);
	found.count = 0;
}

static void start(void)
{
	struct error e;
	sandbox_open(&sandbox);
	if (mkdirat(sandbox.root_fd, "stacks", 0755) != 0 ||
		source_dir_open(dup(sandbox.root_fd), &source, &e) != 0)
		abort();
}

static void end(void)
{
	forget();
	source_close(source);
	sandbox_close(&sandbox);
}

static void put(const char *file_name, const char *text)
{
	char path[PATH_MAX];
	struct bytes file = {0};
	add_text(&file, text);
	add_signature(&file, &a);
	(void)snprintf(path, sizeof path, "%s/stacks/%s", sandbox.root, file_name);
	write_file(path, file.data, file.size);
	bytes_free(&file);
}

static int find(const char *name, struct error *e)
{
	static const struct record record;
	struct candidate_policy policy = {
		.signatures = {.keys = &a.key, .key_count = 1, .needed = 1},
		.name = name,
		.machine = "x86_64",
		.kernel_release = "6.1.0-40",
	};
	floors_add_record(&policy.floors, &record);
	forget();
	report = (struct report){0};
	*e = (struct error){0};
	int silent = open("/dev/null", O_WRONLY | O_CLOEXEC), loud = dup(2);
	(void)dup2(silent, 2);
	int result = candidates_find(source, &policy, &report, &found, e);
	(void)dup2(loud, 2);
	(void)close(silent);
	(void)close(loud);
	return result;
}

static void nothing_is_there(void)
{
	struct error e;
	start();
	error_is(find(NULL, &e), &e, ERROR_MISSING, "no stack file");
	error_is(find("demo", &e), &e, ERROR_MISSING, "none of a name");
	ok(strstr(e.text, "of demo") != NULL, "the message has the name");
	put("other-8.stack", TEXT("8"));
	error_is(find("demo", &e), &e, ERROR_MISSING, "only one of another name");
	if (unlinkat(sandbox.root_fd, "stacks/other-8.stack", 0) != 0 ||
		unlinkat(sandbox.root_fd, "stacks", AT_REMOVEDIR) != 0)
		abort();
	error_is(find(NULL, &e), &e, ERROR_MISSING, "no directory for them");
	end();
}

static void a_name_chooses_files(void)
{
	static const char *const others[] = {"dem-7.stack", "demo7.stack", "demo-.stack",
		"demo-7x.stack", "demo-7.x.stack", "demos-7.stack"};
	struct error e;
	start();
	put("demo-8.stack", TEXT("8"));
	put("demo-7.stack", TEXT("7"));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		put(others[i], TEXT("7"));
	ok(find("demo", &e) == 0 && found.count == 2 && report.refused_count == 0,
		"two files of the name, and the others are not even read");
	ok(found.list[0].stack.version == 7 && found.list[1].stack.version == 8,
		"sorted by file name");
	ok(find(NULL, &e) == 0 && found.count == 2 &&
			report.refused_count == sizeof others / sizeof *others &&
			report.refused[0].code == ERROR_FORMAT,
		"without a name they are, and are not what they are named");
	end();
}

static void one_name_at_a_time(void)
{
	struct error e;
	start();
	put("demo-8.stack", TEXT("8"));
	put("other-8.stack",
		"plyboot stack 1\nname other\nversion 8\nfloor 3\ncreated 2026-11-23T15:06:12Z\n"
		"architecture x86_64\n" LAYER TAIL);
	error_is(find(NULL, &e), &e, ERROR_CONFIG, "stacks of two names");
	ok(strstr(e.text, "demo") != NULL && strstr(e.text, "other") != NULL, "it names both");
	ok(find("other", &e) == 0 && found.count == 1, "a chosen name");
	end();
}

static void the_first_refusal_is_told(void)
{
	struct error e;
	start();
	put("demo-7.stack", TEXT("8"));
	put("demo-8.stack", HEAD("8") LAYER "upper volatile\npersist /run\ninit /sbin/init\n"
					    "on-failure halt\n---\n");
	error_is(find(NULL, &e), &e, ERROR_FORMAT, "two bad ones: the first one's code");
	ok(report.refused_count == 2 && report.refused[1].code == ERROR_FORMAT,
		"both are noted; a persistent path that can't be is one");
	ok(strstr(e.text, "the first refusal: demo-7.stack: ") != NULL, "and its name: %s", e.text);
	end();
}

static void not_all_are_looked_at(void)
{
	struct error e;
	char name[300];
	start();
	put("demo-8.stack", TEXT("8"));
	memset(name, 'n', 92);
	strcpy(name + 92, ".stack");
	put(name, TEXT("8"));
	ok(find(NULL, &e) == 0 && found.count == 1 && report.warning_count == 1 &&
			report.refused_count == 0,
		"a name that no stack has is left out, with a warning");
	for (unsigned i = 0; i < 80; i++) {
		(void)snprintf(name, sizeof name, "demo-%u.stack", 100 + i);
		put(name, "plyboot\n---\n");
	}
	(void)find(NULL, &e);
	ok(report.warning_count == 1 && found.count + report.refused_count == LIMIT_STACK_FILES,
		"of 82 files 64 are looked at, with a warning");
	end();
}

int main(void)
{
	signer_open("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721", &a);
	nothing_is_there();
	a_name_chooses_files();
	one_name_at_a_time();
	the_first_refusal_is_told();
	not_all_are_looked_at();
	return done();
}
