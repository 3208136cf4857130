/* What others tell of a boot, in its picture: the kernel's row, systemd's and its units'. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "timeline_private.h"

static double span_ms(const struct times_span *span)
{
	return (double)(span->end_us - span->start_us) / 1000;
}

static struct timeline_row *add_span(
	struct timeline *self, const struct times_span *span, enum svg_fill fill)
{
	struct timeline_row *row =
		timeline_add(self, (double)span->start_us / 1000, span_ms(span), fill);
	svg_ms(row->ms, row->text);
	return row;
}

/* --- the kernel */

static void add_gap(struct timeline *self, const struct times_gap *gap)
{
	char time[SVG_NUMBER_SIZE], at[SVG_NUMBER_SIZE];
	struct timeline_row *row = add_span(self, &gap->span, SVG_STRIPES);
	svg_ms(row->ms, time);
	svg_ms(row->start_ms, at);
	(void)snprintf(row->label, sizeof row->label, "kernel, at %s", at);
	if (gap->message[0] == '\0')
		(void)snprintf(row->text, sizeof row->text, "%s until /init began", time);
	else
		(void)snprintf(
			row->text, sizeof row->text, "%s until it said: %s", time, gap->message);
}

void timeline_kernel(struct timeline *self)
{
	const struct times_kernel *kernel = self->times->kernel;
	struct timeline_row *row =
		timeline_add(self, 0, self->uptime_ms - self->init_ms, SVG_STRIPES);
	(void)snprintf(row->label, sizeof row->label, "kernel, before /init");
	svg_ms(row->ms, row->text);
	for (size_t i = 0; kernel != NULL && i < kernel->count; i++)
		add_gap(self, &kernel->gaps[i]);
}

/* --- systemd */

/* One that took under a millisecond is none to look at. */
static void add_phases(struct timeline *self, const struct times_systemd *systemd)
{
	static const char *const names[TIMES_PHASES] = {
		"security modules", "generators", "loading units"};
	for (size_t i = 0; i < TIMES_PHASES; i++) {
		if (span_ms(&systemd->phases[i]) < 1)
			continue;
		struct timeline_row *row = add_span(self, &systemd->phases[i], SVG_GRID);
		(void)snprintf(row->label, sizeof row->label, "systemd: %s", names[i]);
	}
}

static int by_start(const void *a, const void *b)
{
	const struct times_unit *one = a, *other = b;
	if (one->span.start_us != other->span.start_us)
		return one->span.start_us < other->span.start_us ? -1 : 1;
	if (one->span.end_us != other->span.end_us)
		return one->span.end_us < other->span.end_us ? -1 : 1;
	return strcmp(one->name, other->name);
}

/* How many of the longest: those of a millisecond and more, in `most` rows with what is said of the
 * others. */
static size_t units_shown(const struct times_systemd *systemd, size_t most)
{
	size_t count = 0;
	while (count < systemd->count && span_ms(&systemd->units[count].span) >= 1)
		count++;
	if (count == systemd->count && count <= most)
		return count;
	return count < most ? count : most > 0 ? most - 1 : 0;
}

static void add_more(struct timeline *self, const struct times_systemd *systemd, size_t shown)
{
	char count[SVG_NUMBER_SIZE], time[SVG_NUMBER_SIZE];
	if (shown == systemd->count)
		return;
	struct timeline_row *row = timeline_add(self, 0, -1, SVG_HOLLOW);
	svg_count(systemd->count - shown, "unit", "units", count);
	svg_ms(fmax(span_ms(&systemd->units[shown].span), 1), time);
	(void)snprintf(row->text, sizeof row->text, "and %s more, none over %s", count, time);
}

/* Where systemd did not say when it had finished, it ends with the last of what is shown. */
static void add_systemd(struct timeline *self, const struct times_systemd *systemd,
	const struct times_unit *units, size_t shown)
{
	struct times_span whole = {systemd->start_us, systemd->finish_us};
	for (size_t i = 0; systemd->finish_us == 0 && i < TIMES_PHASES; i++)
		if (whole.end_us < systemd->phases[i].end_us)
			whole.end_us = systemd->phases[i].end_us;
	for (size_t i = 0; systemd->finish_us == 0 && i < shown; i++)
		if (whole.end_us < units[i].span.end_us)
			whole.end_us = units[i].span.end_us;
	if (whole.end_us < whole.start_us)
		whole.end_us = whole.start_us;
	struct timeline_row *row = add_span(self, &whole, SVG_GRID);
	(void)snprintf(row->label, sizeof row->label, "systemd");
	if (systemd->finish_us == 0)
		(void)snprintf(row->text, sizeof row->text, "had not finished when it was asked");
	add_phases(self, systemd);
	for (size_t i = 0; i < shown; i++) {
		row = add_span(self, &units[i].span, SVG_GRID);
		(void)snprintf(row->label, sizeof row->label, "%s", units[i].name);
	}
}

int timeline_systemd(struct timeline *self, size_t rest, struct error *e)
{
	const struct times_systemd *systemd = self->times->systemd;
	self->bars = self->count;
	if (systemd == NULL)
		return 0;
	size_t taken = self->count + 1 + TIMES_PHASES + rest;
	size_t shown = units_shown(systemd, taken < TIMELINE_ROWS ? TIMELINE_ROWS - taken : 0);
	SCOPED_FREE struct times_unit *units = calloc(shown + 1, sizeof *units);
	if (units == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	if (shown > 0)
		memcpy(units, systemd->units, shown * sizeof *units);
	qsort(units, shown, sizeof *units, by_start);
	add_systemd(self, systemd, units, shown);
	self->bars = self->count;
	add_more(self, systemd, shown);
	return 0;
}
