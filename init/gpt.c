#include "gpt.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "little_endian.h"

enum { MAX_SECTOR_BYTES = 65536, MAX_ENTRY_BYTES = 4096, MAX_ENTRIES = 1024 };

/* The first three fields of a GUID are little-endian, the others bytes in order. */
static void format_guid(const uint8_t guid[16], char out[GPT_GUID_SIZE])
{
	static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	char *text = out;
	for (unsigned i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*text++ = '-';
		text += snprintf(text, 3, "%02x", guid[order[i]]);
	}
}

static int check_header(const uint8_t header[GPT_HEADER_BYTES], struct error *e)
{
	uint8_t copy[GPT_HEADER_BYTES];
	memcpy(copy, header, sizeof copy);
	memset(copy + 16, 0, 4);
	if (memcmp(header, "EFI PART", 8) != 0)
		return error_set(e, ERROR_FORMAT, 0, "no GPT");
	/* A longer header could be valid; nobody writes one. */
	if (get_u32(header + 12) != GPT_HEADER_BYTES || get_u64(header + 24) != 1 ||
		get_u32(header + 16) != crc32(0, copy, sizeof copy))
		return error_set(e, ERROR_FORMAT, 0, "GPT header damaged");
	return 0;
}

int gpt_partition_guid(gpt_read read, void *context, uint32_t sector_bytes, uint32_t number,
	char out[GPT_GUID_SIZE], struct error *e)
{
	uint8_t header[GPT_HEADER_BYTES], entry[32];
	if (sector_bytes < 512 || sector_bytes > MAX_SECTOR_BYTES)
		return error_set(e, ERROR_FORMAT, 0, "sectors of %u bytes", sector_bytes);
	if (read(context, sector_bytes, header, sizeof header) != 0)
		return error_set(e, ERROR_IO, 0, "GPT header unreadable");
	if (check_header(header, e) != 0)
		return -1;
	uint64_t first_sector = get_u64(header + 72);
	uint32_t entries = get_u32(header + 80), entry_bytes = get_u32(header + 84);
	if (entries > MAX_ENTRIES || entry_bytes < 128 || entry_bytes > MAX_ENTRY_BYTES ||
		first_sector < 2 || first_sector > INT64_MAX / MAX_SECTOR_BYTES / 2)
		return error_set(e, ERROR_FORMAT, 0, "GPT header out of range");
	if (number < 1 || number > entries)
		return error_set(e, ERROR_FORMAT, 0, "no partition %u in the GPT", number);
	uint64_t offset = first_sector * sector_bytes + (uint64_t)(number - 1) * entry_bytes;
	if (read(context, offset, entry, sizeof entry) != 0)
		return error_set(e, ERROR_IO, 0, "GPT entry unreadable");
	static const uint8_t unused[16];
	if (memcmp(entry, unused, sizeof unused) == 0)
		return error_set(e, ERROR_FORMAT, 0, "partition %u of the GPT is unused", number);
	format_guid(entry + 16, out);
	return 0;
}
