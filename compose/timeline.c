#include "timeline.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "svg.h"

enum { ROWS_MOST = 48, STEPS_SHOWN = 16, LAYERS_SHOWN = 14, REASONS_SHOWN = 6 };

static const double LEFT = 24, LABELS = 190, RIGHT = 24, TOP = 92, BOTTOM = 760;

struct row {
	char label[SVG_LINE_SIZE], text[SVG_LINE_SIZE];
	double start_ms, ms; /* below 0: a line of text without a bar */
	enum svg_fill fill;
};

struct timeline {
	const json_t *report;
	double init_ms, uptime_ms; /* /init's own time, which ends with the kernel's */
	size_t count, bars;        /* the first rows have bars */
	struct row rows[ROWS_MOST];
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text != NULL ? text : "";
}

/* Missing is 0: /init wrote less before. */
static int get_ms(const json_t *object, const char *key, double *out, struct error *e)
{
	const json_t *value = json_object_get(object, key);
	double ms = json_number_value(value);
	if ((value != NULL && !json_is_number(value)) || !isfinite(ms) || ms < 0)
		return error_set(e, ERROR_FORMAT, 0, "boot.json: `%s` is no time", key);
	*out = ms;
	return 0;
}

static uint64_t get_count(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));
	return value < 0 ? 0 : (uint64_t)value;
}

static struct row *add_row(struct timeline *self, double start_ms, double ms, enum svg_fill fill)
{
	if (self->count == ROWS_MOST)
		return &self->rows[ROWS_MOST - 1];
	struct row *row = &self->rows[self->count++];
	*row = (struct row){.start_ms = start_ms, .ms = ms, .fill = fill};
	return row;
}

/* --- which of many are shown */

static int descending(const void *a, const void *b)
{
	const double one = *(const double *)a, other = *(const double *)b;
	return one < other ? 1 : one > other ? -1 : 0;
}

/* Which entries have a row of their own: those that took longer than `ms`, and as many that took
 * just that. */
struct shown {
	double ms;
	size_t equal;
};

/* For `most` rows: runs of the others have one together. ERROR_FORMAT, ERROR_NOSPACE. */
static int choose_shown(const json_t *list, size_t most, struct shown *out, struct error *e)
{
	size_t count = json_array_size(list), own = (most - 1) / 2;
	SCOPED_FREE double *times = calloc(count + 1, sizeof *times);
	if (times == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (size_t i = 0; i < count; i++)
		if (get_ms(json_array_get(list, i), "ms", &times[i], e) != 0)
			return -1;
	qsort(times, count, sizeof *times, descending);
	*out = (struct shown){-1, 0};
	if (count <= most)
		return 0;
	*out = (struct shown){times[own - 1], own};
	for (size_t i = 0; i < own; i++)
		out->equal -= times[i] > out->ms;
	return 0;
}

static bool is_shown(struct shown *shown, double ms)
{
	if (ms > shown->ms)
		return true;
	if (ms < shown->ms || shown->equal == 0)
		return false;
	shown->equal--;
	return true;
}

/* --- steps */

static void add_step(struct timeline *self, const char *name, double start_ms, double ms)
{
	struct row *row = add_row(self, start_ms, ms, SVG_PLAIN);
	(void)snprintf(row->label, sizeof row->label, "%s", name);
	svg_ms(ms, row->text);
}

static void add_steps_together(struct timeline *self, size_t count, double start_ms, double ms)
{
	char label[SVG_NUMBER_SIZE];
	svg_count(count, "step", "steps", label);
	if (count > 0)
		add_step(self, label, start_ms, ms);
}

/* Each begins where the one before it ended. `*layers_ms`: where unpacking began last. */
static int add_steps(struct timeline *self, double *layers_ms, struct error *e)
{
	const json_t *steps = json_object_get(self->report, "steps");
	double at = self->uptime_ms - self->init_ms, ms, run_ms = 0;
	struct shown shown;
	size_t i, run = 0;
	if (choose_shown(steps, STEPS_SHOWN, &shown, e) != 0)
		return -1;
	for (i = 0; i < json_array_size(steps); i++) {
		const json_t *step = json_array_get(steps, i);
		if (get_ms(step, "ms", &ms, e) != 0)
			return -1;
		if (strcmp(text_of(step, "step"), "layers") == 0)
			*layers_ms = at;
		if (is_shown(&shown, ms)) {
			add_steps_together(self, run, at - run_ms, run_ms);
			add_step(self, text_of(step, "step"), at, ms);
			run = 0;
			run_ms = 0;
		} else {
			run++;
			run_ms += ms;
		}
		at += ms;
	}
	add_steps_together(self, run, at - run_ms, run_ms);
	return 0;
}

/* --- layers */

struct layers {
	size_t count, reused, first; /* of a run that has one row */
	double start_ms, end_ms;
	uint64_t stored_bytes, unpacked_bytes, entries;
};

static void rate_text(uint64_t bytes, double ms, char out[SVG_NUMBER_SIZE])
{
	char number[SVG_NUMBER_SIZE];
	out[0] = '\0';
	if (ms <= 0)
		return;
	svg_bytes((uint64_t)fmin((double)bytes * 1000 / ms, 1e18), number);
	(void)snprintf(out, SVG_NUMBER_SIZE, " (%.20s/s)", number);
}

static void add_layers_row(
	struct timeline *self, const struct layers *run, size_t first, const char *digest)
{
	bool reused = run->reused == run->count;
	double ms = run->end_ms - run->start_ms;
	struct row *row = add_row(self, run->start_ms, ms, reused ? SVG_HOLLOW : SVG_DOTS);
	char time[SVG_NUMBER_SIZE], stored[SVG_NUMBER_SIZE], unpacked[SVG_NUMBER_SIZE],
		in[SVG_NUMBER_SIZE], out[SVG_NUMBER_SIZE], entries[SVG_NUMBER_SIZE];
	svg_ms(ms, time);
	svg_bytes(run->stored_bytes, stored);
	svg_bytes(run->unpacked_bytes, unpacked);
	svg_count(run->entries, "entry", "entries", entries);
	rate_text(run->stored_bytes, ms, in);
	rate_text(run->unpacked_bytes, ms, out);
	if (run->count == 1)
		(void)snprintf(row->label, sizeof row->label, "layer %zu %.12s", first, digest);
	else
		(void)snprintf(row->label, sizeof row->label, "layers %zu\xe2\x80\x93%zu", first,
			first + run->count - 1);
	if (reused)
		(void)snprintf(row->text, sizeof row->text,
			"reused: %s in %s were in memory already", unpacked, entries);
	else
		(void)snprintf(row->text, sizeof row->text, "%s; read %s%s, wrote %s%s, %s", time,
			stored, in, unpacked, out, entries);
}

static int take_layer(
	const json_t *layer, double layers_ms, struct layers *run, double *ms, struct error *e)
{
	double start_ms;
	bool reused = strcmp(text_of(layer, "from"), "reused") == 0;
	if (get_ms(layer, "ms", ms, e) != 0 || get_ms(layer, "start_ms", &start_ms, e) != 0)
		return -1;
	if (reused || start_ms <= 0)
		start_ms = layers_ms;
	*run = (struct layers){.count = 1,
		.reused = reused,
		.start_ms = start_ms,
		.end_ms = start_ms + (reused ? 0 : *ms),
		.stored_bytes = get_count(layer, "stored_bytes"),
		.unpacked_bytes = get_count(layer, "unpacked_bytes"),
		.entries = get_count(layer, "entries")};
	return 0;
}

static void join(struct layers *run, const struct layers *one)
{
	if (run->count == 0) {
		*run = *one;
		return;
	}
	run->count++;
	run->reused += one->reused;
	run->start_ms = fmin(run->start_ms, one->start_ms);
	run->end_ms = fmax(run->end_ms, one->end_ms);
	run->stored_bytes += one->stored_bytes;
	run->unpacked_bytes += one->unpacked_bytes;
	run->entries += one->entries;
}

static void end_run(struct timeline *self, struct layers *run, size_t next)
{
	if (run->count > 0)
		add_layers_row(self, run, next - run->count, "");
	*run = (struct layers){0};
}

static int add_layers(struct timeline *self, double layers_ms, struct error *e)
{
	const json_t *layers = json_object_get(self->report, "layers");
	struct layers run = {0}, one;
	struct shown shown;
	double ms;
	if (choose_shown(layers, LAYERS_SHOWN, &shown, e) != 0)
		return -1;
	for (size_t i = 0; i < json_array_size(layers); i++) {
		const json_t *layer = json_array_get(layers, i);
		const char *digest = text_of(layer, "digest");
		if (take_layer(layer, layers_ms, &one, &ms, e) != 0)
			return -1;
		if (!is_shown(&shown, ms)) {
			join(&run, &one);
			continue;
		}
		end_run(self, &run, i + 1);
		add_layers_row(self, &one, i + 1,
			strncmp(digest, "sha256:", 7) == 0 ? digest + 7 : digest);
	}
	end_run(self, &run, json_array_size(layers) + 1);
	return 0;
}

/* --- what did not boot, and why */

static void add_reasons(
	struct timeline *self, const char *key, const char *what, size_t *shown, size_t *left_out)
{
	const json_t *list = json_object_get(self->report, key), *entry;
	size_t i;
	json_array_foreach(list, i, entry)
	{
		const char *code = text_of(entry, "code");
		if (*shown == REASONS_SHOWN) {
			++*left_out;
			continue;
		}
		struct row *row = add_row(self, 0, -1, SVG_HOLLOW);
		++*shown;
		(void)snprintf(row->label, sizeof row->label, "%s", what);
		(void)snprintf(row->text, sizeof row->text, "%.140s: %.20s%s%.300s",
			text_of(entry, "file"), code, code[0] != '\0' ? ": " : "",
			text_of(entry, "reason"));
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
		struct row *row = add_row(self, 0, -1, SVG_HOLLOW);
		(void)snprintf(
			row->text, sizeof row->text, "and %zu more, in the report", left_out);
	}
	if (text_of(upper, "kind")[0] != '\0') {
		struct row *row = add_row(self, 0, -1, SVG_HOLLOW);
		const char *why = text_of(upper, "why");
		(void)snprintf(row->label, sizeof row->label, "upper");
		(void)snprintf(row->text, sizeof row->text, "%.40s%s%.300s", text_of(upper, "kind"),
			why[0] != '\0' ? ": " : "", why);
	}
}

static int collect(struct timeline *self, struct error *e)
{
	if (get_ms(self->report, "init_ms", &self->init_ms, e) != 0 ||
		get_ms(self->report, "uptime_ms", &self->uptime_ms, e) != 0)
		return -1;
	if (self->init_ms > self->uptime_ms)
		return error_set(e, ERROR_FORMAT, 0, "boot.json: /init began before the kernel");
	double layers_ms = self->uptime_ms - self->init_ms;
	struct row *row = add_row(self, 0, layers_ms, SVG_STRIPES);
	(void)snprintf(row->label, sizeof row->label, "kernel, before /init");
	svg_ms(row->ms, row->text);
	if (add_steps(self, &layers_ms, e) != 0 || add_layers(self, layers_ms, e) != 0)
		return -1;
	self->bars = self->count;
	add_ladder(self);
	return 0;
}

/* --- drawing */

static double end_of(const struct timeline *self)
{
	double end = self->uptime_ms;
	for (size_t i = 0; i < self->count; i++)
		end = fmax(end, self->rows[i].start_ms + fmax(self->rows[i].ms, 0));
	return end > 0 ? end : 1;
}

static double x_of(double ms, double end_ms)
{
	return LEFT + LABELS + ms / end_ms * (SVG_PAGE_WIDTH - LEFT - LABELS - RIGHT);
}

/* At most ten, at 1, 2 or 5 of a power of ten. */
static void draw_axis(struct svg *svg, double end_ms, double bottom)
{
	double step = pow(10, floor(log10(end_ms / 10)));
	step *= end_ms / step <= 10 ? 1 : end_ms / step <= 20 ? 2 : end_ms / step <= 50 ? 5 : 10;
	for (int i = 0; i <= 10 && i * step <= end_ms; i++) {
		char text[SVG_NUMBER_SIZE];
		double x = x_of(i * step, end_ms);
		svg_ms(i * step, text);
		svg_line(svg, x, TOP - 6, x, bottom);
		if (x < SVG_PAGE_WIDTH - RIGHT - 30)
			svg_text(svg, x, TOP - 10, 9, 90, SVG_MIDDLE, i == 0 ? "0" : text);
	}
}

/* Where there is room for what is said of a bar: behind it, in front of it, else in it. */
static void draw_text(
	struct svg *svg, const struct row *row, double from, double to, double y, double px)
{
	double wanted = svg_text_width(row->text, px), right = SVG_PAGE_WIDTH - RIGHT - to - 5;
	double before = from - LEFT - LABELS - 5, in = to - from - 8;
	if (wanted <= right)
		svg_text(svg, to + 5, y, px, right, SVG_START, row->text);
	else if (wanted <= before)
		svg_text(svg, from - 5, y, px, before, SVG_END, row->text);
	else if (in >= before && in >= right)
		svg_text(svg, from + 4, y, px, in, SVG_START, row->text);
	else if (before > right)
		svg_text(svg, from - 5, y, px, before, SVG_END, row->text);
	else
		svg_text(svg, to + 5, y, px, right, SVG_START, row->text);
}

static void draw_row(struct svg *svg, const struct row *row, double y, double height, double end_ms)
{
	double px = fmin(height * 0.62, 11.5), baseline = y + height * 0.72;
	double from = x_of(row->start_ms, end_ms);
	svg_text(svg, LEFT, baseline, px, LABELS - 8, SVG_START, row->label);
	if (row->ms < 0) {
		svg_text(svg, LEFT + LABELS, baseline, px, SVG_PAGE_WIDTH - LEFT - LABELS - RIGHT,
			SVG_START, row->text);
		return;
	}
	double to = fmax(x_of(row->start_ms + row->ms, end_ms), from + 1);
	const struct svg_rect bar = {from, y + 1, to - from, height - 3};
	char title[2 * SVG_LINE_SIZE + 8];
	(void)snprintf(title, sizeof title, "%s: %s", row->label, row->text);
	svg_area(svg, &bar, row->fill, title);
	draw_text(svg, row, from, to, baseline, px);
}

static void draw_legend(struct svg *svg)
{
	static const char *const names[] = {
		"step of /init", "kernel", "layer, unpacked", NULL, "layer, reused"};
	double x = LEFT;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const struct svg_rect box = {x, BOTTOM + 10, 18, 11};
		if (names[i] == NULL)
			continue;
		svg_area(svg, &box, (enum svg_fill)i, NULL);
		svg_text(svg, x + 24, BOTTOM + 19, 9.5, 140, SVG_START, names[i]);
		x += 160;
	}
}

static void title_of(const struct timeline *self, char out[SVG_LINE_SIZE])
{
	char time[SVG_NUMBER_SIZE];
	const char *stack = text_of(self->report, "stack"), *init = text_of(self->report, "init");
	svg_ms(self->uptime_ms, time);
	if (init[0] == '\0')
		(void)snprintf(out, SVG_LINE_SIZE, "%.80s did not boot: the end after %s",
			stack[0] != '\0' ? stack : "plyboot", time);
	else
		(void)snprintf(out, SVG_LINE_SIZE, "%.80s %llu: hand-over to %.200s after %s",
			stack, (unsigned long long)get_count(self->report, "version"), init, time);
}

int timeline_draw(const json_t *report, char **text, size_t *size_bytes, struct error *e)
{
	SCOPED_FREE struct timeline *self = calloc(1, sizeof *self);
	SCOPED_SVG svg = SVG_INIT;
	char title[SVG_LINE_SIZE];
	if (self == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	self->report = report;
	if (collect(self, e) != 0)
		return -1;
	title_of(self, title);
	if (svg_begin(&svg, SVG_PAGE_WIDTH, SVG_PAGE_HEIGHT, title, e) != 0)
		return -1;
	double end_ms = end_of(self), height = fmin(22, (BOTTOM - TOP) / (double)self->count);
	svg_heading(&svg, LEFT, 36, 17, SVG_PAGE_WIDTH - LEFT - RIGHT, title);
	svg_text(&svg, LEFT, 56, 11, SVG_PAGE_WIDTH - LEFT - RIGHT, SVG_START,
		"time since the kernel started; steps of /init follow each other, layers may be "
		"unpacked at once. read: and hashed; wrote: decoded and written");
	draw_axis(&svg, end_ms, TOP + height * (double)self->bars);
	for (size_t i = 0; i < self->count; i++)
		draw_row(&svg, &self->rows[i], TOP + height * (double)i, height, end_ms);
	draw_legend(&svg);
	return svg_finish(&svg, text, size_bytes, e);
}
