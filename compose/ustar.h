/* Headers of a tar as POSIX.1-1988 has it (ustar), for archives of a few plain files that are the
 * same bytes whoever writes them: owned by 0:0, of 1970, mode 0644 or of directories 0755. */
#ifndef PLYBOOT_USTAR_H
#define PLYBOOT_USTAR_H

#include <stdint.h>

#include "../layers/tar_field.h"

struct ustar_member {
	const char *prefix;  /* the directory, without a slash at its end; "" for none */
	const char *name;    /* at most 100 bytes; of a directory with a slash at its end */
	uint64_t size_bytes; /* 8 GiB and more are written in GNU's base-256 */
};

/* The header of a file, or of a directory when its name ends in a slash. */
void ustar_header(const struct ustar_member *member, uint8_t out[TAR_BLOCK_BYTES]);

/* Zeros that follow so many bytes of contents, up to the next block. */
static inline size_t ustar_padding(uint64_t size_bytes)
{
	return (size_t)(-size_bytes % TAR_BLOCK_BYTES);
}

#endif
