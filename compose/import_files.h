/* The files of an image, wherever they are: below a directory, or in a tar whose members were put
 * into a scratch directory under numbers, so that no name in it is ever one on the disk. */
#ifndef PLYBOOT_IMPORT_FILES_H
#define PLYBOOT_IMPORT_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../layers/error.h"

enum { IMPORT_MEMBERS_MOST = 10000 };

struct import_member {
	char *name;    /* owned; a normal path */
	char *link;    /* owned; the normal path that it stands for, NULL: it is a file */
	size_t number; /* of the file */
};

struct import_files {
	int fd; /* owned; the directory, or that of the numbers */
	bool is_archive;
	size_t count, capacity;
	struct import_member *members; /* owned */
};

#define IMPORT_FILES_INIT                                                                          \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Below the directory `fd`, duplicated. */
int import_files_below(int fd, struct import_files *out, struct error *e);

/* Of a tar, tar.gz or tar.zst: put them into the empty directory `into_fd`, duplicated. ERROR_PATH:
 * a name that leaves the archive. ERROR_TYPE: a member that is neither file, directory nor link.
 * ERROR_LIMIT, ERROR_TAR, ERROR_STREAM, ERROR_FORMAT (a name twice), ERROR_IO, ERROR_NOSPACE. */
int import_files_unpack(int archive_fd, int into_fd, struct import_files *out, struct error *e);

/* Open the file of that name, for reading. ERROR_MISSING; ERROR_PATH: a name, or a link, that leads
 * out of it; ERROR_TYPE: no file. */
int import_files_open(const struct import_files *files, const char *name, int *fd, struct error *e);
bool import_files_has(const struct import_files *files, const char *name);

/* All of one with at most OCI_DOCUMENT_BYTES (ERROR_LIMIT). Caller frees. */
int import_files_read(const struct import_files *files, const char *name, uint8_t **bytes,
	size_t *size_bytes, struct error *e);

void import_files_close(struct import_files *files);
#define SCOPED_IMPORT_FILES __attribute__((cleanup(import_files_close))) struct import_files

#endif
