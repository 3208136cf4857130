/* layers/gate.c: the strict tar profile, however the bytes are cut. */
#include "bytes.h"
#include "errors.h"
#include "layers/gate.h"
#include "layers/ceilings.h"
#include "random.h"

/* All of the tar in pieces of `step` bytes (0: random), then the end. Entries seen are counted. */
static int push_all(const struct bytes *tar, size_t step, size_t *entries, struct error *e)
{
	struct gate *gate = NULL;
	uint64_t seed = 3;
	*entries = 0;
	if (gate_open(&gate, e) != 0)
		abort();
	int result = 0;
	for (size_t at = 0; at < tar->size && result == 0;) {
		size_t size = step != 0 ? step : 1 + random_below(&seed, 3000);
		if (size > tar->size - at)
			size = tar->size - at;
		result = gate_push(gate, tar->data + at, size, e);
		at += size;
		while (gate_pop(gate) != NULL)
			(*entries)++;
	}
	if (result == 0)
		result = gate_finish(gate, e);
	gate_close(gate);
	return result;
}

/* The same verdict in every cut; returns it. */
static int verdict(const struct bytes *tar, size_t *entries, struct error *e)
{
	static const size_t steps[] = {1, 7, 511, 512, 513, 10240, 0};
	int result = push_all(tar, tar->size + 1, entries, e);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		size_t count;
		struct error other = {0};
		if (steps[i] == 1 && tar->size > 100000)
			continue;
		int again = push_all(tar, steps[i], &count, &other);
		if (again != result || (result == 0 && count != *entries) ||
			(result != 0 && other.code != e->code))
			ok(false, "cut into %zu bytes the verdict is another one: %s", steps[i],
				again == 0 ? "accepted" : other.text);
	}
	return result;
}

static void is_refused(struct bytes *tar, enum error_code code, const char *name)
{
	size_t entries;
	struct error e = {0};
	error_is(verdict(tar, &entries, &e), &e, code, "refused: %s", name);
	bytes_free(tar);
}

static void is_accepted(struct bytes *tar, size_t want, const char *name)
{
	size_t entries = 0;
	struct error e = {0};
	bool good = verdict(tar, &entries, &e) == 0 && entries == want;
	if (!ok(good, "accepted: %s", name))
		printf("# %zu entries, %s\n", entries, e.text);
	bytes_free(tar);
}

/* A header for "file" with something done to it, and the end. */
static struct bytes with_header(struct tar_header h)
{
	struct bytes tar = {0};
	tar_add_header(&tar, h);
	tar_end(&tar);
	return tar;
}

static const struct item file = {.path = "file", .body = "hello"};

static struct bytes simple(void)
{
	struct bytes tar = {0};
	tar_add(&tar, &file);
	tar_end(&tar);
	return tar;
}

static void ends(void)
{
	struct bytes tar = {0};
	tar_end(&tar);
	is_accepted(&tar, 0, "nothing but the end");

	tar = simple();
	is_accepted(&tar, 1, "one file");
	tar = simple();
	bytes_fill(&tar, 0, 20 * TAR_BLOCK_BYTES);
	is_accepted(&tar, 1, "more zero blocks");

	is_refused(&tar, ERROR_TAR, "no bytes at all");
	tar = simple();
	tar.size -= 2 * TAR_BLOCK_BYTES;
	is_refused(&tar, ERROR_TAR, "no end blocks");
	tar = simple();
	tar.size -= TAR_BLOCK_BYTES;
	is_refused(&tar, ERROR_TAR, "one end block");
	tar = simple();
	tar.size -= 1;
	is_refused(&tar, ERROR_TAR, "an end block one byte short");
	tar = simple();
	bytes_fill(&tar, 0, 1);
	is_refused(&tar, ERROR_TAR, "one byte behind the end");
	tar = simple();
	bytes_fill(&tar, 'x', TAR_BLOCK_BYTES);
	is_refused(&tar, ERROR_TAR, "data after the end");
	tar = simple();
	tar.data[tar.size - 1] = 1;
	is_refused(&tar, ERROR_TAR, "one zero block, then data");
	tar = simple();
	tar_add(&tar, &file);
	tar_end(&tar);
	is_refused(&tar, ERROR_TAR, "a second archive");
	tar = (struct bytes){0};
	tar_add(&tar, &file);
	bytes_fill(&tar, 0, TAR_BLOCK_BYTES);
	tar_add(&tar, &file);
	tar_end(&tar);
	is_refused(&tar, ERROR_TAR, "a zero block between two files");
	tar = simple();
	tar.size = 300;
	is_refused(&tar, ERROR_TAR, "a cut header");
	tar = simple();
	tar.size = TAR_BLOCK_BYTES + 3;
	is_refused(&tar, ERROR_TAR, "a cut body");
	tar = simple();
	tar.size = TAR_BLOCK_BYTES + 5;
	is_refused(&tar, ERROR_TAR, "a body without its padding");
}

static void headers(void)
{
	struct tar_header h = tar_header("file", '0', 0);
	struct bytes tar = with_header(h);
	tar.data[0] ^= 1;
	is_refused(&tar, ERROR_TAR, "a wrong checksum");

	h = tar_header("file", '\0', 0);
	tar = with_header(h);
	is_accepted(&tar, 1, "type NUL, which is a file");
	h = tar_header("file", '0', 0);
	memcpy(h.magic, "ustar  ", 8);
	tar = with_header(h);
	is_accepted(&tar, 1, "GNU's magic");
	memset(h.magic, 0, 8);
	tar = with_header(h);
	is_refused(&tar, ERROR_TAR, "no magic (v7)");
	memcpy(h.magic, "ustar\00001", 8);
	tar = with_header(h);
	is_refused(&tar, ERROR_TAR, "another version of ustar");
	memcpy(h.magic, "tar\0\0\0\0", 8);
	tar = with_header(h);
	is_refused(&tar, ERROR_TAR, "another magic");

	static const char types[] = "VMDS7ANIEXZBab8\x01\xff .";
	for (size_t i = 0; i < sizeof types - 1; i++) {
		char name[40];
		h = tar_header("file", types[i], 0);
		tar = with_header(h);
		(void)snprintf(name, sizeof name, "type 0x%02x", (unsigned char)types[i]);
		is_refused(&tar, ERROR_TYPE, name);
	}
}

static void fields(void)
{
#define BAD_FIELD(what, set)                                                                       \
	do {                                                                                       \
		struct tar_header h = tar_header("file", '0', 0);                                  \
		set;                                                                               \
		struct bytes tar_ = with_header(h);                                                \
		is_refused(&tar_, ERROR_TAR, what);                                                \
	} while (0)
	BAD_FIELD("size with a minus", memcpy(h.size, "-0000000001", 12));
	BAD_FIELD("size with a plus", memcpy(h.size, "+0000000001", 12));
	BAD_FIELD("size in base-256, negative", memset(h.size, 0xff, 12));
	BAD_FIELD("size in base-256, 2^63-1",
		memcpy(h.size, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12));
	BAD_FIELD("size in base-256, 2^63", memcpy(h.size, "\x80\0\0\0\x80\0\0\0\0\0\0\0", 12));
	BAD_FIELD("size 2^36+1", memcpy(h.size, "\x80\0\0\0\0\0\0\x10\0\0\0\x01", 12));
	BAD_FIELD("size no number", memcpy(h.size, "0000000000x", 12));
	BAD_FIELD("mode no number", memcpy(h.mode, "rwxr-xr", 8));
	BAD_FIELD("mode negative", memset(h.mode, 0xff, 8));
	BAD_FIELD("uid 2^32", memcpy(h.uid, "\x80\0\0\x01\0\0\0\0", 8));
	BAD_FIELD("uid 2^32-1", memcpy(h.uid, "\x80\0\0\0\xff\xff\xff\xff", 8));
	BAD_FIELD("gid 2^32", memcpy(h.gid, "\x80\0\0\x01\0\0\0\0", 8));
	BAD_FIELD("gid negative", memset(h.gid, 0xff, 8));
	BAD_FIELD("mtime with a sign", memcpy(h.mtime, "-0000000001", 12));
	BAD_FIELD("mtime below -2^63",
		memcpy(h.mtime, "\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 12));
	BAD_FIELD("mtime 2^63", memcpy(h.mtime, "\x80\0\0\0\x80\0\0\0\0\0\0\0", 12));
#undef BAD_FIELD
	struct tar_header h = tar_header("file", '0', 0);
	memcpy(h.uid, "\x80\0\0\0\xff\xff\xff\xfe", 8);
	memset(h.mtime, 0xff, 12);
	struct bytes tar = with_header(h);
	is_accepted(&tar, 1, "uid 2^32-2, mtime -1");

	static const char no_files[] = "123456";
	for (size_t i = 0; i < sizeof no_files - 1; i++) {
		tar = (struct bytes){0};
		h = tar_header("thing", no_files[i], 5);
		tar_octal(h.major, sizeof h.major, 1);
		tar_text(h.link, sizeof h.link, "target");
		tar_add_header(&tar, h);
		tar_add_body(&tar, "hello", 5);
		tar_end(&tar);
		is_refused(&tar, ERROR_TAR, "a size on something that is no file");
		tar_octal(h.size, sizeof h.size, 0);
		tar = with_header(h);
		is_accepted(&tar, 1, "the same with size 0");
	}
	h = tar_header("thing", '3', 0);
	tar = with_header(h);
	is_refused(&tar, ERROR_TYPE, "character device 0/0");
	h = tar_header("thing", '4', 0);
	tar = with_header(h);
	is_accepted(&tar, 1, "block device 0/0");
	tar_octal(h.minor, sizeof h.minor, 1);
	h.type = '3';
	tar = with_header(h);
	is_accepted(&tar, 1, "character device 0/1");
	memset(h.major, '9', sizeof h.major);
	tar = with_header(h);
	is_refused(&tar, ERROR_TAR, "a major number that is none");
	h = tar_header("thing", '3', 0);
	memset(h.minor, '9', sizeof h.minor);
	tar = with_header(h);
	is_refused(&tar, ERROR_TAR, "a minor number that is none");
	h = tar_header("thing", '3', 0);
	tar_octal(h.major, sizeof h.major, 4096);
	tar = with_header(h);
	is_refused(&tar, ERROR_TAR, "major number 4096");
	h = tar_header("thing", '3', 0);
	tar_octal(h.minor, sizeof h.minor, 1048576);
	tar = with_header(h);
	is_refused(&tar, ERROR_TAR, "minor number 2^20");
	h = tar_header("thing/", '0', 0);
	tar = with_header(h);
	is_refused(&tar, ERROR_TAR, "a file with a slash behind its name");
	h = tar_header("thing", '2', 0);
	tar = with_header(h);
	is_refused(&tar, ERROR_TAR, "a symlink to nothing");
	h = tar_header("thing", '1', 0);
	tar = with_header(h);
	is_refused(&tar, ERROR_TAR, "a hard link to nothing");
}

static struct bytes metas(const char *order)
{
	struct bytes tar = {0}, pax = {0}, comment = {0};
	pax_add(&pax, "path", "pax", 3);
	pax_add(&comment, "comment", "hi", 2);
	for (; *order != '\0'; order++) {
		switch (*order) {
		case 'x':
			tar_add_meta(&tar, 'x', pax.data, pax.size);
			break;
		case 'g':
			tar_add_meta(&tar, 'g', comment.data, comment.size);
			break;
		case 'L':
		case 'K':
			tar_add_long(&tar, *order, "long");
			break;
		case 'f':
			tar_add(&tar, &file);
			break;
		case 's':
			tar_add(&tar, &(struct item){.path = "s", .type = '2', .link = "to"});
			break;
		}
	}
	tar_end(&tar);
	bytes_free(&pax);
	bytes_free(&comment);
	return tar;
}

static void extended_headers_stand_alone(void)
{
	static const struct {
		const char *order;
		size_t entries;
	} good[] = {{"xf", 1}, {"Lf", 1}, {"LKs", 1}, {"KLs", 1}, {"gf", 1}, {"gxf", 1}, {"gLf", 1},
		{"g", 0}, {"ggxf", 1}, {"xfxfLfKs", 4}, {"fg", 1}};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct bytes tar = metas(good[i].order);
		is_accepted(&tar, good[i].entries, good[i].order);
	}
	static const char *const bad[] = {"xxf", "xLf", "Lxf", "Kxs", "xKs", "LLf", "KKs", "LKLf",
		"xgf", "Lgf", "x", "L", "K", "fx"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct bytes tar = metas(bad[i]);
		is_refused(&tar, ERROR_TAR, bad[i]);
	}
}

static struct bytes meta_of(char type, const void *body, size_t size)
{
	struct bytes tar = {0};
	tar_add_meta(&tar, type, body, size);
	tar_add(&tar, &file);
	tar_end(&tar);
	return tar;
}

static void extended_bodies(void)
{
	struct bytes tar = meta_of('x', "", 0);
	is_refused(&tar, ERROR_TAR, "an empty pax header");
	tar = meta_of('L', "", 0);
	is_refused(&tar, ERROR_TAR, "an empty long name");
	tar = meta_of('L', "", 1);
	is_refused(&tar, ERROR_TAR, "a long name that is only a NUL");
	tar = meta_of('L', "name", 4);
	is_refused(&tar, ERROR_TAR, "a long name without a NUL");
	tar = meta_of('L', "na\0me", 6);
	is_refused(&tar, ERROR_TAR, "a long name with a NUL inside");
	tar = meta_of('L', "name\0", 6);
	is_refused(&tar, ERROR_TAR, "a long name with two NULs");
	tar = meta_of('x', "12 path=a\0b\n", 12);
	is_refused(&tar, ERROR_PATH, "a NUL in a pax path");
	tar = meta_of('g', "9 path=a\n", 9);
	is_refused(&tar, ERROR_TAR, "a global path");
	tar = meta_of('x', "22 GNU.sparse.major=1\n", 22);
	is_refused(&tar, ERROR_TYPE, "GNU sparse 1.0");

	/* 1 MiB is the most, and a record has at most six digits. */
	struct bytes pax = {0};
	char *value = calloc(1, LIMIT_PAX_BYTES);
	if (value == NULL)
		abort();
	memset(value, 'a', LIMIT_PAX_BYTES);
	pax_add(&pax, "comment", value, 999999 - 16);
	is_int((long long)pax.size, 999999, "(a record of 999,999 bytes)");
	pax_add(&pax, "comment", value, LIMIT_PAX_BYTES - 999999 - 15);
	is_int((long long)pax.size, LIMIT_PAX_BYTES, "(a header of just 1 MiB)");
	tar = meta_of('x', pax.data, pax.size);
	is_accepted(&tar, 1, "a pax header of 1 MiB");
	pax.size = 0;
	pax_add(&pax, "comment", value, 999999 - 15);
	tar = meta_of('x', pax.data, pax.size);
	is_refused(&tar, ERROR_TAR, "a record of 1,000,000 bytes or more");
	pax.size = 0;
	pax_add(&pax, "comment", value, LIMIT_PAX_BYTES - 16);
	tar = meta_of('x', pax.data, pax.size);
	is_refused(&tar, ERROR_LIMIT, "a pax header of one byte more");
	free(value);
	bytes_free(&pax);
	tar = with_header(tar_header("x", 'x', UINT64_C(1) << 32));
	is_refused(&tar, ERROR_LIMIT, "a pax header that claims 4 GiB");
}

static void sizes_agree(void)
{
	static const struct {
		const char *name, *pax;
		uint64_t header;
		bool good;
	} rows[] = {{"the same", "9 size=5\n", 5, true}, {"larger in pax", "9 size=6\n", 5, false},
		{"smaller in pax", "9 size=4\n", 5, false},
		{"0 in the header", "9 size=5\n", 0, false}, {"0 in pax", "9 size=0\n", 5, false}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct bytes tar = {0};
		tar_add_meta(&tar, 'x', rows[i].pax, strlen(rows[i].pax));
		tar_add_header(&tar, tar_header("file", '0', rows[i].header));
		if (rows[i].header > 0)
			tar_add_body(&tar, "hello", 5);
		tar_end(&tar);
		if (rows[i].good)
			is_accepted(&tar, 1, rows[i].name);
		else
			is_refused(&tar, ERROR_TAR, rows[i].name);
	}
	struct bytes tar = {0};
	tar_add_meta(&tar, 'x', "18 size=8589934592\n", 19);
	is_refused(&tar, ERROR_TAR, "a record that is one byte short");
	/* 8 GiB: a header of 0 is what GNU tar and libarchive write. */
	tar_add_meta(&tar, 'x', "19 size=8589934592\n", 19);
	tar_add_header(&tar, tar_header("file", '0', 0));
	is_refused(&tar, ERROR_TAR, "8 GiB that do not come");
	tar_add_meta(&tar, 'x', "20 size=68719476737\n", 20);
	tar_add_header(&tar, tar_header("file", '0', 0));
	tar_end(&tar);
	is_refused(&tar, ERROR_TAR, "one byte more than a layer may have");
}

static bool entry_is(const struct gate_entry *entry, char type, const char *path, const char *link,
	uint64_t size)
{
	return entry != NULL && entry->type == type && strcmp(entry->path, path) == 0 &&
	       (link == NULL ? entry->link == NULL
			     : entry->link != NULL && strcmp(entry->link, link) == 0) &&
	       entry->size_bytes == size;
}

static void hands_out_what_it_read(void)
{
	struct bytes tar = {0};
	struct gate *gate = NULL;
	struct error e;
	struct tar_header h = tar_header("name", '0', 0);
	tar_text(h.prefix, sizeof h.prefix, "prefix");
	tar_add_header(&tar, h);
	memcpy(h.magic, "ustar  ", 8);
	tar_add_header(&tar, h); /* GNU keeps times there */
	h = tar_header("", '0', 0);
	memset(h.name, 'n', sizeof h.name);
	memset(h.prefix, 'p', sizeof h.prefix);
	tar_add_header(&tar, h);
	h = tar_header("l", '2', 0);
	memset(h.link, 't', sizeof h.link);
	tar_add_header(&tar, h);
	tar_add(&tar, &(struct item){.path = "short",
			      .pax_path = "pax/path",
			      .pax_mtime = "-0.5",
			      .mtime = 7,
			      .body = "body"});
	tar_add_long(&tar, 'K', "long target");
	tar_add_long(&tar, 'L', "long name");
	tar_add(&tar, &(struct item){.path = "s", .type = '2', .link = "t", .mtime = 7});
	tar_add(&tar, &(struct item){.path = "after", .type = '1', .link = "short"});
	tar_end(&tar);
	if (gate_open(&gate, &e) != 0)
		abort();
	is_int(gate_push(gate, tar.data, tar.size, &e), 0, "all at once");
	ok(entry_is(gate_pop(gate), '0', "prefix/name", NULL, 0), "prefix and name");
	ok(entry_is(gate_pop(gate), '0', "name", NULL, 0), "no prefix in a GNU header");
	const struct gate_entry *entry = gate_pop(gate);
	ok(entry != NULL && strlen(entry->path) == 256 && entry->path[155] == '/',
		"155 and 100 bytes without a NUL");
	entry = gate_pop(gate);
	ok(entry != NULL && strlen(entry->link) == 100, "a link of 100 bytes without a NUL");
	entry = gate_pop(gate);
	ok(entry_is(entry, '0', "pax/path", NULL, 4) && entry->mtime.tv_sec == -1 &&
			entry->mtime.tv_nsec == 500000000,
		"pax path and time");
	entry = gate_pop(gate);
	ok(entry_is(entry, '2', "long name", "long target", 0) && entry->mtime.tv_sec == 7,
		"GNU long names");
	ok(entry_is(gate_pop(gate), '1', "after", "short", 0),
		"which the next entry does not inherit");
	ok(gate_pop(gate) == NULL, "and no more");
	is_int(gate_finish(gate, &e), 0, "the end");
	gate_close(gate);
	bytes_free(&tar);
	gate_close(NULL);
}

static void stays_refused(void)
{
	struct bytes tar = with_header(tar_header("file", 'S', 0)), good = simple();
	struct gate *gate = NULL;
	struct error e;
	if (gate_open(&gate, &e) != 0)
		abort();
	error_is(gate_push(gate, tar.data, tar.size, &e), &e, ERROR_TYPE, "a bad entry");
	error_is(gate_push(gate, good.data, good.size, &e), &e, ERROR_TAR, "then a good one");
	error_is(gate_finish(gate, &e), &e, ERROR_TAR, "then the end");
	gate_close(gate);
	bytes_free(&tar);
	bytes_free(&good);
}

/* Any byte of a good tar changed: accepted or refused, never worse, and the same in every cut. */
static void survives_noise(void)
{
	struct bytes tar = metas("xfLfKsgf");
	uint64_t seed = 4;
	int accepted = 0;
	for (int i = 0; i < 3000; i++) {
		size_t at = random_below(&seed, tar.size), entries[2];
		uint8_t kept = tar.data[at];
		struct error e[2];
		tar.data[at] = (uint8_t)random_u64(&seed);
		/* Half of them with the checksum made right again. */
		size_t block = at / TAR_BLOCK_BYTES * TAR_BLOCK_BYTES;
		struct tar_header h;
		memcpy(&h, tar.data + block, sizeof h);
		struct tar_header sealed = h;
		tar_seal(&sealed);
		if (i % 2 == 0 && memcmp(h.magic, "ustar", 5) == 0)
			memcpy(tar.data + block, &sealed, sizeof sealed);
		int whole = push_all(&tar, tar.size, &entries[0], &e[0]);
		int cut = push_all(&tar, 0, &entries[1], &e[1]);
		if (whole != cut || (whole != 0 && e[0].code != e[1].code))
			ok(false, "byte %zu: the cut decides", at);
		accepted += whole == 0;
		memcpy(tar.data + block, &h, sizeof h);
		tar.data[at] = kept;
	}
	ok(accepted > 0 && accepted < 3000, "3,000 damaged tars, %d still in the profile",
		accepted);
	bytes_free(&tar);
}

int main(void)
{
	ends();
	headers();
	fields();
	extended_headers_stand_alone();
	extended_bodies();
	sizes_agree();
	hands_out_what_it_read();
	stays_refused();
	survives_noise();
	return done();
}
