#include "job.h"

#include <stdlib.h>
#include <string.h>

/* A string of the job, which counts. NULL with the error set. */
static char *keep(struct job *job, const uint8_t *text, size_t length, struct error *e)
{
	if (length + 1 > RUNPORT_MAX_JOB - job->size_bytes) {
		(void)error_set(e, ERROR_LIMIT, 0, "a job of over %d bytes", (int)RUNPORT_MAX_JOB);
		return NULL;
	}
	char *copy = malloc(length + 1);
	if (copy == NULL) {
		(void)error_set(e, ERROR_NOSPACE, 0, "no memory for the job");
		return NULL;
	}
	memcpy(copy, text, length);
	copy[length] = '\0';
	job->size_bytes += length + 1;
	return copy;
}

/* One more in a list that ends with NULL. */
static int add(struct job *job, const char ***list, size_t *count,
	const struct runport_frame *frame, struct error *e)
{
	if (*count == RUNPORT_MAX_STRINGS)
		return error_set(e, ERROR_LIMIT, 0, "a job of over %d arguments or variables",
			(int)RUNPORT_MAX_STRINGS);
	if (*list == NULL)
		*list = calloc(RUNPORT_MAX_STRINGS + 1, sizeof **list);
	if (*list == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory for the job");
	const char *copy = keep(job, frame->payload, frame->length, e);
	if (copy == NULL)
		return -1;
	(*list)[(*count)++] = copy;
	return 0;
}

static int twice(const struct runport_frame *frame, struct error *e)
{
	return error_set(e, ERROR_FORMAT, 0, "the job has two frames of type 0x%02x", frame->type);
}

static int set(
	struct job *job, const char **field, const struct runport_frame *frame, struct error *e)
{
	if (*field != NULL)
		return twice(frame, e);
	*field = keep(job, frame->payload, frame->length, e);
	return *field != NULL ? 0 : -1;
}

static int add_share(struct job *job, const struct runport_frame *frame, struct error *e)
{
	struct job_share *share = &job->shares[job->share_count];
	if (job->share_count == RUNPORT_MAX_SHARES)
		return error_set(e, ERROR_LIMIT, 0, "a job of over %d directories of the host",
			(int)RUNPORT_MAX_SHARES);
	share->target = keep(job, frame->payload + 1, frame->length - 1, e);
	if (share->target == NULL)
		return -1;
	share->writable = frame->payload[0] == 1;
	job->share_count++;
	return 0;
}

static int flag(bool *field, const struct runport_frame *frame, struct error *e)
{
	if (*field)
		return twice(frame, e);
	*field = true;
	return 0;
}

/* Where nothing was said. */
static int set_default(struct job *job, const char **field, const char *text, struct error *e)
{
	if (*field == NULL)
		*field = keep(job, (const uint8_t *)text, strlen(text), e);
	return *field != NULL ? 0 : -1;
}

static int start(struct job *job, struct error *e)
{
	struct entryconf *conf = &job->conf;
	if (conf->argument_count == 0)
		return error_set(e, ERROR_FORMAT, 0, "the job has no argument");
	if (conf->variables == NULL)
		conf->variables = calloc(1, sizeof *conf->variables);
	if (conf->variables == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory for the job");
	if (set_default(job, &conf->directory, "/", e) != 0 ||
		set_default(job, &conf->user, "0:0", e) != 0)
		return -1;
	job->started = true;
	return 1;
}

int job_take(struct job *job, const struct runport_frame *frame, struct error *e)
{
	struct entryconf *conf = &job->conf;
	switch (job->started ? 0 : frame->type) {
	case RUNPORT_ARGUMENT:
		return add(job, &conf->arguments, &conf->argument_count, frame, e);
	case RUNPORT_VARIABLE:
		return add(job, &conf->variables, &conf->variable_count, frame, e);
	case RUNPORT_DIRECTORY:
		return set(job, &conf->directory, frame, e);
	case RUNPORT_USER:
		return set(job, &conf->user, frame, e);
	case RUNPORT_SHARE:
		return add_share(job, frame, e);
	case RUNPORT_THEN:
		return add(job, &job->then.arguments, &job->then.argument_count, frame, e);
	case RUNPORT_ONE_OUTPUT:
		return flag(&job->one_output, frame, e);
	case RUNPORT_TERMINAL:
		runport_load_size(frame->payload, &job->rows, &job->columns);
		return flag(&job->terminal, frame, e);
	case RUNPORT_START:
		return start(job, e);
	default:
		return error_set(e, ERROR_FORMAT, 0, "a frame of type 0x%02x is no part of a job",
			frame->type);
	}
}

static void free_list(const char **list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free((char *)list[i]);
	free(list);
}

void job_free(struct job *job)
{
	free_list(job->conf.arguments, job->conf.argument_count);
	free_list(job->conf.variables, job->conf.variable_count);
	free_list(job->then.arguments, job->then.argument_count);
	free((char *)job->conf.directory);
	free((char *)job->conf.user);
	for (size_t i = 0; i < job->share_count; i++)
		free(job->shares[i].target);
	*job = (struct job){0};
}
