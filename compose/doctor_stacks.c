#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../layers/choose.h"
#include "../layers/need.h"
#include "../layers/scope.h"
#include "../layers/stream.h"
#include "clock.h"
#include "doctor.h"
#include "ext4_source.h"

static const char *todo_of(enum error_code code)
{
	switch (code) {
	case ERROR_KEY:
		return "sign it with a key of the initramfs, or add its key with --pub";
	case ERROR_SIGNATURE:
		return "sign it anew with `plyboot sign`";
	case ERROR_ROLLBACK:
		return "make a stack with a higher version";
	case ERROR_TARGET:
		return "make a stack for this machine, or boot the kernel it is for";
	case ERROR_IO:
		return "see what the kernel says of the disk: it can't be read there";
	case ERROR_MISSING:
	case ERROR_DIGEST:
	case ERROR_SIZE:
		return "install or make the image anew: `plyboot verify` checks the store";
	default:
		return "make the stack file anew with `plyboot stack` and `sign`";
	}
}

/* Every piece against its digest, as /init will; nothing is unpacked. */
static int check_layer(struct source *source, const struct layer_record *record, struct error *e)
{
	struct stream *stream;
	struct piece_view view = {0};
	if (stream_open(source, record, &stream, e) != 0)
		return -1;
	struct feed *feed = stream_feed(stream);
	int result;
	do
		result = feed->next(feed, &view, e);
	while (result == 0 && view.bytes != NULL);
	stream_close(stream);
	return result;
}

static bool check_layers(struct doctor *doctor, struct source *source, const struct stack *stack)
{
	bool good = true;
	for (size_t i = 0; i < stack->layer_count; i++) {
		char digest[DIGEST_TEXT_SIZE];
		struct error why;
		if (check_layer(source, &stack->layers[i], &why) == 0)
			continue;
		good = false;
		digest_format(&stack->layers[i].digest, digest);
		/* Of a file system that is damaged: the stack file has no part in it. */
		enum error_code like = why.code == ERROR_FORMAT ? ERROR_MISSING : why.code;
		doctor_say(doctor, DOCTOR_FAULT, why.code, todo_of(like),
			"%s-%" PRIu64 ", layer %zu (%s): %s", stack->name, stack->version, i + 1,
			digest, why.text);
	}
	return good;
}

/* What /init doesn't find available, beside what is in the initramfs: on Debian's 6.1 it was 62 MiB
 * of 256 and 152 MiB of 1024. Above that only a 32nd is counted, so that what is not known is no
 * fault. */
static uint64_t kept_bytes(uint64_t memory)
{
	const uint64_t gib = 1024 * 1024 * 1024;
	uint64_t low = memory < gib ? memory : gib;
	return 31 * (gib / 1024) + low / 128 * 15 + (memory - low) / 32;
}

static bool check_memory(struct doctor *doctor, const struct stack *stack)
{
	const uint64_t mib = 1024 * 1024;
	uint64_t memory = doctor->given->memory_mib * mib;
	unsigned cpus = doctor->given->cpus != 0 ? (unsigned)doctor->given->cpus : 1;
	if (memory == 0)
		return true;
	struct need need = need_of(stack, 4096, cpus, NULL, NULL);
	uint64_t kept = kept_bytes(memory) + doctor->initrd_bytes, wanted = need_bytes(&need);
	uint64_t available = memory > kept ? memory - kept : 0;
	if (wanted <= available)
		return true;
	doctor_say(doctor, DOCTOR_FAULT, ERROR_NOSPACE,
		"more memory, or smaller layers (`plyboot inspect`)",
		"%s-%" PRIu64 " needs %" PRIu64 " MiB of memory, and of %" PRIu64
		" MiB about %" PRIu64 " are available to /init",
		stack->name, stack->version, wanted / mib + 1, memory / mib, available / mib);
	return false;
}

static void check_clock(struct doctor *doctor, const struct stack *stack)
{
	uint64_t now = (uint64_t)time(NULL), created;
	if (doctor->given->time != NULL)
		(void)clock_parse(doctor->given->time, &now);
	if (clock_parse(stack->created, &created) && created > now)
		doctor_say(doctor, DOCTOR_WARNING, ERROR_TARGET,
			"set the device's clock: /init goes on, but certificates and logs won't",
			"%s-%" PRIu64 " was made at %s, which is in the future of the clock",
			stack->name, stack->version, stack->created);
}

/* A confirmed one of a higher version is there: that boots in any case. */
static bool is_succeeded(
	const struct doctor *doctor, const struct candidates *found, const struct candidate *than)
{
	for (size_t i = 0; i < found->count; i++) {
		const struct candidate *other = &found->list[i];
		const struct record_stack *known = record_find(&doctor->record, &other->text);
		if (other->stack.version > than->stack.version && known != NULL && known->confirmed)
			return true;
	}
	return false;
}

static void check_tries(struct doctor *doctor, const struct candidates *found)
{
	for (size_t i = 0; i < found->count; i++) {
		const struct candidate *candidate = &found->list[i];
		const char *why = choose_why_behind(found, candidate, &doctor->record, true);
		if (why != NULL && is_succeeded(doctor, found, candidate))
			doctor_say(doctor, DOCTOR_NOTE, ERROR_NONE, NULL,
				"%s-%" PRIu64 " comes behind any confirmed stack: %s",
				candidate->stack.name, candidate->stack.version, why);
		else if (why != NULL)
			doctor_say(doctor, DOCTOR_FAULT, ERROR_LIMIT,
				"see why its tries failed; a stack of a higher version gets new "
				"ones",
				"%s-%" PRIu64 " comes behind any confirmed stack: %s",
				candidate->stack.name, candidate->stack.version, why);
	}
}

/* Not of this device, or no longer: no fault where another boots. */
static bool is_for_another(enum error_code code)
{
	return code == ERROR_ROLLBACK || code == ERROR_TARGET;
}

/* True when it is a candidate whose layers are whole. `*passed`: why not, where is_for_another().
 */
static bool look_at_stack(struct doctor *doctor, struct source *source,
	struct candidate_policy *policy, const char *file_name, struct error *passed,
	struct candidates *found)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	struct verified *text = NULL;
	struct candidate candidate = {0};
	size_t size_bytes;
	struct error why;
	int result = source->ops->read_stack(source, file_name, &bytes, &size_bytes, &why);
	if (result == 0)
		result = signed_verify(
			bytes, size_bytes, &policy->signatures, &text, &candidate.who, &why);
	if (result == 0) {
		digest_of(verified_data(text), verified_size(text), &candidate.text);
		result = stack_decode(text, &candidate.stack, &why);
	}
	verified_free(text);
	if (result == 0) {
		/* What nothing says is taken to fit. */
		policy->machine =
			doctor->machine[0] != '\0' ? doctor->machine : candidate.stack.architecture;
		policy->kernel_release =
			doctor->release[0] != '\0' ? doctor->release : candidate.stack.kernel;
		result = candidate_check(policy, &candidate.stack, file_name, &why);
		if (result != 0)
			stack_free(&candidate.stack);
	}
	if (result != 0) {
		if (is_for_another(why.code))
			*passed = why;
		else
			doctor_say(doctor, DOCTOR_FAULT, why.code, todo_of(why.code), "%s: %s",
				file_name, why.text);
		return false;
	}
	(void)snprintf(candidate.file_name, sizeof candidate.file_name, "%s", file_name);
	found->list[found->count++] = candidate;
	check_clock(doctor, &candidate.stack);
	bool whole = check_layers(doctor, source, &candidate.stack);
	bool room = check_memory(doctor, &candidate.stack);
	if (whole && room)
		doctor_say(doctor, DOCTOR_GOOD, ERROR_NONE, NULL,
			"%s: signature, target, floor, memory, %zu layers", file_name,
			candidate.stack.layer_count);
	return whole && room;
}

/* On the state partition, which /init never mounts where the upper is volatile by its init.conf. */
static bool keeps_something(const struct doctor *doctor, const struct stack *stack)
{
	return !doctor->conf.upper_volatile &&
	       (stack->upper == UPPER_PERSISTENT || stack->persist_count > 0);
}

/* Whether init.conf says which name boots is in the initramfs. */
static void say_other_names(struct doctor *doctor, struct source *source, size_t count)
{
	static struct candidate_names all;
	const struct candidate_policy any = {.name = NULL};
	struct error ignored;
	if (candidate_list(source, &any, &all, &ignored) == 0 && all.count > count)
		doctor_say(doctor, DOCTOR_NOTE, ERROR_NONE, NULL,
			"of %zu stack files on the layers partition, those that are not named %s "
			"are not looked at; /init refuses all where init.conf doesn't say which "
			"name boots",
			all.count, doctor->conf.stack);
}

static bool look_at_all(struct doctor *doctor, struct source *source, bool *state_needed)
{
	static struct candidate_names names;
	static struct candidates found;
	static struct error passed[LIMIT_STACK_FILES];
	bool boots = false;
	struct error why;
	struct candidate_policy policy = {.signatures = {.keys = doctor->keys,
						  .key_count = doctor->key_count,
						  .revoked = doctor->conf.revoked,
						  .revoked_count = doctor->conf.revoked_count,
						  .needed = doctor->conf.signatures},
		.name = doctor->conf.stack};
	floors_add_fixed(&policy.floors, &doctor->conf.floor);
	floors_add_record(&policy.floors, &doctor->record);
	if (candidate_list(source, &policy, &names, &why) != 0) {
		doctor_say(doctor, DOCTOR_FAULT, why.code, todo_of(ERROR_MISSING),
			"the layers partition: %s", why.text);
		return false;
	}
	if (doctor->by_report)
		say_other_names(doctor, source, names.count);
	if (names.count == 0)
		doctor_say(doctor, DOCTOR_FAULT, ERROR_CONFIG,
			"install one, or name another with `stack` in init.conf",
			"the layers partition has no stack%s%s",
			policy.name != NULL ? " named " : "",
			policy.name != NULL ? policy.name : "");
	for (size_t i = 0; i < names.count; i++)
		boots = look_at_stack(doctor, source, &policy, names.list[i], &passed[i], &found) ||
			boots;
	/* That the last one but one is below the floor, or for the kernel before, is how an update
	 * ends. */
	for (size_t i = 0; i < names.count; i++) {
		if (passed[i].code != ERROR_NONE)
			doctor_say(doctor, boots ? DOCTOR_NOTE : DOCTOR_FAULT,
				boots ? ERROR_NONE : passed[i].code,
				boots ? NULL : todo_of(passed[i].code), "%s: %s", names.list[i],
				passed[i].text);
	}
	for (size_t i = 0; i < found.count; i++)
		*state_needed = *state_needed || keeps_something(doctor, &found.list[i].stack);
	if (candidates_check_names(&found, &why) != 0) {
		doctor_say(doctor, DOCTOR_FAULT, ERROR_CONFIG, "fix the name: --set 'stack NAME'",
			"%s", why.text);
		boots = false;
	}
	check_tries(doctor, &found);
	candidates_free(&found);
	return boots;
}

static int open_layers(const struct doctor_place *place, struct ext4 *fs, struct error *e)
{
	if (ext4_open(doctor_read, (void *)(uintptr_t)place, place->size_bytes, fs, e) != 0)
		return -1;
	uint32_t unknown = ext4_unknown(fs, false);
	if (unknown != 0)
		return error_set(
			e, ERROR_DEVICE, 0, "ext4 features %#x are not known to Linux", unknown);
	return 0;
}

/* NULL: the stacks there can be looked at. */
static const char *why_unseen(const struct doctor *doctor, const struct ext4 *fs)
{
	if (doctor->key_count == 0)
		return "without a key the stacks are not looked at";
	if (!doctor->initrd_whole && !doctor->by_report)
		return "the stacks are not looked at: the initramfs may have more keys";
	if (ext4_unread(fs) != 0)
		return "the layers partition has ext4 features that are not read here: its stacks "
		       "are not looked at";
	return NULL;
}

bool doctor_stacks(struct doctor *doctor, bool *looked, bool *state_needed)
{
	const struct doctor_place *place = doctor_find(doctor, INITCONF_LAYERS);
	struct ext4 fs;
	struct error why;
	struct source *source;
	*state_needed = false;
	if (doctor->by_report)
		*looked = place != NULL;
	else
		*looked = doctor->initrd_whole &&
			  (place != NULL || (doctor->conf.device[INITCONF_LAYERS][0] != '/' &&
						    !doctor->has_logical));
	if (place == NULL)
		return false;
	if (open_layers(place, &fs, &why) != 0) {
		doctor_say(doctor, DOCTOR_FAULT, why.code, "make the image anew: `plyboot image`",
			"layers on %s: %s", place->name, why.text);
		return false;
	}
	if (place->ext4.damaged)
		doctor_say(doctor, DOCTOR_FAULT, ERROR_DEVICE, "run e2fsck on it",
			"layers on %s: the file system is marked as damaged", place->name);
	doctor_say_journal(doctor, "layers", place, &fs);
	const char *unseen = why_unseen(doctor, &fs);
	if (unseen != NULL) {
		*looked = *looked && doctor->key_count == 0 && !doctor->by_report;
		doctor_say(doctor, DOCTOR_NOTE, ERROR_NONE, NULL, "%s", unseen);
		return false;
	}
	if (ext4_source_open(&fs, &source, &why) != 0) {
		doctor_say(doctor, DOCTOR_FAULT, why.code, NULL, "%s", why.text);
		*looked = false;
		return false;
	}
	bool boots = look_at_all(doctor, source, state_needed);
	source_close(source);
	return boots;
}
