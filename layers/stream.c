#include "stream.h"

#include <errno.h>
#include <stdlib.h>

#include "pages.h"
#include "scope.h"
#include "verified_private.h"

struct piece_room {
	size_t capacity_bytes;
	uint8_t *data; /* owned */
	struct verified piece;
};

struct stream {
	struct feed feed; /* first: a feed is its stream */
	struct blob *blob;
	struct piece_table table;
	size_t next;             /* piece to hand out next */
	uint64_t offset;         /* where it begins */
	size_t run_end;          /* last piece of the current run */
	size_t largest;          /* piece, in bytes */
	struct piece_room *room; /* for that, once somebody wants the stream as a feed */
	void (*progress)(void *context, uint64_t stored_bytes);
	void *progress_context;
	_Atomic uint64_t *beats; /* NULL: nobody counts */
};

int piece_room_open(size_t capacity_bytes, struct piece_room **out, struct error *e)
{
	struct piece_room *room = calloc(1, sizeof *room);
	if (room != NULL)
		room->data = pages_take(capacity_bytes);
	if (room == NULL || room->data == NULL) {
		piece_room_close(room);
		return error_errno(e, ENOMEM, "room for a piece of %zu bytes", capacity_bytes);
	}
	room->capacity_bytes = capacity_bytes;
	*out = room;
	return 0;
}

void piece_room_close(struct piece_room *room)
{
	if (room == NULL)
		return;
	pages_give(room->data, room->capacity_bytes);
	free(room);
}

int stream_verify(const struct stream *stream, size_t index, uint64_t offset,
	struct piece_room *room, size_t at, const struct verified **out, struct error *e)
{
	const struct piece *piece = &stream->table.pieces[index];
	size_t size = (size_t)piece->stored_bytes;
	uint8_t *data = room->data + at;
	if (stream->blob->ops->read_at(stream->blob, offset, data, size, e) != 0)
		return error_wrap(e, "piece %zu of %zu", index + 1, stream->table.count);

	struct digest digest;
	digest_of(data, size, &digest);
	if (!digest_equal(&digest, &piece->digest))
		return error_set(e, ERROR_DIGEST, 0,
			"piece %zu of %zu (%zu bytes at %llu) differs from the signed piece table",
			index + 1, stream->table.count, size, (unsigned long long)offset);
	if (stream->beats != NULL)
		(*stream->beats)++;
	room->piece = (struct verified){.data = data, .size_bytes = size};
	*out = &room->piece;
	return 0;
}

/* The run that `first` begins, up to the piece that says what it decodes to; the table's own rules
 * guarantee that there is one. */
static size_t find_run_end(const struct piece_table *table, size_t first)
{
	while (table->pieces[first].decoded_bytes == 0)
		first++;
	return first;
}

static int stream_next(struct feed *feed, struct piece_view *out, struct error *e)
{
	struct stream *stream = (struct stream *)feed;
	const struct verified *bytes;
	if (stream->next == stream->table.count) {
		*out = (struct piece_view){0};
		return 0;
	}
	if (stream->room == NULL && piece_room_open(stream->largest, &stream->room, e) != 0)
		return -1;
	if (stream_verify(stream, stream->next, stream->offset, stream->room, 0, &bytes, e) != 0)
		return -1;
	if (stream->next > stream->run_end || stream->next == 0)
		stream->run_end = find_run_end(&stream->table, stream->next);
	*out = (struct piece_view){
		.bytes = bytes,
		.run_ends = stream->next == stream->run_end,
		.run_decoded_bytes = stream->table.pieces[stream->run_end].decoded_bytes,
	};
	stream->offset += stream->table.pieces[stream->next].stored_bytes;
	stream->next++;
	stream_report(stream, stream->offset);
	return 0;
}

static int read_piece_table(struct source *source, const struct layer_record *record,
	struct piece_table *out, struct error *e)
{
	struct blob *blob = NULL;
	if (source->ops->open_blob(source, &record->pieces, &blob, e) != 0)
		return -1;
	int result = -1;
	SCOPED_FREE uint8_t *bytes = NULL;
	struct verified *verified = NULL;
	if (blob->size_bytes > LIMIT_PIECE_TABLE_BYTES)
		error_set(e, ERROR_LIMIT, 0, "%llu bytes, at most %u are allowed",
			(unsigned long long)blob->size_bytes, LIMIT_PIECE_TABLE_BYTES);
	else if ((bytes = malloc((size_t)blob->size_bytes + 1)) == NULL)
		error_errno(e, ENOMEM, "read");
	else if (blob->ops->read_at(blob, 0, bytes, (size_t)blob->size_bytes, e) == 0 &&
		 verified_by_digest(
			 bytes, (size_t)blob->size_bytes, &record->pieces, &verified, e) == 0)
		result = piece_table_decode(verified, record, out, e);
	verified_free(verified);
	blob_close(blob);
	return result;
}

static int open_layer_blob(struct stream *stream, struct source *source,
	const struct layer_record *record, struct error *e)
{
	if (source->ops->open_blob(source, &record->digest, &stream->blob, e) != 0)
		return -1;
	if (stream->blob->size_bytes != record->stored_bytes)
		return error_set(e, ERROR_SIZE, 0,
			"the blob has %llu bytes, the signed stack file says %llu",
			(unsigned long long)stream->blob->size_bytes,
			(unsigned long long)record->stored_bytes);
	stream->largest = (size_t)record->largest_piece_bytes;
	return 0;
}

int stream_open(struct source *source, const struct layer_record *record, struct stream **out,
	struct error *e)
{
	struct stream *stream = calloc(1, sizeof *stream);
	if (stream == NULL)
		return error_errno(e, ENOMEM, "open a layer");
	stream->feed.next = stream_next;
	if (read_piece_table(source, record, &stream->table, e) != 0) {
		stream_close(stream);
		return error_wrap(e, "piece table");
	}
	if (open_layer_blob(stream, source, record, e) != 0) {
		stream_close(stream);
		return -1;
	}
	*out = stream;
	return 0;
}

struct feed *stream_feed(struct stream *stream)
{
	return &stream->feed;
}

const struct piece_table *stream_pieces(const struct stream *stream)
{
	return &stream->table;
}

int stream_descriptor(const struct stream *stream)
{
	return stream->blob->ops->descriptor(stream->blob);
}

void stream_on_beat(struct stream *stream, _Atomic uint64_t *beats)
{
	stream->beats = beats;
}

void stream_on_progress(struct stream *stream,
	void (*progress)(void *context, uint64_t stored_bytes), void *context)
{
	stream->progress = progress;
	stream->progress_context = context;
}

void stream_report(const struct stream *stream, uint64_t stored_bytes)
{
	if (stream->progress != NULL)
		stream->progress(stream->progress_context, stored_bytes);
}

void stream_close(struct stream *stream)
{
	if (stream == NULL)
		return;
	blob_close(stream->blob);
	piece_table_free(&stream->table);
	piece_room_close(stream->room);
	free(stream);
}
