#include "boot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "asking.h"
#include "clock.h"
#include "console.h"
#include "crew.h"
#include "handover.h"
#include "jail.h"
#include "overlay.h"
#include "persist.h"
#include "progress.h"
#include "scope.h"
#include "spare.h"
#include "state.h"
#include "upper.h"
#include "watchdog.h"

/* What is in the store for one stack. */
struct lowers {
	struct digest *ids; /* owned; bottom first */
	size_t count;
	size_t first;       /* those below it are hidden, whole */
	char synthetic[80]; /* its name in the store */
};

/* Whom crew.h tells how far it is. */
struct listener {
	struct boot *boot;
	const struct stack *stack;
	size_t first; /* layers below it are hidden, whole */
	struct progress progress;
	uint64_t done_bytes;           /* of the blobs that are to be unpacked */
	uint64_t stored[LIMIT_LAYERS]; /* how far each layer is */
};

/* What unpacks it says how far it is, and may say anything. */
static void show_progress(void *context, size_t index, uint64_t stored_bytes)
{
	struct listener *listener = context;
	char text[PROGRESS_SIZE];
	if (stored_bytes > listener->stored[index] &&
		stored_bytes <= listener->stack->layers[index].stored_bytes) {
		watchdog_feed(); /* a layer that has come to a halt must not keep it quiet */
		listener->done_bytes += stored_bytes - listener->stored[index];
		listener->stored[index] = stored_bytes;
	}
	if (!progress_due(&listener->progress, listener->done_bytes, clock_us(), text))
		return;
	if (listener->progress.style == PROGRESS_BAR)
		console_draw(text);
	else
		console_show(text);
}

static enum progress_style style_of(const struct initconf *conf)
{
	switch (conf->progress) {
	case INITCONF_PROGRESS_BAR:
		return PROGRESS_BAR;
	case INITCONF_PROGRESS_LINES:
		return PROGRESS_LINES;
	case INITCONF_PROGRESS_OFF:
		return PROGRESS_OFF;
	default:
		return console_is_screen() ? PROGRESS_BAR : PROGRESS_LINES;
	}
}

/* Of layers that are there, and of one that the stack has twice, nothing is read. */
static uint64_t bytes_to_read(
	const struct boot *boot, const struct stack *stack, const struct digest *ids)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < stack->layer_count; i++) {
		bool seen = store_mount_has(&boot->store, &ids[i]);
		for (size_t k = 0; k < i && !seen; k++)
			seen = memcmp(&ids[k], &ids[i], sizeof ids[i]) == 0;
		uint64_t more = seen ? 0 : stack->layers[i].stored_bytes;
		bytes = more > UINT64_MAX - bytes ? UINT64_MAX : bytes + more;
	}
	return bytes;
}

static void say_layer(const struct report_layer *layer, size_t number, size_t count)
{
	char digest[DIGEST_HEX + 1];
	digest_format_hex(&layer->record.digest, digest);
	if (layer->reused) {
		console_say("layer %zu/%zu %.12s reused", number, count, digest);
		return;
	}
	console_say("layer %zu/%zu %.12s %llu bytes stored, %llu unpacked, %" CLOCK_MS " ms",
		number, count, digest, (unsigned long long)layer->record.stored_bytes,
		(unsigned long long)layer->record.unpacked_bytes, CLOCK_MS_OF(layer->us));
}

static void note_layer(
	void *context, size_t index, const struct store_layer *layer, uint64_t took_us)
{
	struct listener *listener = context;
	struct report *report = &listener->boot->report;
	const struct stack *stack = listener->stack;
	struct report_layer *line = &report->layers[report->layer_count++];
	*line = (struct report_layer){
		stack->layers[index], layer->id, layer->reused, layer->start_us, took_us};
	if (!layer->reused) {
		listener->done_bytes += stack->layers[index].stored_bytes - listener->stored[index];
		listener->stored[index] = stack->layers[index].stored_bytes;
		watchdog_feed(); /* small ones end before they are asked how far they are */
	}
	say_layer(line, index + 1, stack->layer_count);
	if (layer->hides_lower)
		listener->first = index;
	if (layer->user_xattrs_skipped > 0) {
		char digest[DIGEST_TEXT_SIZE];
		digest_format(&stack->layers[index].digest, digest);
		report_warn(report, "layer %s: %llu user.* attribute%s left out", digest,
			(unsigned long long)layer->user_xattrs_skipped,
			layer->user_xattrs_skipped == 1 ? "" : "s");
	}
}

/* tmpfs has user.* from Linux 6.6, if so configured: ask it. */
static bool has_user_xattrs(int store_fd)
{
	if (fsetxattr(store_fd, "user.plyboot", "", 0, 0) != 0)
		return false;
	(void)fremovexattr(store_fd, "user.plyboot");
	return true;
}

static void say_missing(struct boot *boot, unsigned missing)
{
	for (unsigned i = 0; i < JAIL_PARTS; i++) {
		unsigned part = 1u << i;
		if ((missing & ~boot->report.jail_missing & part) != 0)
			report_warn(&boot->report,
				"layers were unpacked without a part of the jail: %s",
				jail_part_name((enum jail_part)part));
	}
	boot->report.jail_missing |= missing;
}

static int unpack_layers(struct boot *boot, struct listener *listener, struct error *e)
{
	const struct stack *stack = listener->stack;
	const struct crew_options options = {
		.user_xattrs_supported = has_user_xattrs(boot->store.fd),
		.cpus = boot->store.cpus,
		.jail_demand = boot->conf.jail_whole ? JAIL_ALL : 0,
		.progress = show_progress,
		.done = note_layer,
		.context = listener,
	};
	SCOPED_FREE struct store_layer *layers = calloc(stack->layer_count, sizeof *layers);
	if (layers == NULL)
		return error_errno(e, ENOMEM, "memory for the layers");
	size_t failed = 0;
	unsigned missing = 0;
	int result = crew_fill_store(boot->store.fd, boot->source, stack->layers,
		stack->layer_count, &options, layers, &missing, &failed, e);
	say_missing(boot, missing);
	if (result == 0)
		return 0;
	char digest[DIGEST_TEXT_SIZE];
	digest_format(&stack->layers[failed].digest, digest);
	return error_wrap(e, "layer %zu/%zu %s", failed + 1, stack->layer_count, digest);
}

static int add_layers(
	struct boot *boot, const struct candidate *candidate, struct lowers *out, struct error *e)
{
	const struct stack *stack = &candidate->stack;
	for (; out->count < stack->layer_count; out->count++) {
		if (layer_record_id(&stack->layers[out->count], &out->ids[out->count], e) != 0)
			return -1;
	}
	if (store_mount_prepare(&boot->store, stack, out->ids, e) != 0)
		return -1;
	boot_step(boot, "store");
	struct listener listener = {.boot = boot, .stack = stack};
	progress_start(&listener.progress, style_of(&boot->conf),
		bytes_to_read(boot, stack, out->ids), clock_us());
	int result = unpack_layers(boot, &listener, e);
	console_draw_end();
	if (result != 0)
		return -1;
	out->first = listener.first;
	boot_step(boot, "layers");
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
	boot_step(boot, "synthetic layer");
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
		.base = upper->base[0] != '\0' ? upper->base : NULL,
		.read_only = boot->settings.read_only,
	};
	boot->report.lower_count = request.count + 1; /* and the synthetic one */
	return overlay_mount(&request, &boot->report.overlay_method, e);
}

/* Mounted, with an init in it that can be run; or not mounted. */
static int mount_usable(struct boot *boot, const struct lowers *lowers,
	const struct upper_dirs *upper, const char *init, struct error *e)
{
	if (mount_root(boot, lowers, upper, e) != 0)
		return -1;
	if (handover_check(OVERLAY_PATH, init, e) == 0)
		return 0;
	overlay_unmount();
	return -1;
}

/* For a partition that was full: with what is kept there for that, it may do. */
static int mount_with_spare(struct boot *boot, const struct candidate *candidate,
	const struct lowers *lowers, const struct upper_dirs *upper, const char *init,
	struct error *e)
{
	SCOPED_FD home = state_open_home(candidate->stack.name, NULL);
	(void)state_name_room(e);
	const struct error full = *e;
	if (home < 0 || spare_give(home, NULL) != 0)
		return -1;
	int result = mount_usable(boot, lowers, upper, init, e);
	if (result == 0)
		state_warn_full(&boot->report, &full);
	(void)spare_keep(home, NULL);
	return result;
}

static int mount_usable_upper(struct boot *boot, const struct candidate *candidate,
	const struct lowers *lowers, const struct upper_dirs *upper, const char *init,
	struct error *e)
{
	if (mount_usable(boot, lowers, upper, init, e) == 0)
		return 0;
	if (upper->kind != UPPER_PERSISTENT || e->sys_errno != ENOSPC)
		return -1;
	return mount_with_spare(boot, candidate, lowers, upper, init, e);
}

/* Whether the layers alone would do, so that it is the upper that is bad. */
static bool layers_do(struct boot *boot, const struct lowers *lowers, const char *init)
{
	const struct upper_dirs none = {.kind = UPPER_NONE};
	struct error ignored;
	if (mount_usable(boot, lowers, &none, init, &ignored) != 0)
		return false;
	overlay_unmount();
	return true;
}

/* Where it is asked to do without one, nothing is ever confirmed, and so nothing is on trial. */
static bool keeps_record(const struct boot *boot)
{
	return strcmp(boot->settings.device[INITCONF_RECORD], "none") != 0;
}

/* Of a reset once a boot is enough. */
static void carry_out(struct boot *boot, const struct upper_request *upper)
{
	const struct asking_request request = {
		.upper = upper, .reset = boot->settings.reset, .conf = &boot->conf};
	asking_carry_out(&request, &boot->report);
	boot->settings.reset = false;
}

/* A persistent upper that overlayfs can't use (a full or failing disk), or that hides the init of
 * layers which have one, is one more that can't be had. */
static int mount_with_upper(struct boot *boot, const struct candidate *candidate,
	const struct lowers *lowers, const char *init, struct error *e)
{
	struct upper_dirs upper;
	SCOPED_FD model = openat(
		boot->store.fd, lowers->synthetic, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (model < 0)
		return error_errno(e, errno, "open the synthetic layer");
	const struct upper_request request = {
		.candidate = candidate,
		.record = keeps_record(boot) ? &boot->record.record : NULL,
		.counted = boot->record.writable,
		.upper_tries = boot->conf.upper_tries,
		.device = boot->settings.device[INITCONF_STATE],
		.deadline_us = boot->deadline_us,
		.keep_nothing = boot->settings.upper_volatile,
		.model_fd = model,
	};
	carry_out(boot, &request);
	if (upper_prepare(&request, &boot->report, &upper, e) != 0)
		return -1;
	boot_step(boot, "upper");
	if (mount_usable_upper(boot, candidate, lowers, &upper, init, e) != 0) {
		if (upper.kind != UPPER_PERSISTENT || !layers_do(boot, lowers, init))
			return -1;
		if (upper.trial)
			upper_drop_trial(&request, &boot->report);
		if (upper_fall_back(&request, e->text, &boot->report, &upper, e) != 0 ||
			mount_usable(boot, lowers, &upper, init, e) != 0)
			return -1;
	}
	boot_step(boot, "overlay");
	return 0;
}

/* Only now: a stack that is tried after this one may have layers in common with one before. */
static int finish_store(struct boot *boot, const struct lowers *lowers, struct error *e)
{
	store_mount_drop_others(&boot->store, lowers->ids, lowers->count, lowers->synthetic);
	return store_mount_freeze(&boot->store, e);
}

static void mount_persistent_paths(
	struct boot *boot, const struct candidate *candidate, const char *init)
{
	const struct persist_request request = {
		.candidate = candidate,
		.record = keeps_record(boot) ? &boot->record.record : NULL,
		.device = boot->settings.device[INITCONF_STATE],
		.deadline_us = boot->deadline_us,
		.keep_nothing = boot->settings.upper_volatile,
		.init = init,
	};
	if (candidate->stack.persist_count == 0)
		return;
	persist_mount(&request, &boot->report);
	boot_step(boot, "persistent paths");
}

int rung_climb(
	struct boot *boot, const struct candidate *candidate, const char **init, struct error *e)
{
	SCOPED_FREE struct digest *ids = calloc(candidate->stack.layer_count, sizeof *ids);
	struct lowers lowers = {.ids = ids};
	if (ids == NULL)
		return error_errno(e, ENOMEM, "memory for the layers");
	const char *wanted =
		boot->settings.init != NULL ? boot->settings.init : candidate->stack.init;
	if (add_layers(boot, candidate, &lowers, e) != 0 ||
		add_synthetic(boot, candidate, &lowers, e) != 0 ||
		mount_with_upper(boot, candidate, &lowers, wanted, e) != 0)
		return -1;
	if (finish_store(boot, &lowers, e) != 0) {
		overlay_unmount();
		return -1;
	}
	mount_persistent_paths(boot, candidate, wanted);
	boot->report.init = wanted;
	*init = wanted;
	return 0;
}
