#include "room_plot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../layers/scope.h"
#include "room_plot_private.h"

/* --- for all parts */

uint64_t room_page_bytes(const struct room_page *page, size_t node)
{
	return page->before[page->plot->merged->nodes[node].end] - page->before[node];
}

void room_page_share(const struct room_page *page, uint64_t bytes, char out[SVG_NUMBER_SIZE])
{
	uint64_t all = page->before[page->plot->merged->count];
	double percent = all == 0 ? 0 : (double)bytes / (double)all * 100;
	if (percent > 0 && percent < 0.05)
		(void)snprintf(out, SVG_NUMBER_SIZE, "<0.1 %%");
	else
		(void)snprintf(out, SVG_NUMBER_SIZE, "%.1f %%", percent);
}

char *room_page_title(const struct room_page *page, const char *path, uint64_t bytes)
{
	char number[SVG_NUMBER_SIZE], share[SVG_NUMBER_SIZE], *title;
	svg_bytes(bytes, number);
	room_page_share(page, bytes, share);
	return asprintf(&title, "/%s: %s, %s", path, number, share) < 0 ? NULL : title;
}

/* --- the page */

static void title_of(const struct room_plot *plot, char out[SVG_LINE_SIZE])
{
	char digest[DIGEST_TEXT_SIZE];
	size_t count = plot->merged->layer_count;
	digest_format(&plot->records[0].digest, digest);
	if (plot->stack != NULL)
		(void)snprintf(out, SVG_LINE_SIZE, "%s %" PRIu64 ": what takes the room",
			plot->stack->name, plot->stack->version);
	else if (count == 1)
		(void)snprintf(out, SVG_LINE_SIZE, "layer %.19s: what takes the room", digest);
	else
		(void)snprintf(out, SVG_LINE_SIZE, "%zu layers: what takes the room", count);
}

static void draw_head(const struct room_page *page, const char *title)
{
	const double width = ROOM_PLOT_RIGHT - ROOM_PLOT_LEFT;
	char text[SVG_LINE_SIZE], layers[SVG_NUMBER_SIZE], stored[SVG_NUMBER_SIZE],
		unpacked[SVG_NUMBER_SIZE], entries[SVG_NUMBER_SIZE];
	struct layer_record sum = {0};
	size_t count = page->plot->merged->layer_count;
	for (size_t i = 0; i < count; i++) {
		sum.stored_bytes += page->plot->records[i].stored_bytes;
		sum.unpacked_bytes += page->plot->records[i].unpacked_bytes;
		sum.entries += page->plot->records[i].entries;
	}
	svg_count(count, "layer", "layers", layers);
	svg_bytes(sum.stored_bytes, stored);
	svg_bytes(sum.unpacked_bytes, unpacked);
	svg_count(sum.entries, "entry", "entries", entries);
	(void)snprintf(text, sizeof text,
		"%s: %s stored, %s unpacked, in %s. Unpacked: files rounded up to pages of 4 KiB, "
		"as memory holds them",
		layers, stored, unpacked, entries);
	svg_heading(page->svg, ROOM_PLOT_LEFT, 36, 17, width, title);
	svg_text(page->svg, ROOM_PLOT_LEFT, 56, 11, width, SVG_START, text);
}

static void draw_tree_heads(const struct room_page *page, double y, double table_x)
{
	const struct merged *merged = page->plot->merged;
	char text[SVG_LINE_SIZE], bytes[SVG_NUMBER_SIZE], names[SVG_NUMBER_SIZE];
	svg_bytes(page->before[merged->count], bytes);
	svg_count(merged->count - 1, "name", "names", names);
	(void)snprintf(text, sizeof text, "%s: %s of files, %s",
		merged->layer_count == 1 ? "the tree of the layer" : "the tree of all layers",
		bytes, names);
	svg_heading(page->svg, ROOM_PLOT_LEFT, y, 12, table_x - ROOM_PLOT_LEFT - 20, text);
	svg_heading(page->svg, table_x, y, 12, 200, "largest directories");
	svg_text(page->svg, ROOM_PLOT_RIGHT, y, 9.5, 110, SVG_END, "with all below");
}

static int draw_parts(const struct room_page *page, struct error *e)
{
	static const double tree_width = 740, table_x = 24 + 740 + 20, tree_bottom = 752;
	double bottom;
	if (room_plot_layers(page, 72, &bottom, e) != 0)
		return -1;
	const double top = bottom + 32;
	const struct svg_rect tree = {ROOM_PLOT_LEFT, top, tree_width, tree_bottom - top},
			      table = {table_x, top, ROOM_PLOT_RIGHT - table_x, tree_bottom - top};
	draw_tree_heads(page, top - 8, table_x);
	room_plot_table(page, &table);
	return room_plot_tree(page, &tree, e);
}

int room_plot_draw(const struct room_plot *plot, char **svg, size_t *size_bytes, struct error *e)
{
	const struct merged *merged = plot->merged;
	SCOPED_FREE uint64_t *before = calloc(merged->count + 1, sizeof *before);
	SCOPED_SVG drawn = SVG_INIT;
	const struct room_page page = {.plot = plot, .svg = &drawn, .before = before};
	char title[SVG_LINE_SIZE];
	if (before == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (size_t i = 0; i < merged->count; i++)
		before[i + 1] = before[i] + merged->nodes[i].bytes;
	title_of(plot, title);
	if (svg_begin(&drawn, SVG_PAGE_WIDTH, SVG_PAGE_HEIGHT, title, e) != 0)
		return -1;
	draw_head(&page, title);
	if (draw_parts(&page, e) != 0)
		return -1;
	return svg_finish(&drawn, svg, size_bytes, e);
}
