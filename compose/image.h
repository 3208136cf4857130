/*
 * A disk image without root and loop devices: GPT by sfdisk, file systems by mke2fs into a part of
 * a sparse file, files by debugfs. Files are not put in by `mke2fs -d`, whose inodes come in the
 * order in which readdir(3) gives the names and with the ctime of the source: never the same image
 * twice.
 */
#ifndef PLYBOOT_IMAGE_H
#define PLYBOOT_IMAGE_H

#include "layout.h"
#include "options.h"

/* --- what goes in */

struct image_file {
	char *path; /* below the store, and below the layers partition */
	uint64_t size_bytes;
	struct digest digest;
};

struct image_content {
	size_t count;
	struct image_file *files;
	uint64_t total_bytes;
	uint64_t created; /* of the newest stack, in seconds */
	size_t stack_count, blob_count;
};

/* The chosen stacks ("NAME-VERSION", all if there is none), the blobs that they name, oci-layout
 * and index.json. A stack that nobody signed is a warning. ERROR_MISSING, ERROR_SIZE, ERROR_FORMAT.
 */
int image_collect(struct layout *layout, const struct text_list *stacks, struct image_content *out,
	struct error *e);
void image_content_free(struct image_content *content);
#define SCOPED_CONTENT __attribute__((cleanup(image_content_free))) struct image_content

/* --- where */

enum image_part { IMAGE_LAYERS, IMAGE_RECORD, IMAGE_STATE, IMAGE_PARTS };

struct image_plan {
	uint64_t start_bytes[IMAGE_PARTS], size_bytes[IMAGE_PARTS]; /* whole MiB */
	uint64_t total_bytes;
	uint64_t layers_inodes;
	struct digest identity; /* of all that goes in: every UUID is derived from it */
	uint64_t time;          /* of every time stamp, in seconds */
};

extern const char *const image_labels[IMAGE_PARTS];

enum { IMAGE_UUID_SIZE = 37 };
void image_uuid(const struct image_plan *plan, const char *purpose, char out[IMAGE_UUID_SIZE]);

/* What a layers partition of this content needs, without slack. */
uint64_t image_needed_inodes(const struct image_content *content);
uint64_t image_needed_bytes(const struct image_content *content);

/* One part behind the other, by their sizes, and the plan's identity. */
void image_plan_place(struct image_plan *plan, const struct image_content *content);

/* The programs that are needed, looked up before anything is written. */
int image_find_programs(struct error *e);

/* On `fd`, which has the plan's size and reads as zeros. ERROR_IO with what the program said. */
int image_write_gpt(int fd, const struct image_plan *plan, struct error *e);
int image_make_ext4(int fd, const struct image_plan *plan, enum image_part part, struct error *e);
int image_write_files(int fd, const struct image_plan *plan, const struct layout *layout,
	const struct image_content *content, struct error *e);

/* Read every file back out of the image. ERROR_DIGEST. */
int image_check_files(int fd, const struct image_plan *plan, const struct image_content *content,
	struct error *e);

#endif
