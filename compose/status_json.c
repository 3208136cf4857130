/* plyboot status --json: one object, always with all of its keys. */
#include <stdlib.h>

#include "../layers/choose.h"
#include "json_line.h"
#include "status.h"

enum { STATUS_VERSION = 1 };

/* Takes `value`; a failure of any is a failure of the whole. */
static void put(json_t *object, const char *key, json_t *value, bool *failed)
{
	if (json_object_set_new(object, key, value != NULL ? value : json_null()) != 0 ||
		value == NULL)
		*failed = true;
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *text_or_null(const char *text)
{
	return text != NULL && text[0] != '\0' ? json_string(text) : json_null();
}

/* Names on a disk may be any bytes: escaped, as elsewhere. */
static json_t *harmless(const char *text)
{
	char *escaped = json_line_escaped(text);
	json_t *value = escaped != NULL ? json_string(escaped) : NULL;
	free(escaped);
	return value;
}

/* As the report has it; null where it has none. */
static json_t *copy_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	return value != NULL ? json_deep_copy(value) : json_null();
}

static json_t *room(const struct status_room *room, bool in_memory, bool *failed)
{
	if (!room->known)
		return json_null();
	json_t *object = json_object();
	put(object, "total_bytes", number(room->total_bytes), failed);
	put(object, "used_bytes", number(room->used_bytes), failed);
	put(object, "free_bytes", number(room->free_bytes), failed);
	put(object, "total_inodes", number(room->total_inodes), failed);
	put(object, "used_inodes", number(room->used_inodes), failed);
	put(object, "free_inodes", number(room->free_inodes), failed);
	if (in_memory)
		put(object, "kernel_estimate_bytes", number(status_kernel_bytes(room)), failed);
	return object;
}

static void put_trial(json_t *object, const struct record_stack *known, bool *failed)
{
	put(object, "confirmed", known != NULL ? json_boolean(known->confirmed) : json_null(),
		failed);
	put(object, "tries_left",
		known != NULL && !known->confirmed ? number(known->tries_left) : json_null(),
		failed);
}

static void put_running(json_t *object, const struct status *self, bool *failed)
{
	static const char *const keys[] = {"stack", "version", "text", "keys", "layers"};
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		put(object, keys[i], copy_of(self->booted.report, keys[i]), failed);
	put_trial(object, status_known(self), failed);
	put(object, "store", room(&self->store, true, failed), failed);
	const json_t *upper = json_object_get(self->booted.report, "upper");
	put(object, "upper_kind", copy_of(upper, "kind"), failed);
	put(object, "upper_why", copy_of(upper, "why"), failed);
	put(object, "upper_trial", copy_of(upper, "trial"), failed);
	put(object, "upper_room", room(&self->upper, false, failed), failed);
}

static void append_step(
	json_t *list, const char *what, const json_t *file, const json_t *from, bool *failed)
{
	json_t *step = json_object();
	put(step, "what", json_string(what), failed);
	put(step, "file", file != NULL ? json_deep_copy(file) : json_null(), failed);
	put(step, "code", copy_of(from, "code"), failed);
	put(step, "reason", copy_of(from, "reason"), failed);
	if (json_array_append_new(list, step) != 0)
		*failed = true;
}

/* Why it is not the newest stack that runs, and not as that one asks for. */
static json_t *fallbacks(const struct status *self, bool *failed)
{
	static const char *const lists[] = {"failed", "refused", "passed_over"};
	json_t *out = json_array();
	const json_t *report = self->booted.report, *entry;
	size_t i;
	for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++) {
		const json_t *list = json_object_get(report, lists[k]);
		json_array_foreach(list, i, entry)
		{
			append_step(out, lists[k], json_object_get(entry, "file"), entry, failed);
		}
	}
	const json_t *why = json_object_get(json_object_get(report, "upper"), "why");
	if (json_is_string(why)) {
		json_t *from = json_object();
		put(from, "reason", json_deep_copy(why), failed);
		append_step(out, "upper", NULL, from, failed);
		json_decref(from);
	}
	return out;
}

static void put_floor(json_t *object, const struct status *self, bool *failed)
{
	struct error ignored;
	uint64_t floor;
	const char *whose;
	const char *name = self->booted.runs ? self->booted.name : NULL;
	bool known = name != NULL &&
		     floors_highest(&self->policy.floors, name, &floor, &whose, &ignored) == 0;
	put(object, "floor", known ? number(floor) : json_null(), failed);
	put(object, "floor_of", known ? text_or_null(whose) : json_null(), failed);
	put(object, "record", harmless(self->record.state), failed);
	put(object, "boots_since_confirm",
		self->has_record && name != NULL
			? number(record_boots_since_confirm(&self->record.record, name))
			: json_null(),
		failed);
}

/* Why the stacks could not be looked at. */
static json_t *layers_error(const struct error *why, bool *failed)
{
	if (why->code == ERROR_NONE)
		return json_null();
	json_t *object = json_object();
	put(object, "code", json_string(error_code_name(why->code)), failed);
	put(object, "reason", harmless(why->text), failed);
	return object;
}

static json_t *next_boot(struct status *self, bool *failed)
{
	if (self->layers_error.code != ERROR_NONE)
		return json_null();
	struct candidates *found = &self->stacks.found;
	json_t *list = json_array();
	int next;
	while ((next = choose_next(found, &self->record.record, self->record.writable)) !=
		CHOOSE_NONE) {
		struct candidate *candidate = &found->list[next];
		json_t *object = json_object();
		candidate->tried = true;
		put(object, "stack", json_string(candidate->stack.name), failed);
		put(object, "version", number(candidate->stack.version), failed);
		put_trial(object, record_find(&self->record.record, &candidate->text), failed);
		if (json_array_append_new(list, object) != 0)
			*failed = true;
	}
	return list;
}

static json_t *next_refused(const struct status *self, bool *failed)
{
	if (self->layers_error.code != ERROR_NONE)
		return json_null();
	json_t *list = json_array();
	for (size_t i = 0; i < self->stacks.refused_count; i++) {
		const struct device_refused *refused = &self->stacks.refused[i];
		json_t *object = json_object();
		put(object, "file", harmless(refused->file_name), failed);
		put(object, "code", json_string(error_code_name(refused->why.code)), failed);
		put(object, "reason", harmless(refused->why.text), failed);
		if (json_array_append_new(list, object) != 0)
			*failed = true;
	}
	return list;
}

json_t *status_json(struct status *self, struct error *e)
{
	bool failed = false;
	json_t *object = json_object();
	put(object, "plyboot_status", json_integer(STATUS_VERSION), &failed);
	put_running(object, self, &failed);
	put(object, "persist", copy_of(self->booted.report, "persist"), &failed);
	put(object, "watchdog", copy_of(self->booted.report, "watchdog"), &failed);
	put(object, "fallbacks", fallbacks(self, &failed), &failed);
	put_floor(object, self, &failed);
	put(object, "layers_error", layers_error(&self->layers_error, &failed), &failed);
	put(object, "next_boot", next_boot(self, &failed), &failed);
	put(object, "next_refused", next_refused(self, &failed), &failed);
	if (!failed)
		return object;
	json_decref(object);
	(void)error_set(e, ERROR_NOSPACE, 0, "no memory for the status");
	return NULL;
}
