/* layers/runport.c: without memory for a frame nothing of it is there, and what was there stays. */
#include "faults.h"

#include "runport.h"

static struct runport_outbox outbox;

/* The types and the first bytes of all that waits. */
static const char *waits(void)
{
	static struct runport_reader reader;
	static char text[64];
	struct runport_frame frame;
	size_t used = 0, at = outbox.start, length = 0;
	memset(&reader, 0, sizeof reader);
	reader.from = RUNPORT_HOST;
	for (; at < outbox.end; at += used) {
		if (runport_read(
			    &reader, outbox.bytes + at, outbox.end - at, &used, &frame, NULL) != 1)
			return "damaged";
		text[length++] = (char)frame.type;
		text[length++] = (char)frame.payload[0];
	}
	text[length] = '\0';
	return text;
}

static int put(const char *first, const char *second, struct error *e)
{
	faults_begin();
	int result = runport_put(
		&outbox, RUNPORT_ARGUMENT, first, strlen(first), second, strlen(second), e);
	faults_end();
	return result;
}

static int grows(struct error *e)
{
	static const char *const words[] = {"a", "b", "c", "d"};
	static char rest[300];
	char want[16] = "";
	int result = 0;
	memset(rest, 'x', sizeof rest - 1);
	for (size_t i = 0; i < 4 && result == 0; i++) {
		result = put(words[i], rest, e);
		if (result == 0)
			(void)snprintf(want + 2 * i, sizeof want - 2 * i, "A%s", words[i]);
	}
	if (strcmp(waits(), want) != 0)
		result = FAULTS_WRONG;
	runport_outbox_free(&outbox);
	return result;
}

int main(void)
{
	static const struct faults_case growing = {"an outbox that grows", grows, 0};
	struct error e = {.code = ERROR_NONE};
	faults_all(&growing);
	faults = (struct faults){.kinds = FAULTS_MEMORY, .left = 1, .error_number = ENOMEM};
	ok(put("a", "", &e) == -1 && e.code == ERROR_NOSPACE && runport_waiting(&outbox) == 0,
		"no memory for the first frame");
	is_int(put("b", "", &e), 0, "the next time there is some");
	is_str(waits(), "Ab", "and the first is not there");
	runport_outbox_free(&outbox);
	return done();
}
