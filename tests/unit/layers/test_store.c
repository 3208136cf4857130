/* layers/store.c, store_remove.c, synthetic.c: whole layers by identity, and what is made on top.
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "unpacking.h"

static struct sandbox sandbox; /* the destination is the store, layers/ in it the synthetic ones */

static void open_store(void)
{
	sandbox_open(&sandbox);
}

static void close_store(void)
{
	ok(sandbox_untouched(&sandbox), "nothing outside the store changed");
	sandbox_close(&sandbox);
}

/* A layer with the numbers that its record must have. */
static struct layer layer_of_items(const struct item *items)
{
	struct layer layer;
	struct bytes tar = {0};
	struct sandbox other;
	struct unpack_result result;
	struct error e;
	tar_add_all(&tar, items);
	tar_end(&tar);
	sandbox_open(&other);
	if (unpack_tar_bytes(&tar, MEDIA_TAR, &other, true, &result, &e) != 0) {
		printf("# %s\n", e.text);
		abort();
	}
	layer_of_tar(&layer, MEDIA_TAR_ZSTD, &tar, ODD_PIECE_BYTES);
	layer.record.entries = result.entries;
	layer.record.unpacked_bytes = result.unpacked_bytes;
	unpack_result_free(&result);
	sandbox_close(&other);
	bytes_free(&tar);
	return layer;
}

static int add(struct layer *layer, struct store_layer *out, struct error *e)
{
	const struct layer_unpack_options options = {.user_xattrs_supported = true};
	*e = (struct error){0};
	return store_add(sandbox.root_fd, layer_source(layer), &layer->record, &options, out, e);
}

static const struct item sample[] = {{.path = "file", .body = "hello"},
	{.path = "d/e/f", .body = "x"}, {.path = ".wh.gone"}, {.path = "o/.wh..wh..opq"}, {0}};

static const char *in_layer(const struct store_layer *layer, const char *path)
{
	static char full[PATH_MAX];
	char id[DIGEST_HEX + 1];
	digest_format_hex(&layer->id, id);
	(void)snprintf(full, sizeof full, "%s/%s/%s", sandbox.root, id, path);
	return full;
}

static size_t names_in(const char *path)
{
	size_t count = 0;
	DIR *dir = opendir(path);
	while (dir != NULL && readdir(dir) != NULL)
		count++;
	if (dir != NULL)
		(void)closedir(dir);
	return count - 2;
}

static void adds_once(void)
{
	struct layer layer = layer_of_items(sample);
	struct store_layer first, second;
	struct digest id;
	struct error e;
	char text[256] = {0}, value[4] = {0};
	open_store();
	mode_t before = umask(0077);
	ok(add(&layer, &first, &e) == 0 && !first.reused && !first.hides_lower,
		"a layer is added %s", e.text);
	(void)umask(before);
	ok(layer_record_id(&layer.record, &id, &e) == 0 && digest_equal(&id, &first.id),
		"by the digest of its signed record");
	is_int((long long)names_in(sandbox.root), 1, "there is nothing else in the store");

	struct stat st;
	ok(stat(in_layer(&first, "root"), &st) == 0 && st.st_mode == 040755, "its root is 0755");
	ok(stat(in_layer(&first, ""), &st) == 0 && st.st_mode == 040700,
		"in a directory that is 0700");
	int fd = open(in_layer(&first, "implied"), O_RDONLY);
	static const char want[] = "m\0md\0md/e\0mo";
	ok(read(fd, text, sizeof text) == sizeof want && memcmp(text, want, sizeof want) == 0,
		"what is only implied is listed");
	(void)close(fd);
	ok(getxattr(in_layer(&first, "root/o"), "trusted.overlay.opaque", value, sizeof value) ==
				1 &&
			value[0] == 'y',
		"what is opaque is marked");
	ok(getxattr(in_layer(&first, "root/d"), "trusted.overlay.opaque", value, sizeof value) ==
			-1,
		"and nothing else is");

	struct source *source = layer_source(&layer);
	layer.source.layer.missing = layer.source.table.missing = true;
	const struct layer_unpack_options options = {.user_xattrs_supported = true};
	ok(store_add(sandbox.root_fd, source, &layer.record, &options, &second, &e) == 0 &&
			second.reused && digest_equal(&first.id, &second.id),
		"it is reused, without its blob");

	layer.record.entries++; /* as signed by somebody else: another identity */
	error_is(store_add(sandbox.root_fd, layer_source(&layer), &layer.record, &options, &second,
			 &e),
		&e, ERROR_SIZE, "the same blob, signed with other numbers, is unpacked anew");
	is_int((long long)names_in(sandbox.root), 1, "and leaves nothing");
	close_store();
	layer_free(&layer);
}

static void leaves_nothing_after_a_failure(void)
{
	struct layer layer = layer_of_items(sample);
	struct store_layer out;
	struct error e;
	open_store();
	layer.blob.data[layer.blob.size - 1] ^= 1;
	memset(&out, UNTOUCHED, sizeof out);
	error_is(
		add(&layer, &out, &e), &e, ERROR_DIGEST, "the last byte of the last piece differs");
	ok(is_untouched(&out, sizeof out) && names_in(sandbox.root) == 0, "nothing is left of it");
	layer.blob.data[layer.blob.size - 1] ^= 1;

	/* What a kill left behind. */
	char id[DIGEST_HEX + 1], left[DIGEST_HEX + 32];
	struct digest digest;
	if (layer_record_id(&layer.record, &digest, &e) != 0)
		abort();
	digest_format_hex(&digest, id);
	(void)snprintf(left, sizeof left, "new-%s", id);
	if (mkdir(in_root(&sandbox, left), 0700) != 0)
		abort();
	(void)snprintf(left, sizeof left, "new-%s/root", id);
	if (mkdir(in_root(&sandbox, left), 0700) != 0)
		abort();
	(void)snprintf(left, sizeof left, "new-%s/root/file", id);
	write_file(in_root(&sandbox, left), "old", 3);
	(void)snprintf(left, sizeof left, "new-%s/other", id);
	write_file(in_root(&sandbox, left), "old", 3);
	ok(add(&layer, &out, &e) == 0 && names_in(sandbox.root) == 1 &&
			access(in_layer(&out, "other"), F_OK) != 0,
		"what was left unfinished is removed first %s", e.text);
	is_int((long long)names_in(in_layer(&out, "root")), 4, "the layer is whole");
	close_store();
	layer_free(&layer);
}

static void knows_opaque_roots(void)
{
	static const struct item items[] = {
		{.path = ".wh..wh..opq"}, {.path = "a", .body = "x"}, {0}};
	struct layer layer = layer_of_items(items);
	struct store_layer out;
	struct error e;
	open_store();
	ok(add(&layer, &out, &e) == 0 && out.hides_lower && !out.reused,
		"an opaque root hides lower layers");
	ok(add(&layer, &out, &e) == 0 && out.hides_lower && out.reused, "also when reused");
	close_store();
	layer_free(&layer);
}

static void counts_skipped_xattrs(void)
{
	static const struct item items[] = {
		{.path = "a", .xattr = "user.a", .xattr_value = "1", .xattr_bytes = 1},
		{.path = "b", .xattr = "user.a", .xattr_value = "1", .xattr_bytes = 1}, {0}};
	struct layer layer = layer_of_items(items);
	struct store_layer out;
	struct error e;
	open_store();
	layer.record.user_xattrs = USER_XATTRS_OPTIONAL;
	const struct layer_unpack_options options = {.user_xattrs_supported = false};
	ok(store_add(sandbox.root_fd, layer_source(&layer), &layer.record, &options, &out, &e) ==
				0 &&
			out.user_xattrs_skipped == 2 &&
			getxattr(in_layer(&out, "root/a"), "user.a", NULL, 0) == -1,
		"two user.* xattrs are left out");
	close_store();
	layer_free(&layer);
}

static void tells_its_need(void)
{
	struct layer_record record = {.unpacked_bytes = 100000, .entries = 10};
	uint64_t tmpfs, kernel;
	store_need(&record, 4096, &tmpfs, &kernel);
	ok(tmpfs == 100000 && kernel == 12290, "with pages of 4 KiB");
	store_need(&record, 65536, &tmpfs, &kernel);
	ok(tmpfs == 100000 + 10 * 61440, "with pages of 64 KiB");
	record.unpacked_bytes = UINT64_MAX - 5;
	record.entries = UINT64_MAX / 2;
	store_need(&record, 65536, &tmpfs, &kernel);
	ok(tmpfs == UINT64_MAX && kernel == UINT64_MAX, "never around the end");
}

/* --- the synthetic layer ------------------------------------------------------------------------
 */

#define ACL_DEFAULT                                                                                \
	.xattr = "system.posix_acl_default",                                                       \
	.xattr_value = "\x02\0\0\0\x01\0\x07\0\xff\xff\xff\xff\x02\0\x06\0\xe8\x03\0\0"            \
		       "\x04\0\x05\0\xff\xff\xff\xff\x10\0\x07\0\xff\xff\xff\xff\x20\0\x05\0\xff"  \
		       "\xff\xff\xff",                                                             \
	.xattr_bytes = 44
#define USER_A .xattr = "user.a", .xattr_value = "1", .xattr_bytes = 1
#define ACL_TEXT                                                                                   \
	" system.posix_acl_default=\\02\\00\\00\\00\\01\\00\\07\\00\\ff\\ff\\ff\\ff"               \
	"\\02\\00\\06\\00\\e8\\03\\00\\00\\04\\00\\05\\00\\ff\\ff\\ff\\ff"                         \
	"\\10\\00\\07\\00\\ff\\ff\\ff\\ff\\20\\00\\05\\00\\ff\\ff\\ff\\ff"
#define PLAIN_ROOT ". 040755 0:0 0.000000000\n"

struct synthetic_case {
	const char *name;
	struct item layers[3][6]; /* bottom first */
	const char *want;
};

static const struct synthetic_case synthetic_cases[] = {
	{"nothing is wrong with layers that describe all",
		{{{.path = ".", .type = '5', .mode = 0700, .mtime = 9}, {.path = "d", .type = '5'},
			 {.path = "d/f"}},
			{{.path = "d", .type = '5'}, {.path = "d/g"}}},
		". 040700 0:0 9.000000000\n"},
	{"no layer describes anything", {{{.path = "d/e/f"}}, {{.path = "d/e/g"}}}, PLAIN_ROOT},
	{"an implied directory shows the one below",
		{{{.path = "d",
			 .type = '5',
			 .mode = 02700,
			 .uid = 5,
			 .gid = 6,
			 .pax_mtime = "-100.5",
			 USER_A}},
			{{.path = "d/f"}}},
		PLAIN_ROOT "./d 042700 5:6 -101.500000000 user.a=1\n"},
	{"through two that imply it",
		{{{.path = "d", .type = '5', .mode = 0711, .mtime = 3}}, {{.path = "d/f"}},
			{{.path = "d/g"}}},
		PLAIN_ROOT "./d 040711 0:0 3.000000000\n"},
	{"not when a later one describes it",
		{{{.path = "d", .type = '5', .mode = 0711}}, {{.path = "d/f"}},
			{{.path = "d", .type = '5', .mode = 0700}}},
		PLAIN_ROOT},
	{"not what only the lowest implies",
		{{{.path = "d/f"}}, {{.path = "d", .type = '5', .mode = 0700}}}, PLAIN_ROOT},
	{"nor through a parent that is opaque in between",
		{{{.path = "o/q", .type = '5', .mode = 0701}},
			{{.path = "o", .type = '5', .mode = 0750, .mtime = 5},
				{.path = "o/.wh..wh..opq"}},
			{{.path = "o/q/g"}}},
		PLAIN_ROOT "./o 040750 0:0 5.000000000\n"},
	{"the root is always described",
		{{{.path = ".", .type = '5', .mode = 01777, .uid = 7, .mtime = 4}}, {{.path = "f"}},
			{{.path = "g"}}},
		". 041777 7:0 4.000000000\n"},
	{"parents on the way, with a time and a default ACL of their own",
		{{{.path = "a", .type = '5', .mode = 0750, .mtime = 8, ACL_DEFAULT},
			 {.path = "a/b", .type = '5', .mode = 0705, .mtime = 7},
			 {.path = "a/b/c", .type = '5', .mode = 0701, .mtime = 6}},
			{{.path = "a/b/c/f"}}},
		PLAIN_ROOT "./a 040750 0:0 8.000000000" ACL_TEXT "\n./a/b 040705 0:0 7.000000000\n"
			   "./a/b/c 040701 0:0 6.000000000\n"},
	{"parents that nobody describes are plain",
		{{{.path = "a/b", .type = '5', .mode = 0700, .mtime = 6}}, {{.path = "a/b/f"}}},
		PLAIN_ROOT "./a 040755 0:0 0.000000000\n./a/b 040700 0:0 6.000000000\n"},
	{"a removed directory that comes back is new",
		{{{.path = "d", .type = '5', .mode = 0700}}, {{.path = ".wh.d"}, {.path = "d/f"}}},
		PLAIN_ROOT},
	{"whichever comes first in the layer",
		{{{.path = "d", .type = '5', .mode = 0700}}, {{.path = "d/f"}, {.path = ".wh.d"}}},
		PLAIN_ROOT},
	{"also when a layer above implies it",
		{{{.path = "d", .type = '5', .mode = 0700}}, {{.path = ".wh.d"}, {.path = "d/f"}},
			{{.path = "d/g"}}},
		PLAIN_ROOT},
	{"removed by a layer between",
		{{{.path = "d", .type = '5', .mode = 0700}}, {{.path = ".wh.d"}},
			{{.path = "d/g"}}},
		PLAIN_ROOT},
	{"removed by the topmost",
		{{{.path = "d", .type = '5', .mode = 0700}}, {{.path = "d/f"}},
			{{.path = ".wh.d"}}},
		PLAIN_ROOT},
	{"its parent is removed by the topmost",
		{{{.path = "p/d", .type = '5', .mode = 0700}}, {{.path = "p/d/f"}},
			{{.path = ".wh.p"}}},
		PLAIN_ROOT},
	{"the topmost has a file there",
		{{{.path = "d", .type = '5', .mode = 0700}}, {{.path = "d/f"}}, {{.path = "d"}}},
		PLAIN_ROOT},
	{"the topmost has a symlink there",
		{{{.path = "d", .type = '5', .mode = 0700}}, {{.path = "d/f"}},
			{{.path = "d", .type = '2', .link = "/"}}},
		PLAIN_ROOT},
	{"a file below hides what is below that",
		{{{.path = "d", .type = '5', .mode = 0700}}, {{.path = "d"}}, {{.path = "d/f"}}},
		PLAIN_ROOT},
	{"opaque: the directory stays the lower one, its children do not",
		{{{.path = "a", .type = '5', .mode = 0711, .mtime = 2},
			 {.path = "a/b", .type = '5', .mode = 0700}},
			{{.path = "a/.wh..wh..opq"}, {.path = "a/b/f"}}},
		PLAIN_ROOT "./a 040711 0:0 2.000000000\n"},
	{"an opaque root: so too",
		{{{.path = ".", .type = '5', .mode = 0711, .mtime = 2},
			 {.path = "a", .type = '5', .mode = 0700}},
			{{.path = ".wh..wh..opq"}, {.path = "a/f"}}},
		". 040711 0:0 2.000000000\n"},
	{"names that sort between a directory and its children",
		{{{.path = "a", .type = '5', .mode = 0700, .mtime = 2},
			 {.path = "a-b", .type = '5', .mode = 0701, .mtime = 3},
			 {.path = "a/c", .type = '5', .mode = 0702, .mtime = 4}},
			{{.path = "a-b/f"}, {.path = "a/c/f"}}},
		PLAIN_ROOT "./a 040700 0:0 2.000000000\n./a/c 040702 0:0 4.000000000\n./a-b 040701 "
			   "0:0 3.000000000\n"},
	/* overlayfs lists the whiteouts in a directory that it merges with nothing. */
	{"a whiteout in a directory that no other layer has",
		{{{.path = "d", .type = '5', .mode = 0700, .mtime = 2}, {.path = "d/.wh.x"}}},
		PLAIN_ROOT "./d 040700 0:0 2.000000000\n"},
	{"in one that is only implied", {{{.path = "d/.wh.x"}, {.path = "d/.wh.y"}}},
		PLAIN_ROOT "./d 040755 0:0 0.000000000\n"},
	{"not where there is one below",
		{{{.path = "d", .type = '5'}}, {{.path = "d", .type = '5'}, {.path = "d/.wh.x"}}},
		PLAIN_ROOT},
	{"nor above",
		{{{.path = "d", .type = '5'}, {.path = "d/.wh.x"}}, {{.path = "d", .type = '5'}}},
		PLAIN_ROOT},
	{"but where it hides the one below",
		{{{.path = "d", .type = '5'}},
			{{.path = "d", .type = '5', .mode = 0701, .mtime = 3},
				{.path = "d/.wh..wh..opq"}, {.path = "d/.wh.x"}}},
		PLAIN_ROOT "./d 040701 0:0 3.000000000\n"},
	{"or a parent of it does",
		{{{.path = "d/e", .type = '5', .mode = 0700}},
			{{.path = "d/.wh..wh..opq"}, {.path = "d/e/.wh.x"}}},
		PLAIN_ROOT "./d 040755 0:0 0.000000000\n./d/e 040755 0:0 0.000000000\n"},
	{"a directory with one is removed",
		{{{.path = "d", .type = '5'}, {.path = "d/.wh.x"}}, {{.path = ".wh.d"}}},
		PLAIN_ROOT},
	{"one with one becomes a file",
		{{{.path = "d/x/.wh.y"}, {.path = "d/.wh.z"}}, {{.path = "d/x"}}}, PLAIN_ROOT},
	{"one whiteout is replaced by the layer's own entry, one stays",
		{{{.path = "d/.wh.x"}, {.path = "e/.wh.y"}, {.path = "d/.wh.z"}, {.path = "d/x"}}},
		PLAIN_ROOT "./d 040755 0:0 0.000000000\n./e 040755 0:0 0.000000000\n"},
};

static void makes_synthetic_layers(void)
{
	for (size_t i = 0; i < sizeof synthetic_cases / sizeof *synthetic_cases; i++) {
		const struct synthetic_case *c = &synthetic_cases[i];
		struct digest ids[3];
		size_t count = 0;
		struct error e = {0};
		open_store();
		while (count < 3 && c->layers[count][0].path != NULL) {
			struct item items[7] = {0};
			struct store_layer added;
			memcpy(items, c->layers[count], sizeof c->layers[count]);
			struct layer layer = layer_of_items(items);
			if (add(&layer, &added, &e) != 0) {
				ok(false, "%s: %s", c->name, e.text);
				abort();
			}
			ids[count++] = added.id;
			layer_free(&layer);
		}
		mode_t before = umask(0077);
		int result = store_make_synthetic(
			sandbox.root_fd, ids, count, sandbox.root_fd, "synthetic", &e);
		(void)umask(before);
		struct bytes got = list_tree(in_root(&sandbox, "synthetic"), NULL, 0);
		struct bytes want = {0};
		bytes_add(&want, c->want, strlen(c->want) + 1);
		ok(result == 0 && same_listing(&got, &want), "synthetic: %s%s", c->name, e.text);
		bytes_free(&want);
		bytes_free(&got);
		if (!sandbox_untouched(&sandbox))
			ok(false, "nothing outside changed");
		sandbox_close(&sandbox);
	}
}

/* As long as a path can be, and through many layers, which all imply directories of their own. */
static void makes_deep_synthetic_layers(void)
{
	enum { LAYERS = 60, LEVELS = 80, PART = 51, LENGTH = LEVELS * PART - 1 };
	static char path[LENGTH + 17];
	struct digest ids[LAYERS];
	struct store_layer added;
	struct error e = {0};
	struct stat st;
	bool good = true;
	memset(path, 'd', LENGTH + 16);
	for (size_t i = PART - 1; i <= LENGTH; i += PART)
		path[i] = '/';
	open_store();
	for (size_t i = 0; i < LAYERS; i++) {
		char own[32];
		(void)snprintf(own, sizeof own, "own/%zu/file", i);
		struct item items[3] = {{.path = own}, {0}};
		path[LENGTH] = '\0';
		if (i == 0)
			items[0] = (struct item){.pax_path = path, .type = '5', .mode = 0705};
		if (i == LAYERS - 1) {
			path[LENGTH] = '/';
			items[1] = (struct item){.pax_path = path};
		}
		struct layer layer = layer_of_items(items);
		good &= add(&layer, &added, &e) == 0;
		ids[i] = added.id;
		layer_free(&layer);
	}
	good &= strlen(path) == LIMIT_PATH_BYTES;
	path[LENGTH] = '\0';
	good &= store_make_synthetic(
			sandbox.root_fd, ids, LAYERS, sandbox.root_fd, "synthetic", &e) == 0;
	int fd = open(in_root(&sandbox, "synthetic"), O_RDONLY | O_DIRECTORY);
	ok(good && fstatat(fd, path, &st, 0) == 0 && st.st_mode == 040705,
		"through %d layers, %d levels down %s", LAYERS, LEVELS, e.text);
	(void)close(fd);
	is_int((long long)names_in(in_root(&sandbox, "synthetic")), 1,
		"and what only these imply is not there");
	close_store();
}

static void reports_missing_layers(void)
{
	struct digest id = {0};
	struct error e;
	open_store();
	error_is(store_make_synthetic(sandbox.root_fd, &id, 1, sandbox.root_fd, "synthetic", &e),
		&e, ERROR_MISSING, "a layer that is not in the store");
	ok(sandbox_root_is_empty(&sandbox), "makes nothing");
	close_store();
}

static void copies_much_metadata(void)
{
	struct bytes tar = {0}, pax = {0};
	struct layer lower, upper;
	struct store_layer added;
	struct digest ids[2];
	struct error e;
	for (size_t i = 0; i < 64; i++) {
		char key[300];
		(void)snprintf(key, sizeof key, "SCHILY.xattr.user.%0248zu", i);
		pax_add(&pax, key, "1", 1);
	}
	tar_add_meta(&tar, 'x', pax.data, pax.size);
	tar_add(&tar, &(struct item){.path = "d", .type = '5'});
	tar_end(&tar);
	layer_of_tar(&lower, MEDIA_TAR, &tar, ODD_PIECE_BYTES);
	lower.record.entries = 1;
	lower.record.unpacked_bytes = 64 * 254;
	upper = layer_of_items((const struct item[]){{.path = "d/f"}, {0}});
	open_store();
	bool good = add(&lower, &added, &e) == 0;
	ids[0] = added.id;
	good &= add(&upper, &added, &e) == 0;
	ids[1] = added.id;
	good &= store_make_synthetic(sandbox.root_fd, ids, 2, sandbox.root_fd, "synthetic", &e) ==
		0;
	static char names[65536];
	ok(good && listxattr(in_root(&sandbox, "synthetic/d"), names, sizeof names) == 64 * 254,
		"a directory with 64 xattrs of 253 bytes %s", e.text);

	/* trusted.overlay.* means something else in another place. */
	int from = open(in_root(&sandbox, "synthetic/d"), O_RDONLY);
	(void)fsetxattr(from, "trusted.overlay.opaque", "y", 1, 0);
	if (mkdir(in_root(&sandbox, "copy"), 0700) != 0)
		abort();
	int to = open(in_root(&sandbox, "copy"), O_RDONLY);
	ok(store_copy_metadata(from, to, &e) == 0 &&
			fgetxattr(to, "trusted.overlay.opaque", NULL, 0) == -1 &&
			flistxattr(to, names, sizeof names) == 64 * 254,
		"trusted.overlay.* is not copied");
	(void)close(from);
	(void)close(to);
	close_store();
	layer_free(&lower);
	layer_free(&upper);
	bytes_free(&tar);
	bytes_free(&pax);
}

/* --- removing -----------------------------------------------------------------------------------
 */

static void make_deep(const char *name, int levels)
{
	int fd = dup(sandbox.root_fd);
	for (int i = 0; i < levels; i++) {
		const char *step = i == 0 ? name : "directory-with-a-longer-name";
		if (mkdirat(fd, step, 0700) != 0)
			abort();
		int next = openat(fd, step, O_RDONLY | O_DIRECTORY);
		(void)close(fd);
		fd = next;
		int file = openat(fd, "file", O_WRONLY | O_CREAT, 0600);
		(void)close(file);
		if (symlinkat("../../canary", fd, "link") != 0)
			abort();
	}
	(void)close(fd);
}

static void removes(void)
{
	struct error e = {0};
	open_store();
	is_int(store_remove(sandbox.root_fd, "nothing", &e), 0, "a name that is not there");
	write_file(in_root(&sandbox, "file"), "x", 1);
	is_int(store_remove(sandbox.root_fd, "file", &e), 0, "a file");
	if (symlink("../../canary", in_root(&sandbox, "link")) != 0)
		abort();
	is_int(store_remove(sandbox.root_fd, "link", &e), 0, "a symlink, not what it points to");
	make_deep("deep", 2000);
	is_int(store_remove(sandbox.root_fd, "deep", &e), 0,
		"a tree of 2,000 levels, beyond PATH_MAX %s", e.text);
	make_deep("wide", 1);
	for (int i = 0; i < 20000; i++) {
		char name[32];
		(void)snprintf(name, sizeof name, "wide/%d", i);
		if (i % 100 == 0 ? mkdir(in_root(&sandbox, name), 0700) != 0
				 : mknod(in_root(&sandbox, name), S_IFREG | 0600, 0) != 0)
			abort();
	}
	is_int(store_remove(sandbox.root_fd, "wide", &e), 0, "a directory of 20,000 names %s",
		e.text);
	/* Names that removal itself would give. */
	for (int i = 0; i < 20; i++) {
		char name[64];
		if (i == 0 && mkdir(in_root(&sandbox, "names"), 0700) != 0)
			abort();
		(void)snprintf(name, sizeof name, "names/.removing-%d", i);
		bool made = mkdir(in_root(&sandbox, name), 0700) == 0;
		(void)snprintf(name, sizeof name, "names/.removing-%d/a", i);
		made &= mkdir(in_root(&sandbox, name), 0700) == 0;
		(void)snprintf(name, sizeof name, "names/.removing-%d/a/b", i);
		made &= mkdir(in_root(&sandbox, name), 0700) == 0;
		if (!made)
			abort();
	}
	is_int(store_remove(sandbox.root_fd, "names", &e), 0, "names that removal itself gives %s",
		e.text);
	ok(sandbox_root_is_empty(&sandbox), "all of it is gone");
	close_store();
}

/* In a mount namespace of its own; 2: it cannot have one here. */
static int try_mounted(void)
{
	struct error e;
	int fd = sandbox.root_fd;
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		mkdirat(fd, "top", 0700) != 0 || mkdirat(fd, "top/mounted", 0700) != 0 ||
		mount("none", in_root(&sandbox, "top/mounted"), "tmpfs", 0, NULL) != 0)
		return 2;
	write_file(in_root(&sandbox, "top/mounted/file"), "x", 1);
	int result = store_remove(fd, "top", &e);
	return result == -1 && e.code == ERROR_IO &&
			       access(in_root(&sandbox, "top/mounted/file"), F_OK) == 0
		       ? 0
		       : 1;
}

static void stays_on_its_file_system(void)
{
	int status = 0;
	open_store();
	pid_t child = fork();
	if (child == 0)
		_exit(try_mounted());
	if (waitpid(child, &status, 0) != child)
		abort();
	ok(WIFEXITED(status) && WEXITSTATUS(status) != 1,
		"what is mounted in it is IO, and stays%s",
		WIFEXITED(status) && WEXITSTATUS(status) == 2 ? " # SKIP no mounts here" : "");
	close_store();
}

int main(void)
{
	if (!have_root())
		return 0;
	adds_once();
	leaves_nothing_after_a_failure();
	knows_opaque_roots();
	counts_skipped_xattrs();
	tells_its_need();
	makes_synthetic_layers();
	makes_deep_synthetic_layers();
	reports_missing_layers();
	copies_much_metadata();
	removes();
	stays_on_its_file_system();
	return done();
}
