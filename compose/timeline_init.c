#include <math.h>
#include <stdio.h>
#include <string.h>

#include "timeline_private.h"

/* --- steps */

static void add_step(struct timeline *self, const char *name, double start_ms, double ms)
{
	struct timeline_row *row = timeline_add(self, start_ms, ms, SVG_PLAIN);
	(void)snprintf(row->label, sizeof row->label, "%s", name);
	svg_ms(ms, row->text);
}

static void add_steps_together(struct timeline *self, size_t count, double start_ms, double ms)
{
	char label[SVG_NUMBER_SIZE];
	svg_count(count, "step", "steps", label);
	if (count > 0)
		add_step(self, label, start_ms, ms);
}

int timeline_steps(struct timeline *self, size_t most, double *layers_ms, struct error *e)
{
	const json_t *steps = json_object_get(self->report, "steps");
	double at = self->uptime_ms - self->init_ms, ms, run_ms = 0;
	struct timeline_shown shown;
	size_t i, run = 0;
	if (timeline_choose(steps, most, &shown, e) != 0)
		return -1;
	for (i = 0; i < json_array_size(steps); i++) {
		const json_t *step = json_array_get(steps, i);
		if (timeline_ms(step, "ms", &ms, e) != 0)
			return -1;
		if (strcmp(timeline_text(step, "step"), "layers") == 0)
			*layers_ms = at;
		if (timeline_is_shown(&shown, ms)) {
			add_steps_together(self, run, at - run_ms, run_ms);
			add_step(self, timeline_text(step, "step"), at, ms);
			run = 0;
			run_ms = 0;
		} else {
			run++;
			run_ms += ms;
		}
		at += ms;
	}
	add_steps_together(self, run, at - run_ms, run_ms);
	return 0;
}

/* --- layers */

struct layers {
	size_t count, reused, first; /* of a run that has one row */
	double start_ms, end_ms;
	uint64_t stored_bytes, unpacked_bytes, entries;
};

static void rate_text(uint64_t bytes, double ms, char out[SVG_NUMBER_SIZE])
{
	char number[SVG_NUMBER_SIZE];
	out[0] = '\0';
	if (ms <= 0)
		return;
	svg_bytes((uint64_t)fmin((double)bytes * 1000 / ms, 1e18), number);
	(void)snprintf(out, SVG_NUMBER_SIZE, " (%.20s/s)", number);
}

static void add_layers_row(
	struct timeline *self, const struct layers *run, size_t first, const char *digest)
{
	bool reused = run->reused == run->count;
	double ms = run->end_ms - run->start_ms;
	struct timeline_row *row =
		timeline_add(self, run->start_ms, ms, reused ? SVG_HOLLOW : SVG_DOTS);
	char time[SVG_NUMBER_SIZE], stored[SVG_NUMBER_SIZE], unpacked[SVG_NUMBER_SIZE],
		in[SVG_NUMBER_SIZE], out[SVG_NUMBER_SIZE], entries[SVG_NUMBER_SIZE];
	svg_ms(ms, time);
	svg_bytes(run->stored_bytes, stored);
	svg_bytes(run->unpacked_bytes, unpacked);
	svg_count(run->entries, "entry", "entries", entries);
	rate_text(run->stored_bytes, ms, in);
	rate_text(run->unpacked_bytes, ms, out);
	if (run->count == 1)
		(void)snprintf(row->label, sizeof row->label, "layer %zu %.12s", first, digest);
	else
		(void)snprintf(row->label, sizeof row->label, "layers %zu\xe2\x80\x93%zu", first,
			first + run->count - 1);
	if (reused)
		(void)snprintf(row->text, sizeof row->text,
			"reused: %s in %s were in memory already", unpacked, entries);
	else
		(void)snprintf(row->text, sizeof row->text, "%s; read %s%s, wrote %s%s, %s", time,
			stored, in, unpacked, out, entries);
}

static int take_layer(
	const json_t *layer, double layers_ms, struct layers *run, double *ms, struct error *e)
{
	double start_ms;
	bool reused = strcmp(timeline_text(layer, "from"), "reused") == 0;
	if (timeline_ms(layer, "ms", ms, e) != 0 ||
		timeline_ms(layer, "start_ms", &start_ms, e) != 0)
		return -1;
	if (reused || start_ms <= 0)
		start_ms = layers_ms;
	*run = (struct layers){.count = 1,
		.reused = reused,
		.start_ms = start_ms,
		.end_ms = start_ms + (reused ? 0 : *ms),
		.stored_bytes = timeline_count(layer, "stored_bytes"),
		.unpacked_bytes = timeline_count(layer, "unpacked_bytes"),
		.entries = timeline_count(layer, "entries")};
	return 0;
}

static void join(struct layers *run, const struct layers *one)
{
	if (run->count == 0) {
		*run = *one;
		return;
	}
	run->count++;
	run->reused += one->reused;
	run->start_ms = fmin(run->start_ms, one->start_ms);
	run->end_ms = fmax(run->end_ms, one->end_ms);
	run->stored_bytes += one->stored_bytes;
	run->unpacked_bytes += one->unpacked_bytes;
	run->entries += one->entries;
}

static void end_run(struct timeline *self, struct layers *run, size_t next)
{
	if (run->count > 0)
		add_layers_row(self, run, next - run->count, "");
	*run = (struct layers){0};
}

int timeline_layers(struct timeline *self, size_t most, double layers_ms, struct error *e)
{
	const json_t *layers = json_object_get(self->report, "layers");
	struct layers run = {0}, one;
	struct timeline_shown shown;
	double ms;
	if (timeline_choose(layers, most, &shown, e) != 0)
		return -1;
	for (size_t i = 0; i < json_array_size(layers); i++) {
		const json_t *layer = json_array_get(layers, i);
		const char *digest = timeline_text(layer, "digest");
		if (take_layer(layer, layers_ms, &one, &ms, e) != 0)
			return -1;
		if (!timeline_is_shown(&shown, ms)) {
			join(&run, &one);
			continue;
		}
		end_run(self, &run, i + 1);
		add_layers_row(self, &one, i + 1,
			strncmp(digest, "sha256:", 7) == 0 ? digest + 7 : digest);
	}
	end_run(self, &run, json_array_size(layers) + 1);
	return 0;
}
