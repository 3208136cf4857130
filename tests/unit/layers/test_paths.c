/* layers/paths.c: one normal form for names out of a tar, and lists of them. */
#include "errors.h"
#include "layers/paths.h"

#include <stdlib.h>

static void normalizes(void)
{
	static const char *const rows[][2] = {
		{"a", "a"},
		{"./a", "a"},
		{"a/", "a"},
		{"a//b", "a/b"},
		{"./a/./b/.", "a/b"},
		{".", ""},
		{"./", ""},
		{"././/.", ""},
		{"...", "..."},
		{"..a/b..", "..a/b.."},
		{".a", ".a"},
		{"a/.../b", "a/.../b"},
		{" ", " "},
		{"\xff\xfe/\x01", "\xff\xfe/\x01"},
		{"a\\..\\b", "a\\..\\b"},
		{".wh.a", ".wh.a"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char out[LIMIT_PATH_BYTES + 1];
		struct error e;
		ok(path_normalize(rows[i][0], out, &e) == 0 && strcmp(out, rows[i][1]) == 0,
			"\"%s\" becomes \"%s\"", rows[i][0], rows[i][1]);
	}
}

static void refuses(void)
{
	static const char *const rows[] = {"", "/", "//", "/a", "//a", "/.", "..", "../a", "a/..",
		"a/../b", "a/../../b", "./..", "a/./../b", "../", "./../"};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char out[LIMIT_PATH_BYTES + 1];
		struct error e;
		error_is(path_normalize(rows[i], out, &e), &e, ERROR_PATH, "refused: \"%s\"",
			rows[i]);
	}
	is_int(path_normalize("..", (char[LIMIT_PATH_BYTES + 1]){0}, NULL), -1, "no error to fill");
}

static void holds_the_limits(void)
{
	static char raw[2 * LIMIT_PATH_BYTES], out[LIMIT_PATH_BYTES + 1];
	struct error e;
	memset(raw, 'a', 256);
	error_is(path_normalize(raw, out, &e), &e, ERROR_PATH, "a component of 256 bytes");
	raw[255] = '\0';
	is_int(path_normalize(raw, out, &e), 0, "a component of 255 bytes");
	memcpy(raw, "x/", 2);
	memset(raw + 2, 'a', 256);
	error_is(path_normalize(raw, out, &e), &e, ERROR_PATH, "the last of two has 256 bytes");

	memset(raw, 0, sizeof raw);
	for (size_t i = 0; i < LIMIT_PATH_BYTES; i++)
		raw[i] = i % 2 == 0 ? 'a' : '/';
	ok(path_normalize(raw, out, &e) == 0 && strlen(out) == 4095, "a path of 4095 bytes");
	raw[4095] = '/';
	error_is(path_normalize(raw, out, &e), &e, ERROR_PATH, "a path of 4096 bytes");
	raw[4096] = 'a';
	error_is(path_normalize(raw, out, &e), &e, ERROR_PATH, "a path of 4097 bytes");
	memset(raw, '/', 4096);
	raw[0] = '.';
	error_is(path_normalize(raw, out, &e), &e, ERROR_PATH, "a dot and 4095 slashes");
}

static void splits(void)
{
	is_str(path_base("a/b/c"), "c", "base of a/b/c");
	is_str(path_base("a"), "a", "base of a");
	is_str(path_base(""), "", "base of the root");
	is_int((long long)path_parent_length("a/b/c"), 3, "parent of a/b/c");
	is_int((long long)path_parent_length("a"), 0, "parent of a");
	is_int((long long)path_parent_length(""), 0, "parent of the root");
}

static void lists(void)
{
	struct path_list list = {0};
	struct error e;
	int failed = 0;
	ok(!path_list_has(&list, "a"), "nothing is in an empty list");
	path_list_sort(&list);
	for (uint32_t i = 0; i < 1000; i++) {
		char name[16];
		(void)snprintf(name, sizeof name, "%u", i * 7919 % 1000);
		failed |= path_list_add(&list, name, i, &e);
	}
	ok(failed == 0 && list.count == 1000 && strcmp(list.items[1].path, "919") == 0 &&
			list.items[1].value == 1,
		"in the order they came");
	path_list_sort(&list);
	bool sorted = true;
	for (size_t i = 1; i < list.count; i++)
		sorted &= strcmp(list.items[i - 1].path, list.items[i].path) < 0;
	ok(sorted && path_list_has(&list, "0") && path_list_has(&list, "999") &&
			!path_list_has(&list, "1000") && !path_list_has(&list, ""),
		"sorted, and found by name");
	path_list_free(&list);
	ok(list.count == 0 && list.items == NULL, "empty when freed");
}

int main(void)
{
	normalizes();
	refuses();
	holds_the_limits();
	splits();
	lists();
	return done();
}
