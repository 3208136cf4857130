/* The catalogue of bad inputs, row "xattrs": each thing by name. */
#include "bad_tars.h"
#include "xattr_items.h"

static char name256[257] = "user.", name255[256] = "user.", value65537[65537];

static void make_values(void)
{
	memset(name256 + 5, 'n', 251);
	memset(name255 + 5, 'n', 250);
}

/* One file with `number` of them; as many as are allowed in the twin. */
static void make_many(const struct bad_tar *self, bool bad, struct bytes *tar)
{
	struct bytes pax = {0};
	for (size_t i = 0; i < (bad ? self->number : LIMIT_XATTRS); i++) {
		char key[40];
		(void)snprintf(key, sizeof key, "SCHILY.xattr.user.%zu", i);
		pax_add(&pax, key, "1", 1);
	}
	tar_add_meta(tar, 'x', pax.data, pax.size);
	tar_add(tar, &(struct item){.path = "f"});
	tar_end(tar);
	bytes_free(&pax);
}

/* --- overlayfs's own ----------------------------------------------------------------------------
 */

/* fs/overlayfs/overlayfs.h of Linux 6.12, OVL_XATTR_*_POSTFIX; on a directory, where most of them
 * work. */
static const char *const overlays[] = {"opaque", "redirect", "origin", "impure", "nlink", "upper",
	"uuid", "metacopy", "protattr", "whiteout", "whiteouts"};

static void run_overlays(const char *prefix)
{
	for (size_t i = 0; i < sizeof overlays / sizeof *overlays; i++) {
		char name[80];
		(void)snprintf(name, sizeof name, "%s%s", prefix, overlays[i]);
		run_bad_tar(&(struct bad_tar){"xattrs", name, ERROR_XATTR,
			.bad = {{.path = "d",
				.type = '5',
				.xattr = name,
				.xattr_value = "y",
				.xattr_bytes = 1}},
			.twin = {{.path = "d", .type = '5', XATTR("user.overlays", "y")}}});
	}
}

/* The other encoding that libarchive reads, with a letter of it hidden. */
static void run_hidden_overlays(void)
{
	for (size_t i = 0; i < sizeof overlays / sizeof *overlays; i++) {
		struct bytes pax = {0};
		char name[80];
		(void)snprintf(name, sizeof name, "LIBARCHIVE.xattr.trusted%%2eoverlay%%2e%s",
			overlays[i]);
		pax_add(&pax, name, "eQ", 2);
		bytes_fill(&pax, 0, 1);
		run_bad_tar(&(struct bad_tar){"xattrs", name, ERROR_XATTR,
			.bad = {{.path = "d", .type = '5', .pax_raw = (const char *)pax.data}},
			.twin = {{.path = "d",
				.type = '5',
				.pax_raw = "32 LIBARCHIVE.xattr.user%2ea=eQ\n"}}});
		bytes_free(&pax);
	}
}

/* --- the catalogue ------------------------------------------------------------------------------
 */

#define CAPABILITY(value)                                                                          \
	{                                                                                          \
		{                                                                                  \
			.path = "f", XATTR("security.capability", value)                           \
		}                                                                                  \
	}
#define SECURITY(name)                                                                             \
	{                                                                                          \
		"xattrs", name ", which the jail may not set", ERROR_XATTR,                        \
			.bad = {{.path = "f", XATTR(name, "\x01")}}, .twin = CAPABILITY(CAP2)      \
	}

static const struct bad_tar items[] = {
	{"xattrs", "trusted.*", ERROR_XATTR, .bad = {{.path = "f", XATTR("trusted.a", "1")}},
		.twin = {{.path = "f", XATTR("user.a", "1")}}},
	{"xattrs", "user.overlay.", ERROR_XATTR,
		.bad = {{.path = "f", XATTR("user.overlay.", "1")}},
		.twin = {{.path = "f", XATTR("user.overlay", "1")}}},

	{"xattrs", "malformed security.capability: empty", ERROR_XATTR, .bad = CAPABILITY(""),
		.twin = CAPABILITY(CAP2)},
	{"xattrs", "malformed security.capability: 3 bytes", ERROR_XATTR,
		.bad = CAPABILITY("\x01\0\0"), .twin = CAPABILITY(CAP2)},
	{"xattrs", "malformed security.capability: 21 bytes", ERROR_XATTR,
		.bad = CAPABILITY(CAP2 "\0"), .twin = CAPABILITY(CAP2)},
	{"xattrs", "malformed security.capability: revision 1", ERROR_XATTR,
		.bad = CAPABILITY("\x01\0\0\x01\0\0\0\0\0\0\0\0"), .twin = CAPABILITY(CAP2)},
	{"xattrs", "malformed security.capability: revision 2 with revision 3's length",
		ERROR_XATTR, .bad = CAPABILITY(CAP2 "\0\0\0\0"), .twin = CAPABILITY(CAP2)},
	{"xattrs", "malformed security.capability: revision 4", ERROR_XATTR,
		.bad = CAPABILITY("\x01\0\0\x04\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
		.twin = CAPABILITY(CAP2)},
	{"xattrs", "malformed security.capability: another flag", ERROR_XATTR,
		.bad = CAPABILITY("\x02\0\0\x02\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
		.twin = CAPABILITY(CAP2)},
	{"xattrs", "malformed security.capability: on a directory", ERROR_XATTR,
		.bad = {{.path = "d", .type = '5', XATTR("security.capability", CAP2)}},
		.twin = CAPABILITY(CAP2)},

	SECURITY("security.ima"),
	SECURITY("security.evm"),
	SECURITY("security.selinux"),
	SECURITY("security.SMACK64"),
	SECURITY("security.apparmor"),
	SECURITY("security.a"),

	{"xattrs", "name of 256 bytes", ERROR_LIMIT,
		.bad = {{.path = "f", .xattr = name256, .xattr_value = "1", .xattr_bytes = 1}},
		.twin = {{.path = "f", .xattr = name255, .xattr_value = "1", .xattr_bytes = 1}}},
	{"xattrs", "value of 64 KiB+1", ERROR_LIMIT,
		.bad = {{.path = "f",
			.xattr = "user.a",
			.xattr_value = value65537,
			.xattr_bytes = 65537}},
		.twin = {{.path = "f",
			.xattr = "user.a",
			.xattr_value = value65537,
			.xattr_bytes = 65536}}},
	{"xattrs", "10,000 of them", ERROR_LIMIT, .make = make_many, .number = 10000},
	{"xattrs", "one more than are allowed", ERROR_LIMIT, .make = make_many,
		.number = LIMIT_XATTRS + 1},
};

int main(void)
{
	if (!have_root())
		return 0;
	make_values();
	RUN_BAD_TARS(items);
	run_overlays("trusted.overlay.");
	run_overlays("trusted.overlay.overlay.");
	run_overlays("user.overlay.");
	run_overlays("user.overlay.overlay.");
	run_hidden_overlays();
	return catalogue_done();
}
