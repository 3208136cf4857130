/* layers/pax.c: the records of pax headers, each key known or refused. */
#include "bytes.h"
#include "errors.h"
#include "layers/ceilings.h"
#include "layers/pax.h"
#include "random.h"

#define BODY(text) text, sizeof(text) - 1

static int parse(const char *body, size_t size, struct pax *out, struct error *e)
{
	/* A copy of just that size, so that the sanitizer sees one byte too many. */
	char *copy = malloc(size + (size == 0));
	if (copy == NULL)
		abort();
	memcpy(copy, body, size);
	int result = pax_parse(copy, size, out, e);
	free(copy);
	return result;
}

static void takes_what_it_knows(void)
{
	struct bytes pax = {0};
	struct pax out;
	struct error e;
	pax_add(&pax, "path", "a/b", 3);
	pax_add(&pax, "linkpath", "c=d", 3);
	pax_add(&pax, "size", "12345678901", 11);
	pax_add(&pax, "mtime", "-1.25", 5);
	static const char *const ignored[][2] = {{"atime", "1.5"}, {"ctime", "0"},
		{"uid", "4294967294"}, {"gid", "0"}, {"uname", "root"}, {"gname", ""},
		{"comment", "hello\nworld"}, {"hdrcharset", "BINARY"}, {"SCHILY.xattr.user.a", "1"},
		{"LIBARCHIVE.xattr.user.a", "MQ"}, {"LIBARCHIVE.creationtime", "3"},
		{"SCHILY.dev", "1"}, {"SCHILY.ino", "2"}, {"SCHILY.nlink", "3"}};
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		pax_add(&pax, ignored[i][0], ignored[i][1], strlen(ignored[i][1]));
	is_int(parse((const char *)pax.data, pax.size, &out, &e), 0, "all keys at once");
	is_str(out.path, "a/b", "path");
	is_str(out.link, "c=d", "linkpath");
	ok(out.has_size && out.size_bytes == 12345678901, "size");
	ok(out.has_mtime && out.mtime.tv_sec == -2 && out.mtime.tv_nsec == 750000000, "mtime");
	pax_free(&out);
	bytes_free(&pax);

	is_int(parse(BODY("38 hdrcharset=ISO-IR 10646 2000 UTF-8\n"), &out, &e), 0,
		"a charset that says UTF-8");
	ok(parse("", 0, &out, &e) == 0 && out.path == NULL && out.link == NULL && !out.has_size &&
			!out.has_mtime,
		"an empty body says nothing");
	is_int(parse(BODY("9 path=\xff\n"), &out, &e), 0, "a path that is not UTF-8");
	is_str(out.path, "\xff", "is taken as bytes");
	pax_free(&out);
}

static void is_refused(const char *body, size_t size, enum error_code code, const char *name)
{
	struct pax out;
	struct error e;
	memset(&out, UNTOUCHED, sizeof out);
	error_is(parse(body, size, &out, &e), &e, code, "refused: %s", name);
	if (!is_untouched(&out, sizeof out))
		ok(false, "and nothing was handed out");
}

static void refuses_malformed_records(void)
{
	static const struct {
		const char *name, *body;
		size_t size;
		enum error_code code;
	} rows[] = {
		{"length too small", BODY("7 path=a\n"), ERROR_TAR},
		{"length too large", BODY("99 path=a\n"), ERROR_TAR},
		{"length huge", BODY("9999999 path=a\n"), ERROR_TAR},
		{"length of 20 digits", BODY("18446744073709551617 path=a\n"), ERROR_TAR},
		{"length 0", BODY("0 path=a\n"), ERROR_TAR},
		{"length 1", BODY("1 path=a\n"), ERROR_TAR},
		{"length 2 and no more", BODY("2 "), ERROR_TAR},
		{"length 3: nothing but a newline", BODY("3 \n"), ERROR_TAR},
		{"length empty", BODY(" path=a\n"), ERROR_TAR},
		{"length negative", BODY("-9 path=a\n"), ERROR_TAR},
		{"length with a plus", BODY("+9 path=a\n"), ERROR_TAR},
		{"length with a leading zero", BODY("010 path=a\n"), ERROR_TAR},
		{"length in hex", BODY("0x9 path=a\n"), ERROR_TAR},
		{"two spaces", BODY("11  path=a\n"), ERROR_TAR},
		{"no space", BODY("9path=aa\n"), ERROR_TAR},
		{"no newline", BODY("8 path=a"), ERROR_TAR},
		{"something else for the newline", BODY("9 path=a;"), ERROR_TAR},
		{"no equals sign", BODY("7 path\n"), ERROR_TAR},
		{"no key", BODY("5 =a\n"), ERROR_TAR},
		{"trailing NUL", BODY("9 path=a\n\0"), ERROR_TAR},
		{"second record cut", BODY("9 path=a\n9 path"), ERROR_TAR},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		is_refused(rows[i].body, rows[i].size, rows[i].code, rows[i].name);
}

/* In records that are whole themselves. */
static void refuses_keys_and_values(void)
{
	static const struct {
		const char *name, *key, *value;
		size_t value_size;
		int times;
		enum error_code code;
	} rows[] = {
		{"unknown key", "foo", BODY("ba"), 1, ERROR_TAR},
		{"key that begins like one", "pathx", BODY("a"), 1, ERROR_TAR},
		{"key in capitals", "PATH", BODY("a"), 1, ERROR_TAR},
		{"xattr without a name", "SCHILY.xattr.", BODY(""), 1, ERROR_TAR},
		{"path twice", "path", BODY("a"), 2, ERROR_TAR},
		{"path empty", "path", BODY(""), 1, ERROR_TAR},
		{"linkpath twice", "linkpath", BODY("a"), 2, ERROR_TAR},
		{"NUL in path", "path", BODY("a\0b"), 1, ERROR_PATH},
		{"NUL at the end of path", "path", BODY("a\0"), 1, ERROR_PATH},
		{"NUL in linkpath", "linkpath", BODY("a\0b"), 1, ERROR_PATH},
		{"size twice", "size", BODY("1"), 2, ERROR_TAR},
		{"size empty", "size", BODY(""), 1, ERROR_TAR},
		{"size negative", "size", BODY("-1"), 1, ERROR_TAR},
		{"size with a plus", "size", BODY("+1"), 1, ERROR_TAR},
		{"size 2^63", "size", BODY("9223372036854775808"), 1, ERROR_TAR},
		{"size 2^64+1", "size", BODY("18446744073709551617"), 1, ERROR_TAR},
		{"uid 2^32", "uid", BODY("4294967296"), 1, ERROR_TAR},
		{"uid 2^32-1", "uid", BODY("4294967295"), 1, ERROR_TAR},
		{"gid 2^32", "gid", BODY("4294967296"), 1, ERROR_TAR},
		{"uid negative", "uid", BODY("-1"), 1, ERROR_TAR},
		{"mtime twice", "mtime", BODY("1"), 2, ERROR_TAR},
		{"mtime empty", "mtime", BODY(""), 1, ERROR_TAR},
		{"mtime no number", "mtime", BODY("now"), 1, ERROR_TAR},
		{"mtime 2^63", "mtime", BODY("9223372036854775808"), 1, ERROR_TAR},
		{"atime no number", "atime", BODY("now"), 1, ERROR_TAR},
		{"hdrcharset unknown", "hdrcharset", BODY("EBCDIC"), 1, ERROR_TAR},
		{"hdrcharset of another length", "hdrcharset", BODY("UTF-8"), 1, ERROR_TAR},
		{"hdrcharset almost UTF-8", "hdrcharset", BODY("ISO-IR 10646 2000 UTF-7"), 1,
			ERROR_TAR},
		{"long unknown key",
			"a_key_of_more_than_sixty_characters_is_cut_in_the_message_that_refuses_it",
			BODY("a"), 1, ERROR_TAR},
		{"GNU sparse 1.0", "GNU.sparse.major", BODY("1"), 1, ERROR_TYPE},
		{"GNU sparse 0.1", "GNU.sparse.map", BODY("0,1"), 1, ERROR_TYPE},
		{"GNU sparse 0.0", "GNU.sparse.numbytes", BODY("1"), 1, ERROR_TYPE},
		{"ACL in text", "SCHILY.acl.access", BODY("u::r"), 1, ERROR_XATTR},
		{"SELinux label of its own key", "RHT.security.selinux", BODY("a"), 1, ERROR_XATTR},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct bytes pax = {0};
		for (int time = 0; time < rows[i].times; time++)
			pax_add(&pax, rows[i].key, rows[i].value, rows[i].value_size);
		is_refused((const char *)pax.data, pax.size, rows[i].code, rows[i].name);
		bytes_free(&pax);
	}
	is_refused(BODY("27 SCHILY.xattr.user.a\0b=1\n"), ERROR_TAR, "key with a NUL");
}

static void global_headers_hold_comments_only(void)
{
	struct error e;
	is_int(pax_parse_global(BODY("12 comment=a\n"), &e), -1, "a wrong length is refused");
	is_int(pax_parse_global(BODY("13 comment=a\n"), &e), 0, "a comment");
	is_int(pax_parse_global(BODY("13 comment=a\n12 comment=\n"), &e), 0, "two comments");
	error_is(pax_parse_global(BODY("9 path=a\n"), &e), &e, ERROR_TAR, "a path");
	error_is(pax_parse_global(BODY("13 comment=a\n9 size=1\n"), &e), &e, ERROR_TAR, "a size");
	error_is(pax_parse_global(BODY("14 comments=a\n"), &e), &e, ERROR_TAR, "a longer key");
	error_is(pax_parse_global(BODY("13 command=a\n"), &e), &e, ERROR_TAR,
		"another key of that length");
}

static void survives_noise(void)
{
	uint64_t seed = 2;
	int taken = 0;
	for (int i = 0; i < 50000; i++) {
		static const char base[] = "9 path=a\n13 linkpath=b\n9 size=1\n11 mtime=-1\n";
		char body[sizeof base - 1];
		memcpy(body, base, sizeof body);
		for (uint64_t flips = random_below(&seed, 4); flips > 0; flips--)
			body[random_below(&seed, sizeof body)] = (char)random_u64(&seed);
		struct pax out;
		struct error e;
		if (parse(body, random_below(&seed, sizeof body + 1), &out, &e) == 0) {
			taken++;
			pax_free(&out);
		}
	}
	ok(taken > 0 && taken < 50000, "50,000 damaged headers, %d of them whole", taken);
}

int main(void)
{
	takes_what_it_knows();
	refuses_malformed_records();
	refuses_keys_and_values();
	global_headers_hold_comments_only();
	survives_noise();
	return done();
}
