/* layers/unpack.c: numbers, metadata, and tars that are bad beside those of the catalogue
 * (test_catalogue_tar.c). */
#include "random.h"
#include "verdicts.h"
#include "xattr_items.h"

/* --- tar ----------------------------------------------------------------------------------------
 */

static const struct item one_file[] = {{.path = "file", .body = "hello"}, {0}};

static void refuses_broken_tars(void)
{
	struct bytes tar = tar_of(one_file);
	accept_tar("twin of all of these", &tar, NULL);
	tar = tar_of(one_file);
	tar.size -= 512;
	refuse_tar("one end block", &tar, ERROR_TAR);
	tar = (struct bytes){0};
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
	struct tar_header h = tar_header("h", '1', 5);
	tar_text(h.link, sizeof h.link, "file");
	refuse_header("size on a hard link", h, ERROR_TAR);
	refuse_header("type X", tar_header("f", 'X', 0), ERROR_TYPE);
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
	META_ROW("mtime before 1970", 'x', "12 mtime=-1\n", ERROR_NONE);
	META_ROW("mtime of an exponent", 'x', "13 mtime=1e9\n", ERROR_TAR);
	META_ROW("linkpath on a file, where it says nothing", 'x', "14 linkpath=a\n", ERROR_NONE);
	META_ROW("device numbers in PAX", 'x', "22 SCHILY.devmajor=1\n\n", ERROR_TAR);

	static const struct {
		const char *name, *order;
	} stacked[] = {{"L before x", "Lx"}, {"two L in a row", "LL"}, {"x before g", "xg"}};
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

static void takes_wide_trees(void)
{
	char path[32];
	struct bytes tar = {0};
	struct sandbox sandbox;
	struct unpack_result result;
	struct error e;
	for (int i = 0; i < 200; i++) {
		(void)snprintf(path, sizeof path, "d%d", i);
		tar_add(&tar, &(struct item){.path = path, .type = '5', .mtime = i});
	}
	tar_end(&tar);
	sandbox_open(&sandbox);
	struct stat st;
	bool good = unpack_tar_bytes(&tar, MEDIA_TAR, &sandbox, false, &result, &e) == 0 &&
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
	charges();
	holds_to_what_is_signed_of_user_xattrs();
	tells_its_progress();
	takes_wide_trees();
	keeps_metadata();
	survives_noise();
	return done();
}
