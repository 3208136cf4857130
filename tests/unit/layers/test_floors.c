/* layers/floor.c: several sources of a floor, of which the highest counts and none can be left out.
 */
#include "floor.h"
#include "record.h"
#include "errors.h"

/* A counter as a TPM has them: it only goes up, and may not answer. */
struct counter {
	uint64_t value;
	bool broken;
};

static int read_counter(const void *context, const char *stack, uint64_t *floor, struct error *e)
{
	const struct counter *counter = context;
	if (counter->broken)
		return error_set(e, ERROR_DEVICE, 0, "it does not answer");
	*floor = strcmp(stack, "demo") == 0 ? counter->value : 0;
	return 0;
}

static int raise_counter(void *context, const char *stack, uint64_t floor, struct error *e)
{
	struct counter *counter = context;
	if (counter->broken || strcmp(stack, "demo") != 0)
		return error_set(e, ERROR_DEVICE, 0, "it does not answer");
	if (floor > counter->value)
		counter->value = floor;
	return 0;
}

static struct counter counter;
static struct record record;
static uint64_t fixed;

static struct floors all(void)
{
	struct floors floors = {.count = 0};
	floors_add_fixed(&floors, &fixed);
	floors_add_record(&floors, &record);
	floors_add(&floors, &(struct floor_source){.name = "the counter",
				    .read = read_counter,
				    .raise = raise_counter,
				    .context = &counter});
	return floors;
}

static void highest_is(uint64_t floor, const char *whose, const char *name)
{
	const struct floors floors = all();
	struct error e;
	uint64_t value = UINT64_MAX;
	const char *who = NULL;
	is_int(floors_highest(&floors, "demo", &value, &who, &e), 0, "%s", name);
	ok(value == floor && strcmp(who, whose) == 0, "... %llu of %s", (unsigned long long)floor,
		whose);
}

int main(void)
{
	const struct digest text = {{1}};
	const struct record_subject subject = {&text, "demo", 9};
	struct floors floors = {.count = 0};
	struct error e;
	uint64_t value = 77;
	const char *whose = "untouched";

	is_int(floors_highest(&floors, "demo", &value, &whose, &e), 0, "no source at all");
	ok(value == 0 && whose[0] == '\0', "... no floor, of nobody");
	highest_is(0, "", "none says anything");
	fixed = 3;
	highest_is(3, "init.conf", "init.conf alone");
	record_confirm(&record, &subject, 5);
	highest_is(5, "the record", "the record is higher");
	counter.value = 4;
	highest_is(5, "the record", "a counter below it");
	counter.value = 6;
	highest_is(6, "the counter", "and above it");
	fixed = 6;
	highest_is(6, "init.conf", "the same from two: the first is named");

	floors = all();
	value = 77;
	counter.broken = true;
	error_is(floors_highest(&floors, "demo", &value, &whose, &e), &e, ERROR_DEVICE,
		"one that does not answer is not passed over");
	ok(value == 77 && strstr(e.text, "the floor of the counter: it does not") != NULL,
		"... and named");
	error_is(floors_raise(&floors, "demo", 9, &e), &e, ERROR_DEVICE, "nor when it is raised");
	ok(strstr(e.text, "raise the floor of the counter") != NULL, "... and named");
	counter.broken = false;
	is_int(floors_raise(&floors, "demo", 9, &e), 0, "raised");
	is_int((long long)counter.value, 9, "... where that can be done from here");
	is_int((long long)record_floor(&record, "demo"), 5, "... and nowhere else");
	is_int(floors_raise(&floors, "demo", 2, &e), 0, "a lower one");
	is_int((long long)counter.value, 9, "... lowers nothing");
	return done();
}
