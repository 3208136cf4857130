/*
 * The floor: what is below it is refused, what is not stays bootable. Five versions come to a
 * device in every order, and each is confirmed or never gets that far; after each boot the device's
 * own code is held against a model that knows nothing of records and files.
 */
#include "choose.h"
#include "init/report.h"
#include "errors.h"
#include "stack_files.h"

enum { VERSIONS = 5, ORDERS = 120, MASKS = 1 << VERSIONS, BOOTS = RECORD_TRIES * VERSIONS };

/* The floors that versions 1 to 5 declare, and the initramfs's. */
struct plan {
	const char *name;
	uint64_t floors[VERSIONS + 1];
	uint64_t initramfs;
};

static const struct plan plans[] = {
	{"each spares the two before it", {0, 0, 0, 1, 2, 3}, 0},
	{"each forbids all before it", {0, 1, 2, 3, 4, 5}, 0},
	{"none forbids anything", {0, 0, 0, 0, 0, 0}, 0},
	{"one in the middle, with an initramfs that forbids 1", {0, 0, 0, 3, 1, 4}, 2},
	{"an initramfs that forbids all but 5", {0, 1, 1, 2, 2, 3}, 5},
};

/* --- the model */

struct model {
	bool there[VERSIONS + 1], confirmed[VERSIONS + 1];
	unsigned tries[VERSIONS + 1];
	unsigned boots, last[VERSIONS + 1]; /* which of the boots tried it last */
	uint64_t floor;                     /* of what was confirmed */
};

static bool model_allows(const struct model *model, const struct plan *plan, unsigned version)
{
	return version >= model->floor && version >= plan->initramfs;
}

/* The newest that may boot and is not worn out; else, of the worn out ones, the one that was tried
 * longest ago; else 0. */
static unsigned model_choice(const struct model *model, const struct plan *plan)
{
	unsigned worn_out = 0;
	for (unsigned version = VERSIONS; version >= 1; version--) {
		if (!model->there[version] || !model_allows(model, plan, version))
			continue;
		if (model->confirmed[version] || model->tries[version] > 0)
			return version;
		if (worn_out == 0 || model->last[version] < model->last[worn_out])
			worn_out = version;
	}
	return worn_out;
}

static void model_boot(struct model *model, const struct plan *plan, unsigned version, bool confirm)
{
	model->last[version] = ++model->boots;
	if (!model->confirmed[version] && model->tries[version] > 0)
		model->tries[version]--;
	if (!confirm)
		return;
	model->confirmed[version] = true;
	if (plan->floors[version] > model->floor)
		model->floor = plan->floors[version];
}

/* --- the device */

struct device {
	const struct plan *plan;
	struct model model;
	uint8_t copies[2][RECORD_COPY_BYTES];
	struct record record;
	struct candidates found;
	struct stack_files *files; /* NULL: stacks without files and signatures */
	struct digest texts[VERSIONS + 1];
};

static struct {
	unsigned long long histories, boots, accepted, refused, replays, wrong;
} tally;

static void expect(bool good, const struct device *device, const char *what, unsigned version)
{
	tally.wrong += !good;
	if (!good && tally.wrong <= 10)
		printf("# %s: %s: version %u, floor %llu\n", device->plan->name, what, version,
			(unsigned long long)device->model.floor);
}

static struct candidate_policy policy_of(const struct device *device)
{
	static const struct stack_files nobody;
	struct candidate_policy policy = stack_files_policy(
		device->files != NULL ? device->files : &nobody, &device->record);
	floors_add_fixed(&policy.floors, &device->plan->initramfs);
	return policy;
}

/* As a signed file of that name would come out of candidates_find(). */
static void find_without_files(struct device *device)
{
	const struct candidate_policy policy = policy_of(device);
	device->found.count = 0;
	for (unsigned version = 1; version <= VERSIONS; version++) {
		struct candidate *candidate = &device->found.list[device->found.count];
		struct error e = {.code = ERROR_NONE};
		if (!device->model.there[version])
			continue;
		*candidate = (struct candidate){.text = device->texts[version]};
		candidate->stack = stack_example("demo", version, device->plan->floors[version]);
		stack_file_name(&candidate->stack, candidate->file_name);
		bool taken =
			candidate_check(&policy, &candidate->stack, candidate->file_name, &e) == 0;
		expect(taken || e.code == ERROR_ROLLBACK, device, "refused otherwise", version);
		device->found.count += taken;
	}
}

static bool was_refused(const struct report *report, unsigned version)
{
	char name[] = "demo-0.stack";
	name[5] = (char)('0' + version);
	for (size_t i = 0; i < report->refused_count; i++) {
		if (strcmp(report->refused[i].what, name) == 0)
			return report->refused[i].code == ERROR_ROLLBACK;
	}
	return false;
}

static void find_in_files(struct device *device)
{
	static struct report report;
	const struct candidate_policy policy = policy_of(device);
	struct error e = {.code = ERROR_NONE};
	report = (struct report){.start_us = 0};
	candidates_free(&device->found);
	for (unsigned version = 1; version <= VERSIONS; version++)
		device->files->list[version - 1].present = device->model.there[version];
	int result = candidates_find(&device->files->source, &policy, &report, &device->found, &e);
	if (result != 0)
		expect(e.code == ERROR_ROLLBACK && device->found.count == 0, device,
			"nothing is found for another reason", 0);
	for (unsigned version = 1; version <= VERSIONS; version++)
		expect(was_refused(&report, version) ==
				(device->model.there[version] &&
					!model_allows(&device->model, device->plan, version)),
			device, "the report has it, or not", version);
}

static bool is_found(const struct candidates *found, unsigned version)
{
	for (size_t i = 0; i < found->count; i++) {
		if (found->list[i].stack.version == version)
			return true;
	}
	return false;
}

/* What is found, and what is chosen of it: an index, as choose_next() gives it. */
static int look(struct device *device)
{
	if (device->files != NULL)
		find_in_files(device);
	else
		find_without_files(device);
	unsigned confirmed = 0;
	for (unsigned version = 1; version <= VERSIONS; version++) {
		bool there = device->model.there[version];
		bool allowed = model_allows(&device->model, device->plan, version);
		expect(is_found(&device->found, version) == (there && allowed), device,
			"a candidate, or not", version);
		tally.accepted += there && allowed;
		tally.refused += there && !allowed;
		if (device->model.confirmed[version])
			confirmed = version;
	}
	if (confirmed >= device->plan->initramfs && device->model.there[confirmed])
		expect(is_found(&device->found, confirmed), device, "the last good one", confirmed);
	int next = choose_next(&device->found, &device->record, true);
	unsigned chosen =
		next == CHOOSE_NONE ? 0 : (unsigned)device->found.list[next].stack.version;
	expect(chosen == model_choice(&device->model, device->plan), device, "chosen", chosen);
	return next;
}

static void write_record(struct device *device, unsigned place)
{
	record_encode(&device->record, device->copies[place]);
}

/* All that a boot knows of those before it. */
static void read_record(struct device *device)
{
	const struct record written = device->record;
	int winner = record_choose(device->copies[0], device->copies[1], &device->record, NULL);
	expect(winner >= 0 ? memcmp(&written, &device->record, sizeof written) == 0
			   : written.sequence == 0,
		device, "the record is what was written", 0);
	expect(record_floor(&device->record, "demo") == device->model.floor, device,
		"the record's floor", 0);
}

/* One boot, which either ends in a confirm or hangs. False when the next one can't differ from it.
 */
static bool boot(struct device *device, unsigned mask)
{
	read_record(device);
	uint64_t floor = record_floor(&device->record, "demo");
	int next = look(device);
	tally.boots++;
	if (next == CHOOSE_NONE)
		return false;
	const struct candidate *candidate = &device->found.list[next];
	const struct stack *stack = &candidate->stack;
	unsigned version = (unsigned)stack->version, place = record_next_copy(&device->record);
	bool confirm = (mask >> (version - 1) & 1) != 0;
	const struct record_subject subject = {&candidate->text, stack->name, stack->version};
	record_count_try(&device->record, &subject, RECORD_TRIES);
	write_record(device, place);
	if (confirm) {
		place = record_next_copy(&device->record);
		record_confirm(&device->record, &subject, stack->floor);
		write_record(device, place);
	}
	bool on_trial = !device->model.confirmed[version] && device->model.tries[version] > 0;
	model_boot(&device->model, device->plan, version, confirm);
	expect(record_floor(&device->record, "demo") >= floor, device, "the floor", version);
	return on_trial;
}

/* Somebody takes the newer stacks away, so that an old one comes first: all up to one, and that one
 * alone. */
static void replay(struct device *device)
{
	struct model before = device->model;
	for (unsigned newest = 1; newest <= VERSIONS; newest++) {
		for (unsigned oldest = 1; oldest <= newest; oldest += newest > 1 ? newest - 1 : 1) {
			for (unsigned version = 1; version <= VERSIONS; version++)
				device->model.there[version] =
					version >= oldest && version <= newest;
			(void)look(device);
			tally.replays++;
		}
	}
	device->model = before;
}

/* The `number`-th order of 1 to 5: the first has five places, the next four ... */
static void order_of(unsigned number, unsigned out[VERSIONS])
{
	unsigned left[VERSIONS] = {1, 2, 3, 4, 5};
	for (unsigned i = 0; i < VERSIONS; i++) {
		unsigned at = number % (VERSIONS - i);
		number /= VERSIONS - i;
		out[i] = left[at];
		memmove(left + at, left + at + 1, (VERSIONS - 1 - at) * sizeof *left);
	}
}

static void history(struct device *device, unsigned number, unsigned mask, unsigned boots)
{
	unsigned order[VERSIONS];
	order_of(number, order);
	memset(&device->model, 0, sizeof device->model);
	memset(&device->record, 0, sizeof device->record);
	memset(device->copies, 0, sizeof device->copies);
	for (unsigned version = 1; version <= VERSIONS; version++)
		device->model.tries[version] = RECORD_TRIES;
	for (unsigned i = 0; i < VERSIONS; i++) {
		device->model.there[order[i]] = true;
		for (unsigned j = 0; j < boots && boot(device, mask); j++)
			continue;
	}
	read_record(device);
	tally.histories++;
}

static void every_order_and_every_outcome(void)
{
	static struct device device;
	for (unsigned version = 1; version <= VERSIONS; version++)
		digest_of(&version, sizeof version, &device.texts[version]);
	for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
		memset(&tally, 0, sizeof tally);
		device.plan = &plans[i];
		for (unsigned number = 0; number < ORDERS; number++) {
			for (unsigned mask = 0; mask < MASKS; mask++) {
				history(&device, number, mask, BOOTS);
				replay(&device);
			}
		}
		is_int((long long)tally.wrong, 0,
			"%s: %llu histories, %llu boots, %llu replays; %llu candidates, %llu "
			"refused: 0 wrong",
			plans[i].name, tally.histories, tally.boots, tally.replays, tally.accepted,
			tally.refused);
	}
}

/* The same through signed files, as /init goes: for each order, all are confirmed or none is. */
static void every_order_with_signed_files(void)
{
	static struct stack_files files;
	static struct device device;
	memset(&tally, 0, sizeof tally);
	for (size_t i = 0; i < 2; i++) {
		stack_files_open(&files);
		device.plan = &plans[i];
		device.files = &files;
		for (unsigned version = 1; version <= VERSIONS; version++) {
			struct stack stack =
				stack_example("demo", version, plans[i].floors[version]);
			(void)stack_files_add(&files, &stack, NULL);
		}
		for (unsigned number = 0; number < ORDERS; number++)
			history(&device, number, i == 0 ? 0 : MASKS - 1, 1);
		candidates_free(&device.found);
		stack_files_free(&files);
	}
	is_int((long long)tally.wrong, 0,
		"signed files: %llu histories, %llu boots; %llu candidates, %llu refused: 0 wrong",
		tally.histories, tally.boots, tally.accepted, tally.refused);
	ok(tally.refused > 0, "some are refused there, too");
}

/* The next one of this boot's ladder, which then fails; 0 when there is none. */
static unsigned next_rung(struct device *device)
{
	int next = choose_next(&device->found, &device->record, true);
	if (next == CHOOSE_NONE)
		return 0;
	device->found.list[next].tried = true;
	return (unsigned)device->found.list[next].stack.version;
}

/* The same in words. */
static void a_trial_ends(void)
{
	static struct device device;
	const unsigned only_4_is_confirmed = 1 << 3;
	device.plan = &plans[0];
	for (unsigned version = 1; version <= VERSIONS; version++)
		digest_of(&version, sizeof version, &device.texts[version]);
	history(&device, 0, 0, 0);
	memset(device.model.there, 0, sizeof device.model.there);
	memset(&tally, 0, sizeof tally);
	device.model.there[2] = device.model.there[4] = true;
	(void)boot(&device, only_4_is_confirmed);
	is_int((long long)record_floor(&device.record, "demo"), 2, "4 is confirmed: floor 2");
	device.model.there[5] = device.model.there[1] = true;
	for (unsigned i = 0; i < RECORD_TRIES; i++) {
		(void)look(&device);
		is_int(next_rung(&device), 5, "5 is tried");
		(void)boot(&device, only_4_is_confirmed);
	}
	(void)look(&device);
	is_int(next_rung(&device), 4, "then 4 comes first again");
	is_int(next_rung(&device), 2, "then 2, at the floor");
	is_int(next_rung(&device), 5, "then 5, worn out");
	is_int(next_rung(&device), 0, "and never 1");
	is_int((long long)tally.wrong, 0, "as the model has it");
}

static void floors_meet(void)
{
	struct record record = {.sequence = 0};
	struct digest text = {{1}};
	struct stack stack = stack_example("demo", 3, 0), other = stack_example("other", 3, 0);
	struct error e;
	const struct record_subject subject = {&text, "demo", 9};
	uint64_t fixed = 0;
	record_confirm(&record, &subject, 3);
	static const struct stack_files nobody;
	struct candidate_policy policy = stack_files_policy(&nobody, &record);
	is_int(candidate_check(&policy, &stack, "demo-3.stack", &e), 0, "at the record's floor");
	floors_add_fixed(&policy.floors, &fixed);
	fixed = 4;
	error_is(candidate_check(&policy, &stack, "demo-3.stack", &e), &e, ERROR_ROLLBACK,
		"the initramfs's is higher");
	ok(strstr(e.text, "version 3 is below the floor 4 of init.conf") != NULL, "and named");
	fixed = 0;
	stack.version = 2;
	error_is(candidate_check(&policy, &stack, "demo-2.stack", &e), &e, ERROR_ROLLBACK,
		"the record's is higher");
	ok(strstr(e.text, "version 2 is below the floor 3 of the record") != NULL, "and named");
	other.version = 1;
	is_int(candidate_check(&policy, &other, "other-1.stack", &e), 0,
		"another name has its own");
	record_confirm(&record, &subject, 1);
	is_int((long long)record_floor(&record, "demo"), 3, "no confirm lowers it");
	record = (struct record){.sequence = 0};
	is_int(candidate_check(&policy, &stack, "demo-2.stack", &e), 0,
		"with the record gone, the initramfs's remains: 0");
	fixed = 3;
	error_is(candidate_check(&policy, &stack, "demo-2.stack", &e), &e, ERROR_ROLLBACK, "or 3");
}

static int answers_nothing(const void *context, const char *stack, uint64_t *floor, struct error *e)
{
	(void)context, (void)stack, (void)floor;
	return error_set(e, ERROR_DEVICE, 0, "it does not answer");
}

static void a_floor_that_is_not_known_refuses(void)
{
	static const struct stack_files nobody;
	const struct record record = {.sequence = 0};
	struct stack stack = stack_example("demo", 3, 0);
	struct candidate_policy policy = stack_files_policy(&nobody, &record);
	struct error e;
	floors_add(&policy.floors,
		&(struct floor_source){.name = "a counter", .read = answers_nothing});
	error_is(candidate_check(&policy, &stack, "demo-3.stack", &e), &e, ERROR_DEVICE,
		"a source of the floor that does not answer");
	ok(strstr(e.text, "the floor of a counter") != NULL, "... is named");
}

int main(void)
{
	a_floor_that_is_not_known_refuses();
	floors_meet();
	a_trial_ends();
	every_order_and_every_outcome();
	every_order_with_signed_files();
	return done();
}
