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

int main(void)
{
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
