/* What skopeo names: registries, and the storage of docker and podman. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "import.h"
#include "program.h"
#include "report.h"

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

static int make_directories(int into_fd, struct error *e)
{
	static const char *const names[] = {"image", "image/blobs", "image/blobs/sha256"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (mkdirat(into_fd, names[i], 0700) != 0)
			return error_errno(e, errno, "a directory for skopeo");
	}
	return 0;
}

/* One that can't be linked is fetched again. */
static int link_blobs(const struct layout *layout, int into_fd, struct error *e)
{
	struct digest ignored;
	SCOPED_FD blobs = layout_open_directory(layout, "blobs/sha256", e);
	if (blobs < 0)
		return -1;
	SCOPED_FD to = openat(into_fd, "image/blobs/sha256", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	int own = fcntl(blobs, F_DUPFD_CLOEXEC, 0);
	DIR *dir = to < 0 || own < 0 ? NULL : fdopendir(own);
	if (dir == NULL) {
		scope_close(&own);
		return error_errno(e, errno, "the blobs of the store `%s`", layout->path);
	}
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (digest_parse_hex(entry->d_name, strlen(entry->d_name), &ignored))
			(void)linkat(blobs, entry->d_name, to, entry->d_name, 0);
	}
	(void)closedir(dir);
	return 0;
}

static int run(
	const char *source, const char *architecture, bool insecure, int into_fd, struct error *e)
{
	char path[PATH_MAX];
	const char *const arguments[] = {"skopeo", "--override-os", "linux", "--override-arch",
		architecture, "copy", insecure ? "--src-tls-verify=false" : "--src-tls-verify=true",
		source, "oci:image", NULL};
	const struct program_run skopeo = {
		.path = path, .arguments = arguments, .keep_fd = -1, .directory_fd = into_fd};
	if (program_find("skopeo", "skopeo", path, e) != 0)
		return -1;
	printf("calling skopeo copy %s\n", source);
	if (program_run(&skopeo, e) == 0)
		return 0;
	if (strncmp(source, "docker://", 9) == 0 && !insecure)
		report_hint("a registry without TLS, or with a certificate of its own: --insecure");
	return -1;
}

int import_by_skopeo(const struct layout *layout, const char *source, const char *architecture,
	bool insecure, int into_fd, struct error *e)
{
	if (make_directories(into_fd, e) != 0 || link_blobs(layout, into_fd, e) != 0)
		return -1;
	return run(source, architecture, insecure, into_fd, e);
}
