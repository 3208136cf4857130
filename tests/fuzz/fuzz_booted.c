/* boot.json, as commands on the running system read it: whatever it says, what is taken from it is
 * in its bounds. */
#include "compose/booted.h"
#include "compose/timeline.h"

#include <string.h>

#include "must.h"

/* Its picture: one element, and no bytes that XML has not. */
static void draw(const json_t *report)
{
	const struct timeline_times none = {0};
	struct error e = {0};
	char *svg;
	size_t size;
	if (timeline_draw(report, &none, &svg, &size, &e) != 0) {
		must(e.code == ERROR_FORMAT);
		return;
	}
	const char *end = strstr(svg, "</svg>");
	must(strlen(svg) == size && end == svg + size - strlen("</svg>\n"));
	for (size_t i = 0; i < size; i++)
		must((unsigned char)svg[i] >= 0x20 || svg[i] == '\n');
	free(svg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct booted booted;
	struct error e = {0};
	if (booted_parse(data, size, &booted, &e) != 0) {
		must(e.code == ERROR_FORMAT || e.code == ERROR_LIMIT);
		return 0;
	}
	must(booted.report != NULL && booted.record_state != NULL);
	must(memchr(booted.name, '\0', sizeof booted.name) != NULL);
	must(memchr(booted.layers, '\0', sizeof booted.layers) != NULL);
	must(booted.layers[0] == '\0' || strncmp(booted.layers, "/dev/", 5) == 0);
	must(booted.record[0] == '\0' || strncmp(booted.record, "/dev/", 5) == 0);
	must(booted.version <= INT64_MAX && booted.floor <= INT64_MAX &&
		booted.fixed_floor <= INT64_MAX);
	must(booted.signatures <= LIMIT_SIGNATURES && booted.tries <= RECORD_TRIES_MOST &&
		booted.revoked_count <= LIMIT_KEYS);
	must(booted.lower_count <= LIMIT_LAYERS && booted.upper_count <= BOOTED_UPPERS);
	must(booted.knows_uppers || booted.upper_count == 0);
	for (size_t i = 0; i < booted.upper_count; i++)
		must(booted.uppers[i][0] == '/' &&
			memchr(booted.uppers[i], '\0', sizeof booted.uppers[i]) != NULL);
	draw(booted.report);
	booted_free(&booted);
	return 0;
}
