#include "parallel_private.h"

#include <errno.h>
#include <stdlib.h>

#include "pages.h"

static bool all_claimed(const struct parallel *self)
{
	return self->next.first == self->table->count;
}

static void claim_task(struct worker *worker)
{
	struct parallel *self = worker->parallel;
	worker->task = self->next;
	self->next.chunk += parallel_chunks(self, &self->next);
	self->next.offset += self->next.stored_bytes;
	self->next.first = self->next.end;
	parallel_cut(self, &self->next);
}

static bool can_claim(const struct parallel *self)
{
	return !all_claimed(self) && self->next.chunk < self->taken + self->window;
}

static bool checked_ahead(struct parallel *self)
{
	struct ahead_piece *piece = parallel_claim_ahead(self);
	if (piece != NULL)
		parallel_check_ahead(self, piece);
	return piece != NULL;
}

/* With the lock held: something to do, done. False: there will never be anything again. */
static bool work_once(struct worker *worker)
{
	struct parallel *self = worker->parallel;
	if (checked_ahead(self))
		return true;
	if (can_claim(self)) {
		claim_task(worker);
		return parallel_do_task(worker); /* after an error nobody comes this far */
	}
	if (all_claimed(self) && !self->ahead.active) {
		(void)pthread_cond_signal(&self->ready); /* it may have been waiting for the end */
		return false;
	}
	(void)pthread_cond_wait(&self->work, &self->lock);
	return true;
}

static void *work(void *context)
{
	struct worker *worker = context;
	struct parallel *self = worker->parallel;
	(void)pthread_mutex_lock(&self->lock);
	while (!self->stop && work_once(worker))
		continue;
	(void)pthread_mutex_unlock(&self->lock);
	return NULL;
}

/* With the lock held: the consumer, which would have to wait, does something that a worker would,
 * or says that there is nothing. Not a long run, whose chunks it would have to take meanwhile. */
static bool help(struct parallel *self)
{
	if (checked_ahead(self))
		return true;
	if (!self->helps || !can_claim(self) || parallel_chunks(self, &self->next) != 1)
		return false;
	claim_task(&self->consumer);
	self->helps = parallel_do_task(&self->consumer);
	return true;
}

/* With the lock held: the chunk that is next, or NULL behind the last one. */
static struct chunk *wait_for_chunk(struct parallel *self)
{
	struct chunk *chunk = &self->chunks[self->taken % self->window];
	while (!chunk->ready) {
		if (all_claimed(self) && self->taken == self->next.chunk)
			return NULL;
		if (!help(self))
			(void)pthread_cond_wait(&self->ready, &self->lock);
	}
	return chunk;
}

static void give_back(struct parallel *self)
{
	if (!self->has_chunk)
		return;
	self->chunks[self->taken % self->window].ready = false;
	self->taken++;
	self->has_chunk = false;
	(void)pthread_cond_broadcast(&self->work);
}

static int parallel_read(
	struct decoder *decoder, const uint8_t **data, size_t *size_bytes, struct error *e)
{
	struct parallel *self = (struct parallel *)decoder;
	(void)pthread_mutex_lock(&self->lock);
	give_back(self);
	struct chunk *chunk = wait_for_chunk(self);
	(void)pthread_mutex_unlock(&self->lock);
	*size_bytes = 0;
	if (chunk == NULL)
		return 0;
	if (chunk->error.code != ERROR_NONE) {
		if (e != NULL)
			*e = chunk->error; /* and again, if asked again */
		return -1;
	}
	self->has_chunk = true;
	stream_report(self->stream, chunk->stored_bytes);
	*data = chunk->bytes;
	*size_bytes = chunk->size_bytes;
	return 0;
}

static void close_worker(struct worker *worker)
{
	decompressor_close(worker->decompressor);
	piece_room_close(worker->room);
}

static void parallel_close(struct decoder *decoder)
{
	struct parallel *self = (struct parallel *)decoder;
	(void)pthread_mutex_lock(&self->lock);
	self->stop = true;
	(void)pthread_cond_broadcast(&self->work);
	(void)pthread_mutex_unlock(&self->lock);
	for (unsigned i = 0; i < self->worker_count; i++)
		(void)pthread_join(self->workers[i].thread, NULL);
	for (unsigned i = 0; i < DECODER_WORKERS_MOST; i++)
		close_worker(&self->workers[i]);
	close_worker(&self->consumer);
	for (unsigned i = 0; self->chunks != NULL && i < self->window; i++) {
		pages_give(self->chunks[i].data, self->chunk_bytes + 1);
		piece_room_close(self->chunks[i].room);
	}
	for (unsigned i = 0; i < AHEAD_PIECES; i++)
		piece_room_close(self->ahead.pieces[i].room);
	free(self->chunks);
	free(self);
}

static const struct decoder_ops parallel_ops = {parallel_read, parallel_close};

static bool is_long(const struct parallel *self, const struct piece *piece)
{
	return piece->decoded_bytes > self->chunk_bytes;
}

static bool has_long_runs(const struct parallel *self)
{
	const struct piece_table *table = self->table;
	size_t i = 0;
	while (i < table->count && !is_long(self, &table->pieces[i]))
		i++;
	return i < table->count;
}

static bool has_short_runs(const struct parallel *self)
{
	const struct piece_table *table = self->table;
	size_t i = 0;
	while (i < table->count &&
		(table->pieces[i].decoded_bytes == 0 || is_long(self, &table->pieces[i])))
		i++;
	return i < table->count;
}

/* For whole pieces, be they a chunk of a plain tar or compressed. No less than a chunk, so that all
 * ordinary layers take the same. */
static uint64_t room_bytes(uint64_t largest_piece_bytes, uint64_t chunk_bytes)
{
	return largest_piece_bytes > chunk_bytes ? largest_piece_bytes : chunk_bytes;
}

static int make_chunks(struct parallel *self, size_t room, struct error *e)
{
	self->chunks = calloc(self->window, sizeof *self->chunks);
	if (self->chunks == NULL)
		return error_errno(e, ENOMEM, "start decoding");
	for (unsigned i = 0; i < self->window; i++) {
		struct chunk *chunk = &self->chunks[i];
		if (self->media == MEDIA_TAR) {
			if (piece_room_open(room, &chunk->room, e) != 0)
				return -1;
		} else if ((chunk->data = pages_take(self->chunk_bytes + 1)) == NULL) {
			return error_errno(e, ENOMEM, "room for decoded data");
		}
	}
	return 0;
}

static int make_ahead(struct parallel *self, size_t room, struct error *e)
{
	if (self->media == MEDIA_TAR || !has_long_runs(self))
		return 0;
	for (unsigned i = 0; i < AHEAD_PIECES; i++)
		if (piece_room_open(room, &self->ahead.pieces[i].room, e) != 0)
			return -1;
	return 0;
}

static int open_worker(struct parallel *self, size_t room, struct worker *worker, struct error *e)
{
	worker->parallel = self;
	worker->feed.next = parallel_next_piece;
	if (self->media != MEDIA_TAR &&
		(decompressor_open(self->media, &worker->feed, &worker->decompressor, e) != 0 ||
			piece_room_open(room, &worker->room, e) != 0))
		return -1;
	return 0;
}

static int start_worker(struct parallel *self, size_t room, struct error *e)
{
	struct worker *worker = &self->workers[self->worker_count];
	if (open_worker(self, room, worker, e) != 0)
		return -1;
	int error_number = pthread_create(&worker->thread, NULL, work, worker);
	if (error_number != 0)
		return error_set(e, ERROR_NOSPACE, error_number, "start a thread");
	self->worker_count++;
	return 0;
}

static int start(struct parallel *self, unsigned workers, struct error *e)
{
	size_t largest = 0;
	for (size_t i = 0; i < self->table->count; i++)
		if (self->table->pieces[i].stored_bytes > largest)
			largest = (size_t)self->table->pieces[i].stored_bytes;
	size_t room = (size_t)room_bytes(largest, self->chunk_bytes);
	parallel_cut(self, &self->next);
	if (make_chunks(self, room, e) != 0 || make_ahead(self, room, e) != 0)
		return -1;
	self->helps = has_short_runs(self);
	if (self->helps && open_worker(self, room, &self->consumer, e) != 0)
		return -1;
	while (self->worker_count < workers)
		if (start_worker(self, room, e) != 0)
			return -1;
	return 0;
}

int parallel_open(struct stream *stream, enum media media, unsigned workers, size_t chunk_bytes,
	struct decoder **out, struct error *e)
{
	struct parallel *self = calloc(1, sizeof *self);
	if (self == NULL)
		return error_errno(e, ENOMEM, "start decoding");
	self->decoder.ops = &parallel_ops;
	self->stream = stream;
	self->table = stream_pieces(stream);
	self->media = media;
	self->chunk_bytes = chunk_bytes;
	self->window = workers + WINDOW_SPARE;
	self->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	self->work = self->ready = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	if (start(self, workers, e) != 0) {
		parallel_close(&self->decoder);
		return -1;
	}
	*out = &self->decoder;
	return 0;
}

int decoder_open_parallel(struct stream *stream, enum media media, unsigned workers,
	struct decoder **out, struct error *e)
{
	return parallel_open(stream, media, workers, DECODER_CHUNK_BYTES, out, e);
}

uint64_t decoder_parallel_bytes(enum media media, uint64_t largest_piece_bytes, unsigned workers)
{
	/* Of a thread, the caller's too: its stack, and zlib's 44 KiB or zstd's 160 KiB. */
	const uint64_t thread_bytes = 512 * 1024;
	uint64_t room = room_bytes(largest_piece_bytes, DECODER_CHUNK_BYTES);
	uint64_t chunk_bytes = DECODER_CHUNK_BYTES + 1, rooms = workers + 1 + AHEAD_PIECES;
	if (media == MEDIA_TAR) {
		chunk_bytes = room;
		rooms = 0;
	}
	return (workers + WINDOW_SPARE) * chunk_bytes + rooms * room + (workers + 1) * thread_bytes;
}
