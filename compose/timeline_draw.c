#include <math.h>
#include <stdio.h>

#include "timeline_private.h"

static const double LEFT = 24, LABELS = 190, RIGHT = 24, TOP = 92, BOTTOM = 760;

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
static void draw_text(struct svg *svg, const struct timeline_row *row, double from, double to,
	double y, double px)
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

static void draw_row(
	struct svg *svg, const struct timeline_row *row, double y, double height, double end_ms)
{
	double px = fmin(height * 0.62, 11.5), baseline = y + height * 0.72;
	double from = x_of(row->start_ms, end_ms);
	struct timeline_row with_name;
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
	if (svg_text_width(row->label, px) > LABELS - 8) {
		/* Such as units' names: whole where there is room. */
		with_name = *row;
		(void)snprintf(with_name.text, sizeof with_name.text, "%.200s \xe2\x80\x93 %.290s",
			row->text, row->label);
		row = &with_name;
	}
	draw_text(svg, row, from, to, baseline, px);
}

static void draw_legend(struct svg *svg, bool with_systemd)
{
	static const char *const names[] = {
		"step of /init", "kernel", "layer, unpacked", "systemd", "layer, reused"};
	double x = LEFT;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const struct svg_rect box = {x, BOTTOM + 10, 18, 11};
		if (i == SVG_GRID && !with_systemd)
			continue;
		svg_area(svg, &box, (enum svg_fill)i, NULL);
		svg_text(svg, x + 24, BOTTOM + 19, 9.5, 140, SVG_START, names[i]);
		x += 160;
	}
}

void timeline_draw_rows(struct svg *svg, const struct timeline *self)
{
	double end_ms = end_of(self), height = fmin(22, (BOTTOM - TOP) / (double)self->count);
	draw_axis(svg, end_ms, TOP + height * (double)self->bars);
	for (size_t i = 0; i < self->count; i++)
		draw_row(svg, &self->rows[i], TOP + height * (double)i, height, end_ms);
	draw_legend(svg, self->times->systemd != NULL);
}
