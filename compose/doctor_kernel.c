#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "doctor.h"
#include "kconfig.h"
#include "output.h"

enum { KERNEL_MAX_BYTES = 512 * 1024 * 1024 };

static bool names_module(const struct doctor *doctor, const char *name)
{
	for (size_t i = 0; i < doctor->conf.module_count; i++) {
		const char *path = strrchr(doctor->conf.modules[i].path, '/');
		size_t length = strlen(name);
		if (path != NULL && strncmp(path + 1, name, length) == 0 &&
			strncmp(path + 1 + length, ".ko", 3) == 0)
			return true;
	}
	return false;
}

static void look_at_option(void *context, const struct kconfig_option *option)
{
	static const char *const modules[][2] = {
		{"CONFIG_EXT4_FS", "ext4"}, {"CONFIG_OVERLAY_FS", "overlay"}};
	struct doctor *doctor = context;
	char remedy[160];
	(void)snprintf(
		remedy, sizeof remedy, "boot a kernel with %s=%s", option->name, option->accepted);
	if (!option->good && option->wanted)
		doctor_say(doctor, DOCTOR_NOTE, ERROR_NONE, NULL, "%s is %s, better %s: %s",
			option->name, option->has, option->accepted, option->reason);
	else if (!option->good)
		doctor_say(doctor, DOCTOR_FAULT, ERROR_KERNEL, remedy, "%s is %s, must be %s: %s",
			option->name, option->has, option->accepted, option->reason);
	for (size_t i = 0; option->good && i < 2; i++) {
		if (strcmp(option->name, modules[i][0]) == 0 && strcmp(option->has, "m") == 0 &&
			doctor->initrd_whole && !names_module(doctor, modules[i][1]))
			doctor_say(doctor, DOCTOR_FAULT, ERROR_KERNEL,
				"give `plyboot initramfs` the kernel's --modules",
				"%s is m, and init.conf names no module %s: %s", option->name,
				modules[i][1], option->reason);
	}
}

/* What `--kernel-config` or `--kernel` names; a directory has it as `config`. */
static int read_config_file(
	struct doctor *doctor, uint8_t **bytes, size_t *size_bytes, struct error *e)
{
	const struct doctor_options *given = doctor->given;
	const char *path = given->kernel_config != NULL ? given->kernel_config : given->kernel;
	char below[4096];
	struct stat st;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		(void)snprintf(below, sizeof below, "%s/config", path);
		path = below;
	}
	return input_read_file(path, KERNEL_MAX_BYTES, bytes, size_bytes, e);
}

static int compare_options(
	struct doctor *doctor, const uint8_t *bytes, size_t size_bytes, struct error *e)
{
	SCOPED_FREE char *text = NULL;
	if (kconfig_text(bytes, size_bytes, &text, e) != 0)
		return -1;
	return kconfig_compare(text, kconfig_required, look_at_option, doctor, e);
}

int doctor_release(struct doctor *doctor, struct error *e)
{
	const char *path = doctor->given->kernel;
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	if (path == NULL)
		return 0;
	if (input_read_file(path, KERNEL_MAX_BYTES, &bytes, &size_bytes, e) != 0)
		return -1;
	if (kconfig_release(bytes, size_bytes, doctor->release, sizeof doctor->release))
		doctor_say(
			doctor, DOCTOR_GOOD, ERROR_NONE, NULL, "kernel: it is %s", doctor->release);
	return 0;
}

int doctor_kernel(struct doctor *doctor, struct error *e)
{
	const struct doctor_options *given = doctor->given;
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	if (given->kernel_config == NULL && given->kernel == NULL) {
		doctor_say(doctor, DOCTOR_NOTE, ERROR_NONE, NULL,
			"no --kernel-config was given: the kernel's options are not looked at");
		return 0;
	}
	if (read_config_file(doctor, &bytes, &size_bytes, e) != 0)
		return -1;
	if (compare_options(doctor, bytes, size_bytes, e) != 0) {
		if (given->kernel_config != NULL || e->code == ERROR_NOSPACE)
			return -1;
		doctor_say(doctor, DOCTOR_NOTE, ERROR_NONE, NULL,
			"the kernel `%s` has no configuration in it that can be read (%s): its "
			"options are not looked at (see --kernel-config)",
			given->kernel, e->text);
		return 0;
	}
	doctor_say(doctor, DOCTOR_GOOD, ERROR_NONE, NULL, "kernel: its options");
	return 0;
}
