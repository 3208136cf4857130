#include "dos_table.h"

#include <stdio.h>

#include "../layers/little_endian.h"

enum { OFFSET_DISK = 0x1b8, OFFSET_ENTRIES = 0x1be, ENTRY_BYTES = 16, TYPE_GPT = 0xee };

static bool is_extended(uint8_t type)
{
	return type == 0x05 || type == 0x0f || type == 0x85;
}

bool dos_table_read(
	const uint8_t sector[DOS_TABLE_BYTES], uint32_t sector_bytes, struct dos_table *out)
{
	struct dos_table table = {0};
	if (sector[510] != 0x55 || sector[511] != 0xaa)
		return false;
	for (unsigned i = 0; i < DOS_PARTITIONS; i++) {
		const uint8_t *entry = sector + OFFSET_ENTRIES + i * ENTRY_BYTES;
		uint8_t type = entry[4];
		uint32_t sectors = get_u32(entry + 12);
		/* The first sector of a file system has code there. */
		if ((entry[0] & 0x7f) != 0 || type == TYPE_GPT)
			return false;
		if (sectors == 0)
			continue;
		if (is_extended(type)) {
			table.has_logical = true;
			continue;
		}
		struct dos_partition *partition = &table.list[table.count++];
		*partition = (struct dos_partition){.number = i + 1,
			.start_bytes = (uint64_t)get_u32(entry + 8) * sector_bytes,
			.size_bytes = (uint64_t)sectors * sector_bytes};
		(void)snprintf(partition->uuid, sizeof partition->uuid, "%08x-%02x",
			get_u32(sector + OFFSET_DISK), i + 1);
	}
	*out = table;
	return table.count > 0 || table.has_logical;
}
