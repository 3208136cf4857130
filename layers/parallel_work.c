#include "parallel_private.h"

/* --- cutting */

void parallel_cut(const struct parallel *self, struct task *task)
{
	const struct piece *pieces = self->table->pieces;
	task->end = task->first;
	task->stored_bytes = task->decoded_bytes = 0;
	while (task->end < self->table->count && task->decoded_bytes < self->chunk_bytes) {
		size_t last = task->end;
		uint64_t stored_bytes = pieces[last].stored_bytes;
		while (pieces[last].decoded_bytes == 0)
			stored_bytes += pieces[++last].stored_bytes;
		uint64_t decoded_bytes = pieces[last].decoded_bytes;
		if (task->end > task->first &&
			decoded_bytes > self->chunk_bytes - task->decoded_bytes)
			break;
		task->end = last + 1;
		task->stored_bytes += stored_bytes;
		task->decoded_bytes += decoded_bytes;
	}
}

uint64_t parallel_chunks(const struct parallel *self, const struct task *task)
{
	if (self->media == MEDIA_TAR)
		return 1; /* a plain piece is a chunk, however large */
	return (task->decoded_bytes - 1) / self->chunk_bytes + 1;
}

/* --- pieces that are checked ahead */

struct ahead_piece *parallel_claim_ahead(struct parallel *self)
{
	struct ahead *ahead = &self->ahead;
	struct ahead_piece *piece = &ahead->pieces[ahead->next % AHEAD_PIECES];
	if (!ahead->active || ahead->next == ahead->end || piece->state != AHEAD_FREE)
		return NULL;
	piece->state = AHEAD_READING;
	piece->index = ahead->next++;
	piece->offset = ahead->offset;
	ahead->offset += self->table->pieces[piece->index].stored_bytes;
	return piece;
}

void parallel_check_ahead(struct parallel *self, struct ahead_piece *piece)
{
	(void)pthread_mutex_unlock(&self->lock);
	piece->error.code = ERROR_NONE;
	(void)stream_verify(self->stream, piece->index, piece->offset, piece->room, 0,
		&piece->bytes, &piece->error);
	(void)pthread_mutex_lock(&self->lock);
	piece->state = AHEAD_READY;
	(void)pthread_cond_broadcast(&self->work);
}

/* There may be a piece to claim. */
static void call_for_help(struct parallel *self)
{
	(void)pthread_cond_broadcast(&self->work);
	(void)pthread_cond_signal(&self->ready);
}

static void lead(struct worker *worker)
{
	struct ahead *ahead = &worker->parallel->ahead;
	worker->leads = !ahead->active; /* two long runs overlap for a moment only */
	if (!worker->leads)
		return;
	ahead->active = true;
	ahead->next = worker->task.first;
	ahead->end = worker->task.end;
	ahead->offset = worker->task.offset;
	call_for_help(worker->parallel);
}

static bool is_reading_ahead(const struct ahead *ahead)
{
	for (unsigned i = 0; i < AHEAD_PIECES; i++)
		if (ahead->pieces[i].state == AHEAD_READING)
			return true;
	return false;
}

static void stop_leading(struct worker *worker)
{
	struct parallel *self = worker->parallel;
	if (!worker->leads)
		return;
	self->ahead.next = self->ahead.end; /* nobody begins another */
	while (is_reading_ahead(&self->ahead))
		(void)pthread_cond_wait(&self->work, &self->lock);
	for (unsigned i = 0; i < AHEAD_PIECES; i++)
		self->ahead.pieces[i].state = AHEAD_FREE;
	self->ahead.active = worker->leads = false;
	worker->held = NULL;
	(void)pthread_cond_broadcast(&self->work);
}

static void let_go(struct worker *worker)
{
	if (worker->held == NULL)
		return;
	worker->held->state = AHEAD_FREE;
	worker->held = NULL;
	call_for_help(worker->parallel);
}

/* The piece, when it was claimed ahead: waits until it was checked. NULL: nobody has, nobody will.
 */
static struct ahead_piece *take_ahead(struct worker *worker)
{
	struct ahead *ahead = &worker->parallel->ahead;
	if (!worker->leads)
		return NULL;
	if (ahead->next == worker->next) {
		ahead->offset += worker->parallel->table->pieces[ahead->next++].stored_bytes;
		return NULL;
	}
	struct ahead_piece *piece = &ahead->pieces[worker->next % AHEAD_PIECES];
	while (piece->state == AHEAD_READING)
		(void)pthread_cond_wait(&worker->parallel->work, &worker->parallel->lock);
	return piece;
}

/* --- a worker's pieces */

static int verify_next(struct worker *worker, const struct verified **out, struct error *e)
{
	struct parallel *self = worker->parallel;
	(void)pthread_mutex_lock(&self->lock);
	let_go(worker);
	worker->held = take_ahead(worker);
	(void)pthread_mutex_unlock(&self->lock);
	if (worker->held == NULL)
		return stream_verify(
			self->stream, worker->next, worker->offset, worker->room, 0, out, e);
	*out = worker->held->bytes;
	if (worker->held->error.code == ERROR_NONE)
		return 0;
	*e = worker->held->error;
	return -1;
}

int parallel_next_piece(struct feed *feed, struct piece_view *out, struct error *e)
{
	struct worker *worker = (struct worker *)feed;
	const struct piece *pieces = worker->parallel->table->pieces;
	if (worker->next == worker->task.end) {
		*out = (struct piece_view){0};
		return 0;
	}
	const struct verified *bytes;
	if (verify_next(worker, &bytes, e) != 0)
		return -1;
	if (worker->next > worker->run_end || worker->next == worker->task.first) {
		worker->run_end = worker->next;
		while (pieces[worker->run_end].decoded_bytes == 0)
			worker->run_end++;
	}
	*out = (struct piece_view){
		.bytes = bytes,
		.run_ends = worker->next == worker->run_end,
		.run_decoded_bytes = pieces[worker->run_end].decoded_bytes,
	};
	worker->offset += pieces[worker->next].stored_bytes;
	worker->next++;
	return 0;
}

/* --- tasks */

static struct chunk *slot(struct parallel *self, uint64_t number)
{
	return &self->chunks[number % self->window];
}

/* With the lock held. */
static void deliver(struct parallel *self, struct chunk *chunk)
{
	chunk->ready = true;
	(void)pthread_cond_signal(&self->ready);
}

/* Pieces of a plain tar, one behind the other. */
static int fill_plain(struct worker *worker, struct chunk *chunk, struct error *e)
{
	const struct parallel *self = worker->parallel;
	const struct task *task = &worker->task;
	size_t at = 0;
	uint64_t offset = task->offset;
	for (size_t i = task->first; i < task->end; i++) {
		const struct verified *bytes;
		if (stream_verify(self->stream, i, offset, chunk->room, at, &bytes, e) != 0)
			return -1;
		if (i == task->first)
			chunk->bytes = verified_data(bytes);
		at += verified_size(bytes);
		offset += verified_size(bytes);
	}
	worker->offset = offset;
	chunk->size_bytes = at;
	return 0;
}

/* As much of the task as a chunk holds. One byte more than what is left of it is asked for, so that
 * the decoder comes to the end, and says what is wrong there. */
static int fill_decoded(
	struct worker *worker, struct chunk *chunk, uint64_t left_bytes, struct error *e)
{
	const struct parallel *self = worker->parallel;
	size_t room = left_bytes > self->chunk_bytes ? self->chunk_bytes : (size_t)left_bytes + 1;
	chunk->bytes = chunk->data;
	return decompressor_fill(worker->decompressor, chunk->data, room, &chunk->size_bytes, e);
}

/* False: it failed, or all is over. */
static bool do_chunk(struct worker *worker, uint64_t number, uint64_t left_bytes)
{
	struct parallel *self = worker->parallel;
	while (!self->stop && number >= self->taken + self->window)
		(void)pthread_cond_wait(&self->work, &self->lock);
	if (self->stop)
		return false;
	struct chunk *chunk = slot(self, number);
	(void)pthread_mutex_unlock(&self->lock);
	chunk->error.code = ERROR_NONE;
	int status = self->media == MEDIA_TAR
			     ? fill_plain(worker, chunk, &chunk->error)
			     : fill_decoded(worker, chunk, left_bytes, &chunk->error);
	(void)pthread_mutex_lock(&self->lock);
	chunk->stored_bytes = worker->offset;
	deliver(self, chunk);
	return status == 0;
}

bool parallel_do_task(struct worker *worker)
{
	struct parallel *self = worker->parallel;
	const struct task *task = &worker->task;
	uint64_t left_bytes = task->decoded_bytes, chunks = parallel_chunks(self, task), i = 0;
	worker->next = task->first;
	worker->offset = task->offset;
	if (worker->decompressor != NULL)
		decompressor_restart(worker->decompressor);
	if (chunks > 1)
		lead(worker);
	while (i < chunks && do_chunk(worker, task->chunk + i, left_bytes)) {
		left_bytes -= self->chunk_bytes; /* what it is after the last is not used */
		i++;
	}
	stop_leading(worker);
	return i == chunks;
}
