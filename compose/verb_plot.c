/* plyboot plot: a boot report as a picture. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "../layers/scope.h"
#include "booted.h"
#include "output.h"
#include "report.h"
#include "timeline.h"
#include "verbs.h"

struct plot_options {
	const char *output, *systemd, *kernel_log;
};

static const struct option_spec options[] = {
	{.name = "-o",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct plot_options, output),
		.value = "FILE",
		.help = "the SVG; without it, standard output"},
	{.name = "--systemd",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct plot_options, systemd),
		.value = "FILE",
		.help = "add systemd's times: the output of `systemctl show`, then that of "
			"`systemctl show '*'` for its units, which may be left out"},
	{.name = "--kernel-log",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct plot_options, kernel_log),
		.value = "FILE",
		.help = "add what the kernel took long for: the output of `dmesg`, or `journalctl "
			"-k -o short-monotonic`"},
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

/* Those of the options; and of this system, whose times nobody must have asked for. */
struct plot_times {
	struct times_kernel kernel;
	struct times_systemd systemd; /* owned */
	struct timeline_times given;
};

static int read_systemd(
	const char *path, const json_t *report, struct plot_times *times, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size;
	if (input_read_file(path, TIMES_MAX_BYTES, &bytes, &size, e) != 0)
		return -1;
	if (times_systemd_parse(bytes, size, &times->systemd, e) != 0 ||
		timeline_check_systemd(report, &times->systemd, e) != 0)
		return error_wrap(e, "`%s`", path);
	times->given.systemd = &times->systemd;
	return 0;
}

static int read_kernel_log(
	const char *path, const json_t *report, struct plot_times *times, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size;
	uint64_t init_us;
	if (timeline_init_us(report, &init_us, e) != 0 ||
		input_read_file(path, TIMES_MAX_BYTES, &bytes, &size, e) != 0)
		return -1;
	if (times_kernel_parse(bytes, size, init_us, &times->kernel, e) != 0)
		return error_wrap(e, "`%s`", path);
	if (times->kernel.first_us >= init_us)
		report_note("`%s` begins when /init ran already, and shows nothing of before: ask "
			    "sooner, or boot with log_buf_len=4M",
			path);
	times->given.kernel = &times->kernel;
	return 0;
}

static void ask_systemd(const json_t *report, struct plot_times *times)
{
	struct error why = {0};
	if (times_systemd_ask(&times->systemd, &why) == 0 &&
		timeline_check_systemd(report, &times->systemd, &why) == 0) {
		times->given.systemd = &times->systemd;
		return;
	}
	report_hint("%s", "");
	if (why.code != ERROR_MISSING)
		report_note("without systemd's times: %s", why.text);
}

static int get_times(const struct plot_options *given, const json_t *report, bool is_running,
	struct plot_times *times, struct error *e)
{
	if (given->systemd != NULL && read_systemd(given->systemd, report, times, e) != 0)
		return -1;
	if (given->systemd == NULL && is_running)
		ask_systemd(report, times);
	return given->kernel_log != NULL ? read_kernel_log(given->kernel_log, report, times, e) : 0;
}

static int draw(const struct plot_options *given, const char *path, const json_t *report,
	bool is_running, char **svg, size_t *size_bytes, struct error *e)
{
	struct plot_times times = {0};
	int result = get_times(given, report, is_running, &times, e);
	if (result == 0 && timeline_draw(report, &times.given, svg, size_bytes, e) != 0)
		result = error_wrap(e, "`%s`", path);
	times_systemd_free(&times.systemd);
	return result;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	static struct booted booted;
	const struct plot_options *given = opaque;
	bool is_running = operands->count == 0;
	const char *path = is_running ? BOOTED_DIRECTORY "/boot.json" : operands->items[0];
	SCOPED_FREE uint8_t *bytes = NULL;
	SCOPED_FREE char *svg = NULL;
	size_t size, svg_bytes_count;
	if (is_running && access(path, F_OK) != 0)
		return error_set(e, ERROR_MISSING, 0,
			"%s is not there: this system was not booted by plyboot; name a report",
			path);
	if (input_read_file(path, BOOTED_MAX_BYTES, &bytes, &size, e) != 0)
		return -1;
	if (booted_parse(bytes, size, &booted, e) != 0)
		return error_wrap(e, "`%s`", path);
	int result = draw(given, path, booted.report, is_running, &svg, &svg_bytes_count, e);
	booted_free(&booted);
	return result == 0 ? write_picture(given->output, svg, svg_bytes_count, e) : -1;
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
		"one for each step of /init, one for each layer with what was read and hashed, "
		"decoded and written, and at which rate, and one for each stack that did not "
		"boot, with its reason. Short steps and layers share a line where there are too "
		"many. It is one page of A4, light or dark as its reader has it.\n"
		"Where systemd took over, its time until \"startup finished\" follows, and the "
		"units that took longest. On the running system plot asks for that itself; a "
		"report from elsewhere needs --systemd. Its clock stands still while a machine "
		"sleeps, that of /init does not: without sleep they are the same.\n"
		"--kernel-log shows the longest gaps between messages of the kernel before "
		"/init, each with the message that ended it.\n",
	.examples = "Of the running system, and of a report from elsewhere:\n"
		    "  plyboot plot -o boot.svg\n"
		    "  plyboot plot -o boot.svg boot.json\n\n"
		    "With all that can be known, taken along from a device:\n"
		    "  keys=Id,InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic\n"
		    "  (systemctl show; echo; systemctl show '*' --property=$keys) >systemd.txt\n"
		    "  dmesg >kernel.txt\n"
		    "  plyboot plot -o boot.svg --systemd systemd.txt --kernel-log kernel.txt "
		    "boot.json\n",
};
