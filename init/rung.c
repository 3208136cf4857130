#include "boot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "clock.h"
#include "console.h"
#include "handover.h"
#include "overlay.h"
#include "scope.h"
#include "store.h"
#include "upper.h"

enum { PROGRESS_US = 1000000 };

/* What is in the store for one stack. */
struct lowers {
	struct digest *ids; /* owned; bottom first */
	size_t count;
	size_t first;       /* those below it are hidden, whole */
	char synthetic[80]; /* its name in the store */
};

struct progress {
	size_t number, of;
	uint64_t stored_bytes, said_us;
};

static void say_progress(void *context, uint64_t stored_bytes)
{
	struct progress *progress = context;
	uint64_t now = clock_us();
	if (now - progress->said_us < PROGRESS_US)
		return;
	progress->said_us = now;
	console_say("layer %zu/%zu: %llu %%", progress->number, progress->of,
		(unsigned long long)(stored_bytes * 100 / progress->stored_bytes));
}

static void say_layer(const struct report_layer *layer, const struct progress *progress)
{
	char digest[DIGEST_HEX + 1];
	digest_format_hex(&layer->record.digest, digest);
	if (layer->reused) {
		console_say("layer %zu/%zu %.12s reused", progress->number, progress->of, digest);
		return;
	}
	console_say("layer %zu/%zu %.12s %llu bytes stored, %llu unpacked, %" CLOCK_MS " ms",
		progress->number, progress->of, digest,
		(unsigned long long)layer->record.stored_bytes,
		(unsigned long long)layer->record.unpacked_bytes, CLOCK_MS_OF(layer->us));
}

/* tmpfs has user.* from Linux 6.6, if so configured: ask it. */
static bool has_user_xattrs(int store_fd)
{
	if (fsetxattr(store_fd, "user.plyboot", "", 0, 0) != 0)
		return false;
	(void)fremovexattr(store_fd, "user.plyboot");
	return true;
}

static int add_layer(struct boot *boot, const struct layer_record *record,
	struct progress *progress, struct store_layer *out, struct error *e)
{
	const struct layer_unpack_options options = {
		.user_xattrs_supported = has_user_xattrs(boot->store.fd),
		.progress = say_progress,
		.progress_context = progress,
	};
	struct report_layer *line = &boot->report.layers[boot->report.layer_count];
	char digest[DIGEST_TEXT_SIZE];
	digest_format(&record->digest, digest);
	uint64_t start = clock_us();
	progress->said_us = start;
	progress->stored_bytes = record->stored_bytes;
	if (store_add(boot->store.fd, boot->source, record, &options, out, e) != 0)
		return error_wrap(e, "layer %zu/%zu %s", progress->number, progress->of, digest);
	*line = (struct report_layer){*record, out->id, out->reused, clock_us() - start};
	boot->report.layer_count++;
	say_layer(line, progress);
	if (out->user_xattrs_skipped > 0)
		report_warn(&boot->report, "layer %s: %llu user.* attributes left out", digest,
			(unsigned long long)out->user_xattrs_skipped);
	return 0;
}

static int add_layers(
	struct boot *boot, const struct candidate *candidate, struct lowers *out, struct error *e)
{
	const struct stack *stack = &candidate->stack;
	struct progress progress = {.of = stack->layer_count};
	for (; out->count < stack->layer_count; out->count++) {
		if (layer_record_id(&stack->layers[out->count], &out->ids[out->count], e) != 0)
			return -1;
	}
	if (store_mount_prepare(&boot->store, stack, out->ids, e) != 0)
		return -1;
	report_step(&boot->report, "store");
	for (size_t i = 0; i < stack->layer_count; i++) {
		struct store_layer layer;
		progress.number = i + 1;
		if (add_layer(boot, &stack->layers[i], &progress, &layer, e) != 0)
			return -1;
		if (layer.hides_lower)
			out->first = i;
	}
	report_step(&boot->report, "layers");
	return 0;
}

/* Among the layers, so that it is as read-only as they are by the hand-over. */
static int add_synthetic(struct boot *boot, const struct candidate *candidate,
	struct lowers *lowers, struct error *e)
{
	char text[DIGEST_HEX + 1];
	digest_format_hex(&candidate->text, text);
	(void)snprintf(lowers->synthetic, sizeof lowers->synthetic, "top-%s", text);
	if (store_make_synthetic(boot->store.fd, lowers->ids, lowers->count, boot->store.fd,
		    lowers->synthetic, e) != 0)
		return error_wrap(e, "synthetic layer");
	report_step(&boot->report, "synthetic layer");
	return 0;
}

static int mount_root(struct boot *boot, const struct lowers *lowers,
	const struct upper_dirs *upper, struct error *e)
{
	const struct overlay_request request = {
		.ids = lowers->ids + lowers->first,
		.count = lowers->count - lowers->first,
		.synthetic = lowers->synthetic,
		.upper = upper->kind == UPPER_NONE ? NULL : upper->upper,
		.work = upper->kind == UPPER_NONE ? NULL : upper->work,
		.read_only = boot->settings.read_only,
	};
	boot->report.lower_count = request.count + 1; /* and the synthetic one */
	return overlay_mount(&request, &boot->report.overlay_method, e);
}

/* A persistent upper that overlayfs can't use (a full or failing disk) is one more that can't be
 * had. */
static int mount_with_upper(struct boot *boot, const struct candidate *candidate,
	const struct lowers *lowers, struct error *e)
{
	struct upper_dirs upper;
	SCOPED_FD model = openat(
		boot->store.fd, lowers->synthetic, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (model < 0)
		return error_errno(e, errno, "open the synthetic layer");
	const struct upper_request request = {
		.candidate = candidate,
		.device = boot->settings.device[INITCONF_STATE],
		.deadline_us = boot->deadline_us,
		.keep_nothing = boot->settings.upper_volatile,
		.model_fd = model,
	};
	if (upper_prepare(&request, &boot->report, &upper, e) != 0)
		return -1;
	report_step(&boot->report, "upper");
	if (mount_root(boot, lowers, &upper, e) != 0) {
		if (upper.kind != UPPER_PERSISTENT ||
			upper_fall_back(&request, e->text, &boot->report, &upper, e) != 0 ||
			mount_root(boot, lowers, &upper, e) != 0)
			return -1;
	}
	report_step(&boot->report, "overlay");
	return 0;
}

/* Only now: a stack that is tried after this one may have layers in common with one before. */
static int finish_store(struct boot *boot, const struct lowers *lowers, struct error *e)
{
	store_mount_drop_others(&boot->store, lowers->ids, lowers->count, lowers->synthetic);
	return store_mount_freeze(&boot->store, e);
}

int rung_climb(
	struct boot *boot, const struct candidate *candidate, const char **init, struct error *e)
{
	SCOPED_FREE struct digest *ids = calloc(candidate->stack.layer_count, sizeof *ids);
	struct lowers lowers = {.ids = ids};
	if (ids == NULL)
		return error_errno(e, ENOMEM, "memory for the layers");
	if (add_layers(boot, candidate, &lowers, e) != 0 ||
		add_synthetic(boot, candidate, &lowers, e) != 0 ||
		mount_with_upper(boot, candidate, &lowers, e) != 0)
		return -1;
	const char *wanted =
		boot->settings.init != NULL ? boot->settings.init : candidate->stack.init;
	if (handover_check(OVERLAY_PATH, wanted, e) != 0 || finish_store(boot, &lowers, e) != 0) {
		overlay_unmount();
		return -1;
	}
	boot->report.init = wanted;
	*init = wanted;
	return 0;
}
