/* init/run/job.c and feed.c: a job without memory for some part of it, and a write that a signal
 * came into. */
#include "faults.h"

#include "init/run/job.h"
#include "init/run/pump.h"

static struct job job;

static int take(uint8_t type, const char *payload, size_t length, struct error *e)
{
	const struct runport_frame frame = {type, length, (const uint8_t *)payload};
	faults_begin();
	int result = job_take(&job, &frame, e);
	faults_end();
	return result;
}

static int whole(struct error *e)
{
	int result = take(RUNPORT_ARGUMENT, "a", 1, e);
	if (result == 0)
		result = take(RUNPORT_VARIABLE, "A=", 2, e);
	if (result == 0)
		result = take(RUNPORT_DIRECTORY, "/", 1, e);
	if (result == 0)
		result = take(RUNPORT_USER, "u", 1, e);
	if (result == 0)
		result = take(RUNPORT_SHARE, "\1/a", 3, e);
	if (result == 0)
		result = take(RUNPORT_THEN, "b", 1, e);
	if (result == 0)
		result = take(RUNPORT_START, "", 0, e) == 1 ? 0 : -1;
	if (job.started != (result == 0))
		result = FAULTS_WRONG;
	job_free(&job);
	return result;
}

static int least(struct error *e)
{
	int result = take(RUNPORT_ARGUMENT, "a", 1, e);
	if (result == 0)
		result = take(RUNPORT_START, "", 0, e) == 1 ? 0 : -1;
	if (job.started != (result == 0))
		result = FAULTS_WRONG;
	job_free(&job);
	return result;
}

static void interrupted(void)
{
	static struct feed feed;
	char got[8];
	int ends[2];
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0 ||
		feed_add(&feed, (const uint8_t *)"abc", 3, NULL) != 0)
		abort();
	faults = (struct faults){.kinds = FAULTS_TRANSFER, .left = 1, .error_number = EINTR};
	faults_begin();
	bool open = feed_give(&feed, ends[1], false);
	faults_end();
	ok(open && faults.fired && feed_credit(&feed) == 3 && read(ends[0], got, sizeof got) == 3,
		"a signal while input is given");
	(void)close(ends[0]);
	(void)close(ends[1]);
}

int main(void)
{
	static const struct faults_case all = {"a job with everything", whole, 0};
	static const struct faults_case few = {"a job with what is added to it", least, 0};
	faults_all(&all);
	faults_all(&few);
	interrupted();
	return done();
}
