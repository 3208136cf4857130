/* Between the parts of compose/room_plot.h: each draws its own part of the page. */
#ifndef PLYBOOT_ROOM_PLOT_PRIVATE_H
#define PLYBOOT_ROOM_PLOT_PRIVATE_H

#include "room_plot.h"
#include "svg.h"

#define ROOM_PLOT_LEFT 24.0
#define ROOM_PLOT_RIGHT (SVG_PAGE_WIDTH - ROOM_PLOT_LEFT)

/* The page while it is drawn. */
struct room_page {
	const struct room_plot *plot;
	struct svg *svg;
	uint64_t *before; /* [i]: the bytes of all nodes in front of node i; [count]: of all */
};

/* Of a node and all that lies below it. */
uint64_t room_page_bytes(const struct room_page *page, size_t node);

/* "/usr/lib: 45.1 MiB, 38.2 %" for whoever points at it; NULL: no memory, which svg_finish() will
 * say as well. The caller frees. */
char *room_page_title(const struct room_page *page, const char *path, uint64_t bytes);

/* "38.2 %" of all bytes. */
void room_page_share(const struct room_page *page, uint64_t bytes, char out[SVG_NUMBER_SIZE]);

/* The bars, from `top`; out: where they end. ERROR_NOSPACE. */
int room_plot_layers(const struct room_page *page, double top, double *bottom, struct error *e);

/* The directories, and what their areas mean below them. ERROR_NOSPACE. */
int room_plot_tree(const struct room_page *page, const struct svg_rect *within, struct error *e);

/* The largest directories, one below the other. */
void room_plot_table(const struct room_page *page, const struct svg_rect *within);

#endif
