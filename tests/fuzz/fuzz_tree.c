/*
 * What names do to each other: the input chooses entries from a few names, links, types and
 * attributes, so that hardly a byte is lost on the format of tar. Five bytes an entry:
 *
 *     type    low 4 bits; high 4 bits: mode bits
 *     path    two components, 4 bits each
 *     path    two more, 4 bits each (0: no more)
 *     link    as the first path byte; or the body's size in a file
 *     extra   low 4 bits: an xattr; high 4 bits: how the link is written, and the time
 */
#include "layers/bytes.h"
#include "unpack_both.h"
#include "xattrs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENTRY_BYTES = 5, PATH_ROOM = 2048 };

static char long_component[LIMIT_COMPONENT_BYTES + 1], too_long[LIMIT_COMPONENT_BYTES + 2];

/* The first means "no more" behind another, and the root alone. */
static const char *const components[16] = {"", "a", "b", "c", "d", "..", ".", ".wh.a", ".wh.b",
	".wh..wh..opq", ".wh..wh.plnk", ".wh.", "canary", "file", long_component, too_long};

static const struct {
	const char *name, *value;
	size_t size;
} xattrs[16] = {
	[1] = {"user.x", "y", 1},
	[2] = {"user.x", "", 0},
	[3] = {"security.capability", "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20},
	[4] = {"security.capability", "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0", 19},
	[5] = {XATTR_ACL_ACCESS,
		"\2\0\0\0\1\0\6\0\377\377\377\377\4\0\4\0\377\377\377\377"
		"\40\0\4\0\377\377\377\377",
		28},
	[6] = {XATTR_ACL_DEFAULT,
		"\2\0\0\0\1\0\7\0\377\377\377\377\4\0\5\0\377\377\377\377"
		"\40\0\5\0\377\377\377\377",
		28},
	[7] = {XATTR_ACL_ACCESS, "\2\0\0\0\1\0\6\0\377\377\377\377", 12},
	[8] = {"user.overlay.opaque", "y", 1},
	[9] = {"trusted.overlay.opaque", "y", 1},
	[10] = {"trusted.overlay.redirect", "/canary", 7},
	[11] = {"security.ima", "x", 1},
	[12] = {"user.", "x", 1},
};

static void add_component(char *path, const char *component)
{
	if (path[0] != '\0' && path[strlen(path) - 1] != '/')
		strcat(path, "/");
	strcat(path, component);
}

static void make_path(char path[PATH_ROOM], uint8_t first, uint8_t more)
{
	const unsigned chosen[] = {first & 15, first >> 4, more & 15, more >> 4};
	path[0] = '\0';
	for (int i = 0; i < 4; i++)
		if (chosen[i] != 0)
			add_component(path, components[chosen[i]]);
	if (path[0] == '\0')
		strcpy(path, "./");
}

static void make_link(char link[PATH_ROOM], uint8_t chosen, unsigned how)
{
	strcpy(link, how == 1 ? "/" : how == 2 ? "../" : how == 3 ? "../../" : "");
	if ((chosen & 15) != 0)
		add_component(link, components[chosen & 15]);
	if (chosen >> 4 != 0)
		add_component(link, components[chosen >> 4]);
	if (link[0] == '\0')
		strcpy(link, ".");
}

static void add_entry(struct bytes *tar, const uint8_t at[ENTRY_BYTES])
{
	static const char types[16] = "0001122222555346";
	static const char body[600] = "body";
	char path[PATH_ROOM], link[PATH_ROOM];
	unsigned xattr = at[4] & 15;
	struct item item = {.path = "x",
		.type = types[at[0] & 15],
		.mode = 0600 | (unsigned)(at[0] >> 4) << 8 | (at[0] & 0x30u),
		.uid = at[4] >> 6,
		.mtime = at[4] >> 4,
		.major = 1,
		.minor = 3,
		.pax_path = path};
	make_path(path, at[1], at[2]);
	make_link(link, at[3], at[4] >> 4 & 3);
	if (item.type == '1' || item.type == '2')
		item.pax_link = item.link = link;
	if (item.type == '0' && at[3] % 4 == 0) {
		item.body = body;
		item.body_bytes = at[3] * 2u + 1;
	}
	if (item.type == '5' && at[4] >> 7 != 0)
		strcat(path, "/");
	if (xattrs[xattr].name != NULL) {
		item.xattr = xattrs[xattr].name;
		item.xattr_value = xattrs[xattr].value;
		item.xattr_bytes = xattrs[xattr].size;
	}
	tar_add(tar, &item);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes tar = {0};
	memset(long_component, 'l', sizeof long_component - 1);
	memset(too_long, 't', sizeof too_long - 1);
	for (size_t at = 0; at + ENTRY_BYTES <= size && at < 100 * ENTRY_BYTES; at += ENTRY_BYTES)
		add_entry(&tar, data + at);
	tar_end(&tar);
	unpack_both(tar.data, tar.size);
	bytes_free(&tar);
	return 0;
}
