#include "run_initramfs.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "embedded.h"
#include "initramfs_add.h"
#include "initramfs_base.h"
#include "modules.h"
#include "output.h"
#include "report.h"

/* What the disk, the port and the root need; one that is built in is passed over. */
static const char *const always[] = {
	"virtio_pci", "virtio_blk", "virtio_console", "ext4", "overlay", NULL};
static const char *const for_shares[] = {"9pnet_virtio", "9p", NULL};
static const char *const for_network[] = {"virtio_net", NULL};

static int choose(struct modules *modules, const char *const *names, struct error *e)
{
	for (; *names != NULL; names++) {
		if (modules_choose(modules, *names, e) != 0)
			return -1;
	}
	return 0;
}

static int choose_for_shares(
	const struct run_initramfs *wanted, struct modules *modules, struct error *e)
{
	if (!wanted->shares || choose(modules, for_shares, e) == 0)
		return 0;
	report_hint("directories are shared by 9p, which Debian's cloud kernel lacks: take "
		    "linux-image-amd64's, or ours");
	return -1;
}

static int choose_all(const struct run_initramfs *wanted, struct modules *modules, struct error *e)
{
	if (wanted->modules == NULL)
		return 0;
	if (modules_open(wanted->modules, modules, e) != 0 || choose(modules, always, e) != 0 ||
		choose_for_shares(wanted, modules, e) != 0)
		return -1;
	return wanted->network ? choose(modules, for_network, e) : 0;
}

static int identify_module(const struct modules *modules, const struct module *module,
	struct sha256 *hash, struct error *e)
{
	SCOPED_FREE char *path = initramfs_module_source(modules, module);
	struct stat st;
	if (path == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	if (stat(path, &st) != 0)
		return error_errno(e, errno, "the module `%s`", path);
	const int64_t which[] = {(int64_t)st.st_dev, (int64_t)st.st_ino, (int64_t)st.st_size,
		(int64_t)st.st_ctim.tv_sec, (int64_t)st.st_ctim.tv_nsec};
	sha256_update(hash, module->path, strlen(module->path) + 1);
	sha256_update(hash, which, sizeof which);
	return 0;
}

int run_initramfs_identify(const struct run_initramfs *wanted, struct sha256 *hash, struct error *e)
{
	SCOPED_MODULES modules = {0};
	if (wanted->modules == NULL)
		return 0;
	if (choose_all(wanted, &modules, e) != 0)
		return -1;
	sha256_update(hash, modules.release, strlen(modules.release) + 1);
	sha256_update(hash, &modules.chosen_count, sizeof modules.chosen_count);
	for (size_t i = 0; i < modules.chosen_count; i++) {
		if (identify_module(&modules, modules.chosen[i], hash, e) != 0)
			return -1;
	}
	return 0;
}

/* The stack is the only one, and the disk the only one that has such partitions: a further disk of
 * the guest can't take their places. */
static int add_conf(const struct modules *modules, struct cpio *cpio, struct error *e)
{
	SCOPED_BYTES text = {0};
	int result = bytes_print(&text, e,
		"layers /dev/vda1\nstate none\nrecord none\nstack " RUN_INITRAMFS_STACK
		"\nupper volatile\nwait 30\ndefault log quiet\nwatchdog none\n"
		"on-failure reboot\n");
	for (size_t i = 0; i < modules->chosen_count && result == 0; i++) {
		char path[LIMIT_PATH_BYTES + 1];
		initramfs_module_path(modules, modules->chosen[i], path);
		result = bytes_print(&text, e, "module /%s\n", path);
	}
	if (result != 0)
		return -1;
	return cpio_add(cpio, "etc/plyboot/init.conf", S_IFREG | 0644, 0, text.data, text.size, e);
}

static int fill(const struct run_initramfs *wanted, struct cpio *cpio, struct error *e)
{
	SCOPED_MODULES modules = {0};
	const struct embedded *init = embedded_init(wanted->architecture);
	if (init == NULL)
		return error_set(e, ERROR_MISSING, 0, "this command carries no /init for `%s`",
			wanted->architecture);
	if (initramfs_add_base(cpio, e) != 0 || initramfs_add_program(cpio, "init", init, e) != 0 ||
		initramfs_add_key(cpio, wanted->key, e) != 0 ||
		choose_all(wanted, &modules, e) != 0 ||
		initramfs_add_modules(&modules, cpio, e) != 0)
		return -1;
	return add_conf(&modules, cpio, e);
}

int run_initramfs_write(
	const struct run_initramfs *wanted, int dir_fd, const char *name, struct error *e)
{
	SCOPED_CPIO cpio = {0};
	SCOPED_BYTES archive = {0};
	SCOPED_OUTPUT output = OUTPUT_INIT;
	if (fill(wanted, &cpio, e) != 0 || cpio_write(&cpio, 0, &archive, e) != 0 ||
		output_open_at(&output, dir_fd, name, 0600, e) != 0 ||
		output_write(&output, archive.data, archive.size, e) != 0)
		return -1;
	return output_commit(&output, OUTPUT_REPLACE, e);
}
