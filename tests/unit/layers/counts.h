/* What a signer would sign for a tar: entries and bytes, counted by a reading of our own. Of a tar
 * that is damaged it counts what comes before the damage. */
#ifndef PLYBOOT_TEST_COUNTS_H
#define PLYBOOT_TEST_COUNTS_H

#include "bytes.h"

struct counts {
	uint64_t entries, bytes;
};

/* What an extended header says of the entry behind it. */
struct counted_pax {
	uint64_t size, link_bytes, xattr_bytes;
	bool has_size, has_link;
};

/* "user%2ea" is user.a */
static inline size_t percent_decoded_bytes(const char *text, size_t length)
{
	size_t bytes = length;
	for (size_t i = 0; i < length; i++)
		bytes -= text[i] == '%' ? 2 : 0;
	return bytes;
}

static inline void count_record(
	struct counted_pax *pax, const char *key, size_t key_bytes, const char *value, size_t size)
{
	static const char schily[] = "SCHILY.xattr.", other[] = "LIBARCHIVE.xattr.";
	if (key_bytes == 4 && memcmp(key, "size", 4) == 0) {
		pax->has_size = true;
		pax->size = strtoull(value, NULL, 10);
	} else if (key_bytes == 8 && memcmp(key, "linkpath", 8) == 0) {
		pax->has_link = true;
		pax->link_bytes = size;
	} else if (key_bytes > sizeof schily - 1 && memcmp(key, schily, sizeof schily - 1) == 0) {
		pax->xattr_bytes += key_bytes - (sizeof schily - 1) + size;
	} else if (key_bytes > sizeof other - 1 && memcmp(key, other, sizeof other - 1) == 0) {
		/* In base 64 without padding; bsdtar writes each xattr both ways, and both count.
		 */
		pax->xattr_bytes += percent_decoded_bytes(key + sizeof other - 1,
					    key_bytes - (sizeof other - 1)) +
				    size * 3 / 4;
	}
}

static inline void count_pax(struct counted_pax *pax, const uint8_t *body, size_t size)
{
	while (size > 0) {
		const uint8_t *space = memchr(body, ' ', size < 8 ? size : 8);
		size_t length = space == NULL ? 0 : (size_t)strtoull((const char *)body, NULL, 10);
		const uint8_t *equals =
			space == NULL || length > size || body + length <= space
				? NULL
				: memchr(space, '=', (size_t)(body + length - space));
		if (equals == NULL)
			return;
		count_record(pax, (const char *)space + 1, (size_t)(equals - space - 1),
			(const char *)equals + 1, (size_t)(body + length - equals - 2));
		body += length;
		size -= length;
	}
}

static inline void count_entry(struct counts *counts, const struct tar_header *h, uint64_t size,
	const struct counted_pax *pax)
{
	uint64_t link = pax->has_link ? pax->link_bytes : strnlen(h->link, sizeof h->link);
	counts->entries++;
	counts->bytes +=
		(size + 4095) / 4096 * 4096 + (h->type == '2' ? link : 0) + pax->xattr_bytes;
}

static inline struct counts counts_of(const struct bytes *tar)
{
	static const uint8_t zeros[TAR_BLOCK_BYTES];
	struct counts counts = {0};
	struct counted_pax pax = {0};
	for (size_t at = 0; at + TAR_BLOCK_BYTES <= tar->size;) {
		const struct tar_header *h = (const struct tar_header *)(tar->data + at);
		uint64_t size;
		if (memcmp(h, zeros, sizeof *h) == 0 ||
			!tar_field_unsigned(h->size, sizeof h->size, &size))
			break;
		at += TAR_BLOCK_BYTES;
		if (pax.has_size)
			size = pax.size;
		if (size > tar->size - at)
			break;
		if (h->type == 'x') {
			count_pax(&pax, tar->data + at, (size_t)size);
		} else if (h->type == 'K') {
			pax.has_link = true;
			pax.link_bytes = size > 0 ? size - 1 : 0;
		} else if (h->type != 'g' && h->type != 'L') {
			count_entry(&counts, h, size, &pax);
			pax = (struct counted_pax){0};
		}
		at += (size_t)((size + TAR_BLOCK_BYTES - 1) / TAR_BLOCK_BYTES * TAR_BLOCK_BYTES);
	}
	return counts;
}

#endif
