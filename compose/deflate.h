/* Whole buffers, compressed the same way every time. */
#ifndef PLYBOOT_DEFLATE_H
#define PLYBOOT_DEFLATE_H

#include "bytes.h"

/* Replace what is in `bytes`. "none" leaves it; "gzip" is level 9, "zstd" level 19. */
int deflate_bytes(struct bytes *bytes, const char *how, struct error *e);

#endif
