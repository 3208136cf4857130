#include "boot.h"

#include <string.h>

#include "clock.h"
#include "console.h"
#include "devices.h"
#include "partition.h"
#include "scope.h"

static int open_layers(struct boot *boot, struct error *e)
{
	const char *wanted = boot->settings.device[INITCONF_LAYERS];
	char device[DEVICES_PATH_SIZE];
	int dir_fd;
	if (devices_find(wanted, boot->deadline_us, device, e) != 0 ||
		partition_open_read_only(device, &dir_fd, e) != 0)
		return error_wrap(e, "layers partition");
	if (source_dir_open(dir_fd, &boot->source, e) != 0) {
		(void)close(dir_fd);
		return error_wrap(e, "layers partition %s", device);
	}
	console_say("layers on %s (%s)", device, wanted);
	memcpy(boot->report.device[INITCONF_LAYERS], device, sizeof device);
	return 0;
}

/* Without a record nothing can be counted, and the boot goes on. */
static void open_record(struct boot *boot)
{
	const char *wanted = boot->settings.device[INITCONF_RECORD];
	char device[DEVICES_PATH_SIZE];
	struct error why = {0};
	if (strcmp(wanted, "none") == 0) {
		record_io_none(&boot->record, "none");
		console_debug("no record is kept");
	} else if (devices_find(wanted, boot->deadline_us, device, &why) != 0) {
		record_io_none(&boot->record, why.text);
		report_alarm(&boot->report, "no record, so no try is counted: %s", why.text);
	} else {
		memcpy(boot->report.device[INITCONF_RECORD], device, sizeof device);
		if (!record_io_open(device, &boot->record))
			report_alarm(&boot->report, "record on %s: %s", device, boot->record.state);
	}
	memcpy(boot->report.record, boot->record.state, sizeof boot->record.state);
}

int boot_find_stacks(struct boot *boot, struct error *e)
{
	boot->deadline_us = clock_us() + boot->settings.wait_s * UINT64_C(1000000);
	if (open_layers(boot, e) != 0)
		return -1;
	boot_step(boot, "layers partition");
	open_record(boot);
	boot_step(boot, "record");
	struct candidate_policy policy = {
		.signatures =
			{
				.keys = boot->keys,
				.key_count = boot->key_count,
				.revoked = boot->conf.revoked,
				.revoked_count = boot->conf.revoked_count,
				.needed = boot->conf.signatures,
			},
		.name = boot->settings.stack,
		.machine = boot->machine.machine,
		.kernel_release = boot->machine.release,
	};
	floors_add_fixed(&policy.floors, &boot->conf.floor);
	floors_add_record(&policy.floors, &boot->record.record);
	int result = candidates_find(boot->source, &policy, &boot->report, &boot->found, e);
	boot_step(boot, "stack files");
	return result;
}
