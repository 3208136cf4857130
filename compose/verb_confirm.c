/* plyboot confirm: the system that runs is good. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../layers/scope.h"
#include "device.h"
#include "report.h"
#include "verbs.h"

struct confirm_options {
	const char *run;
};

static const struct option_spec options[] = {
	BOOTED_OPTION_RUN(offsetof(struct confirm_options, run)),
	{0},
};

static void say(const struct booted *booted, const struct record *record, const char *how)
{
	printf("%s %llu is %s; floor %llu\n", booted->name, (unsigned long long)booted->version,
		how, (unsigned long long)record_floor(record, booted->name));
}

/* Every boot counts, so that of a confirmed stack its boots since then go back to 0: an upper that
 * silences it is set aside. */
static bool is_done(const struct booted *booted, const struct record *record)
{
	const struct record_stack *known = record_find(record, &booted->text);
	return known != NULL && known->confirmed &&
	       record_floor(record, booted->name) >= booted->floor &&
	       record_boots_since_confirm(record, booted->name) == 0 &&
	       known->boots_unconfirmed == 0;
}

/* What the record says is good must not be lost in the next second: by then it is kept. */
static int flush(struct error *e)
{
	SCOPED_FD root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || syncfs(root) != 0)
		return error_errno(e, errno, "write to the disk what was changed");
	return 0;
}

static int write_confirmation(const struct booted *booted, struct record_io *io, struct error *e)
{
	struct record next = io->record;
	struct floors floors = {.count = 0};
	const struct record_subject subject = {&booted->text, booted->name, booted->version};
	floors_add_record(&floors, &io->record);
	if (is_done(booted, &io->record)) {
		say(booted, &io->record, "confirmed already");
		return 0;
	}
	record_confirm(&next, &subject, booted->floor);
	if (flush(e) != 0 || floors_raise(&floors, booted->name, booted->floor, e) != 0 ||
		record_io_write(io, &next, e) != 0)
		return error_wrap(e, "%s %llu is not confirmed", booted->name,
			(unsigned long long)booted->version);
	say(booted, &io->record, "confirmed");
	return 0;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct confirm_options *given = opaque;
	SCOPED_BOOTED booted = {.report = NULL};
	struct record_io io;
	(void)operands;
	if (booted_read(given->run, &booted, e) != 0)
		return -1;
	if (!booted.runs)
		return error_set(e, ERROR_MISSING, 0, "no stack runs here");
	if (strcmp(booted.record_state, "none") == 0) {
		report_note("no record is kept on this device: there is nothing to confirm");
		return 0;
	}
	if (device_open_record(&booted, true, &io, e) != 0)
		return -1;
	int result = write_confirmation(&booted, &io, e);
	record_io_close(&io);
	return result;
}

const struct verb verb_confirm = {
	.name = "confirm",
	.summary = "on the device: the stack that runs is good",
	.operands = "",
	.options = options,
	.options_bytes = sizeof(struct confirm_options),
	.run = run,
	.text = "Ends the trial of the stack that this system was booted from, and raises the "
		"floor to what that stack declares: from then on no older stack boots here. "
		"Without "
		"it, the stack's tries run out, and the one confirmed before boots.\n\n"
		"Call it at every boot, once all is up that has to be. With systemd: "
		"`systemctl enable plyboot-confirm.service`, which waits for boot-complete.target, "
		"and so for whatever units that needs. Elsewhere a line at the end of the last "
		"boot "
		"script: `plyboot confirm`. Of a stack that was confirmed at two boots in a row, "
		"silence means something: after five boots without a confirm (or as many as "
		"init.conf's `upper-tries` says) its upper is set aside, and a fresh one is in its "
		"place; see `plyboot upper`.\n\n"
		"When it returns with 0, the record is on the disk.\n",
	.examples = "At the end of the last boot script, or by its unit with systemd:\n"
		    "  plyboot confirm\n"
		    "  systemctl enable plyboot-confirm.service\n",
};
