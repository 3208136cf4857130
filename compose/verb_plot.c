/* plyboot plot: a boot report as a picture. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "../layers/scope.h"
#include "booted.h"
#include "output.h"
#include "timeline.h"
#include "verbs.h"

struct plot_options {
	const char *output;
};

static const struct option_spec options[] = {
	{.name = "-o",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct plot_options, output),
		.value = "FILE",
		.help = "the SVG; without it, standard output"},
	{0},
};

static int write_picture(const char *path, const char *svg, size_t size_bytes, struct error *e)
{
	if (path != NULL)
		return output_write_file(path, 0666, svg, size_bytes, OUTPUT_REPLACE, e);
	return fwrite(svg, 1, size_bytes, stdout) == size_bytes
		       ? 0
		       : error_errno(e, EIO, "write the picture to standard output");
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	static struct booted booted;
	const struct plot_options *given = opaque;
	const char *path = operands->count > 0 ? operands->items[0] : BOOTED_DIRECTORY "/boot.json";
	SCOPED_FREE uint8_t *bytes = NULL;
	SCOPED_FREE char *svg = NULL;
	size_t size, svg_bytes_count;
	if (operands->count == 0 && access(path, F_OK) != 0)
		return error_set(e, ERROR_MISSING, 0,
			"%s is not there: this system was not booted by plyboot; name a report",
			path);
	if (input_read_file(path, BOOTED_MAX_BYTES, &bytes, &size, e) != 0)
		return -1;
	if (booted_parse(bytes, size, &booted, e) != 0)
		return error_wrap(e, "`%s`", path);
	int result = timeline_draw(booted.report, &svg, &svg_bytes_count, e);
	booted_free(&booted);
	if (result != 0)
		return error_wrap(e, "`%s`", path);
	return write_picture(given->output, svg, svg_bytes_count, e);
}

const struct verb verb_plot = {
	.name = "plot",
	.summary = "a boot report as a picture of what took the time",
	.operands = "[BOOT.JSON]",
	.operands_max = 1,
	.options = options,
	.options_bytes = sizeof(struct plot_options),
	.run = run,
	.text = "BOOT.JSON is what /init reported; without it, that of the running system, "
		"/run/plyboot/boot.json. The SVG has a line for the kernel's time before /init, "
		"one for "
		"each step of /init, one for each layer with what was read and hashed, decoded and "
		"written, and at which rate, and one for each stack that did not boot, with its "
		"reason. Short steps and layers share a line where there are too many. It is one "
		"page "
		"of A4, light or dark as its reader has it.\n",
	.examples = "Of the running system, and of a report from elsewhere:\n"
		    "  plyboot plot -o boot.svg\n"
		    "  plyboot plot -o boot.svg boot.json\n",
};
