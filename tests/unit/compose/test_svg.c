/* compose/svg.c: numbers with their units, and texts that stay texts. */
#include "compose/svg.h"

#include <stdlib.h>

#include "tap.h"

static void bytes_are(uint64_t bytes, const char *wanted)
{
	char text[SVG_NUMBER_SIZE];
	svg_bytes(bytes, text);
	is_str(text, wanted, "%llu bytes", (unsigned long long)bytes);
}

static void ms_are(double ms, const char *wanted)
{
	char text[SVG_NUMBER_SIZE];
	svg_ms(ms, text);
	is_str(text, wanted, "%g ms", ms);
}

static void numbers(void)
{
	char text[SVG_NUMBER_SIZE];
	bytes_are(0, "0 B");
	bytes_are(1023, "1023 B");
	bytes_are(1024, "1.00 KiB");
	bytes_are(1000 * 1024, "0.98 MiB");
	bytes_are(36239141, "34.6 MiB");
	bytes_are(UINT64_MAX, "16.0 EiB");
	ms_are(0, "0.00 ms");
	ms_are(12.34, "12.3 ms");
	ms_are(999.7, "1.00 s");
	ms_are(3161.0, "3.16 s");
	ms_are(123000, "2 min 03 s");
	ms_are(1e17, "over 1e15 ms");
	svg_count(1, "entry", "entries", text);
	is_str(text, "1 entry", "one");
	svg_count(1234567, "entry", "entries", text);
	is_str(text, "1,234,567 entries", "many");
	svg_count(UINT64_MAX, "entry", "entries", text);
	is_str(text, "18,446,744,073,709,551,615 entries", "as many as can be");
}

static char *draw(const char *text, double width)
{
	SCOPED_SVG svg = SVG_INIT;
	struct error e = {0};
	char *out = NULL;
	size_t size;
	if (svg_begin(&svg, 100, 100, "t", &e) != 0)
		abort();
	svg_text(&svg, 0, 0, 10, width, SVG_START, text);
	if (svg_finish(&svg, &out, &size, &e) != 0)
		abort();
	return out;
}

static void has(const char *text, double width, const char *wanted, const char *name)
{
	char *svg = draw(text, width);
	ok(strstr(svg, wanted) != NULL, "%s", name);
	free(svg);
}

static void texts(void)
{
	has("<b>&\"", 1000, ">&lt;b&gt;&amp;&quot;</text>", "markup is text");
	has("a\x01\xff\n\xe2\x80\xae", 1000, ">a\\x01\\xff\\n\\xe2\\x80\\xae</text>",
		"controls, no UTF-8, and what turns the direction are escaped");
	has("\xef\xbf\xbf", 1000, ">\xef\xbf\xbd</text>", "what is no character of XML");
	has("abcdefghijklmnopqrstuvwxyz", 60, "\xe2\x80\xa6</text>", "what is too long is cut");
	has("abcdefghijklmnopqrstuvwxyz", 60, "<title>abcdefghijklmnopqrstuvwxyz</title>",
		"... and whole in its title");
	char *svg = draw("abcdefghijklmnopqrstuvwxyz", 5);
	ok(strstr(svg, "<text") == NULL, "nothing where nothing fits");
	free(svg);
	svg = draw("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 40);
	ok(strstr(svg, ">\xc3\xa4\xc3\xa4\xc3\xa4\xe2\x80\xa6</text>") != NULL,
		"letters are not cut in two");
	free(svg);
	ok(svg_text_width("ww", 10) > svg_text_width("ii", 10), "letters differ in width");
}

int main(void)
{
	numbers();
	texts();
	return done();
}
