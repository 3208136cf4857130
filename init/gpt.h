/* The unique GUID of one partition, out of a GUID partition table (UEFI 2.10, section 5.3). */
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

#endif
