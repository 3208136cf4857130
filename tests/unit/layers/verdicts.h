/*
 * What layer_unpack() says to a tar, inside a canary tree. Signed: refused with one code or taken
 * with one result, in every medium and also when only names are made. Unsigned (the piece table is
 * another layer's): DIGEST, and the destination stays empty.
 */
#ifndef PLYBOOT_TEST_VERDICTS_H
#define PLYBOOT_TEST_VERDICTS_H

#include "unpacking.h"

typedef bool check_function(const struct sandbox *sandbox, const struct unpack_result *result);

/* How many unpackings these were, each in a canary tree of its own, and how many changed it. */
static unsigned long canary_trees, canaries_touched;

static inline bool leaves_canaries(const struct sandbox *sandbox)
{
	bool untouched = sandbox_untouched(sandbox);
	canary_trees++;
	canaries_touched += !untouched;
	return untouched;
}

static inline struct bytes tar_of(const struct item *items)
{
	struct bytes tar = {0};
	tar_add_all(&tar, items);
	tar_end(&tar);
	return tar;
}

/* --- refused ------------------------------------------------------------------------------------
 */

/* One layer as it is. Nothing outside changes; `e` is the reason. */
static inline bool layer_is_refused(struct layer *layer, enum error_code code, bool names_only,
	bool stays_empty, struct error *e)
{
	struct sandbox sandbox;
	struct unpack_result result;
	sandbox_open(&sandbox);
	int status = unpack_layer(layer, &sandbox, names_only, &result, e);
	bool good = leaves_canaries(&sandbox) && status == -1 && e->code == code &&
		    e->text[0] != '\0' && (!stays_empty || sandbox_root_is_empty(&sandbox));
	if (status == 0)
		unpack_result_free(&result);
	sandbox_close(&sandbox);
	return good;
}

static inline void show_refusal(const char *how, const struct error *e, enum error_code code)
{
	printf("#  got, %s: %s: %s\n# want: %s\n", how,
		e->code == ERROR_NONE ? "-" : error_code_name(e->code), e->text,
		error_code_name(code));
}

/* Signed for more than there is, so that no number of it is what refuses it. */
static inline bool tar_is_refused(const struct bytes *tar, enum error_code code)
{
	static const char *const how[] = {"plain", "gzip", "zstd", "names only"};
	bool good = true;
	for (int i = 0; i < 4; i++) {
		struct layer layer;
		struct error e;
		layer_of_tar(&layer, i < 3 ? (enum media)i : MEDIA_TAR, tar, ODD_PIECE_BYTES);
		bool refused = layer_is_refused(&layer, code, i == 3, false, &e);
		if (!refused)
			show_refusal(how[i], &e, code);
		good &= refused;
		layer_free(&layer);
	}
	return good;
}

/* The table and the record are those of a blob of the same size that differs in its first byte, one
 * piece and many: what is bad is never parsed, so it cannot be found bad. */
static inline bool blob_is_refused_unsigned(const struct bytes *blob, enum media media)
{
	bool good = true;
	for (size_t piece = ODD_PIECE_BYTES; piece <= LIMIT_PIECE_BYTES; piece *= 23967) {
		struct layer layer;
		struct error e;
		struct bytes other = {0};
		bytes_add(&other, blob->data, blob->size);
		other.data[0] ^= 1;
		layer_cut(&layer, media, &other, other.size, piece);
		layer.blob.data[0] ^= 1;
		bool refused = layer_is_refused(&layer, ERROR_DIGEST, false, true, &e);
		if (!refused)
			show_refusal("unsigned", &e, ERROR_DIGEST);
		good &= refused;
		bytes_free(&other);
		layer_free(&layer);
	}
	return good;
}

static inline bool tar_is_refused_unsigned(const struct bytes *tar)
{
	struct bytes gzip = {0};
	gzip_add(&gzip, tar->data, tar->size, NULL);
	bool good = blob_is_refused_unsigned(&gzip, MEDIA_TAR_GZIP);
	bytes_free(&gzip);
	return tar->size == 0 ? good : good && blob_is_refused_unsigned(tar, MEDIA_TAR);
}

/* --- taken --------------------------------------------------------------------------------------
 */

/* What has no entry has the time of the sandbox; the root's line goes. */
static inline struct bytes list_without_root(const struct sandbox *sandbox)
{
	struct bytes list = list_tree(sandbox->root, NULL, 0);
	char *line = strchr((char *)list.data, '\n');
	memmove(list.data, line, strlen(line) + 1);
	return list;
}

/* Unpacked in all media with the same result, which `check`, if there is one, likes. */
static inline bool tar_is_taken(const struct bytes *tar, check_function *check)
{
	struct bytes first = {0};
	bool good = true;
	for (int i = 0; i < 4; i++) {
		struct sandbox sandbox;
		struct unpack_result result;
		struct error e;
		sandbox_open(&sandbox);
		int status = unpack_tar_bytes(
			tar, i < 3 ? (enum media)i : MEDIA_TAR, &sandbox, i == 3, &result, &e);
		bool same = leaves_canaries(&sandbox);
		if (i == 0) {
			first = list_without_root(&sandbox);
		} else if (i < 3) {
			struct bytes now = list_without_root(&sandbox);
			same &= same_listing(&now, &first);
			bytes_free(&now);
		}
		if (status != 0 || !same || (i < 3 && check != NULL && !check(&sandbox, &result))) {
			good = false;
			printf("# way %d: %d %s\n%s", i, status, e.text, (const char *)first.data);
		}
		if (status == 0)
			unpack_result_free(&result);
		sandbox_close(&sandbox);
	}
	bytes_free(&first);
	return good;
}

/* --- tables -------------------------------------------------------------------------------------
 */

static inline void refuse_tar(const char *name, struct bytes *tar, enum error_code code)
{
	ok(tar_is_refused(tar, code), "%s: %s", name, error_code_name(code));
	if (!tar_is_refused_unsigned(tar))
		ok(false, "%s, unsigned", name);
	bytes_free(tar);
}

static inline void accept_tar(const char *name, struct bytes *tar, check_function *check)
{
	ok(tar_is_taken(tar, check), "%s", name);
	bytes_free(tar);
}

struct row {
	const char *name;
	enum error_code code;
	struct item bad[5];  /* refused with that code */
	struct item good[5]; /* nearly the same, accepted */
};

static inline void run_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct bytes tar = tar_of(rows[i].bad);
		char twin[160];
		refuse_tar(rows[i].name, &tar, rows[i].code);
		if (rows[i].good[0].path == NULL && rows[i].good[0].pax_path == NULL)
			continue;
		tar = tar_of(rows[i].good);
		(void)snprintf(twin, sizeof twin, "twin of: %s", rows[i].name);
		accept_tar(twin, &tar, NULL);
	}
}
#define RUN_ROWS(rows) run_rows(rows, sizeof(rows) / sizeof *(rows))

#endif
