/* Reading a file that may be compressed: plain, gzip or zstd, known by its first bytes. For what
 * the command takes in; what it gives out is read by the engine, as /init would. */
#ifndef PLYBOOT_UNZIP_H
#define PLYBOOT_UNZIP_H

#include <stddef.h>
#include <stdint.h>

#include "../layers/stack.h"

struct unzip;

/* What a file's first bytes, at best 4 of them, say that it is; a tar if it is neither of the other
 * two. */
enum media unzip_media(const uint8_t *bytes, size_t size_bytes);

/* Reads from `fd`, which stays the caller's. */
int unzip_open(int fd, struct unzip **out, struct error *e);

/* The same of bytes in memory, which must stay, and of one gzip member or zstd frame alone, as the
 * kernel takes an initramfs. */
int unzip_open_one(const uint8_t *bytes, size_t size_bytes, struct unzip **out, struct error *e);

/* So many bytes of the input were taken; at the end of one alone, those that it has. */
size_t unzip_taken(const struct unzip *unzip);

/* Up to `capacity` bytes; `*got` is 0 at the end only. ERROR_STREAM: damaged or cut. ERROR_IO. */
int unzip_read(struct unzip *unzip, uint8_t *to, size_t capacity, size_t *got, struct error *e);

void unzip_close(struct unzip *inflate);

#endif
