/* compose/room_plot.h, its lower part: directories within directories, as large as what they hold.
 */
#include "room_plot_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../layers/scope.h"
#include "treemap.h"

enum { LEVELS = 4 };

/* Smaller than this, in square pixels, is one with its like. */
static const double SMALLEST = 60;

enum kind { DIRECTORY, OWN_FILES, THE_REST };

/* What a directory is divided into. */
struct part {
	enum kind kind;
	size_t node;  /* that directory; of the others, the one they are in */
	size_t count; /* of files, of directories */
	uint64_t bytes;
};

struct parts {
	size_t count;
	struct part *items;
	uint64_t *weights;
	struct svg_rect *areas;
};

static void parts_free(struct parts *parts)
{
	free(parts->items);
	free(parts->weights);
	free(parts->areas);
}
#define SCOPED_PARTS __attribute__((cleanup(parts_free))) struct parts

/* --- what is in a directory */

static bool is_directory(const struct merged *merged, size_t node)
{
	return merged->nodes[node].entry->type == '5';
}

static size_t count_directories(const struct merged *merged, size_t node)
{
	size_t count = 0;
	for (size_t i = node + 1; i < merged->nodes[node].end; i = merged->nodes[i].end)
		count += is_directory(merged, i);
	return count;
}

/* The largest first; of equal ones in the order of a walk, files last. */
static int compare_parts(const void *a, const void *b)
{
	const struct part *one = a, *other = b;
	if (one->bytes != other->bytes)
		return one->bytes < other->bytes ? 1 : -1;
	if (one->kind != other->kind)
		return one->kind < other->kind ? -1 : 1;
	return one->node < other->node ? -1 : one->node > other->node;
}

/* Directories with bytes in them, and all own files as one. */
static void collect(const struct room_page *page, size_t node, struct parts *out)
{
	const struct merged *merged = page->plot->merged;
	struct part files = {.kind = OWN_FILES, .node = node};
	for (size_t i = node + 1; i < merged->nodes[node].end; i = merged->nodes[i].end) {
		if (!is_directory(merged, i)) {
			files.count += merged->nodes[i].entry->type == '0';
			files.bytes += merged->nodes[i].bytes;
		} else if (room_page_bytes(page, i) > 0) {
			out->items[out->count++] = (struct part){.kind = DIRECTORY,
				.node = i,
				.count = 1,
				.bytes = room_page_bytes(page, i)};
		}
	}
	if (files.bytes > 0)
		out->items[out->count++] = files;
	qsort(out->items, out->count, sizeof *out->items, compare_parts);
}

/* What is too small to be seen is at the end: together. `area`: pixels for one byte. Own files may
 * lie among it, and then in front of it. */
static void join_smallest(struct parts *parts, double area)
{
	size_t kept = parts->count;
	struct part files = {.bytes = 0};
	while (kept > 0 && (double)parts->items[kept - 1].bytes * area < SMALLEST)
		kept--;
	if (parts->count - kept < 2)
		return;
	struct part rest = {.kind = THE_REST, .node = parts->items[kept].node};
	for (size_t i = kept; i < parts->count; i++) {
		const struct part *part = &parts->items[i];
		if (part->kind == OWN_FILES) {
			files = *part;
			continue;
		}
		rest.node = part->node;
		rest.count++;
		rest.bytes += part->bytes;
	}
	if (rest.count < 2)
		return;
	if (files.bytes > 0)
		parts->items[kept++] = files;
	parts->items[kept++] = rest;
	parts->count = kept;
}

static int divide(const struct room_page *page, size_t node, const struct svg_rect *within,
	struct parts *out, struct error *e)
{
	size_t most = count_directories(page->plot->merged, node) + 1;
	uint64_t bytes = room_page_bytes(page, node);
	out->items = calloc(most, sizeof *out->items);
	out->weights = calloc(most, sizeof *out->weights);
	out->areas = calloc(most, sizeof *out->areas);
	if (out->items == NULL || out->weights == NULL || out->areas == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	collect(page, node, out);
	if (bytes > 0)
		join_smallest(out, within->width * within->height / (double)bytes);
	for (size_t i = 0; i < out->count; i++)
		out->weights[i] = out->items[i].bytes;
	treemap_lay(out->weights, out->count, within, out->areas);
	return 0;
}

/* --- drawing */

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? path : slash + 1;
}

/* As much as is seen whole: the name, and the size behind or below it. False: not even the name. */
static bool draw_label(
	struct svg *svg, const struct svg_rect *area, double px, const char *name, uint64_t bytes)
{
	char size[SVG_NUMBER_SIZE];
	double width = area->width - 5, wide = svg_text_width(name, px);
	svg_bytes(bytes, size);
	double size_wide = svg_text_width(size, px - 1);
	if (wide > width || area->height < px + 3)
		return false;
	svg_label(svg, area->x + 3, area->y + px + 1, px, width, name);
	if (wide + 8 + size_wide <= width)
		svg_label(
			svg, area->x + 3 + wide + 8, area->y + px + 1, px - 1, size_wide + 1, size);
	else if (area->height >= 2 * px + 5 && size_wide <= width)
		svg_label(svg, area->x + 3, area->y + 2 * px + 2, px - 1, width, size);
	return true;
}

static void draw_others(
	const struct room_page *page, const struct part *part, const struct svg_rect *area)
{
	const char *path = page->plot->merged->nodes[part->node].entry->path;
	const char *parent_end = strrchr(path, '/');
	char count[SVG_NUMBER_SIZE], label[SVG_NUMBER_SIZE + 8], size[SVG_NUMBER_SIZE],
		share[SVG_NUMBER_SIZE];
	char *title = NULL;
	svg_bytes(part->bytes, size);
	room_page_share(page, part->bytes, share);
	if (part->kind == OWN_FILES) {
		svg_count(part->count, "file", "files", count);
		(void)snprintf(label, sizeof label, "%s", count);
	} else {
		svg_count(part->count, "", "", count);
		(void)snprintf(label, sizeof label, "%smore", count);
		path = parent_end == NULL ? "" : path;
	}
	int length = part->kind == OWN_FILES || parent_end == NULL ? (int)strlen(path)
								   : (int)(parent_end - path);
	if (asprintf(&title, "/%.*s: %s%s, %s, %s", length, path, label,
		    part->kind == OWN_FILES ? " of its own" : " directories", size, share) < 0)
		return;
	svg_area(page->svg, area, SVG_HOLLOW, title);
	(void)draw_label(page->svg, area, 9, label, part->bytes);
	free(title);
}

static int draw_parts(const struct room_page *page, size_t node, const struct svg_rect *within,
	unsigned level, struct error *e);

static bool is_divided(const struct room_page *page, size_t node, const struct svg_rect *area)
{
	return area->width >= 48 && area->height >= 40 &&
	       count_directories(page->plot->merged, node) > 0;
}

/* The last level is not divided: it has all that lies below. */
static int draw_directory(const struct room_page *page, size_t node, const struct svg_rect *area,
	unsigned level, struct error *e)
{
	static const enum svg_fill fills[LEVELS + 1] = {
		[1] = SVG_GRID, [2] = SVG_DOTS, [3] = SVG_PLAIN, [4] = SVG_STRIPES};
	static const double head = 15, border = 2;
	const char *path = page->plot->merged->nodes[node].entry->path;
	uint64_t bytes = room_page_bytes(page, node);
	SCOPED_FREE char *title = room_page_title(page, path, bytes);
	struct svg_rect inner = *area;
	svg_area(page->svg, area, fills[level], title);
	if (level == LEVELS || !is_divided(page, node, area)) {
		(void)draw_label(page->svg, area, 10, name_of(path), bytes);
		return 0;
	}
	inner.height = head;
	double above = draw_label(page->svg, &inner, 10, name_of(path), bytes) ? head : border;
	inner = (struct svg_rect){area->x + border, area->y + above, area->width - 2 * border,
		area->height - above - border};
	return draw_parts(page, node, &inner, level + 1, e);
}

static int draw_parts(const struct room_page *page, size_t node, const struct svg_rect *within,
	unsigned level, struct error *e)
{
	SCOPED_PARTS parts = {0};
	if (divide(page, node, within, &parts, e) != 0)
		return -1;
	for (size_t i = 0; i < parts.count; i++) {
		const struct part *part = &parts.items[i];
		struct svg_rect *area = &parts.areas[i];
		area->width = fmax(area->width - 1, area->width / 2);
		area->height = fmax(area->height - 1, area->height / 2);
		if (part->kind != DIRECTORY)
			draw_others(page, part, area);
		else if (draw_directory(page, part->node, area, level, e) != 0)
			return -1;
	}
	return 0;
}

static void draw_legend(struct svg *svg, double y)
{
	static const struct {
		enum svg_fill fill;
		const char *name;
	} kinds[] = {
		{SVG_GRID, "directory in /"},
		{SVG_DOTS, "second level"},
		{SVG_PLAIN, "third"},
		{SVG_STRIPES, "fourth, with all below"},
		{SVG_HOLLOW, "own files, or the smallest directories together"},
	};
	double x = ROOM_PLOT_LEFT;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		const struct svg_rect box = {x, y, 18, 11};
		double width = svg_text_width(kinds[i].name, 9.5);
		svg_area(svg, &box, kinds[i].fill, NULL);
		svg_text(svg, x + 24, y + 9, 9.5, width, SVG_START, kinds[i].name);
		x += 24 + width + 16;
	}
	svg_text(svg, ROOM_PLOT_RIGHT, y + 9, 9.5, ROOM_PLOT_RIGHT - x, SVG_END,
		"areas: shares of the directory around them");
}

int room_plot_tree(const struct room_page *page, const struct svg_rect *within, struct error *e)
{
	draw_legend(page->svg, within->y + within->height + 10);
	if (room_page_bytes(page, 0) > 0)
		return draw_parts(page, 0, within, 1, e);
	svg_text(page->svg, within->x, within->y + 14, 10.5, within->width, SVG_START,
		"no file holds a byte");
	return 0;
}
