/* The catalogue of bad inputs, row "limits": each thing by name. What needs more than there is
 * memory for is in tests/unit/init/test_store_mount.c. */
#include "bad_tars.h"

/* --- numbers of the stack file ------------------------------------------------------------------
 */

/* 5 entries, 4096 + 8192 + 6 + 7 bytes. */
enum { COUNTED_ENTRIES = 5, COUNTED_BYTES = 12301 };

static struct bytes counted(void)
{
	static char two_pages[4097];
	const struct item items[] = {{.path = "d", .type = '5'}, {.path = "d/a", .body = "x"},
		{.path = "d/b", .body = two_pages, .body_bytes = sizeof two_pages},
		{.path = "l", .type = '2', .link = "target"},
		{.path = ".wh.u", .xattr = "user.a", .xattr_value = "1", .xattr_bytes = 1}, {0}};
	return tar_of(items);
}

static const struct limit {
	const char *name;
	enum error_code code;
	uint64_t bytes, entries;
} limits[] = {
	{"unpacked bytes +1 in the stack file", ERROR_SIZE, COUNTED_BYTES + 1, COUNTED_ENTRIES},
	{"unpacked bytes -1 in the stack file", ERROR_LIMIT, COUNTED_BYTES - 1, COUNTED_ENTRIES},
	{"unpacked bytes 0 in the stack file", ERROR_LIMIT, 0, COUNTED_ENTRIES},
	{"entries +1 in the stack file", ERROR_SIZE, COUNTED_BYTES, COUNTED_ENTRIES + 1},
	{"entries +1 in the layer", ERROR_LIMIT, COUNTED_BYTES, COUNTED_ENTRIES - 1},
	{"entries 0 in the stack file", ERROR_LIMIT, COUNTED_BYTES, 0},
};

static bool numbers_are_taken(struct layer *layer, bool names_only)
{
	struct sandbox sandbox;
	struct unpack_result result;
	struct error e;
	layer->record.unpacked_bytes = COUNTED_BYTES;
	layer->record.entries = COUNTED_ENTRIES;
	sandbox_open(&sandbox);
	bool good = unpack_layer(layer, &sandbox, names_only, &result, &e) == 0;
	if (good)
		unpack_result_free(&result);
	good &= leaves_canaries(&sandbox);
	sandbox_close(&sandbox);
	return good;
}

static void run_limit(const struct limit *self)
{
	struct bytes tar = counted();
	bool refused = true, taken = true;
	for (unsigned i = 0; i < 2 * MEDIA_TYPES; i++) {
		struct layer layer;
		struct error e;
		layer_of_tar(&layer, (enum media)(i / 2), &tar, ODD_PIECE_BYTES);
		layer.record.unpacked_bytes = self->bytes;
		layer.record.entries = self->entries;
		refused &= layer_is_refused(&layer, self->code, i % 2 == 1, false, &e);
		if (!refused)
			show_refusal(self->name, &e, self->code);
		taken &= numbers_are_taken(&layer, i % 2 == 1);
		layer_free(&layer);
	}
	ok(refused, "catalogue: limits: %s: %s", self->name, error_code_name(self->code));
	ok(tar_is_refused_unsigned(&tar), "... unsigned: DIGEST, and nothing is made");
	ok(taken, "... its twin is taken");
	catalogue_rows++;
	catalogue_tests += 3;
	bytes_free(&tar);
}

/* --- depth --------------------------------------------------------------------------------------
 */

/* Directories in each other. At 4,000 the path is over 4,095 bytes. */
static void make_deep(size_t depth, struct bytes *tar)
{
	char *path = malloc(2 * depth);
	if (path == NULL)
		abort();
	for (size_t i = 0; i < 2 * depth; i++)
		path[i] = i % 2 == 0 ? 'a' : '/';
	path[2 * depth - 1] = '\0';
	*tar = (struct bytes){0};
	tar_add(tar, &(struct item){.pax_path = path, .type = '5'});
	tar_end(tar);
	free(path);
}

/* To list it would take longer than to make it. */
static bool depth_is_taken(size_t depth)
{
	struct bytes tar;
	struct sandbox sandbox;
	struct unpack_result result;
	struct error e;
	make_deep(depth, &tar);
	sandbox_open(&sandbox);
	bool good = unpack_tar_bytes(&tar, MEDIA_TAR_ZSTD, &sandbox, false, &result, &e) == 0;
	good &= leaves_canaries(&sandbox) && result.implied.count == depth;
	unpack_result_free(&result);
	sandbox_close(&sandbox);
	bytes_free(&tar);
	return good;
}

static void refuses_depths(void)
{
	static const size_t depths[] = {4000, 2049};
	for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
		struct bytes tar;
		make_deep(depths[i], &tar);
		ok(tar_is_refused(&tar, ERROR_PATH), "catalogue: limits: depth %zu: PATH",
			depths[i]);
		ok(tar_is_refused_unsigned(&tar), "... unsigned: DIGEST, and nothing is made");
		ok(depth_is_taken(2048), "... its twin, 2,048 deep, is taken");
		catalogue_rows++;
		catalogue_tests += 3;
		bytes_free(&tar);
	}
}

/* --- 10^6 empty files ---------------------------------------------------------------------------
 */

enum { FILES_IN_DIRECTORY = 1000 };

/* One frame and one piece for each thousand files. */
static void make_many_files(size_t count, struct layer *layer)
{
	struct bytes blob = {0};
	size_t pieces = count / FILES_IN_DIRECTORY + 1;
	struct piece *list = calloc(pieces, sizeof *list);
	if (list == NULL)
		abort();
	for (size_t piece = 0; piece < pieces; piece++) {
		struct bytes tar = {0};
		size_t before = blob.size;
		for (size_t i = 0; piece < pieces - 1 && i < FILES_IN_DIRECTORY; i++) {
			char path[32];
			(void)snprintf(path, sizeof path, "%zu/%zu", piece, i);
			tar_add_header(&tar, tar_header(path, '0', 0));
		}
		if (piece == pieces - 1)
			tar_end(&tar);
		zstd_add(&blob, tar.data, tar.size, NULL);
		list[piece] = (struct piece){
			.stored_bytes = blob.size - before, .decoded_bytes = tar.size};
		bytes_free(&tar);
	}
	layer_make(layer, MEDIA_TAR_ZSTD, &blob, list, pieces);
	layer->record.unpacked_bytes = 0;
	layer->record.entries = count;
	free(list);
	bytes_free(&blob);
}

static bool files_are_taken(struct layer *layer, size_t count)
{
	struct sandbox sandbox;
	struct unpack_result result;
	struct error e;
	layer->record.entries = count + count / FILES_IN_DIRECTORY; /* those are implied */
	sandbox_open(&sandbox);
	bool good = unpack_layer(layer, &sandbox, false, &result, &e) == 0;
	good &= leaves_canaries(&sandbox) && result.entries == layer->record.entries &&
		mode_of(&sandbox, "7/999") == 0100644;
	unpack_result_free(&result);
	sandbox_close(&sandbox);
	return good;
}

/* The million itself is unpacked once only: it is the twin of a stack file that signs for a
 * thousand. */
static void counts_files(size_t count, size_t too_few)
{
	struct layer layer;
	struct error e;
	make_many_files(count, &layer);
	layer.record.entries = too_few;
	ok(layer_is_refused(&layer, ERROR_LIMIT, false, false, &e),
		"catalogue: limits: %zu empty files, %zu signed: LIMIT", count, too_few);
	layer.record.entries = count;
	layer.blob.data[5] ^= 1;
	ok(layer_is_refused(&layer, ERROR_DIGEST, false, true, &e),
		"... unsigned: DIGEST, and nothing is made");
	layer.blob.data[5] ^= 1;
	clock_t began = clock();
	ok(files_are_taken(&layer, count), "... its twin, with limits that allow it, is taken");
	printf("# %zu files: %ld ms of CPU time\n", count,
		(long)((clock() - began) * 1000 / CLOCKS_PER_SEC));
	catalogue_rows++;
	catalogue_tests += 3;
	layer_free(&layer);
}

int main(void)
{
	if (!have_root())
		return 0;
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
		run_limit(&limits[i]);
	refuses_depths();
	counts_files(promise_count(1000000, 50000), 1000);
	counts_files(20000, 20019);
	return catalogue_done();
}
