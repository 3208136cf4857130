/* What reads the bytes of others, without memory: it says so, and nothing is kept of what it had.
 */
#include "faults.h"

#include <zlib.h>

#include "compose/case_file.h"
#include "compose/cpio_read.h"
#include "compose/initrd_read.h"
#include "compose/kconfig.h"
#include "ext4_disk.h"
#include "newc.h"

FAULTS_WRAP(int, inflateInit2_, (z_streamp stream, int bits, const char *version, int size),
	(stream, bits, version, size), FAULTS_MEMORY, Z_MEM_ERROR)

static struct newc newc;
static struct gzip {
	uint8_t bytes[4096];
	size_t size;
} archive, config;

static void make_gzip(struct gzip *out, const void *bytes, size_t size_bytes)
{
	z_stream stream = {.next_in = (uint8_t *)(uintptr_t)bytes,
		.avail_in = (uInt)size_bytes,
		.next_out = out->bytes,
		.avail_out = sizeof out->bytes};
	if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
		deflate(&stream, Z_FINISH) != Z_STREAM_END)
		abort();
	out->size = stream.total_out;
	(void)deflateEnd(&stream);
}

static int cases(struct error *e)
{
	static const char text[] = "case a\nrun x 'y z'\nenv A=b\nshare a:/b\nshare-rw c:/d\n"
				   "case b\nrun x\n";
	struct case_file file = {.count = 77};
	faults_begin();
	int result = case_file_parse(text, sizeof text - 1, &file, e);
	faults_end();
	if (result == 0)
		case_file_free(&file);
	else if (file.count != 77)
		result = FAULTS_WRONG;
	return result;
}

static int cpio(struct error *e)
{
	struct cpio_members members = {0};
	size_t at = 0;
	faults_begin();
	int result = cpio_read((const uint8_t *)newc.text, newc.size, &at, &members, e);
	faults_end();
	if (at != (result == 0 ? newc.size : 0))
		result = FAULTS_WRONG;
	cpio_members_free(&members);
	return result;
}

static int initrd(struct error *e)
{
	struct initrd out;
	faults_begin();
	int result = initrd_read(archive.bytes, archive.size, INITRD_MAX_BYTES, &out, e);
	faults_end();
	if (result == 0 && (out.hides || out.unread_at != archive.size || out.members.count != 1))
		result = FAULTS_WRONG;
	initrd_free(&out);
	return result;
}

static int text_of(const void *bytes, size_t size_bytes, size_t length, struct error *e)
{
	char *text = NULL;
	faults_begin();
	int result = kconfig_text(bytes, size_bytes, &text, e);
	faults_end();
	if ((text != NULL) != (result == 0) || (result == 0 && strlen(text) != length))
		result = FAULTS_WRONG;
	free(text);
	return result;
}

static int plain_kconfig(struct error *e)
{
	return text_of("CONFIG_A=y\n", 11, 11, e);
}

static int gzip_kconfig(struct error *e)
{
	return text_of(config.bytes, config.size, 11, e);
}

static int ext4(struct error *e)
{
	static uint8_t bytes[FILE_BYTES];
	struct ext4 fs;
	struct ext4_file file;
	faults_begin();
	int result = open_disk(&fs, e);
	if (result == 0)
		result = ext4_find(&fs, "file", &file, e);
	if (result == 0)
		result = ext4_read_at(&fs, &file, 0, bytes, sizeof bytes, e);
	faults_end();
	return result;
}

int main(void)
{
	static const struct faults_case all[] = {
		{"a file of cases", cases, 0},
		{"a cpio", cpio, 0},
		{"an initramfs", initrd, 0},
		{"a plain kernel configuration", plain_kconfig, 0},
		{"one by gzip", gzip_kconfig, 0},
		{"a file in an ext4", ext4, 0},
	};
	make_disk();
	newc_add(&newc, "a", "content");
	newc_add(&newc, "TRAILER!!!", "");
	make_gzip(&archive, newc.text, newc.size);
	make_gzip(&config, "CONFIG_A=y\n", 11);
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		faults_try(&all[i], FAULTS_MEMORY, ENOMEM, "no memory");
	return done();
}
