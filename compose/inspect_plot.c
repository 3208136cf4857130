#include "inspect_plot.h"

#include "../layers/scope.h"
#include "output.h"
#include "report.h"
#include "room_plot.h"

static int open_store(const struct inspect_options *given, struct target *target, struct error *e)
{
	if (target->layout.fd >= 0)
		return 0;
	if (layout_open(layout_path(given->store), false, &target->layout, e) == 0)
		return 0;
	report_hint("--store says where the layers are");
	return -1;
}

/* The file is begun first: where it can't be written, nothing need be read. */
int inspect_plot(const struct inspect_options *given, struct target *target, struct error *e)
{
	SCOPED_OUTPUT output = OUTPUT_INIT;
	SCOPED_FREE char *svg = NULL;
	size_t size_bytes;
	if (open_store(given, target, e) != 0 || output_open(&output, given->plot, 0666, e) != 0)
		return -1;
	if (target_read(target, e) != 0) {
		if (e->code == ERROR_MISSING)
			report_hint("what layers hold can be drawn where all of them are: --store");
		return -1;
	}
	const struct room_plot plot = {.stack = target->is_stack ? &target->stack : NULL,
		.records = target->file.records,
		.merged = &target->merged};
	if (room_plot_draw(&plot, &svg, &size_bytes, e) != 0)
		return -1;
	if (output_write(&output, svg, size_bytes, e) != 0)
		return -1;
	return output_commit(&output, OUTPUT_REPLACE, e);
}
