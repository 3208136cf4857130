/* layers/unpack.c, tree*.c: names, links and whiteouts beside those of the catalogue
 * (test_catalogue_paths.c). */
#include "verdicts.h"

/* --- paths --------------------------------------------------------------------------------------
 */

static void refuses_paths(void)
{
	static char path4096[4097], path4095[4096];
	for (size_t i = 0; i < 4096; i++)
		path4096[i] = i % 2 == 0 ? 'a' : '/';
	path4096[4095] = 'b';
	for (size_t i = 0; i < 4095; i++)
		path4095[i] = i % 256 == 255 ? '/' : 'n';
	static const char body[] = "x";
	const struct row rows[] = {
		{"a symlink's target of 4096 bytes", ERROR_PATH,
			{{.path = "l", .type = '2', .pax_link = path4096}},
			{{.path = "l", .type = '2', .pax_link = path4095}}},
		{"a/../b", ERROR_PATH, {{.path = "a/../b", .body = body}},
			{{.path = "a/./b", .body = body}}},
		{"the root as a FIFO", ERROR_PATH, {{.path = ".", .type = '6'}}, {{0}}},
		{"the root as a file", ERROR_PATH, {{.path = ".", .body = body}}, {{0}}},
		{"the root as a hard link", ERROR_PATH,
			{{.path = "a", .body = body}, {.path = ".", .type = '1', .link = "a"}},
			{{0}}},
		{"below a file", ERROR_PATH,
			{{.path = "a", .body = body}, {.path = "a/b", .body = body}},
			{{.path = "a", .type = '5'}, {.path = "a/b", .body = body}}},
		{"below a FIFO", ERROR_PATH,
			{{.path = "a", .type = '6'}, {.path = "a/b", .body = body}}, {{0}}},
		{"a directory through a symlink", ERROR_PATH,
			{{.path = "l", .type = '2', .link = "../../canary"},
				{.path = "l/new", .type = '5'}},
			{{0}}},
		{"a file where a full directory was", ERROR_PATH,
			{{.path = "d/file", .body = body}, {.path = "d", .body = body}}, {{0}}},
		{"hard link to what comes later", ERROR_PATH,
			{{.path = "h", .type = '1', .link = "a"}, {.path = "a", .body = body}},
			{{.path = "a", .body = body}, {.path = "h", .type = '1', .link = "a"}}},
		{"hard link to what would lie in no directory", ERROR_PATH,
			{{.path = "a", .body = body}, {.path = "h", .type = '1', .link = "d/a"}},
			{{.path = "d/a", .body = body}, {.path = "h", .type = '1', .link = "d/a"}}},
		{"hard link to a directory", ERROR_PATH,
			{{.path = "d", .type = '5'}, {.path = "h", .type = '1', .link = "d"}},
			{{0}}},
		{"hard link to the root", ERROR_PATH, {{.path = "h", .type = '1', .link = "."}},
			{{0}}},
		{"hard link below a symlink", ERROR_PATH,
			{{.path = "a", .body = body},
				{.path = "l", .type = '2', .link = "../../canary"},
				{.path = "l/h", .type = '1', .link = "a"}},
			{{.path = "a", .body = body}, {.path = "l/h", .type = '1', .link = "a"}}},
		{"a device through a symlink", ERROR_PATH,
			{{.path = "l", .type = '2', .link = "../../canary"},
				{.path = "l/n", .type = '3', .major = 1, .minor = 3}},
			{{.path = "l/n", .type = '3', .major = 1, .minor = 3}}},
		{"a whiteout through a symlink", ERROR_PATH,
			{{.path = "l", .type = '2', .link = "../../canary"},
				{.path = "l/.wh.file"}},
			{{0}}},
		{"an opaque marker through a symlink", ERROR_PATH,
			{{.path = "l", .type = '2', .link = "../../canary"},
				{.path = "l/.wh..wh..opq"}},
			{{0}}},
		{"an opaque marker below a file", ERROR_PATH,
			{{.path = "a", .body = body}, {.path = "a/.wh..wh..opq"}}, {{0}}},
	};
	RUN_ROWS(rows);
}

static bool check_names(const struct sandbox *sandbox, const struct unpack_result *result)
{
	(void)result;
	return is_file(sandbox, "\xc3\xa4\xe2\x82\xac", "umlaut") &&
	       is_file(sandbox, "\xff\xfe", "bytes") &&
	       is_file(sandbox, "e\xcc\x81", "decomposed") &&
	       is_file(sandbox, "\xc3\xa9", "composed") &&
	       is_file(sandbox, "\xed\xa0\x80", "surrogate") &&
	       is_file(sandbox, "\xed\xa0\x80\xed\xb0\x80", "pair") &&
	       is_file(sandbox, "<\xcc\xb8", "ASCII composed") &&
	       is_file(sandbox, "\xe1\x84\x80\xe1\x85\xa1", "Hangul") &&
	       is_file(sandbox, "a\xcc\x87\xcc\xa3", "marks out of order") &&
	       is_file(sandbox, "K\xe2\x84\xaa", "Kelvin") &&
	       is_file(sandbox, "a\nb\\c", "control") && is_file(sandbox, "gnu\xff", "gnu");
}

static bool check_links(const struct sandbox *sandbox, const struct unpack_result *result)
{
	struct stat st;
	char target[32] = {0};
	return result->entries == 4 &&
	       readlink(in_root(sandbox, "s"), target, sizeof target) == 4 &&
	       memcmp(target, "e\xcc\x81\xff", 4) == 0 &&
	       lstat(in_root(sandbox, "h\xff"), &st) == 0 && st.st_nlink == 2;
}

static void keeps_names_as_bytes(void)
{
	struct bytes tar = {0};
	static const char *const names[][2] = {{"\xc3\xa4\xe2\x82\xac", "umlaut"},
		{"\xff\xfe", "bytes"}, {"e\xcc\x81", "decomposed"}, {"\xc3\xa9", "composed"},
		{"\xed\xa0\x80", "surrogate"}, {"\xed\xa0\x80\xed\xb0\x80", "pair"},
		{"<\xcc\xb8", "ASCII composed"}, {"\xe1\x84\x80\xe1\x85\xa1", "Hangul"},
		{"a\xcc\x87\xcc\xa3", "marks out of order"}, {"K\xe2\x84\xaa", "Kelvin"},
		{"a\nb\\c", "control"}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		tar_add(&tar, &(struct item){.pax_path = names[i][0], .body = names[i][1]});
	tar_add_long(&tar, 'L', "gnu\xff");
	struct tar_header h = tar_header("short", '0', 3);
	memcpy(h.magic, "ustar  ", 8);
	tar_add_header(&tar, h);
	tar_add_body(&tar, "gnu", 3);
	tar_end(&tar);
	accept_tar("names in UTF-8, decomposed, and no UTF-8 at all", &tar, check_names);

	const struct item links[] = {{.path = "s", .type = '2', .pax_link = "e\xcc\x81\xff"},
		{.pax_path = "f\xff", .body = "x"},
		{.pax_path = "h\xff", .type = '1', .pax_link = "f\xff"},
		{.path = "raw\xff\xcc\x81", .type = '2', .link = "e\xcc\x81/\xff"}, {0}};
	/* Headers' own link fields are empty here, as Go leaves them. */
	tar = tar_of(links);
	accept_tar("link targets too", &tar, check_links);
}

/* --- whiteouts ----------------------------------------------------------------------------------
 */

static void refuses_whiteouts(void)
{
	const struct row rows[] = {
		{"a whiteout that is a directory", ERROR_WHITEOUT, {{.path = ".wh.a", .type = '5'}},
			{{0}}},
		{"a whiteout that is a symlink", ERROR_WHITEOUT,
			{{.path = ".wh.a", .type = '2', .link = "b"}}, {{0}}},
		{"an opaque marker that is a hard link", ERROR_WHITEOUT,
			{{.path = "a"}, {.path = ".wh..wh..opq", .type = '1', .link = "a"}}, {{0}}},
		{"a file below a whiteout's name", ERROR_WHITEOUT, {{.path = ".wh.a/b"}},
			{{.path = "x.wh.a/b"}}},
		{"an opaque marker in a symlink", ERROR_PATH,
			{{.path = "d", .type = '2', .link = "e"}, {.path = "d/.wh..wh..opq"}},
			{{.path = "d", .type = '5'}, {.path = "d/.wh..wh..opq"}}},
		{"a file below an opaque marker", ERROR_WHITEOUT, {{.path = "d/.wh..wh..opq/b"}},
			{{0}}},
	};
	RUN_ROWS(rows);
}

/* A name was removed, and what is there in the end is a directory, by detours. */
static bool check_detours(const struct sandbox *sandbox, const struct unpack_result *result)
{
	return S_ISDIR(mode_of(sandbox, "a")) && S_ISDIR(mode_of(sandbox, "b")) &&
	       is_listed(&result->opaque, "a", -1) && is_listed(&result->opaque, "b", -1);
}

static bool check_not_aufs(const struct sandbox *sandbox, const struct unpack_result *result)
{
	(void)result;
	return is_file(sandbox, "a.wh..wh.plnk", "x");
}

static bool check_almost_opaque(const struct sandbox *sandbox, const struct unpack_result *result)
{
	return mode_of(sandbox, "d/.wh..wh..opx") == 0 && result->opaque.count == 0;
}

static void applies_whiteouts(void)
{
	const struct {
		const char *name;
		struct item items[6];
		bool (*check)(const struct sandbox *sandbox, const struct unpack_result *result);
	} rows[] = {
		{"of a and b, whose names then go from file to directory",
			{{.path = ".wh.a"}, {.path = "a", .body = "1"}, {.path = "a", .type = '5'},
				{.path = "b", .body = "1"}, {.path = ".wh.b"},
				{.path = "b", .type = '5'}},
			check_detours},
		{"names that only look like AUFS's", {{.path = "a.wh..wh.plnk", .body = "x"}},
			check_not_aufs},
		{"AUFS's of a marker's length are skipped too",
			{{.path = "d", .type = '5'}, {.path = "d/.wh..wh..opx", .body = "x"}},
			check_almost_opaque},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct item items[7] = {0};
		memcpy(items, rows[i].items, sizeof rows[i].items);
		struct bytes tar = tar_of(items);
		accept_tar(rows[i].name, &tar, rows[i].check);
	}
}

/* An implied directory may give way to something else; a device is no whiteout. */
static bool check_gave_way(const struct sandbox *sandbox, const struct unpack_result *result)
{
	return is_file(sandbox, "d", "x") && is_file(sandbox, "null", "y") &&
	       !is_listed(&result->implied, "d", -1) && !is_listed(&result->opaque, "d", -1);
}

static void lets_the_last_entry_win(void)
{
	const struct item items[] = {{.path = "d/.wh..wh..opq"}, {.path = "d", .body = "x"},
		{.path = "null", .type = '3', .major = 1, .minor = 3},
		{.path = "null", .body = "y"}, {0}};
	struct bytes tar = tar_of(items);
	accept_tar("over an implied directory and a device", &tar, check_gave_way);
}

int main(void)
{
	if (!have_root())
		return 0;
	refuses_paths();
	keeps_names_as_bytes();
	refuses_whiteouts();
	applies_whiteouts();
	lets_the_last_entry_win();
	return done();
}
