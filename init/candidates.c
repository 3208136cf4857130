#include "candidates.h"

#include <stdio.h>
#include <string.h>

#include "console.h"
#include "record.h"
#include "report.h"
#include "scope.h"

struct names {
	size_t count, left_out;
	char list[LIMIT_STACK_FILES][STACK_FILE_NAME_SIZE];
	const char *wanted;
};

/* "<name>-<digits>.stack"? Others are not read at all when a name was chosen. */
static bool is_of_stack(const char *file_name, const char *name)
{
	size_t length = strlen(name);
	if (strncmp(file_name, name, length) != 0 || file_name[length] != '-')
		return false;
	const char *version = file_name + length + 1;
	size_t digits = strspn(version, "0123456789");
	return digits > 0 && strcmp(version + digits, ".stack") == 0;
}

static int note_name(void *context, const char *file_name, struct error *e)
{
	struct names *names = context;
	(void)e;
	if (names->wanted != NULL && !is_of_stack(file_name, names->wanted))
		return 0;
	if (strlen(file_name) >= STACK_FILE_NAME_SIZE || names->count == LIMIT_STACK_FILES) {
		names->left_out++;
		return 0;
	}
	size_t at = names->count++;
	while (at > 0 && strcmp(names->list[at - 1], file_name) > 0) {
		memcpy(names->list[at], names->list[at - 1], STACK_FILE_NAME_SIZE);
		at--;
	}
	(void)snprintf(names->list[at], STACK_FILE_NAME_SIZE, "%s", file_name);
	return 0;
}

int candidates_check(const struct candidates_policy *policy, const struct stack *stack,
	const char *file_name, struct error *e)
{
	uint64_t floor = record_floor(policy->record, stack->name);
	if (floor < policy->floor)
		floor = policy->floor;
	if (stack_check_file_name(stack, file_name, e) != 0)
		return -1;
	if (stack->version < floor)
		return error_set(e, ERROR_ROLLBACK, 0, "version %llu is below the floor %llu",
			(unsigned long long)stack->version, (unsigned long long)floor);
	if (stack_check_served(stack, e) != 0)
		return -1;
	return stack_check_target(stack, policy->machine, policy->kernel_release, e);
}

static int read_candidate(struct source *source, const struct candidates_policy *policy,
	struct candidate *out, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	struct verified *text = NULL;
	if (source->ops->read_stack(source, out->file_name, &bytes, &size_bytes, e) != 0 ||
		signed_verify(bytes, size_bytes, &policy->signatures, &text, &out->who, e) != 0)
		return -1;
	digest_of(verified_data(text), verified_size(text), &out->text);
	int result = stack_decode(text, &out->stack, e);
	verified_free(text);
	if (result != 0)
		return -1;
	result = candidates_check(policy, &out->stack, out->file_name, e);
	if (result != 0)
		stack_free(&out->stack);
	return result;
}

static int check_one_name(const struct candidates *found, struct error *e)
{
	for (size_t i = 1; i < found->count; i++) {
		if (strcmp(found->list[i].stack.name, found->list[0].stack.name) != 0)
			return error_set(e, ERROR_CONFIG, 0,
				"there are stacks named %s and %s: choose with plyboot.stack= or "
				"'stack' in init.conf",
				found->list[0].stack.name, found->list[i].stack.name);
	}
	return 0;
}

int candidates_find(struct source *source, const struct candidates_policy *policy,
	struct report *report, struct candidates *out, struct error *e)
{
	static struct names names;
	struct error first = {0};
	names = (struct names){.wanted = policy->name};
	out->count = 0;
	if (source->ops->list_stacks(source, note_name, &names, e) != 0)
		return -1;
	if (names.left_out > 0)
		report_warn(report,
			"stack files that were not looked at: %zu; at most %u are, and no name of "
			"over %d bytes",
			names.left_out, LIMIT_STACK_FILES, STACK_FILE_NAME_SIZE - 1);
	for (size_t i = 0; i < names.count; i++) {
		struct candidate *candidate = &out->list[out->count];
		struct error why = {0};
		*candidate = (struct candidate){.tried = false};
		memcpy(candidate->file_name, names.list[i], sizeof candidate->file_name);
		if (read_candidate(source, policy, candidate, &why) == 0) {
			out->count++;
			continue;
		}
		report_refused(report, names.list[i], &why);
		if (first.code == ERROR_NONE) {
			first = why;
			(void)error_wrap(&first, "%s", names.list[i]);
		}
	}
	if (names.count == 0)
		return error_set(e, ERROR_MISSING, 0,
			"no stack file%s%s in stacks/ of the layers partition",
			policy->name != NULL ? " of " : "",
			policy->name != NULL ? policy->name : "");
	if (out->count == 0) {
		*e = first;
		return error_wrap(e, "no stack file is accepted; the first refusal");
	}
	return check_one_name(out, e);
}
