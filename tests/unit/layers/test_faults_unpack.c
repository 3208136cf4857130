/* What writes, when memory or the store fails at any call: P11 for unpacking, the store and the
 * synthetic layer. What survives a failure must be, entry for entry, what comes without one. */
#include "faults.h"

#include "layers/tree.h"
#include "unpacking.h"

#define CAPABILITY "\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ACL                                                                                        \
	"\x02\0\0\0\x01\0\x06\0\xff\xff\xff\xff\x04\0\x04\0\xff\xff\xff\xff\x20\0\x04\0\xff\xff"   \
	"\xff\xff"
#define ACL_NAMED                                                                                  \
	"\x02\0\0\0\x01\0\x07\0\xff\xff\xff\xff\x02\0\x06\0\xe8\x03\0\0\x04\0\x05\0\xff"           \
	"\xff\xff\xff\x10\0\x07\0\xff\xff\xff\xff\x20\0\x05\0\xff\xff\xff\xff"
#define XATTR(name, value) .xattr = name, .xattr_value = value, .xattr_bytes = sizeof(value) - 1

/* Every way into the tree, and each entry that another one has to make way for. */
static const struct item many[] = {
	{.path = ".", .type = '5', .mode = 0755, .mtime = 5},
	{.path = "file",
		.body = "hello",
		.mtime = 7,
		.uid = 3,
		XATTR("security.capability", CAPABILITY)},
	{.path = "file", .body = "again", .mtime = 8, XATTR("system.posix_acl_access", ACL)},
	{.path = "d",
		.type = '5',
		.mode = 0711,
		.mtime = 9,
		XATTR("system.posix_acl_access", ACL_NAMED)},
	{.path = "d/link", .type = '2', .link = "../file", .mtime = 1, .uid = 9},
	{.path = "d/hard", .type = '1', .link = "file"},
	{.path = "d",
		.type = '5',
		.mode = 0700,
		.mtime = 4,
		XATTR("system.posix_acl_default", ACL)},
	{.path = "d/fifo", .type = '6', .mtime = 3, XATTR("system.posix_acl_access", ACL_NAMED)},
	{.path = "d/null", .type = '3', .major = 1, .minor = 3, .uid = 9},
	{.path = "d/disk", .type = '4', .major = 7, .minor = 1},
	{.path = "implied/deep/file", .body = "x"},
	{.pax_path = "pax", .type = '2', .pax_link = "target"},
	{.path = ".wh.gone"},
	{.path = "gone/x", .body = "y"},
	{.path = ".wh.file"},
	{.path = "file2", .body = "to be a directory"},
	{.path = "file2", .type = '5', .mode = 0750},
	{.path = "implied/.wh..wh..opq"},
	{.path = "fresh/.wh..wh..opq"},
	{.path = "gone2", .type = '5'},
	{.path = ".wh.gone2"},
	{.path = ".wh.gone3"},
	{.path = "gone3", .body = "z"},
	{.path = "able", .body = "x", XATTR("security.capability", CAPABILITY)},
	{.path = "e", .type = '5'},
	{.path = "e", .body = "no directory any more"},
	{0},
};

/* Down further than directories stay open, and back to some that were closed; what children would
 * inherit; and a name that begins as another one. */
#define DEEP_PATH                                                                                  \
	"far/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/31/" \
	"32/33/34"
static const struct item deep[] = {
	{.path = ".", .type = '5', .mode = 0755, .mtime = 5},
	{.path = DEEP_PATH "/file", .body = "x"},
	{.path = "far/again/file", .body = "x"},
	{.path = DEEP_PATH "/file2", .body = "x"},
	{.path = "far/file", .body = "x"},
	{.path = DEEP_PATH "/file3", .body = "x"},
	{.path = "farther/file", .body = "x"},
	{.path = "group", .type = '5', .mode = 02750, .gid = 7, .mtime = 6},
	{.path = "group/file", .body = "x"},
	{.path = "far/.wh.nothing"},
	{.path = ".wh.link"},
	{.path = "link", .type = '2', .link = "group", .mtime = 2},
	{0},
};

static struct bytes tar;
static size_t opaque_directories;
static bool names_only;
static struct bytes expected; /* the listing without a failure */

/* Is the tree at `path` as it was the first time? */
static bool is_expected(const char *path, int flags)
{
	struct bytes now = list_tree(path, NULL, flags);
	if (expected.data == NULL) {
		expected = now;
		return true;
	}
	bool same = same_listing(&now, &expected);
	bytes_free(&now);
	return same;
}

static int unpack(struct error *e)
{
	char path[128];
	struct layer layer;
	struct stream *stream = NULL;
	struct decoder *decoder = NULL;
	struct unpack_result result;
	const struct unpack_options options = {.max_unpacked_bytes = UINT64_C(1) << 32,
		.max_entries = 1000000,
		.names_only = names_only};
	scratch_make(path);
	int root_fd = open(path, O_RDONLY | O_DIRECTORY);
	layer_of_tar(&layer, MEDIA_TAR, &tar, ODD_PIECE_BYTES);
	memset(&result, UNTOUCHED, sizeof result);
	/* One that is not a layer's, and stays. */
	if (!names_only && fsetxattr(root_fd, "trusted.test", "1", 1, 0) != 0)
		abort();
	if (root_fd < 0 || stream_open(layer_source(&layer), &layer.record, &stream, e) != 0 ||
		decoder_open(MEDIA_TAR, stream_feed(stream), &decoder, e) != 0)
		abort();
	faults_begin();
	int status = unpack_tar(decoder, root_fd, &options, &result, e);
	faults_end();
	decoder_close(decoder);
	stream_close(stream);
	layer_free(&layer);
	(void)close(root_fd);
	if (status == 0) {
		status = result.opaque.count == opaque_directories &&
					 is_expected(path, names_only ? LIST_TIMELESS : 0)
				 ? 0
				 : FAULTS_WRONG;
		unpack_result_free(&result);
	} else if (!is_untouched(&result, sizeof result)) {
		status = FAULTS_WRONG;
	}
	scratch_remove(path);
	return status;
}

/* --- the store */

static struct layer layer_for(enum media media)
{
	struct layer layer;
	struct unpack_result result;
	struct sandbox sandbox;
	struct error e;
	layer_of_tar(&layer, media, &tar, ODD_PIECE_BYTES);
	sandbox_open(&sandbox);
	if (unpack_tar_bytes(&tar, MEDIA_TAR, &sandbox, true, &result, &e) != 0)
		abort();
	layer.record.entries = result.entries;
	layer.record.unpacked_bytes = result.unpacked_bytes;
	unpack_result_free(&result);
	sandbox_close(&sandbox);
	return layer;
}

static bool is_empty(const char *path)
{
	size_t count = 0;
	DIR *dir = opendir(path);
	if (dir == NULL)
		abort();
	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count == 2;
}

static enum media store_media;

static int add_to_store(struct error *e)
{
	char path[128];
	struct layer layer = layer_for(store_media);
	struct store_layer out;
	const struct layer_unpack_options options = {.user_xattrs_supported = true};
	scratch_make(path);
	int store_fd = open(path, O_RDONLY | O_DIRECTORY);
	struct source *source = layer_source(&layer);
	memset(&out, UNTOUCHED, sizeof out);
	faults_begin();
	int status = store_add(store_fd, source, &layer.record, &options, &out, e);
	faults_end();
	if (layer.source.open_blobs != 0)
		status = FAULTS_WRONG;
	if (status == 0) {
		struct store_layer again = {.reused = false};
		if (out.reused || !is_expected(path, LIST_TIMELESS) ||
			store_add(store_fd, source, &layer.record, &options, &again, e) != 0 ||
			!again.reused || again.hides_lower != out.hides_lower)
			status = FAULTS_WRONG;
	} else if (!is_untouched(&out, sizeof out) || !is_empty(path)) {
		status = FAULTS_WRONG;
	}
	(void)close(store_fd);
	layer_free(&layer);
	scratch_remove(path);
	return status;
}

static struct sandbox store; /* with two layers in it */
static struct digest ids[2];
static struct layer stored; /* the upper one */

static void fill_store(void)
{
	static const struct item below[] = {{.path = "a",
						    .type = '5',
						    .mode = 0750,
						    .uid = 4,
						    .mtime = 8,
						    XATTR("system.posix_acl_default", ACL)},
		{.path = "a/b", .type = '5', .mode = 0701, .mtime = 6},
		{.path = "o/q", .type = '5', .mode = 0701}, {0}};
	static const struct item above[] = {{.path = "a/b/f", .body = "x"}, {.path = "only/here"},
		{.path = "o", .type = '5'}, {.path = "o/.wh..wh..opq"}, {.path = "o/.wh.x"},
		{.path = "o/q/f"}, {.path = "p", .type = '5'},
		{.path = "p/q/f"}, /* more than the list begins with: */
		{.path = "m/0/f"}, {.path = "m/1/f"}, {.path = "m/2/f"}, {.path = "m/3/f"},
		{.path = "m/4/f"}, {.path = "m/5/f"}, {.path = "m/6/f"}, {.path = "m/7/f"}, {0}};
	static const struct item *const both[] = {below, above};
	sandbox_open(&store);
	for (size_t i = 0; i < 2; i++) {
		const struct layer_unpack_options options = {.user_xattrs_supported = true};
		struct store_layer out;
		struct error e;
		bytes_free(&tar);
		tar_add_all(&tar, both[i]);
		tar_end(&tar);
		layer_free(&stored);
		stored = layer_for(MEDIA_TAR);
		if (store_add(store.root_fd, layer_source(&stored), &stored.record, &options, &out,
			    &e) != 0)
			abort();
		ids[i] = out.id;
	}
}

static int reuse(struct error *e)
{
	const struct layer_unpack_options options = {.user_xattrs_supported = true};
	struct store_layer out;
	struct source *source = layer_source(&stored);
	memset(&out, UNTOUCHED, sizeof out);
	faults_begin();
	int status = store_add(store.root_fd, source, &stored.record, &options, &out, e);
	faults_end();
	if (status != 0)
		return is_untouched(&out, sizeof out) ? status : FAULTS_WRONG;
	return digest_equal(&out.id, &ids[1]) && !out.hides_lower ? 0 : FAULTS_WRONG;
}

static int make_synthetic(struct error *e)
{
	char path[128];
	scratch_make(path);
	int fd = open(path, O_RDONLY | O_DIRECTORY);
	faults_begin();
	int status = store_make_synthetic(store.root_fd, ids, 2, fd, "top", e);
	faults_end();
	(void)close(fd);
	if (status == 0 && !is_expected(path, LIST_TIMELESS))
		status = FAULTS_WRONG;
	scratch_remove(path);
	return status;
}

static int remove_tree(struct error *e)
{
	char path[128];
	scratch_make(path);
	int fd = open(path, O_RDONLY | O_DIRECTORY);
	static const char *const directories[] = {
		"t", "t/a", "t/a/b", "t/a/b/c", "t/d", "t/.removing-0"};
	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
		if (mkdirat(fd, directories[i], 0755) != 0)
			abort();
	int file = openat(fd, "t/a/b/c/file", O_WRONLY | O_CREAT, 0644);
	(void)close(file);
	faults_begin();
	int status = store_remove(fd, "t", e);
	faults_end();
	(void)close(fd);
	if (status == 0 && !is_empty(path))
		status = FAULTS_WRONG;
	scratch_remove(path);
	return status;
}

/* As of a damaged directory, whose hashes are not those of its names. */
static void what_is_listed_and_not_found(void)
{
	unsigned found = 0;
	for (unsigned n = 1; n <= 40; n++) {
		char path[128];
		struct error e = {.code = ERROR_NONE};
		scratch_make(path);
		int fd = open(path, O_RDONLY | O_DIRECTORY);
		if (mkdirat(fd, "t", 0755) != 0)
			abort();
		int file = openat(fd, "t/file", O_WRONLY | O_CREAT, 0644);
		(void)close(file);
		faults = (struct faults){.kinds = FAULTS_SYSTEM, .left = n, .error_number = ENOENT};
		faults_begin();
		int status = store_remove(fd, "t", &e);
		faults_end();
		(void)close(fd);
		found += status != 0 && e.code == ERROR_IO &&
			 strstr(e.text, "`t` can't be emptied") != NULL;
		scratch_remove(path);
	}
	is_int(found, 1, "a name that is listed and not found ends a removal");
}

static void try(const char *name, int (*run)(struct error *e), unsigned also)
{
	const struct faults_case one = {.name = name, .run = run, .also = also};
	bytes_free(&expected);
	faults_all(&one);
	bytes_free(&expected);
}

/* An errno that has a meaning of its own. */
static void try_errno(
	const char *name, int (*run)(struct error *e), int error_number, const char *how)
{
	const struct faults_case one = {.name = name,
		.run = run,
		.also = 1u << ERROR_PATH | 1u << ERROR_XATTR | 1u << ERROR_MISSING};
	bytes_free(&expected);
	faults_try(&one, FAULTS_SYSTEM, error_number, how);
	bytes_free(&expected);
}

int main(void)
{
	if (!have_root())
		return 0;
	tar_add_all(&tar, deep);
	tar_end(&tar);
	opaque_directories = 0;
	try("unpack_tar, deep", unpack, 0);
	bytes_free(&tar);
	tar_add_all(&tar, many);
	tar_end(&tar);
	opaque_directories = 4;
	try("unpack_tar", unpack, 1u << ERROR_XATTR);
	try_errno("unpack_tar", unpack, EXDEV, "EXDEV");
	try_errno("unpack_tar", unpack, EEXIST, "EEXIST");
	names_only = true;
	try("unpack_tar, names only", unpack, 0);
	names_only = false;
	try("store_add", add_to_store, 1u << ERROR_XATTR);
	for (store_media = MEDIA_TAR_GZIP; store_media < MEDIA_TYPES; store_media++) {
		const struct faults_case one = {
			.name = "store_add, compressed", .run = add_to_store};
		bytes_free(&expected);
		faults_try(&one, FAULTS_MEMORY, ENOMEM, "no memory");
	}
	fill_store();
	try("store_make_synthetic", make_synthetic, 0);
	try("store_add of what is there", reuse, 0);
	try("store_remove", remove_tree, 0);
	try_errno("store_remove", remove_tree, EPERM, "EPERM");
	try_errno("store_remove", remove_tree, EEXIST, "EEXIST");
	what_is_listed_and_not_found();
	layer_free(&stored);
	bytes_free(&tar);
	sandbox_close(&store);
	return done();
}
