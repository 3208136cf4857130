/* layers/unpack.c, tree*.c, xattrs.c: the catalogue of bad tars, each with a good twin. */
#include "layers/xattrs.h"
#include "random.h"
#include "unpacking.h"

/* --- refusing and accepting --------------------------------------------------------------------
 */

static struct bytes tar_of(const struct item *items)
{
	struct bytes tar = {0};
	tar_add_all(&tar, items);
	tar_end(&tar);
	return tar;
}

/* Signed: the code, in all media, also when only names are made; nothing outside changes. */
static void refuse_signed(const char *name, const struct bytes *tar, enum error_code code)
{
	static const char *const how[] = {"plain", "gzip", "zstd", "names only"};
	for (int i = 0; i < 4; i++) {
		struct sandbox sandbox;
		struct unpack_result result;
		struct error e;
		sandbox_open(&sandbox);
		int status = unpack_tar_bytes(
			tar, i < 3 ? (enum media)i : MEDIA_TAR, &sandbox, i == 3, &result, &e);
		bool good = status == -1 && e.code == code && sandbox_untouched(&sandbox);
		if (i == 0)
			error_is(status, &e, code, "%s", name);
		if (!good)
			ok(false, "%s: %s gives %s %s", name, how[i], error_code_name(e.code),
				e.text);
		if (status == 0)
			unpack_result_free(&result);
		sandbox_close(&sandbox);
	}
}

/* Not signed: the piece table is that of another tar. DIGEST, and nothing was parsed. */
static void refuse_unsigned(const char *name, const struct bytes *tar)
{
	struct bytes other = {0};
	struct layer layer;
	struct sandbox sandbox;
	struct unpack_result result;
	struct error e;
	bytes_fill(&other, 0, tar->size == 0 ? 1 : tar->size);
	layer_cut(&layer, MEDIA_TAR, &other, other.size, LIMIT_PIECE_BYTES);
	bytes_free(&layer.blob);
	bytes_add(&layer.blob, tar->data, tar->size);
	sandbox_open(&sandbox);
	int status = unpack_layer(&layer, &sandbox, false, &result, &e);
	if (status != -1 || e.code != ERROR_DIGEST || !sandbox_root_is_empty(&sandbox) ||
		!sandbox_untouched(&sandbox))
		ok(false, "%s, unsigned: %d %s", name, status, e.text);
	sandbox_close(&sandbox);
	layer_free(&layer);
	bytes_free(&other);
}

static void refuse_tar(const char *name, struct bytes *tar, enum error_code code)
{
	refuse_signed(name, tar, code);
	if (tar->size > 0)
		refuse_unsigned(name, tar);
	bytes_free(tar);
}

/* Unpacked in all media with the same result; `check` looks at the last one. */
static void accept_tar(const char *name, struct bytes *tar,
	bool (*check)(const struct sandbox *sandbox, const struct unpack_result *result))
{
	struct bytes first = {0};
	bool good = true;
	for (int i = 0; i < 4; i++) {
		struct sandbox sandbox;
		struct unpack_result result;
		struct error e;
		sandbox_open(&sandbox);
		int status = unpack_tar_bytes(
			tar, i < 3 ? (enum media)i : MEDIA_TAR, &sandbox, i == 3, &result, &e);
		bool same = true;
		if (i < 3) {
			struct bytes now = list_tree(sandbox.root, NULL, 0);
			/* What has no entry has the time of the sandbox; the root's line goes. */
			char *line = strchr((char *)now.data, '\n');
			memmove(now.data, line, strlen(line) + 1);
			same = i == 0 || same_listing(&now, &first);
			if (i == 0)
				first = now;
			else
				bytes_free(&now);
		}
		if (status != 0 || !same || !sandbox_untouched(&sandbox) ||
			(i < 3 && check != NULL && !check(&sandbox, &result))) {
			good = false;
			printf("# way %d: %d %s\n%s", i, status, e.text, (const char *)first.data);
		}
		if (status == 0)
			unpack_result_free(&result);
		sandbox_close(&sandbox);
	}
	ok(good, "%s", name);
	bytes_free(&first);
	bytes_free(tar);
}

struct row {
	const char *name;
	enum error_code code;
	struct item bad[5];  /* refused with that code */
	struct item good[5]; /* nearly the same, accepted */
};

static void run_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct bytes tar = tar_of(rows[i].bad);
		char twin[160];
		refuse_tar(rows[i].name, &tar, rows[i].code);
		if (rows[i].good[0].path == NULL && rows[i].good[0].pax_path == NULL)
			continue;
		tar = tar_of(rows[i].good);
		(void)snprintf(twin, sizeof twin, "twin of: %s", rows[i].name);
		accept_tar(twin, &tar, NULL);
	}
}
#define RUN_ROWS(rows) run_rows(rows, sizeof(rows) / sizeof *(rows))

/* --- tar ----------------------------------------------------------------------------------------
 */

static const struct item one_file[] = {{.path = "file", .body = "hello"}, {0}};

static void refuses_broken_tars(void)
{
	struct bytes tar = tar_of(one_file);
	accept_tar("twin of all of these", &tar, NULL);
	tar = tar_of(one_file);
	tar.data[1] ^= 1;
	refuse_tar("bad checksum", &tar, ERROR_TAR);
	tar = tar_of(one_file);
	tar.size = 100;
	refuse_tar("cut header", &tar, ERROR_TAR);
	tar = tar_of(one_file);
	tar.size = 514;
	refuse_tar("cut body", &tar, ERROR_TAR);
	tar = tar_of(one_file);
	tar.size -= 1024;
	refuse_tar("no end blocks", &tar, ERROR_TAR);
	tar = tar_of(one_file);
	tar.size -= 512;
	refuse_tar("one end block", &tar, ERROR_TAR);
	tar = tar_of(one_file);
	bytes_fill(&tar, 'x', 512);
	refuse_tar("data after the end", &tar, ERROR_TAR);
	tar = tar_of(one_file);
	bytes_fill(&tar, 0, 20480);
	bytes_fill(&tar, 'x', 512);
	refuse_tar("data long after the end", &tar, ERROR_TAR);
	tar = tar_of(one_file);
	tar_add_all(&tar, one_file);
	tar_end(&tar);
	refuse_tar("second archive", &tar, ERROR_TAR);
	tar = (struct bytes){0};
	tar_add_all(&tar, one_file);
	bytes_fill(&tar, 0, 512);
	tar_add_all(&tar, one_file);
	tar_end(&tar);
	refuse_tar("one zero block then data", &tar, ERROR_TAR);
	bytes_fill(&tar, 'x', 2048);
	refuse_tar("no tar at all", &tar, ERROR_TAR);
	gzip_add(&tar, "hello", 5, NULL);
	bytes_fill(&tar, 0, 2048 - tar.size);
	refuse_tar("gzip in it", &tar, ERROR_TAR);

	tar_end(&tar);
	accept_tar("an empty layer", &tar, NULL);
	tar = tar_of(one_file);
	bytes_fill(&tar, 0, 20480);
	accept_tar("zeros after the end", &tar, NULL);
}

static void refuse_header(const char *name, struct tar_header h, enum error_code code)
{
	struct bytes tar = {0};
	tar_add_all(&tar, one_file); /* libarchive looks at a tar's first header more closely */
	tar_add_header(&tar, h);
	tar_end(&tar);
	refuse_tar(name, &tar, code);
}

static void refuses_bad_fields(void)
{
	struct tar_header h = tar_header("f", '0', 0);
	memcpy(h.size, "-0000000001", 12);
	refuse_header("size with a sign", h, ERROR_TAR);
	memset(h.size, 0xff, 12);
	refuse_header("size in base-256, negative", h, ERROR_TAR);
	memcpy(h.size, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12);
	refuse_header("size 2^63-1", h, ERROR_TAR);
	h = tar_header("d/", '5', 512);
	refuse_header("size on a directory", h, ERROR_TAR);
	h = tar_header("s", '2', 512);
	tar_text(h.link, sizeof h.link, "file");
	refuse_header("size on a symlink", h, ERROR_TAR);
	h = tar_header("h", '1', 5);
	tar_text(h.link, sizeof h.link, "file");
	refuse_header("size on a hard link", h, ERROR_TAR);
	static const char types[] = "VMDS7Xb";
	for (size_t i = 0; i < sizeof types - 1; i++) {
		char name[16];
		(void)snprintf(name, sizeof name, "type %c", types[i]);
		refuse_header(name, tar_header("f", types[i], 0), ERROR_TYPE);
	}
	refuse_header("character device 0/0", tar_header("c", '3', 0), ERROR_TYPE);
	h = tar_header("f", '0', 0);
	memcpy(h.uid, "\x80\0\0\x01\0\0\0\0", 8);
	refuse_header("uid 2^32", h, ERROR_TAR);
	h = tar_header("f", '0', 0);
	memcpy(h.mtime, "\x80\0\0\0\x80\0\0\0\0\0\0\0", 12);
	refuse_header("a time that cannot be represented", h, ERROR_TAR);
}

/* libarchive leaves one slash of two out; whoever is right, the layer is refused. */
static void refuses_what_is_read_in_two_ways(void)
{
	struct tar_header h = tar_header("name", '0', 0);
	struct bytes tar = {0};
	tar_text(h.prefix, sizeof h.prefix, "prefix/");
	tar_add_header(&tar, h);
	tar_end(&tar);
	refuse_tar("a slash at the end of the prefix", &tar, ERROR_TAR);
	h.prefix[6] = '\0';
	tar_add_header(&tar, h);
	tar_end(&tar);
	accept_tar("twin of: a slash at the end of the prefix", &tar, NULL);
}

static void meta_row(
	const char *name, char type, const char *body, size_t size, enum error_code code)
{
	struct bytes tar = {0};
	tar_add_meta(&tar, type, body, size);
	tar_add_all(&tar, one_file);
	tar_end(&tar);
	if (code == ERROR_NONE)
		accept_tar(name, &tar, NULL);
	else
		refuse_tar(name, &tar, code);
}
#define META_ROW(name, type, body, code) meta_row(name, type, body, sizeof(body) - 1, code)

static void refuses_bad_extended_headers(void)
{
	META_ROW("PAX size = header size", 'x', "9 size=5\n", ERROR_NONE);
	META_ROW("PAX size + 1", 'x', "9 size=6\n", ERROR_TAR);
	META_ROW("PAX size - 1", 'x', "9 size=4\n", ERROR_TAR);
	META_ROW("PAX length wrong", 'x', "8 size=5\n", ERROR_TAR);
	META_ROW("PAX length huge", 'x', "999999999999999999999 size=5\n", ERROR_TAR);
	META_ROW("PAX empty", 'x', "", ERROR_TAR);
	META_ROW("PAX without a newline", 'x', "8 size=5", ERROR_TAR);
	META_ROW("global comment", 'g', "13 comment=a\n", ERROR_NONE);
	META_ROW("global path", 'g', "9 path=a\n", ERROR_TAR);
	META_ROW("global mtime", 'g', "11 mtime=1\n", ERROR_TAR);
	META_ROW("GNU sparse 0.1", 'x', "22 GNU.sparse.map=0,1\n", ERROR_TYPE);
	META_ROW("GNU sparse 1.0", 'x', "22 GNU.sparse.major=1\n", ERROR_TYPE);
	META_ROW("mtime before 1970", 'x', "12 mtime=-1\n", ERROR_NONE);
	META_ROW("mtime 2^63", 'x', "29 mtime=9223372036854775808\n", ERROR_TAR);
	META_ROW("mtime of an exponent", 'x', "13 mtime=1e9\n", ERROR_TAR);
	META_ROW("uid 2^32 in PAX", 'x', "18 uid=4294967296\n", ERROR_TAR);
	META_ROW("uid 2^32-2 in PAX", 'x', "18 uid=4294967294\n", ERROR_NONE);
	META_ROW("NUL in a PAX path", 'x', "12 path=a\0b\n", ERROR_PATH);
	META_ROW("linkpath on a file, where it says nothing", 'x', "14 linkpath=a\n", ERROR_NONE);
	META_ROW("device numbers in PAX", 'x', "22 SCHILY.devmajor=1\n\n", ERROR_TAR);

	static const struct {
		const char *name, *order;
	} stacked[] = {{"two x in a row", "xx"}, {"x before L", "xL"}, {"L before x", "Lx"},
		{"two L in a row", "LL"}, {"x before g", "xg"}};
	for (size_t i = 0; i < sizeof stacked / sizeof *stacked; i++) {
		struct bytes tar = {0};
		for (const char *at = stacked[i].order; *at != '\0'; at++) {
			if (*at == 'L')
				tar_add_long(&tar, 'L', "long");
			else if (*at == 'x')
				tar_add_meta(&tar, 'x', "9 path=p\n", 9);
			else
				tar_add_meta(&tar, 'g', "13 comment=a\n", 13);
		}
		tar_add_all(&tar, one_file);
		tar_end(&tar);
		refuse_tar(stacked[i].name, &tar, ERROR_TAR);
	}
}

static bool check_last_wins(const struct sandbox *sandbox, const struct unpack_result *result)
{
	struct stat st;
	return result->entries == 8 && is_file(sandbox, "a", "second") &&
	       mode_of(sandbox, "a") == 0100600 && S_ISLNK(mode_of(sandbox, "b")) &&
	       is_file(sandbox, "c", "file") && lstat(in_root(sandbox, "d"), &st) == 0 &&
	       st.st_mode == 040700 && st.st_mtime == 2 &&
	       getxattr(in_root(sandbox, "d"), "user.a", NULL, 0) == -1;
}

static void takes_the_last_of_a_name(void)
{
	const struct item items[] = {{.path = "a", .body = "first", .mode = 0755},
		{.path = "a", .body = "second", .mode = 0600}, {.path = "b", .body = "file"},
		{.path = "b", .type = '2', .link = "a"}, {.path = "c", .type = '2', .link = "a"},
		{.path = "c", .body = "file"},
		{.path = "d",
			.type = '5',
			.mode = 0755,
			.mtime = 1,
			.xattr = "user.a",
			.xattr_value = "1",
			.xattr_bytes = 1},
		{.path = "d", .type = '5', .mode = 0700, .mtime = 2}, {0}};
	struct bytes tar = tar_of(items);
	accept_tar("the same name twice: the last one wins", &tar, check_last_wins);
}

/* --- paths --------------------------------------------------------------------------------------
 */

static void refuses_paths(void)
{
	static char name256[257], path4096[4097], path4095[4096], name255[256];
	memset(name256, 'n', 256);
	memset(name255, 'n', 255);
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
		{"/abs", ERROR_PATH, {{.path = "/abs", .body = body}},
			{{.path = "abs", .body = body}}},
		{"..", ERROR_PATH, {{.path = "..", .type = '5'}}, {{.path = ".", .type = '5'}}},
		{"../canary/file", ERROR_PATH, {{.path = "../../canary/file", .body = body}},
			{{.path = "canary/file", .body = body}}},
		{"a/../../b", ERROR_PATH,
			{{.path = "a", .type = '5'}, {.path = "a/../../b", .body = body}},
			{{.path = "a", .type = '5'}, {.path = "a/..../b", .body = body}}},
		{"a/../b", ERROR_PATH, {{.path = "a/../b", .body = body}},
			{{.path = "a/./b", .body = body}}},
		{"empty name", ERROR_PATH, {{.path = "", .body = body}},
			{{.path = "./ ", .body = body}}},
		{"only slashes", ERROR_PATH, {{.path = "//", .type = '5'}},
			{{.path = ".//", .type = '5'}}},
		{"component of 256 bytes", ERROR_PATH, {{.pax_path = name256, .body = body}},
			{{.pax_path = name255, .body = body}}},
		{"path of 4096 bytes", ERROR_PATH, {{.pax_path = path4096, .body = body}},
			{{.pax_path = path4095, .body = body}}},
		{"the root as a symlink", ERROR_PATH, {{.path = ".", .type = '2', .link = "/"}},
			{{.path = "./", .type = '5', .mode = 0711}}},
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
		{"through a relative symlink out of it", ERROR_PATH,
			{{.path = "l", .type = '2', .link = "../../canary"},
				{.path = "l/file", .body = body}},
			{{.path = "l", .type = '2', .link = "../../canary"},
				{.path = "file", .body = body}}},
		{"through a relative symlink inside", ERROR_PATH,
			{{.path = "d", .type = '5'}, {.path = "l", .type = '2', .link = "d"},
				{.path = "l/file", .body = body}},
			{{.path = "d", .type = '5'}, {.path = "l", .type = '2', .link = "d"},
				{.path = "d/file", .body = body}}},
		{"a directory through a symlink", ERROR_PATH,
			{{.path = "l", .type = '2', .link = "../../canary"},
				{.path = "l/new", .type = '5'}},
			{{0}}},
		{"a symlink where a parent was", ERROR_PATH,
			{{.path = "d/file", .body = body},
				{.path = "d", .type = '2', .link = "../../canary"},
				{.path = "d/directory/file", .body = body}},
			{{.path = "d/file", .body = body},
				{.path = "e", .type = '2', .link = "../../canary"},
				{.path = "d/directory/file", .body = body}}},
		{"a symlink where an empty parent was", ERROR_PATH,
			{{.path = "d", .type = '5'},
				{.path = "d", .type = '2', .link = "../../canary"},
				{.path = "d/file", .body = body}},
			{{.path = "d", .type = '5'},
				{.path = "d", .type = '2', .link = "../../canary"}}},
		{"a file where a full directory was", ERROR_PATH,
			{{.path = "d/file", .body = body}, {.path = "d", .body = body}}, {{0}}},
		{"hard link to ..", ERROR_PATH, {{.path = "h", .type = '1', .link = ".."}}, {{0}}},
		{"hard link to ../../canary/file", ERROR_PATH,
			{{.path = "h", .type = '1', .link = "../../canary/file"}}, {{0}}},
		{"hard link to an absolute name", ERROR_PATH,
			{{.path = "a", .body = body}, {.path = "h", .type = '1', .link = "/a"}},
			{{.path = "a", .body = body}, {.path = "h", .type = '1', .link = "./a"}}},
		{"hard link through a symlink", ERROR_PATH,
			{{.path = "l", .type = '2', .link = "../../canary"},
				{.path = "h", .type = '1', .link = "l/file"}},
			{{.path = "l", .type = '2', .link = "../../canary"},
				{.path = "h", .type = '1', .link = "l"}}},
		{"hard link to nothing", ERROR_PATH, {{.path = "h", .type = '1', .link = "a"}},
			{{0}}},
		{"hard link to what comes later", ERROR_PATH,
			{{.path = "h", .type = '1', .link = "a"}, {.path = "a", .body = body}},
			{{.path = "a", .body = body}, {.path = "h", .type = '1', .link = "a"}}},
		{"hard link to itself", ERROR_PATH,
			{{.path = "a", .body = body}, {.path = "a", .type = '1', .link = "./a"}},
			{{0}}},
		{"hard link to a directory", ERROR_PATH,
			{{.path = "d", .type = '5'}, {.path = "h", .type = '1', .link = "d"}},
			{{0}}},
		{"hard link to the root", ERROR_PATH, {{.path = "h", .type = '1', .link = "."}},
			{{0}}},
		{"hard link to what a whiteout removed", ERROR_PATH,
			{{.path = ".wh.a"}, {.path = "h", .type = '1', .link = "a"}}, {{0}}},
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

static void refuses_absolute_symlinks_on_the_way(void)
{
	struct sandbox other;
	sandbox_open(&other);
	const struct item items[] = {
		{.path = "l", .type = '2', .pax_link = in_sandbox(&other, "canary")},
		{.path = "l/file", .body = "x"}, {0}};
	struct bytes tar = tar_of(items);
	refuse_tar("through an absolute symlink", &tar, ERROR_PATH);
	const struct item dir[] = {
		{.path = "l", .type = '2', .pax_link = in_sandbox(&other, "canary")},
		{.path = "l", .type = '5', .mode = 0777}, {.path = "l/file", .body = "x"}, {0}};
	tar = tar_of(dir);
	accept_tar("a directory takes a symlink's place", &tar, NULL);
	ok(sandbox_untouched(&other), "what it pointed to is as it was");
	sandbox_close(&other);

	tar = (struct bytes){0};
	char name[16], target[16];
	for (int i = 0; i < 41; i++) {
		(void)snprintf(name, sizeof name, "l%d", i);
		(void)snprintf(target, sizeof target, i == 40 ? "d" : "l%d", i + 1);
		tar_add(&tar, &(struct item){.path = name, .type = '2', .link = target});
	}
	tar_add(&tar, &(struct item){.path = "d", .type = '5'});
	tar_add(&tar, &(struct item){.path = "l0/file", .body = "x"});
	tar_end(&tar);
	refuse_tar("through a chain of 41 symlinks", &tar, ERROR_PATH);
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
		{".wh.", ERROR_WHITEOUT, {{.path = ".wh."}}, {{.path = ".wh.a"}}},
		{".wh..", ERROR_WHITEOUT, {{.path = "d/.wh.."}}, {{.path = "d/.wh..a"}}},
		{".wh...", ERROR_WHITEOUT, {{.path = ".wh..."}}, {{.path = ".wh...."}}},
		{"non-empty body", ERROR_WHITEOUT, {{.path = ".wh.a", .body = "x"}},
			{{.path = ".wh.a"}}},
		{"opaque marker with a body", ERROR_WHITEOUT,
			{{.path = ".wh..wh..opq", .body = "x"}}, {{.path = ".wh..wh..opq"}}},
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

static bool check_absent(const struct sandbox *sandbox, const struct unpack_result *result)
{
	return is_whiteout(sandbox, "d/gone") && result->opaque.count == 0 &&
	       is_listed(&result->implied, "d", IMPLIED_MERGED) &&
	       is_listed(&result->implied, "", IMPLIED_MERGED) && result->implied.count == 2;
}

static bool check_opaque(const struct sandbox *sandbox, const struct unpack_result *result)
{
	return result->opaque.count == 2 && is_listed(&result->opaque, "d", -1) &&
	       is_listed(&result->opaque, "", -1) && is_file(sandbox, "d/before", "1") &&
	       is_file(sandbox, "d/after", "2") && mode_of(sandbox, "d/.wh..wh..opq") == 0;
}

static bool check_own_file(const struct sandbox *sandbox, const struct unpack_result *result)
{
	return is_file(sandbox, "a", "mine") && is_file(sandbox, "b", "mine") &&
	       result->opaque.count == 0;
}

static bool check_own_directory(const struct sandbox *sandbox, const struct unpack_result *result)
{
	return is_file(sandbox, "a/x", "mine") && is_file(sandbox, "b/x", "mine") &&
	       result->opaque.count == 2 && is_listed(&result->opaque, "a", -1) &&
	       is_listed(&result->opaque, "b", -1) &&
	       is_listed(&result->implied, "", IMPLIED_MERGED) && result->implied.count == 1;
}

/* In whichever order they come. */
static bool check_fresh(const struct sandbox *sandbox, const struct unpack_result *result)
{
	return is_file(sandbox, "a/x", "mine") && is_file(sandbox, "b/x", "mine") &&
	       is_listed(&result->opaque, "a", -1) && is_listed(&result->opaque, "b", -1) &&
	       is_listed(&result->implied, "a", IMPLIED_FRESH) &&
	       is_listed(&result->implied, "b", IMPLIED_FRESH) && result->implied.count == 3;
}

/* A name was removed, and what is there in the end is a directory, by detours. */
static bool check_detours(const struct sandbox *sandbox, const struct unpack_result *result)
{
	return S_ISDIR(mode_of(sandbox, "a")) && S_ISDIR(mode_of(sandbox, "b")) &&
	       is_listed(&result->opaque, "a", -1) && is_listed(&result->opaque, "b", -1);
}

static bool check_aufs(const struct sandbox *sandbox, const struct unpack_result *result)
{
	return is_file(sandbox, "file", "x") && mode_of(sandbox, ".wh..wh.plnk") == 0 &&
	       mode_of(sandbox, ".wh..wh.aufs") == 0 && mode_of(sandbox, ".wh..wh.another") == 0 &&
	       result->entries == 5 && result->opaque.count == 0;
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
		{"of a name that isn't there, parent missing", {{.path = "d/.wh.gone"}},
			check_absent},
		{"opaque after its siblings, and for the root",
			{{.path = "d", .type = '5'}, {.path = "d/before", .body = "1"},
				{.path = "d/.wh..wh..opq"}, {.path = "d/after", .body = "2"},
				{.path = ".wh..wh..opq"}},
			check_opaque},
		{"beside this layer's own file, before or after",
			{{.path = ".wh.a"}, {.path = "a", .body = "mine"},
				{.path = "b", .body = "mine"}, {.path = ".wh.b"}},
			check_own_file},
		{"beside this layer's own directory",
			{{.path = ".wh.a"}, {.path = "a", .type = '5'},
				{.path = "a/x", .body = "mine"}, {.path = "b", .type = '5'},
				{.path = "b/x", .body = "mine"}},
			NULL},
		{"of a and b, then a/x; or b/x first",
			{{.path = ".wh.a"}, {.path = "a/x", .body = "mine"},
				{.path = "b/x", .body = "mine"}, {.path = ".wh.b"}},
			check_fresh},
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
		{"AUFS's leftovers are skipped",
			{{.path = ".wh..wh.plnk", .type = '5'},
				{.path = ".wh..wh.plnk/77.88", .body = "x"},
				{.path = ".wh..wh.aufs"}, {.path = ".wh..wh.another/", .type = '5'},
				{.path = "file", .body = "x"}},
			check_aufs},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct item items[7] = {0};
		memcpy(items, rows[i].items, sizeof rows[i].items);
		struct bytes tar = tar_of(items);
		accept_tar(rows[i].name, &tar, rows[i].check);
	}
	const struct item own[] = {{.path = ".wh.a"}, {.path = "a", .type = '5'},
		{.path = "a/x", .body = "mine"}, {.path = "b", .type = '5'},
		{.path = "b/x", .body = "mine"}, {.path = ".wh.b"}, {0}};
	struct bytes tar = tar_of(own);
	accept_tar("beside this layer's own directory: opaque", &tar, check_own_directory);
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

/* --- xattrs -------------------------------------------------------------------------------------
 */

#define CAP2 "\x01\0\0\x02\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ACL(entries) "\x02\0\0\0" entries
#define ACL_SMALL                                                                                  \
	"\x01\0\x07\0\xff\xff\xff\xff\x04\0\x05\0\xff\xff\xff\xff\x20\0\x05\0\xff\xff\xff\xff"
#define ACL_NO_MASK                                                                                \
	"\x01\0\x07\0\xff\xff\xff\xff\x02\0\x06\0\xe8\x03\0\0\x04\0\x05\0\xff\xff\xff\xff"         \
	"\x20\0\x05\0\xff\xff\xff\xff"
#define ACL_NAMED                                                                                  \
	"\x01\0\x07\0\xff\xff\xff\xff\x02\0\x06\0\xe8\x03\0\0\x04\0\x05\0\xff\xff\xff\xff"         \
	"\x10\0\x07\0\xff\xff\xff\xff\x20\0\x05\0\xff\xff\xff\xff"
#define XATTR(name, value) .xattr = name, .xattr_value = value, .xattr_bytes = sizeof(value) - 1

static void refuses_xattrs(void)
{
	static char name256[257] = "user.", name255[256] = "user.", big[65537];
	memset(name256 + 5, 'n', 251);
	memset(name255 + 5, 'n', 250);
	const struct row rows[] = {
		{"trusted.overlay.opaque", ERROR_XATTR,
			{{.path = "d", .type = '5', XATTR("trusted.overlay.opaque", "y")}},
			{{.path = "d", .type = '5', XATTR("user.opaque", "y")}}},
		{"trusted.overlay.redirect", ERROR_XATTR,
			{{.path = "d", .type = '5', XATTR("trusted.overlay.redirect", "/a")}},
			{{0}}},
		{"trusted.overlay.metacopy", ERROR_XATTR,
			{{.path = "f", XATTR("trusted.overlay.metacopy", "")}}, {{0}}},
		{"trusted.overlay.origin", ERROR_XATTR,
			{{.path = "f", XATTR("trusted.overlay.origin", "x")}}, {{0}}},
		{"trusted.overlay.whiteout", ERROR_XATTR,
			{{.path = "f", XATTR("trusted.overlay.whiteout", "y")}}, {{0}}},
		{"trusted.overlay.overlay.opaque", ERROR_XATTR,
			{{.path = "d", .type = '5', XATTR("trusted.overlay.overlay.opaque", "y")}},
			{{0}}},
		{"trusted.anything", ERROR_XATTR, {{.path = "f", XATTR("trusted.a", "1")}},
			{{.path = "f", XATTR("user.a", "1")}}},
		{"user.overlay.opaque", ERROR_XATTR,
			{{.path = "d", .type = '5', XATTR("user.overlay.opaque", "y")}},
			{{.path = "d", .type = '5', XATTR("user.overlays", "y")}}},
		{"user.", ERROR_XATTR, {{.path = "f", XATTR("user.", "1")}},
			{{.path = "f", XATTR("user.1", "")}}},
		{"user.* on a FIFO", ERROR_XATTR,
			{{.path = "p", .type = '6', XATTR("user.a", "1")}}, {{0}}},
		{"user.* on a symlink", ERROR_XATTR,
			{{.path = "l", .type = '2', .link = "a", XATTR("user.a", "1")}}, {{0}}},
		{"capability too short", ERROR_XATTR,
			{{.path = "f", XATTR("security.capability", "\x01\0\0")}},
			{{.path = "f", XATTR("security.capability", CAP2)}}},
		{"capability of another length", ERROR_XATTR,
			{{.path = "f", XATTR("security.capability", CAP2 "\0")}}, {{0}}},
		{"capability of revision 1", ERROR_XATTR,
			{{.path = "f",
				XATTR("security.capability", "\x01\0\0\x01\0\0\0\0\0\0\0\0")}},
			{{0}}},
		{"capability of revision 4", ERROR_XATTR,
			{{.path = "f",
				XATTR("security.capability",
					"\x01\0\0\x04\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")}},
			{{0}}},
		{"capability with another flag", ERROR_XATTR,
			{{.path = "f",
				XATTR("security.capability",
					"\x02\0\0\x02\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")}},
			{{0}}},
		{"capability empty", ERROR_XATTR, {{.path = "f", XATTR("security.capability", "")}},
			{{0}}},
		{"capability on a directory", ERROR_XATTR,
			{{.path = "d", .type = '5', XATTR("security.capability", CAP2)}}, {{0}}},
		{"security.ima", ERROR_XATTR, {{.path = "f", XATTR("security.ima", "\x01")}},
			{{0}}},
		{"security.selinux", ERROR_XATTR,
			{{.path = "f", XATTR("security.selinux", "a:b:c:s0")}}, {{0}}},
		{"security.evm", ERROR_XATTR, {{.path = "f", XATTR("security.evm", "\x01")}},
			{{0}}},
		{"system.other", ERROR_XATTR, {{.path = "f", XATTR("system.data", "1")}}, {{0}}},
		{"no known name space", ERROR_XATTR, {{.path = "f", XATTR("a", "1")}}, {{0}}},
		{"default ACL on a file", ERROR_XATTR,
			{{.path = "f", XATTR("system.posix_acl_default", ACL(ACL_NAMED))}},
			{{.path = "f", XATTR("system.posix_acl_access", ACL(ACL_NAMED))}}},
		{"ACL cut", ERROR_XATTR,
			{{.path = "f", XATTR("system.posix_acl_access", "\x02\0\0\0\x01\0\x07")}},
			{{.path = "d",
				.type = '5',
				XATTR("system.posix_acl_default", ACL(ACL_SMALL))}}},
		{"ACL of another version", ERROR_XATTR,
			{{.path = "f", XATTR("system.posix_acl_access", "\x03\0\0\0" ACL_SMALL)}},
			{{.path = "p",
				.type = '6',
				XATTR("system.posix_acl_access", ACL(ACL_NAMED))}}},
		{"ACL without its header", ERROR_XATTR,
			{{.path = "f", XATTR("system.posix_acl_access", "\x02\0\0")}}, {{0}}},
		{"ACL that names somebody and has no mask", ERROR_XATTR,
			{{.path = "f", XATTR("system.posix_acl_access", ACL(ACL_NO_MASK))}},
			{{.path = "f", XATTR("system.posix_acl_access", ACL(ACL_NAMED))}}},
		{"ACL empty", ERROR_XATTR,
			{{.path = "f", XATTR("system.posix_acl_access", "\x02\0\0\0")}}, {{0}}},
		{"name of 256 bytes", ERROR_LIMIT,
			{{.path = "f", .xattr = name256, .xattr_value = "1", .xattr_bytes = 1}},
			{{.path = "f", .xattr = name255, .xattr_value = "1", .xattr_bytes = 1}}},
		{"value of 64 KiB + 1", ERROR_LIMIT,
			{{.path = "f",
				.xattr = "user.a",
				.xattr_value = big,
				.xattr_bytes = 65537}},
			{{.path = "f",
				.xattr = "user.a",
				.xattr_value = big,
				.xattr_bytes = 65536}}},
		{"ACL in text", ERROR_XATTR,
			{{.path = "f", .pax_raw = "31 SCHILY.acl.access=user::rw-\n"}}, {{0}}},
		{"overlay's, escaped by libarchive", ERROR_XATTR,
			{{.path = "d",
				.type = '5',
				.pax_raw = "50 LIBARCHIVE.xattr.trusted%2eoverlay%2eopaque=eQ\n"}},
			{{.path = "d",
				.type = '5',
				.pax_raw = "32 LIBARCHIVE.xattr.user%2ea=eQ\n"}}},
	};
	RUN_ROWS(rows);
}

static struct bytes many_xattrs(size_t count)
{
	struct bytes tar = {0}, pax = {0};
	for (size_t i = 0; i < count; i++) {
		char key[40];
		(void)snprintf(key, sizeof key, "SCHILY.xattr.user.%zu", i);
		pax_add(&pax, key, "1", 1);
	}
	tar_add_meta(&tar, 'x', pax.data, pax.size);
	tar_add(&tar, &(struct item){.path = "f"});
	tar_end(&tar);
	bytes_free(&pax);
	return tar;
}

static bool check_xattrs(const struct sandbox *sandbox, const struct unpack_result *result)
{
	char value[256];
	return result->user_xattrs == 2 && mode_of(sandbox, "f") == 0104755 &&
	       getxattr(in_root(sandbox, "f"), "security.capability", value, sizeof value) == 20 &&
	       getxattr(in_root(sandbox, "u"), "user.a", value, sizeof value) == 3 &&
	       memcmp(value, "1\0002", 3) == 0 &&
	       getxattr(in_root(sandbox, "d"), "user.empty", value, sizeof value) == 0 &&
	       getxattr(in_root(sandbox, "acl"), "system.posix_acl_access", value, sizeof value) ==
		       44 &&
	       mode_of(sandbox, "acl") == 0100674 &&
	       getxattr(in_root(sandbox, "acl/../x/inner"), "system.posix_acl_access", value,
		       sizeof value) == -1;
}

static ssize_t xattr_size(const struct sandbox *sandbox, const char *path, const char *name)
{
	return getxattr(in_root(sandbox, path), name, NULL, 0);
}

static bool check_two_xattrs(const struct sandbox *sandbox, const struct unpack_result *result)
{
	return xattr_size(sandbox, "f", "user.a") == 1 && xattr_size(sandbox, "f", "user.b") == 1 &&
	       result->user_xattrs == 3;
}

static bool check_replaced_xattrs(const struct sandbox *sandbox, const struct unpack_result *result)
{
	(void)result;
	return xattr_size(sandbox, "d", "user.a") < 0 && xattr_size(sandbox, "d", "user.b") == 1 &&
	       xattr_size(sandbox, "d", "system.posix_acl_access") < 0;
}

static void keeps_xattrs(void)
{
	struct bytes tar = many_xattrs(64);
	accept_tar("64 xattrs", &tar, NULL);
	tar = many_xattrs(65);
	refuse_tar("65 xattrs", &tar, ERROR_LIMIT);
	tar = many_xattrs(10000);
	refuse_tar("10,000 xattrs", &tar, ERROR_LIMIT);

	const struct item items[] = {
		{.path = "f", .mode = 04755, .uid = 5, XATTR("security.capability", CAP2)},
		{.path = "u", XATTR("user.a", "1\0002")},
		{.path = "d", .type = '5', XATTR("user.empty", "")},
		{.path = "acl", .mode = 0674, XATTR("system.posix_acl_access", ACL(ACL_NAMED))},
		{.path = "x", .type = '5', XATTR("system.posix_acl_default", ACL(ACL_NAMED))},
		{.path = "x/inner", .body = "inherits nothing"},
		{.path = "x/directory", .type = '5'}, {0}};
	tar = tar_of(items);
	accept_tar("kept, with modes; a default ACL is not inherited within the layer", &tar,
		check_xattrs);

	const struct item two[] = {
		{.path = "f",
			XATTR("user.a", "1"),
			.pax_raw = "25 SCHILY.xattr.user.b=2\n30 LIBARCHIVE.xattr.user.b=Mg\n"},
		{0}};
	tar = tar_of(two);
	accept_tar("two of one file", &tar, check_two_xattrs);
	const struct item again[] = {{.path = "d", .type = '5', XATTR("user.a", "1")},
		{.path = "d", .type = '5', XATTR("system.posix_acl_access", ACL(ACL_NAMED))},
		{.path = "d", .type = '5', XATTR("user.b", "2")}, {0}};
	tar = tar_of(again);
	accept_tar("a directory's third entry replaces what two before it set", &tar,
		check_replaced_xattrs);

	const struct item links[] = {{.path = "f", XATTR("security.capability", CAP2)},
		{.path = "h", .type = '1', .link = "f", XATTR("security.capability", CAP2)},
		{.path = "u", .type = '1', .link = "f", XATTR("user.a", "1")}, {0}};
	tar = tar_of(links);
	accept_tar("a hard link's are its file's (docker writes them)", &tar, NULL);
}

/* xattr_check() and the kernel agree on ACLs and capabilities. */
static void judges_xattrs_as_the_kernel_does(void)
{
	struct sandbox sandbox;
	uint64_t seed = 8;
	int accepted = 0, wrong = 0;
	sandbox_open(&sandbox);
	for (int i = 0; i < 30000; i++) {
		static const uint8_t acl[] = ACL(ACL_NAMED), cap[] = CAP2 "\0\0\0\0";
		uint8_t value[64];
		bool is_acl = i % 3 != 0;
		struct xattr x = {
			.name = is_acl ? XATTR_ACL_DEFAULT : "security.capability", .value = value};
		if (is_acl) {
			static const uint8_t tags[] = {1, 2, 4, 8, 16, 32, 64};
			memcpy(value, acl, 4);
			x.size_bytes = 4;
			size_t at_tag = 0;
			for (uint64_t n = random_below(&seed, 7); n > 0; n--, x.size_bytes += 8) {
				uint8_t *entry = value + x.size_bytes;
				memset(entry, 0xff, 8);
				at_tag += random_below(&seed, 3);
				entry[0] = tags[at_tag < 7 ? at_tag : 6];
				entry[1] = 0;
				entry[2] = (uint8_t)random_below(
					&seed, random_below(&seed, 10) == 0 ? 10 : 8);
				entry[3] = 0;
				if (random_below(&seed, 2) == 0)
					entry[4] = entry[5] = entry[6] = entry[7] = 0;
			}
			if (random_below(&seed, 20) == 0)
				value[random_below(&seed, 4)]++;
		} else {
			memcpy(value, cap, sizeof cap);
			x.size_bytes = random_below(&seed, 4) == 0
					       ? random_below(&seed, 25)
					       : 20 + 4 * random_below(&seed, 2);
			value[3] = x.size_bytes == 24 ? 3 : 2;
			if (random_below(&seed, 2) == 0)
				value[random_below(&seed, 4)] = (uint8_t)random_below(&seed, 5);
		}
		if (x.size_bytes < (is_acl ? 5 : 1))
			continue; /* to the kernel that is a removal, to us it is malformed */
		const char *path = is_acl ? sandbox.root : in_sandbox(&sandbox, "work/beside");
		bool ours = xattr_check(&x, is_acl ? '5' : '0', NULL) == 0;
		bool kernels = setxattr(path, x.name, value, x.size_bytes, 0) == 0;
		accepted += ours;
		wrong += ours != kernels;
	}
	ok(wrong == 0 && accepted > 300, "30,000 random values, %d of them taken, %d disagreements",
		accepted, wrong);
	sandbox_close(&sandbox);
}

static bool check_no_default_acl(const struct sandbox *sandbox, const struct unpack_result *result)
{
	struct stat st;
	return result->entries == 2 && stat(in_root(sandbox, "d"), &st) == 0 && st.st_mtime == 2 &&
	       getxattr(in_root(sandbox, "d"), "system.posix_acl_default", NULL, 0) == -1;
}

static void forgets_earlier_default_acls(void)
{
	const struct item items[] = {{.path = "d",
					     .type = '5',
					     .mtime = 1,
					     XATTR("system.posix_acl_default", ACL(ACL_NAMED))},
		{.path = "d", .type = '5', .mtime = 2}, {0}};
	struct bytes tar = tar_of(items);
	accept_tar("the last entry of a directory has no default ACL", &tar, check_no_default_acl);
}

/* --- limits and counts --------------------------------------------------------------------------
 */

static void charges(void)
{
	is_int((long long)unpack_charge(0, 0, 0), 0, "an empty file");
	is_int((long long)unpack_charge(1, 0, 0), 4096, "one byte");
	is_int((long long)unpack_charge(4096, 0, 0), 4096, "a page");
	is_int((long long)unpack_charge(4097, 5, 7), 8192 + 12,
		"a page and a byte, a target, xattrs");
}

/* 5 entries, 4096 + 8192 + 6 + 7 bytes. */
enum { COUNTED_ENTRIES = 5, COUNTED_BYTES = 12301 };
static struct bytes counted(void)
{
	static char two_pages[4097];
	const struct item items[] = {{.path = "d", .type = '5'}, {.path = "d/a", .body = "x"},
		{.path = "d/b", .body = two_pages, .body_bytes = sizeof two_pages},
		{.path = "l", .type = '2', .link = "target"},
		{.path = ".wh.u", XATTR("user.a", "1")}, {0}};
	return tar_of(items);
}

static void holds_signed_numbers(void)
{
	static const struct {
		const char *name;
		uint64_t bytes, entries;
		enum error_code code;
	} rows[] = {
		{"the right numbers", COUNTED_BYTES, COUNTED_ENTRIES, ERROR_NONE},
		{"one byte more is signed", COUNTED_BYTES + 1, COUNTED_ENTRIES, ERROR_SIZE},
		{"one byte less is signed", COUNTED_BYTES - 1, COUNTED_ENTRIES, ERROR_LIMIT},
		{"0 bytes are signed", 0, COUNTED_ENTRIES, ERROR_LIMIT},
		{"one entry more is signed", COUNTED_BYTES, COUNTED_ENTRIES + 1, ERROR_SIZE},
		{"one entry less is signed", COUNTED_BYTES, COUNTED_ENTRIES - 1, ERROR_LIMIT},
		{"0 entries are signed", COUNTED_BYTES, 0, ERROR_LIMIT},
	};
	for (int names_only = 0; names_only < 2; names_only++) {
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
			struct bytes tar = counted();
			struct layer layer;
			struct sandbox sandbox;
			struct unpack_result result;
			struct error e;
			layer_of_tar(&layer, MEDIA_TAR_ZSTD, &tar, ODD_PIECE_BYTES);
			layer.record.unpacked_bytes = rows[i].bytes;
			layer.record.entries = rows[i].entries;
			sandbox_open(&sandbox);
			int status = unpack_layer(&layer, &sandbox, names_only, &result, &e);
			if (rows[i].code == ERROR_NONE)
				ok(status == 0 && result.user_xattrs == 1, "%s %s", rows[i].name,
					e.text);
			else
				error_is(status, &e, rows[i].code, "%s", rows[i].name);
			if (status == 0)
				unpack_result_free(&result);
			ok(sandbox_untouched(&sandbox), "and nothing outside changed");
			sandbox_close(&sandbox);
			layer_free(&layer);
			bytes_free(&tar);
		}
	}
}

static void note_progress(void *context, uint64_t stored_bytes)
{
	*(uint64_t *)context = stored_bytes;
}

static void tells_its_progress(void)
{
	struct bytes tar = counted();
	struct layer layer;
	struct sandbox sandbox;
	struct unpack_result result;
	struct error e;
	uint64_t last = 0;
	const struct layer_unpack_options options = {.user_xattrs_supported = true,
		.progress = note_progress,
		.progress_context = &last};
	layer_of_tar(&layer, MEDIA_TAR_GZIP, &tar, ODD_PIECE_BYTES);
	layer.record.unpacked_bytes = COUNTED_BYTES;
	layer.record.entries = COUNTED_ENTRIES;
	sandbox_open(&sandbox);
	is_int(layer_unpack(
		       layer_source(&layer), &layer.record, sandbox.root_fd, &options, &result, &e),
		0, "with somebody to tell");
	is_int((long long)last, (long long)layer.blob.size, "the last word is all of it");
	unpack_result_free(&result);
	sandbox_close(&sandbox);
	layer_free(&layer);
	bytes_free(&tar);
}

static void holds_to_what_is_signed_of_user_xattrs(void)
{
	static const struct {
		enum user_xattrs said;
		bool supported;
		enum error_code code;
		bool set;
	} rows[] = {
		{USER_XATTRS_NONE, true, ERROR_XATTR, false},
		{USER_XATTRS_NONE, false, ERROR_XATTR, false},
		{USER_XATTRS_REQUIRED, true, ERROR_NONE, true},
		{USER_XATTRS_REQUIRED, false, ERROR_KERNEL, false},
		{USER_XATTRS_OPTIONAL, true, ERROR_NONE, true},
		{USER_XATTRS_OPTIONAL, false, ERROR_NONE, false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct item items[] = {{.path = "f", XATTR("user.a", "1")}, {0}};
		struct bytes tar = tar_of(items);
		struct layer layer;
		struct sandbox sandbox;
		struct unpack_result result = {0};
		struct error e;
		const struct layer_unpack_options options = {
			.user_xattrs_supported = rows[i].supported};
		layer_of_tar(&layer, MEDIA_TAR, &tar, ODD_PIECE_BYTES);
		layer.record.unpacked_bytes = 7;
		layer.record.entries = 1;
		layer.record.user_xattrs = rows[i].said;
		sandbox_open(&sandbox);
		int status = layer_unpack(layer_source(&layer), &layer.record, sandbox.root_fd,
			&options, &result, &e);
		if (rows[i].code != ERROR_NONE)
			error_is(status, &e, rows[i].code, "said %d, supported %d", rows[i].said,
				rows[i].supported);
		else
			ok(status == 0 && result.user_xattrs == 1 &&
					(getxattr(in_root(&sandbox, "f"), "user.a", NULL, 0) ==
						1) == rows[i].set,
				"said %d, supported %d: %s", rows[i].said, rows[i].supported,
				rows[i].set ? "set" : "left out, and counted");
		if (status == 0)
			unpack_result_free(&result);
		sandbox_close(&sandbox);
		layer_free(&layer);
		bytes_free(&tar);
	}
}

static void takes_deep_and_wide_trees(void)
{
	char path[4097];
	struct bytes tar = {0};
	for (size_t i = 0; i < 4095; i++)
		path[i] = i % 2 == 0 ? 'a' : '/';
	path[4095] = '\0';
	tar_add(&tar, &(struct item){.pax_path = path, .body = "deep"});
	tar_end(&tar);
	struct sandbox sandbox;
	struct unpack_result result;
	struct error e;
	sandbox_open(&sandbox);
	bool good = unpack_tar_bytes(&tar, MEDIA_TAR_ZSTD, &sandbox, false, &result, &e) == 0;
	ok(good && result.implied.count == 2048, "2,047 directories deep");
	unpack_result_free(&result);
	sandbox_close(&sandbox);
	bytes_free(&tar);

	char deeper[8001];
	for (size_t i = 0; i < 8000; i++)
		deeper[i] = i % 2 == 0 ? 'a' : '/';
	deeper[7999] = '\0';
	tar_add(&tar, &(struct item){.pax_path = deeper, .type = '5'});
	tar_end(&tar);
	refuse_tar("4,000 directories deep", &tar, ERROR_PATH);

	for (int i = 0; i < 20000; i++) {
		(void)snprintf(path, sizeof path, "w/%d", i);
		tar_add_header(&tar, tar_header(path, '0', 0));
	}
	tar_end(&tar);
	sandbox_open(&sandbox);
	good = unpack_tar_bytes(&tar, MEDIA_TAR_GZIP, &sandbox, false, &result, &e) == 0;
	ok(good && result.entries == 20001 && result.unpacked_bytes == 0,
		"20,000 empty files in a directory that is only implied");
	unpack_result_free(&result);
	sandbox_close(&sandbox);
	bytes_free(&tar);

	for (int i = 0; i < 200; i++) {
		(void)snprintf(path, sizeof path, "d%d", i);
		tar_add(&tar, &(struct item){.path = path, .type = '5', .mtime = i});
	}
	tar_end(&tar);
	sandbox_open(&sandbox);
	struct stat st;
	good = unpack_tar_bytes(&tar, MEDIA_TAR, &sandbox, false, &result, &e) == 0 &&
	       lstat(in_root(&sandbox, "d199"), &st) == 0 && st.st_mtim.tv_sec == 199;
	ok(good && result.entries == 200, "200 directories, with their times");
	unpack_result_free(&result);
	sandbox_close(&sandbox);
	bytes_free(&tar);
}

/* --- metadata -----------------------------------------------------------------------------------
 */

static bool check_metadata(const struct sandbox *sandbox, const struct unpack_result *result)
{
	struct stat st, other;
	bool good = lstat(in_root(sandbox, "d"), &st) == 0 && st.st_mode == 043711 &&
		    st.st_uid == 1 && st.st_gid == 2 && st.st_mtim.tv_sec == -2 &&
		    st.st_mtim.tv_nsec == 500000000;
	good &= lstat(in_root(sandbox, "d/suid"), &st) == 0 && st.st_mode == 0106755 &&
		st.st_uid == 70000 && st.st_gid == 70001 && st.st_mtim.tv_sec == 100;
	good &= lstat(in_root(sandbox, "d/link"), &other) == 0 && other.st_ino == st.st_ino &&
		other.st_nlink == 2;
	good &= lstat(in_root(sandbox, "d/symlink"), &st) == 0 && st.st_uid == 3 &&
		st.st_mtime == 7;
	good &= lstat(in_root(sandbox, "tty"), &st) == 0 && st.st_mode == 020620 &&
		st.st_rdev == makedev(4, 70000) && st.st_gid == 5 && st.st_mtime == 8;
	good &= lstat(in_root(sandbox, "pipe"), &st) == 0 && st.st_mode == 010604;
	good &= lstat(in_root(sandbox, "none"), &st) == 0 && st.st_mode == 0100000;
	good &= lstat(in_root(sandbox, "implied"), &st) == 0 && st.st_mode == 040755 &&
		st.st_mtime == 0 && st.st_uid == 0 && st.st_gid == 0;
	good &= lstat(in_root(sandbox, "implied/deeper"), &st) == 0 && st.st_mode == 040755 &&
		st.st_mtim.tv_sec == 0 && st.st_mtim.tv_nsec == 0;
	return good && result->implied.count == 3;
}

static void keeps_metadata(void)
{
	const struct item items[] = {
		{.path = "d", .type = '5', .mode = 03711, .uid = 1, .gid = 2, .pax_mtime = "-1.5"},
		{.path = "d/suid",
			.body = "x",
			.mode = 06755,
			.uid = 70000,
			.gid = 70001,
			.mtime = 100},
		{.path = "d/link", .type = '1', .link = "d/suid", .mode = 0600},
		{.path = "d/symlink", .type = '2', .link = "x", .uid = 3, .mtime = 7},
		{.path = "tty",
			.type = '3',
			.mode = 0620,
			.gid = 5,
			.major = 4,
			.minor = 70000,
			.mtime = 8},
		{.path = "pipe", .type = '6', .mode = 0604}, {.path = "none", .mode = 010000000},
		{.path = "implied/deeper/file", .body = "x"}, {0}};
	struct bytes tar = tar_of(items);
	mode_t before = umask(0077);
	accept_tar("owner, mode, time, whatever the umask", &tar, check_metadata);
	(void)umask(before);
}

/* Signed noise: an error or not, nothing outside changes. */
static void survives_noise(void)
{
	const struct item items[] = {{.path = "d", .type = '5'}, {.path = "d/a", .body = "x"},
		{.path = "l", .type = '2', .link = "../../canary"},
		{.path = "h", .type = '1', .link = "d/a"}, {.pax_path = "p", XATTR("user.a", "1")},
		{.path = "d/.wh.b"}, {.path = "l2", .type = '2', .link = "/"}, {0}};
	struct bytes tar = tar_of(items);
	uint64_t seed = 9;
	struct sandbox sandbox;
	int accepted = 0;
	sandbox_open(&sandbox);
	char canary[PATH_MAX];
	(void)snprintf(canary, sizeof canary, "%s/canary", sandbox.path);
	struct bytes before = list_tree(canary, NULL, LIST_IDENTITY);
	for (int i = 0; i < 3000; i++) {
		struct bytes damaged = {0};
		struct unpack_result result;
		struct error e;
		bytes_add(&damaged, tar.data, tar.size);
		size_t block = random_below(&seed, tar.size / 512) * 512;
		struct tar_header h;
		memcpy(&h, damaged.data + block, sizeof h);
		for (uint64_t n = 1 + random_below(&seed, 3); n > 0; n--) {
			static const char likely[] = "/..\0lhd.wh.0123456789=";
			((char *)&h)[random_below(&seed, random_below(&seed, 2) == 0 ? 30 : 512)] =
				likely[random_below(&seed, sizeof likely)];
		}
		if (memcmp(h.magic, "ustar", 5) == 0)
			tar_seal(&h);
		memcpy(damaged.data + block, &h, sizeof h);
		int status = unpack_tar_bytes(&damaged, MEDIA_TAR, &sandbox, false, &result, &e);
		accepted += status == 0;
		if (status == 0)
			unpack_result_free(&result);
		bytes_free(&damaged);
		scratch_remove(sandbox.root);
		(void)close(sandbox.root_fd);
		if (mkdir(sandbox.root, 0755) != 0)
			abort();
		sandbox.root_fd = open(sandbox.root, O_RDONLY | O_DIRECTORY);
	}
	/* The directory around the destination has changed with it; the canary must not. */
	struct bytes now = list_tree(canary, NULL, LIST_IDENTITY);
	ok(same_listing(&now, &before) && accepted > 0 && accepted < 3000,
		"3,000 damaged tars, %d accepted, nothing outside changed", accepted);
	bytes_free(&now);
	bytes_free(&before);
	sandbox_close(&sandbox);
	bytes_free(&tar);
}

int main(void)
{
	if (!have_root())
		return 0;
	refuses_broken_tars();
	refuses_bad_fields();
	refuses_what_is_read_in_two_ways();
	refuses_bad_extended_headers();
	takes_the_last_of_a_name();
	refuses_paths();
	refuses_absolute_symlinks_on_the_way();
	keeps_names_as_bytes();
	refuses_whiteouts();
	applies_whiteouts();
	lets_the_last_entry_win();
	refuses_xattrs();
	keeps_xattrs();
	forgets_earlier_default_acls();
	judges_xattrs_as_the_kernel_does();
	charges();
	holds_signed_numbers();
	holds_to_what_is_signed_of_user_xattrs();
	tells_its_progress();
	takes_deep_and_wide_trees();
	keeps_metadata();
	survives_noise();
	return done();
}
