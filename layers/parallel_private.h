/*
 * Decoding on all CPUs. A layer's pieces are cut into tasks, in the order of the blob.
 *
 * A short task is whole runs that come to at most a chunk together: one worker reads, hashes,
 * compares and decodes them into one chunk. Pieces of a plain tar are read right into it.
 *
 * A long task is one run that comes to more: one worker decodes it into as many chunks as it takes,
 * while others read and check the pieces that it will want next (struct ahead).
 *
 * The consumer is a worker too whenever the chunk it wants is not ready, but for long tasks, whose
 * chunks it has to take meanwhile.
 *
 * Chunks are numbered, too. The consumer takes them in order; those it has not taken yet lie in a
 * ring of `window` slots. A worker claims a task only when the task's first chunk has its slot, so
 * that whoever holds memory can go on: the task at the window's beginning always can, and nobody
 * waits for a later one.
 *
 * An error belongs to a chunk, and is given in its place.
 *
 * All but the buffers is guarded by one lock: a chunk is about a millisecond's work.
 */
#ifndef PLYBOOT_PARALLEL_PRIVATE_H
#define PLYBOOT_PARALLEL_PRIVATE_H

#include <pthread.h>

#include "decode_private.h"
#include "decompress.h"

enum {
	WINDOW_SPARE = 3, /* chunks beside the one that each worker fills */
	AHEAD_PIECES = 2
};

struct task {
	size_t first, end; /* pieces */
	uint64_t offset;   /* of the first, in the blob */
	uint64_t stored_bytes, decoded_bytes;
	uint64_t chunk; /* the first */
};

struct chunk {
	uint8_t *data; /* owned: chunk_bytes + 1, to see a run that is too long; not for a plain tar
			*/
	struct piece_room *room; /* for a plain tar: the chunk is the pieces */
	const uint8_t *bytes;    /* what was decoded: in one of these */
	size_t size_bytes;
	uint64_t stored_bytes; /* of the blob, up to its end */
	bool ready;
	struct error error; /* in its place */
};

/* Pieces of a long run that were checked before its worker wants them, each in the place that its
 * number gives. */
struct ahead {
	bool active;
	size_t next, end; /* pieces nobody has claimed */
	uint64_t offset;  /* of `next` */
	struct ahead_piece {
		size_t index;
		uint64_t offset;
		enum { AHEAD_FREE, AHEAD_READING, AHEAD_READY } state;
		struct piece_room *room;
		const struct verified *bytes;
		struct error error;
	} pieces[AHEAD_PIECES];
};

struct worker {
	struct feed feed; /* first: of its task's pieces */
	struct parallel *parallel;
	pthread_t thread;
	struct decompressor *decompressor; /* NULL for a plain tar */
	struct piece_room *room;           /* likewise */
	struct task task;
	size_t next;              /* piece of the task that its decoder wants next */
	uint64_t offset;          /* of that */
	size_t run_end;           /* of that piece's run */
	bool leads;               /* `ahead` is for its task */
	struct ahead_piece *held; /* the piece that its decoder is at, when it comes from there */
};

struct parallel {
	struct decoder decoder;
	const struct stream *stream;
	const struct piece_table *table;
	enum media media;

	pthread_mutex_t lock;
	pthread_cond_t work;  /* a slot is free, a piece was checked or is wanted, or all is over */
	pthread_cond_t ready; /* a chunk is, or a piece can be checked ahead */
	bool stop;

	struct task next; /* to be claimed; its `first` is the table's count when there is none */
	uint64_t taken;   /* the chunk that the consumer has, or wants next */
	bool has_chunk;
	struct ahead ahead;

	size_t chunk_bytes;
	unsigned window;
	struct chunk *chunks;  /* [window] */
	unsigned worker_count; /* that were started */
	struct worker workers[DECODER_WORKERS_MOST];
	struct worker consumer; /* without a thread */
	bool helps;             /* it has tasks that it could do, and none has failed */
};

/* decoder_open_parallel() with chunks of another size, for tests. */
int parallel_open(struct stream *stream, enum media media, unsigned workers, size_t chunk_bytes,
	struct decoder **out, struct error *e);

/* Find the end of the task that begins at `task->first`. */
void parallel_cut(const struct parallel *self, struct task *task);

/* How many chunks it decodes to. */
uint64_t parallel_chunks(const struct parallel *self, const struct task *task);

/* With the lock held, which they give up for the work itself. */
bool parallel_do_task(struct worker *worker); /* false: it failed, or all is over */
void parallel_check_ahead(struct parallel *self, struct ahead_piece *piece);

/* A worker's feed. */
int parallel_next_piece(struct feed *feed, struct piece_view *out, struct error *e);

/* The next piece that can be checked ahead, claimed; NULL: there is none. */
struct ahead_piece *parallel_claim_ahead(struct parallel *self);

#endif
