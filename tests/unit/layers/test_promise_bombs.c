/*
 * P19: resources are bounded. Layers that are properly signed and want more than the signature
 * says, or as much as they can, each in a process of its own: refused with its code, within the
 * memory that a piece and a decoder need, a second of CPU time, and no more entries and bytes than
 * are signed for.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include "promise.h"
#include "random.h"
#include "unpacking.h"

enum { MIB = 1 << 20, SIGNED_BYTES = 4 * MIB, SIGNED_ENTRIES = 1000 };

/* What a bomb may take beside its largest piece: a zstd window of 8 MiB and its decoder, an
 * extended header, and the list of directories. */
#ifdef __SANITIZE_ADDRESS__
enum { MEMORY_KIB = 96 * 1024 }; /* it keeps what is freed */
#else
enum { MEMORY_KIB = 24 * 1024 };
#endif

struct bomb {
	const char *name;
	enum error_code code;
	enum media media;
	void (*make)(const struct bomb *self, struct bytes *tar);
	size_t number;
	size_t lie; /* what the table says it decodes to, if not the truth */
};

/* --- making them --------------------------------------------------------------------------------
 */

/* A file of `number` MiB of zeros. */
static void make_zeros(const struct bomb *self, struct bytes *tar)
{
	size_t size = self->number * MIB;
	char *zeros = calloc(1, size);
	if (zeros == NULL)
		abort();
	tar_add(tar, &(struct item){.path = "zeros", .body = zeros, .body_bytes = size});
	tar_end(tar);
	free(zeros);
}

/* `number` entries of one type, each of its own name. */
static void make_entries(const struct bomb *self, struct bytes *tar, char type, const char *prefix)
{
	for (size_t i = 0; i < self->number; i++) {
		char path[64];
		(void)snprintf(path, sizeof path, "%s%zu", prefix, i);
		struct tar_header h = tar_header(path, type, 0);
		if (type == '1' || type == '2')
			tar_text(h.link, sizeof h.link, "first");
		if (type == '3')
			tar_octal(h.minor, sizeof h.minor, 3);
		tar_add_header(tar, h);
	}
	tar_end(tar);
}

static void make_files(const struct bomb *self, struct bytes *tar)
{
	make_entries(self, tar, '0', "d/");
}

static void make_directories(const struct bomb *self, struct bytes *tar)
{
	make_entries(self, tar, '5', "d/");
}

static void make_hard_links(const struct bomb *self, struct bytes *tar)
{
	tar_add(tar, &(struct item){.path = "first", .body = "x"});
	make_entries(self, tar, '1', "h");
}

static void make_devices(const struct bomb *self, struct bytes *tar)
{
	make_entries(self, tar, '3', "c");
}

static void make_whiteouts(const struct bomb *self, struct bytes *tar)
{
	make_entries(self, tar, '0', ".wh.");
}

static void make_aufs(const struct bomb *self, struct bytes *tar)
{
	make_entries(self, tar, '0', ".wh..wh.plnk/");
}

/* The same name again and again: the tree stays small, what is counted doesn't. */
static void make_repeated(const struct bomb *self, struct bytes *tar)
{
	static char page[4096];
	for (size_t i = 0; i < self->number; i++)
		tar_add(tar, &(struct item){.path = "f", .body = page, .body_bytes = sizeof page});
	tar_end(tar);
}

static void make_one_byte_files(const struct bomb *self, struct bytes *tar)
{
	for (size_t i = 0; i < self->number; i++) {
		char path[32];
		(void)snprintf(path, sizeof path, "f%zu", i);
		tar_add(tar, &(struct item){.path = path, .body = "x"});
	}
	tar_end(tar);
}

static void make_xattrs(const struct bomb *self, struct bytes *tar)
{
	static char value[60000];
	for (size_t i = 0; i < self->number; i++) {
		char path[32];
		(void)snprintf(path, sizeof path, "f%zu", i);
		tar_add(tar, &(struct item){.path = path,
				     .xattr = "user.a",
				     .xattr_value = value,
				     .xattr_bytes = sizeof value});
	}
	tar_end(tar);
}

static void make_many_xattrs(const struct bomb *self, struct bytes *tar)
{
	struct bytes pax = {0};
	for (size_t i = 0; i < self->number; i++) {
		char key[48];
		(void)snprintf(key, sizeof key, "SCHILY.xattr.user.%zu", i);
		pax_add(&pax, key, "1", 1);
	}
	tar_add_meta(tar, 'x', pax.data, pax.size);
	tar_add(tar, &(struct item){.path = "f"});
	tar_end(tar);
	bytes_free(&pax);
}

/* An extended header of `number` MiB, of one comment after the other. */
static void make_long_header(const struct bomb *self, struct bytes *tar)
{
	static char comment[60000];
	struct bytes pax = {0};
	memset(comment, 'c', sizeof comment);
	while (pax.size < self->number * MIB)
		pax_add(&pax, "comment", comment, sizeof comment);
	tar_add_meta(tar, 'x', pax.data, pax.size);
	tar_add(tar, &(struct item){.path = "f"});
	tar_end(tar);
	bytes_free(&pax);
}

/* Global headers, each with a comment: no entry at all comes of them, `number` of them. */
static void make_globals(const struct bomb *self, struct bytes *tar)
{
	for (size_t i = 0; i < self->number; i++)
		tar_add_meta(tar, 'g', "13 comment=a\n", 13);
	tar_end(tar);
}

/* Files in one deep directory, which no entry is for: long paths. */
static void make_deep(const struct bomb *self, struct bytes *tar)
{
	char path[4096];
	for (size_t at = 0; at < 4000; at++)
		path[at] = at % 200 == 199 ? '/' : 'd';
	for (size_t i = 0; i < self->number; i++) {
		(void)snprintf(path + 4000, sizeof path - 4000, "%zu", i);
		tar_add(tar, &(struct item){.pax_path = path});
	}
	tar_end(tar);
}

/* Nothing but zeros behind the end, `number` MiB. */
static void make_long_end(const struct bomb *self, struct bytes *tar)
{
	tar_add(tar, &(struct item){.path = "f"});
	uint8_t *zeros = calloc(1, self->number * MIB);
	if (zeros == NULL)
		abort();
	bytes_add(tar, zeros, self->number * MIB);
	free(zeros);
}

/* --- running them -------------------------------------------------------------------------------
 */

/* What the child tells. */
struct outcome {
	int status;
	enum error_code code;
	long kib, cpu_ms;
	char text[ERROR_TEXT_SIZE];
	size_t names;
	uint64_t bytes;
};

/* Names and bytes below a directory, without its own. */
static void measure(int fd, struct outcome *out)
{
	DIR *directory = fdopendir(fd);
	struct stat st;
	for (const struct dirent *entry;
		directory != NULL && (entry = readdir(directory)) != NULL;) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			fstatat(dirfd(directory), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		out->names +=
			S_ISDIR(st.st_mode) ? 0 : 1; /* of directories, only some are entries */
		out->bytes += S_ISREG(st.st_mode) ? (uint64_t)st.st_blocks * 512 / st.st_nlink : 0;
		if (S_ISDIR(st.st_mode))
			measure(openat(dirfd(directory), entry->d_name,
					O_RDONLY | O_DIRECTORY | O_CLOEXEC),
				out);
	}
	if (directory != NULL)
		(void)closedir(directory);
}

static struct outcome unpack_here(struct layer *layer, struct sandbox *sandbox)
{
	struct rusage before, after;
	struct unpack_result result;
	struct error e;
	struct outcome out = {0};
	(void)getrusage(RUSAGE_SELF, &before);
	out.status = unpack_layer(layer, sandbox, false, &result, &e);
	(void)getrusage(RUSAGE_SELF, &after);
	out.code = e.code;
	memcpy(out.text, e.text, sizeof out.text);
	out.kib = after.ru_maxrss - before.ru_maxrss;
	out.cpu_ms = (after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec -
			     before.ru_stime.tv_sec) *
			     1000 +
		     (after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec -
			     before.ru_stime.tv_usec) /
			     1000;
	return out;
}

/* The blob goes to the child by fork; what the parent freed before does not count as the child's.
 */
static bool unpack_in_child(struct layer *layer, struct sandbox *sandbox, struct outcome *out)
{
	int ends[2];
	if (pipe(ends) != 0)
		abort();
	pid_t child = fork();
	if (child == 0) {
		struct outcome here = unpack_here(layer, sandbox);
		_exit(write(ends[1], &here, sizeof here) == sizeof here ? 0 : 1);
	}
	(void)close(ends[1]);
	int status = -1;
	bool told = read(ends[0], out, sizeof *out) == sizeof *out;
	(void)close(ends[0]);
	return waitpid(child, &status, 0) == child && status == 0 && told;
}

static void make_layer(const struct bomb *self, struct layer *layer)
{
	struct bytes tar = {0}, blob = {0};
	self->make(self, &tar);
	if (self->media == MEDIA_TAR_GZIP)
		gzip_add(&blob, tar.data, tar.size, NULL);
	else
		zstd_add(&blob, tar.data, tar.size, NULL);
	layer_cut(layer, self->media, &blob, self->lie > 0 ? self->lie : tar.size, MIB / 4);
	layer->record.unpacked_bytes = SIGNED_BYTES;
	layer->record.entries = SIGNED_ENTRIES;
	bytes_free(&tar);
	bytes_free(&blob);
}

static bool run_bomb(const struct bomb *self)
{
	struct layer layer;
	struct sandbox sandbox;
	struct outcome out = {0};
	make_layer(self, &layer);
	(void)layer_source(&layer);
	sandbox_open(&sandbox);
	bool told = unpack_in_child(&layer, &sandbox, &out);
	if (told)
		measure(dup(sandbox.root_fd), &out);
	bool good = told && out.status == -1 && out.code == self->code && out.kib < MEMORY_KIB &&
		    out.cpu_ms < 1000 && out.names <= SIGNED_ENTRIES && out.bytes <= SIGNED_BYTES &&
		    sandbox_untouched(&sandbox);
	ok(good, "bomb: %s: %s; %ld KiB, %ld ms, %zu names, %llu bytes", self->name,
		error_code_name(out.code), out.kib, out.cpu_ms, out.names,
		(unsigned long long)out.bytes);
	if (!good)
		printf("# %s\n", out.text);
	sandbox_close(&sandbox);
	layer_free(&layer);
	return good;
}

#define GZIP(code) code, MEDIA_TAR_GZIP
#define ZSTD(code) code, MEDIA_TAR_ZSTD

static const struct bomb bombs[] = {
	{"a file of 128 MiB, gzip", GZIP(ERROR_LIMIT), make_zeros, 128, 0},
	{"a file of 128 MiB, zstd", ZSTD(ERROR_LIMIT), make_zeros, 128, 0},
	{"a file one page over, gzip", GZIP(ERROR_LIMIT), make_zeros, 5, 0},
	{"a file of 128 MiB, more than its table says, gzip", GZIP(ERROR_LIMIT), make_zeros, 128,
		4096},
	{"a file of 128 MiB, more than its table says, zstd", ZSTD(ERROR_LIMIT), make_zeros, 128,
		4096},
	{"a table that says 64 GiB, gzip", GZIP(ERROR_STREAM), make_zeros, 3, (size_t)1 << 36},
	{"a table that says 64 GiB, zstd", ZSTD(ERROR_STREAM), make_zeros, 3, (size_t)1 << 36},
	{"100,000 empty files", ZSTD(ERROR_LIMIT), make_files, 100000, 0},
	{"one empty file too many", GZIP(ERROR_LIMIT), make_files, SIGNED_ENTRIES + 1, 0},
	{"100,000 directories", ZSTD(ERROR_LIMIT), make_directories, 100000, 0},
	{"100,000 hard links", ZSTD(ERROR_LIMIT), make_hard_links, 100000, 0},
	{"100,000 devices", ZSTD(ERROR_LIMIT), make_devices, 100000, 0},
	{"100,000 whiteouts", ZSTD(ERROR_LIMIT), make_whiteouts, 100000, 0},
	{"100,000 of AUFS's leftovers", ZSTD(ERROR_LIMIT), make_aufs, 100000, 0},
	{"a file 2,000 times", ZSTD(ERROR_LIMIT), make_repeated, 2000, 0},
	{"a file 1,025 times, gzip", GZIP(ERROR_LIMIT), make_repeated, 1025, 0},
	{"5,000 files of a byte, a page each", ZSTD(ERROR_LIMIT), make_one_byte_files, 5000, 0},
	{"xattrs of 60,000 bytes, 200 of them", ZSTD(ERROR_LIMIT), make_xattrs, 200, 0},
	{"10,000 xattrs of one file", ZSTD(ERROR_LIMIT), make_many_xattrs, 10000, 0},
	{"an extended header of 2 MiB", ZSTD(ERROR_LIMIT), make_long_header, 2, 0},
	{"an extended header of 64 MiB", GZIP(ERROR_LIMIT), make_long_header, 64, 0},
	{"100,000 global headers, no entry", ZSTD(ERROR_TAR), make_globals, 100000, 0},
	{"1,500 paths of 4,000 bytes", ZSTD(ERROR_LIMIT), make_deep, 1500, 0},
	{"64 MiB of zeros behind the end", ZSTD(ERROR_SIZE), make_long_end, 64, 0},
};

int main(void)
{
	if (!have_root())
		return 0;
	unsigned long failures = 0, count = sizeof bombs / sizeof *bombs;
	for (size_t i = 0; i < count; i++)
		failures += !run_bomb(&bombs[i]);
	promise_result("P19", count, "bombs", failures);
	return done();
}
