/* The files of a disk that nobody has verified. */
#include "compose/ext4_read.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct disk {
	const uint8_t *data;
	size_t size;
	unsigned reads;
};

enum { MOST_READS = 20000, MOST_NAMES = 64 };

static int read_disk(void *context, uint64_t offset, void *buffer, size_t size_bytes)
{
	struct disk *disk = context;
	if (++disk->reads > MOST_READS || offset > disk->size || size_bytes > disk->size - offset)
		return -1;
	memcpy(buffer, disk->data + offset, size_bytes);
	return 0;
}

struct seen {
	const struct ext4 *fs;
	unsigned names;
};

static int visit(void *context, const char *name, uint32_t number, struct error *e)
{
	struct seen *seen = context;
	struct ext4_file file;
	uint8_t bytes[3000];
	must(name[0] != '\0' && strlen(name) < EXT4_NAME_SIZE && strchr(name, '/') == NULL);
	if (ext4_file(seen->fs, number, &file, e) == 0 && file.size_bytes > 0) {
		size_t now =
			file.size_bytes < sizeof bytes ? (size_t)file.size_bytes : sizeof bytes;
		uint64_t at = file.size_bytes - now;
		const uint64_t places[] = {0, at / 2, at};
		for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
			if (ext4_read_at(seen->fs, &file, places[i], bytes, now, e) != 0)
				must(e->code == ERROR_IO || e->code == ERROR_FORMAT);
		}
		must(ext4_read_at(seen->fs, &file, at + 1, bytes, now, e) != 0);
		must(e->code == ERROR_SIZE);
	}
	return ++seen->names == MOST_NAMES;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct disk disk = {.data = data, .size = size};
	struct error e = {0};
	struct ext4 fs;
	struct ext4_file file;
	if (ext4_open(read_disk, &disk, size, &fs, &e) != 0) {
		must(e.code == ERROR_IO || e.code == ERROR_DEVICE || e.code == ERROR_SIZE ||
			e.code == ERROR_FORMAT);
		return 0;
	}
	must(fs.block_bytes >= 1024 && fs.blocks <= size / fs.block_bytes);
	struct seen seen = {.fs = &fs};
	if (ext4_file(&fs, EXT4_ROOT, &file, &e) == 0)
		(void)ext4_list(&fs, &file, visit, &seen, &e);
	if (ext4_find(&fs, "a/b", &file, &e) != 0)
		must(e.code == ERROR_MISSING || e.code == ERROR_IO || e.code == ERROR_FORMAT ||
			e.code == ERROR_TYPE || e.code == ERROR_SIZE);
	return 0;
}
