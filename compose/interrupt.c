#include "interrupt.h"

#include <signal.h>
#include <stddef.h>

/* SIGXFSZ: then write(2) fails with EFBIG, as on a full disk with ENOSPC. */
static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ};

static volatile sig_atomic_t came;

static void note(int number)
{
	came = number;
}

void interrupt_catch(void)
{
	/* Without SA_RESTART: who waits in read(2) shall look. */
	const struct sigaction action = {.sa_handler = note};
	for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++) {
		struct sigaction before;
		if (sigaction(caught[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
			(void)sigaction(caught[i], &action, NULL);
	}
}

int interrupt_check(struct error *e)
{
	if (came == 0)
		return 0;
	return error_set(e, ERROR_IO, 0, "ended by signal %d", (int)came);
}

void interrupt_finish(void)
{
	if (came == 0)
		return;
	(void)signal(came, SIG_DFL);
	(void)raise(came);
}

/* --- sources */

static const struct source_ops *source_ops;
static const struct blob_ops *blob_ops;

static int read_at(
	struct blob *blob, uint64_t offset, void *buffer, size_t size_bytes, struct error *e)
{
	if (interrupt_check(e) != 0)
		return -1;
	return blob_ops->read_at(blob, offset, buffer, size_bytes, e);
}

static int open_blob(
	struct source *source, const struct digest *digest, struct blob **out, struct error *e)
{
	static struct blob_ops asking;
	if (source_ops->open_blob(source, digest, out, e) != 0)
		return -1;
	blob_ops = (*out)->ops;
	asking = *blob_ops;
	asking.read_at = read_at;
	(*out)->ops = &asking;
	return 0;
}

void interrupt_source(struct source *source)
{
	static struct source_ops asking;
	source_ops = source->ops;
	asking = *source_ops;
	asking.open_blob = open_blob;
	source->ops = &asking;
}
