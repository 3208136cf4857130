/* What skopeo names: registries, and the storage of docker and podman. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "import.h"
#include "interrupt.h"
#include "measure.h"
#include "report.h"
#include "skopeo.h"
#include "unzip.h"

bool import_is_skopeos(const char *source)
{
	static const char *const transports[] = {
		"docker://", "docker-daemon:", "containers-storage:", "dir:", "ostree:", "sif:"};
	for (size_t i = 0; i < sizeof transports / sizeof transports[0]; i++) {
		if (strncmp(source, transports[i], strlen(transports[i])) == 0)
			return true;
	}
	return false;
}

/* --- what is there already */

static int make_directories(int into_fd, struct error *e)
{
	static const char *const names[] = {"image", "image/blobs", "image/blobs/sha256"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (mkdirat(into_fd, names[i], 0700) != 0)
			return error_errno(e, errno, "a directory for skopeo");
	}
	return 0;
}

/* Manifests and configs are not: skopeo may write a document in place. Nor is a plain tar told from
 * them; it is fetched again. */
static bool is_compressed(int dir_fd, const char *name)
{
	uint8_t magic[4];
	SCOPED_FD fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : pread(fd, magic, sizeof magic, 0);
	return got > 0 && unzip_media(magic, (size_t)got) != MEDIA_TAR;
}

/* A second name for the store's layers, so that skopeo finds them. What can't have one is fetched
 * again. */
static int lend_layers(const struct layout *store, int into_fd, struct error *e)
{
	struct digest ignored;
	SCOPED_FD blobs = layout_open_directory(store, "blobs/sha256", e);
	if (blobs < 0)
		return -1;
	SCOPED_FD to = openat(into_fd, "image/blobs/sha256", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	int own = fcntl(blobs, F_DUPFD_CLOEXEC, 0);
	DIR *dir = to < 0 || own < 0 ? NULL : fdopendir(own);
	if (dir == NULL) {
		scope_close(&own);
		return error_errno(e, errno, "the blobs of the store `%s`", store->path);
	}
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (digest_parse_hex(entry->d_name, strlen(entry->d_name), &ignored) &&
			is_compressed(blobs, entry->d_name))
			(void)linkat(blobs, entry->d_name, to, entry->d_name, 0);
	}
	(void)closedir(dir);
	return 0;
}

/* --- what comes */

static int fetch(const struct import_skopeos *self, int image_fd, struct error *e)
{
	struct skopeo skopeo;
	if (skopeo_open(self->insecure, NULL, &skopeo, e) != 0)
		return -1;
	printf("calling skopeo copy %s\n", self->source);
	if (skopeo_fetch(&skopeo, self->source, self->architecture, image_fd, e) == 0)
		return 0;
	if (strncmp(self->source, "docker://", 9) == 0 && !self->insecure)
		report_hint("a registry without TLS, or with a certificate of its own: --insecure");
	return -1;
}

int import_by_skopeo(const struct import_skopeos *self, struct import_files *files, struct error *e)
{
	if (make_directories(self->into_fd, e) != 0 ||
		lend_layers(self->store, self->into_fd, e) != 0)
		return -1;
	SCOPED_FD fd = openat(self->into_fd, "image", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(e, errno, "a directory for skopeo");
	return fetch(self, fd, e) != 0 ? -1 : import_files_below(fd, files, e);
}

/* Has it the store's bytes, and are they others than its name says? */
static bool is_rotten(
	const struct import_skopeos *self, int image_fd, const struct import_layer *layer)
{
	struct stat st;
	struct error why;
	if (fstatat(image_fd, layer->file, &st, AT_SYMLINK_NOFOLLOW) != 0 || st.st_nlink < 2)
		return false;
	return measure_digest(self->store, &layer->digest, &why) != 0;
}

int import_mend_skopeos(const struct import_skopeos *self, const struct import_files *files,
	const struct import_image *image, struct error *e)
{
	size_t removed = 0;
	for (size_t i = 0; i < image->layer_count; i++) {
		const struct import_layer *layer = &image->layers[i];
		if (!is_rotten(self, files->fd, layer))
			continue;
		if (interrupt_check(e) != 0)
			return -1;
		if (unlinkat(files->fd, layer->file, 0) != 0)
			return error_errno(e, errno, "a blob for skopeo");
		removed++;
	}
	return removed == 0 ? 0 : fetch(self, files->fd, e);
}
