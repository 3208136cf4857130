#include "recipient.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../layers/choose.h"
#include "../layers/scope.h"
#include "keys.h"
#include "report.h"

/* --- what it accepts */

static int judge_by_keys(const struct installing_judge *judge, const char *file_name,
	const uint8_t *bytes, size_t size_bytes, struct stack *out, struct error *e)
{
	struct verified *text;
	struct signed_by who;
	struct stack stack;
	if (signed_verify(bytes, size_bytes, judge->signatures, &text, &who, e) != 0)
		return -1;
	int result = stack_decode(text, &stack, e);
	verified_free(text);
	if (result != 0)
		return -1;
	if (stack_check_file_name(&stack, file_name, e) != 0) {
		stack_free(&stack);
		return -1;
	}
	*out = stack;
	return 0;
}

/* Of stacks of two names /init would take none, or never this one. */
static int check_name(const struct recipient *self, const struct stack *stack, struct error *e)
{
	if (self->policy.name == NULL || strcmp(stack->name, self->policy.name) == 0)
		return 0;
	return error_set(e, ERROR_TARGET, 0, "this machine boots stacks named %s, and not %s",
		self->policy.name, stack->name);
}

static int judge_as_init(const struct installing_judge *judge, const char *file_name,
	const uint8_t *bytes, size_t size_bytes, struct stack *out, struct error *e)
{
	const struct recipient *self = judge->context;
	struct candidate candidate;
	if (candidate_judge(&self->policy, file_name, bytes, size_bytes, &candidate, e) != 0)
		return -1;
	if (check_name(self, &candidate.stack, e) != 0) {
		stack_free(&candidate.stack);
		return -1;
	}
	*out = candidate.stack;
	return 0;
}

/* --- what is known of it */

static int read_keys(const struct recipient_asked *asked, struct recipient *self, struct error *e)
{
	if (public_keys_read(asked->pub, self->keys, e) != 0)
		return -1;
	self->signatures = (struct signature_policy){
		.keys = self->keys, .key_count = asked->pub->count, .needed = asked->signatures};
	return 0;
}

static int read_report(const struct recipient_asked *asked, struct recipient *self, struct error *e)
{
	if (booted_read(asked->run, &self->booted, e) == 0)
		return 0;
	if (e->code != ERROR_MISSING || asked->run != NULL)
		return -1;
	if (asked->is_this_machine) {
		report_hint("for another machine: --to DIR --pub KEY.pub");
		return -1;
	}
	report_hint("--pub KEY.pub: a key of the machine that it is for");
	return error_set(e, ERROR_USAGE, 0, "no trusted key is known");
}

/* Keys that are given take the place of the machine's, but for those that it has revoked. */
static void know(const struct recipient_asked *asked, struct recipient *self)
{
	struct signature_policy given = self->signatures;
	(void)device_read_record(&self->booted, &self->record);
	self->is_known = true;
	self->policy = booted_policy(&self->booted, &self->record.record);
	if (asked->pub->count > 0) {
		given.revoked = self->policy.signatures.revoked;
		given.revoked_count = self->policy.signatures.revoked_count;
		self->policy.signatures = given;
	}
	self->judge = (struct installing_judge){.judge = judge_as_init,
		.signatures = &self->policy.signatures,
		.is_whole = asked->pub->count == 0,
		.context = self};
}

int recipient_open(const struct recipient_asked *asked, struct recipient *out, struct error *e)
{
	*out = (struct recipient){.is_known = false};
	if (read_keys(asked, out, e) != 0)
		return -1;
	if (asked->pub->count > 0 && !asked->is_this_machine && asked->run == NULL) {
		out->judge = (struct installing_judge){
			.judge = judge_by_keys, .signatures = &out->signatures};
		return 0;
	}
	if (read_report(asked, out, e) != 0)
		return -1;
	know(asked, out);
	return 0;
}

void recipient_close(struct recipient *recipient)
{
	if (!recipient->is_known)
		return;
	booted_free(&recipient->booted);
}

/* --- tries */

/* NULL: the record has nothing to say against trying it. */
static const struct record_stack *worn_out(
	const struct recipient *self, const struct installing *installing)
{
	struct digest text;
	struct signature_line lines[LIMIT_SIGNATURES];
	size_t text_bytes, count;
	const struct bytes *file = &installing->stack_file;
	if (signed_split(file->data, file->size, &text_bytes, lines, &count, NULL) != 0)
		return NULL;
	digest_of(file->data, text_bytes, &text);
	const struct record_stack *known = record_find(&self->record.record, &text);
	return known == NULL || known->confirmed || known->tries_left > 0 ? NULL : known;
}

static int renew(struct recipient *self, const struct digest *text, struct error *e)
{
	struct record_io io;
	if (device_open_record(&self->booted, true, &io, e) != 0)
		return -1;
	struct record next = io.record;
	int result = 0;
	if (record_renew_tries(&next, text, self->booted.tries))
		result = record_io_write(&io, &next, e);
	record_io_close(&io);
	self->record.record = io.record;
	return result;
}

int recipient_renew_tries(
	struct recipient *self, const struct installing *installing, bool again, struct error *e)
{
	const struct record_stack *known = self->is_known ? worn_out(self, installing) : NULL;
	if (known == NULL)
		return 0;
	const struct digest text = known->text;
	if (again)
		return renew(self, &text, e);
	report_warning("the tries of %s are used up, and it was never confirmed: with --again it "
		       "gets %u new ones",
		installing->file_name, (unsigned)self->booted.tries);
	return 0;
}

/* --- what boots next */

struct newest {
	struct installing *installing;
	uint64_t version;
};

static int consider(void *context, const char *file_name, struct error *e)
{
	struct newest *newest = context;
	struct installing *self = newest->installing;
	struct source *source = self->to->source;
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	struct stack stack;
	struct error ignored;
	(void)e;
	if (source->ops->read_stack(source, file_name, &bytes, &size_bytes, &ignored) != 0 ||
		self->judge->judge(self->judge, file_name, bytes, size_bytes, &stack, &ignored) !=
			0)
		return 0;
	if (strcmp(stack.name, self->stack.name) == 0 && stack.version > newest->version)
		newest->version = stack.version;
	stack_free(&stack);
	return 0;
}

/* Without its record: the newest. */
static int say_newest(struct installing *installing, struct error *e)
{
	struct newest newest = {.installing = installing};
	struct source *source = installing->to->source;
	if (source->ops->list_stacks(source, consider, &newest, e) != 0)
		return -1;
	printf("next boot: %s version %" PRIu64 "\n", installing->stack.name, newest.version);
	return 0;
}

static void say_chosen(const struct recipient *self, const struct candidate *candidate)
{
	const struct record_stack *known = record_find(&self->record.record, &candidate->text);
	unsigned tries = self->booted.tries;
	unsigned left = known != NULL ? known->tries_left : tries;
	printf("next boot: %s version %" PRIu64, candidate->stack.name, candidate->stack.version);
	if (known != NULL && known->confirmed)
		puts(", confirmed");
	else if (self->record.writable)
		printf(", on trial: %u of %u tries left\n", left < tries ? left : tries, tries);
	else
		puts(", not confirmed");
}

int recipient_say_next(struct recipient *self, struct installing *installing, struct error *e)
{
	static struct device_stacks stacks;
	if (!self->is_known)
		return say_newest(installing, e);
	if (device_find_stacks(installing->to, &self->policy, &stacks, e) != 0)
		return -1;
	int next = choose_next(&stacks.found, &self->record.record, self->record.writable);
	if (next != CHOOSE_NONE)
		say_chosen(self, &stacks.found.list[next]);
	candidates_free(&stacks.found);
	return 0;
}
