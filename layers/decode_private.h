/* What stands behind a decoder: decode.c has those of the caller's thread, parallel.c that of all
 * CPUs. */
#ifndef PLYBOOT_DECODE_PRIVATE_H
#define PLYBOOT_DECODE_PRIVATE_H

#include "decode.h"

struct decoder_ops {
	int (*read)(
		struct decoder *decoder, const uint8_t **data, size_t *size_bytes, struct error *e);
	void (*close)(struct decoder *decoder);
};

/* The beginning of each. */
struct decoder {
	const struct decoder_ops *ops;
};

#endif
