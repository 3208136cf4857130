/* See verified.h: who includes this can vouch for bytes. */
#ifndef PLYBOOT_VERIFIED_PRIVATE_H
#define PLYBOOT_VERIFIED_PRIVATE_H

#include "verified.h"

struct verified {
	uint8_t *data; /* owned */
	size_t size_bytes;
};

#endif
