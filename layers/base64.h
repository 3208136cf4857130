/* Base 64 (RFC 4648 section 4), canonical only: padded, no white space, unused bits zero. */
#ifndef PLYBOOT_BASE64_H
#define PLYBOOT_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BASE64_LENGTH(bytes) (((bytes) + 2) / 3 * 4)

/* `out` takes BASE64_LENGTH(size) characters and a NUL. */
void base64_encode(const uint8_t *data, size_t size_bytes, char *out);

/* Decode `length` characters that must stand for exactly `size_bytes` bytes. False for anything
 * that base64_encode would not have written; `out` may then hold part of it. */
bool base64_decode(const char *text, size_t length, uint8_t *out, size_t size_bytes);

#endif
