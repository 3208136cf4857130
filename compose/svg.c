#include "svg.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "shown.h"

/* Patterns so that no meaning is by colour alone; the dark palette replaces the light one. */
static const char style[] =
	"<style>\n"
	"svg{--paper:#fff;--ink:#1b1f24;--faint:#c9ced6;--plain:#b9d3f0;--stripes:#f3d9a9;"
	"--dots:#bfe3c3;--grid:#e0cdee;--mark:#39424e}\n"
	"@media (prefers-color-scheme:dark){svg{--paper:#15181c;--ink:#e8eaed;--faint:#3f4650;"
	"--plain:#26486d;--stripes:#5f4716;--dots:#20502a;--grid:#4d2f63;--mark:#aeb6c2}}\n"
	"@media print{svg{--paper:#fff;--ink:#000;--faint:#bbb}}\n"
	".paper{fill:#fff;fill:var(--paper)}\n"
	"text{font-family:'DejaVu Sans',Verdana,'Liberation Sans',sans-serif;fill:#1b1f24;"
	"fill:var(--ink)}\n"
	".b{font-weight:bold}\n"
	".o{paint-order:stroke;stroke:#fff;stroke:var(--paper);stroke-width:2.5;"
	"stroke-linejoin:round}\n"
	".l{stroke:#c9ced6;stroke:var(--faint);stroke-width:1}\n"
	".p0{fill:#b9d3f0;fill:var(--plain)}.p1{fill:#f3d9a9;fill:var(--stripes)}"
	".p2{fill:#bfe3c3;fill:var(--dots)}.p3{fill:#e0cdee;fill:var(--grid)}\n"
	".m{stroke:#39424e;stroke:var(--mark);stroke-width:.8;stroke-opacity:.45;fill:none}"
	".d{fill:#39424e;fill:var(--mark);fill-opacity:.45}\n"
	".a{stroke:#39424e;stroke:var(--mark);stroke-width:.8}.h{stroke-dasharray:3 2}\n"
	"</style>\n";

static const char patterns[] =
	"<defs>\n"
	"<pattern id=\"f1\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\">"
	"<rect class=\"p1\" width=\"7\" height=\"7\"/>"
	"<path class=\"m\" d=\"M-1 8L8 -1\"/></pattern>\n"
	"<pattern id=\"f2\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\">"
	"<rect class=\"p2\" width=\"7\" height=\"7\"/>"
	"<circle class=\"d\" cx=\"3.5\" cy=\"3.5\" r=\"1\"/></pattern>\n"
	"<pattern id=\"f3\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\">"
	"<rect class=\"p3\" width=\"7\" height=\"7\"/>"
	"<path class=\"m\" d=\"M0 3.5H7M3.5 0V7\"/></pattern>\n"
	"</defs>\n";

/* XML has no other controls, and two characters of the basic plane are none in it. */
static void put_escaped(FILE *to, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '&')
			fputs("&amp;", to);
		else if (*text == '<')
			fputs("&lt;", to);
		else if (*text == '>')
			fputs("&gt;", to);
		else if (*text == '"')
			fputs("&quot;", to);
		else if (strncmp(text, "\xef\xbf\xbe", 3) == 0 ||
			 strncmp(text, "\xef\xbf\xbf", 3) == 0) {
			fputs("\xef\xbf\xbd", to);
			text += 2;
		} else {
			fputc(*text, to);
		}
	}
}

/* One line of printable UTF-8, as shown.h has it; NULL: no memory. */
static char *shown_text(const char *text)
{
	char *shown = NULL;
	size_t size;
	FILE *to = open_memstream(&shown, &size);
	if (to == NULL)
		return NULL;
	shown_print(text, to);
	if (fclose(to) == 0)
		return shown;
	free(shown);
	return NULL;
}

/* --- the file */

int svg_begin(struct svg *svg, double width, double height, const char *title, struct error *e)
{
	*svg = (struct svg)SVG_INIT;
	svg->to = open_memstream(&svg->text, &svg->size_bytes);
	SCOPED_FREE char *shown = shown_text(title);
	if (svg->to == NULL || shown == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	fprintf(svg->to,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg "
		"xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 "
		"%.0f %.0f\" role=\"img\">\n<title>",
		width, height, width, height);
	put_escaped(svg->to, shown);
	fprintf(svg->to, "</title>\n%s%s<rect class=\"paper\" width=\"%.0f\" height=\"%.0f\"/>\n",
		style, patterns, width, height);
	return 0;
}

int svg_finish(struct svg *svg, char **text, size_t *size_bytes, struct error *e)
{
	fputs("</svg>\n", svg->to);
	int failed = ferror(svg->to);
	failed |= fclose(svg->to);
	svg->to = NULL;
	if (failed != 0)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	*text = svg->text;
	*size_bytes = svg->size_bytes;
	svg->text = NULL;
	return 0;
}

void svg_free(struct svg *svg)
{
	if (svg->to != NULL)
		(void)fclose(svg->to);
	free(svg->text);
	*svg = (struct svg)SVG_INIT;
}

/* --- elements */

static void put_title(struct svg *svg, const char *title)
{
	SCOPED_FREE char *shown = shown_text(title);
	if (shown == NULL)
		return;
	fputs("<title>", svg->to);
	put_escaped(svg->to, shown);
	fputs("</title>", svg->to);
}

void svg_area(struct svg *svg, const struct svg_rect *rect, enum svg_fill fill, const char *title)
{
	static const char *const fills[SVG_FILLS] = {
		"class=\"a p0\"",
		"class=\"a\" fill=\"url(#f1)\"",
		"class=\"a\" fill=\"url(#f2)\"",
		"class=\"a\" fill=\"url(#f3)\"",
		"class=\"a h\" fill=\"none\" pointer-events=\"all\"",
	};
	fprintf(svg->to, "<rect %s x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\">",
		fills[fill], rect->x, rect->y, rect->width, rect->height);
	if (title != NULL)
		put_title(svg, title);
	fputs("</rect>\n", svg->to);
}

void svg_line(struct svg *svg, double x1, double y1, double x2, double y2)
{
	fprintf(svg->to, "<line class=\"l\" x1=\"%.2f\" y1=\"%.2f\" x2=\"%.2f\" y2=\"%.2f\"/>\n",
		x1, y1, x2, y2);
}

/* --- texts */

static size_t sequence_length(unsigned char first)
{
	return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* In parts of the font's size: of the widest font that the style names, and some more. */
static double letter_width(const char *at)
{
	if ((unsigned char)*at >= 0x80)
		return sequence_length((unsigned char)*at) == 2 ? 0.85 : 1.1;
	if (strchr("mwMW@%", *at) != NULL)
		return 1.02;
	if (strchr("ijl.,:;'|!()[]/ f-", *at) != NULL)
		return 0.41;
	return *at >= 'A' && *at <= 'Z' ? 0.8 : 0.66;
}

static double measure(const char *shown, double px)
{
	double width = 0;
	for (; *shown != '\0'; shown += sequence_length((unsigned char)*shown))
		width += letter_width(shown);
	return width * px;
}

double svg_text_width(const char *text, double px)
{
	SCOPED_FREE char *shown = shown_text(text);
	return shown == NULL ? 0 : measure(shown, px);
}

/* How many bytes of it fit, with room for what says that it was cut. */
static size_t fitting(const char *shown, double px, double width)
{
	size_t at = 0;
	double used = 1.1 * px;
	while (shown[at] != '\0') {
		used += letter_width(shown + at) * px;
		if (used > width)
			break;
		at += sequence_length((unsigned char)shown[at]);
	}
	return at;
}

static void put_text(struct svg *svg, double x, double y, double px, double width,
	const char *attributes, const char *text)
{
	SCOPED_FREE char *shown = shown_text(text);
	if (shown == NULL)
		return;
	bool cut = measure(shown, px) > width;
	if (cut) {
		size_t most = fitting(shown, px, width);
		if (most < 2)
			return;
		shown[most] = '\0';
	}
	fprintf(svg->to, "<text x=\"%.2f\" y=\"%.2f\" font-size=\"%.1f\"%s>", x, y, px, attributes);
	if (cut)
		put_title(svg, text);
	put_escaped(svg->to, shown);
	fputs(cut ? "\xe2\x80\xa6</text>\n" : "</text>\n", svg->to);
}

void svg_text(struct svg *svg, double x, double y, double px, double width, enum svg_anchor anchor,
	const char *text)
{
	static const char *const anchors[] = {
		"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
	put_text(svg, x, y, px, width, anchors[anchor], text);
}

void svg_heading(struct svg *svg, double x, double y, double px, double width, const char *text)
{
	/* Bold letters are wider. */
	put_text(svg, x, y, px, width / 1.15, " class=\"b\"", text);
}

void svg_label(struct svg *svg, double x, double y, double px, double width, const char *text)
{
	put_text(svg, x, y, px, width, " class=\"o\"", text);
}

/* --- numbers */

void svg_bytes(uint64_t bytes, char out[SVG_NUMBER_SIZE])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	if (bytes < 1024) {
		(void)snprintf(out, SVG_NUMBER_SIZE, "%" PRIu64 " B", bytes);
		return;
	}
	double value = (double)bytes / 1024;
	size_t unit = 0;
	for (; value >= 1000 && unit + 1 < sizeof units / sizeof units[0]; unit++)
		value /= 1024;
	(void)snprintf(out, SVG_NUMBER_SIZE, "%.*f %s",
		value < 9.995   ? 2
		: value < 99.95 ? 1
				: 0,
		value, units[unit]);
}

void svg_ms(double ms, char out[SVG_NUMBER_SIZE])
{
	if (ms < 999.5)
		(void)snprintf(out, SVG_NUMBER_SIZE, "%.*f ms",
			ms < 9.995   ? 2
			: ms < 99.95 ? 1
				     : 0,
			ms);
	else if (ms < 60000)
		(void)snprintf(out, SVG_NUMBER_SIZE, "%.*f s", ms < 9995 ? 2 : 1, ms / 1000);
	else if (ms < 1e15)
		(void)snprintf(out, SVG_NUMBER_SIZE, "%.0f min %02d s",
			(double)(int64_t)(ms / 60000), (int)((int64_t)(ms / 1000) % 60));
	else
		(void)snprintf(out, SVG_NUMBER_SIZE, "over 1e15 ms");
}

void svg_count(uint64_t count, const char *one, const char *many, char out[SVG_NUMBER_SIZE])
{
	char digits[24], grouped[32];
	int length = snprintf(digits, sizeof digits, "%" PRIu64, count);
	size_t used = 0;
	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			grouped[used++] = ',';
		grouped[used++] = digits[i];
	}
	grouped[used] = '\0';
	(void)snprintf(out, SVG_NUMBER_SIZE, "%s %.7s", grouped, count == 1 ? one : many);
}
