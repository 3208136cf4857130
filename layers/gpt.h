/* What partitions a disk has, and the unique GUID of one, out of a GUID partition table (UEFI 2.10,
 * section 5.3). */
#ifndef PLYBOOT_GPT_H
#define PLYBOOT_GPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { GPT_HEADER_BYTES = 92, GPT_GUID_SIZE = 36 + 1 };

/* Reads `size_bytes` at a byte offset of the disk; 0 or -1. */
typedef int (*gpt_read)(void *context, uint64_t offset, void *buffer, size_t size_bytes);

/* Write the GUID of partition `number` (from 1), lower case. Only the primary table is read, and
 * its header's CRC is checked: it is a way to find a partition, not to trust one. ERROR_IO:
 * unreadable; ERROR_FORMAT: no such table, or no such partition in it. */
int gpt_partition_guid(gpt_read read, void *context, uint32_t sector_bytes, uint32_t number,
	char out[GPT_GUID_SIZE], struct error *e);

/* A partition of the table. Its name is ASCII, what is not becomes '?'. */
enum { GPT_NAME_SIZE = 36 + 1, GPT_PARTITIONS = 128 };
struct gpt_partition {
	uint32_t number; /* from 1 */
	char guid[GPT_GUID_SIZE], name[GPT_NAME_SIZE];
	uint64_t start_bytes, size_bytes;
};

/* All partitions that are used, at most GPT_PARTITIONS, of a disk of so many bytes. The CRC of the
 * table is checked as well. ERROR_IO; ERROR_FORMAT: no such table, a damaged one, or one with a
 * partition that leaves the disk. */
int gpt_list(gpt_read read, void *context, uint32_t sector_bytes, uint64_t disk_bytes,
	struct gpt_partition out[GPT_PARTITIONS], size_t *count, struct error *e);

#endif
