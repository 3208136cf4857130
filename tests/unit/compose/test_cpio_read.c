/* An initramfs as it is read: several archives, the last of one name, and what is none. */
#include <stdlib.h>

#include "compose/cpio_read.h"
#include "tap.h"

static char text[4096];
static size_t size;

static void add(const char *path, const char *content)
{
	size += (size_t)snprintf(text + size, sizeof text - size,
		"070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x%s", 1, 0100644, 0, 0,
		1, 0, strlen(content), 0, 0, 0, 0, strlen(path) + 1, 0, path);
	text[size++] = '\0';
	while (size % 4 != 0)
		text[size++] = '\0';
	size += (size_t)snprintf(text + size, sizeof text - size, "%s", content);
	while (size % 4 != 0)
		text[size++] = '\0';
}

static void begin(void)
{
	memset(text, 0, sizeof text);
	size = 0;
	add("./etc/a", "first");
	add("TRAILER!!!", "");
}

static void refuses(size_t length, const char *name)
{
	struct cpio_members members;
	struct error e = {0};
	uint8_t *copy = malloc(length + 1); /* so that the sanitizer sees the end */
	memcpy(copy, text, length);
	ok(cpio_read(copy, length, &members, &e) == -1 && e.code == ERROR_FORMAT, "%s", name);
	free(copy);
	begin();
}

static bool holds(const struct cpio_members *members, const char *path, const char *content)
{
	const struct cpio_member *found = cpio_members_find(members, path);
	return found != NULL && found->size_bytes == strlen(content) &&
	       memcmp(found->data, content, found->size_bytes) == 0;
}

int main(void)
{
	struct cpio_members members;
	struct error e;
	begin();
	size += 512;
	add("etc/a", "second");
	add("/b", "");
	add("TRAILER!!!", "");
	memcpy(text + size, "\x1f\x8brest", 6);
	is_int(cpio_read((uint8_t *)text, size + 6, &members, &e), 0, "two archives");
	is_int((long long)members.count, 3, "what is in them");
	ok(holds(&members, "/etc/a", "second"), "of one name the last counts");
	ok(holds(&members, "b", ""), "a slash in front means nothing");
	ok(cpio_members_find(&members, "etc") == NULL, "what is not there");
	is_int((long long)members.unread_bytes, 6, "what is no archive is left");
	cpio_members_free(&members);
	begin();
	size_t first = size;
	size++;
	add("behind", "");
	is_int(cpio_read((uint8_t *)text, size, &members, &e), 0, "one at no multiple of four");
	ok(members.count == 1 && members.unread_bytes == size - first - 1,
		"is not read, as the kernel doesn't");
	cpio_members_free(&members);
	begin();
	refuses(0, "nothing");
	refuses(100, "a cut header");
	refuses(112, "a cut name");
	refuses(122, "cut content");
	text[60] = 'g';
	refuses(size, "a size that is no number");
	text[54] = 'f';
	refuses(size, "a size of 4 GiB");
	memset(text + 94, '0', 8);
	refuses(size, "a name of no bytes");
	memcpy(text + 94, "00000004", 8);
	refuses(size, "a name without its end");
	text[0] = 'x';
	refuses(size, "something else");
	return done();
}
