/* What `pack` and `diff` have in common: from tar bytes to a checked layer in the store and its
 * .layer file. */
#ifndef PLYBOOT_PACKING_H
#define PLYBOOT_PACKING_H

#include "piecing.h"
#include "scan.h"
#include "tarout.h"

/* First member of a verb's options, so that the rows of PACKING_OPTIONS fit both. */
struct packing_options {
	const char *store;
	const char *output;
	const char *compress;
	uint64_t level;
	uint64_t piece_bytes;
	const char *user_xattrs;
	bool root_owned;
};

/* The kinds of --compress: those of any tree, and those where there is a tar to keep. */
extern const char *const packing_compressions[], *const packing_compressions_of_tar[];
extern const char *const packing_user_xattrs[];

#define PACKING_OPTIONS(compress_value, compress_choices)                                          \
	PACKING_OPTIONS_IF(true, compress_value, compress_choices)

/* The same for a verb that packs only if it is not told to do something else: it asks for -o
 * itself. */
#define PACKING_OPTIONS_IF(output_required, compress_value, compress_choices)                      \
	{.name = "-o",                                                                             \
		.kind = OPTION_TEXT,                                                               \
		.offset = offsetof(struct packing_options, output),                                \
		.value = "NAME.layer",                                                             \
		.help = "write the layer's record here",                                           \
		.required = (output_required)},                                                    \
		{.name = "--store",                                                                \
			.kind = OPTION_TEXT,                                                       \
			.offset = offsetof(struct packing_options, store),                         \
			.value = "DIR",                                                            \
			.help = "the store that the blobs go to: made if there is none; default: " \
				"$PLYBOOT_STORE, else ./store"},                                   \
		{.name = "--compress",                                                             \
			.kind = OPTION_TEXT,                                                       \
			.offset = offsetof(struct packing_options, compress),                      \
			.value = compress_value,                                                   \
			.help = "how the blob is stored",                                          \
			.choices = compress_choices,                                               \
			.fallback = "zstd"},                                                       \
		{.name = "--level",                                                                \
			.kind = OPTION_NUMBER,                                                     \
			.offset = offsetof(struct packing_options, level),                         \
			.value = "N",                                                              \
			.help = "of compression: 1..22 for zstd (default 3), 1..9 for gzip "       \
				"(default 6)",                                                     \
			.min = 1,                                                                  \
			.max = 22},                                                                \
		{.name = "--piece-size",                                                           \
			.kind = OPTION_SIZE,                                                       \
			.offset = offsetof(struct packing_options, piece_bytes),                   \
			.value = "BYTES",                                                          \
			.help = "of tar in each piece, 4K..8M; as-is: of what is stored, where "   \
				"one gzip member or zstd frame is longer",                         \
			.fallback = "1M",                                                          \
			.min = PIECING_MIN_BYTES,                                                  \
			.max = PIECING_MAX_BYTES},                                                 \
		{.name = "--root-owned",                                                           \
			.kind = OPTION_FLAG,                                                       \
			.offset = offsetof(struct packing_options, root_owned),                    \
			.help = "everything belongs to 0:0, whoever owns it here"},                \
	{                                                                                          \
		.name = "--user-xattrs", .kind = OPTION_TEXT,                                      \
		.offset = offsetof(struct packing_options, user_xattrs),                           \
		.value = "required|optional",                                                      \
		.help = "what /init does with user.* attributes before Linux 6.6, whose "          \
			"tmpfs can't hold them: refuse the layer, or leave them out",              \
		.choices = packing_user_xattrs, .fallback = "required"                             \
	}

struct packing {
	const struct packing_options *options;
	struct output output; /* the .layer file */
	struct layout layout;
	struct piece_writer writer;
	struct piecing *piecing; /* NULL: the pieces are cut from a file as it is */
	enum media media;
};

#define PACKING_INIT                                                                               \
	{                                                                                          \
		.output = OUTPUT_INIT, .layout = LAYOUT_INIT, .writer = PIECE_WRITER_INIT          \
	}

/* Open the .layer file, the store, and what takes the layer: packing_write, a tarout_sink, or with
 * `as-is` packing_keep(). `options` must outlive it. */
int packing_open(const struct packing_options *options, struct packing *out, struct error *e);
/* ERROR_USAGE when the store is in the tree: each layer would hold all those before it. */
int packing_refuse_store(const struct packing *packing, const struct scan *scan, struct error *e);

int packing_write(void *packing, const void *data, size_t size_bytes, struct error *e);

/* Is the file to be kept as it is? Then this takes it, from a descriptor that stays the caller's.
 */
bool packing_is_as_is(const struct packing_options *options);
int packing_keep(struct packing *packing, int fd, struct error *e);

/* Check the layer with the engine, write the .layer file, keep the blobs, say what was made. */
int packing_finish(struct packing *packing, struct error *e);

/* What was not finished leaves nothing. */
void packing_close(struct packing *packing);
#define SCOPED_PACKING __attribute__((cleanup(packing_close))) struct packing

#endif
