#include "candidates.h"

#include "report.h"

int candidates_find(struct source *source, const struct candidate_policy *policy,
	struct report *report, struct candidates *out, struct error *e)
{
	static struct candidate_names names;
	struct error first = {0};
	out->count = 0;
	if (candidate_list(source, policy, &names, e) != 0)
		return -1;
	if (names.left_out > 0)
		report_warn(report,
			"stack files that were not looked at: %zu; at most %u are, and no name of "
			"over %d bytes",
			names.left_out, LIMIT_STACK_FILES, STACK_FILE_NAME_SIZE - 1);
	for (size_t i = 0; i < names.count; i++) {
		struct error why = {0};
		if (candidate_read(source, policy, names.list[i], &out->list[out->count], &why) ==
			0) {
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
	return candidates_check_names(out, e);
}
