#include "candidate.h"

#include <stdio.h>
#include <string.h>

#include "scope.h"

struct listing {
	struct candidate_names *names;
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
	struct listing *listing = context;
	struct candidate_names *names = listing->names;
	(void)e;
	if (listing->wanted != NULL && !is_of_stack(file_name, listing->wanted))
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

int candidate_list(struct source *source, const struct candidate_policy *policy,
	struct candidate_names *out, struct error *e)
{
	struct listing listing = {.names = out, .wanted = policy->name};
	out->count = out->left_out = 0;
	return source->ops->list_stacks(source, note_name, &listing, e);
}

int candidate_check(const struct candidate_policy *policy, const struct stack *stack,
	const char *file_name, struct error *e)
{
	uint64_t floor;
	const char *whose;
	if (stack_check_file_name(stack, file_name, e) != 0 ||
		floors_highest(&policy->floors, stack->name, &floor, &whose, e) != 0)
		return -1;
	if (stack->version < floor)
		return error_set(e, ERROR_ROLLBACK, 0, "version %llu is below the floor %llu of %s",
			(unsigned long long)stack->version, (unsigned long long)floor, whose);
	return stack_check_target(stack, policy->machine, policy->kernel_release, e);
}

int candidate_judge(const struct candidate_policy *policy, const char *file_name,
	const uint8_t *bytes, size_t size_bytes, struct candidate *out, struct error *e)
{
	struct candidate candidate = {.tried = false};
	struct verified *text = NULL;
	(void)snprintf(candidate.file_name, sizeof candidate.file_name, "%s", file_name);
	if (signed_verify(bytes, size_bytes, &policy->signatures, &text, &candidate.who, e) != 0)
		return -1;
	digest_of(verified_data(text), verified_size(text), &candidate.text);
	int result = stack_decode(text, &candidate.stack, e);
	verified_free(text);
	if (result != 0)
		return -1;
	if (candidate_check(policy, &candidate.stack, file_name, e) != 0) {
		stack_free(&candidate.stack);
		return -1;
	}
	*out = candidate;
	return 0;
}

int candidate_read(struct source *source, const struct candidate_policy *policy,
	const char *file_name, struct candidate *out, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	if (source->ops->read_stack(source, file_name, &bytes, &size_bytes, e) != 0)
		return -1;
	return candidate_judge(policy, file_name, bytes, size_bytes, out, e);
}

int candidates_check_names(const struct candidates *found, struct error *e)
{
	for (size_t i = 1; i < found->count; i++) {
		if (strcmp(found->list[i].stack.name, found->list[0].stack.name) != 0)
			return error_set(e, ERROR_CONFIG, 0,
				"there are stacks named %s and %s: choose with plyboot.stack= or "
				"`stack` in init.conf",
				found->list[0].stack.name, found->list[i].stack.name);
	}
	return 0;
}

void candidates_free(struct candidates *found)
{
	for (size_t i = 0; i < found->count; i++)
		stack_free(&found->list[i].stack);
	found->count = 0;
}
