#include "treemap.h"

#include <math.h>

/* Items that lie side by side along the shorter side of what is left. */
struct row {
	size_t begin, end;
	double sum, least, most; /* of their weights; zeros are not the least */
};

static void take(struct row *row, double weight)
{
	row->end++;
	row->sum += weight;
	row->most = fmax(row->most, weight);
	if (weight > 0)
		row->least = fmin(row->least, weight);
}

/* Of the item in the row that is furthest from a square, how many times its longer side is the
 * shorter. `area`: pixels for one unit of weight. */
static double worst_ratio(const struct row *row, double area, double side)
{
	double thickness = row->sum * area / side;
	double square = thickness * thickness;
	return fmax(row->most * area / square, square / (row->least * area));
}

/* As many as make its worst item better. */
static struct row choose_row(
	const uint64_t *weights, size_t begin, size_t count, double area, double side)
{
	struct row row = {.begin = begin, .end = begin, .least = INFINITY};
	while (row.end < count) {
		struct row longer = row;
		take(&longer, (double)weights[row.end]);
		if (row.sum > 0 && longer.sum > row.sum &&
			worst_ratio(&longer, area, side) > worst_ratio(&row, area, side))
			break;
		row = longer;
	}
	return row;
}

/* Edges are computed once, so that neighbours share them. */
static void lay_row(const uint64_t *weights, const struct row *row, bool upright,
	const struct svg_rect *strip, struct svg_rect *out)
{
	double before = 0, side = upright ? strip->height : strip->width;
	for (size_t i = row->begin; i < row->end; i++) {
		double from = side * fmin(before / row->sum, 1);
		before += (double)weights[i];
		double length = side * fmin(before / row->sum, 1) - from;
		out[i] = *strip;
		if (upright) {
			out[i].y += from;
			out[i].height = length;
		} else {
			out[i].x += from;
			out[i].width = length;
		}
	}
}

/* Cut what the row takes from what is left: upright at the left of what is broad, else on top. */
static struct svg_rect cut_strip(struct svg_rect *left, bool upright, double part)
{
	struct svg_rect strip = *left;
	if (upright) {
		strip.width *= part;
		left->x += strip.width;
		left->width -= strip.width;
	} else {
		strip.height *= part;
		left->y += strip.height;
		left->height -= strip.height;
	}
	return strip;
}

void treemap_lay(
	const uint64_t *weights, size_t count, const struct svg_rect *within, struct svg_rect *out)
{
	struct svg_rect left = *within;
	double sum = 0;
	size_t used = 0; /* only zeros are behind these */
	for (size_t i = 0; i < count; i++) {
		out[i] = (struct svg_rect){within->x, within->y, 0, 0};
		sum += (double)weights[i];
		if (weights[i] > 0)
			used = i + 1;
	}
	for (size_t at = 0; at < used && left.width > 0 && left.height > 0;) {
		bool upright = left.width >= left.height;
		struct row row = choose_row(weights, at, used, left.width * left.height / sum,
			upright ? left.height : left.width);
		double part = row.end == used ? 1 : fmin(row.sum / sum, 1);
		struct svg_rect strip = cut_strip(&left, upright, part);
		lay_row(weights, &row, upright, &strip, out);
		sum -= row.sum;
		at = row.end;
	}
}
