/* Unpacking a plain tar, names only, below a directory of its own: nothing beside it may appear. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checksums.h"
#include "store.h"
#include "verified.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct one_piece {
	struct feed feed;
	struct verified *bytes;
	bool given;
};

static int next(struct feed *feed, struct piece_view *out, struct error *e)
{
	struct one_piece *one = (struct one_piece *)feed;
	(void)e;
	*out = (struct piece_view){0};
	if (!one->given)
		*out = (struct piece_view){.bytes = one->bytes,
			.run_ends = true,
			.run_decoded_bytes = verified_size(one->bytes)};
	one->given = true;
	return 0;
}

static char outside_path[] = "/dev/shm/plyboot-fuzz.XXXXXX";

static void remove_outside(void)
{
	(void)rmdir(outside_path);
}

static int open_outside(void)
{
	static int fd = -1;
	if (fd < 0) {
		if (mkdtemp(outside_path) == NULL)
			abort();
		fd = open(outside_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)atexit(remove_outside);
	}
	return fd;
}

static void must_be_empty(int dir_fd)
{
	DIR *dir = fdopendir(openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (dir == NULL)
		abort();
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			abort();
	closedir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct one_piece one = {.feed = {.next = next}};
	struct decoder *decoder = NULL;
	struct unpack_result result;
	struct error e;
	int outside = open_outside();
	if (size == 0)
		return 0;
	uint8_t *mended = checksums_mend(data, size);
	int copied = verified_trust(mended, size, &one.bytes, &e);
	free(mended);
	if (copied != 0)
		return 0;
	if (mkdirat(outside, "root", 0700) != 0)
		abort();
	int root = openat(outside, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct unpack_options options = {
		.max_unpacked_bytes = 1 << 24, .max_entries = 1000, .names_only = true};
	if (decoder_open(MEDIA_TAR, &one.feed, &decoder, &e) != 0)
		abort();
	if (unpack_tar(decoder, root, &options, &result, &e) == 0) {
		if (result.entries > options.max_entries ||
			result.unpacked_bytes > options.max_unpacked_bytes)
			abort();
		unpack_result_free(&result);
	}
	decoder_close(decoder);
	close(root);
	if (store_remove(outside, "root", &e) != 0)
		abort();
	must_be_empty(outside);
	verified_free(one.bytes);
	return 0;
}
