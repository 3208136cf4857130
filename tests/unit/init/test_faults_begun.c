/* init/begun.c: what a trial began is that trial's alone until it is confirmed, and is never
 * removed; whatever fails in between, the next boot comes to the same. */
#include "faults.h"

#include "init/begun.h"
#include "layers/sandbox.h"

/* Versions, of which digests are made. */
enum { NONE, TWO = 2, THREE, FOUR };

static struct sandbox sandbox;
static char paths[200];
static int paths_fd;
static char name[STACK_PERSIST_SIZE] = "var-lib-db";
static struct record record;
static struct candidate candidate;
static struct report report;

static struct digest text_of(unsigned version)
{
	struct digest text;
	memset(text.bytes, (int)(0xa0 + version), sizeof text.bytes);
	return text;
}

static const char *hex_of(unsigned version)
{
	static char hex[DIGEST_HEX + 1];
	struct digest text = text_of(version);
	digest_format_hex(&text, hex);
	return hex;
}

static const char *in(const char *end)
{
	static char full[4][PATH_MAX];
	static unsigned turn;
	char *to = full[turn++ % 4];
	(void)snprintf(to, PATH_MAX, "%s/%s%s", paths, name, end);
	return to;
}

/* The record knows of these: what is confirmed, what is not. */
static void know(unsigned confirmed, unsigned tried)
{
	const unsigned versions[] = {confirmed, tried};
	record = (struct record){.sequence = 5};
	for (size_t i = 0; i < 2; i++) {
		if (versions[i] == NONE)
			continue;
		record.stacks[record.stack_count++] = (struct record_stack){
			.text = text_of(versions[i]), .name = "test", .confirmed = i == 0};
	}
}

static void start(void)
{
	sandbox_open(&sandbox);
	(void)snprintf(paths, sizeof paths, "%s/paths", sandbox.root);
	if (mkdir(paths, 0700) != 0)
		abort();
	paths_fd = open(paths, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	report = (struct report){0};
	know(TWO, THREE);
}

static void end(void)
{
	(void)close(paths_fd);
	ok(sandbox_untouched(&sandbox), "nothing outside was touched");
	sandbox_close(&sandbox);
}

static struct begun boot_of(unsigned version)
{
	candidate = (struct candidate){
		.text = text_of(version), .stack = {.name = "test", .version = version}};
	return (struct begun){.paths_fd = paths_fd,
		.path = "/var/lib/db",
		.name = name,
		.candidate = &candidate,
		.record = &record};
}

static void put(const char *end_of_name, const char *text)
{
	write_file(in(end_of_name), text, strlen(text));
}

/* The path, and in it who wrote there. */
static void have(const char *end_of_name, const char *by)
{
	char file[16];
	(void)snprintf(file, sizeof file, "%s/by", end_of_name);
	if (mkdir(in(end_of_name), 0700) != 0)
		abort();
	put(file, by);
}

static bool holds(const char *end_of_name, const char *text)
{
	char got[100];
	int fd = open(in(end_of_name), O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, got, sizeof got);
	if (fd >= 0)
		(void)close(fd);
	return size == (ssize_t)strlen(text) && memcmp(got, text, (size_t)size) == 0;
}

static bool is_there(const char *end_of_name)
{
	struct stat st;
	return lstat(in(end_of_name), &st) == 0;
}

/* How many names there are in all. */
static int entries(void)
{
	int count = -2;
	DIR *dir = opendir(paths);
	if (dir == NULL)
		abort();
	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count;
}

static int settle(const struct begun *begun)
{
	struct error e = {0};
	report.warning_count = 0;
	int result = begun_settle(begun, &report, &e);
	if (result < 0)
		printf("# %s\n", e.text);
	return result;
}

/* --- who is on trial */

static void only_a_trial_is_noted(void)
{
	static const struct {
		unsigned version, confirmed, tried;
		bool trial_upper, no_record, noted;
		const char *what;
	} rows[] = {
		{THREE, TWO, THREE, false, false, true, "beside one that is confirmed"},
		{THREE, TWO, NONE, false, false, true, "that the record does not know"},
		{TWO, TWO, THREE, false, false, false, "a confirmed one"},
		{THREE, NONE, THREE, false, false, false, "the first that is there"},
		{THREE, NONE, THREE, true, false, true, "over the upper of another"},
		{THREE, TWO, THREE, true, true, false, "without a record"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		start();
		know(rows[i].confirmed, rows[i].tried);
		struct begun begun = boot_of(rows[i].version);
		begun.trial_upper = rows[i].trial_upper;
		if (rows[i].no_record)
			begun.record = NULL;
		is_int(settle(&begun), 0, "%s: it may begin", rows[i].what);
		ok(rows[i].noted ? holds("%by", hex_of(THREE)) : !is_there("%by"), "... %s",
			rows[i].noted ? "noted" : "without a note");
		is_int(entries(), rows[i].noted, "... and no more");
		end();
	}
	start();
	(void)snprintf(record.stacks[0].name, sizeof record.stacks[0].name, "other");
	struct begun begun = boot_of(THREE);
	ok(settle(&begun) == 0 && !is_there("%by"), "a confirmed stack of another name is nothing");
	end();
}

/* --- whose it is, later */

static void a_note_is_held_against_the_record(void)
{
	static const struct {
		unsigned by, boots, confirmed;
		bool served, noted;
		const char *what;
	} rows[] = {
		{NONE, FOUR, TWO, true, false, "the device's own"},
		{THREE, THREE, TWO, true, true, "the trial's own"},
		{THREE, THREE, THREE, true, false, "of a trial that was confirmed"},
		{THREE, FOUR, THREE, true, false, "of one that was, for the next"},
		{THREE, FOUR, TWO, false, true, "of another trial"},
		{THREE, TWO, TWO, false, false, "of a trial, for a confirmed stack"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		start();
		know(rows[i].confirmed, rows[i].confirmed == THREE ? NONE : THREE);
		struct begun begun = boot_of(rows[i].boots);
		have("", "data");
		if (rows[i].by != NONE)
			put("%by", hex_of(rows[i].by));
		is_int(settle(&begun), rows[i].served, "%s", rows[i].what);
		ok(holds(rows[i].served ? "/by" : "%x1/by", "data"), "... all of it is there");
		ok(is_there("") == rows[i].served, "... in its place, or not");
		ok(rows[i].noted ? holds("%by", hex_of(rows[i].boots)) : !is_there("%by"),
			"... the note is right");
		is_int((long long)report.warning_count, !rows[i].served, "... and said");
		is_int(entries(), 1 + rows[i].noted, "... and no more");
		end();
	}
}

static void without_a_record_nothing_is_judged(void)
{
	start();
	struct begun begun = boot_of(FOUR);
	begun.record = NULL;
	have("", "data");
	put("%by", hex_of(THREE));
	ok(settle(&begun) == 1 && holds("/by", "data") && holds("%by", hex_of(THREE)) &&
			report.warning_count == 0,
		"it is served, and the note stays");
	end();
}

static void where_it_is_put_is_said(void)
{
	start();
	struct begun begun = boot_of(FOUR);
	have("", "third");
	have("%x1", "first");
	put("%x2", "a file");
	put("%by", hex_of(THREE));
	ok(settle(&begun) == 0 && holds("%x3/by", "third") && holds("%x1/by", "first") &&
			holds("%x2", "a file"),
		"nothing takes another's place");
	is_str(report.warnings[0],
		"what a trial that is over (a3a3a3a3a3a3) wrote is in "
		"/run/plyboot/state/plyboot/test/paths/var-lib-db%x3 now, and /var/lib/db is begun "
		"anew",
		"where it is, is said");
	end();
}

static void there_is_an_end_to_it(void)
{
	struct error e = {0};
	char away[8];
	start();
	struct begun begun = boot_of(FOUR);
	have("", "data");
	put("%by", hex_of(THREE));
	for (unsigned i = 1; i <= 99; i++) {
		(void)snprintf(away, sizeof away, "%%x%u", i);
		put(away, "");
	}
	error_is(begun_settle(&begun, &report, &e), &e, ERROR_LIMIT, "99 are put away already");
	ok(holds("/by", "data") && holds("%by", hex_of(THREE)) && entries() == 101,
		"nothing is changed");
	if (unlink(in("%x99")) != 0)
		abort();
	ok(settle(&begun) == 0 && holds("%x99/by", "data"), "one less, and there is room");
	end();
}

static void the_longest_name_has_room(void)
{
	char kept[sizeof name];
	memcpy(kept, name, sizeof name);
	memset(name, 'n', sizeof name - 1);
	start();
	struct begun begun = boot_of(THREE);
	ok(settle(&begun) == 0 && holds("%by", hex_of(THREE)), "the longest name is noted");
	have("", "data");
	begun = boot_of(FOUR);
	for (unsigned i = 1; i <= 9; i++) {
		char away[8];
		(void)snprintf(away, sizeof away, "%%x%u", i);
		put(away, "");
	}
	ok(settle(&begun) == 0 && holds("%x10/by", "data") && holds("%by", hex_of(FOUR)),
		"... and put away");
	end();
	memcpy(name, kept, sizeof name);
}

/* --- notes that are none */

static void long_file(void)
{
	put("%by", hex_of(THREE));
	if (truncate(in("%by"), 1 << 30) != 0)
		abort();
}

static void link_to_note(void)
{
	put("%elsewhere", hex_of(THREE));
	if (symlink("var-lib-db%elsewhere", in("%by")) != 0)
		abort();
}

static void directory(void)
{
	have("%by", hex_of(THREE));
}

static void fifo(void)
{
	if (mkfifo(in("%by"), 0600) != 0)
		abort();
}

static void garbage(void)
{
	put("%by", "g3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3");
}

static void upper_case(void)
{
	put("%by", "A3A3A3A3A3A3A3A3A3A3A3A3A3A3A3A3A3A3A3A3A3A3A3A3A3A3A3A3A3A3A3A3");
}

static void newline(void)
{
	char text[DIGEST_HEX + 2];
	(void)snprintf(text, sizeof text, "%s\n", hex_of(THREE));
	put("%by", text);
}

static void empty(void)
{
	put("%by", "");
}

static const struct {
	void (*make)(void);
	const char *what, *why;
} strange[] = {
	{long_file, "a gigabyte", "paths/var-lib-db%by is no file of 64 bytes"},
	{link_to_note, "a link to a note", "paths/var-lib-db%by is no file of 64 bytes"},
	{directory, "a directory", "paths/var-lib-db%by is no file of 64 bytes"},
	{fifo, "a FIFO", "paths/var-lib-db%by is no file of 64 bytes"},
	{garbage, "garbage", "paths/var-lib-db%by holds no digest"},
	{upper_case, "upper case", "paths/var-lib-db%by holds no digest"},
	{newline, "a byte too many", "paths/var-lib-db%by is no file of 64 bytes"},
	{empty, "nothing", "paths/var-lib-db%by is no file of 64 bytes"},
};

static void a_strange_note_says_nothing(void)
{
	char want[300];
	for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
		start();
		struct begun begun = boot_of(FOUR);
		have("", "data");
		strange[i].make();
		int before = entries();
		ok(settle(&begun) == 1 && holds("/by", "data"), "%s: the path is served",
			strange[i].what);
		(void)snprintf(want, sizeof want,
			"/var/lib/db is served as it is; who began it is not known: %s",
			strange[i].why);
		is_str(report.warning_count == 1 ? report.warnings[0] : "", want, "... and said");
		is_int(entries(), before, "... and all stays");
		end();
	}
}

/* Also half of one, from a power cut: without a path it is not asked. */
static void a_note_alone_means_nothing(void)
{
	for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
		start();
		struct begun begun = boot_of(THREE);
		strange[i].make();
		ok(settle(&begun) == 0 && holds("%by", hex_of(THREE)) && report.warning_count == 0,
			"%s, alone: a trial takes its place", strange[i].what);
		end();
		start();
		begun = boot_of(TWO);
		strange[i].make();
		ok(settle(&begun) == 0 && !is_there("%by"),
			"... and for a confirmed stack it goes");
		end();
	}
}

static void what_was_not_begun_is_not_noted(void)
{
	start();
	struct begun begun = boot_of(THREE);
	ok(settle(&begun) == 0 && is_there("%by"), "it is noted");
	begun_give_up(&begun);
	is_int(entries(), 0, "... and given up");
	(void)settle(&begun);
	have("", "data");
	begun_give_up(&begun);
	ok(holds("%by", hex_of(THREE)), "but not where there is a path all the same");
	end();
}

/* --- at each call once */

/* Over and over: a path of a trial, found by another one. */
static int put_away_and_note(struct error *e)
{
	struct error ignored;
	static const char *const all[] = {"", "%by", "%x1"};
	struct begun begun = boot_of(FOUR);
	for (size_t i = 0; i < 3; i++) {
		char whole[300];
		(void)snprintf(whole, sizeof whole, "%s%s", name, all[i]);
		if (store_remove(paths_fd, whole, &ignored) != 0)
			abort();
	}
	have("", "data");
	put("%by", hex_of(THREE));
	report.warning_count = 0;
	faults_begin();
	int result = begun_settle(&begun, &report, e);
	faults_end();
	bool away = holds("%x1/by", "data");
	if (result == 0)
		return away && !is_there("") && holds("%by", hex_of(FOUR)) ? 0 : FAULTS_WRONG;
	if (result > 0 || away == is_there("") || (!away && !holds("%by", hex_of(THREE))))
		return FAULTS_WRONG;
	/* The next boot does the rest. */
	return begun_settle(&begun, &report, &ignored) == 0 && holds("%x1/by", "data") &&
			       holds("%by", hex_of(FOUR)) && entries() == 2
		       ? -1
		       : FAULTS_WRONG;
}

/* What can't be taken away is said, and no reason not to serve it. */
static int become_own(struct error *e)
{
	struct error ignored;
	struct begun begun = boot_of(FOUR);
	know(THREE, NONE);
	(void)unlink(in("%by"));
	put("%by", hex_of(THREE));
	report.warning_count = 0;
	faults_begin();
	int result = begun_settle(&begun, &report, e);
	faults_end();
	if (!holds("/by", "data") || result == 0)
		return FAULTS_WRONG;
	if (result < 0)
		return holds("%by", hex_of(THREE)) ? -1 : FAULTS_WRONG;
	if (is_there("%by") && report.warning_count == 0)
		return FAULTS_WRONG;
	return begun_settle(&begun, &report, &ignored) == 1 && !is_there("%by") ? 0 : FAULTS_WRONG;
}

static void any_call_may_fail(void)
{
	static const struct faults_case cases[] = {
		{.name = "put away", .run = put_away_and_note},
		{.name = "become the device's own", .run = become_own},
	};
	start();
	faults_all(&cases[0]);
	end();
	start();
	have("", "data");
	faults_all(&cases[1]);
	end();
}

int main(void)
{
	(void)umask(0);
	only_a_trial_is_noted();
	a_note_is_held_against_the_record();
	without_a_record_nothing_is_judged();
	where_it_is_put_is_said();
	there_is_an_end_to_it();
	the_longest_name_has_room();
	a_strange_note_says_nothing();
	a_note_alone_means_nothing();
	what_was_not_begun_is_not_noted();
	any_call_may_fail();
	return done();
}
