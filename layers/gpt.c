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

struct table {
	uint64_t offset;
	uint32_t entries, entry_bytes, crc;
};

static int read_table(
	gpt_read read, void *context, uint32_t sector_bytes, struct table *out, struct error *e)
{
	uint8_t header[GPT_HEADER_BYTES];
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
	*out = (struct table){.offset = first_sector * sector_bytes,
		.entries = entries,
		.entry_bytes = entry_bytes,
		.crc = get_u32(header + 88)};
	return 0;
}

static bool is_unused(const uint8_t *entry)
{
	static const uint8_t unused[16];
	return memcmp(entry, unused, sizeof unused) == 0;
}

int gpt_partition_guid(gpt_read read, void *context, uint32_t sector_bytes, uint32_t number,
	char out[GPT_GUID_SIZE], struct error *e)
{
	struct table table;
	uint8_t entry[32];
	if (read_table(read, context, sector_bytes, &table, e) != 0)
		return -1;
	if (number < 1 || number > table.entries)
		return error_set(e, ERROR_FORMAT, 0, "no partition %u in the GPT", number);
	uint64_t offset = table.offset + (uint64_t)(number - 1) * table.entry_bytes;
	if (read(context, offset, entry, sizeof entry) != 0)
		return error_set(e, ERROR_IO, 0, "GPT entry unreadable");
	if (is_unused(entry))
		return error_set(e, ERROR_FORMAT, 0, "partition %u of the GPT is unused", number);
	format_guid(entry + 16, out);
	return 0;
}

static int take_entry(const uint8_t *entry, uint32_t number, uint32_t sector_bytes,
	uint64_t disk_bytes, struct gpt_partition *out, struct error *e)
{
	uint64_t first = get_u64(entry + 32), last = get_u64(entry + 40);
	if (first > last || last >= disk_bytes / sector_bytes)
		return error_set(
			e, ERROR_FORMAT, 0, "partition %u of the GPT leaves the disk", number);
	*out = (struct gpt_partition){.number = number,
		.start_bytes = first * sector_bytes,
		.size_bytes = (last - first + 1) * sector_bytes};
	format_guid(entry + 16, out->guid);
	for (unsigned i = 0; i < GPT_NAME_SIZE - 1; i++) {
		unsigned unit = entry[56 + 2 * i] | (unsigned)entry[57 + 2 * i] << 8;
		if (unit == 0)
			break;
		out->name[i] = unit >= ' ' && unit < 127 ? (char)unit : '?';
	}
	return 0;
}

int gpt_list(gpt_read read, void *context, uint32_t sector_bytes, uint64_t disk_bytes,
	struct gpt_partition out[GPT_PARTITIONS], size_t *count, struct error *e)
{
	struct table table;
	uint8_t entry[MAX_ENTRY_BYTES];
	uint32_t crc = 0;
	size_t found = 0;
	if (read_table(read, context, sector_bytes, &table, e) != 0)
		return -1;
	for (uint32_t i = 0; i < table.entries; i++) {
		if (read(context, table.offset + (uint64_t)i * table.entry_bytes, entry,
			    table.entry_bytes) != 0)
			return error_set(e, ERROR_IO, 0, "GPT entry unreadable");
		crc = (uint32_t)crc32(crc, entry, table.entry_bytes);
		if (is_unused(entry) || found == GPT_PARTITIONS)
			continue;
		if (take_entry(entry, i + 1, sector_bytes, disk_bytes, &out[found], e) != 0)
			return -1;
		found++;
	}
	if (crc != table.crc)
		return error_set(e, ERROR_FORMAT, 0, "GPT entries damaged");
	*count = found;
	return 0;
}
