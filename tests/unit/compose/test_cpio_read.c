/* Archives as they are read: several, the last of one name, and what is none. */
#include <stdlib.h>

#include "compose/cpio_read.h"
#include "newc.h"
#include "tap.h"

static struct newc newc;

static void begin(void)
{
	memset(&newc, 0, sizeof newc);
	newc_add(&newc, "./etc/a", "first");
	newc_add(&newc, "TRAILER!!!", "");
}

static void refuses(size_t length, const char *name)
{
	struct cpio_members members = {0};
	struct error e = {0};
	size_t at = 0;
	uint8_t *copy = malloc(length + 1); /* so that the sanitizer sees the end */
	memcpy(copy, newc.text, length);
	ok(cpio_read(copy, length, &at, &members, &e) == -1 && e.code == ERROR_FORMAT && at == 0,
		"%s", name);
	cpio_members_free(&members);
	free(copy);
	begin();
}

static bool holds(const struct cpio_members *members, const char *path, const char *content)
{
	const struct cpio_member *found = cpio_members_find(members, path);
	return found != NULL && found->size_bytes == strlen(content) &&
	       memcmp(found->data, content, found->size_bytes) == 0;
}

/* One header of the fields that are looked at, and its name, in `text`. */
static size_t header(char *text, const char *magic, const char *mode, const char *size,
	const char *name_size, const char *name)
{
	return (size_t)sprintf(text,
		       "%s00000001%s000000000000000000000001"
		       "00000000%s"
		       "00000000000000000000000000000000%s00000000%s",
		       magic, mode, size, name_size, name) +
	       1;
}

static int read_of(const char *text, size_t length, struct cpio_members *members, size_t *at)
{
	struct error e = {0};
	uint8_t *copy = malloc(length); /* so that the sanitizer sees the end */
	memcpy(copy, text, length);
	*at = 0;
	int result = cpio_read(copy, length, at, members, &e);
	if (result != 0)
		result = e.code == ERROR_FORMAT && *at == 0 ? -1 : -2;
	for (size_t i = 0; i < members->count; i++)
		members->items[i].data = NULL;
	free(copy);
	return result;
}

static void one_header(const char *magic, const char *mode, const char *size, const char *name_size,
	const char *name, int want, const char *what)
{
	char text[200];
	struct cpio_members members = {0};
	size_t at, length = header(text, magic, mode, size, name_size, name);
	int result = read_of(text, length, &members, &at);
	is_int(result == 0 ? (int)members.count : result, want, "%s", what);
	cpio_members_free(&members);
}

static void headers(void)
{
	one_header("070701", "000081A4", "00000000", "00000002", "a", 1, "digits in upper case");
	one_header("070702", "000081a4", "00000000", "00000002", "a", 1, "one with check sums");
	one_header("070703", "000081a4", "00000000", "00000002", "a", 0, "a third kind is none");
	one_header("070707", "000081a4", "00000000", "00000002", "a", 0, "one of old is none");
	one_header("070701", "0000 1a4", "00000000", "00000002", "a", -1, "a blank in its mode");
	one_header("070701", "000081G4", "00000000", "00000002", "a", -1, "a G in its mode");
	one_header("070701", "000081a4", "0000000x", "00000002", "a", -1, "an x in its size");
	one_header("070701", "000081a4", "00000000", "0000000-", "a", -1, "no number of its name");
	one_header("070701", "000081a4", "00000001", "00000002", "a", -1, "content behind the end");
	one_header("070701", "000081a4", "ffffffff", "00000002", "a", -1, "4 GiB behind the end");
	one_header("070701", "000081a4", "00000000", "ffffffff", "a", -1, "a name of 4 GiB");
	one_header("070701", "000081a4", "00000000", "00000003", "a", -1, "a name behind the end");
	one_header("070701", "000081a4", "00000000", "00000001", "", 1, "an empty name");
	one_header("070701", "000081a4", "00000000", "00000002", "ab", -1, "a name that goes on");
	one_header("070701", "000081a4", "00000000", "0000000b", "TRAILER!!!", 0, "an end alone");
	char text[200];
	struct cpio_members members = {0};
	size_t at, length = header(text, "070701", "000081a4", "00000000", "00000005", "a");
	memcpy(text + length - 2, "a\0bc", 5);
	is_int(read_of(text, length + 3, &members, &at), -1, "a NUL within a name");
	length = header(text, "070701", "000081a4", "00000000", "00000002", "a");
	text[20] = '\0';
	is_int(read_of(text, length, &members, &at), -1, "a NUL in its mode");
	ok(read_of("07070", 5, &members, &at) == 0 && at == 0, "five bytes are none");
	is_int(read_of("070701", 6, &members, &at), -1, "six may be one, which is cut");
	cpio_members_free(&members);
}

/* What stands behind the end in memory is none of it: the bytes are not copied here. */
static void behind_the_end(void)
{
	char text[300];
	struct cpio_members members = {0};
	struct error e = {0};
	size_t at = 0;
	size_t length = header(text, "070701", "000081a4", "00000000", "00000007", "abcdef");
	ok(cpio_read((uint8_t *)text, length - 4, &at, &members, &e) == -1 &&
			e.code == ERROR_FORMAT && at == 0,
		"a name that goes on behind the end");
	ok(cpio_read((uint8_t *)text, 109, &at, &members, &e) == -1 && e.code == ERROR_FORMAT,
		"a header that does");
	memset(text + length, 'x', 20);
	text[61] = '6';
	ok(cpio_read((uint8_t *)text, length + 9, &at, &members, &e) == 0 && members.count == 1 &&
			members.items[0].size_bytes == 6 &&
			members.items[0].data == (uint8_t *)text + 120 && at == length + 9,
		"content up to the end, behind a name and what fills it up");
	at = 0;
	ok(cpio_read((uint8_t *)text, length + 8, &at, &members, &e) == -1 &&
			e.code == ERROR_FORMAT && at == 0 && members.count == 1,
		"content that goes on behind it");
	cpio_members_free(&members);
}

static void names(void)
{
	static char text[5000], name[4098];
	struct cpio_members members = {0};
	size_t at;
	memset(name, 'n', sizeof name - 1);
	size_t length = header(text, "070701", "000081a4", "00000000", "00001001", name + 1);
	is_int(read_of(text, length, &members, &at), -1, "a name of 4097 bytes");
	length = header(text, "070701", "000081a4", "00000000", "00001000", name + 2);
	ok(read_of(text, length, &members, &at) == 0 && members.count == 1 &&
			strlen(members.items[0].path) == 4095 && at == length,
		"one of 4096, with its NUL");
	cpio_members_free(&members);
	begin();
	newc_add(&newc, ".//./x", "1");
	newc_add(&newc, ".y", "");
	newc_add(&newc, ".", "");
	ok(read_of(newc.text, newc.size, &members, &at) == 0 && members.count == 4 &&
			strcmp(members.items[1].path, "x") == 0 &&
			strcmp(members.items[2].path, ".y") == 0 &&
			strcmp(members.items[3].path, ".") == 0,
		"what is in front of a path");
	ok(cpio_members_find(&members, "/x") == cpio_members_find(&members, "./x") &&
			cpio_members_find(&members, "y") == NULL,
		"means nothing, and a dot of a name stays");
	is_int(members.items[0].mode, 0100644, "the mode of a member");
	cpio_members_free(&members);
	begin();
}

/* So many files, and one more. */
static void too_many(void)
{
	enum { MOST = 200000, MEMBER = 112 };
	char *text = malloc((size_t)(MOST + 1) * MEMBER);
	struct cpio_members members = {0};
	struct error e = {0};
	size_t at = 0;
	for (size_t i = 0; i <= MOST; i++)
		(void)header(text + i * MEMBER, "070701", "000081a4", "00000000", "00000002", "a");
	ok(cpio_read((uint8_t *)text, (size_t)MOST * MEMBER, &at, &members, &e) == 0 &&
			members.count == MOST,
		"as many files as there may be");
	cpio_members_free(&members);
	at = 0;
	ok(cpio_read((uint8_t *)text, (size_t)(MOST + 1) * MEMBER, &at, &members, &e) == -1 &&
			e.code == ERROR_LIMIT && at == 0,
		"one more");
	cpio_members_free(&members);
	free(text);
}

int main(void)
{
	headers();
	behind_the_end();
	names();
	too_many();
	struct cpio_members members = {0};
	struct error e;
	size_t at = 0;
	begin();
	newc.size += 512;
	newc_add(&newc, "etc/a", "second");
	newc_add(&newc, "/b", "");
	newc_add(&newc, "TRAILER!!!", "");
	memcpy(newc.text + newc.size, "\x1f\x8brest", 6);
	is_int(cpio_read((uint8_t *)newc.text, newc.size + 6, &at, &members, &e), 0,
		"two archives");
	is_int((long long)members.count, 3, "what is in them");
	ok(holds(&members, "/etc/a", "second"), "of one name the last counts");
	ok(holds(&members, "b", ""), "a slash in front means nothing");
	ok(cpio_members_find(&members, "etc") == NULL, "what is not there");
	is_int((long long)at, (long long)newc.size, "what is no archive is left");
	is_int(cpio_read((uint8_t *)newc.text, newc.size + 6, &at, &members, &e), 0,
		"once more from there");
	ok(at == newc.size && members.count == 3, "adds nothing");
	at = 0;
	is_int(cpio_read((uint8_t *)newc.text, newc.size, &at, &members, &e), 0,
		"once more from the front");
	ok(at == newc.size && members.count == 6, "adds them all");
	cpio_members_free(&members);
	at = 0;
	begin();
	size_t first = newc.size;
	newc.size++;
	newc_add(&newc, "behind", "");
	is_int(cpio_read((uint8_t *)newc.text, newc.size, &at, &members, &e), 0,
		"one at no multiple of four");
	ok(members.count == 1 && at == first + 1, "is not read, as the kernel doesn't");
	cpio_members_free(&members);
	begin();
	refuses(100, "a cut header");
	refuses(112, "a cut name");
	refuses(122, "cut content");
	newc.text[60] = 'g';
	refuses(newc.size, "a size that is no number");
	newc.text[54] = 'f';
	refuses(newc.size, "a size of 4 GiB");
	memset(newc.text + 94, '0', 8);
	refuses(newc.size, "a name of no bytes");
	memcpy(newc.text + 94, "00000004", 8);
	refuses(newc.size, "a name without its end");
	return done();
}
