/* compose/room_plot.h, its upper part: what each layer takes, and what of it upper layers hide. */
#include "room_plot_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "../layers/unpack.h"

enum { ROWS_MOST = 12 };

/* Where the columns of numbers end, at the right. */
static const double BARS = 192, BARS_END = 640, STORED_END = 720, UNPACKED_END = 800,
		    ENTRIES_END = 920;

/* One layer, or a run of them that share a line. */
struct layer_row {
	size_t first, count;
	uint64_t stored_bytes, unpacked_bytes, entries, hidden_bytes, hidden_entries;
};

struct layer_rows {
	size_t count;
	struct layer_row rows[ROWS_MOST];
};

/* --- of one layer */

/* As memory holds them, like `unpacked_bytes`. */
static uint64_t hidden_bytes(const struct merged *merged, size_t layer)
{
	const struct layer_index *index = &merged->layers[layer];
	uint64_t bytes = 0;
	for (size_t i = 0; i < index->count; i++) {
		const struct merged_fate *fate = &merged->fates[layer][i];
		if (index->entries[i].leader == i && fate->visible == 0 &&
			fate->how != MERGED_SHOWS)
			bytes += unpack_charge(index->entries[i].size_bytes, 0, 0);
	}
	return bytes;
}

static struct layer_row row_of(const struct room_plot *plot, size_t layer)
{
	const struct merged *merged = plot->merged;
	const struct layer_record *record = &plot->records[layer];
	struct layer_row row = {.first = layer,
		.count = 1,
		.stored_bytes = record->stored_bytes,
		.unpacked_bytes = record->unpacked_bytes,
		.entries = record->entries,
		.hidden_bytes = hidden_bytes(merged, layer)};
	for (size_t by = layer + 1; by < merged->layer_count; by++)
		row.hidden_entries += merged->hides[by * merged->layer_count + layer].entries;
	return row;
}

static void join(struct layer_row *row, const struct layer_row *next)
{
	row->count++;
	row->stored_bytes += next->stored_bytes;
	row->unpacked_bytes += next->unpacked_bytes;
	row->entries += next->entries;
	row->hidden_bytes += next->hidden_bytes;
	row->hidden_entries += next->hidden_entries;
}

/* --- which have a line of their own */

static uint64_t size_of(const struct layer_record *record)
{
	return record->unpacked_bytes > record->stored_bytes ? record->unpacked_bytes
							     : record->stored_bytes;
}

static int descending(const void *a, const void *b)
{
	const uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
	return one < other ? 1 : one > other ? -1 : 0;
}

/* Those larger than `bytes`, and the first so many that are as large. */
struct alone {
	uint64_t bytes;
	size_t equal;
};

/* Between as many lines as there are for layers alone lies one run of others at most. */
static int choose_alone(const struct room_plot *plot, struct alone *out, struct error *e)
{
	size_t count = plot->merged->layer_count, own = (ROWS_MOST - 1) / 2;
	*out = (struct alone){.equal = count};
	if (count <= ROWS_MOST)
		return 0;
	SCOPED_FREE uint64_t *sizes = calloc(count, sizeof *sizes);
	if (sizes == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (size_t i = 0; i < count; i++)
		sizes[i] = size_of(&plot->records[i]);
	qsort(sizes, count, sizeof *sizes, descending);
	*out = (struct alone){sizes[own - 1], own};
	for (size_t i = 0; i < own; i++)
		out->equal -= sizes[i] > out->bytes;
	return 0;
}

static bool is_alone(struct alone *alone, uint64_t bytes)
{
	if (bytes != alone->bytes)
		return bytes > alone->bytes;
	if (alone->equal == 0)
		return false;
	alone->equal--;
	return true;
}

static int collect(const struct room_plot *plot, struct layer_rows *out, struct error *e)
{
	struct alone alone = {0};
	bool in_run = false;
	if (choose_alone(plot, &alone, e) != 0)
		return -1;
	out->count = 0;
	for (size_t i = 0; i < plot->merged->layer_count; i++) {
		struct layer_row row = row_of(plot, i);
		bool own = is_alone(&alone, size_of(&plot->records[i]));
		if (in_run && !own)
			join(&out->rows[out->count - 1], &row);
		else
			out->rows[out->count++] = row;
		in_run = !own;
	}
	return 0;
}

/* --- drawing */

struct layer_texts {
	char label[SVG_NUMBER_SIZE + DIGEST_TEXT_SIZE], stored[SVG_NUMBER_SIZE],
		unpacked[SVG_NUMBER_SIZE], entries[SVG_NUMBER_SIZE],
		hidden[2 * SVG_NUMBER_SIZE + 8];
};

static void texts_of(
	const struct room_plot *plot, const struct layer_row *row, struct layer_texts *out)
{
	char digest[DIGEST_TEXT_SIZE], bytes[SVG_NUMBER_SIZE], entries[SVG_NUMBER_SIZE];
	digest_format(&plot->records[row->first].digest, digest);
	if (row->count == 1)
		(void)snprintf(out->label, sizeof out->label, "layer %zu  %.12s", row->first + 1,
			digest + strlen("sha256:"));
	else
		(void)snprintf(out->label, sizeof out->label, "layers %zu\xe2\x80\x93%zu",
			row->first + 1, row->first + row->count);
	svg_bytes(row->stored_bytes, out->stored);
	svg_bytes(row->unpacked_bytes, out->unpacked);
	svg_count(row->entries, "entry", "entries", out->entries);
	svg_bytes(row->hidden_bytes, bytes);
	svg_count(row->hidden_entries, "entry", "entries", entries);
	if (row->hidden_entries == 0)
		(void)snprintf(out->hidden, sizeof out->hidden, "none");
	else
		(void)snprintf(out->hidden, sizeof out->hidden, "%s in %s", bytes, entries);
}

static void draw_bars(struct svg *svg, const struct layer_row *row, const struct layer_texts *texts,
	double y, double height, double scale)
{
	char title[SVG_LINE_SIZE];
	double unpacked = (double)row->unpacked_bytes * scale;
	double hidden = fmin((double)row->hidden_bytes * scale, unpacked);
	struct svg_rect bar = {BARS, y + 1, unpacked - hidden, height * 0.5};
	(void)snprintf(title, sizeof title, "%s: unpacked %s", texts->label, texts->unpacked);
	if (bar.width > 0)
		svg_area(svg, &bar, SVG_DOTS, title);
	bar.x += bar.width;
	bar.width = hidden;
	(void)snprintf(title, sizeof title, "%s: hidden %s", texts->label, texts->hidden);
	if (bar.width > 0)
		svg_area(svg, &bar, SVG_HOLLOW, title);
	(void)snprintf(title, sizeof title, "%s: stored %s", texts->label, texts->stored);
	bar = (struct svg_rect){
		BARS, y + 1 + height * 0.5, (double)row->stored_bytes * scale, height * 0.28};
	svg_area(svg, &bar, SVG_PLAIN, title);
}

static void draw_row(const struct room_page *page, const struct layer_row *row, double y,
	double height, double scale)
{
	struct layer_texts texts;
	double px = fmin(height * 0.62, 11), baseline = y + height * 0.66;
	struct svg *svg = page->svg;
	texts_of(page->plot, row, &texts);
	svg_text(svg, ROOM_PLOT_LEFT, baseline, px, BARS - ROOM_PLOT_LEFT - 6, SVG_START,
		texts.label);
	draw_bars(svg, row, &texts, y, height, scale);
	svg_text(svg, STORED_END, baseline, px, STORED_END - BARS_END - 6, SVG_END, texts.stored);
	svg_text(svg, UNPACKED_END, baseline, px, UNPACKED_END - STORED_END - 6, SVG_END,
		texts.unpacked);
	svg_text(svg, ENTRIES_END, baseline, px, ENTRIES_END - UNPACKED_END - 6, SVG_END,
		texts.entries);
	svg_text(svg, ROOM_PLOT_RIGHT, baseline, px, ROOM_PLOT_RIGHT - ENTRIES_END - 6, SVG_END,
		texts.hidden);
}

static void draw_heads(struct svg *svg, double y)
{
	static const struct {
		enum svg_fill fill;
		const char *name;
	} kinds[] = {{SVG_DOTS, "unpacked, shows"},
		{SVG_HOLLOW, "unpacked, hidden by upper layers"}, {SVG_PLAIN, "stored"}};
	double x = BARS;
	svg_text(svg, ROOM_PLOT_LEFT, y, 9.5, 140, SVG_START, "bottom first");
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		const struct svg_rect box = {x, y - 8, 16, 9};
		double width = svg_text_width(kinds[i].name, 9.5);
		svg_area(svg, &box, kinds[i].fill, NULL);
		svg_text(svg, x + 21, y, 9.5, width, SVG_START, kinds[i].name);
		x += 21 + width + 14;
	}
	svg_text(svg, STORED_END, y, 9.5, 70, SVG_END, "stored");
	svg_text(svg, UNPACKED_END, y, 9.5, 74, SVG_END, "unpacked");
	svg_text(svg, ENTRIES_END, y, 9.5, 90, SVG_END, "entries");
	svg_text(svg, ROOM_PLOT_RIGHT, y, 9.5, 150, SVG_END, "hidden");
}

int room_plot_layers(const struct room_page *page, double top, double *bottom, struct error *e)
{
	struct layer_rows rows;
	double most = 1;
	if (collect(page->plot, &rows, e) != 0)
		return -1;
	for (size_t i = 0; i < rows.count; i++)
		most = fmax(most, (double)(rows.rows[i].unpacked_bytes > rows.rows[i].stored_bytes
						   ? rows.rows[i].unpacked_bytes
						   : rows.rows[i].stored_bytes));
	double height = fmin(22, 200 / (double)rows.count), y = top + 16;
	draw_heads(page->svg, top + 8);
	for (size_t i = 0; i < rows.count; i++, y += height)
		draw_row(page, &rows.rows[i], y, height, (BARS_END - BARS) / most);
	*bottom = y;
	return 0;
}
