#include "need.h"

#include "crew.h"
#include "store.h"

/* Beside what the signed numbers say: the store's own directories and lists, and the synthetic
 * layer's directories. Inodes are only a ceiling; they cost nothing before they are used. */
enum { SPARE_BYTES = 4 * 1024 * 1024, SPARE_INODES = 4096 };

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

struct need need_of(const struct stack *stack, uint64_t page_bytes, unsigned cpus,
	bool (*is_there)(const void *context, size_t index), const void *context)
{
	struct need need = {.tmpfs_bytes = SPARE_BYTES, .inodes = SPARE_INODES};
	for (size_t i = 0; i < stack->layer_count; i++) {
		const struct layer_record *record = &stack->layers[i];
		uint64_t tmpfs_bytes, kernel_bytes;
		if (is_there != NULL && is_there(context, i))
			continue;
		store_need(record, page_bytes, &tmpfs_bytes, &kernel_bytes);
		need.tmpfs_bytes = add(need.tmpfs_bytes, tmpfs_bytes);
		need.kernel_bytes = add(need.kernel_bytes, kernel_bytes);
		need.inodes = add(need.inodes, add(record->entries, record->entries));
		uint64_t working = crew_bytes(record, cpus);
		if (need.working_bytes < working)
			need.working_bytes = working;
	}
	return need;
}

uint64_t need_bytes(const struct need *need)
{
	return add(add(need->tmpfs_bytes, need->kernel_bytes), need->working_bytes);
}
