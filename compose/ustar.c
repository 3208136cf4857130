#include "ustar.h"

#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(struct tar_header) == TAR_BLOCK_BYTES, "a header is a block");

static void put_octal(char *field, size_t size, unsigned long long value)
{
	char digits[24];
	(void)snprintf(digits, sizeof digits, "%0*llo", (int)size - 1, value);
	memcpy(field, digits, size); /* the NUL, too */
}

/* Eleven octal digits end at 8 GiB. */
static void put_size(char field[12], uint64_t size_bytes)
{
	if (size_bytes >> 33 == 0) {
		put_octal(field, 12, size_bytes);
		return;
	}
	field[0] = (char)0x80;
	for (int i = 11; i >= 4; i--, size_bytes >>= 8)
		field[i] = (char)(size_bytes & 0xff);
}

static unsigned sum(const uint8_t block[TAR_BLOCK_BYTES])
{
	unsigned total = 0;
	for (size_t i = 0; i < TAR_BLOCK_BYTES; i++)
		total += block[i];
	return total;
}

void ustar_header(const struct ustar_member *member, uint8_t out[TAR_BLOCK_BYTES])
{
	struct tar_header header = {0};
	size_t length = strnlen(member->name, sizeof header.name);
	bool directory = length > 0 && member->name[length - 1] == '/';
	memcpy(header.name, member->name, length);
	memcpy(header.prefix, member->prefix, strnlen(member->prefix, sizeof header.prefix));
	put_octal(header.mode, sizeof header.mode, directory ? 0755 : 0644);
	put_octal(header.uid, sizeof header.uid, 0);
	put_octal(header.gid, sizeof header.gid, 0);
	put_size(header.size, member->size_bytes);
	put_octal(header.mtime, sizeof header.mtime, 0);
	header.type = directory ? '5' : '0';
	memcpy(header.magic, "ustar\00000", sizeof header.magic);
	put_octal(header.major, sizeof header.major, 0);
	put_octal(header.minor, sizeof header.minor, 0);
	/* POSIX: the sum is taken with spaces here. */
	memset(header.checksum, ' ', sizeof header.checksum);
	memcpy(out, &header, sizeof header);
	put_octal(header.checksum, sizeof header.checksum - 1, sum(out));
	memcpy(out, &header, sizeof header);
}
