#include "timeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "timeline_private.h"

enum {
	STEPS_SHOWN = 16,
	STEPS_LEAST = 8,
	LAYERS_SHOWN = 14,
	LAYERS_LEAST = 8,
	SYSTEMD_LEAST = 11, /* itself, its phases, 6 units, and how many more there are */
	REASONS_SHOWN = 6
};

/* --- what did not boot, and why */

static bool has_upper(const json_t *report)
{
	return timeline_text(json_object_get(report, "upper"), "kind")[0] != '\0';
}

/* How many rows add_ladder() takes. */
static size_t ladder_rows(const json_t *report)
{
	size_t reasons = json_array_size(json_object_get(report, "failed")) +
			 json_array_size(json_object_get(report, "refused")) +
			 json_array_size(json_object_get(report, "passed_over"));
	return (reasons > REASONS_SHOWN ? REASONS_SHOWN + 1 : reasons) + has_upper(report);
}

static void add_reasons(
	struct timeline *self, const char *key, const char *what, size_t *shown, size_t *left_out)
{
	const json_t *list = json_object_get(self->report, key), *entry;
	size_t i;
	json_array_foreach(list, i, entry)
	{
		const char *code = timeline_text(entry, "code");
		if (*shown == REASONS_SHOWN) {
			++*left_out;
			continue;
		}
		struct timeline_row *row = timeline_add(self, 0, -1, SVG_HOLLOW);
		++*shown;
		(void)snprintf(row->label, sizeof row->label, "%s", what);
		(void)snprintf(row->text, sizeof row->text, "%.140s: %.20s%s%.300s",
			timeline_text(entry, "file"), code, code[0] != '\0' ? ": " : "",
			timeline_text(entry, "reason"));
	}
}

static void add_ladder(struct timeline *self)
{
	const json_t *upper = json_object_get(self->report, "upper");
	size_t shown = 0, left_out = 0;
	add_reasons(self, "failed", "did not boot", &shown, &left_out);
	add_reasons(self, "refused", "refused", &shown, &left_out);
	add_reasons(self, "passed_over", "passed over", &shown, &left_out);
	if (left_out > 0) {
		struct timeline_row *row = timeline_add(self, 0, -1, SVG_HOLLOW);
		(void)snprintf(
			row->text, sizeof row->text, "and %zu more, in the report", left_out);
	}
	if (has_upper(self->report)) {
		struct timeline_row *row = timeline_add(self, 0, -1, SVG_HOLLOW);
		const char *why = timeline_text(upper, "why");
		(void)snprintf(row->label, sizeof row->label, "upper");
		(void)snprintf(row->text, sizeof row->text, "%.40s%s%.300s",
			timeline_text(upper, "kind"), why[0] != '\0' ? ": " : "", why);
	}
}

/* --- the whole */

static size_t clamp(size_t value, size_t least, size_t most)
{
	return value < least ? least : value > most ? most : value;
}

static size_t less(size_t from, size_t what)
{
	return from > what ? from - what : 0;
}

/* Where the page is too short for everything, steps and layers share lines before units do. */
static int add_init(struct timeline *self, size_t rest, struct error *e)
{
	double layers_ms = self->uptime_ms - self->init_ms;
	size_t layers = json_array_size(json_object_get(self->report, "layers"));
	if (self->times->systemd != NULL)
		rest += SYSTEMD_LEAST;
	size_t room = less(TIMELINE_ROWS, self->count + rest), begun = self->count;
	if (timeline_steps(self,
		    clamp(less(room, clamp(layers, 0, LAYERS_LEAST)), STEPS_LEAST, STEPS_SHOWN),
		    &layers_ms, e) != 0)
		return -1;
	return timeline_layers(self,
		clamp(less(room, self->count - begun), LAYERS_LEAST, LAYERS_SHOWN), layers_ms, e);
}

static int collect(struct timeline *self, struct error *e)
{
	const struct times_systemd *systemd = self->times->systemd;
	size_t rest = ladder_rows(self->report);
	if (systemd != NULL && timeline_check_systemd(self->report, systemd, e) != 0)
		return -1;
	if (timeline_ms(self->report, "init_ms", &self->init_ms, e) != 0 ||
		timeline_ms(self->report, "uptime_ms", &self->uptime_ms, e) != 0)
		return -1;
	if (self->init_ms > self->uptime_ms)
		return error_set(e, ERROR_FORMAT, 0, "boot.json: /init began before the kernel");
	timeline_kernel(self);
	if (add_init(self, rest, e) != 0 || timeline_systemd(self, rest, e) != 0)
		return -1;
	add_ladder(self);
	return 0;
}

int timeline_init_us(const json_t *report, uint64_t *out, struct error *e)
{
	double init_ms, uptime_ms;
	if (timeline_ms(report, "init_ms", &init_ms, e) != 0 ||
		timeline_ms(report, "uptime_ms", &uptime_ms, e) != 0)
		return -1;
	*out = (uint64_t)(fmin(fmax(uptime_ms - init_ms, 0), 1e12) * 1000);
	return 0;
}

int timeline_check_systemd(
	const json_t *report, const struct times_systemd *systemd, struct error *e)
{
	double uptime_ms;
	char began[SVG_NUMBER_SIZE], handed[SVG_NUMBER_SIZE];
	if (timeline_ms(report, "uptime_ms", &uptime_ms, e) != 0)
		return -1;
	svg_ms((double)systemd->start_us / 1000, began);
	svg_ms(uptime_ms, handed);
	if (timeline_text(report, "init")[0] == '\0')
		return error_set(e, ERROR_FORMAT, 0,
			"systemd's times are of another boot: this one came to no root");
	if ((double)systemd->start_us / 1000 < uptime_ms)
		return error_set(e, ERROR_FORMAT, 0,
			"systemd's times are of another boot: it began after %s, /init handed over "
			"after %s",
			began, handed);
	return 0;
}

static void title_of(const struct timeline *self, char out[SVG_LINE_SIZE])
{
	char time[SVG_NUMBER_SIZE], whole[SVG_NUMBER_SIZE];
	const struct times_systemd *systemd = self->times->systemd;
	const char *stack = timeline_text(self->report, "stack"),
		   *init = timeline_text(self->report, "init");
	unsigned long long version = timeline_count(self->report, "version");
	svg_ms(self->uptime_ms, time);
	if (init[0] == '\0') {
		(void)snprintf(out, SVG_LINE_SIZE, "%.80s did not boot: the end after %s",
			stack[0] != '\0' ? stack : "plyboot", time);
	} else if (systemd != NULL && systemd->finish_us > 0) {
		svg_ms((double)systemd->finish_us / 1000, whole);
		(void)snprintf(out, SVG_LINE_SIZE,
			"%.80s %llu: %s from the kernel's start to systemd's \"startup finished\"",
			stack, version, whole);
	} else {
		(void)snprintf(out, SVG_LINE_SIZE, "%.80s %llu: hand-over to %.200s after %s",
			stack, version, init, time);
	}
}

/* Whose clocks they are, and what the title left out. */
static void draw_clocks(struct svg *svg, const struct timeline *self, double left, double width)
{
	char line[SVG_LINE_SIZE], time[SVG_NUMBER_SIZE];
	const bool has_kernel = self->times->kernel != NULL;
	svg_ms(self->uptime_ms, time);
	if (self->times->systemd != NULL)
		(void)snprintf(line, sizeof line,
			"hand-over to %.80s after %s; systemd's clock is that of /init as long as "
			"the machine did not sleep%s",
			timeline_text(self->report, "init"), time,
			has_kernel ? "; the kernel's log may differ by some ms" : "");
	else
		(void)snprintf(line, sizeof line,
			"the clock of the kernel's log may differ from that of /init by some ms");
	if (self->times->systemd != NULL || has_kernel)
		svg_text(svg, left, 70, 9.5, width, SVG_START, line);
}

static void draw_head(struct svg *svg, const struct timeline *self, const char *title)
{
	const double left = 24, width = SVG_PAGE_WIDTH - 2 * left;
	svg_heading(svg, left, 36, 17, width, title);
	svg_text(svg, left, 56, 11, width, SVG_START,
		"time since the kernel started; steps of /init follow each other, layers may be "
		"unpacked at once. read: and hashed; wrote: decoded and written");
	draw_clocks(svg, self, left, width);
}

int timeline_draw(const json_t *report, const struct timeline_times *times, char **text,
	size_t *size_bytes, struct error *e)
{
	SCOPED_FREE struct timeline *self = calloc(1, sizeof *self);
	SCOPED_SVG svg = SVG_INIT;
	char title[SVG_LINE_SIZE];
	if (self == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	self->report = report;
	self->times = times;
	if (collect(self, e) != 0)
		return -1;
	title_of(self, title);
	if (svg_begin(&svg, SVG_PAGE_WIDTH, SVG_PAGE_HEIGHT, title, e) != 0)
		return -1;
	draw_head(&svg, self, title);
	timeline_draw_rows(&svg, self);
	return svg_finish(&svg, text, size_bytes, e);
}
