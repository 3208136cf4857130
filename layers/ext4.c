#include "ext4.h"

#include <stdio.h>
#include <string.h>

/* Offsets in struct ext4_super_block (Documentation/filesystems/ext4/globals.rst). */
enum { OFFSET_MAGIC = 0x38, OFFSET_STATE = 0x3a, OFFSET_UUID = 0x68, OFFSET_LABEL = 0x78 };

bool ext4_identify(const uint8_t superblock[EXT4_SUPERBLOCK_BYTES], struct ext4_identity *out)
{
	if (superblock[OFFSET_MAGIC] != 0x53 || superblock[OFFSET_MAGIC + 1] != 0xef)
		return false;
	/* s_state: 1 unmounted cleanly (with a journal, always), 2 errors detected, 4 orphans */
	out->damaged = (superblock[OFFSET_STATE] & 3) != 1;
	memcpy(out->label, superblock + OFFSET_LABEL, EXT4_LABEL_SIZE - 1);
	out->label[EXT4_LABEL_SIZE - 1] = '\0';
	char *text = out->uuid;
	for (unsigned i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*text++ = '-';
		text += snprintf(text, 3, "%02x", superblock[OFFSET_UUID + i]);
	}
	return true;
}
