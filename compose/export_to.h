/* Where `export` writes an image: an OCI image layout in a directory (image-layout.md of the OCI
 * image specification), or the same in a tar. */
#ifndef PLYBOOT_EXPORT_TO_H
#define PLYBOOT_EXPORT_TO_H

#include "bytes.h"
#include "layout.h"
#include "stack_file.h"

struct export_to {
	const char *path; /* the caller's */
	bool is_archive;
	/* of a directory: */
	struct layout layout;
	struct blob_writer blob;
	const struct stack_file *stack; /* to be written last; NULL: none */
	/* of an archive: */
	struct output output;
	uint64_t blob_bytes, written_bytes; /* of the member that is being written */
};

#define EXPORT_TO_INIT                                                                             \
	{                                                                                          \
		.layout = LAYOUT_INIT, .blob = BLOB_WRITER_INIT, .output = OUTPUT_INIT             \
	}

/* A path that ends in .tar is an archive, which is replaced when it is there. A directory is made,
 * or is an image layout that gets one more image. `store`: it is to have stacks, too. ERROR_FORMAT:
 * it is something else. */
int export_to_open(const char *path, bool store, struct export_to *out, struct error *e);

/* One blob after the other: its digest and size are known before its bytes are written. */
int export_to_begin(
	struct export_to *to, const struct digest *digest, uint64_t size_bytes, struct error *e);
/* A layer_sink. */
int export_to_write(void *to, const void *data, size_t size_bytes, struct error *e);
/* ERROR_IO when it was not that size. */
int export_to_end(struct export_to *to, struct error *e);

/* All three for bytes in memory. */
int export_to_add(struct export_to *to, const struct bytes *bytes, const struct digest *digest,
	struct error *e);

/* The stack file, when all the blobs that it names have been added; it has to stay until
 * export_to_finish(). ERROR_USAGE: a signed one that says something else is there. */
int export_to_add_stack(struct export_to *to, const struct stack_file *file, struct error *e);

/* Name the image; with that the export is there. */
int export_to_finish(struct export_to *to, const struct digest *manifest, uint64_t size_bytes,
	const char *name, struct error *e);

/* What was not finished leaves nothing. */
void export_to_close(struct export_to *to);

#endif
