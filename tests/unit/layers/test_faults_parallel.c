/* layers/parallel.c: memory and threads that can't be had. */
#include "faults.h"

#include <pthread.h>

#include "layers/parallel_private.h"
#include "memory_source.h"

FAULTS_WRAP(int, pthread_create,
	(pthread_t * thread, const pthread_attr_t *attributes, void *(*start)(void *),
		void *argument),
	(thread, attributes, start, argument), FAULTS_SYSTEM, EAGAIN)

static enum media media;
static size_t chunk_bytes; /* smaller than the run, or not */

static int decode(struct error *e)
{
	struct bytes plain = {0};
	struct layer layer;
	struct stream *stream = NULL;
	struct decoder *decoder = NULL;
	const uint8_t *data;
	size_t size = 1, all = 0;
	bytes_fill(&plain, 'p', 5000);
	layer_of_tar(&layer, media, &plain, 20);
	if (stream_open(layer_source(&layer), &layer.record, &stream, e) != 0)
		abort();
	faults_begin();
	int status = parallel_open(stream, media, 3, chunk_bytes, &decoder, e);
	faults_end();
	if (status != 0 && decoder != NULL)
		status = FAULTS_WRONG;
	while (status == 0 && size > 0) {
		status = decoder_read(decoder, &data, &size, e);
		all += status == 0 ? size : 0;
	}
	if (status == 0 && all != plain.size)
		status = FAULTS_WRONG;
	decoder_close(decoder);
	stream_close(stream);
	layer_free(&layer);
	bytes_free(&plain);
	return status;
}

int main(void)
{
	for (media = MEDIA_TAR; media < MEDIA_TYPES; media++) {
		for (chunk_bytes = 1000; chunk_bytes <= 10000; chunk_bytes *= 10) {
			const struct faults_case one = {.name = media_name(media),
				.run = decode,
				.also = 1u << ERROR_NOSPACE};
			faults_try(&one, FAULTS_MEMORY, ENOMEM, "no memory");
			faults_try(&one, FAULTS_SYSTEM, EIO, "no thread");
		}
	}
	return done();
}
