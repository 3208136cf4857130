#include "floor.h"

#include "record.h"

void floors_add(struct floors *floors, const struct floor_source *source)
{
	floors->list[floors->count++] = *source;
}

static int read_fixed(const void *context, const char *stack, uint64_t *floor, struct error *e)
{
	(void)stack;
	(void)e;
	*floor = *(const uint64_t *)context;
	return 0;
}

void floors_add_fixed(struct floors *floors, const uint64_t *floor)
{
	floors_add(
		floors, &(struct floor_source){
				.name = "init.conf", .read = read_fixed, .context = (void *)floor});
}

static int read_record(const void *context, const char *stack, uint64_t *floor, struct error *e)
{
	(void)e;
	*floor = record_floor(context, stack);
	return 0;
}

void floors_add_record(struct floors *floors, const struct record *record)
{
	floors_add(floors,
		&(struct floor_source){
			.name = "the record", .read = read_record, .context = (void *)record});
}

int floors_highest(const struct floors *floors, const char *stack, uint64_t *floor,
	const char **whose, struct error *e)
{
	uint64_t highest = 0;
	const char *name = "";
	for (size_t i = 0; i < floors->count; i++) {
		const struct floor_source *source = &floors->list[i];
		uint64_t value = 0;
		if (source->read(source->context, stack, &value, e) != 0)
			return error_wrap(e, "the floor of %s", source->name);
		if (value > highest) {
			highest = value;
			name = source->name;
		}
	}
	*floor = highest;
	*whose = name;
	return 0;
}

int floors_raise(const struct floors *floors, const char *stack, uint64_t floor, struct error *e)
{
	for (size_t i = 0; i < floors->count; i++) {
		const struct floor_source *source = &floors->list[i];
		if (source->raise != NULL && source->raise(source->context, stack, floor, e) != 0)
			return error_wrap(e, "raise the floor of %s", source->name);
	}
	return 0;
}
