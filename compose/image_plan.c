/* How much room what goes into an image needs, and where its parts lie. */
#include <string.h>

#include "image.h"

enum { MIB = 1024 * 1024 };

/* As many files again may come with updates. */
uint64_t image_needed_inodes(const struct image_content *content)
{
	return 2 * content->count + 64;
}

/* Each file is rounded up to blocks. */
uint64_t image_needed_bytes(const struct image_content *content)
{
	return content->total_bytes + content->count * 4096 + image_needed_inodes(content) * 256;
}

static void place(struct image_plan *plan)
{
	uint64_t at = MIB;
	for (size_t i = 0; i < IMAGE_PARTS; i++) {
		plan->start_bytes[i] = at;
		at += plan->size_bytes[i];
	}
}

/* The same content in the same places is the same image. */
static void identify(const struct image_content *content, struct image_plan *plan)
{
	struct sha256 hash;
	sha256_start(&hash);
	for (size_t i = 0; i < content->count; i++) {
		sha256_update(&hash, content->files[i].path, strlen(content->files[i].path) + 1);
		sha256_update(&hash, &content->files[i].digest, sizeof(struct digest));
	}
	sha256_update(&hash, plan->size_bytes, sizeof plan->size_bytes);
	sha256_finish(&hash, &plan->identity);
}

void image_plan_place(struct image_plan *plan, const struct image_content *content)
{
	place(plan);
	identify(content, plan);
}
