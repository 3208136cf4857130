#include "run_root.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/runport.h"
#include "../layers/scope.h"
#include "../layers/signed.h"
#include "bytes.h"
#include "clock.h"
#include "embedded.h"
#include "image.h"
#include "keys.h"
#include "made_layer.h"
#include "piecing.h"
#include "run_initramfs.h"
#include "stack_file.h"
#include "version.h"

/* --- what it depends on */

static struct run_initramfs initramfs_of(const struct run_root *root)
{
	return (struct run_initramfs){.architecture = root->reading.architecture,
		.modules = root->modules,
		.shares = root->shares,
		.network = root->network};
}

/* This very program: what packs, and /init and the rest that it carries. Another build of the same
 * version is another file, or was changed at another time. */
static int identify_self(struct sha256 *hash, struct error *e)
{
	struct stat st;
	if (stat("/proc/self/exe", &st) != 0)
		return error_errno(e, errno, "stat /proc/self/exe");
	const int64_t which[] = {(int64_t)st.st_dev, (int64_t)st.st_ino, (int64_t)st.st_size,
		(int64_t)st.st_mtim.tv_sec, (int64_t)st.st_mtim.tv_nsec, (int64_t)st.st_ctim.tv_sec,
		(int64_t)st.st_ctim.tv_nsec};
	sha256_update(hash, which, sizeof which);
	return 0;
}

static int identify(const struct run_root *root, struct digest *out, struct error *e)
{
	static const char purpose[] = "plyboot run root 2 " PLYBOOT_VERSION;
	const char *architecture = root->reading.architecture;
	const struct run_initramfs initramfs = initramfs_of(root);
	struct sha256 hash;
	sha256_start(&hash);
	sha256_update(&hash, purpose, sizeof purpose);
	sha256_update(&hash, architecture, strlen(architecture) + 1);
	if (identify_self(&hash, e) != 0 || run_initramfs_identify(&initramfs, &hash, e) != 0)
		return -1;
	for (size_t i = 0; i < root->source_count; i++) {
		if (run_source_identify(&root->sources[i], &root->reading, &hash, e) != 0)
			return error_wrap(e, "--root `%s`", root->sources[i].given);
	}
	sha256_finish(&hash, out);
	return 0;
}

/* --- the layers */

static int fill_run_layer(void *context, void *piecing, struct error *e)
{
	const struct embedded *program = context;
	struct tarout *tar;
	int result = tarout_open(piecing_write, piecing, &tar, e);
	if (result != 0)
		return -1;
	result = tarout_add_made(tar, ".plyboot/", S_IFDIR | 0755, 0, NULL, 0, e);
	if (result == 0)
		result = tarout_add_made(tar, RUNPORT_PROGRAM, S_IFREG | 0755, 0, program->start,
			(size_t)(program->end - program->start), e);
	if (result == 0)
		result = tarout_finish(tar, e);
	tarout_close(tar);
	return result;
}

static int add_run_layer(const struct run_root *root, struct layout *layout,
	struct run_layers *layers, struct error *e)
{
	const struct embedded *program = embedded_run(root->reading.architecture);
	struct layer_record record;
	if (program == NULL)
		return error_set(e, ERROR_MISSING, 0, "this command carries no /%s for `%s`",
			RUNPORT_PROGRAM, root->reading.architecture);
	if (made_layer_add(layout, fill_run_layer, (void *)(uintptr_t)program, USER_XATTRS_REQUIRED,
		    &record, e) != 0)
		return -1;
	return run_layers_add(layers, &record, e);
}

/* --- the stack */

static int sign(const char *text, size_t size_bytes, const struct private_key *key,
	struct bytes *out, struct error *e)
{
	struct signature_line line = {.key_id = key->public.id};
	char shown[SIGNED_LINE_SIZE];
	struct digest hash;
	digest_of(text, size_bytes, &hash);
	if (private_key_sign(key, &hash, line.signature, e) != 0)
		return -1;
	signed_format_line(&line, shown);
	if (bytes_add(out, text, size_bytes, e) != 0)
		return -1;
	return bytes_add(out, shown, strlen(shown), e);
}

static int write_stack(const struct run_root *root, const struct run_layers *layers,
	const struct private_key *key, struct layout *layout, struct error *e)
{
	struct stack stack = {.name = RUN_INITRAMFS_STACK,
		.version = 1,
		.layer_count = layers->count,
		.layers = layers->records,
		.upper = UPPER_VOLATILE,
		.init = "/" RUNPORT_PROGRAM,
		.on_failure = ON_FAILURE_REBOOT};
	char name[STACK_FILE_NAME_SIZE];
	SCOPED_FREE char *text = NULL;
	SCOPED_BYTES file = {0};
	size_t size_bytes;
	(void)snprintf(
		stack.architecture, sizeof stack.architecture, "%s", root->reading.architecture);
	if (clock_format(0, stack.created, e) != 0 ||
		stack_encode(&stack, &text, &size_bytes, e) != 0 ||
		sign(text, size_bytes, key, &file, e) != 0)
		return -1;
	stack_file_name(&stack, name);
	return stack_file_put(layout, name, file.data, file.size, e);
}

static int fill_store(const struct run_root *root, const struct private_key *key,
	struct layout *layout, struct error *e)
{
	struct run_layers layers = {0};
	int result = 0;
	for (size_t i = 0; i < root->source_count && result == 0; i++)
		result = run_source_take(&root->sources[i], &root->reading, layout, &layers, e);
	if (result == 0)
		result = add_run_layer(root, layout, &layers, e);
	if (result == 0)
		result = write_stack(root, &layers, key, layout, e);
	free(layers.records);
	return result;
}

/* --- the disk */

/* Record and state are there, empty, as in any image; nothing looks at them. */
static void plan(const struct image_content *content, struct image_plan *out)
{
	const uint64_t mib = 1024 * 1024;
	uint64_t layers = image_needed_bytes(content);
	*out = (struct image_plan){.layers_inodes = image_needed_inodes(content)};
	layers = (layers + layers / 100 * 15 + 16 * mib + mib - 1) / mib * mib;
	out->size_bytes[IMAGE_LAYERS] = layers;
	out->size_bytes[IMAGE_RECORD] = mib;
	out->size_bytes[IMAGE_STATE] = mib;
	out->total_bytes = layers + 4 * mib; /* and one before and one behind them */
	image_plan_place(out, content);
}

static int write_disk(int dir_fd, struct layout *layout, struct error *e)
{
	static const struct text_list all = {0};
	SCOPED_CONTENT content = {0};
	SCOPED_OUTPUT output = OUTPUT_INIT;
	struct image_plan where;
	if (image_find_programs(e) != 0 || image_collect(layout, &all, &content, e) != 0)
		return -1;
	plan(&content, &where);
	if (output_open_at(&output, dir_fd, RUN_ROOT_DISK, 0600, e) != 0)
		return -1;
	if (ftruncate(output.fd, (off_t)where.total_bytes) != 0)
		return error_errno(
			e, errno, "make the disk %ju bytes large", (uintmax_t)where.total_bytes);
	if (image_write_gpt(output.fd, &where, e) != 0 ||
		image_make_ext4(output.fd, &where, IMAGE_LAYERS, e) != 0 ||
		image_write_files(output.fd, &where, layout, &content, e) != 0 ||
		image_check_files(output.fd, &where, &content, e) != 0)
		return -1;
	return output_commit(&output, OUTPUT_REPLACE, e);
}

static int make_in_store(struct run_root *root, int dir_fd, const char *path, struct error *e)
{
	SCOPED_LAYOUT layout = LAYOUT_INIT;
	SCOPED_PRIVATE_KEY key = {0};
	if (layout_open(path, true, &layout, e) != 0 || private_key_generate(&key, e) != 0 ||
		fill_store(root, &key, &layout, e) != 0 || write_disk(dir_fd, &layout, e) != 0)
		return -1;
	struct run_initramfs wanted = initramfs_of(root);
	wanted.key = &key.public;
	return run_initramfs_write(&wanted, dir_fd, RUN_ROOT_INITRAMFS, e);
}

/* The store is only on the way: it goes when the disk has all of it. */
static int make(void *context, int dir_fd, struct error *e)
{
	SCOPED_SCRATCH scratch = SCRATCH_INIT;
	char path[64];
	if (scratch_open_in(dir_fd, &scratch, e) != 0)
		return -1;
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d/store", scratch.fd);
	return make_in_store(context, dir_fd, path, e);
}

int run_root_take(
	struct run_root *root, struct run_cache *cache, struct run_entry *out, struct error *e)
{
	static const char *const files[] = {RUN_ROOT_DISK, RUN_ROOT_INITRAMFS, NULL};
	struct digest key;
	if (identify(root, &key, e) != 0)
		return -1;
	return run_cache_take(cache, &key, files, make, root, out, e);
}
