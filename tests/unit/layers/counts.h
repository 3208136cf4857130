/* What a signer would sign for a tar: entries, with the directories that they imply, and bytes,
 * counted by a reading of our own. Of a tar that is damaged it counts what comes before the damage.
 */
#ifndef PLYBOOT_TEST_COUNTS_H
#define PLYBOOT_TEST_COUNTS_H

#include <stdbool.h>

#include "bytes.h"

struct counts {
	uint64_t entries, bytes;
};

/* The directories that there are so far, as normal paths. */
struct counted_directories {
	char **paths; /* owned */
	size_t count;
};

static inline size_t find_directory(const struct counted_directories *list, const char *path)
{
	size_t at = list->count; /* the newest first: that is where the next file lies */
	while (at > 0 && strcmp(list->paths[at - 1], path) != 0)
		at--;
	return at;
}

static inline void add_directory(struct counted_directories *list, const char *path)
{
	if (find_directory(list, path) > 0)
		return;
	list->paths = reallocarray(list->paths, list->count + 1, sizeof *list->paths);
	if (list->paths == NULL)
		abort();
	list->paths[list->count++] = strdup(path);
}

static inline void drop_directory(struct counted_directories *list, const char *path)
{
	size_t at = find_directory(list, path);
	if (at > 0) {
		free(list->paths[at - 1]);
		list->paths[at - 1] = list->paths[--list->count];
	}
}

/* Those on the way to an entry are made when they are not there; the entry itself is one, or takes
 * its place. */
static inline void count_path(
	struct counts *counts, struct counted_directories *list, const char *raw, bool directory)
{
	char *path = strdup(raw), *normal = calloc(1, strlen(raw) + 2), *rest = NULL;
	if (path == NULL || normal == NULL)
		abort();
	bool from_aufs = (strstr(raw, ".wh..wh.") != NULL && strstr(raw, ".wh..wh..opq") == NULL);
	for (char *part = strtok_r(path, "/", &rest); part != NULL && !from_aufs;) {
		char *next = strtok_r(NULL, "/", &rest);
		if (strcmp(part, ".") != 0) {
			(void)strcat(strcat(normal, normal[0] != '\0' ? "/" : ""), part);
			if (next != NULL && find_directory(list, normal) == 0)
				counts->entries++;
			if (next != NULL || directory)
				add_directory(list, normal);
			else
				drop_directory(list, normal);
		}
		part = next;
	}
	free(path);
	free(normal);
}

/* What an extended header says of the entry behind it. */
struct counted_pax {
	uint64_t size, link_bytes, xattr_bytes;
	bool has_size, has_link;
	char *path; /* owned */
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
	} else if (key_bytes == 4 && memcmp(key, "path", 4) == 0) {
		free(pax->path);
		pax->path = strndup(value, size);
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

static inline void count_entry(struct counts *counts, struct counted_directories *directories,
	const struct tar_header *h, uint64_t size, const struct counted_pax *pax)
{
	uint64_t link = pax->has_link ? pax->link_bytes : strnlen(h->link, sizeof h->link);
	char name[sizeof h->prefix + sizeof h->name + 2];
	bool prefixed = h->magic[5] == '\0' && h->prefix[0] != '\0';
	(void)snprintf(name, sizeof name, "%.*s%s%.*s", prefixed ? (int)sizeof h->prefix : 0,
		h->prefix, prefixed ? "/" : "", (int)sizeof h->name, h->name);
	counts->entries++;
	counts->bytes +=
		(size + 4095) / 4096 * 4096 + (h->type == '2' ? link : 0) + pax->xattr_bytes;
	count_path(counts, directories, pax->path != NULL ? pax->path : name, h->type == '5');
}

static inline struct counts counts_of(const struct bytes *tar)
{
	static const uint8_t zeros[TAR_BLOCK_BYTES];
	struct counts counts = {0};
	struct counted_pax pax = {0};
	struct counted_directories directories = {0};
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
		} else if (h->type == 'L') {
			free(pax.path);
			pax.path = strndup((const char *)tar->data + at, (size_t)size);
		} else if (h->type != 'g') {
			count_entry(&counts, &directories, h, size, &pax);
			free(pax.path);
			pax = (struct counted_pax){0};
		}
		at += (size_t)((size + TAR_BLOCK_BYTES - 1) / TAR_BLOCK_BYTES * TAR_BLOCK_BYTES);
	}
	free(pax.path);
	while (directories.count > 0)
		free(directories.paths[--directories.count]);
	free(directories.paths);
	return counts;
}

#endif
