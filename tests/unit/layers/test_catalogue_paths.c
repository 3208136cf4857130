/* The catalogue of bad inputs, rows "paths" and "whiteouts": each thing by name. */
#include "bad_tars.h"

static char name256[257], name255[256], path4096[4097], path4095[4096];
static struct sandbox elsewhere;
static char canary_directory[PATH_MAX], canary_file[PATH_MAX];

static const char body[] = "x";

static void make_names(void)
{
	memset(name256, 'n', 256);
	memset(name255, 'n', 255);
	for (size_t i = 0; i < 4096; i++)
		path4096[i] = i % 2 == 0 ? 'a' : '/';
	path4096[4095] = 'b';
	for (size_t i = 0; i < 4095; i++)
		path4095[i] = i % 256 == 255 ? '/' : 'n';
}

/* A second canary tree, whose name is known before the layers are made. */
static void make_elsewhere(void)
{
	sandbox_open(&elsewhere);
	(void)snprintf(canary_directory, sizeof canary_directory, "%s/canary", elsewhere.path);
	(void)snprintf(canary_file, sizeof canary_file, "%s/canary/file", elsewhere.path);
}

/* A file below the first of `number` symlinks, each to the next and the last to a directory; the
 * twin has it below the directory. */
static void make_chain(const struct bad_tar *self, bool bad, struct bytes *tar)
{
	char name[32], target[32];
	for (size_t i = 0; i < self->number; i++) {
		(void)snprintf(name, sizeof name, "l%zu", i);
		(void)snprintf(target, sizeof target, i == self->number - 1 ? "d" : "l%zu", i + 1);
		tar_add(tar, &(struct item){.path = name, .type = '2', .link = target});
	}
	tar_add(tar, &(struct item){.path = "d", .type = '5'});
	tar_add(tar, &(struct item){.path = bad ? "l0/file" : "d/file", .body = body});
	tar_end(tar);
}

static void make_pax_nul(const struct bad_tar *self, bool bad, struct bytes *tar)
{
	(void)self;
	tar_add_meta(tar, 'x', bad ? "12 path=a\0b\n" : "12 path=a_b\n", 12);
	tar_add(tar, &(struct item){.path = "x", .body = body});
	tar_end(tar);
}

/* --- what becomes of whiteouts ------------------------------------------------------------------
 */

static bool removes_absent(const struct sandbox *sandbox, const struct unpack_result *result)
{
	return is_whiteout(sandbox, "gone") && is_file(sandbox, "file", "x") &&
	       result->opaque.count == 0 && is_listed(&result->implied, "", IMPLIED_MERGED) &&
	       result->implied.count == 1;
}

static bool makes_parent(const struct sandbox *sandbox, const struct unpack_result *result)
{
	return is_whiteout(sandbox, "d/gone") && result->opaque.count == 0 &&
	       is_listed(&result->implied, "d", IMPLIED_MERGED) &&
	       is_listed(&result->implied, "d", IMPLIED_NOT) &&
	       is_listed(&result->implied, "", IMPLIED_MERGED) && result->implied.count == 3;
}

static bool is_opaque(const struct sandbox *sandbox, const struct unpack_result *result)
{
	return result->opaque.count == 2 && is_listed(&result->opaque, "d", -1) &&
	       is_listed(&result->opaque, "", -1) && is_file(sandbox, "d/before", "1") &&
	       is_file(sandbox, "d/after", "2") && mode_of(sandbox, "d/.wh..wh..opq") == 0;
}

static bool has_own_file(const struct sandbox *sandbox, const struct unpack_result *result)
{
	return is_file(sandbox, "a", "mine") && result->entries == 2 && result->opaque.count == 0;
}

static bool has_own_directory(const struct sandbox *sandbox, const struct unpack_result *result)
{
	return is_file(sandbox, "a/x", "mine") && result->opaque.count == 1 &&
	       is_listed(&result->opaque, "a", -1) &&
	       is_listed(&result->implied, "", IMPLIED_MERGED) && result->implied.count == 1;
}

static bool has_fresh_directory(const struct sandbox *sandbox, const struct unpack_result *result)
{
	return is_file(sandbox, "a/x", "mine") && is_listed(&result->opaque, "a", -1) &&
	       is_listed(&result->implied, "a", IMPLIED_FRESH) && result->implied.count == 2;
}

static bool skips_aufs(const struct sandbox *sandbox, const struct unpack_result *result)
{
	return is_file(sandbox, "file", "x") && mode_of(sandbox, ".wh..wh.plnk") == 0 &&
	       mode_of(sandbox, ".wh..wh.aufs") == 0 && mode_of(sandbox, ".wh..wh.another") == 0 &&
	       result->entries == 5 && result->opaque.count == 0;
}

/* --- the catalogue ------------------------------------------------------------------------------
 */

#define OUT                                                                                        \
	{                                                                                          \
		.path = "l", .type = '2', .link = "../../canary"                                   \
	}
#define FILE_A                                                                                     \
	{                                                                                          \
		.path = "a", .body = body                                                          \
	}
#define HARD_LINK(to)                                                                              \
	{                                                                                          \
		.path = "h", .type = '1', .link = to                                               \
	}

static const struct bad_tar paths[] = {
	{"paths", "/abs", ERROR_PATH, .bad = {{.path = "/abs", .body = body}},
		.twin = {{.path = "abs", .body = body}}},
	{"paths", "..", ERROR_PATH, .bad = {{.path = "..", .type = '5'}},
		.twin = {{.path = ".", .type = '5'}}},
	{"paths", ".., to a canary", ERROR_PATH,
		.bad = {{.path = "../../canary/file", .body = body}},
		.twin = {{.path = "canary/file", .body = body}}},
	{"paths", "a/../../b", ERROR_PATH,
		.bad = {{.path = "a", .type = '5'}, {.path = "a/../../b", .body = body}},
		.twin = {{.path = "a", .type = '5'}, {.path = "a/..../b", .body = body}}},
	{"paths", "empty name", ERROR_PATH, .bad = {{.path = "", .body = body}},
		.twin = {{.path = " ", .body = body}}},
	{"paths", "only slashes", ERROR_PATH, .bad = {{.path = "//", .type = '5'}},
		.twin = {{.path = ".//", .type = '5'}}},
	{"paths", "NUL in PAX path", ERROR_PATH, .make = make_pax_nul},
	{"paths", "component of 256 bytes", ERROR_PATH,
		.bad = {{.pax_path = name256, .body = body}},
		.twin = {{.pax_path = name255, .body = body}}},
	{"paths", "path of 4096 bytes", ERROR_PATH, .bad = {{.pax_path = path4096, .body = body}},
		.twin = {{.pax_path = path4095, .body = body}}},

	{"paths", "writing through an absolute symlink", ERROR_PATH,
		.bad = {{.path = "l", .type = '2', .pax_link = canary_directory},
			{.path = "l/file", .body = body}},
		.twin = {{.path = "l", .type = '2', .pax_link = canary_directory},
			{.path = "l", .type = '5'}, {.path = "l/file", .body = body}}},
	{"paths", "writing through a relative symlink", ERROR_PATH,
		.bad = {OUT, {.path = "l/file", .body = body}},
		.twin = {OUT, {.path = "file", .body = body}}},
	{"paths", "writing through a relative symlink that stays inside", ERROR_PATH,
		.bad = {{.path = "d", .type = '5'}, {.path = "l", .type = '2', .link = "d"},
			{.path = "l/file", .body = body}},
		.twin = {{.path = "d", .type = '5'}, {.path = "l", .type = '2', .link = "d"},
			{.path = "d/file", .body = body}}},
	{"paths", "writing through a chain of 41 symlinks", ERROR_PATH, .make = make_chain,
		.number = 41},
	{"paths", "writing to a symlink: it goes, what it points to stays", ERROR_NONE,
		.bad = {{.path = "l", .type = '2', .pax_link = canary_file},
			{.path = "l", .body = body}}},
	{"paths", "a symlink put where a parent was", ERROR_PATH,
		.bad = {{.path = "d", .type = '5'},
			{.path = "d", .type = '2', .link = "../../canary"},
			{.path = "d/file", .body = body}},
		.twin = {{.path = "d", .type = '5'},
			{.path = "d", .type = '2', .link = "../../canary"}}},
	{"paths", "a symlink put where a parent with files in it was", ERROR_PATH,
		.bad = {{.path = "d/file", .body = body},
			{.path = "d", .type = '2', .link = "../../canary"},
			{.path = "d/directory/file", .body = body}},
		.twin = {{.path = "d/file", .body = body},
			{.path = "e", .type = '2', .link = "../../canary"},
			{.path = "d/directory/file", .body = body}}},
	{"paths", "the root entry as a symlink", ERROR_PATH,
		.bad = {{.path = ".", .type = '2', .link = "/"}},
		.twin = {{.path = "./", .type = '5', .mode = 0711}}},

	{"paths", "hard link to ..", ERROR_PATH, .bad = {FILE_A, HARD_LINK("..")},
		.twin = {FILE_A, HARD_LINK("a")}},
	{"paths", "hard link to .., to a canary", ERROR_PATH,
		.bad = {FILE_A, HARD_LINK("../../canary/file")},
		.twin = {FILE_A, HARD_LINK("././a")}},
	{"paths", "hard link absolute", ERROR_PATH, .bad = {FILE_A, HARD_LINK("/a")},
		.twin = {FILE_A, HARD_LINK("./a")}},
	{"paths", "hard link absolute, to a canary", ERROR_PATH,
		.bad = {FILE_A, {.path = "h", .type = '1', .pax_link = canary_file}},
		.twin = {FILE_A, {.path = "h", .type = '1', .pax_link = "a"}}},
	{"paths", "hard link through a symlink", ERROR_PATH, .bad = {OUT, HARD_LINK("l/file")},
		.twin = {OUT, HARD_LINK("l")}},
	{"paths", "hard link to nothing", ERROR_PATH, .bad = {HARD_LINK("a")},
		.twin = {FILE_A, HARD_LINK("a")}},
	{"paths", "hard link to itself", ERROR_PATH,
		.bad = {FILE_A, {.path = "a", .type = '1', .link = "./a"}},
		.twin = {FILE_A, {.path = "b", .type = '1', .link = "./a"}}},
	{"paths", "hard link to itself alone", ERROR_PATH,
		.bad = {{.path = "a", .type = '1', .link = "a"}},
		.twin = {FILE_A, {.path = "b", .type = '1', .link = "a"}}},
	{"paths", "hard link to a lower layer's file", ERROR_PATH,
		.bad = {{.path = "etc", .type = '5'}, HARD_LINK("etc/passwd")},
		.twin = {{.path = "etc/passwd", .body = body}, HARD_LINK("etc/passwd")}},
	{"paths", "hard link to a lower layer's file that this one removes", ERROR_PATH,
		.bad = {{.path = ".wh.a"}, HARD_LINK("a")},
		.twin = {{.path = ".wh.a"}, FILE_A, HARD_LINK("a")}},
};

static const struct bad_tar whiteouts[] = {
	{"whiteouts", ".wh.", ERROR_WHITEOUT, .bad = {{.path = ".wh."}},
		.twin = {{.path = ".wh.a"}}},
	{"whiteouts", ".wh..", ERROR_WHITEOUT, .bad = {{.path = "d/.wh.."}},
		.twin = {{.path = "d/.wh..a"}}},
	{"whiteouts", ".wh...", ERROR_WHITEOUT, .bad = {{.path = ".wh..."}},
		.twin = {{.path = ".wh...."}}},
	{"whiteouts", "non-empty body", ERROR_WHITEOUT, .bad = {{.path = ".wh.a", .body = body}},
		.twin = {{.path = ".wh.a"}}},
	{"whiteouts", "non-empty body, opaque", ERROR_WHITEOUT,
		.bad = {{.path = ".wh..wh..opq", .body = body}},
		.twin = {{.path = ".wh..wh..opq"}}},

	{"whiteouts", "of a name that isn't there", ERROR_NONE,
		.bad = {{.path = ".wh.gone"}, {.path = "file", .body = body}},
		.check = removes_absent},
	{"whiteouts", "opaque after its siblings", ERROR_NONE,
		.bad = {{.path = "d", .type = '5'}, {.path = "d/before", .body = "1"},
			{.path = "d/.wh..wh..opq"}, {.path = "d/after", .body = "2"},
			{.path = ".wh..wh..opq"}},
		.check = is_opaque},
	{"whiteouts", "beside the same name in this layer, before it", ERROR_NONE,
		.bad = {{.path = ".wh.a"}, {.path = "a", .body = "mine"}}, .check = has_own_file},
	{"whiteouts", "beside the same name in this layer, after it", ERROR_NONE,
		.bad = {{.path = "a", .body = "mine"}, {.path = ".wh.a"}}, .check = has_own_file},
	{"whiteouts", "beside a directory of the same name, before it", ERROR_NONE,
		.bad = {{.path = ".wh.a"}, {.path = "a", .type = '5'},
			{.path = "a/x", .body = "mine"}},
		.check = has_own_directory},
	{"whiteouts", "beside a directory of the same name, after it", ERROR_NONE,
		.bad = {{.path = "a", .type = '5'}, {.path = "a/x", .body = "mine"},
			{.path = ".wh.a"}},
		.check = has_own_directory},
	{"whiteouts", ".wh.a then a/x", ERROR_NONE,
		.bad = {{.path = ".wh.a"}, {.path = "a/x", .body = "mine"}},
		.check = has_fresh_directory},
	{"whiteouts", "a/x then .wh.a", ERROR_NONE,
		.bad = {{.path = "a/x", .body = "mine"}, {.path = ".wh.a"}},
		.check = has_fresh_directory},
	{"whiteouts", "parent missing in this layer", ERROR_NONE, .bad = {{.path = "d/.wh.gone"}},
		.check = makes_parent},
	{"whiteouts", ".wh..wh.plnk", ERROR_NONE,
		.bad = {{.path = ".wh..wh.plnk", .type = '5'},
			{.path = ".wh..wh.plnk/77.88", .body = body}, {.path = ".wh..wh.aufs"},
			{.path = ".wh..wh.another/", .type = '5'}, {.path = "file", .body = body}},
		.check = skips_aufs},
};

int main(void)
{
	if (!have_root())
		return 0;
	make_names();
	make_elsewhere();
	RUN_BAD_TARS(paths);
	ok(sandbox_untouched(&elsewhere), "nor did anything change where absolute links lead");
	RUN_BAD_TARS(whiteouts);
	sandbox_close(&elsewhere);
	return catalogue_done();
}
