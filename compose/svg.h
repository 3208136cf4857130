/*
 * Pictures as SVG 1.1: one file without script, links or fonts of its own, which follows the
 * reader's choice of light or dark (prefers-color-scheme), also as an <img>. Each kind of area has
 * a pattern beside its colour. Texts are escaped, and measured on the safe side, since nobody knows
 * the font that shows them.
 */
#ifndef PLYBOOT_SVG_H
#define PLYBOOT_SVG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../layers/error.h"

enum { SVG_NUMBER_SIZE = 40, SVG_LINE_SIZE = 512 };

/* The proportions of A4, across. */
#define SVG_PAGE_WIDTH 1123.0
#define SVG_PAGE_HEIGHT 794.0

/* Running out of memory is remembered, and said by svg_finish(). */
struct svg {
	FILE *to;
	char *text; /* owned */
	size_t size_bytes;
};

#define SVG_INIT                                                                                   \
	{                                                                                          \
		.to = NULL                                                                         \
	}

struct svg_rect {
	double x, y, width, height; /* pixels */
};

/* How an area looks: a colour and a pattern. */
enum svg_fill { SVG_PLAIN, SVG_STRIPES, SVG_DOTS, SVG_GRID, SVG_HOLLOW, SVG_FILLS };

enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };

/* The head of a page of this size. ERROR_NOSPACE. */
int svg_begin(struct svg *svg, double width, double height, const char *title, struct error *e);

/* The whole file; the caller frees `*text`. ERROR_NOSPACE. */
int svg_finish(struct svg *svg, char **text, size_t *size_bytes, struct error *e);
void svg_free(struct svg *svg);
#define SCOPED_SVG __attribute__((cleanup(svg_free))) struct svg

/* What a pointer that rests on it is told; NULL: nothing. */
void svg_area(struct svg *svg, const struct svg_rect *rect, enum svg_fill fill, const char *title);
void svg_line(struct svg *svg, double x1, double y1, double x2, double y2);

/* Any bytes, in one line, at a baseline; `px`: the size of the font. Cut so that it takes `width`
 * at most, and then whole where a pointer rests on it. Nothing when not even two letters fit. */
void svg_text(struct svg *svg, double x, double y, double px, double width, enum svg_anchor anchor,
	const char *text);
/* The same in bold. */
void svg_heading(struct svg *svg, double x, double y, double px, double width, const char *text);

/* svg_text() from its start, legible on top of a pattern: with a rim as the paper is. */
void svg_label(struct svg *svg, double x, double y, double px, double width, const char *text);

/* What it takes, at most, escaped as svg_text() does. */
double svg_text_width(const char *text, double px);

/* "1023 B", "34.6 MiB"; "12.3 ms", "1.23 s", "12 min 3 s" */
void svg_bytes(uint64_t bytes, char out[SVG_NUMBER_SIZE]);
void svg_ms(double ms, char out[SVG_NUMBER_SIZE]);
/* "1 entry", "4,146 entries" */
void svg_count(uint64_t count, const char *one, const char *many, char out[SVG_NUMBER_SIZE]);

#endif
