/* The catalogue of bad inputs, rows "tar": each thing by name. */
#include <stddef.h>

#include "bad_tars.h"

static const struct item one_file[] = {{.path = "file", .body = "hello"}, {0}};

/* --- making them --------------------------------------------------------------------------------
 */

static const char *text_of(const struct bad_tar *self, bool bad, size_t *size)
{
	const char *text = bad ? self->text : self->twin_text;
	size_t bytes = bad ? self->text_bytes : self->twin_text_bytes;
	*size = text == NULL || bytes > 0 ? bytes : strlen(text);
	return text;
}

static void make_bad_checksum(const struct bad_tar *self, bool bad, struct bytes *tar)
{
	(void)self;
	*tar = tar_of(one_file);
	tar->data[1] ^= bad;
}

/* Only the first `number` bytes of it. */
static void make_cut(const struct bad_tar *self, bool bad, struct bytes *tar)
{
	*tar = tar_of(one_file);
	tar->size = bad ? self->number : tar->size;
}

/* `number` bytes of zeros and then a block of data behind the end; the twin has zeros there too. */
static void make_tail(const struct bad_tar *self, bool bad, struct bytes *tar)
{
	*tar = tar_of(one_file);
	bytes_fill(tar, 0, self->number);
	bytes_fill(tar, bad ? 'x' : 0, 512);
}

static void make_second_archive(const struct bad_tar *self, bool bad, struct bytes *tar)
{
	(void)self;
	*tar = tar_of(one_file);
	tar->size -= bad ? 0 : 1024;
	tar_add_all(tar, one_file);
	tar_end(tar);
}

static void make_zero_block(const struct bad_tar *self, bool bad, struct bytes *tar)
{
	(void)self;
	tar_add_all(tar, one_file);
	bytes_fill(tar, 0, bad ? 512 : 0);
	tar_add_all(tar, one_file);
	tar_end(tar);
}

/* The header of a file of its own, or of `type`, in which `text` stands at byte `number`. */
static void make_header(const struct bad_tar *self, bool bad, struct bytes *tar)
{
	char type = self->type == '\0' ? '0' : self->type;
	struct tar_header h = tar_header(type == '5' ? "d/" : "f", type, 0);
	size_t size;
	const char *text = text_of(self, bad, &size);
	if (type == '2')
		tar_text(h.link, sizeof h.link, "file");
	if (size > 0)
		memcpy((char *)&h + self->number, text, size);
	tar_add_all(tar, one_file); /* libarchive looks at a tar's first header more closely */
	tar_add_header(tar, h);
	tar_end(tar);
}

/* Of a type that does not belong; the twin is a file. */
static void make_type(const struct bad_tar *self, bool bad, struct bytes *tar)
{
	tar_add_all(tar, one_file);
	tar_add_header(tar, tar_header("f", bad ? self->type : '0', 0));
	tar_end(tar);
}

/* As GNU tar writes a file of 5 bytes in which only the last 4 are data. */
static void make_old_sparse(const struct bad_tar *self, bool bad, struct bytes *tar)
{
	enum { SPARSE = 386, EXTENDED = 482, REAL_SIZE = 483 };
	struct tar_header h = tar_header("f", bad ? 'S' : '0', 4);
	char *bytes = (char *)&h;
	(void)self;
	memcpy(h.magic, "ustar  ", 8);
	if (bad) {
		tar_octal(bytes + SPARSE, 12, 1);
		tar_octal(bytes + SPARSE + 12, 12, 4);
		bytes[EXTENDED] = 0;
		tar_octal(bytes + REAL_SIZE, 12, 5);
	}
	tar_add_header(tar, h);
	tar_add_body(tar, "data", 4);
	tar_end(tar);
}

static void make_device(const struct bad_tar *self, bool bad, struct bytes *tar)
{
	struct tar_header h = tar_header("c", '3', 0);
	(void)self;
	tar_octal(h.minor, sizeof h.minor, !bad);
	tar_add_all(tar, one_file);
	tar_add_header(tar, h);
	tar_end(tar);
}

/* An extended header of `type` with `text` as its body before a file of 5 bytes. */
static void make_meta(const struct bad_tar *self, bool bad, struct bytes *tar)
{
	size_t size;
	const char *text = text_of(self, bad, &size);
	tar_add_meta(tar, self->type == '\0' ? 'x' : self->type, text, size);
	tar_add_all(tar, one_file);
	tar_end(tar);
}

/* `text`: the extended headers, one after the other. */
static void make_stacked(const struct bad_tar *self, bool bad, struct bytes *tar)
{
	for (const char *at = bad ? self->text : self->twin_text; *at != '\0'; at++) {
		if (*at == 'L')
			tar_add_long(tar, 'L', "long");
		else if (*at == 'x')
			tar_add_meta(tar, 'x', "9 path=p\n", 9);
		else
			tar_add(tar, &one_file[0]);
	}
	tar_add_all(tar, one_file);
	tar_end(tar);
}

static bool is_at_minus_one(const struct sandbox *sandbox, const struct unpack_result *result)
{
	struct stat st;
	(void)result;
	return lstat(in_root(sandbox, "file"), &st) == 0 && st.st_mtim.tv_sec == -1 &&
	       st.st_mtim.tv_nsec == 250000000;
}

static bool has_nine_digits(const struct sandbox *sandbox, const struct unpack_result *result)
{
	struct stat st;
	(void)result;
	return lstat(in_root(sandbox, "file"), &st) == 0 && st.st_mtim.tv_sec == 1 &&
	       st.st_mtim.tv_nsec == 999999999;
}

static bool last_won(const struct sandbox *sandbox, const struct unpack_result *result)
{
	struct stat st;
	return result->entries == 8 && is_file(sandbox, "a", "second") &&
	       mode_of(sandbox, "a") == 0100600 && S_ISLNK(mode_of(sandbox, "b")) &&
	       is_file(sandbox, "c", "file") && lstat(in_root(sandbox, "d"), &st) == 0 &&
	       st.st_mode == 040700 && st.st_mtime == 2 &&
	       getxattr(in_root(sandbox, "d"), "user.a", NULL, 0) == -1;
}

/* --- the catalogue ------------------------------------------------------------------------------
 */

#define AT(field) .make = make_header, .number = offsetof(struct tar_header, field)
#define BYTES(bad) .text = bad, .text_bytes = sizeof(bad) - 1
#define TWIN_BYTES(good) .twin_text = good, .twin_text_bytes = sizeof(good) - 1
#define TYPE(letter)                                                                               \
	{                                                                                          \
		"tar", "type " #letter, ERROR_TYPE, .make = make_type, .type = #letter[0]          \
	}

static const struct bad_tar items[] = {
	{"tar", "bad checksum", ERROR_TAR, .make = make_bad_checksum},
	{"tar", "cut header", ERROR_TAR, .make = make_cut, .number = 100},
	{"tar", "cut body", ERROR_TAR, .make = make_cut, .number = 514},
	{"tar", "no end blocks", ERROR_TAR, .make = make_cut, .number = 1024},
	{"tar", "data after the end", ERROR_TAR, .make = make_tail},
	{"tar", "data long after the end", ERROR_TAR, .make = make_tail, .number = 20480},
	{"tar", "second archive", ERROR_TAR, .make = make_second_archive},
	{"tar", "one zero block then data", ERROR_TAR, .make = make_zero_block},
	{"tar", "size with a sign", ERROR_TAR, AT(size), .text = "-0000000001",
		.twin_text = "00000000000"},
	{"tar", "size with a plus sign", ERROR_TAR, AT(size), .text = "+0000000000",
		.twin_text = "00000000000"},
	{"tar", "size in base-256, negative", ERROR_TAR, AT(size),
		BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
		TWIN_BYTES("\x80\0\0\0\0\0\0\0\0\0\0\0")},
	{"tar", "size 2^63-1", ERROR_TAR, AT(size),
		BYTES("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"),
		TWIN_BYTES("\x80\0\0\0\0\0\0\0\0\0\0\0")},
	{"tar", "size on a directory", ERROR_TAR, AT(size), .type = '5', .text = "00000001000",
		.twin_text = "00000000000"},
	{"tar", "size on a symlink", ERROR_TAR, AT(size), .type = '2', .text = "00000001000",
		.twin_text = "00000000000"},

	{"tar", "PAX size over the header's", ERROR_TAR, .make = make_meta, .text = "9 size=6\n",
		.twin_text = "9 size=5\n"},
	{"tar", "PAX size below the header's", ERROR_TAR, .make = make_meta, .text = "9 size=4\n",
		.twin_text = "9 size=5\n"},
	{"tar", "PAX length wrong", ERROR_TAR, .make = make_meta, .text = "8 size=5\n",
		.twin_text = "9 size=5\n"},
	{"tar", "PAX length wrong, over the header's end", ERROR_TAR, .make = make_meta,
		.text = "11 size=5\n", .twin_text = "9 size=5\n"},
	{"tar", "PAX length huge", ERROR_TAR, .make = make_meta,
		.text = "999999999999999999999 size=5\n", .twin_text = "9 size=5\n"},
	{"tar", "PAX length empty", ERROR_TAR, .make = make_meta, .text = " size=5\n",
		.twin_text = "9 size=5\n"},
	{"tar", "PAX empty", ERROR_TAR, .make = make_meta, .text = "", .twin_text = "9 size=5\n"},
	{"tar", "PAX no newline", ERROR_TAR, .make = make_meta, .text = "8 size=5",
		.twin_text = "9 size=5\n"},
	{"tar", "two x in a row", ERROR_TAR, .make = make_stacked, .text = "xx",
		.twin_text = "xfx"},
	{"tar", "x before L", ERROR_TAR, .make = make_stacked, .text = "xL", .twin_text = "xfL"},
	{"tar", "g with a path", ERROR_TAR, .make = make_meta, .type = 'g', .text = "9 path=a\n",
		.twin_text = "13 comment=a\n"},
	{"tar", "g with a time behind a comment", ERROR_TAR, .make = make_meta, .type = 'g',
		.text = "13 comment=a\n11 mtime=1\n", .twin_text = "13 comment=a\n"},

	{"tar", "GNU sparse, old", ERROR_TYPE, .make = make_old_sparse},
	{"tar", "GNU sparse 0.0", ERROR_TYPE, .make = make_meta,
		.text = "26 GNU.sparse.numblocks=1\n", .twin_text = "9 size=5\n"},
	{"tar", "GNU sparse 0.1", ERROR_TYPE, .make = make_meta, .text = "22 GNU.sparse.map=0,1\n",
		.twin_text = "9 size=5\n"},
	{"tar", "GNU sparse 1.0", ERROR_TYPE, .make = make_meta,
		.text = "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n",
		.twin_text = "9 size=5\n"},
	TYPE(V),
	TYPE(M),
	TYPE(D),
	TYPE(S),
	TYPE(7),
	{"tar", "unknown type", ERROR_TYPE, .make = make_type, .type = 'b'},
	{"tar", "unknown type, no letter", ERROR_TYPE, .make = make_type, .type = '\x80'},
	{"tar", "character device 0/0", ERROR_TYPE, .make = make_device},

	{"tar", "time that cannot be represented", ERROR_TAR, AT(mtime),
		BYTES("\x80\0\0\0\x80\0\0\0\0\0\0\0"), TWIN_BYTES("\x80\0\0\0\0\0\0\x01\0\0\0\0")},
	{"tar", "time that cannot be represented, in PAX", ERROR_TAR, .make = make_meta,
		.text = "29 mtime=9223372036854775808\n", .twin_text = "20 mtime=4294967296\n"},
	{"tar", "nanoseconds of 10 digits", ERROR_TAR, .make = make_meta,
		.text = "22 mtime=1.1000000000\n", .twin_text = "21 mtime=1.999999999\n",
		.check = has_nine_digits},
	{"tar", "uid 2^32", ERROR_TAR, AT(uid), BYTES("\x80\0\0\x01\0\0\0\0"),
		TWIN_BYTES("\x80\0\0\0\xff\xff\xff\xfe")},
	{"tar", "uid 2^32, in PAX", ERROR_TAR, .make = make_meta, .text = "18 uid=4294967296\n",
		.twin_text = "18 uid=4294967294\n"},
	{"tar", "times before 1970", ERROR_NONE,
		.bad = {{.path = "file", .body = "hello", .pax_mtime = "-0.75"}},
		.check = is_at_minus_one},

	{"tar", "the same file twice", ERROR_NONE,
		.bad = {{.path = "a", .body = "first", .mode = 0755},
			{.path = "a", .body = "second", .mode = 0600},
			{.path = "b", .body = "file"}, {.path = "b", .type = '2', .link = "a"},
			{.path = "c", .type = '2', .link = "a"}, {.path = "c", .body = "file"},
			{.path = "d",
				.type = '5',
				.mode = 0755,
				.mtime = 1,
				.xattr = "user.a",
				.xattr_value = "1",
				.xattr_bytes = 1},
			{.path = "d", .type = '5', .mode = 0700, .mtime = 2}},
		.check = last_won},
};

int main(void)
{
	if (!have_root())
		return 0;
	RUN_BAD_TARS(items);
	return catalogue_done();
}
