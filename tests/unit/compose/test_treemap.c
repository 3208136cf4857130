/* compose/treemap.c: parts in proportion, inside, side by side. */
#include "compose/treemap.h"

#include <math.h>
#include <stdlib.h>

#include "tap.h"

enum { MOST = 5000 };

static const struct svg_rect page = {24, 300, 720, 440};

static double area_of(const struct svg_rect *rect)
{
	return rect->width * rect->height;
}

static bool is_inside(const struct svg_rect *rect, const struct svg_rect *within)
{
	static const double rounding = 1e-6;
	return rect->width >= 0 && rect->height >= 0 && rect->x >= within->x - rounding &&
	       rect->y >= within->y - rounding &&
	       rect->x + rect->width <= within->x + within->width + rounding &&
	       rect->y + rect->height <= within->y + within->height + rounding;
}

static bool overlap(const struct svg_rect *a, const struct svg_rect *b)
{
	double width = fmin(a->x + a->width, b->x + b->width) - fmax(a->x, b->x);
	double height = fmin(a->y + a->height, b->y + b->height) - fmax(a->y, b->y);
	return width > 1e-6 && height > 1e-6;
}

/* What must hold of any weights; what is wrong, or NULL. */
static const char *wrong_with(const uint64_t *weights, size_t count, const struct svg_rect *within,
	const struct svg_rect *parts)
{
	double sum = 0, laid = 0, all = area_of(within);
	for (size_t i = 0; i < count; i++)
		sum += (double)weights[i];
	for (size_t i = 0; i < count; i++) {
		double wanted = sum > 0 ? (double)weights[i] / sum * all : 0;
		if (!is_inside(&parts[i], within))
			return "one is outside";
		if (!(fabs(area_of(&parts[i]) - wanted) <= all * 1e-9))
			return "one is not in proportion";
		laid += area_of(&parts[i]);
		for (size_t j = 0; j < i; j++)
			if (overlap(&parts[i], &parts[j]))
				return "two overlap";
	}
	return fabs(laid - (sum > 0 ? all : 0)) <= all * 1e-9 ? NULL : "they don't add up";
}

static void holds(
	const uint64_t *weights, size_t count, const struct svg_rect *within, const char *name)
{
	struct svg_rect *parts = calloc(count + 1, sizeof *parts);
	if (parts == NULL)
		abort();
	parts[count] = (struct svg_rect){1, 2, 3, 4};
	treemap_lay(weights, count, within, parts);
	is_str(wrong_with(weights, count, within, parts), NULL, "%s", name);
	ok(parts[count].x == 1 && parts[count].height == 4, "... and nothing behind them");
	free(parts);
}

static double worst_of(const struct svg_rect *parts, size_t count)
{
	double worst = 1;
	for (size_t i = 0; i < count; i++)
		worst = fmax(worst,
			fmax(parts[i].width / parts[i].height, parts[i].height / parts[i].width));
	return worst;
}

/* The example in the paper: 6 by 4, and where its figure has each. */
static void as_published(void)
{
	static const uint64_t weights[] = {6, 6, 4, 3, 2, 2, 1};
	static const struct svg_rect within = {0, 0, 6, 4};
	struct svg_rect parts[7];
	holds(weights, 7, &within, "the published example");
	treemap_lay(weights, 7, &within, parts);
	ok(fabs(parts[0].width - 3) < 1e-9 && fabs(parts[0].height - 2) < 1e-9 &&
			fabs(parts[1].y - 2) < 1e-9,
		"... the first two one above the other");
	ok(fabs(parts[2].x - 3) < 1e-9 && fabs(parts[2].width - 12. / 7) < 1e-9 &&
			fabs(parts[2].height - 7. / 3) < 1e-9,
		"... the next in a row beside them");
}

static void shapes(void)
{
	static uint64_t weights[100];
	static const struct svg_rect flat = {0, 0, 2000, 1};
	struct svg_rect parts[100];
	for (size_t i = 0; i < 100; i++)
		weights[i] = 1000 - i * 5;
	treemap_lay(weights, 100, &page, parts);
	ok(worst_of(parts, 100) < 2, "a hundred alike are near to squares: %.2f",
		worst_of(parts, 100));
	holds(weights, 100, &flat, "a strip");
}

static void edges(void)
{
	static const uint64_t one[] = {1}, zeros[] = {0, 0, 0}, mixed[] = {0, 5, 0, 0, 9, 1, 0},
			      ends[] = {7, 3, 0, 0},
			      huge[] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, 1},
			      steep[] = {UINT64_MAX, 1, 1, 1, 1};
	static const struct svg_rect none = {5, 6, 0, 40}, point = {5, 6, 0, 0};
	struct svg_rect part[3];
	holds(one, 0, &page, "nothing");
	holds(one, 1, &page, "one has all of it");
	holds(zeros, 3, &page, "nothing but zeros");
	holds(mixed, 7, &page, "zeros among others");
	holds(ends, 4, &page, "zeros at the end");
	holds(huge, 4, &page, "sums beyond 64 bits");
	holds(steep, 5, &page, "one that is everything, and crumbs");
	holds(ends, 4, &none, "no width");
	holds(ends, 4, &point, "no room at all");
	treemap_lay(zeros, 3, &page, part);
	ok(part[2].width == 0 && part[2].height == 0, "a zero has neither width nor height");
}

/* Zeros among others change nothing for those. */
static void zeros_between(void)
{
	static const uint64_t some[] = {6, 6, 4, 3, 2, 2, 1},
			      spread[] = {0, 6, 0, 6, 0, 4, 0, 3, 0, 2, 0, 2, 0, 1, 0};
	struct svg_rect parts[7], apart[15];
	bool same = true;
	treemap_lay(some, 7, &page, parts);
	treemap_lay(spread, 15, &page, apart);
	for (size_t i = 0; i < 7; i++)
		same = same && fabs(parts[i].x - apart[2 * i + 1].x) < 1e-9 &&
		       fabs(parts[i].y - apart[2 * i + 1].y) < 1e-9 &&
		       fabs(parts[i].width - apart[2 * i + 1].width) < 1e-9;
	ok(same, "zeros between others");
}

/* xorshift64: the same on each machine */
static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static int descending(const void *a, const void *b)
{
	const uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
	return one < other ? 1 : one > other ? -1 : 0;
}

static void many(void)
{
	static uint64_t weights[MOST];
	uint64_t state = 88172645463325252;
	for (size_t i = 0; i < MOST; i++)
		weights[i] = next(&state) >> (next(&state) % 64);
	holds(weights, MOST, &page, "thousands in any order");
	qsort(weights, MOST, sizeof *weights, descending);
	holds(weights, MOST, &page, "thousands, the largest first");
	for (size_t i = 0; i < MOST; i++)
		weights[i] = 3;
	holds(weights, MOST, &page, "thousands that are equal");
	const char *wrong = NULL;
	struct svg_rect parts[40];
	for (size_t trial = 0; trial < 500 && wrong == NULL; trial++) {
		size_t count = next(&state) % 40;
		const struct svg_rect within = {
			0, 0, (double)(next(&state) % 900), (double)(next(&state) % 600)};
		for (size_t i = 0; i < count; i++)
			weights[i] = next(&state) >> (next(&state) % 66 % 64);
		treemap_lay(weights, count, &within, parts);
		if (area_of(&within) > 0)
			wrong = wrong_with(weights, count, &within, parts);
	}
	is_str(wrong, NULL, "500 random ones");
}

int main(void)
{
	as_published();
	shapes();
	edges();
	zeros_between();
	many();
	return done();
}
