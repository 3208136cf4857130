/* plyboot initramfs: /init, the keys it trusts, its settings, the modules it needs. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "../layers/initconf.h"
#include "../layers/scope.h"
#include "clock.h"
#include "cpio.h"
#include "deflate.h"
#include "elf.h"
#include "embedded.h"
#include "initramfs_add.h"
#include "initramfs_base.h"
#include "keys.h"
#include "modules.h"
#include "output.h"
#include "report.h"
#include "verbs.h"

struct initramfs_options {
	const char *architecture, *init, *config, *modules, *fsck, *compress, *output;
	struct text_list pub, set, module, add;
};

static const char *const compressions[] = {"none", "gzip", "zstd", NULL};

/* What QEMU's and most clouds' disks need, and what /init itself does. */
static const char *const default_modules[] = {"virtio_pci", "virtio_blk", "ext4", "overlay"};

/* Where /init looks for it (init/fsck.h). */
static const char fsck_path[] = "sbin/e2fsck";

enum { INIT_MAX_BYTES = 16 * 1024 * 1024, FSCK_MAX_BYTES = 64 * 1024 * 1024 };

#define FIELD(name_) .offset = offsetof(struct initramfs_options, name_)
static const struct option_spec options[] = {
	{.name = "-o",
		.kind = OPTION_TEXT,
		FIELD(output),
		.value = "FILE.cpio",
		.help = "write it here",
		.required = true},
	{.name = "--pub",
		.kind = OPTION_LIST,
		FIELD(pub),
		.value = "KEY.pub",
		.help = "a key that it trusts",
		.required = true},
	{.name = "--modules",
		.kind = OPTION_TEXT,
		FIELD(modules),
		.value = "DIR",
		.help = "take kernel modules from here: a lib/modules/RELEASE, or a root with one"},
	{.name = "--module",
		.kind = OPTION_LIST,
		FIELD(module),
		.value = "NAME",
		.help = "a module to load, with all it needs; default, with --modules: virtio_pci, "
			"virtio_blk, ext4, overlay"},
	{.name = "--config",
		.kind = OPTION_TEXT,
		FIELD(config),
		.value = "FILE",
		.help = "take this init.conf"},
	{.name = "--set",
		.kind = OPTION_LIST,
		FIELD(set),
		.value = "'KEY VALUE'",
		.help = "one more line of init.conf"},
	{.name = "--add",
		.kind = OPTION_LIST,
		FIELD(add),
		.value = "SRC:DEST",
		.help = "put a file, a symlink or a directory with all that is in it there, too"},
	{.name = "--fsck",
		.kind = OPTION_TEXT,
		FIELD(fsck),
		.value = "E2FSCK",
		.help = "put this static program at /sbin/e2fsck: /init checks the state partition "
			"with it (in Debian's package e2fsck-static: /sbin/e2fsck.static)"},
	{.name = "--compress",
		.kind = OPTION_TEXT,
		FIELD(compress),
		.value = "none|gzip|zstd",
		.help = "the kernel must be able to undo it",
		.choices = compressions,
		.fallback = "none"},
	{.name = "--arch",
		.kind = OPTION_TEXT,
		FIELD(architecture),
		.value = "A",
		.help = "of the /init inside: as `uname -m` says it; default: this machine's"},
	{.name = "--init",
		.kind = OPTION_TEXT,
		FIELD(init),
		.value = "FILE",
		.help = "take this /init instead of the one that this command carries"},
	{0},
};
#undef FIELD

static int add_init(const struct initramfs_options *given, const char *architecture,
	struct cpio *cpio, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	if (given->init != NULL) {
		if (input_read_file(given->init, INIT_MAX_BYTES, &bytes, &size_bytes, e) != 0)
			return -1;
		return cpio_add(cpio, "init", S_IFREG | 0755, 0, bytes, size_bytes, e);
	}
	const struct embedded *init = embedded_init(architecture);
	if (init == NULL)
		return error_set(e, ERROR_MISSING, 0,
			"this command carries no /init for `%s`: give one with --init",
			architecture);
	return initramfs_add_program(cpio, "init", init, e);
}

static int add_fsck(const struct initramfs_options *given, const char *architecture,
	struct cpio *cpio, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	if (given->fsck == NULL)
		return 0;
	if (input_read_file(given->fsck, FSCK_MAX_BYTES, &bytes, &size_bytes, e) != 0)
		return -1;
	if (elf_check_static(bytes, size_bytes, architecture, e) != 0) {
		report_hint("Debian's package e2fsck-static has one that is, /sbin/e2fsck.static");
		return error_wrap(e, "`%s`", given->fsck);
	}
	return cpio_add(cpio, fsck_path, S_IFREG | 0755, 0, bytes, size_bytes, e);
}

/* /init, and what it leaves at /run/initramfs/shutdown. With an /init of another architecture, the
 * latter may come with --add. */
static int add_programs(const struct initramfs_options *given, struct cpio *cpio, struct error *e)
{
	struct utsname machine;
	if (uname(&machine) != 0)
		return error_errno(e, errno, "uname");
	const char *architecture =
		given->architecture != NULL ? given->architecture : machine.machine;
	const struct embedded *down = embedded_shutdown(architecture);
	if (add_init(given, architecture, cpio, e) != 0 ||
		add_fsck(given, architecture, cpio, e) != 0)
		return -1;
	return down != NULL ? initramfs_add_program(cpio, "shutdown", down, e) : 0;
}

static int add_keys(const struct public_key *keys, size_t count, struct cpio *cpio, struct error *e)
{
	for (size_t i = 0; i < count; i++) {
		if (initramfs_add_key(cpio, &keys[i], e) != 0)
			return -1;
	}
	return 0;
}

/* --- init.conf */

static int choose_modules(
	const struct initramfs_options *given, struct modules *modules, struct error *e)
{
	size_t count = given->module.count;
	if (given->modules == NULL && count > 0)
		return error_set(e, ERROR_USAGE, 0, "--module needs --modules, to take it from");
	if (given->modules == NULL)
		return 0;
	if (modules_open(given->modules, modules, e) != 0)
		return -1;
	const char *const *names = count > 0 ? given->module.items : default_modules;
	if (count == 0)
		count = sizeof default_modules / sizeof default_modules[0];
	for (size_t i = 0; i < count; i++) {
		if (modules_choose(modules, names[i], e) != 0)
			return -1;
	}
	return 0;
}

static int write_conf(const struct initramfs_options *given, const struct modules *modules,
	struct bytes *out, struct error *e)
{
	if (given->config != NULL) {
		SCOPED_FREE uint8_t *bytes = NULL;
		size_t size_bytes;
		if (input_read_file(given->config, INITCONF_MAX_BYTES, &bytes, &size_bytes, e) !=
				0 ||
			bytes_add(out, bytes, size_bytes, e) != 0)
			return -1;
		if (size_bytes > 0 && bytes[size_bytes - 1] != '\n' &&
			bytes_add(out, "\n", 1, e) != 0)
			return -1;
	}
	for (size_t i = 0; i < given->set.count; i++) {
		if (bytes_print(out, e, "%s\n", given->set.items[i]) != 0)
			return -1;
	}
	for (size_t i = 0; i < modules->chosen_count; i++) {
		char path[LIMIT_PATH_BYTES + 1];
		initramfs_module_path(modules, modules->chosen[i], path);
		if (bytes_print(out, e, "module /%s\n", path) != 0)
			return -1;
	}
	return 0;
}

static bool is_revoked(const struct initconf *conf, const struct public_key *key)
{
	for (size_t i = 0; i < conf->revoked_count; i++) {
		if (digest_equal(&conf->revoked[i], &key->id))
			return true;
	}
	return false;
}

/* What /init would only find out on the device. */
static int check_conf(const struct initconf *conf, const struct public_key *keys, size_t key_count,
	const struct cpio *cpio, struct error *e)
{
	size_t trusted = 0;
	for (size_t i = 0; i < key_count; i++)
		trusted += !is_revoked(conf, &keys[i]);
	if (conf->signatures > trusted)
		return error_set(e, ERROR_CONFIG, 0,
			"init.conf wants signatures by %u keys, and %zu %s trusted: nothing would "
			"boot (see --pub)",
			conf->signatures, trusted, trusted == 1 ? "is" : "are");
	if (conf->shell != NULL && cpio_find(cpio, conf->shell) == NULL)
		return error_set(e, ERROR_CONFIG, 0,
			"init.conf names the shell %s, which is not in the initramfs (see --add)",
			conf->shell);
	for (size_t i = 0; i < conf->module_count; i++) {
		if (cpio_find(cpio, conf->modules[i].path) == NULL)
			return error_set(e, ERROR_CONFIG, 0,
				"init.conf names the module %s, which is not in the initramfs "
				"(see --modules)",
				conf->modules[i].path);
	}
	return 0;
}

static int add_conf(const struct initramfs_options *given, const struct public_key *keys,
	const struct modules *modules, struct cpio *cpio, struct error *e)
{
	SCOPED_BYTES text = {0};
	struct initconf conf;
	if (write_conf(given, modules, &text, e) != 0)
		return -1;
	if (initconf_parse((const char *)text.data, text.size, &conf, e) != 0) {
		report_hint("the lines are those of --config, then one for each --set; "
			    "`plyboot initramfs --help` lists what they may say");
		return -1;
	}
	int result = check_conf(&conf, keys, given->pub.count, cpio, e);
	initconf_free(&conf);
	if (result != 0)
		return -1;
	return cpio_add(cpio, "etc/plyboot/init.conf", S_IFREG | 0644, 0, text.data, text.size, e);
}

/* --- all of it */

static int fill(const struct initramfs_options *given, struct modules *modules, struct cpio *cpio,
	struct error *e)
{
	struct public_key keys[LIMIT_KEYS];
	if (public_keys_read(&given->pub, keys, e) != 0 || initramfs_add_base(cpio, e) != 0 ||
		add_programs(given, cpio, e) != 0 ||
		add_keys(keys, given->pub.count, cpio, e) != 0 ||
		choose_modules(given, modules, e) != 0 ||
		initramfs_add_modules(modules, cpio, e) != 0)
		return -1;
	for (size_t i = 0; i < given->add.count; i++) {
		if (initramfs_add_source(given->add.items[i], cpio, e) != 0)
			return -1;
	}
	return add_conf(given, keys, modules, cpio, e);
}

static void say(const struct initramfs_options *given, const struct modules *modules,
	const struct cpio *cpio, const struct bytes *archive)
{
	printf("%s: %zu bytes, %zu entries: /init of %zu bytes, %zu keys, %zu modules%s%s\n",
		given->output, archive->size, cpio->count, cpio_find(cpio, "init")->size_bytes,
		given->pub.count, modules->chosen_count, modules->chosen_count > 0 ? " of " : "",
		modules->chosen_count > 0 ? modules->release : "");
	if (given->fsck != NULL)
		printf("  /%s of %zu bytes\n", fsck_path, cpio_find(cpio, fsck_path)->size_bytes);
	for (size_t i = 0; i < modules->chosen_count; i++)
		printf("  module %s\n", modules->chosen[i]->name);
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	(void)operands;
	const struct initramfs_options *given = opaque;
	SCOPED_CPIO cpio = {0};
	SCOPED_MODULES modules = {0};
	SCOPED_BYTES archive = {0};
	uint64_t mtime = 0;
	bool set;
	if (clock_source_date(&set, &mtime, e) != 0 || fill(given, &modules, &cpio, e) != 0)
		return -1;
	if (mtime > UINT32_MAX)
		return error_set(e, ERROR_LIMIT, 0,
			"SOURCE_DATE_EPOCH is after 2106, and a cpio can't hold such a time");
	if (cpio_write(&cpio, mtime, &archive, e) != 0 ||
		deflate_bytes(&archive, given->compress, e) != 0)
		return -1;
	if (output_write_file(given->output, 0644, archive.data, archive.size, OUTPUT_REPLACE, e) !=
		0)
		return -1;
	say(given, &modules, &cpio, &archive);
	return 0;
}

const struct verb verb_initramfs = {
	.name = "initramfs",
	.summary = "make the cpio that the kernel starts: /init, keys, modules",
	.operands = "",
	.options = options,
	.options_bytes = sizeof(struct initramfs_options),
	.run = run,
	.text = "All that is trusted is in here: what the keys sign boots, and what init.conf "
		"fixes the kernel command line can't change. Settings (with `default ` in front: "
		"the command line may choose):\n\n"
		"  layers|state|record DEVICE, stack NAME, upper volatile, wait SECONDS,\n"
		"  log quiet|normal|debug, floor N, signatures N, tries N,\n"
		"  upper-tries N|none, watchdog SECONDS|none, fsck SECONDS|none,\n"
		"  revoked sha256:HEX, jail whole, allow-init yes, allow-reset yes, keep PATH,\n"
		"  shell PATH, on-failure halt|reboot|shell\n\n"
		"Modules come with what they need, in the order in which they are loaded; one that "
		"is built into the kernel is passed over. The same inputs give the same bytes; "
		"times are SOURCE_DATE_EPOCH or 0.\n",
};
