/*
 * Mutations that leave a tar a tar, for the targets that read one: libFuzzer's own seldom get past
 * the first header. Half of the time libFuzzer's do follow, or come alone.
 */
#ifndef PLYBOOT_FUZZ_TAR_MUTATOR_H
#define PLYBOOT_FUZZ_TAR_MUTATOR_H

#include <stdbool.h>

#include "must.h"
#include "random.h"
#include "tar_field.h"

/* Of libFuzzer; not there when a stored corpus is run without it, and then nothing calls this. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

struct mutation {
	uint8_t *data;
	size_t size, max_size;
	uint64_t random;
};

static inline bool is_tar_header(const uint8_t *block)
{
	return memcmp(block + 257, "ustar", 5) == 0;
}

/* Where the n-th header is found, counted round; SIZE_MAX when there is none. */
static inline size_t find_tar_header(const struct mutation *m, uint64_t n)
{
	size_t count = 0;
	for (size_t at = 0; at + TAR_BLOCK_BYTES <= m->size; at += TAR_BLOCK_BYTES)
		count += is_tar_header(m->data + at);
	if (count == 0)
		return SIZE_MAX;
	n %= count;
	for (size_t at = 0;; at += TAR_BLOCK_BYTES)
		if (is_tar_header(m->data + at) && n-- == 0)
			return at;
}

/* A header and what follows, through the block before the next header. */
static inline size_t tar_member_bytes(const struct mutation *m, size_t at)
{
	size_t end = at + TAR_BLOCK_BYTES;
	while (end + TAR_BLOCK_BYTES <= m->size && !is_tar_header(m->data + end))
		end += TAR_BLOCK_BYTES;
	return end - at;
}

static inline void insert_bytes(struct mutation *m, size_t at, const void *bytes, size_t size)
{
	if (m->size + size > m->max_size)
		return;
	memmove(m->data + at + size, m->data + at, m->size - at);
	memcpy(m->data + at, bytes, size);
	m->size += size;
}

static inline void remove_bytes(struct mutation *m, size_t at, size_t size)
{
	memmove(m->data + at, m->data + at + size, m->size - at - size);
	m->size -= size;
}

/* --- the mutations; `at` is where a header is */

static inline void mutate_type(struct mutation *m, size_t at)
{
	static const char types[] = "0123456012345601234567xgLKSVMDN\0";
	m->data[at + 156] = (uint8_t)types[random_below(&m->random, sizeof types)];
}

static inline void mutate_field(struct mutation *m, size_t at)
{
	static const struct {
		unsigned short offset, length;
	} fields[] = {{0, 100}, {100, 8}, {108, 8}, {116, 8}, {124, 12}, {136, 12}, {157, 100},
		{257, 8}, {329, 8}, {337, 8}, {345, 155}};
	size_t i = random_below(&m->random, sizeof fields / sizeof fields[0]);
	uint8_t field[160] = {0};
	memcpy(field, m->data + at + fields[i].offset, fields[i].length);
	(void)LLVMFuzzerMutate(field, strnlen((char *)field, fields[i].length), fields[i].length);
	memcpy(m->data + at + fields[i].offset, field, fields[i].length);
}

/* Names that mean something to somebody. */
static inline void mutate_name(struct mutation *m, size_t at)
{
	static const char *const names[] = {"a", "b", "a/b", "a/b/c", "./", "./a/",
		"../work/beside", "a/../../b", "/canary/file", "/canary", ".wh.a", "a/.wh.b",
		".wh..wh..opq", "a/.wh..wh..opq", ".wh..wh.plnk/x", ".wh.", "", "/", "a/"};
	const char *name = names[random_below(&m->random, sizeof names / sizeof names[0])];
	uint8_t *field = m->data + at + (random_below(&m->random, 3) == 0 ? 157 : 0);
	memset(field, 0, 100);
	memcpy(field, name, strlen(name));
}

static inline void mutate_size(struct mutation *m, size_t at)
{
	char text[13];
	(void)snprintf(text, sizeof text, "%011o", (unsigned)random_below(&m->random, 1600));
	memcpy(m->data + at + 124, text, 12);
}

static inline void duplicate_member(struct mutation *m, size_t at)
{
	size_t size = tar_member_bytes(m, at);
	size_t to = find_tar_header(m, random_u64(&m->random));
	uint8_t *copy = must_copy(m->data + at, size);
	insert_bytes(m, to, copy, size);
	free(copy);
}

static inline void remove_member(struct mutation *m, size_t at)
{
	remove_bytes(m, at, tar_member_bytes(m, at));
}

/* An x header in front, with one record of a length that is right. */
static inline void insert_pax(struct mutation *m, size_t at)
{
	static const char *const records[] = {"11 path=a/\n", "9 path=a\n", "14 path=a/b/c\n",
		"13 linkpath=a\n", "21 mtime=-1.123456789\n", "9 size=5\n", "9 size=0\n",
		"10 uid=500\n", "24 SCHILY.xattr.user.x=y\n", "27 SCHILY.xattr.trusted.x=y\n",
		"33 SCHILY.xattr.user.overlay.x=y\n", "20 hdrcharset=BINARY\n", "13 comment=c\n",
		"22 GNU.sparse.major=1\n", "26 LIBARCHIVE.xattr.u=YQo\n", "18 path=/canary/x\n"};
	const char *record = records[random_below(&m->random, sizeof records / sizeof records[0])];
	uint8_t blocks[2 * TAR_BLOCK_BYTES] = {0};
	(void)snprintf((char *)blocks, 100, "x");
	(void)snprintf((char *)blocks + 100, 8, "0000644");
	(void)snprintf((char *)blocks + 124, 12, "%011o", (unsigned)strlen(record));
	blocks[156] = random_below(&m->random, 16) == 0 ? 'g' : 'x';
	memcpy(blocks + 257, "ustar\00000", 8);
	memcpy(blocks + TAR_BLOCK_BYTES, record, strlen(record));
	insert_bytes(m, at, blocks, sizeof blocks);
}

/* libFuzzer's, in the body alone; its size stays. */
static inline void mutate_body(struct mutation *m, size_t at)
{
	size_t body = at + TAR_BLOCK_BYTES, size = tar_member_bytes(m, at) - TAR_BLOCK_BYTES;
	size_t used = strnlen((char *)m->data + body, size);
	if (used > 0)
		(void)LLVMFuzzerMutate(m->data + body, used, size);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	static void (*const mutations[])(struct mutation * m, size_t at) = {mutate_type,
		mutate_field, mutate_field, mutate_name, mutate_name, mutate_size, duplicate_member,
		remove_member, insert_pax, mutate_body, mutate_body};
	struct mutation m = {.data = data, .size = size, .max_size = max_size, .random = seed};
	uint64_t rounds = random_below(&m.random, 4);
	for (uint64_t i = 0; i < rounds; i++) {
		size_t at = find_tar_header(&m, random_u64(&m.random));
		if (at == SIZE_MAX)
			break;
		mutations[random_below(&m.random, sizeof mutations / sizeof mutations[0])](&m, at);
	}
	if (rounds == 0 || m.size == 0 || random_below(&m.random, 8) == 0)
		m.size = LLVMFuzzerMutate(m.data, m.size, max_size);
	return m.size;
}

#endif
