/* plyboot doctor: what would go wrong at the next boot. */
#include <stdio.h>
#include <stdlib.h>

#include "../layers/scope.h"
#include "clock.h"
#include "doctor.h"
#include "report.h"
#include "verbs.h"

#define FIELD(name_) .offset = offsetof(struct doctor_options, name_)
static const struct option_spec options[] = {
	{.name = "--image",
		.kind = OPTION_LIST,
		FIELD(image),
		.value = "FILE",
		.help = "a disk, or an image of one; several, if the device has several"},
	{.name = "--initrd",
		.kind = OPTION_TEXT,
		FIELD(initrd),
		.value = "FILE",
		.help = "the initramfs: its keys, init.conf and modules"},
	{.name = "--kernel-config",
		.kind = OPTION_TEXT,
		FIELD(kernel_config),
		.value = "FILE",
		.help = "the kernel's configuration, plain or by gzip, or a directory with "
			"`config`"},
	{.name = "--kernel",
		.kind = OPTION_TEXT,
		FIELD(kernel),
		.value = "FILE",
		.help = "the kernel: of a bzImage the release; the configuration, if it is in it "
			"(CONFIG_IKCONFIG) and not compressed"},
	{.name = "--memory",
		.kind = OPTION_NUMBER,
		FIELD(memory_mib),
		.value = "MIB",
		.help = "of the device",
		.fallback = "0",
		.max = 16 * 1024 * 1024},
	{.name = "--cpus",
		.kind = OPTION_NUMBER,
		FIELD(cpus),
		.value = "N",
		.help = "of the device: more take more memory while unpacking",
		.fallback = "1",
		.min = 1,
		.max = 1024},
	{.name = "--time",
		.kind = OPTION_TEXT,
		FIELD(time),
		.value = "TIME",
		.help = "what the device's clock will say, as 2026-11-23T15:06:12Z; default: now"},
	{.name = "--json", .kind = OPTION_FLAG, FIELD(json), .help = "one JSON object instead"},
	{.name = "-v",
		.kind = OPTION_FLAG,
		FIELD(verbose),
		.help = "say what was found to be good, too"},
	{0},
};
#undef FIELD

static int print_json(struct doctor *doctor, bool looked, bool boots, struct error *e)
{
	json_t *object = json_pack("{s:O, s:I, s:I, s:o}", "findings", doctor->findings, "faults",
		(json_int_t)doctor->counts[DOCTOR_FAULT], "warnings",
		(json_int_t)doctor->counts[DOCTOR_WARNING], "boots",
		looked ? json_boolean(boots) : json_null());
	int result =
		object != NULL && json_dumpf(object, stdout, 0) == 0
			? 0
			: error_set(e, ERROR_NOSPACE, 0, "no memory, or no room for the output");
	json_decref(object);
	putchar('\n');
	return result;
}

/* `looked`: at the stacks, so that it is known whether one boots. */
static int conclude(struct doctor *doctor, bool looked, bool boots, struct error *e)
{
	size_t faults = doctor->counts[DOCTOR_FAULT];
	if (doctor->findings != NULL) {
		if (print_json(doctor, looked, boots, e) != 0)
			return -1;
	} else {
		printf("doctor: %zu fault%s, %zu warning%s; %zu things looked at were good%s\n",
			faults, faults == 1 ? "" : "s", doctor->counts[DOCTOR_WARNING],
			doctor->counts[DOCTOR_WARNING] == 1 ? "" : "s", doctor->counts[DOCTOR_GOOD],
			looked && !boots ? "; no stack would boot" : "");
	}
	return faults > 0 ? STATUS_REFUSED : STATUS_FINE;
}

static int look(struct doctor *doctor, struct error *e)
{
	bool state_needed = false, looked = false, boots = false;
	if (doctor_release(doctor, e) != 0 || doctor_initrd(doctor, e) != 0 ||
		doctor_kernel(doctor, e) != 0 || doctor_disks(doctor, e) != 0)
		return -1;
	if (doctor->given->image.count > 0) {
		doctor_record(doctor);
		boots = doctor_stacks(doctor, &looked, &state_needed);
		doctor_state(doctor, state_needed);
	}
	return conclude(doctor, looked, boots, e);
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct doctor_options *given = opaque;
	uint64_t ignored;
	(void)operands;
	if (given->time != NULL && !clock_parse(given->time, &ignored))
		return error_set(e, ERROR_USAGE, 0, "--time is like 2026-11-23T15:06:12Z");
	if (given->image.count == 0 && given->initrd == NULL && given->kernel == NULL &&
		given->kernel_config == NULL)
		return error_set(e, ERROR_USAGE, 0,
			"say what to look at: --image, --initrd, --kernel-config");
	SCOPED_FREE struct doctor *doctor = calloc(1, sizeof *doctor);
	if (doctor == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	doctor->given = given;
	doctor->findings = given->json ? json_array() : NULL;
	initconf_defaults(&doctor->conf);
	int result = look(doctor, e);
	for (size_t i = 0; i < doctor->disk_count; i++)
		scope_close(&doctor->disks[i]);
	json_decref(doctor->findings);
	initconf_free(&doctor->conf);
	initrd_free(&doctor->initrd);
	free(doctor->initrd_file);
	return result;
}

const struct verb verb_doctor = {
	.name = "doctor",
	.summary = "before a boot: all that would go wrong",
	.operands = "",
	.options = options,
	.options_bytes = sizeof(struct doctor_options),
	.run = run,
	.text = "Looks at a disk, an initramfs and a kernel's configuration, and says what /init "
		"would stumble over, each with what to do: kernel options, keys, init.conf, "
		"modules, partitions that are not there or twice, file systems, the record, and "
		"of each stack its signature, target, floor, tries, memory, and every piece of "
		"its layers. It only reads, and takes no privileges. What was not given is not "
		"looked at, which is said. With faults it ends with 1; warnings alone are 0.\n",
	.examples = "A machine of 512 MiB that boots this image:\n"
		    "  plyboot doctor --image demo.img --initrd demo.cpio --memory 512\n"
		    "Its kernel as well, and all that was found good:\n"
		    "  plyboot doctor -v --image demo.img --initrd demo.cpio --kernel-config "
		    "config\n",
};
