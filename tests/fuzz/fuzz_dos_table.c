/* The first sector of a disk that `plyboot doctor` is given. */
#include "compose/dos_table.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dos_table table;
	if (size < DOS_TABLE_BYTES)
		return 0;
	uint8_t *sector = must_copy(data, DOS_TABLE_BYTES);
	if (dos_table_read(sector, 4096, &table)) {
		must(table.count <= DOS_PARTITIONS && (table.count > 0 || table.has_logical));
		for (size_t i = 0; i < table.count; i++) {
			const struct dos_partition *partition = &table.list[i];
			must(partition->number >= 1 && partition->number <= DOS_PARTITIONS);
			must(i == 0 || partition->number > table.list[i - 1].number);
			must(strlen(partition->uuid) == DOS_UUID_SIZE - 1);
			must(partition->size_bytes > 0 &&
				partition->start_bytes + partition->size_bytes >
					partition->start_bytes);
		}
	}
	free(sector);
	return 0;
}
