/*
 * Frames of the host, as the first process of a guest takes them: however they are cut, the same
 * come out; what comes out is written as the very same bytes; and what makes a job is one that can
 * be run.
 */
#include <string.h>

#include "init/run/job.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_job(const struct job *job)
{
	const struct entryconf *conf = &job->conf;
	must(conf->argument_count >= 1 && conf->argument_count <= RUNPORT_MAX_STRINGS);
	must(conf->arguments[conf->argument_count] == NULL);
	must(conf->variables[conf->variable_count] == NULL);
	must(conf->directory[0] == '/' && conf->user[0] != '\0');
	must(job->share_count <= RUNPORT_MAX_SHARES && job->size_bytes <= RUNPORT_MAX_JOB);
	for (size_t i = 0; i < conf->variable_count; i++)
		must(strchr(conf->variables[i], '=') > conf->variables[i]);
	for (size_t i = 0; i < job->share_count; i++)
		must(job->shares[i].target[0] == '/');
}

/* How many frames there are; they are put into `out` again. */
static size_t read_all(const uint8_t *data, size_t size, size_t chunk, struct runport_outbox *out,
	struct job *job, enum error_code *code)
{
	static struct runport_reader reader;
	struct error e = {0};
	size_t count = 0;
	int taken = 0;
	memset(&reader, 0, sizeof reader);
	reader.from = RUNPORT_HOST;
	for (size_t at = 0; at < size;) {
		struct runport_frame frame;
		size_t used;
		int result = runport_read(&reader, data + at, chunk < size - at ? chunk : size - at,
			&used, &frame, &e);
		at += used;
		if (result < 0)
			break;
		if (result == 0)
			continue;
		count++;
		must(runport_put(out, frame.type, frame.payload, frame.length, NULL, 0, NULL) == 0);
		if (taken == 0) {
			struct error why = {0};
			taken = job_take(job, &frame, &why);
			must(taken >= 0 || why.code == ERROR_FORMAT || why.code == ERROR_LIMIT);
			if (taken == 1)
				check_job(job);
		}
	}
	*code = e.code;
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct runport_outbox whole = {0}, cut = {0};
	struct job job = {0}, again = {0};
	enum error_code code, cut_code;
	size_t count = read_all(data, size, size, &whole, &job, &code);
	must(read_all(data, size, 7, &cut, &again, &cut_code) == count && code == cut_code);
	must(code == ERROR_NONE || code == ERROR_FORMAT);
	must(job.started == again.started && job.size_bytes == again.size_bytes);
	must(runport_waiting(&whole) <= size);
	must(count == 0 || memcmp(whole.bytes + whole.start, data, runport_waiting(&whole)) == 0);
	job_free(&job);
	job_free(&again);
	runport_outbox_free(&whole);
	runport_outbox_free(&cut);
	return 0;
}
