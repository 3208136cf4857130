/* The files of a tar that is read in place: where they lie, and which tars are refused. */
#include "compose/tar_members.h"

#include <string.h>

#include "compose/bytes.h"
#include "compose/ustar.h"
#include "errors.h"
#include "tap.h"

static struct bytes tar;

static int read_at(void *context, uint64_t offset, void *buffer, size_t size_bytes, size_t *got,
	struct error *e)
{
	size_t left = tar.size - (size_t)offset;
	(void)context;
	if (offset >= tar.size)
		return error_set(e, ERROR_IO, 0, "read behind the end");
	*got = size_bytes < left ? size_bytes : left;
	memcpy(buffer, tar.data + offset, *got);
	return 0;
}

static int fails(void *context, uint64_t offset, void *buffer, size_t size_bytes, size_t *got,
	struct error *e)
{
	(void)context, (void)offset, (void)buffer, (void)size_bytes, (void)got;
	return error_set(e, ERROR_IO, 0, "a bad sector");
}

static void add_header(const char *name, uint64_t size_bytes, char type)
{
	struct error e;
	uint8_t block[TAR_BLOCK_BYTES];
	unsigned sum = 0;
	char text[8];
	ustar_header(&(struct ustar_member){.prefix = "", .name = name, .size_bytes = size_bytes},
		block);
	struct tar_header *header = (struct tar_header *)(void *)block;
	header->type = type;
	if (type == '1' || type == '2')
		strcpy(header->link, "x");
	memset(header->checksum, ' ', sizeof header->checksum);
	for (size_t i = 0; i < sizeof block; i++)
		sum += block[i];
	(void)snprintf(text, sizeof text, "%06o", sum);
	memcpy(header->checksum, text, 7);
	(void)bytes_add(&tar, block, sizeof block, &e);
}

static void add_file(const char *name, const char *data)
{
	static const uint8_t zeros[TAR_BLOCK_BYTES];
	struct error e;
	add_header(name, strlen(data), '0');
	(void)bytes_add(&tar, data, strlen(data), &e);
	(void)bytes_add(&tar, zeros, ustar_padding(strlen(data)), &e);
}

static void begin(void)
{
	bytes_free(&tar);
	add_file("oci-layout", "{}");
}

static int list(struct tar_members *out, struct error *e)
{
	static const uint8_t end[2 * TAR_BLOCK_BYTES];
	(void)bytes_add(&tar, end, sizeof end, e);
	const struct tar_input input = {.size_bytes = tar.size, .read_at = read_at};
	return tar_members_list(&input, out, e);
}

static void is_refused(enum error_code code, const char *name)
{
	struct tar_members members;
	struct error e = {.code = ERROR_NONE};
	int result = list(&members, &e);
	ok(result == -1 && e.code == code, "%s: %s (%s)", name, error_code_name(code), e.text);
	ok(members.count == 0 && members.items == NULL, "... and nothing is left");
}

static void good_ones(void)
{
	struct tar_members members;
	struct error e;
	begin();
	add_header("./stacks/", 0, '5');
	add_file("./stacks/d-1.stack", "plyboot stack 1\n");
	add_file(".//blobs/./sha256/x", "");
	ok(list(&members, &e) == 0, "a good one");
	is_int((long long)members.count, 3, "its files, and not its directories");
	const struct tar_member *stack = tar_members_find(&members, "stacks/d-1.stack");
	ok(stack != NULL && stack->size_bytes == 16 &&
			memcmp(tar.data + stack->offset, "plyboot stack 1\n", 16) == 0,
		"a name without its ./, and where its bytes lie");
	ok(tar_members_find(&members, "blobs/sha256/x") != NULL, "a normal name");
	ok(tar_members_find(&members, "stacks") == NULL &&
			tar_members_find(&members, "./oci-layout") == NULL,
		"others are not there");
	tar_members_free(&members);
	ok(tar_members_find(&members, "oci-layout") == NULL, "nothing in none");
}

static void bad_names(void)
{
	begin();
	add_file("../x", "");
	is_refused(ERROR_PATH, "a name that leaves it");
	begin();
	add_file("/x", "");
	is_refused(ERROR_PATH, "an absolute name");
	begin();
	add_header("../x/", 0, '5');
	is_refused(ERROR_PATH, "a directory that leaves it");
	begin();
	add_file(".//.", "x");
	is_refused(ERROR_PATH, "a file where the tar's own directory is");
	begin();
	add_file("./oci-layout", "{}");
	is_refused(ERROR_FORMAT, "a name twice");
}

static void bad_types(void)
{
	static const char types[] = {'1', '2', '3', '4', '6'};
	for (size_t i = 0; i < sizeof types; i++) {
		begin();
		add_header("x", 0, types[i]);
		char name[16];
		(void)snprintf(name, sizeof name, "type %c", types[i]);
		is_refused(ERROR_TYPE, name);
	}
}

static void bad_sizes(void)
{
	begin();
	add_header("x", 5000, '0');
	is_refused(ERROR_SIZE, "a file that is cut");
	begin();
	add_header("x", INT64_MAX, '0');
	is_refused(ERROR_TAR, "a size beyond all");
	begin();
	for (int i = 0; i < TAR_MEMBERS_MOST; i++) {
		char name[16];
		(void)snprintf(name, sizeof name, "d%d/", i);
		add_header(name, 0, '5');
	}
	is_refused(ERROR_LIMIT, "too many members");
}

static void unreadable(void)
{
	struct tar_members members;
	struct error e = {.code = ERROR_NONE};
	const struct tar_input input = {.size_bytes = 10240, .read_at = fails};
	ok(tar_members_list(&input, &members, &e) == -1 && e.code == ERROR_IO &&
			strcmp(e.text, "a bad sector") == 0,
		"the input's own error");
}

int main(void)
{
	good_ones();
	bad_names();
	bad_types();
	bad_sizes();
	unreadable();
	bytes_free(&tar);
	return done();
}
