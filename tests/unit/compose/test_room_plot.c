/* compose/room_plot*.c: whatever the layers hold, areas lie on the page, beside or within each
 * other, and say what they are. */
#include "compose/room_plot.h"

#include <math.h>
#include <stdlib.h>

#include "compose/svg.h"
#include "layers_of.h"

enum { RECTS_MOST = 20000, LAYERS_MOST = 499 };

struct drawn {
	struct layer_index indexes[LAYERS_MOST];
	struct layer_record records[LAYERS_MOST];
	size_t count;
	struct merged merged;
	char *svg;
};

static struct drawn drawn;

static void add(size_t layer, char type, const char *path, uint64_t size)
{
	struct error e;
	const struct tree_entry entry = {.path = path,
		.type = type,
		.mode = 0755,
		.link = type == '1'   ? "a"
			: type == '2' ? "x"
				      : NULL};
	if (type == LAYER_INDEX_WHITEOUT
			? layer_index_add_whiteout(&drawn.indexes[layer], path, &e) != 0
			: layer_index_add(&drawn.indexes[layer], &entry, size, &e) != 0)
		abort();
	drawn.records[layer].entries++;
	drawn.records[layer].unpacked_bytes += (size + 4095) / 4096 * 4096;
	drawn.records[layer].stored_bytes += size / 3 + 512;
}

/* The engine never leaves out the root. */
static void begin(size_t layers)
{
	drawn = (struct drawn){.count = layers};
	for (size_t i = 0; i < layers; i++)
		add(i, '5', "", 0);
}

static char *draw(void)
{
	const struct room_plot plot = {.records = drawn.records, .merged = &drawn.merged};
	struct error e = {0};
	char *svg = NULL;
	size_t size = 0;
	if (room_plot_draw(&plot, &svg, &size, &e) != 0 || strlen(svg) != size) {
		printf("# %s\n", e.text);
		abort();
	}
	return svg;
}

static void end(void)
{
	struct unpack_result none = {0};
	struct error e = {0};
	for (size_t i = 0; i < drawn.count; i++) {
		memset(drawn.records[i].digest.bytes, (int)i + 1, DIGEST_BYTES);
		if (layer_index_finish(&drawn.indexes[i], &none, &e) != 0)
			abort();
	}
	if (merged_make(drawn.indexes, drawn.count, drawn.count == 1, &drawn.merged, &e) != 0)
		abort();
	drawn.svg = draw();
}

static void forget(void)
{
	free(drawn.svg);
	merged_free(&drawn.merged);
	for (size_t i = 0; i < drawn.count; i++)
		layer_index_free(&drawn.indexes[i]);
}

static void has(const char *wanted, const char *name)
{
	bool found = strstr(drawn.svg, wanted) != NULL;
	ok(found, "%s", name);
	if (!found)
		printf("# nothing like %s\n", wanted);
}

/* --- areas */

static size_t rects_of(const char *svg, struct svg_rect *out)
{
	size_t count = 0;
	for (const char *at = strstr(svg, "<rect class=\"a"); at != NULL && count < RECTS_MOST;
		at = strstr(at + 1, "<rect class=\"a")) {
		struct svg_rect *rect = &out[count++];
		if (sscanf(strstr(at, " x=\""), " x=\"%lf\" y=\"%lf\" width=\"%lf\" height=\"%lf\"",
			    &rect->x, &rect->y, &rect->width, &rect->height) != 4)
			return 0;
	}
	return count;
}

static bool is_within(const struct svg_rect *inner, const struct svg_rect *outer)
{
	static const double rounding = 0.021;
	return inner->width >= 0 && inner->height >= 0 && inner->x >= outer->x - rounding &&
	       inner->y >= outer->y - rounding &&
	       inner->x + inner->width <= outer->x + outer->width + rounding &&
	       inner->y + inner->height <= outer->y + outer->height + rounding;
}

static bool overlap(const struct svg_rect *a, const struct svg_rect *b)
{
	double width = fmin(a->x + a->width, b->x + b->width) - fmax(a->x, b->x);
	double height = fmin(a->y + a->height, b->y + b->height) - fmax(a->y, b->y);
	return width > 0.021 && height > 0.021;
}

static size_t areas_hold(const char *name)
{
	static struct svg_rect rects[RECTS_MOST];
	static const struct svg_rect page = {0, 0, SVG_PAGE_WIDTH, SVG_PAGE_HEIGHT};
	const char *wrong = NULL;
	size_t count = rects_of(drawn.svg, rects);
	for (size_t i = 0; i < count && wrong == NULL; i++) {
		if (!is_within(&rects[i], &page))
			wrong = "one is not on the page";
		for (size_t j = 0; j < i && wrong == NULL; j++)
			if (overlap(&rects[i], &rects[j]) && !is_within(&rects[i], &rects[j]))
				wrong = "one is partly on another";
	}
	is_str(count == 0 ? "there are none" : wrong, NULL, "%s: %zu areas", name, count);
	return count;
}

/* The last one whose title begins with this: the table comes before the tree. */
static struct svg_rect area_of(const char *title)
{
	struct svg_rect rect = {0};
	char wanted[200];
	(void)snprintf(wanted, sizeof wanted, "<title>%s", title);
	const char *at = NULL;
	for (const char *next = strstr(drawn.svg, wanted); next != NULL;
		next = strstr(next + 1, wanted))
		at = next;
	while (at != NULL && at > drawn.svg && strncmp(at, " x=\"", 4) != 0)
		at--;
	if (at != NULL)
		(void)sscanf(at, " x=\"%lf\" y=\"%lf\" width=\"%lf\" height=\"%lf\"", &rect.x,
			&rect.y, &rect.width, &rect.height);
	return rect;
}

/* --- the cases */

static void as_drawn(void)
{
	begin(2);
	add(0, '5', "usr", 0);
	add(0, '5', "usr/lib", 0);
	add(0, '0', "usr/lib/big", 600000);
	add(0, '0', "usr/own", 200000);
	add(0, '5', "var", 0);
	add(0, '0', "var/old", 5000);
	add(0, '0', "var/kept", 200000);
	add(1, LAYER_INDEX_WHITEOUT, "var/old", 0);
	add(1, '0', "new", 100);
	end();
	areas_hold("two layers");
	has(">/usr</text>", "the largest directory is in the table");
	has(">80.0 %</text>", "... with its share");
	has(">8.00 KiB in 1 entry</text>", "what is hidden, in pages");
	has("<title>/usr: 1 file of its own, 195 KiB, 20.0 %</title>", "a directory's own files");
	has("<title>/usr/lib: 586 KiB, 60.0 %</title>", "a directory in it");
	has(">layer 2  020202020202</text>", "a layer by its digest");
	has(">2 layers: what takes the room</text>", "a title");
	has(">none</text>", "nothing hides the top layer");
	struct svg_rect shows = area_of("layer 1  010101010101: unpacked 988 KiB");
	ok(fabs(shows.width - 448. * 980 / 988) < 0.1, "the bar's part that shows: %.2f",
		shows.width);
	const char *usr = strstr(drawn.svg, ">/usr</text>"),
		   *lib = strstr(drawn.svg, ">/usr/lib</text>"),
		   *var = strstr(drawn.svg, ">/var</text>");
	ok(usr != NULL && usr < lib && lib < var, "the table has the largest first");
	char *again = draw();
	is_str(again, drawn.svg, "the same again");
	free(again);
	forget();
}

static void in_proportion(void)
{
	begin(1);
	add(0, '5', "a", 0);
	add(0, '0', "a/x", 3000000);
	add(0, '5', "b", 0);
	add(0, '0', "b/x", 1000000);
	end();
	struct svg_rect a = area_of("/a: "), b = area_of("/b: ");
	double ratio = b.width * b.height > 0 ? a.width * a.height / (b.width * b.height) : 0;
	ok(fabs(ratio - 3) < 0.05, "areas are as the bytes: %.3f", ratio);
	has(">the tree of the layer: 3.81 MiB of files, 4 names</text>", "one layer's tree");
	has(">layer sha256:010101010101: what takes the room</text>", "... and title");
	forget();
}

static void hostile_names(void)
{
	char name[300], path[2000] = "";
	begin(1);
	add(0, '5', "<script>alert(1)</script>&\"'", 0);
	add(0, '0', "<script>alert(1)</script>&\"'/x", 900000);
	add(0, '5', "\x1b[2J\n\xff\xef\xbf\xbf", 0);
	add(0, '0', "\x1b[2J\n\xff\xef\xbf\xbf/x", 800000);
	memset(name, '%', 255);
	name[255] = '\0';
	add(0, '5', name, 0);
	memcpy(name + 255, "/x", 3);
	add(0, '0', name, 700000);
	for (int i = 0; i < 100; i++) {
		(void)snprintf(path + strlen(path), sizeof path - strlen(path), "%sdeep%d",
			i == 0 ? "" : "/", i);
		add(0, '5', path, 0);
	}
	(void)snprintf(path + strlen(path), sizeof path - strlen(path), "/x");
	add(0, '0', path, 600000);
	end();
	areas_hold("hostile names");
	ok(strstr(drawn.svg, "<script") == NULL, "markup is text");
	has("/&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;': 879 KiB", "... and whole");
	has("/\\x1b[2J\\n\\xff", "what no terminal should obey is written out");
	has("\xe2\x80\xa6/deep", "a long path keeps its end");
	forget();
}

static void thousands(void)
{
	char path[100];
	begin(1);
	for (int i = 0; i < 8000; i++) {
		(void)snprintf(path, sizeof path, "d%d", i);
		add(0, '5', path, 0);
		(void)snprintf(path, sizeof path, "d%d/x", i);
		add(0, '0', path, 10 + (uint64_t)(8000 - i) * (uint64_t)(8000 - i));
	}
	end();
	size_t count = areas_hold("8,000 directories");
	ok(count > 1000 && count < 8000, "... the smallest are together");
	has(" more directories, ", "... and counted");
	has(">&lt;0.1 %</text>", "a small share is not none");
	forget();
}

/* Small ones are together, wherever the directory's own files are among them. */
static void thousands_and_a_file(uint64_t file_bytes, const char *size, const char *name)
{
	char path[100];
	begin(1);
	add(0, '5', "s", 0);
	add(0, '5', "s/big", 0);
	add(0, '0', "s/big/x", 1000000000);
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(path, sizeof path, "s/d%d", i);
		add(0, '5', path, 0);
		(void)snprintf(path, sizeof path, "s/d%d/x", i);
		add(0, '0', path, 2000 + (uint64_t)i);
	}
	add(0, '0', "s/own", file_bytes);
	end();
	size_t count = areas_hold(name);
	ok(count < 100, "... and so no more than can be seen");
	has("<title>/s: 1,000 more directories, ", "... the small ones are together");
	(void)snprintf(path, sizeof path, "<title>/s: 1 file of its own, %s", size);
	has(path, "... its own file is for itself");
	forget();
}

static void many_layers(void)
{
	begin(LAYERS_MOST);
	for (size_t i = 0; i < LAYERS_MOST; i++)
		add(i, '0', "file", i == 100 ? 900000 : i == 300 ? 800000 : 4096 + i % 7);
	end();
	areas_hold("499 layers");
	has(">layer 101  656565656565</text>", "the largest has its line");
	has(">layer 301  2d2d2d2d2d2d</text>", "... and the next");
	has(">layers 302\xe2\x80\x93"
	    "499</text>",
		"others share one");
	forget();
}

/* The largest last, and more than the table has lines for. */
static void largest_last(void)
{
	char path[100];
	begin(1);
	for (int i = 10; i < 40; i++) {
		(void)snprintf(path, sizeof path, "d%d", i);
		add(0, '5', path, 0);
		(void)snprintf(path, sizeof path, "d%d/x", i);
		add(0, '0', path, (uint64_t)i * 1000);
	}
	end();
	has(">/d39</text>", "the largest directory of many");
	has(">/d25</text>", "... and the fifteenth");
	ok(strstr(drawn.svg, ">/d24</text>") == NULL, "... and no more");
	forget();
}

static void hard_links(void)
{
	begin(2);
	add(0, '0', "a", 5000);
	add(0, '1', "b", 0);
	add(1, LAYER_INDEX_WHITEOUT, "b", 0);
	end();
	has(">0 B in 1 entry</text>", "a file whose other name shows is not hidden");
	forget();
}

static void nothing(void)
{
	begin(1);
	add(0, '5', "empty", 0);
	add(0, '2', "link", 0);
	add(0, '0', "nothing", 0);
	end();
	areas_hold("no bytes");
	has(">no file holds a byte</text>", "the tree says so");
	has(">no directory holds a byte</text>", "and the table");
	ok(strstr(drawn.svg, "nan") == NULL && strstr(drawn.svg, "inf") == NULL, "no such number");
	forget();
	begin(2);
	add(0, '0', "file", 5);
	add(1, LAYER_INDEX_WHITEOUT, "file", 0);
	end();
	areas_hold("everything is removed");
	has(">4.00 KiB in 1 entry</text>", "... and hidden");
	forget();
}

int main(void)
{
	as_drawn();
	in_proportion();
	hostile_names();
	thousands();
	thousands_and_a_file(1, "1 B", "a file smaller than small directories");
	thousands_and_a_file(2500, "2.44 KiB", "a file as large as small directories");
	thousands_and_a_file(90000000, "85.8 MiB", "a large file beside small directories");
	many_layers();
	largest_last();
	hard_links();
	nothing();
	return done();
}
