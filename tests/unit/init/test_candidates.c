/* init/candidates.c: which stack files are looked at, which of them are believed, and what is said
 * of the others. */
#include <sys/mman.h>
#include <unistd.h>

#include "init/report.h"
#include "record.h"
#include "errors.h"
#include "stack_files.h"

static struct stack_files files;
static struct candidates found;
static struct report report;
static struct record record;
static struct candidate_policy policy;
static char console[65536];

static void start(void)
{
	candidates_free(&found);
	stack_files_free(&files);
	stack_files_open(&files);
	record = (struct record){.sequence = 0};
	policy = stack_files_policy(&files, &record);
}

static struct stack_file *add(const char *name, uint64_t version)
{
	struct stack stack = stack_example(name, version, 0);
	return stack_files_add(&files, &stack, NULL);
}

/* With what goes to the console in `console`. */
static int find(struct error *e)
{
	int console_fd = memfd_create("console", MFD_CLOEXEC), stderr_fd = dup(2);
	candidates_free(&found);
	report = (struct report){.start_us = 0};
	if (console_fd < 0 || stderr_fd < 0 || dup2(console_fd, 2) != 2)
		abort();
	*e = (struct error){.code = ERROR_NONE};
	int result = candidates_find(&files.source, &policy, &report, &found, e);
	if (dup2(stderr_fd, 2) != 2)
		abort();
	ssize_t got = pread(console_fd, console, sizeof console - 1, 0);
	console[got > 0 ? got : 0] = '\0';
	(void)close(console_fd);
	(void)close(stderr_fd);
	return result;
}

/* The versions that were found, with a blank behind each. */
static const char *versions(void)
{
	static char text[1024];
	size_t used = 0;
	text[0] = '\0';
	for (size_t i = 0; i < found.count; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "%llu ",
			(unsigned long long)found.list[i].stack.version);
	return text;
}

static void what_is_good_is_found(void)
{
	struct error e;
	start();
	(void)add("demo", 7);
	(void)add("demo", 12);
	(void)add("demo", 8);
	is_int(find(&e), 0, "three stacks");
	is_str(versions(), "12 7 8 ", "in the order of their files' names");
	is_str(found.list[1].file_name, "demo-7.stack", "each with its file's name");
	ok(digest_equal(&found.list[0].who.key_ids[0], &files.signer.key.id), "and its signer");
	ok(!found.list[0].tried && report.refused_count == 0, "none is tried or refused");
	struct digest text;
	const uint8_t *bytes = files.list[1].bytes;
	const char *end = memmem(bytes, files.list[1].size_bytes, "\n---\n", 5);
	digest_of(bytes, (size_t)((const uint8_t *)end + 5 - bytes), &text);
	ok(digest_equal(&found.list[0].text, &text), "its identity is that of what is signed");
}

static void nothing_is_an_error(void)
{
	struct error e;
	start();
	error_is(find(&e), &e, ERROR_MISSING, "no stack file at all");
	(void)add("demo", 1);
	policy.name = "other";
	error_is(find(&e), &e, ERROR_MISSING, "none of that name");
	ok(strstr(e.text, "of other") != NULL, "which the message names");
	is_int((long long)report.refused_count, 0, "others are no failures then");
	files.cannot_be_listed = true;
	error_is(find(&e), &e, ERROR_IO, "a source that can't be listed");
}

static void a_name_is_chosen(void)
{
	struct error e;
	start();
	(void)add("demo", 1);
	(void)add("demo-2", 2);
	error_is(find(&e), &e, ERROR_CONFIG, "two names, and none chosen");
	ok(strstr(e.text, "demo and demo-2") != NULL || strstr(e.text, "demo-2 and demo") != NULL,
		"the message has both");
	policy.name = "demo";
	struct stack stack = stack_example("demo", 3, 0);
	static const char *const others[] = {"demo-.stack", "demo-3", "demo-3.stack.stack",
		"demo-x.stack", "demo.stack", "dem-3.stack", "demo-3x.stack"};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		(void)stack_files_add(&files, &stack, others[i]);
	is_int(find(&e), 0, "with a name");
	is_str(versions(), "1 ", "its stack is found");
	is_int((long long)report.refused_count, 0, "files of other names are not looked at");
	policy.name = "demo-2";
	is_int(find(&e), 0, "with the other name");
	is_str(versions(), "2 ", "the other's");
}

static void refuses(enum error_code code, bool quiet, const char *why)
{
	struct error e;
	(void)add("demo", 1);
	is_int(find(&e), 0, "beside a good one: %s", why);
	is_str(versions(), "1 ", "... the good one is found");
	is_int((long long)report.refused_count, 1, "... the other is refused");
	is_str(error_code_name(report.refused[0].code), error_code_name(code), "... with the code");
	ok(quiet == (console[0] == '\0') &&
			(quiet || strstr(console, report.refused[0].what) != NULL),
		"... the console %s", quiet ? "is quiet about it" : "names it");
	files.list[files.count - 1].present = false;
	error_is(find(&e), &e, code, "... alone it is the error");
	ok(strstr(e.text, "first refusal") != NULL && found.count == 0, "... as the first one");
	start();
}

static void what_is_bad_is_refused(void)
{
	start();
	add("demo", 2)->unreadable = true;
	refuses(ERROR_IO, false, "a file that can't be read");

	struct stack_file *file = add("demo", 2);
	file->bytes[30] ^= 1;
	refuses(ERROR_SIGNATURE, false, "a byte changed");

	file = add("demo", 2);
	memcpy(file->bytes, "plyboot stack 9", 15);
	struct signature_line line = {.key_id = files.signer.key.id};
	struct digest hash;
	char signature[SIGNED_LINE_SIZE];
	size_t signed_bytes = file->size_bytes - (SIGNED_LINE_SIZE - 1);
	digest_of(file->bytes, signed_bytes, &hash);
	signer_sign(&files.signer, &hash, line.signature);
	signed_format_line(&line, signature);
	memcpy(file->bytes + signed_bytes, signature, SIGNED_LINE_SIZE - 1);
	refuses(ERROR_FORMAT, false, "signed, but no stack");

	struct stack stack = stack_example("demo", 2, 0);
	(void)stack_files_add(&files, &stack, "demo-3.stack");
	refuses(ERROR_FORMAT, false, "in a file of another version's name");

	stack = stack_example("demo", 2, 0);
	strcpy(stack.architecture, "aarch64");
	(void)stack_files_add(&files, &stack, NULL);
	refuses(ERROR_TARGET, true, "for another machine");

	stack = stack_example("demo", 2, 0);
	strcpy(stack.kernel, "6.1.1");
	(void)stack_files_add(&files, &stack, NULL);
	refuses(ERROR_TARGET, true, "for another kernel");
}

static void the_floors_count(void)
{
	static const uint64_t fixed = 3;
	const struct record_subject subject = {&(struct digest){{1}}, "demo", 9};
	struct error e;
	start();
	for (uint64_t version = 1; version <= 5; version++)
		(void)add("demo", version);
	floors_add_fixed(&policy.floors, &fixed);
	is_int(find(&e), 0, "with the initramfs's floor");
	is_str(versions(), "3 4 5 ", "nothing below it");
	record_confirm(&record, &subject, 4);
	is_int(find(&e), 0, "with a higher one in the record");
	is_str(versions(), "4 5 ", "nothing below that");
	is_str(error_code_name(report.refused[0].code), "ROLLBACK", "for that reason");
	record_confirm(&record, &subject, 6);
	error_is(find(&e), &e, ERROR_ROLLBACK, "with one above all");
}

static void only_so_many_are_looked_at(void)
{
	struct error e;
	char name[STACK_FILE_NAME_SIZE + 8];
	start();
	for (uint64_t version = 100; version < 100 + LIMIT_STACK_FILES; version++)
		(void)add("demo", version);
	is_int(find(&e), 0, "as many as may be");
	ok(found.count == LIMIT_STACK_FILES && report.warning_count == 0, "all are found");
	(void)add("demo", 99);
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	struct stack stack = stack_example("demo", 98, 0);
	(void)stack_files_add(&files, &stack, name);
	is_int(find(&e), 0, "one more, and one whose name is too long");
	is_int((long long)found.count, LIMIT_STACK_FILES, "%u are found", LIMIT_STACK_FILES);
	ok(report.warning_count == 1 && strncmp(report.warnings[0],
						"stack files that were not looked at: 2;", 39) == 0,
		"the other two are spoken of");
	candidates_free(&found);
	stack_files_free(&files);
}

int main(void)
{
	what_is_good_is_found();
	nothing_is_an_error();
	a_name_is_chosen();
	what_is_bad_is_refused();
	the_floors_count();
	only_so_many_are_looked_at();
	return done();
}
