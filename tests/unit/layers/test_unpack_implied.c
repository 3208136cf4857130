/* Directories that a layer only implies: they count as entries, and their list has a limit. */
#include "unpacking.h"

static struct sandbox sandbox;
static struct error e;

static int unpack_with(struct layer *layer, uint64_t entries)
{
	struct unpack_result result;
	sandbox_open(&sandbox);
	layer->record.entries = entries;
	int status = unpack_layer(layer, &sandbox, true, &result, &e);
	if (status == 0)
		unpack_result_free(&result);
	ok(sandbox_untouched(&sandbox), "nothing outside changed");
	sandbox_close(&sandbox);
	return status;
}

/* The root is not one: it is there anyway. */
static void are_entries(void)
{
	static const struct item items[] = {{.path = "a/b/c/file", .body = "x"},
		{.path = "a/b/file", .body = "x"}, {.path = "o/.wh..wh..opq"}, {0}};
	const uint64_t right = 3 + 4;
	struct bytes tar = {0};
	struct layer layer;
	tar_add_all(&tar, items);
	tar_end(&tar);
	layer_of_tar(&layer, MEDIA_TAR, &tar, ODD_PIECE_BYTES);
	layer.record.unpacked_bytes = 2 * LIMIT_PAGE_BYTES;
	is_int(unpack_with(&layer, right), 0, "each is an entry");
	for (uint64_t fewer = 1; fewer < right; fewer++)
		error_is(unpack_with(&layer, fewer), &e, ERROR_LIMIT, "%u are signed",
			(unsigned)fewer);
	error_is(unpack_with(&layer, right + 1), &e, ERROR_SIZE, "one more is signed");
	layer_free(&layer);
	bytes_free(&tar);
}

static void do_not_mix_up_names(void)
{
	static const struct item items[] = {{.path = "ab", .type = '5', .mode = 0755, .mtime = 77},
		{.path = "abc/one", .body = "1"}, {.path = "ab/two", .body = "2"},
		{.path = "abc/d/three", .body = "3"}, {.path = "a/four", .body = "4"}, {0}};
	struct bytes tar = {0};
	struct unpack_result result;
	struct stat st;
	tar_add_all(&tar, items);
	tar_end(&tar);
	sandbox_open(&sandbox);
	if (ok(unpack_tar_bytes(&tar, MEDIA_TAR, &sandbox, false, &result, &e) == 0,
		    "names that begin alike %s", e.text))
		unpack_result_free(&result);
	ok(is_file(&sandbox, "abc/one", "1") && is_file(&sandbox, "ab/two", "2") &&
			is_file(&sandbox, "abc/d/three", "3") && is_file(&sandbox, "a/four", "4"),
		"each is where it belongs");
	ok(stat(in_root(&sandbox, "ab"), &st) == 0 && st.st_mtim.tv_sec == 77,
		"a directory that was entered again keeps its time");
	sandbox_close(&sandbox);
	bytes_free(&tar);
}

/* A path of 4095 bytes implies 2047 directories, whose paths come to 4.3 MB. */
static void fill_no_more_memory_than_may_be(void)
{
	enum { DIRECTORIES = 2047 };
	char path[LIMIT_PATH_BYTES + 1];
	struct bytes tar = {0};
	for (size_t i = 0; i < LIMIT_PATH_BYTES; i++)
		path[i] = i % 2 == 0 ? 'd' : '/';
	path[LIMIT_PATH_BYTES] = '\0';
	for (unsigned count = 1; count <= 4; count++) {
		const struct item item = {.pax_path = path};
		path[0] = (char)('0' + count);
		tar_add(&tar, &item);
		if (count < 3)
			continue;
		struct layer layer;
		struct bytes whole = {0};
		bytes_add(&whole, tar.data, tar.size);
		tar_end(&whole);
		layer_of_tar(&layer, MEDIA_TAR, &whole, 100000);
		layer.record.unpacked_bytes = 0;
		int status = unpack_with(&layer, count * (DIRECTORIES + 1));
		if (count == 3)
			ok(status == 0, "13 MB of implied directories %s", e.text);
		else
			error_is(status, &e, ERROR_LIMIT, "17 MB of them");
		layer_free(&layer);
		bytes_free(&whole);
	}
	bytes_free(&tar);
}

int main(void)
{
	if (!have_root())
		return 0;
	are_entries();
	do_not_mix_up_names();
	fill_no_more_memory_than_may_be();
	return done();
}
