/* The primary partitions of a DOS partition table, where Linux takes a disk's first sector for one
 * (block/partitions/msdos.c). Logical partitions are not followed. */
#ifndef PLYBOOT_DOS_TABLE_H
#define PLYBOOT_DOS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DOS_TABLE_BYTES = 512, DOS_PARTITIONS = 4, DOS_UUID_SIZE = 8 + 1 + 2 + 1 };

struct dos_partition {
	uint32_t number;          /* from 1 */
	char uuid[DOS_UUID_SIZE]; /* its PARTUUID, lower case: the disk's number and its own */
	uint64_t start_bytes, size_bytes; /* as they stand there: they may leave the disk */
};

struct dos_table {
	size_t count;
	struct dos_partition list[DOS_PARTITIONS];
	bool has_logical; /* there is an extended partition, which is not in the list */
};

/* False: it is none, is empty, or is there for a GPT (one of its partitions has the type 0xEE). */
bool dos_table_read(
	const uint8_t sector[DOS_TABLE_BYTES], uint32_t sector_bytes, struct dos_table *out);

#endif
