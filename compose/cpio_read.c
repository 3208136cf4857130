#include "cpio_read.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER_BYTES = 110, PATH_BYTES = 4096, MOST = 200000 };

/* Eight hex digits; false when they are not. */
static bool get_hex(const uint8_t *text, uint32_t *out)
{
	uint32_t value = 0;
	for (unsigned i = 0; i < 8; i++) {
		static const char digits[] = "0123456789abcdef";
		int c = text[i] >= 'A' && text[i] <= 'F' ? text[i] - 'A' + 'a' : text[i];
		const char *found = c != 0 ? strchr(digits, c) : NULL;
		if (found == NULL)
			return false;
		value = value << 4 | (uint32_t)(found - digits);
	}
	*out = value;
	return true;
}

static const char *bare(const char *path)
{
	for (;;) {
		if (path[0] == '/')
			path++;
		else if (path[0] == '.' && path[1] == '/')
			path += 2;
		else
			return path;
	}
}

static int add(struct cpio_members *members, const char *path, uint32_t mode, const uint8_t *data,
	size_t size_bytes, struct error *e)
{
	if (members->count == MOST)
		return error_set(e, ERROR_LIMIT, 0, "over %d files", MOST);
	if (members->count == members->capacity) {
		size_t capacity = members->capacity == 0 ? 64 : members->capacity * 2;
		struct cpio_member *items = reallocarray(members->items, capacity, sizeof *items);
		if (items == NULL)
			return error_set(e, ERROR_NOSPACE, 0, "no memory");
		members->items = items;
		members->capacity = capacity;
	}
	char *copy = strdup(bare(path));
	if (copy == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	members->items[members->count++] = (struct cpio_member){
		.path = copy, .mode = mode, .data = data, .size_bytes = size_bytes};
	return 0;
}

/* Up to the next multiple of four, or the end: the last archive may be cut there. */
static size_t aligned(size_t at, size_t size_bytes)
{
	size_t up = (at + 3) & ~(size_t)3;
	return up < size_bytes ? up : size_bytes;
}

/* One member, or the end of an archive. `*at` is moved behind it. */
static int read_member(const uint8_t *bytes, size_t size_bytes, size_t *at,
	struct cpio_members *members, struct error *e)
{
	uint32_t mode, size, name_size;
	size_t start = *at;
	const uint8_t *header = bytes + start;
	if (size_bytes - start < HEADER_BYTES || !get_hex(header + 14, &mode) ||
		!get_hex(header + 54, &size) || !get_hex(header + 94, &name_size))
		return error_set(e, ERROR_FORMAT, 0, "no cpio header at byte %zu", start);
	size_t left = size_bytes - start - HEADER_BYTES;
	if (name_size < 1 || name_size > PATH_BYTES || name_size > left ||
		memchr(header + HEADER_BYTES, '\0', name_size) !=
			header + HEADER_BYTES + name_size - 1)
		return error_set(e, ERROR_FORMAT, 0, "a bad name in the cpio at byte %zu", start);
	const char *name = (const char *)header + HEADER_BYTES;
	size_t data = aligned(start + HEADER_BYTES + name_size, size_bytes);
	if (size > size_bytes - data)
		return error_set(e, ERROR_FORMAT, 0, "the cpio ends within %.100s", name);
	*at = aligned(data + size, size_bytes);
	if (strcmp(name, "TRAILER!!!") == 0)
		return 0;
	return add(members, name, mode, bytes + data, size, e);
}

static bool is_archive(const uint8_t *bytes, size_t size_bytes, size_t at)
{
	/* init/initramfs.c: `*buf == '0' && !(this_header & 3)` */
	return at % 4 == 0 && size_bytes - at >= 6 && memcmp(bytes + at, "07070", 5) == 0 &&
	       (bytes[at + 5] == '1' || bytes[at + 5] == '2');
}

int cpio_read(const uint8_t *bytes, size_t size_bytes, size_t *at, struct cpio_members *members,
	struct error *e)
{
	size_t now = *at;
	while (now < size_bytes) {
		if (bytes[now] == 0)
			now++;
		else if (!is_archive(bytes, size_bytes, now))
			break;
		else if (read_member(bytes, size_bytes, &now, members, e) != 0)
			return -1;
	}
	*at = now;
	return 0;
}

const struct cpio_member *cpio_members_find(const struct cpio_members *members, const char *path)
{
	for (size_t i = members->count; i-- > 0;) {
		if (strcmp(members->items[i].path, bare(path)) == 0)
			return &members->items[i];
	}
	return NULL;
}

void cpio_members_free(struct cpio_members *members)
{
	for (size_t i = 0; i < members->count; i++)
		free(members->items[i].path);
	free(members->items);
	*members = (struct cpio_members){0};
}
