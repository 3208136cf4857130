#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../layers/scope.h"
#include "bytes.h"
#include "image.h"
#include "program.h"

enum { BLOCK_BYTES = 4096, SECTOR_BYTES = 512 };

const char *const image_labels[IMAGE_PARTS] = {
	[IMAGE_LAYERS] = "plyboot-layers",
	[IMAGE_RECORD] = "plyboot-record",
	[IMAGE_STATE] = "plyboot-state",
};

/* A UUID of version 8 (RFC 9562): bits of our own choosing. */
void image_uuid(const struct image_plan *plan, const char *purpose, char out[IMAGE_UUID_SIZE])
{
	struct sha256 hash;
	struct digest digest;
	sha256_start(&hash);
	sha256_update(&hash, "plyboot image 1", 15);
	sha256_update(&hash, &plan->identity, sizeof plan->identity);
	sha256_update(&hash, purpose, strlen(purpose));
	sha256_finish(&hash, &digest);
	uint8_t *b = digest.bytes;
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x80);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	for (size_t i = 0, at = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[at++] = '-';
		at += (size_t)snprintf(out + at, IMAGE_UUID_SIZE - at, "%02x", b[i]);
	}
}

static const struct {
	const char *name, *package;
} programs[] = {{"sfdisk", "fdisk"}, {"mke2fs", "e2fsprogs"}, {"debugfs", "e2fsprogs"}};
enum { SFDISK, MKE2FS, DEBUGFS, PROGRAMS };

static int find(size_t program, char path[PATH_MAX], struct error *e)
{
	return program_find(programs[program].name, programs[program].package, path, e);
}

int image_find_programs(struct error *e)
{
	char path[PATH_MAX];
	for (size_t i = 0; i < PROGRAMS; i++) {
		if (find(i, path, e) != 0)
			return -1;
	}
	return 0;
}

/* --- GPT */

int image_write_gpt(int fd, const struct image_plan *plan, struct error *e)
{
	static const char *const arguments[] = {"sfdisk", "--quiet", "--no-reread",
		"--no-tell-kernel", "--wipe", "never", PROGRAM_FD_PATH, NULL};
	char path[PATH_MAX], uuid[IMAGE_UUID_SIZE];
	SCOPED_BYTES script = {0};
	image_uuid(plan, "disk", uuid);
	if (bytes_print(&script, e, "label: gpt\nlabel-id: %s\nunit: sectors\n", uuid) != 0)
		return -1;
	for (size_t i = 0; i < IMAGE_PARTS; i++) {
		image_uuid(plan, image_labels[i], uuid);
		if (bytes_print(&script, e,
			    "start=%" PRIu64 ", size=%" PRIu64
			    ", type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=%s, name=\"%s\"\n",
			    plan->start_bytes[i] / SECTOR_BYTES, plan->size_bytes[i] / SECTOR_BYTES,
			    uuid, image_labels[i]) != 0)
			return -1;
	}
	if (bytes_add(&script, "", 1, e) != 0 || find(SFDISK, path, e) != 0)
		return -1;
	const struct program_run run = {.path = path,
		.arguments = arguments,
		.input = (const char *)script.data,
		.keep_fd = fd,
		.directory_fd = -1};
	return program_run(&run, e);
}

/* --- ext4 */

/* E2FSPROGS_FAKE_TIME of 0 would be none. */
static void time_word(const struct image_plan *plan, char out[48])
{
	(void)snprintf(out, 48, "E2FSPROGS_FAKE_TIME=%" PRIu64, plan->time > 0 ? plan->time : 1);
}

/* Every feature is named, so that neither mke2fs.conf nor the version of e2fsprogs decides: the
 * kernel on the device may be older than they are. No metadata_csum: the superblock is written in
 * place, two sectors with one checksum, and one of which a power cut left the half is refused
 * before the kernel looks at the journal. The layers have digests of their own. */
static const char features[] = "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,"
			       "64bit,flex_bg,sparse_super,"
			       "large_file,huge_file,dir_nlink,extra_isize";

int image_make_ext4(int fd, const struct image_plan *plan, enum image_part part, struct error *e)
{
	char path[PATH_MAX], uuid[IMAGE_UUID_SIZE], seed[IMAGE_UUID_SIZE], faked[48];
	char extended[256], blocks[32], inodes[32], purpose[64];
	(void)snprintf(purpose, sizeof purpose, "%s file system", image_labels[part]);
	image_uuid(plan, purpose, uuid);
	(void)snprintf(purpose, sizeof purpose, "%s hash seed", image_labels[part]);
	image_uuid(plan, purpose, seed);
	(void)snprintf(extended, sizeof extended,
		"offset=%" PRIu64 ",hash_seed=%s,root_owner=0:0,nodiscard,lazy_itable_init=0,"
		"lazy_journal_init=0",
		plan->start_bytes[part], seed);
	(void)snprintf(blocks, sizeof blocks, "%" PRIu64, plan->size_bytes[part] / BLOCK_BYTES);
	uint64_t count =
		part == IMAGE_LAYERS ? plan->layers_inodes : plan->size_bytes[part] / 16384;
	(void)snprintf(inodes, sizeof inodes, "%" PRIu64, count);
	/* A layers partition is written to by updates only, and a small partition has no room: the
	 * smallest journal that ext4 takes will do. */
	bool small = part == IMAGE_LAYERS || plan->size_bytes[part] < 64 * 1024 * 1024;
	const char *journal = small ? "size=4" : "size=8";
	const char *const arguments[] = {"mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-I",
		"256", "-N", inodes, "-m", "0", "-J", journal, "-O", features, "-L",
		image_labels[part], "-U", uuid, "-E", extended, PROGRAM_FD_PATH, blocks, NULL};
	time_word(plan, faked);
	const char *const environment[] = {faked, NULL};
	if (find(MKE2FS, path, e) != 0)
		return -1;
	const struct program_run run = {.path = path,
		.arguments = arguments,
		.environment = environment,
		.keep_fd = fd,
		.directory_fd = -1};
	return program_run(&run, e);
}

/* --- files */

static void name_file_system(const struct image_plan *plan, char out[64])
{
	(void)snprintf(
		out, 64, PROGRAM_FD_PATH "?offset=%" PRIu64, plan->start_bytes[IMAGE_LAYERS]);
}

/* Names are ours: hex, and of a stack what image_collect() found it to be. Nothing to quote. */
static int write_script(const struct image_content *content, struct bytes *out, struct error *e)
{
	if (bytes_print(out, e, "mkdir /blobs\nmkdir /blobs/sha256\nmkdir /stacks\n") != 0)
		return -1;
	for (size_t i = 0; i < content->count; i++) {
		const char *path = content->files[i].path;
		const char *slash = strrchr(path, '/');
		int parent = slash == NULL ? 0 : (int)(slash - path);
		if (bytes_print(out, e, "cd /%.*s\nwrite %s %s\nset_inode_field /%s mode 0100644\n",
			    parent, path, path, slash == NULL ? path : slash + 1, path) != 0)
			return -1;
	}
	return bytes_add(out, "", 1, e);
}

static int pass_over(void *context, const void *data, size_t size_bytes, struct error *e)
{
	(void)context;
	(void)data;
	(void)size_bytes;
	(void)e;
	return 0;
}

int image_write_files(int fd, const struct image_plan *plan, const struct layout *layout,
	const struct image_content *content, struct error *e)
{
	char path[PATH_MAX], file_system[64], faked[48];
	SCOPED_BYTES script = {0};
	name_file_system(plan, file_system);
	time_word(plan, faked);
	const char *const arguments[] = {"debugfs", "-w", "-f", "-", file_system, NULL};
	const char *const environment[] = {faked, NULL};
	if (write_script(content, &script, e) != 0 || find(DEBUGFS, path, e) != 0)
		return -1;
	/* It ends with 0 whatever happened: image_check_files() sees. */
	const struct program_run run = {.path = path,
		.arguments = arguments,
		.environment = environment,
		.input = (const char *)script.data,
		.keep_fd = fd,
		.directory_fd = layout->fd,
		.sink = pass_over};
	return program_run(&run, e);
}

/* --- reading back */

static int hash_chunk(void *context, const void *data, size_t size_bytes, struct error *e)
{
	(void)e;
	sha256_update(context, data, size_bytes);
	return 0;
}

static int check_file(int fd, const char *program, const char *file_system,
	const struct image_file *file, struct error *e)
{
	char command[256];
	struct sha256 hash;
	struct digest actual;
	(void)snprintf(command, sizeof command, "cat /%s", file->path);
	const char *const arguments[] = {"debugfs", "-R", command, file_system, NULL};
	const struct program_run run = {.path = program,
		.arguments = arguments,
		.keep_fd = fd,
		.directory_fd = -1,
		.sink = hash_chunk,
		.context = &hash};
	sha256_start(&hash);
	if (program_run(&run, e) != 0)
		return -1;
	sha256_finish(&hash, &actual);
	if (digest_equal(&actual, &file->digest))
		return 0;
	return error_set(e, ERROR_DIGEST, 0,
		"%s in the image does not have the digest in its name: its blob in the store "
		"is damaged (`plyboot verify` says which), or the disk is full",
		file->path);
}

int image_check_files(
	int fd, const struct image_plan *plan, const struct image_content *content, struct error *e)
{
	char path[PATH_MAX], file_system[64];
	name_file_system(plan, file_system);
	if (find(DEBUGFS, path, e) != 0)
		return -1;
	for (size_t i = 0; i < content->count; i++) {
		if (check_file(fd, path, file_system, &content->files[i], e) != 0)
			return -1;
	}
	return 0;
}
