/* layers/xattrs.c and what unpack.c does with them, beside the catalogue (test_catalogue_xattrs.c).
 */
#include "layers/xattrs.h"
#include "random.h"
#include "verdicts.h"
#include "xattr_items.h"

/* --- xattrs -------------------------------------------------------------------------------------
 */

static void refuses_xattrs(void)
{
	const struct row rows[] = {
		{"user.", ERROR_XATTR, {{.path = "f", XATTR("user.", "1")}},
			{{.path = "f", XATTR("user.1", "")}}},
		{"user.* on a FIFO", ERROR_XATTR,
			{{.path = "p", .type = '6', XATTR("user.a", "1")}}, {{0}}},
		{"user.* on a symlink", ERROR_XATTR,
			{{.path = "l", .type = '2', .link = "a", XATTR("user.a", "1")}}, {{0}}},
		{"system.other", ERROR_XATTR, {{.path = "f", XATTR("system.data", "1")}}, {{0}}},
		{"no known name space", ERROR_XATTR, {{.path = "f", XATTR("a", "1")}}, {{0}}},
		{"default ACL on a file", ERROR_XATTR,
			{{.path = "f", XATTR("system.posix_acl_default", ACL(ACL_NAMED))}},
			{{.path = "f", XATTR("system.posix_acl_access", ACL(ACL_NAMED))}}},
		{"ACL cut", ERROR_XATTR,
			{{.path = "f", XATTR("system.posix_acl_access", "\x02\0\0\0\x01\0\x07")}},
			{{.path = "d",
				.type = '5',
				XATTR("system.posix_acl_default", ACL(ACL_SMALL))}}},
		{"ACL of another version", ERROR_XATTR,
			{{.path = "f", XATTR("system.posix_acl_access", "\x03\0\0\0" ACL_SMALL)}},
			{{.path = "p",
				.type = '6',
				XATTR("system.posix_acl_access", ACL(ACL_NAMED))}}},
		{"ACL without its header", ERROR_XATTR,
			{{.path = "f", XATTR("system.posix_acl_access", "\x02\0\0")}}, {{0}}},
		{"ACL that names somebody and has no mask", ERROR_XATTR,
			{{.path = "f", XATTR("system.posix_acl_access", ACL(ACL_NO_MASK))}},
			{{.path = "f", XATTR("system.posix_acl_access", ACL(ACL_NAMED))}}},
		{"ACL empty", ERROR_XATTR,
			{{.path = "f", XATTR("system.posix_acl_access", "\x02\0\0\0")}}, {{0}}},
		{"ACL in text", ERROR_XATTR,
			{{.path = "f", .pax_raw = "31 SCHILY.acl.access=user::rw-\n"}}, {{0}}},
	};
	RUN_ROWS(rows);
}

static struct bytes many_xattrs(size_t count)
{
	struct bytes tar = {0}, pax = {0};
	for (size_t i = 0; i < count; i++) {
		char key[40];
		(void)snprintf(key, sizeof key, "SCHILY.xattr.user.%zu", i);
		pax_add(&pax, key, "1", 1);
	}
	tar_add_meta(&tar, 'x', pax.data, pax.size);
	tar_add(&tar, &(struct item){.path = "f"});
	tar_end(&tar);
	bytes_free(&pax);
	return tar;
}

static bool check_xattrs(const struct sandbox *sandbox, const struct unpack_result *result)
{
	char value[256];
	return result->user_xattrs == 2 && mode_of(sandbox, "f") == 0104755 &&
	       getxattr(in_root(sandbox, "f"), "security.capability", value, sizeof value) == 20 &&
	       getxattr(in_root(sandbox, "u"), "user.a", value, sizeof value) == 3 &&
	       memcmp(value, "1\0002", 3) == 0 &&
	       getxattr(in_root(sandbox, "d"), "user.empty", value, sizeof value) == 0 &&
	       getxattr(in_root(sandbox, "acl"), "system.posix_acl_access", value, sizeof value) ==
		       44 &&
	       mode_of(sandbox, "acl") == 0100674 &&
	       getxattr(in_root(sandbox, "acl/../x/inner"), "system.posix_acl_access", value,
		       sizeof value) == -1;
}

static ssize_t xattr_size(const struct sandbox *sandbox, const char *path, const char *name)
{
	return getxattr(in_root(sandbox, path), name, NULL, 0);
}

static bool check_two_xattrs(const struct sandbox *sandbox, const struct unpack_result *result)
{
	return xattr_size(sandbox, "f", "user.a") == 1 && xattr_size(sandbox, "f", "user.b") == 1 &&
	       result->user_xattrs == 3;
}

static bool check_replaced_xattrs(const struct sandbox *sandbox, const struct unpack_result *result)
{
	(void)result;
	return xattr_size(sandbox, "d", "user.a") < 0 && xattr_size(sandbox, "d", "user.b") == 1 &&
	       xattr_size(sandbox, "d", "system.posix_acl_access") < 0;
}

static void keeps_xattrs(void)
{
	struct bytes tar = many_xattrs(64);
	accept_tar("64 xattrs", &tar, NULL);
	tar = many_xattrs(65);
	refuse_tar("65 xattrs", &tar, ERROR_LIMIT);
	tar = many_xattrs(10000);
	refuse_tar("10,000 xattrs", &tar, ERROR_LIMIT);

	const struct item items[] = {
		{.path = "f", .mode = 04755, .uid = 5, XATTR("security.capability", CAP2)},
		{.path = "u", XATTR("user.a", "1\0002")},
		{.path = "d", .type = '5', XATTR("user.empty", "")},
		{.path = "acl", .mode = 0674, XATTR("system.posix_acl_access", ACL(ACL_NAMED))},
		{.path = "x", .type = '5', XATTR("system.posix_acl_default", ACL(ACL_NAMED))},
		{.path = "x/inner", .body = "inherits nothing"},
		{.path = "x/directory", .type = '5'}, {0}};
	tar = tar_of(items);
	accept_tar("kept, with modes; a default ACL is not inherited within the layer", &tar,
		check_xattrs);

	const struct item two[] = {
		{.path = "f",
			XATTR("user.a", "1"),
			.pax_raw = "25 SCHILY.xattr.user.b=2\n30 LIBARCHIVE.xattr.user.b=Mg\n"},
		{0}};
	tar = tar_of(two);
	accept_tar("two of one file", &tar, check_two_xattrs);
	const struct item again[] = {{.path = "d", .type = '5', XATTR("user.a", "1")},
		{.path = "d", .type = '5', XATTR("system.posix_acl_access", ACL(ACL_NAMED))},
		{.path = "d", .type = '5', XATTR("user.b", "2")}, {0}};
	tar = tar_of(again);
	accept_tar("a directory's third entry replaces what two before it set", &tar,
		check_replaced_xattrs);

	const struct item links[] = {{.path = "f", XATTR("security.capability", CAP2)},
		{.path = "h", .type = '1', .link = "f", XATTR("security.capability", CAP2)},
		{.path = "u", .type = '1', .link = "f", XATTR("user.a", "1")}, {0}};
	tar = tar_of(links);
	accept_tar("a hard link's are its file's (docker writes them)", &tar, NULL);
}

/* xattr_check() and the kernel agree on ACLs and capabilities. */
static void judges_xattrs_as_the_kernel_does(void)
{
	struct sandbox sandbox;
	uint64_t seed = 8;
	int accepted = 0, wrong = 0;
	sandbox_open(&sandbox);
	for (int i = 0; i < 30000; i++) {
		static const uint8_t acl[] = ACL(ACL_NAMED), cap[] = CAP2 "\0\0\0\0";
		uint8_t value[64];
		bool is_acl = i % 3 != 0;
		struct xattr x = {
			.name = is_acl ? XATTR_ACL_DEFAULT : "security.capability", .value = value};
		if (is_acl) {
			static const uint8_t tags[] = {1, 2, 4, 8, 16, 32, 64};
			memcpy(value, acl, 4);
			x.size_bytes = 4;
			size_t at_tag = 0;
			for (uint64_t n = random_below(&seed, 7); n > 0; n--, x.size_bytes += 8) {
				uint8_t *entry = value + x.size_bytes;
				memset(entry, 0xff, 8);
				at_tag += random_below(&seed, 3);
				entry[0] = tags[at_tag < 7 ? at_tag : 6];
				entry[1] = 0;
				entry[2] = (uint8_t)random_below(
					&seed, random_below(&seed, 10) == 0 ? 10 : 8);
				entry[3] = 0;
				if (random_below(&seed, 2) == 0)
					entry[4] = entry[5] = entry[6] = entry[7] = 0;
			}
			if (random_below(&seed, 20) == 0)
				value[random_below(&seed, 4)]++;
		} else {
			memcpy(value, cap, sizeof cap);
			x.size_bytes = random_below(&seed, 4) == 0
					       ? random_below(&seed, 25)
					       : 20 + 4 * random_below(&seed, 2);
			value[3] = x.size_bytes == 24 ? 3 : 2;
			if (random_below(&seed, 2) == 0)
				value[random_below(&seed, 4)] = (uint8_t)random_below(&seed, 5);
		}
		if (x.size_bytes < (is_acl ? 5 : 1))
			continue; /* to the kernel that is a removal, to us it is malformed */
		const char *path = is_acl ? sandbox.root : in_sandbox(&sandbox, "work/beside");
		bool ours = xattr_check(&x, is_acl ? '5' : '0', NULL) == 0;
		bool kernels = setxattr(path, x.name, value, x.size_bytes, 0) == 0;
		accepted += ours;
		wrong += ours != kernels;
	}
	ok(wrong == 0 && accepted > 300, "30,000 random values, %d of them taken, %d disagreements",
		accepted, wrong);
	sandbox_close(&sandbox);
}

static bool check_no_default_acl(const struct sandbox *sandbox, const struct unpack_result *result)
{
	struct stat st;
	return result->entries == 2 && stat(in_root(sandbox, "d"), &st) == 0 && st.st_mtime == 2 &&
	       getxattr(in_root(sandbox, "d"), "system.posix_acl_default", NULL, 0) == -1;
}

static void forgets_earlier_default_acls(void)
{
	const struct item items[] = {{.path = "d",
					     .type = '5',
					     .mtime = 1,
					     XATTR("system.posix_acl_default", ACL(ACL_NAMED))},
		{.path = "d", .type = '5', .mtime = 2}, {0}};
	struct bytes tar = tar_of(items);
	accept_tar("the last entry of a directory has no default ACL", &tar, check_no_default_acl);
}

int main(void)
{
	if (!have_root())
		return 0;
	refuses_xattrs();
	keeps_xattrs();
	forgets_earlier_default_acls();
	judges_xattrs_as_the_kernel_does();
	return done();
}
