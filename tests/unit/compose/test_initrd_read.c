/* An initramfs as the kernel takes it: archives that are plain, compressed, or can't be read. */
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "compose/initrd_read.h"
#include "newc.h"
#include "tap.h"

static uint8_t file[65536];
static size_t size, most_bytes = INITRD_MAX_BYTES;

static void put(const void *bytes, size_t size_bytes)
{
	memcpy(file + size, bytes, size_bytes);
	size += size_bytes;
}

static struct newc newc_of(const char *path)
{
	struct newc newc = {.size = 0};
	newc_add(&newc, path, "content");
	newc_add(&newc, "TRAILER!!!", "");
	return newc;
}

static void put_plain(const char *path)
{
	struct newc newc = newc_of(path);
	put(newc.text, newc.size);
}

static void put_gzip_of(const void *bytes, size_t size_bytes)
{
	z_stream stream = {.next_in = (uint8_t *)(uintptr_t)bytes,
		.avail_in = (uInt)size_bytes,
		.next_out = file + size,
		.avail_out = (uInt)(sizeof file - size)};
	ok(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK &&
			deflate(&stream, Z_FINISH) == Z_STREAM_END,
		"gzip");
	size += stream.total_out;
	(void)deflateEnd(&stream);
}

static void put_gzip(const char *path)
{
	struct newc newc = newc_of(path);
	put_gzip_of(newc.text, newc.size);
}

static void put_zstd(const char *path)
{
	struct newc newc = newc_of(path);
	size_t made = ZSTD_compress(file + size, sizeof file - size, newc.text, newc.size, 3);
	ok(!ZSTD_isError(made), "zstd");
	size += made;
}

/* Up to the next multiple of four and `more`. */
static void put_zeros(size_t more)
{
	static const uint8_t zeros[64];
	put(zeros, (4 - size % 4) % 4 + more);
}

/* The paths that are found, one after another; the error's name where it is refused. */
static const char *found(size_t *unread_at, bool *hides)
{
	static char text[256];
	uint8_t *copy = malloc(size > 0 ? size : 1); /* so that the sanitizer sees the end */
	struct initrd initrd;
	struct error e = {0};
	text[0] = '\0';
	memcpy(copy, file, size);
	if (initrd_read(copy, size, most_bytes, &initrd, &e) == 0) {
		for (size_t i = 0; i < initrd.members.count; i++) {
			const struct cpio_member *member = &initrd.members.items[i];
			size_t used = strlen(text);
			(void)snprintf(text + used, sizeof text - used, "%s%s", used > 0 ? " " : "",
				member->path);
			if (member->size_bytes != 7 || memcmp(member->data, "content", 7) != 0)
				(void)strcpy(text, "damaged");
		}
	} else {
		(void)snprintf(text, sizeof text, "%s", error_code_name(e.code));
	}
	*unread_at = initrd.unread_at;
	*hides = initrd.hides;
	initrd_free(&initrd);
	free(copy);
	return text;
}

static void reads(const char *wanted, const char *name)
{
	size_t unread_at;
	bool hides;
	is_str(found(&unread_at, &hides), wanted, "%s", name);
	ok(unread_at == size && !hides, "... and all of it");
	size = 0;
}

static void leaves(size_t from, bool wanted, const char *paths, const char *name)
{
	size_t unread_at;
	bool hides;
	is_str(found(&unread_at, &hides), paths, "%s", name);
	is_int((long long)unread_at, (long long)from, "... up to there");
	is_int(hides, wanted, wanted ? "... which hides something" : "... which hides nothing");
	size = 0;
}

static void refuses(const char *code, const char *name)
{
	size_t unread_at;
	bool hides;
	is_str(found(&unread_at, &hides), code, "%s", name);
	size = 0;
}

static void test_whole(void)
{
	put_plain("a");
	put_gzip("b");
	put_zstd("c");
	put_zeros(8);
	put_plain("d");
	put_gzip("e");
	reads("a b c d e", "of each kind, one after another");
	put_gzip("a");
	put_gzip("b");
	put_zeros(1);
	reads("a b", "two by gzip, and zeros to the end");
	for (unsigned i = 0; i < INITRD_COMPRESSED; i++)
		put_zstd("x");
	reads("x x x x x x x x x x x x x x x x", "so many that are compressed");
}

static void test_unread(void)
{
	size_t at;
	put_plain("a");
	at = size;
	put("\xfd"
	    "7zXZ",
		6);
	put_plain("b");
	leaves(at, true, "a", "one by xz");
	put("BZh9", 4);
	leaves(0, true, "", "one by bzip2, alone");
	put_gzip("a");
	at = size;
	put("rest", 4);
	leaves(at, false, "a", "something else");
	put_gzip("a");
	put_zeros(2);
	at = size;
	put_plain("b");
	leaves(at, false, "a", "an archive at no multiple of four");
	for (unsigned i = 0; i < INITRD_COMPRESSED; i++)
		put_zstd("x");
	at = size;
	put_zstd("y");
	leaves(at, true, "x x x x x x x x x x x x x x x x", "one more that is compressed");
}

static void test_refused(void)
{
	refuses("FORMAT", "nothing");
	put("something", 9);
	refuses("FORMAT", "something else alone");
	put_zeros(16);
	refuses("FORMAT", "zeros");
	put_plain("a");
	put_gzip("b");
	size -= 9;
	refuses("STREAM", "a gzip that is cut");
	put_plain("a");
	put_zstd("b");
	size--;
	refuses("STREAM", "a zstd that is cut");
	put_plain("a");
	put_gzip("b");
	file[size - 5] ^= 1;
	refuses("STREAM", "a gzip with another check sum");
	put_plain("a");
	put_gzip_of("no archive", 10);
	refuses("FORMAT", "a gzip of something else");
	struct newc newc = newc_of("a");
	put_gzip_of(newc.text, 100);
	refuses("FORMAT", "a gzip of an archive that is cut");
	put_plain("a");
	size -= 150;
	refuses("FORMAT", "an archive that is cut");
}

/* What is compressed may come to so much together, plain ones not counted. */
static void test_too_much(void)
{
	struct newc newc = newc_of("a");
	put_plain("p");
	size_t first = size;
	put_gzip("a");
	put_zeros(0);
	size_t second = size;
	put_zstd("b");
	most_bytes = 2 * newc.size;
	reads("p a b", "as much as may be unpacked");
	put_plain("p");
	put_gzip("a");
	put_zeros(0);
	put_zstd("b");
	most_bytes = 2 * newc.size - 1;
	leaves(second, true, "p a", "one byte more");
	put_plain("p");
	put_gzip("a");
	most_bytes = newc.size - 1;
	leaves(first, true, "p", "in one");
	static uint8_t zeros[200000];
	put_plain("p");
	put_gzip_of(zeros, sizeof zeros);
	most_bytes = 100000;
	leaves(first, true, "p", "in a later part of one");
	most_bytes = INITRD_MAX_BYTES;
}

/* Each that Linux can unpack and this can't hides what is in it; half of a mark does not. */
static void test_marks(void)
{
	static const char *const others[] = {"BZ", "\x1f\x9e", "\xfd\x37", "\x89L", "\x02!"};
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		put_plain("a");
		size_t at = size;
		put(others[i], 2);
		leaves(at, true, "a", "one by something else");
		put_plain("a");
		put(others[i], 1);
		put("?", 1);
		leaves(at, false, "a", "half of its mark");
		put_plain("a");
		put(others[i], 1);
		leaves(at, false, "a", "its first byte alone");
	}
	put_plain("a");
	size_t at = size;
	put("\x5d", 2);
	leaves(at, true, "a", "one by lzma");
	put("\x28\xb5something", 11);
	refuses("FORMAT", "half of zstd's mark");
	put("\x1f\x8b", 2);
	refuses("STREAM", "gzip's mark alone");
	put_plain("a");
	put_gzip_of("", 0);
	reads("a", "a gzip of nothing");
	put_gzip_of("", 0);
	refuses("FORMAT", "and nothing else");
	struct newc newc = newc_of("a");
	memset(newc.text + newc.size, 0, 8);
	put_gzip_of(newc.text, newc.size + 8);
	reads("a", "zeros at the end of what is compressed");
	memcpy(newc.text + newc.size, "rest", 4);
	put_gzip_of(newc.text, newc.size + 4);
	refuses("FORMAT", "something else at the end of what is compressed");
}

int main(void)
{
	test_too_much();
	test_marks();
	test_whole();
	test_unread();
	test_refused();
	return done();
}
