/* compose/room_plot.h, at its right: the largest directories. */
#include "room_plot_private.h"

#include <math.h>
#include <string.h>

#include "../layers/scope.h"

enum { TABLE_MOST = 15 };

struct table_row {
	uint64_t bytes;
	const char *path;
};

struct table {
	size_t count;
	struct table_row rows[TABLE_MOST];
};

/* The largest first; of equal ones in the order of a walk. */
static void add(struct table *table, const struct table_row *row)
{
	size_t at = table->count;
	while (at > 0 && table->rows[at - 1].bytes < row->bytes)
		at--;
	if (at == TABLE_MOST)
		return;
	size_t kept = table->count < TABLE_MOST ? table->count : TABLE_MOST - 1;
	memmove(&table->rows[at + 1], &table->rows[at], (kept - at) * sizeof *row);
	table->rows[at] = *row;
	table->count = kept + 1;
}

static void collect(const struct room_page *page, struct table *out)
{
	const struct merged *merged = page->plot->merged;
	*out = (struct table){.count = 0};
	for (size_t i = 1; i < merged->count; i++) {
		const struct merged_node *node = &merged->nodes[i];
		const struct table_row row = {room_page_bytes(page, i), node->entry->path};
		if (node->entry->type == '5' && row.bytes > 0)
			add(out, &row);
	}
}

/* The end of a path says most: what doesn't fit loses the directories it begins with. */
static void draw_path(
	struct svg *svg, double x, double y, double px, double width, const char *path)
{
	char *text = NULL;
	const char *rest = path;
	if (asprintf(&text, "/%s", path) < 0)
		return;
	while (svg_text_width(text, px) > width && strchr(rest, '/') != NULL) {
		free(SCOPE_TAKE(text));
		rest = strchr(rest, '/') + 1;
		if (asprintf(&text, "\xe2\x80\xa6/%s", rest) < 0)
			return;
	}
	svg_text(svg, x, y, px, width, SVG_START, text);
	free(text);
}

static void draw_row(
	const struct room_page *page, const struct table_row *row, const struct svg_rect *line)
{
	static const double share_width = 52, size_width = 66;
	char size[SVG_NUMBER_SIZE], share[SVG_NUMBER_SIZE];
	double px = fmin(line->height * 0.42, 10.5), baseline = line->y + line->height * 0.48;
	double right = line->x + line->width;
	uint64_t all = page->before[page->plot->merged->count];
	const struct svg_rect bar = {line->x, baseline + 5,
		line->width * ((double)row->bytes / (double)all), fmin(line->height * 0.2, 6)};
	SCOPED_FREE char *title = room_page_title(page, row->path, row->bytes);
	svg_bytes(row->bytes, size);
	room_page_share(page, row->bytes, share);
	draw_path(page->svg, line->x, baseline, px, line->width - share_width - size_width - 8,
		row->path);
	svg_text(page->svg, right - share_width, baseline, px, size_width, SVG_END, size);
	svg_text(page->svg, right, baseline, px, share_width, SVG_END, share);
	svg_area(page->svg, &bar, SVG_PLAIN, title);
}

void room_plot_table(const struct room_page *page, const struct svg_rect *within)
{
	struct table table;
	collect(page, &table);
	double height = fmin(within->height / TABLE_MOST, 36);
	for (size_t i = 0; i < table.count; i++) {
		const struct svg_rect line = {
			within->x, within->y + height * (double)i, within->width, height};
		draw_row(page, &table.rows[i], &line);
	}
	if (table.count == 0)
		svg_text(page->svg, within->x, within->y + 14, 10.5, within->width, SVG_START,
			"no directory holds a byte");
}
