/* Where the files of a tar lie in it: names in their normal form, none twice, all within it. */
#include "compose/tar_members.h"
#include "must.h"
#include "paths.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
	const uint8_t *data;
	size_t size;
};

static int read_at(void *context, uint64_t offset, void *buffer, size_t size_bytes, size_t *got,
	struct error *e)
{
	const struct memory *memory = context;
	(void)e;
	must(offset < memory->size);
	size_t left = memory->size - (size_t)offset;
	*got = size_bytes < left ? size_bytes : left;
	memcpy(buffer, memory->data + offset, *got);
	return 0;
}

static void check(const struct tar_members *members, size_t size)
{
	char path[LIMIT_PATH_BYTES + 1];
	struct error e;
	must(members->count <= TAR_MEMBERS_MOST);
	for (size_t i = 0; i < members->count; i++) {
		const struct tar_member *member = &members->items[i];
		must(member->offset <= size && member->size_bytes <= size - member->offset);
		must(member->offset >= 512 && member->offset % 512 == 0);
		must(path_normalize(member->name, path, &e) == 0 &&
			strcmp(path, member->name) == 0);
		must(tar_members_find(members, member->name) == member);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory memory = {data, size};
	const struct tar_input input = {.size_bytes = size, .read_at = read_at, .context = &memory};
	struct tar_members members;
	struct error e = {.code = ERROR_NONE};
	if (tar_members_list(&input, &members, &e) != 0) {
		must(e.code == ERROR_TAR || e.code == ERROR_PATH || e.code == ERROR_TYPE ||
			e.code == ERROR_FORMAT || e.code == ERROR_SIZE || e.code == ERROR_LIMIT);
		must(members.count == 0 && members.items == NULL);
		return 0;
	}
	check(&members, size);
	tar_members_free(&members);
	return 0;
}
