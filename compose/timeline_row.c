#include <math.h>
#include <stdlib.h>

#include "../layers/scope.h"
#include "timeline_private.h"

const char *timeline_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text != NULL ? text : "";
}

int timeline_ms(const json_t *object, const char *key, double *out, struct error *e)
{
	const json_t *value = json_object_get(object, key);
	double ms = json_number_value(value);
	if ((value != NULL && !json_is_number(value)) || !isfinite(ms) || ms < 0)
		return error_set(e, ERROR_FORMAT, 0, "boot.json: `%s` is no time", key);
	*out = ms;
	return 0;
}

uint64_t timeline_count(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));
	return value < 0 ? 0 : (uint64_t)value;
}

struct timeline_row *timeline_add(
	struct timeline *self, double start_ms, double ms, enum svg_fill fill)
{
	if (self->count == TIMELINE_ROWS)
		return &self->rows[TIMELINE_ROWS - 1];
	struct timeline_row *row = &self->rows[self->count++];
	*row = (struct timeline_row){.start_ms = start_ms, .ms = ms, .fill = fill};
	return row;
}

/* --- which of many are shown */

static int descending(const void *a, const void *b)
{
	const double one = *(const double *)a, other = *(const double *)b;
	return one < other ? 1 : one > other ? -1 : 0;
}

int timeline_choose(const json_t *list, size_t most, struct timeline_shown *out, struct error *e)
{
	size_t count = json_array_size(list), own = (most - 1) / 2;
	SCOPED_FREE double *times = calloc(count + 1, sizeof *times);
	if (times == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (size_t i = 0; i < count; i++)
		if (timeline_ms(json_array_get(list, i), "ms", &times[i], e) != 0)
			return -1;
	qsort(times, count, sizeof *times, descending);
	*out = (struct timeline_shown){-1, 0};
	if (count <= most)
		return 0;
	*out = (struct timeline_shown){times[own - 1], own};
	for (size_t i = 0; i < own; i++)
		out->equal -= times[i] > out->ms;
	return 0;
}

bool timeline_is_shown(struct timeline_shown *shown, double ms)
{
	if (ms > shown->ms)
		return true;
	if (ms < shown->ms || shown->equal == 0)
		return false;
	shown->equal--;
	return true;
}
