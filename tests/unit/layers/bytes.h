/* Growing buffers, and tars, gzip and zstd in them, as raw as a test wants them. */
#ifndef PLYBOOT_TEST_BYTES_H
#define PLYBOOT_TEST_BYTES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>
#include <zstd.h>

#include "layers/tar_field.h"

struct bytes {
	uint8_t *data; /* owned */
	size_t size, capacity;
};

static inline void bytes_add(struct bytes *bytes, const void *data, size_t size)
{
	if (bytes->size + size > bytes->capacity) {
		bytes->capacity = (bytes->size + size) * 2;
		bytes->data = realloc(bytes->data, bytes->capacity);
		if (bytes->data == NULL)
			abort();
	}
	if (size > 0)
		memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

static inline void bytes_fill(struct bytes *bytes, int value, size_t size)
{
	const uint8_t byte = (uint8_t)value;
	for (size_t i = 0; i < size; i++)
		bytes_add(bytes, &byte, 1);
}

static inline void bytes_free(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){0};
}

/* --- tar ----------------------------------------------------------------------------------------
 */

/* One entry; what is zero has a harmless default. */
struct item {
	const char *path;
	char type; /* '0' when left out */
	unsigned mode, uid, gid;
	int64_t mtime;
	unsigned major, minor;
	const char *link, *body;
	size_t body_bytes; /* strlen(body) when left out */
	/* a pax header in front, when any of these is there */
	const char *pax_path, *pax_link, *pax_mtime;
	const char *xattr;
	const void *xattr_value;
	size_t xattr_bytes;
	const char *pax_raw; /* records as they are */
};

static inline void tar_octal(char *field, size_t length, uint64_t value)
{
	for (size_t at = length - 1; at-- > 0; value >>= 3)
		field[at] = (char)('0' + (value & 7));
	field[length - 1] = '\0';
}

static inline void tar_seal(struct tar_header *h)
{
	memset(h->checksum, ' ', sizeof h->checksum);
	unsigned sum = 0;
	for (size_t i = 0; i < sizeof *h; i++)
		sum += ((const uint8_t *)h)[i];
	tar_octal(h->checksum, 7, sum);
}

static inline void tar_text(char *field, size_t length, const char *text)
{
	size_t size = strlen(text);
	memcpy(field, text, size < length ? size : length);
}

static inline struct tar_header tar_header(const char *path, char type, uint64_t size)
{
	struct tar_header h = {.type = type};
	tar_text(h.name, sizeof h.name, path);
	tar_octal(h.mode, sizeof h.mode, type == '5' ? 0755 : 0644);
	tar_octal(h.uid, sizeof h.uid, 0);
	tar_octal(h.gid, sizeof h.gid, 0);
	tar_octal(h.size, sizeof h.size, size);
	tar_octal(h.mtime, sizeof h.mtime, 0);
	tar_octal(h.major, sizeof h.major, 0);
	tar_octal(h.minor, sizeof h.minor, 0);
	memcpy(h.magic, "ustar\00000", 8);
	return h;
}

/* A header with its checksum made right. */
static inline void tar_add_header(struct bytes *tar, struct tar_header h)
{
	tar_seal(&h);
	bytes_add(tar, &h, sizeof h);
}

static inline void tar_add_body(struct bytes *tar, const void *data, size_t size)
{
	bytes_add(tar, data, size);
	bytes_fill(tar, 0, (TAR_BLOCK_BYTES - size % TAR_BLOCK_BYTES) % TAR_BLOCK_BYTES);
}

/* x, g, L or K. */
static inline void tar_add_meta(struct bytes *tar, char type, const void *body, size_t size)
{
	tar_add_header(tar, tar_header("././@meta", type, size));
	tar_add_body(tar, body, size);
}

static inline void tar_add_long(struct bytes *tar, char type, const char *name)
{
	struct tar_header h = tar_header("././@LongLink", type, strlen(name) + 1);
	memcpy(h.magic, "ustar  ", 8);
	tar_add_header(tar, h);
	tar_add_body(tar, name, strlen(name) + 1);
}

static inline void pax_add(struct bytes *pax, const char *key, const void *value, size_t value_size)
{
	size_t rest = 1 + strlen(key) + 1 + value_size + 1, length = rest + 1;
	char digits[24];
	while (length != rest + (size_t)snprintf(digits, sizeof digits, "%zu", length))
		length++;
	bytes_add(pax, digits, strlen(digits));
	bytes_add(pax, " ", 1);
	bytes_add(pax, key, strlen(key));
	bytes_add(pax, "=", 1);
	bytes_add(pax, value, value_size);
	bytes_add(pax, "\n", 1);
}

static inline void item_pax(const struct item *item, struct bytes *pax)
{
	if (item->pax_path != NULL)
		pax_add(pax, "path", item->pax_path, strlen(item->pax_path));
	if (item->pax_link != NULL)
		pax_add(pax, "linkpath", item->pax_link, strlen(item->pax_link));
	if (item->pax_mtime != NULL)
		pax_add(pax, "mtime", item->pax_mtime, strlen(item->pax_mtime));
	if (item->xattr != NULL) {
		char key[1024];
		(void)snprintf(key, sizeof key, "SCHILY.xattr.%s", item->xattr);
		pax_add(pax, key, item->xattr_value, item->xattr_bytes);
	}
	if (item->pax_raw != NULL)
		bytes_add(pax, item->pax_raw, strlen(item->pax_raw));
}

static inline void tar_add(struct bytes *tar, const struct item *item)
{
	struct bytes pax = {0};
	item_pax(item, &pax);
	if (pax.size > 0)
		tar_add_meta(tar, 'x', pax.data, pax.size);
	bytes_free(&pax);

	size_t size = item->body == NULL     ? 0
		      : item->body_bytes > 0 ? item->body_bytes
					     : strlen(item->body);
	char type = item->type == '\0' ? '0' : item->type;
	struct tar_header h = tar_header(item->path != NULL ? item->path : "x", type, size);
	if (item->mode != 0)
		tar_octal(h.mode, sizeof h.mode, item->mode);
	tar_octal(h.uid, sizeof h.uid, item->uid);
	tar_octal(h.gid, sizeof h.gid, item->gid);
	if (item->mtime >= 0)
		tar_octal(h.mtime, sizeof h.mtime, (uint64_t)item->mtime);
	tar_octal(h.major, sizeof h.major, item->major);
	tar_octal(h.minor, sizeof h.minor, item->minor);
	if (item->link != NULL)
		tar_text(h.link, sizeof h.link, item->link);
	tar_add_header(tar, h);
	tar_add_body(tar, item->body, size);
}

/* Everything up to the first item without path and pax path. */
static inline void tar_add_all(struct bytes *tar, const struct item *items)
{
	for (; items->path != NULL || items->pax_path != NULL; items++)
		tar_add(tar, items);
}

static inline void tar_end(struct bytes *tar)
{
	bytes_fill(tar, 0, 2 * TAR_BLOCK_BYTES);
}

/* --- compression --------------------------------------------------------------------------------
 */

/* One gzip member, appended; `header` may be NULL. */
static inline void gzip_add(struct bytes *out, const void *data, size_t size, gz_header *header)
{
	z_stream stream = {0};
	if (deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
		(header != NULL && deflateSetHeader(&stream, header) != Z_OK))
		abort();
	uint8_t buffer[4096];
	stream.next_in = (uint8_t *)data;
	stream.avail_in = (uInt)size;
	int status;
	do {
		stream.next_out = buffer;
		stream.avail_out = sizeof buffer;
		status = deflate(&stream, Z_FINISH);
		bytes_add(out, buffer, sizeof buffer - stream.avail_out);
	} while (status == Z_OK);
	(void)deflateEnd(&stream);
}

struct zstd_how {
	int window_log;
	const void *dictionary;
	size_t dictionary_bytes;
};

/* One zstd frame with a checksum, appended; `how` may be NULL. */
static inline void zstd_add(
	struct bytes *out, const void *data, size_t size, const struct zstd_how *how)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t room = ZSTD_compressBound(size);
	uint8_t *buffer = malloc(room);
	if (context == NULL || buffer == NULL)
		abort();
	(void)ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	if (how != NULL && how->window_log > 0) {
		(void)ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, how->window_log);
		(void)ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
	}
	if (how != NULL && how->dictionary != NULL)
		(void)ZSTD_CCtx_loadDictionary(context, how->dictionary, how->dictionary_bytes);
	ZSTD_inBuffer in = {data, size, 0};
	ZSTD_outBuffer to = {buffer, room, 0};
	/* Twice, so that zstd does not learn the size and shrink the window. */
	(void)ZSTD_compressStream2(context, &to, &in, ZSTD_e_continue);
	if (ZSTD_compressStream2(context, &to, &in, ZSTD_e_end) != 0)
		abort();
	bytes_add(out, buffer, to.pos);
	free(buffer);
	(void)ZSTD_freeCCtx(context);
}

#endif
