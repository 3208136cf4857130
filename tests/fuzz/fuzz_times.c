/* The texts of `systemctl show` and `dmesg`: whatever they say, times are in their bounds and their
 * order, and the picture of them is one. The first byte says which of the two it is. */
#include "compose/times.h"
#include "compose/timeline.h"

#include "must.h"

/* /init began after 2 s and handed over after 4. */
static const char report_text[] =
	"{\"plyboot_boot\":1,\"stack\":\"s\",\"version\":1,\"init\":\"/sbin/init\","
	"\"steps\":[{\"step\":\"layers\",\"ms\":2000}],\"init_ms\":2000,\"uptime_ms\":4000}";

static void draw(const struct timeline_times *times)
{
	struct error e = {0};
	json_t *report = json_loads(report_text, 0, NULL);
	char *svg;
	size_t size;
	must(report != NULL);
	if (timeline_draw(report, times, &svg, &size, &e) == 0) {
		const char *end = strstr(svg, "</svg>");
		must(strlen(svg) == size && end == svg + size - strlen("</svg>\n"));
		for (size_t i = 0; i < size; i++)
			must((unsigned char)svg[i] >= 0x20 || svg[i] == '\n');
		free(svg);
	} else {
		must(e.code == ERROR_FORMAT && times->systemd != NULL);
	}
	json_decref(report);
}

static void check_span(const struct times_systemd *times, const struct times_span *span)
{
	must(span->start_us >= times->start_us && span->end_us >= span->start_us);
	must(span->end_us <= (times->finish_us > 0 ? times->finish_us : TIMES_MAX_US));
}

static void try_systemd(const uint8_t *bytes, size_t size)
{
	struct times_systemd times;
	struct error e = {0};
	if (times_systemd_parse(bytes, size, &times, &e) != 0) {
		must(e.code == ERROR_FORMAT || e.code == ERROR_LIMIT);
		return;
	}
	must(times.start_us > 0 && times.start_us <= TIMES_MAX_US && times.count <= TIMES_UNITS);
	must(times.finish_us == 0 || times.finish_us >= times.start_us);
	for (size_t i = 0; i < TIMES_PHASES; i++)
		if (times.phases[i].end_us > 0)
			check_span(&times, &times.phases[i]);
	for (size_t i = 0; i < times.count; i++) {
		const struct times_span *span = &times.units[i].span;
		check_span(&times, span);
		must(memchr(times.units[i].name, '\0', TIMES_NAME_SIZE) != NULL);
		must(i == 0 ||
			span->end_us - span->start_us <=
				times.units[i - 1].span.end_us - times.units[i - 1].span.start_us);
	}
	draw(&(struct timeline_times){.systemd = &times});
	times_systemd_free(&times);
}

static void try_kernel(const uint8_t *bytes, size_t size)
{
	const uint64_t end_us = 2000000;
	struct times_kernel times;
	struct error e = {0};
	if (times_kernel_parse(bytes, size, end_us, &times, &e) != 0) {
		must(e.code == ERROR_FORMAT);
		return;
	}
	must(times.count <= TIMES_GAPS);
	for (size_t i = 0; i < times.count; i++) {
		const struct times_gap *gap = &times.gaps[i];
		must(gap->span.end_us >= gap->span.start_us + 5000 && gap->span.end_us <= end_us);
		must(i == 0 || gap->span.start_us >= times.gaps[i - 1].span.end_us);
		must(memchr(gap->message, '\0', sizeof gap->message) != NULL &&
			strchr(gap->message, '\n') == NULL);
	}
	draw(&(struct timeline_times){.kernel = &times});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	/* Of that size exactly, so that a read behind its end is seen. */
	uint8_t *copy = malloc(size > 1 ? size - 1 : 1);
	must(copy != NULL);
	memcpy(copy, data + 1, size - 1);
	if (data[0] == 's')
		try_systemd(copy, size - 1);
	else
		try_kernel(copy, size - 1);
	free(copy);
	return 0;
}
