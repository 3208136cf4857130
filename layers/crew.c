#include "crew.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "jailed.h"
#include "scope.h"
#include "store_private.h"

enum { JOBS_MOST = 16, LOOK_MS = 200 };

/* A layer that is being unpacked. */
struct job {
	size_t index;
	unsigned weight; /* in CPUs */
	uint64_t start_us;
	struct store_place place;
	struct stream *stream;
	struct jailed *jailed; /* NULL: the job is free */
};

struct crew {
	int store_fd;
	struct source *source;
	const struct layer_record *records;
	size_t count;
	const struct crew_options *options;
	struct store_layer *layers; /* [count] */
	uint64_t *took_us;          /* [count] */
	bool *there;                /* [count] */
	size_t next;                /* layer to begin with next */
	size_t told;                /* layers that done() was called for */
	size_t failed;              /* the lowest layer that can't be had; `count`: none */
	struct error error;         /* why */
	unsigned missing;
	unsigned weight; /* of all jobs */
	struct job jobs[JOBS_MOST];
};

static uint64_t now_us(void)
{
	struct timespec now = {0};
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Threads are worth their while from two chunks on. A tar has 512 bytes for an entry, or more. */
static bool is_large(const struct layer_record *record)
{
	return record->unpacked_bytes + record->entries * 512 >= 2 * DECODER_CHUNK_BYTES;
}

static unsigned worker_count(const struct layer_record *record, unsigned cpus)
{
	if (cpus < 2 || !is_large(record))
		return 0;
	return cpus - 1 < DECODER_WORKERS_MOST ? cpus - 1 : DECODER_WORKERS_MOST;
}

static unsigned weight_of(const struct layer_record *record, unsigned cpus)
{
	return worker_count(record, cpus) + 1;
}

uint64_t crew_bytes(const struct layer_record *record, unsigned cpus)
{
	unsigned at_once = cpus / weight_of(record, cpus);
	return (at_once < JOBS_MOST ? at_once : JOBS_MOST) *
	       jailed_bytes(record, worker_count(record, cpus));
}

/* --- jobs */

static struct job *free_job(struct crew *crew)
{
	for (unsigned i = 0; i < JOBS_MOST; i++)
		if (crew->jobs[i].jailed == NULL)
			return &crew->jobs[i];
	return NULL;
}

static bool is_under_way(const struct crew *crew, const char *id)
{
	for (unsigned i = 0; i < JOBS_MOST; i++)
		if (crew->jobs[i].jailed != NULL && strcmp(crew->jobs[i].place.id, id) == 0)
			return true;
	return false;
}

static int begin(
	struct crew *crew, struct job *job, const struct layer_record *record, struct error *e)
{
	const struct layer_unpack_options options = {
		.user_xattrs_supported = crew->options->user_xattrs_supported,
		.workers = worker_count(record, crew->options->cpus),
	};
	if (stream_open(crew->source, record, &job->stream, e) != 0)
		return -1;
	const struct jailed_request request = {
		.stream = job->stream,
		.record = record,
		.root_fd = job->place.root_fd,
		.options = &options,
		.leave_out = crew->options->jail_leave_out,
		.demand = crew->options->jail_demand,
		.stall_ms = crew->options->stall_ms,
	};
	if (jailed_start(&request, &job->jailed, e) == 0)
		return 0;
	stream_close(job->stream);
	return -1;
}

/* Always lower than the one before: nothing above that is begun or looked after any more. */
static void fail(struct crew *crew, size_t index, const struct error *why)
{
	crew->failed = index;
	crew->error = *why;
}

static void start_job(struct crew *crew, struct job *job)
{
	size_t index = crew->next++;
	const struct layer_record *record = &crew->records[index];
	struct error why = {0};
	*job = (struct job){.index = index,
		.weight = weight_of(record, crew->options->cpus),
		.start_us = now_us()};
	if (store_begin(crew->store_fd, &crew->layers[index].id, &job->place, &why) != 0) {
		fail(crew, index, &why);
		return;
	}
	if (begin(crew, job, record, &why) != 0) {
		store_abandon(crew->store_fd, &job->place);
		fail(crew, index, &why);
		return;
	}
	crew->weight += job->weight;
}

static void end_job(struct crew *crew, struct job *job)
{
	struct unpack_result result = {0};
	struct error why = {0};
	struct store_layer *layer = &crew->layers[job->index];
	unsigned missing = 0;
	int status = jailed_finish(job->jailed, &result, &missing, &why);
	job->jailed = NULL;
	crew->weight -= job->weight;
	crew->missing |= missing;
	stream_close(job->stream);
	if (status == 0)
		status = store_keep(crew->store_fd, &job->place, &result, layer, &why);
	if (status == 0) {
		layer->user_xattrs_skipped =
			crew->options->user_xattrs_supported ? 0 : result.user_xattrs;
		crew->there[job->index] = true;
		crew->took_us[job->index] = now_us() - job->start_us;
		layer->start_us = job->start_us;
	} else {
		store_abandon(crew->store_fd, &job->place);
		fail(crew, job->index, &why);
	}
	unpack_result_free(&result);
}

static void drop_job(struct crew *crew, struct job *job)
{
	jailed_kill(job->jailed);
	job->jailed = NULL;
	crew->weight -= job->weight;
	stream_close(job->stream);
	store_abandon(crew->store_fd, &job->place);
}

/* --- the round */

/* Is the next layer there? -1: that can't be told, or it failed. */
static int look(struct crew *crew, struct error *e)
{
	size_t index = crew->next;
	struct store_layer *layer = &crew->layers[index];
	if (store_look(crew->store_fd, &crew->records[index], &crew->there[index], layer, e) != 0)
		return -1;
	return 0;
}

/* Begin with what there is CPU time for. */
static void start_jobs(struct crew *crew)
{
	unsigned cpus = crew->options->cpus;
	while (crew->next < crew->failed) {
		const struct layer_record *record = &crew->records[crew->next];
		struct store_layer *layer = &crew->layers[crew->next];
		struct error why = {0};
		char id[DIGEST_HEX + 1];
		if (look(crew, &why) != 0) {
			fail(crew, crew->next, &why);
			return;
		}
		digest_format_hex(&layer->id, id);
		if (layer->reused) {
			crew->next++;
			continue;
		}
		struct job *job = free_job(crew);
		bool fits = crew->weight == 0 || crew->weight + weight_of(record, cpus) <= cpus;
		if (job == NULL || !fits || is_under_way(crew, id))
			return; /* the same layer twice: its end is waited for */
		start_job(crew, job);
	}
}

static void tell(struct crew *crew)
{
	for (; crew->told < crew->failed && crew->there[crew->told]; crew->told++)
		if (crew->options->done != NULL)
			crew->options->done(crew->options->context, crew->told,
				&crew->layers[crew->told], crew->took_us[crew->told]);
}

static void look_after(struct crew *crew, struct job *job, bool readable)
{
	if (job->index > crew->failed)
		drop_job(crew, job);
	else if ((readable && jailed_read(job->jailed)) || jailed_is_stalled(job->jailed))
		end_job(crew, job);
	else if (crew->options->progress != NULL)
		crew->options->progress(
			crew->options->context, job->index, jailed_progress(job->jailed));
}

/* Wait for any of them to say something, and for a moment at most. */
static void wait_for_jobs(struct crew *crew)
{
	struct pollfd fds[JOBS_MOST];
	struct job *jobs[JOBS_MOST];
	nfds_t count = 0;
	for (unsigned i = 0; i < JOBS_MOST; i++) {
		if (crew->jobs[i].jailed == NULL)
			continue;
		fds[count] = (struct pollfd){
			.fd = jailed_descriptor(crew->jobs[i].jailed), .events = POLLIN};
		jobs[count++] = &crew->jobs[i];
	}
	int ready = poll(fds, count, LOOK_MS);
	for (nfds_t i = 0; i < count; i++)
		look_after(crew, jobs[i], ready > 0 && fds[i].revents != 0);
}

static int fill(struct crew *crew, struct error *e)
{
	do {
		start_jobs(crew);
		if (crew->weight > 0)
			wait_for_jobs(crew);
		tell(crew);
	} while (crew->weight > 0 || crew->next < crew->failed);
	if (crew->failed == crew->count)
		return 0;
	*e = crew->error;
	return -1;
}

int crew_fill_store(int store_fd, struct source *source, const struct layer_record *records,
	size_t count, const struct crew_options *options, struct store_layer *out,
	unsigned *missing, size_t *failed, struct error *e)
{
	struct crew crew = {
		.store_fd = store_fd,
		.source = source,
		.records = records,
		.count = count,
		.options = options,
		.layers = out,
		.failed = count,
	};
	SCOPED_FREE bool *there = calloc(count, sizeof *there);
	SCOPED_FREE uint64_t *took_us = calloc(count, sizeof *took_us);
	if (there == NULL || took_us == NULL)
		return error_errno(e, ENOMEM, "memory for the layers");
	crew.there = there;
	crew.took_us = took_us;
	int status = fill(&crew, e);
	*missing = crew.missing;
	*failed = crew.failed;
	return status;
}
