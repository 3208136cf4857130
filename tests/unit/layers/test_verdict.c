/* layers/verdict.c: what comes out is what went in, and hostile bytes are no verdict. */
#include "layers/verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bytes.h"
#include "errors.h"
#include "layers/jail.h"
#include "layers/little_endian.h"

/* As verdict.h has them. */
enum { CODE, ERRNO, MISSING, UNPACKED, ENTRIES, USER_XATTRS, OPAQUE, IMPLIED };

static struct error e;

/* --- to bytes and back */

static struct bytes written(const struct verdict *verdict)
{
	struct bytes bytes = {0};
	uint8_t buffer[4096];
	ssize_t got;
	int fd = memfd_create("verdict", MFD_CLOEXEC);
	if (verdict_write(fd, verdict) != 0 || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	while ((got = read(fd, buffer, sizeof buffer)) > 0)
		bytes_add(&bytes, buffer, (size_t)got);
	(void)close(fd);
	return bytes;
}

static int read_back(const struct bytes *bytes, size_t portion, struct verdict *out)
{
	struct verdict_reader *reader = NULL;
	int status = 0;
	memset(out, UNTOUCHED, sizeof *out);
	e = (struct error){0};
	if (verdict_reader_open(&reader, &e) != 0)
		abort();
	for (size_t at = 0; at < bytes->size && status == 0; at += portion) {
		size_t left = bytes->size - at;
		status = verdict_reader_push(
			reader, bytes->data + at, left < portion ? left : portion, &e);
	}
	if (status == 0)
		status = verdict_reader_end(reader, out, &e);
	verdict_reader_close(reader);
	return status;
}

static void list(struct path_list *to, const char *path, uint32_t value)
{
	if (path_list_add(to, path, value, &e) != 0)
		abort();
}

static bool same_list(const struct path_list *a, const struct path_list *b)
{
	bool same = a->count == b->count;
	for (size_t i = 0; same && i < a->count; i++)
		same = a->items[i].value == b->items[i].value &&
		       strcmp(a->items[i].path, b->items[i].path) == 0;
	return same;
}

static bool same_verdict(const struct verdict *a, const struct verdict *b)
{
	const struct unpack_result *x = &a->result, *y = &b->result;
	return a->jail_missing == b->jail_missing && a->why.code == b->why.code &&
	       a->why.sys_errno == b->why.sys_errno && strcmp(a->why.text, b->why.text) == 0 &&
	       x->unpacked_bytes == y->unpacked_bytes && x->entries == y->entries &&
	       x->user_xattrs == y->user_xattrs && same_list(&x->opaque, &y->opaque) &&
	       same_list(&x->implied, &y->implied);
}

static struct verdict a_result(void)
{
	struct verdict verdict = {.jail_missing = JAIL_NAMESPACES | JAIL_SECCOMP,
		.result = {.unpacked_bytes = UINT64_C(0x0102030405060708),
			.entries = UINT64_C(0xf1f2f3f4f5f6f7f8),
			.user_xattrs = 77}};
	list(&verdict.result.opaque, "", 0);
	list(&verdict.result.opaque, "usr/share", 0);
	list(&verdict.result.opaque, "etc", 0);
	list(&verdict.result.implied, "usr", IMPLIED_MERGED);
	list(&verdict.result.implied, "var/lib", IMPLIED_FRESH);
	list(&verdict.result.implied, "var/lib", IMPLIED_NOT);
	return verdict;
}

static struct verdict a_failure(void)
{
	struct verdict verdict = {.jail_missing = JAIL_USER};
	(void)error_set(&verdict.why, ERROR_IO, EIO, "read piece 7");
	return verdict;
}

/* --- */

static void comes_back(const struct verdict *verdict, const char *name)
{
	struct bytes bytes = written(verdict);
	size_t wrong = 0, portion = 1;
	for (; portion <= bytes.size; portion += portion < 200 ? 1 : bytes.size / 7) {
		struct verdict got;
		if (read_back(&bytes, portion, &got) != 0) {
			wrong++;
			continue;
		}
		wrong += !same_verdict(&got, verdict);
		unpack_result_free(&got.result);
	}
	is_int((long long)wrong, 0, "%s, %zu bytes, comes back in portions of any size", name,
		bytes.size);
	bytes_free(&bytes);
}

static void round_trips(void)
{
	struct verdict verdict = a_result();
	comes_back(&verdict, "a result");
	char path[64];
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(path, sizeof path, "some/directory-%d", i);
		list(&verdict.result.implied, path, (uint32_t)i % 2);
	}
	comes_back(&verdict, "a result with a long list");
	unpack_result_free(&verdict.result);
	verdict = (struct verdict){0};
	comes_back(&verdict, "a result of nothing");

	for (int code = ERROR_NONE + 1; code < ERROR_CODES; code++) {
		verdict = (struct verdict){.why = {.code = (enum error_code)code,
						   .sys_errno = code % 2 == 0 ? 4095 : 0,
						   .text = "why"}};
		comes_back(&verdict, error_code_name(verdict.why.code));
	}
	memset(verdict.why.text, 'x', ERROR_TEXT_SIZE - 1);
	comes_back(&verdict, "a failure with the longest text");
	verdict_reader_close(NULL);
}

static void ends_every_text(void)
{
	struct verdict verdict = a_failure(), got;
	struct bytes bytes = written(&verdict);
	memset(bytes.data + VERDICT_HEADER_BYTES, 'x', ERROR_TEXT_SIZE);
	ok(read_back(&bytes, bytes.size, &got) == 0 && strlen(got.why.text) == ERROR_TEXT_SIZE - 1,
		"a text without an end gets one");
	bytes_free(&bytes);
}

static void refuses_cuts(const struct verdict *verdict, const char *name)
{
	struct bytes bytes = written(verdict);
	size_t whole = bytes.size, wrong = 0;
	for (bytes.size = 0; bytes.size < whole; bytes.size++) {
		struct verdict got;
		wrong += read_back(&bytes, 10, &got) != -1 || e.code != ERROR_JAIL ||
			 !is_untouched(&got, sizeof got);
	}
	is_int((long long)wrong, 0, "%s, cut anywhere, is JAIL", name);
	bytes_add(&bytes, "", 1);
	struct verdict got;
	error_is(read_back(&bytes, 10, &got), &e, ERROR_JAIL, "%s and one byte", name);
	bytes_free(&bytes);
}

/* With the bit the other way round: may that be? */
static bool may_be(size_t field, uint64_t value)
{
	if (field == ERRNO)
		return value <= 4095;
	if (field == MISSING)
		return value < 1u << JAIL_PARTS;
	return field == UNPACKED || field == ENTRIES || field == USER_XATTRS;
}

static bool has_number(const struct verdict *got, size_t field, uint64_t value)
{
	switch (field) {
	case ERRNO:
		return (uint64_t)got->why.sys_errno == value;
	case MISSING:
		return got->jail_missing == value;
	case UNPACKED:
		return got->result.unpacked_bytes == value;
	case ENTRIES:
		return got->result.entries == value;
	default:
		return got->result.user_xattrs == value;
	}
}

static void judges_every_bit_of_the_header(void)
{
	struct verdict verdict = a_result();
	struct bytes bytes = written(&verdict);
	size_t wrong = 0, accepted = 0;
	for (size_t bit = 0; bit < (size_t)VERDICT_HEADER_BYTES * 8; bit++) {
		struct verdict got;
		bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		size_t field = bit / 64;
		uint64_t value = get_u64(bytes.data + field * 8);
		int status = read_back(&bytes, bytes.size, &got);
		if (may_be(field, value)) {
			accepted += status == 0;
			wrong += status != 0 || !has_number(&got, field, value);
		} else {
			wrong += status != -1 || e.code != ERROR_JAIL ||
				 !is_untouched(&got, sizeof got);
		}
		if (status == 0)
			unpack_result_free(&got.result);
		bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	is_int((long long)wrong, 0, "one bit of the header changed: another number, or JAIL");
	is_int((long long)accepted, 12 + 3 + 3 * 64, "numbers that can be are taken");
	unpack_result_free(&verdict.result);
	bytes_free(&bytes);
}

/* --- bytes that verdict_write() would not write */

static struct bytes header(
	uint64_t code, uint64_t number, uint64_t missing, uint64_t opaque, uint64_t implied)
{
	const uint64_t numbers[VERDICT_NUMBERS] = {[CODE] = code,
		[ERRNO] = number,
		[MISSING] = missing,
		[OPAQUE] = opaque,
		[IMPLIED] = implied};
	struct bytes bytes = {0};
	for (size_t i = 0; i < VERDICT_NUMBERS; i++) {
		uint8_t eight[8];
		put_u64(eight, numbers[i]);
		bytes_add(&bytes, eight, sizeof eight);
	}
	if (code != ERROR_NONE)
		bytes_fill(&bytes, 'x', ERROR_TEXT_SIZE);
	return bytes;
}

static void add_entry(struct bytes *bytes, uint8_t value, const char *path)
{
	bytes_add(bytes, &value, 1);
	bytes_add(bytes, path, strlen(path) + 1);
}

/* ERROR_NONE: it is taken. */
static void gives(struct bytes bytes, enum error_code code, const char *name)
{
	struct verdict got;
	int status = read_back(&bytes, 100, &got);
	if (code == ERROR_NONE) {
		ok(status == 0, "%s: taken", name);
		if (status == 0)
			unpack_result_free(&got.result);
	} else {
		error_is(status, &e, code, "%s", name);
		ok(is_untouched(&got, sizeof got), "%s: no verdict", name);
	}
	bytes_free(&bytes);
}

static void bounds_numbers(void)
{
	gives(header(ERROR_CODES - 1, 0, 0, 0, 0), ERROR_NONE, "the last error code");
	gives(header(ERROR_CODES, 0, 0, 0, 0), ERROR_JAIL, "the code behind the last");
	gives(header(UINT64_MAX, 0, 0, 0, 0), ERROR_JAIL, "a negative code");
	gives(header((UINT64_C(1) << 32) + 1, 0, 0, 0, 0), ERROR_JAIL, "a code of 33 bits");
	gives(header(1, 4095, 0, 0, 0), ERROR_NONE, "the largest errno");
	gives(header(1, 4096, 0, 0, 0), ERROR_JAIL, "an errno that can't be");
	gives(header(0, 0, JAIL_ALL, 0, 0), ERROR_NONE, "all parts missing");
	gives(header(0, 0, JAIL_ALL + 1, 0, 0), ERROR_JAIL, "a part that there is not");
	gives(header(1, 0, 0, 1, 0), ERROR_JAIL, "a failure with opaque directories");
	gives(header(1, 0, 0, 0, 1), ERROR_JAIL, "a failure with implied directories");
}

static void one_path(const char *path, enum error_code code, const char *name)
{
	struct bytes opaque = header(0, 0, 0, 1, 0), implied = header(0, 0, 0, 0, 1);
	add_entry(&opaque, 0, path);
	add_entry(&implied, IMPLIED_FRESH, path);
	gives(opaque, code, name);
	gives(implied, code, name);
}

static void refuses_paths_that_leave(void)
{
	static const char *const good[] = {"", "a", "a/b/c", "..a/a..", ".a", "a/...", "\xff\n"};
	static const char *const bad[] = {"..", "../a", "a/..", "a/../b", "/", "/a", ".", "./a",
		"a/.", "a/./b", "a/", "a//b", "//a"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		one_path(good[i], ERROR_NONE, good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		one_path(bad[i], ERROR_JAIL, bad[i]);

	char path[LIMIT_PATH_BYTES + 2];
	for (size_t i = 0; i < sizeof path; i++)
		path[i] = i % 128 == 127 ? '/' : 'p';
	path[LIMIT_PATH_BYTES + 1] = '\0';
	path[LIMIT_PATH_BYTES] = 'p';
	one_path(path, ERROR_JAIL, "4096 bytes");
	path[LIMIT_PATH_BYTES] = '\0';
	one_path(path, ERROR_NONE, "4095 bytes");
	memset(path, 'n', sizeof path);
	path[LIMIT_COMPONENT_BYTES + 1] = '\0';
	one_path(path, ERROR_JAIL, "a name of 256 bytes");
	path[LIMIT_COMPONENT_BYTES] = '\0';
	one_path(path, ERROR_NONE, "a name of 255 bytes");

	struct bytes endless = header(0, 0, 0, 1, 0);
	bytes_fill(&endless, 'p', 100000);
	gives(endless, ERROR_JAIL, "a path without an end");
}

static void refuses_other_values(void)
{
	static const struct {
		uint64_t opaque;
		uint8_t value;
		enum error_code code;
	} rows[] = {{1, 0, ERROR_NONE}, {1, 1, ERROR_JAIL}, {1, 255, ERROR_JAIL},
		{0, IMPLIED_MERGED, ERROR_NONE}, {0, IMPLIED_FRESH, ERROR_NONE},
		{0, IMPLIED_NOT, ERROR_NONE}, {0, IMPLIED_NOT + 1, ERROR_JAIL},
		{0, 255, ERROR_JAIL}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char name[64];
		struct bytes bytes = header(0, 0, 0, rows[i].opaque, 1 - rows[i].opaque);
		add_entry(&bytes, rows[i].value, "a");
		(void)snprintf(name, sizeof name, "%s with value %u",
			rows[i].opaque == 1 ? "opaque" : "implied", rows[i].value);
		gives(bytes, rows[i].code, name);
	}
}

/* How many directories of one byte there may be, by what path_list.bytes counts. */
static size_t most_entries(void)
{
	struct path_list one = {0};
	list(&one, "a", 0);
	size_t most = LIMIT_LIST_BYTES / one.bytes;
	path_list_free(&one);
	return most;
}

static void bounds_lists(void)
{
	const size_t most = most_entries();
	struct bytes bytes = header(0, 0, 0, most / 2, most - most / 2);
	for (size_t i = 0; i < most; i++)
		add_entry(&bytes, 0, "a");
	gives(bytes, ERROR_NONE, "as many directories as may be, both lists together");
	bytes = header(0, 0, 0, most / 2, UINT64_MAX);
	for (size_t i = 0; i < most + 1; i++)
		add_entry(&bytes, 0, "a");
	gives(bytes, ERROR_LIMIT, "one more");
}

/* --- writing fails */

static void tells_why_writing_failed(void)
{
	struct verdict verdict = a_result();
	int ends[2], full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	if (pipe2(ends, O_CLOEXEC) != 0 || full < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		abort();
	(void)close(ends[0]);
	errno = 0;
	ok(verdict_write(ends[1], &verdict) == -1 && errno == EPIPE, "nobody reads: EPIPE");
	ok(verdict_write(full, &verdict) == -1 && errno == ENOSPC, "a full device: ENOSPC");
	for (int i = 0; i < 1000; i++)
		list(&verdict.result.opaque, "a/directory/of/some/length", 0);
	errno = 0;
	ok(verdict_write(ends[1], &verdict) == -1 && errno == EPIPE,
		"the first of several writes fails: EPIPE");
	(void)close(ends[1]);
	(void)close(full);
	unpack_result_free(&verdict.result);
}

int main(void)
{
	round_trips();
	ends_every_text();
	struct verdict result = a_result(), failure = a_failure(), opaque = {0};
	list(&opaque.result.opaque, "usr", 0);
	refuses_cuts(&result, "a result");
	refuses_cuts(&failure, "a failure");
	refuses_cuts(&opaque, "an opaque directory");
	unpack_result_free(&result.result);
	unpack_result_free(&opaque.result);
	judges_every_bit_of_the_header();
	bounds_numbers();
	refuses_paths_that_leave();
	refuses_other_values();
	bounds_lists();
	tells_why_writing_failed();
	return done();
}
