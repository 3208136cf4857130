/* plyboot doctor: what would go wrong at the next boot. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
		.help = "a disk, or an image of one; several, if the device has several; default: "
			"the running system's, if plyboot booted it"},
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
		.help = "of the device; 0: what the running one has, of others it is not looked at",
		.fallback = "0",
		.max = 16 * 1024 * 1024},
	{.name = "--cpus",
		.kind = OPTION_NUMBER,
		FIELD(cpus),
		.value = "N",
		.help = "of the device: more take more memory while unpacking; default: what the "
			"running one has, of others 1",
		.min = 1,
		.max = 1024},
	{.name = "--time",
		.kind = OPTION_TEXT,
		FIELD(time),
		.value = "TIME",
		.help = "what the device's clock will say, as 2026-11-23T15:06:12Z; default: now"},
	BOOTED_OPTION_RUN(offsetof(struct doctor_options, run)),
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

static int look(struct doctor *doctor, struct doctor_options *given, struct error *e)
{
	bool state_needed = false, looked = false, boots = false;
	bool on_device = doctor->booted != NULL;
	if (doctor_release(doctor, e) != 0 || doctor_initrd(doctor, e) != 0)
		return -1;
	if (on_device)
		doctor_take_machine(doctor, given);
	if (doctor_kernel(doctor, e) != 0 ||
		(on_device ? doctor_machine_disks(doctor, e) : doctor_disks(doctor, e)) != 0)
		return -1;
	if (on_device || given->image.count > 0) {
		doctor_record(doctor);
		boots = doctor_stacks(doctor, &looked, &state_needed);
		doctor_state(doctor, state_needed);
	}
	return conclude(doctor, looked, boots, e);
}

/* The running machine, where plyboot booted it and no --image is given. What else is given can be
 * looked at by anybody, anywhere. */
static int find_device(
	const struct doctor_options *given, struct booted *out, bool *found, struct error *e)
{
	bool has_others =
		given->initrd != NULL || given->kernel != NULL || given->kernel_config != NULL;
	*found = false;
	if (given->image.count > 0 && given->run != NULL)
		return error_set(e, ERROR_USAGE, 0,
			"--run is for the running system: it doesn't go with --image");
	if (given->image.count > 0 || (has_others && given->run == NULL && geteuid() != 0))
		return 0;
	if (booted_read(given->run, out, e) == 0) {
		*found = true;
		return 0;
	}
	if (e->code != ERROR_MISSING || given->run != NULL)
		return -1;
	if (has_others)
		return 0;
	return error_set(e, ERROR_USAGE, 0,
		"say what to look at: --image, --initrd, --kernel-config; this system was not "
		"booted by plyboot");
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	static struct booted booted;
	struct doctor_options own, *given = &own;
	bool on_device;
	uint64_t ignored;
	own = *(const struct doctor_options *)opaque;
	(void)operands;
	if (given->time != NULL && !clock_parse(given->time, &ignored))
		return error_set(e, ERROR_USAGE, 0, "--time is like 2026-11-23T15:06:12Z");
	if (find_device(given, &booted, &on_device, e) != 0)
		return -1;
	SCOPED_FREE struct doctor *doctor = calloc(1, sizeof *doctor);
	if (doctor == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	doctor->given = given;
	doctor->booted = on_device ? &booted : NULL;
	doctor->findings = given->json ? json_array() : NULL;
	initconf_defaults(&doctor->conf);
	int result = look(doctor, given, e);
	for (size_t i = 0; i < doctor->disk_count; i++)
		scope_close(&doctor->disks[i]);
	json_decref(doctor->findings);
	initconf_free(&doctor->conf);
	initrd_free(&doctor->initrd);
	free(doctor->initrd_file);
	booted_free(&booted);
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
		"looked at, which is said. With faults it ends with 1; warnings alone are 0.\n\n"
		"On a device that plyboot has booted, without --image, it looks at that device: "
		"the partitions of this boot, its keys and policy, memory, CPUs, clock, and the "
		"kernel that runs, where that has a /proc/config.gz. Nothing is mounted, but it "
		"takes "
		"root. With --initrd it goes by that one instead, as the next boot will. Two "
		"partitions with one name are looked for on all disks; without --initrd, which "
		"knows what name is looked for, they are a warning.\n",
	.examples = "A machine of 512 MiB that boots this image:\n"
		    "  plyboot doctor --image demo.img --initrd demo.cpio --memory 512\n"
		    "Its kernel as well, and all that was found good:\n"
		    "  plyboot doctor -v --image demo.img --initrd demo.cpio --kernel-config "
		    "config\n"
		    "The device that it runs on:\n"
		    "  plyboot doctor\n",
};
