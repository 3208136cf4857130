/*
 * P3: nothing to race. Random layers, cut at random, from a source in which a byte that was read
 * once comes out inverted the next time: each is unpacked to what it is, and each byte of blob and
 * table was read exactly once.
 */
#include "arena.h"

#include "promise.h"
#include "random_layer.h"
#include "unpacking.h"

static bool was_read_once(const struct memory_blob *blob)
{
	for (size_t i = 0; i < blob->size; i++)
		if (blob->reads[i] != 1)
			return false;
	return true;
}

/* The tree, and with `lying` from a source that changes what was read, by so many threads. */
static struct bytes unpacked(struct layer *layer, bool lying, unsigned workers, bool *good)
{
	struct sandbox sandbox;
	struct unpack_result result;
	struct error e = {0};
	const struct layer_unpack_options options = {
		.user_xattrs_supported = true, .workers = workers};
	struct source *source = layer_source(layer);
	layer->source.layer.changes = layer->source.table.changes = lying;
	sandbox_open(&sandbox);
	bool taken =
		layer_unpack(source, &layer->record, sandbox.root_fd, &options, &result, &e) == 0;
	if (taken)
		unpack_result_free(&result);
	else
		printf("# %s\n", e.text);
	*good &= taken && layer->source.open_blobs == 0 && was_read_once(&layer->source.layer) &&
		 was_read_once(&layer->source.table) && sandbox_untouched(&sandbox);
	struct bytes list = list_tree(sandbox.root, NULL, 0);
	char *line = strchr((char *)list.data, '\n'); /* the root's has the time of the sandbox */
	memmove(list.data, line, strlen(line) + 1);
	sandbox_close(&sandbox);
	return list;
}

/* The same tar as a plain one in one piece from an honest source is what it must become. */
static bool survives(uint64_t seed, size_t number)
{
	static const size_t typical[] = {5, 50, 300, 512, 3000, 1 << 20},
			    runs[] = {700, 3000, 5000, 1 << 20};
	struct layer honest, lying;
	bool good = true;
	struct bytes tar = random_tar(&seed, 1500);
	size_t piece = typical[random_below(&seed, 6)], run = runs[random_below(&seed, 4)];
	layer_cut(&honest, MEDIA_TAR, &tar, tar.size, tar.size);
	random_layer(&lying, (enum media)(number % MEDIA_TYPES), &tar, &seed, run, piece);
	honest.record.entries = lying.record.entries;
	honest.record.unpacked_bytes = lying.record.unpacked_bytes;
	struct bytes want = unpacked(&honest, false, 0, &good),
		     got = unpacked(&lying, true, (unsigned)(number / MEDIA_TYPES % 4), &good);
	good &= same_listing(&got, &want);
	bytes_free(&want);
	bytes_free(&got);
	layer_free(&honest);
	layer_free(&lying);
	bytes_free(&tar);
	return good;
}

/* A layer that is read a second time is another one: the source does lie. */
static void a_second_reading_is_refused(void)
{
	uint64_t seed = 1;
	struct layer layer;
	struct sandbox sandbox;
	struct unpack_result result;
	struct error e;
	const struct layer_unpack_options options = {.user_xattrs_supported = true};
	struct bytes tar = random_tar(&seed, 100);
	random_layer(&layer, MEDIA_TAR, &tar, &seed, 1000, 1000);
	struct source *source = layer_source(&layer);
	layer.source.layer.changes = true;
	layer.source.layer.reads[layer.blob.size - 1] = 1;
	sandbox_open(&sandbox);
	error_is(layer_unpack(source, &layer.record, sandbox.root_fd, &options, &result, &e), &e,
		ERROR_DIGEST, "a byte that somebody read before is not what is signed");
	sandbox_close(&sandbox);
	layer_free(&layer);
	bytes_free(&tar);
}

int main(void)
{
	if (!have_root())
		return 0;
	unsigned long count = promise_count(2000, 200), failures = 0;
	uint64_t first = promise_seed(0);
	a_second_reading_is_refused();
	for (uint64_t i = first; i < first + count; i++) {
		if (!survives(i * UINT64_C(0xd1342543de82ef95) + 3, (size_t)i)) {
			failures++;
			printf("# PLYBOOT_COUNT=1 PLYBOOT_SEED=%llu\n", (unsigned long long)i);
		}
	}
	promise_result(
		"P3", count, "layers from a source that lies at the second reading", failures);
	return done();
}
