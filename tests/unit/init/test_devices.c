/* Bytes from disks and sysfs: GPT, ext4 superblock, uevent, /proc/meminfo. */
#include "ext4.h"
#include "layers/gpt.h"
#include "init/meminfo.h"
#include "init/uevent.h"
#include "little_endian.h"
#include "tap.h"

#include <zlib.h>

enum { SECTOR = 512 };

static uint8_t disk[SECTOR * 40];

static int read_disk(void *context, uint64_t offset, void *buffer, size_t size_bytes)
{
	(void)context;
	if (offset > sizeof disk || size_bytes > sizeof disk - offset)
		return -1;
	memcpy(buffer, disk + offset, size_bytes);
	return 0;
}

static void seal(void)
{
	put_u32(disk + SECTOR + 16, 0);
	put_u32(disk + SECTOR + 16, (uint32_t)crc32(0, disk + SECTOR, GPT_HEADER_BYTES));
}

static void make_disk(void)
{
	uint8_t *header = disk + SECTOR, *entry = disk + 2 * SECTOR + 128;
	memset(disk, 0, sizeof disk);
	memcpy(header, "EFI PART\0\0\1\0", 12);
	put_u32(header + 12, GPT_HEADER_BYTES);
	put_u64(header + 24, 1);
	put_u64(header + 72, 2);
	put_u32(header + 80, 128);
	put_u32(header + 84, 128);
	entry[0] = 1; /* any type */
	for (uint8_t i = 0; i < 16; i++)
		entry[16 + i] = i;
	seal();
}

static void refuses_gpt(
	uint32_t sector_bytes, uint32_t number, enum error_code code, const char *name)
{
	char guid[GPT_GUID_SIZE] = "untouched";
	struct error e = {0};
	ok(gpt_partition_guid(read_disk, NULL, sector_bytes, number, guid, &e) == -1 &&
			e.code == code && strcmp(guid, "untouched") == 0,
		"GPT: %s", name);
}

static void test_gpt(void)
{
	char guid[GPT_GUID_SIZE] = "";
	struct error e = {0};
	make_disk();
	is_int(gpt_partition_guid(read_disk, NULL, SECTOR, 2, guid, &e), 0, "GPT: partition 2");
	is_str(guid, "03020100-0504-0706-0809-0a0b0c0d0e0f", "its GUID, in mixed endianness");
	refuses_gpt(SECTOR, 0, ERROR_FORMAT, "partition 0");
	refuses_gpt(SECTOR, 1, ERROR_FORMAT, "an unused entry");
	refuses_gpt(SECTOR, 129, ERROR_FORMAT, "a number above the table");
	refuses_gpt(0, 2, ERROR_FORMAT, "sectors of no bytes");
	refuses_gpt(4096, 2, ERROR_FORMAT, "another sector size");

	disk[SECTOR + 40] ^= 1;
	refuses_gpt(SECTOR, 2, ERROR_FORMAT, "a bit of the header");
	make_disk();
	disk[SECTOR] = 'e';
	refuses_gpt(SECTOR, 2, ERROR_FORMAT, "no signature");
	make_disk();
	put_u64(disk + SECTOR + 72, UINT64_MAX / SECTOR + 3);
	seal();
	refuses_gpt(SECTOR, 2, ERROR_FORMAT, "a table whose place overflows");
	put_u64(disk + SECTOR + 72, 1000);
	seal();
	refuses_gpt(SECTOR, 2, ERROR_IO, "a table behind the end");
	make_disk();
	put_u32(disk + SECTOR + 84, 0xffffffff);
	seal();
	refuses_gpt(SECTOR, 2, ERROR_FORMAT, "entries of 4 GiB");
	make_disk();
	put_u32(disk + SECTOR + 80, 0xffffffff);
	seal();
	refuses_gpt(SECTOR, 0xfffffffe, ERROR_FORMAT, "four thousand million entries");
	make_disk();
	put_u32(disk + SECTOR + 12, 0);
	refuses_gpt(SECTOR, 2, ERROR_FORMAT, "a header of no bytes");
}

/* As make_disk(), with a place, a name, and the table's CRC. */
static void make_list(uint64_t first, uint64_t last)
{
	uint8_t *entry = disk + 2 * SECTOR + 128;
	make_disk();
	put_u64(entry + 32, first);
	put_u64(entry + 40, last);
	memcpy(entry + 56, "a\0b\0\1\1", 6);
	put_u32(disk + SECTOR + 88, (uint32_t)crc32(0, disk + 2 * SECTOR, 128 * 128));
	seal();
}

static void refuses_list(enum error_code code, const char *name)
{
	static struct gpt_partition list[GPT_PARTITIONS];
	size_t count = 7;
	struct error e = {0};
	ok(gpt_list(read_disk, NULL, SECTOR, sizeof disk, list, &count, &e) == -1 &&
			e.code == code && count == 7,
		"GPT list: %s", name);
}

static void test_gpt_list(void)
{
	static struct gpt_partition list[GPT_PARTITIONS];
	size_t count = 0;
	struct error e = {0};
	make_list(36, 39);
	is_int(gpt_list(read_disk, NULL, SECTOR, sizeof disk, list, &count, &e), 0, "GPT list");
	ok(count == 1 && list[0].number == 2, "its partition");
	ok(list[0].start_bytes == 36 * SECTOR && list[0].size_bytes == 4 * SECTOR, "its place");
	is_str(list[0].name, "ab?", "its name");
	is_str(list[0].guid, "03020100-0504-0706-0809-0a0b0c0d0e0f", "its GUID");
	make_list(36, 40);
	refuses_list(ERROR_FORMAT, "behind the end");
	make_list(36, UINT64_MAX);
	refuses_list(ERROR_FORMAT, "far behind the end");
	make_list(37, 36);
	refuses_list(ERROR_FORMAT, "an end before the beginning");
	make_list(36, 39);
	disk[2 * SECTOR + 128 + 56] ^= 1;
	refuses_list(ERROR_FORMAT, "a bit of the table");
	make_list(36, 39);
	put_u32(disk + SECTOR + 80, 1024);
	seal();
	refuses_list(ERROR_IO, "a table that leaves the disk");
}

/* s_state: unmounted cleanly, errors, orphans. */
static void test_damaged(uint8_t superblock[EXT4_SUPERBLOCK_BYTES])
{
	static const bool damaged[] = {true, false, true, true, true, false, true, true};
	struct ext4_identity identity;
	for (uint8_t state = 0; state < sizeof damaged; state++) {
		superblock[0x3a] = state;
		ok(ext4_identify(superblock, &identity) && identity.damaged == damaged[state],
			"state %u: %s", state, damaged[state] ? "damaged" : "not damaged");
	}
}

static void test_ext4(void)
{
	uint8_t superblock[EXT4_SUPERBLOCK_BYTES] = {0};
	struct ext4_identity identity = {.label = "untouched"};
	ok(!ext4_identify(superblock, &identity), "zeros are no ext4");
	superblock[0x38] = 0x53;
	superblock[0x39] = 0xef;
	for (uint8_t i = 0; i < 16; i++)
		superblock[0x68 + i] = (uint8_t)(i * 17);
	memcpy(superblock + 0x78, "0123456789abcdefMORE", 20);
	ok(ext4_identify(superblock, &identity), "ext4");
	is_str(identity.label, "0123456789abcdef", "a label without its NUL");
	test_damaged(superblock);
	is_str(identity.uuid, "00112233-4455-6677-8899-aabbccddeeff", "UUID");
}

static void test_uevent(void)
{
	static const char text[] = "MAJOR=254\nDEVNAME=vda1\nPARTNAME=a b=c\nPARTN=1\n";
	char value[8] = "";
	ok(uevent_value(text, "DEVNAME", value, sizeof value), "uevent: a key");
	is_str(value, "vda1", "its value");
	ok(uevent_value(text, "PARTNAME", value, sizeof value), "one with blanks and '='");
	is_str(value, "a b=c", "its value");
	ok(uevent_value("A=1", "A", value, sizeof value), "without a newline at the end");
	ok(!uevent_value(text, "PART", value, sizeof value), "the start of a key is none");
	ok(!uevent_value(text, "NAME", value, sizeof value), "nor is its end");
	ok(!uevent_value("DEVNAME=12345678\n", "DEVNAME", value, sizeof value), "no room");
	ok(!uevent_value("", "A", value, sizeof value), "empty");
}

static void test_meminfo(void)
{
	uint64_t bytes = 7;
	static const char text[] = "MemTotal:  100 kB\nMemAvailable:      50 kB\n";
	ok(meminfo_bytes(text, "MemAvailable", &bytes), "meminfo");
	is_int((long long)bytes, 51200, "in bytes");
	ok(!meminfo_bytes(text, "Mem", &bytes), "a key's start");
	ok(!meminfo_bytes("MemAvailable: 50 MB\n", "MemAvailable", &bytes), "another unit");
	ok(!meminfo_bytes("MemAvailable: 18446744073709551615 kB\n", "MemAvailable", &bytes),
		"a number that overflows");
}

int main(void)
{
	test_gpt();
	test_gpt_list();
	test_ext4();
	test_uevent();
	test_meminfo();
	return done();
}
