#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "options.h"
#include "times.h"

/* What we read of a block. */
enum key {
	KEY_START,
	KEY_FINISH,
	KEY_PHASES, /* two for each */
	KEY_LEAVES = KEY_PHASES + 2 * TIMES_PHASES,
	KEY_ACTIVE,
	KEY_ENDS,
	KEY_ID,
	KEYS
};

static const char *const key_names[KEYS] = {
	[KEY_START] = "UserspaceTimestampMonotonic",
	[KEY_FINISH] = "FinishTimestampMonotonic",
	[KEY_PHASES + 2 * TIMES_SECURITY] = "SecurityStartTimestampMonotonic",
	[KEY_PHASES + 2 * TIMES_SECURITY + 1] = "SecurityFinishTimestampMonotonic",
	[KEY_PHASES + 2 * TIMES_GENERATORS] = "GeneratorsStartTimestampMonotonic",
	[KEY_PHASES + 2 * TIMES_GENERATORS + 1] = "GeneratorsFinishTimestampMonotonic",
	[KEY_PHASES + 2 * TIMES_LOADING] = "UnitsLoadStartTimestampMonotonic",
	[KEY_PHASES + 2 * TIMES_LOADING + 1] = "UnitsLoadFinishTimestampMonotonic",
	[KEY_LEAVES] = "InactiveExitTimestampMonotonic",
	[KEY_ACTIVE] = "ActiveEnterTimestampMonotonic",
	[KEY_ENDS] = "InactiveEnterTimestampMonotonic",
	[KEY_ID] = "Id",
};

struct block {
	bool seen[KEYS];
	uint64_t us[KEYS];
	char name[TIMES_NAME_SIZE];
};

struct parse {
	struct times_systemd *times;
	size_t line, capacity;
	bool has_manager;
	struct block block;
};

static int wrong(const struct parse *self, const char *what, const char *key, struct error *e)
{
	return error_set(e, ERROR_FORMAT, 0, "line %zu: `%s` %s", self->line, key, what);
}

/* Never happened: 0, or the highest number there is. */
static int take_time(struct parse *self, enum key key, const char *value, struct error *e)
{
	uint64_t us;
	if (!number_parse(value, &us))
		return wrong(self, "is no time", key_names[key], e);
	if (us == UINT64_MAX)
		us = 0;
	if (us > TIMES_MAX_US)
		return wrong(self, "is a time that can't be", key_names[key], e);
	self->block.us[key] = us;
	return 0;
}

static int take_line(struct parse *self, const char *line, size_t length, struct error *e)
{
	char value[TIMES_NAME_SIZE];
	const char *equals = memchr(line, '=', length);
	size_t key_length = equals == NULL ? 0 : (size_t)(equals - line), key = 0;
	while (key < KEYS && (strlen(key_names[key]) != key_length ||
				     memcmp(key_names[key], line, key_length) != 0))
		key++;
	if (key == KEYS)
		return 0;
	if (self->block.seen[key])
		return wrong(self, "is there twice", key_names[key], e);
	self->block.seen[key] = true;
	size_t value_length = length - key_length - 1;
	if (value_length == 0 || value_length >= sizeof value)
		return wrong(self, "is empty, or too long", key_names[key], e);
	memcpy(value, equals + 1, value_length);
	value[value_length] = '\0';
	if (key != KEY_ID)
		return take_time(self, (enum key)key, value, e);
	memcpy(self->block.name, value, value_length + 1);
	return 0;
}

/* --- a block */

static int take_manager(struct parse *self, struct error *e)
{
	const struct block *block = &self->block;
	struct times_systemd *times = self->times;
	if (self->has_manager || block->seen[KEY_ID])
		return wrong(self, "is there twice, or among a unit's properties",
			key_names[KEY_START], e);
	if (!block->seen[KEY_FINISH])
		return wrong(self, "is missing", key_names[KEY_FINISH], e);
	times->start_us = block->us[KEY_START];
	times->finish_us = block->us[KEY_FINISH];
	if (times->start_us == 0 || (times->finish_us != 0 && times->finish_us < times->start_us))
		return wrong(self, "is no time that systemd started at", key_names[KEY_START], e);
	for (size_t i = 0; i < TIMES_PHASES; i++)
		times->phases[i] = (struct times_span){
			block->us[KEY_PHASES + 2 * i], block->us[KEY_PHASES + 2 * i + 1]};
	self->has_manager = true;
	return 0;
}

static int grow(struct parse *self, struct error *e)
{
	struct times_systemd *times = self->times;
	if (times->count < self->capacity)
		return 0;
	if (times->count == TIMES_UNITS)
		return error_set(e, ERROR_LIMIT, 0, "more than %d units", TIMES_UNITS);
	size_t capacity = self->capacity == 0 ? 64 : 2 * self->capacity;
	struct times_unit *units = realloc(times->units, capacity * sizeof *units);
	if (units == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	times->units = units;
	self->capacity = capacity;
	return 0;
}

/* A unit that ends when it has done its work never becomes active. */
static int take_unit(struct parse *self, struct error *e)
{
	const struct block *block = &self->block;
	uint64_t start = block->us[KEY_LEAVES], end = block->us[KEY_ACTIVE];
	if (end < start)
		end = block->us[KEY_ENDS];
	if (start == 0 || end < start)
		return 0; /* it never began, or is not there yet */
	if (grow(self, e) != 0)
		return -1;
	struct times_unit *unit = &self->times->units[self->times->count++];
	unit->span = (struct times_span){start, end};
	memcpy(unit->name, block->name, sizeof unit->name);
	return 0;
}

static int end_block(struct parse *self, struct error *e)
{
	int result = 0;
	if (self->block.seen[KEY_START])
		result = take_manager(self, e);
	else if (self->block.seen[KEY_ID])
		result = take_unit(self, e);
	self->block = (struct block){0};
	return result;
}

/* --- the whole */

static int by_length(const void *a, const void *b)
{
	const struct times_unit *one = a, *other = b;
	uint64_t one_us = one->span.end_us - one->span.start_us;
	uint64_t other_us = other->span.end_us - other->span.start_us;
	if (one_us != other_us)
		return one_us < other_us ? 1 : -1;
	int order = strcmp(one->name, other->name);
	if (order != 0)
		return order;
	return one->span.start_us < other->span.start_us ? -1 : 1;
}

static bool is_of_boot(const struct times_systemd *times, const struct times_span *span)
{
	return span->start_us >= times->start_us && span->end_us >= span->start_us &&
	       (times->finish_us == 0 || span->end_us <= times->finish_us);
}

static void keep_of_boot(struct times_systemd *times)
{
	size_t kept = 0;
	for (size_t i = 0; i < times->count; i++) {
		if (!is_of_boot(times, &times->units[i].span))
			continue;
		if (kept != i)
			times->units[kept] = times->units[i];
		kept++;
	}
	times->count = kept;
	for (size_t i = 0; i < TIMES_PHASES; i++)
		if (!is_of_boot(times, &times->phases[i]))
			times->phases[i] = (struct times_span){0};
	if (kept > 0)
		qsort(times->units, kept, sizeof times->units[0], by_length);
}

static int parse_lines(struct parse *self, const char *at, const char *end, struct error *e)
{
	while (at < end) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		const char *line = at, *line_end = feed != NULL ? feed : end;
		at = feed != NULL ? feed + 1 : end;
		self->line++;
		if (line == line_end ? end_block(self, e) != 0
				     : take_line(self, line, (size_t)(line_end - line), e) != 0)
			return -1;
	}
	return end_block(self, e);
}

int times_systemd_parse(
	const uint8_t *bytes, size_t size_bytes, struct times_systemd *out, struct error *e)
{
	struct times_systemd times = {0};
	struct parse self = {.times = &times};
	if (size_bytes > TIMES_MAX_BYTES)
		return error_set(e, ERROR_LIMIT, 0, "over %d bytes", TIMES_MAX_BYTES);
	if (size_bytes > 0 && memchr(bytes, '\0', size_bytes) != NULL)
		return error_set(e, ERROR_FORMAT, 0, "no text: it has a NUL");
	int result = parse_lines(&self, (const char *)bytes, (const char *)bytes + size_bytes, e);
	if (result == 0 && !self.has_manager)
		result = error_set(e, ERROR_FORMAT, 0,
			"nothing says `%s`: it must be the output of `systemctl show`",
			key_names[KEY_START]);
	if (result != 0) {
		times_systemd_free(&times);
		return -1;
	}
	keep_of_boot(&times);
	*out = times;
	return 0;
}

void times_systemd_free(struct times_systemd *times)
{
	free(times->units);
	*times = (struct times_systemd){0};
}
