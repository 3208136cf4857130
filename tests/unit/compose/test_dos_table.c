/* A disk's first sector, as a DOS partition table and as what is none. */
#include "compose/dos_table.h"
#include "little_endian.h"
#include "tap.h"

static uint8_t sector[DOS_TABLE_BYTES];

static uint8_t *put_entry(unsigned number, unsigned type, uint32_t start, uint32_t sectors)
{
	uint8_t *entry = sector + 0x1be + (number - 1) * 16;
	memset(entry, 0, 16);
	entry[4] = (uint8_t)type;
	put_u32(entry + 8, start);
	put_u32(entry + 12, sectors);
	return entry;
}

static void make_table(void)
{
	memset(sector, 0, sizeof sector);
	put_u32(sector + 0x1b8, 0x1234abcd);
	put_entry(1, 0x83, 2048, 100);
	put_entry(3, 0xda, UINT32_MAX, UINT32_MAX)[0] = 0x80;
	sector[510] = 0x55;
	sector[511] = 0xaa;
}

static void is_none(const char *name)
{
	struct dos_table table;
	ok(!dos_table_read(sector, 512, &table), "%s", name);
	make_table();
}

int main(void)
{
	struct dos_table table;
	make_table();
	ok(dos_table_read(sector, 512, &table), "a table");
	ok(table.count == 2 && !table.has_logical, "with two partitions");
	ok(table.list[0].number == 1 && table.list[0].start_bytes == 2048 * 512 &&
			table.list[0].size_bytes == 100 * 512,
		"where the first is");
	is_str(table.list[0].uuid, "1234abcd-01", "what its PARTUUID is");
	is_str(table.list[1].uuid, "1234abcd-03", "and that of the third");
	ok(dos_table_read(sector, 4096, &table) &&
			table.list[1].size_bytes == UINT64_C(4096) * UINT32_MAX &&
			table.list[1].start_bytes == UINT64_C(4096) * UINT32_MAX,
		"the highest numbers, by sectors of 4 KiB");
	put_entry(1, 0x0f, 2048, 100);
	ok(dos_table_read(sector, 512, &table) && table.count == 1 && table.has_logical,
		"an extended partition is none of the list");
	put_entry(3, 0x83, 2048, 0);
	ok(dos_table_read(sector, 512, &table) && table.count == 0 && table.has_logical,
		"and may be all");
	unsigned wrong = 0;
	for (unsigned type = 0; type <= 0xff; type++) {
		bool extended = type == 0x05 || type == 0x0f || type == 0x85;
		make_table();
		put_entry(1, 0, 0, 0);
		put_entry(3, 0, 0, 0);
		put_entry(4, type, 9, 1);
		struct dos_table one = {.count = 9};
		bool is_one = dos_table_read(sector, 512, &one);
		wrong += type == 0xee
				 ? is_one || one.count != 9
				 : !is_one || one.has_logical != extended || one.count != !extended;
	}
	is_int(wrong, 0, "of all types three are extended ones, and one is for a GPT");
	make_table();
	put_entry(2, 5, 9, 9);
	put_entry(4, 1, 9, 9);
	ok(dos_table_read(sector, 512, &table) && table.count == 3 && table.has_logical &&
			table.list[2].number == 4 && table.list[1].number == 3,
		"an extended one between others keeps its number");
	make_table();
	put_entry(2, 0x83, 7, 8);
	put_entry(4, 0x83, 9, 10);
	ok(dos_table_read(sector, 512, &table) && table.count == 4 &&
			table.list[3].start_bytes == 9 * 512 &&
			table.list[3].size_bytes == 10 * 512,
		"all four");
	is_str(table.list[3].uuid, "1234abcd-04", "and the last one's PARTUUID");
	make_table();
	put_entry(2, 0xee, 1, 100);
	is_none("one for a GPT");
	put_entry(4, 0xee, 1, 0);
	is_none("also when that is the last, and empty");
	sector[510] = 0;
	is_none("with half of its mark");
	put_entry(1, 0x83, 2048, 100)[0] = 0x81;
	is_none("a mark of what is started that is none");
	put_entry(2, 0, 0, 0)[0] = 1;
	is_none("also in an entry that is empty");
	sector[511] = 0;
	is_none("without its mark");
	put_entry(4, 0x83, 4096, 100)[0] = 0x21;
	is_none("code in its place");
	put_entry(1, 0, 0, 0);
	put_entry(3, 0, 0, 0);
	is_none("an empty one");
	return done();
}
