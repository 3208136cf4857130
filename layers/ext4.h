/* What an ext2/3/4 superblock says about the file system, without mounting it. */
#ifndef PLYBOOT_EXT4_H
#define PLYBOOT_EXT4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	EXT4_SUPERBLOCK_OFFSET = 1024,
	EXT4_SUPERBLOCK_BYTES = 1024,
	EXT4_LABEL_SIZE = 16 + 1,
	EXT4_UUID_SIZE = 36 + 1
};

struct ext4_identity {
	char label[EXT4_LABEL_SIZE];
	char uuid[EXT4_UUID_SIZE]; /* lower case */
	bool damaged;              /* the kernel found errors, or a check did not come to its end */
};

/* False when the magic number is not there. */
bool ext4_identify(const uint8_t superblock[EXT4_SUPERBLOCK_BYTES], struct ext4_identity *out);

#endif
