/* Between the parts of compose/timeline.h: rows are collected, and then drawn. */
#ifndef PLYBOOT_TIMELINE_PRIVATE_H
#define PLYBOOT_TIMELINE_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "svg.h"
#include "timeline.h"

enum { TIMELINE_ROWS = 48 };

struct timeline_row {
	char label[SVG_LINE_SIZE], text[SVG_LINE_SIZE];
	double start_ms, ms; /* below 0: a line of text without a bar */
	enum svg_fill fill;
};

struct timeline {
	const json_t *report;
	const struct timeline_times *times;
	double init_ms, uptime_ms; /* /init's own time, which ends with the kernel's */
	size_t count, bars;        /* the first rows have bars */
	struct timeline_row rows[TIMELINE_ROWS];
};

/* --- timeline_row.c: of boot.json, and of many entries */

/* "" when it is none. */
const char *timeline_text(const json_t *object, const char *key);
/* Missing is 0: /init wrote less before. ERROR_FORMAT. */
int timeline_ms(const json_t *object, const char *key, double *out, struct error *e);
uint64_t timeline_count(const json_t *object, const char *key);

/* The last one again when there are no more. */
struct timeline_row *timeline_add(
	struct timeline *self, double start_ms, double ms, enum svg_fill fill);

/* Which entries have a row of their own: those that took longer than `ms`, and as many that took
 * just that. */
struct timeline_shown {
	double ms;
	size_t equal;
};

/* For `most` rows: runs of the others have one together. ERROR_FORMAT, ERROR_NOSPACE. */
int timeline_choose(const json_t *list, size_t most, struct timeline_shown *out, struct error *e);
bool timeline_is_shown(struct timeline_shown *shown, double ms);

/* --- the rows, in this order */

/* The kernel's, and what took longest in it. */
void timeline_kernel(struct timeline *self);

/* Those of /init, each beginning where the one before it ended, in at most `most` rows.
 * `*layers_ms`: where unpacking began last. */
int timeline_steps(struct timeline *self, size_t most, double *layers_ms, struct error *e);
int timeline_layers(struct timeline *self, size_t most, double layers_ms, struct error *e);

/* systemd's, and the units that took longest: as many as leave `rest` rows. Then no bars follow.
 * ERROR_NOSPACE. */
int timeline_systemd(struct timeline *self, size_t rest, struct error *e);

/* --- timeline_draw.c */

/* The axis, the rows, and what their looks mean. */
void timeline_draw_rows(struct svg *svg, const struct timeline *self);

#endif
