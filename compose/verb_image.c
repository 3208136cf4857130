/* plyboot image: stacks and their blobs become a disk. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "../layers/record.h"
#include "../layers/scope.h"
#include "clock.h"
#include "image.h"
#include "report.h"
#include "verbs.h"

struct image_options {
	const char *store, *output;
	struct text_list stacks;
	uint64_t total_bytes, layers_bytes, state_bytes;
};

enum { MIB = 1024 * 1024, SMALLEST_STATE_MIB = 16, DEFAULT_STATE_MIB = 256 };

#define FIELD(name_) .offset = offsetof(struct image_options, name_)
static const struct option_spec options[] = {
	{.name = "-o",
		.kind = OPTION_TEXT,
		FIELD(output),
		.value = "FILE.img",
		.help = "write it here",
		.required = true},
	{.name = "--store",
		.kind = OPTION_TEXT,
		FIELD(store),
		.value = "DIR",
		.help = "where the stacks and blobs are; default $PLYBOOT_STORE, else ./store"},
	{.name = "--stack",
		.kind = OPTION_LIST,
		FIELD(stacks),
		.value = "NAME-VERSION",
		.help = "a stack to put on it; default: all"},
	{.name = "--size",
		.kind = OPTION_SIZE,
		FIELD(total_bytes),
		.value = "BYTES",
		.help = "of the whole disk: the state partition gets what is left"},
	{.name = "--layers-size",
		.kind = OPTION_SIZE,
		FIELD(layers_bytes),
		.value = "BYTES",
		.help = "default: the content, 15 % more, and 16M"},
	{.name = "--state-size",
		.kind = OPTION_SIZE,
		FIELD(state_bytes),
		.value = "BYTES",
		.help = "default: 256M"},
	{0},
};
#undef FIELD

static uint64_t whole_mib(uint64_t bytes)
{
	return (bytes + MIB - 1) / MIB * MIB;
}

static uint64_t state_or_least(uint64_t state_bytes)
{
	uint64_t mib = whole_mib(state_bytes) / MIB;
	return mib > SMALLEST_STATE_MIB ? mib : SMALLEST_STATE_MIB;
}

static int plan_sizes(const struct image_options *given, const struct image_content *content,
	struct image_plan *plan, struct error *e)
{
	const uint64_t largest = UINT64_C(1) << 44; /* ext4 with blocks of 4 KiB */
	uint64_t needed = image_needed_bytes(content);
	uint64_t layers = given->layers_bytes, state = given->state_bytes;
	if (given->total_bytes > largest || layers > largest || state > largest)
		return error_set(e, ERROR_LIMIT, 0,
			"--size, --layers-size and --state-size are at most 16T");
	if (layers == 0)
		layers = needed + needed / 100 * 15 + 16 * MIB;
	plan->size_bytes[IMAGE_LAYERS] = whole_mib(layers);
	plan->layers_inodes = image_needed_inodes(content);
	plan->size_bytes[IMAGE_RECORD] = RECORD_PARTITION_BYTES;
	/* 1 MiB before the first partition, and one behind the last for the GPT's copy. */
	uint64_t others = whole_mib(layers) + RECORD_PARTITION_BYTES + 2 * MIB;
	if (state == 0 && given->total_bytes > others)
		state = (given->total_bytes - others) / MIB * MIB;
	else if (state == 0 && given->total_bytes == 0)
		state = (uint64_t)DEFAULT_STATE_MIB * MIB;
	plan->size_bytes[IMAGE_STATE] = whole_mib(state);
	plan->total_bytes = others + whole_mib(state);
	if (given->state_bytes != 0 && whole_mib(state) < SMALLEST_STATE_MIB * MIB)
		return error_set(e, ERROR_LIMIT, 0,
			"a state partition of %" PRIu64 " MiB is too small: it needs %d MiB",
			whole_mib(state) / MIB, SMALLEST_STATE_MIB);
	if (whole_mib(state) < SMALLEST_STATE_MIB * MIB ||
		(given->total_bytes != 0 && plan->total_bytes > given->total_bytes))
		return error_set(e, ERROR_LIMIT, 0,
			"%" PRIu64 " MiB of layers and %" PRIu64
			" MiB of state don't fit into %" PRIu64 " MiB with the other partitions",
			whole_mib(layers) / MIB, state_or_least(state), given->total_bytes / MIB);
	if (given->total_bytes != 0)
		plan->total_bytes = given->total_bytes / 512 * 512;
	if (whole_mib(layers) < needed + needed / 100 + 6 * MIB)
		return error_set(e, ERROR_LIMIT, 0,
			"a layers partition of %" PRIu64 " MiB is too small for %" PRIu64
			" bytes of content",
			whole_mib(layers) / MIB, content->total_bytes);
	return 0;
}

static int plan_image(const struct image_options *given, const struct image_content *content,
	struct image_plan *plan, struct error *e)
{
	bool set;
	*plan = (struct image_plan){.time = content->created};
	if (plan_sizes(given, content, plan, e) != 0 ||
		clock_source_date(&set, &plan->time, e) != 0)
		return -1;
	image_plan_place(plan, content);
	return 0;
}

/* debugfs does not say what it could not write. */
static int check_room(const char *path, int fd, uint64_t needed, struct error *e)
{
	struct statvfs room;
	if (fstatvfs(fd, &room) != 0)
		return error_errno(e, errno, "the room for `%s`", path);
	uint64_t available = (uint64_t)room.f_bavail * room.f_frsize;
	if (available >= needed)
		return 0;
	return error_set(e, ERROR_NOSPACE, 0,
		"`%s` needs %" PRIu64 " bytes, and there is room for %" PRIu64, path, needed,
		available);
}

static int write_image(const char *path, const struct image_plan *plan, const struct layout *layout,
	const struct image_content *content, struct error *e)
{
	SCOPED_OUTPUT output = OUTPUT_INIT;
	if (output_open(&output, path, 0644, e) != 0)
		return -1;
	if (ftruncate(output.fd, (off_t)plan->total_bytes) != 0)
		return error_errno(
			e, errno, "make `%s` %" PRIu64 " bytes large", path, plan->total_bytes);
	if (check_room(path, output.fd, image_needed_bytes(content), e) != 0)
		return -1;
	if (image_write_gpt(output.fd, plan, e) != 0 ||
		image_make_ext4(output.fd, plan, IMAGE_LAYERS, e) != 0 ||
		image_write_files(output.fd, plan, layout, content, e) != 0 ||
		image_check_files(output.fd, plan, content, e) != 0 ||
		image_make_ext4(output.fd, plan, IMAGE_STATE, e) != 0)
		return -1;
	return output_commit(&output, OUTPUT_REPLACE, e);
}

static void say(
	const char *path, const struct image_plan *plan, const struct image_content *content)
{
	printf("%s: %" PRIu64 " MiB, %zu stacks, %zu blobs of %" PRIu64 " bytes\n", path,
		plan->total_bytes / MIB, content->stack_count, content->blob_count,
		content->total_bytes);
	for (size_t i = 0; i < IMAGE_PARTS; i++)
		printf("  %zu %-15s at %6" PRIu64 " MiB %8" PRIu64 " MiB\n", i + 1, image_labels[i],
			plan->start_bytes[i] / MIB, plan->size_bytes[i] / MIB);
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	(void)operands;
	const struct image_options *given = opaque;
	SCOPED_LAYOUT layout = LAYOUT_INIT;
	SCOPED_CONTENT content = {0};
	struct image_plan plan;
	if (layout_open(layout_path(given->store), false, &layout, e) != 0 ||
		image_find_programs(e) != 0 ||
		image_collect(&layout, &given->stacks, &content, e) != 0 ||
		plan_image(given, &content, &plan, e) != 0 ||
		write_image(given->output, &plan, &layout, &content, e) != 0)
		return -1;
	say(given->output, &plan, &content);
	return 0;
}

const struct verb verb_image = {
	.name = "image",
	.summary = "make a disk image of stacks and their blobs, without root",
	.operands = "",
	.options = options,
	.options_bytes = sizeof(struct image_options),
	.run = run,
	.text = "A GPT disk with three partitions, known by their names: plyboot-layers (ext4: the "
		"blobs that the chosen stacks name, the stacks, and the OCI layout around them), "
		"plyboot-record (2 MiB of zeros: nothing was ever tried) and plyboot-state (ext4, "
		"empty). The file is sparse. The same stacks give the same image; its times are "
		"SOURCE_DATE_EPOCH, else the newest stack's.\n\n"
		"It calls sfdisk (Debian's package fdisk), mke2fs and debugfs (e2fsprogs). Sizes "
		"take the suffixes K, M, G and T.\n",
};
