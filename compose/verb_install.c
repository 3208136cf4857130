/* plyboot install: a stack comes to where /init will look for it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "interrupt.h"
#include "recipient.h"
#include "report.h"
#include "stack_name.h"
#include "verbs.h"

struct install_options {
	const char *to, *store, *run;
	struct text_list pub;
	uint64_t signatures;
	bool dry_run, force, again;
};

#define FIELD(name_) .offset = offsetof(struct install_options, name_)
static const struct option_spec options[] = {
	{.name = "--to",
		.kind = OPTION_TEXT,
		FIELD(to),
		.value = "DIR",
		.help = "not to the layers partition of this system: to a store, or a directory "
			"that becomes one"},
	{.name = "--store",
		.kind = OPTION_TEXT,
		FIELD(store),
		.value = "DIR",
		.help = "where SOURCE is when it is NAME-VERSION; also a tar; default: "
			"$PLYBOOT_STORE, else ./store"},
	{.name = "--pub",
		.kind = OPTION_LIST,
		FIELD(pub),
		.value = "KEY.pub",
		.help = "a trusted key, instead of those that this system was booted with"},
	{.name = "--signatures",
		.kind = OPTION_NUMBER,
		FIELD(signatures),
		.value = "N",
		.help = "with --pub: how many trusted keys must have signed",
		.fallback = "1",
		.min = 1,
		.max = LIMIT_SIGNATURES},
	{.name = "--dry-run",
		.kind = OPTION_FLAG,
		FIELD(dry_run),
		.help = "check the stack file, say what would be written and the room for it"},
	{.name = "--force",
		.kind = OPTION_FLAG,
		FIELD(force),
		.help = "replace a signed stack file of this name and version that says otherwise"},
	{.name = "--again",
		.kind = OPTION_FLAG,
		FIELD(again),
		.help = "new tries for a stack that was never confirmed and has none left"},
	BOOTED_OPTION_RUN(offsetof(struct install_options, run)),
	{0},
};
#undef FIELD

/* --- what is said */

static void say_blobs(const struct installing *self, bool there, const char *what)
{
	uint64_t bytes = 0;
	size_t count = 0, rotted = 0;
	for (size_t i = 0; i < self->count; i++) {
		const struct installing_blob *blob = &self->blobs[i];
		if ((blob->state == INSTALLING_THERE) != there)
			continue;
		count++;
		bytes += blob->size_bytes;
		rotted += blob->state == INSTALLING_ROTTED;
	}
	printf("%s: %" PRIu64 " bytes in %zu blob%s", what, bytes, count, count == 1 ? "" : "s");
	if (rotted > 0)
		printf(", %zu in place of what has rotted", rotted);
	putchar('\n');
}

static void say_room(const struct installing *self)
{
	const struct installing_room *room = &self->room;
	printf("room: %" PRIu64 " bytes needed, %" PRIu64 " free", room->need_bytes,
		room->have_bytes);
	if (room->have_inodes != UINT64_MAX)
		printf("; %" PRIu64 " inodes needed, %" PRIu64 " free", room->need_inodes,
			room->have_inodes);
	putchar('\n');
}

/* --- the steps */

static void hint_gc(const struct install_options *given)
{
	report_hint(
		"`plyboot gc%s` removes what no stack names", given->to == NULL ? " --device" : "");
}

static int write_it(struct installing *self, const struct install_options *given, struct error *e)
{
	if (installing_write(self, e) == 0) {
		layout_keep(self->to);
		say_blobs(self, false, "written");
		say_blobs(self, true, "there already");
		return 0;
	}
	if (e->code == ERROR_NOSPACE)
		hint_gc(given);
	return -1;
}

static int install(struct installing *self, const struct install_options *given, struct layout *to,
	struct error *e)
{
	if (installing_plan(self, to, given->force, e) != 0)
		return -1;
	if (installing_is_done(self)) {
		layout_keep(to);
		printf("nothing to do: %s is there, whole\n", self->file_name);
		return 0;
	}
	if (given->dry_run) {
		say_blobs(self, false, "to write");
		say_blobs(self, true, "there already");
		say_room(self);
	}
	if (installing_check_room(self, e) != 0) {
		hint_gc(given);
		return -1;
	}
	return given->dry_run ? 0 : write_it(self, given, e);
}

static bool is_same_directory(int a, int b)
{
	struct stat one, other;
	return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

static int open_origin(const struct install_options *given, const char *operand,
	struct origin *from, char name[STACK_FILE_NAME_SIZE], struct error *e)
{
	if (origin_is_path(operand))
		return origin_open(operand, from, e) != 0 ? -1 : origin_choose(from, name, e);
	if (stack_name_file(operand, name, e) != 0)
		return -1;
	return origin_open(layout_path(given->store), from, e);
}

static int open_destination(const struct install_options *given, const struct recipient *recipient,
	const struct origin *from, struct layout *to, struct error *e)
{
	int result = given->to != NULL ? layout_open(given->to, true, to, e)
				       : device_open_layers(&recipient->booted, true, to, e);
	if (result == 0 && from->layout.fd >= 0 && is_same_directory(from->layout.fd, to->fd))
		return error_set(e, ERROR_USAGE, 0, "`%s` is where it comes from", to->path);
	return result;
}

static int install_for(const struct install_options *given, const char *operand,
	struct recipient *recipient, struct error *e)
{
	char name[STACK_FILE_NAME_SIZE];
	struct origin from = ORIGIN_INIT;
	struct installing self = {0};
	SCOPED_LAYOUT to = LAYOUT_INIT;
	int result = open_origin(given, operand, &from, name, e);
	if (result == 0)
		result = installing_read(&self, &from, name, &recipient->judge, e);
	if (result == 0)
		result = open_destination(given, recipient, &from, &to, e);
	if (result == 0)
		result = install(&self, given, &to, e);
	if (result == 0 && !given->dry_run)
		result = recipient_renew_tries(recipient, &self, given->again, e);
	if (result == 0 && !given->dry_run)
		result = recipient_say_next(recipient, &self, e);
	installing_close(&self);
	origin_close(&from);
	return result;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	static struct recipient recipient;
	const struct install_options *given = opaque;
	const struct recipient_asked asked = {.run = given->run,
		.is_this_machine = given->to == NULL,
		.pub = &given->pub,
		.signatures = (unsigned)given->signatures};
	interrupt_catch();
	if (recipient_open(&asked, &recipient, e) != 0)
		return -1;
	int result = install_for(given, operands->items[0], &recipient, e);
	recipient_close(&recipient);
	return result;
}

const struct verb verb_install = {
	.name = "install",
	.summary = "put a stack to where it will boot, only what is missing",
	.operands = "SOURCE",
	.operands_min = 1,
	.operands_max = 1,
	.options = options,
	.options_bytes = sizeof(struct install_options),
	.run = run,
	.text = "SOURCE is NAME-VERSION in the store (what `plyboot pull` brought), or a path, "
		"with a "
		"slash or .tar at its end: a store in a directory, or in a plain tar such as "
		"`plyboot export --with-stack` writes. Of a path it is the only stack, or the "
		"newest version of the only name. A blob that is there need not be in SOURCE.\n\n"
		"It goes to the layers partition of the running system, which is mounted for this "
		"alone. Refused before anything is written is what its /init would refuse: no "
		"signatures by its keys, a damaged stack file, another name, architecture, kernel "
		"or /init, a version below the floor. With --to and --pub, it is for another "
		"machine, of which only the keys are known.\n\n"
		"Then every blob that the stack names "
		"is looked for where it goes to and hashed; what is missing or has rotted, and "
		"the room for it in bytes and inodes, is known before anything is written, and "
		"is what --dry-run says.\n\n"
		"Each blob is hashed while it is copied. All that the stack names is flushed and "
		"read back, the layers as `plyboot verify` does, and only then the stack file "
		"gets its name, by one rename; signatures that it has there already stay. Ended "
		"at any moment, nothing is lost that was there; whole blobs stay, and a second "
		"call goes on with them. When all is there, nothing is written.\n\n"
		"A stack whose tries are used up stays so when it is installed once more: whatever "
		"calls this by itself would try a bad one for ever. Who knows that it is good, "
		"since "
		"only the power went, says --again.\n",
	.examples = "On the device, what `plyboot pull` brought:\n"
		    "  plyboot install demo-2\n"
		    "From a USB stick, after a look at what it takes:\n"
		    "  plyboot install --dry-run /media/usb/demo.tar\n"
		    "  plyboot install /media/usb/demo.tar\n",
};
