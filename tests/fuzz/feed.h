/* Pieces out of memory for the decoder, each in a copy of its own that is gone with the next. */
#ifndef PLYBOOT_FUZZ_FEED_H
#define PLYBOOT_FUZZ_FEED_H

#include "decode.h"
#include "must.h"

struct cut {
	size_t size_bytes; /* at least 1 */
	bool run_ends;
	uint64_t run_decoded_bytes;
};

struct memory_feed {
	struct feed feed; /* first: a feed is its memory_feed */
	const uint8_t *data;
	const struct cut *cuts;
	size_t count, next;
	struct verified *piece;
};

static inline int memory_feed_next(struct feed *feed, struct piece_view *out, struct error *e)
{
	struct memory_feed *memory = (struct memory_feed *)feed;
	verified_free(memory->piece);
	memory->piece = NULL;
	*out = (struct piece_view){0};
	if (memory->next == memory->count)
		return 0;
	const struct cut *cut = &memory->cuts[memory->next++];
	must(verified_trust(memory->data, cut->size_bytes, &memory->piece, e) == 0);
	memory->data += cut->size_bytes;
	*out = (struct piece_view){.bytes = memory->piece,
		.run_ends = cut->run_ends,
		.run_decoded_bytes = cut->run_decoded_bytes};
	return 0;
}

/* `data` and `cuts` must outlive it. */
static inline struct memory_feed memory_feed(
	const uint8_t *data, const struct cut *cuts, size_t count)
{
	return (struct memory_feed){
		.feed.next = memory_feed_next, .data = data, .cuts = cuts, .count = count};
}

static inline void memory_feed_close(struct memory_feed *memory)
{
	verified_free(memory->piece);
}

#endif
