/*
 * The engine as /init calls it, without a boot around it: each layer into the store DEST, a fresh
 * directory on a tmpfs, in a whole jail. Linked with what /init is linked with. Silent when all is
 * well.
 *
 * Usage: unpack LAYOUT DEST NAME.layer...
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>

#include "crew.h"
#include "jail.h"
#include "scope.h"
#include "source.h"

static int read_record(const char *path, struct layer_record *out, struct error *e)
{
	char text[LAYER_RECORD_TEXT_SIZE];
	struct verified *verified;
	SCOPED_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size_bytes = fd < 0 ? -1 : read(fd, text, sizeof text);
	if (size_bytes < 0)
		return error_errno(e, errno, "read `%s`", path);
	if (verified_trust(text, (size_t)size_bytes, &verified, e) != 0)
		return -1;
	int result = layer_record_decode(verified, out, e);
	verified_free(verified);
	return result;
}

static int add_layers(
	int store_fd, struct source *source, char **paths, size_t count, struct error *e)
{
	cpu_set_t cpus;
	if (sched_getaffinity(0, sizeof cpus, &cpus) != 0)
		return error_errno(e, errno, "count the CPUs");
	const struct crew_options options = {.user_xattrs_supported = true,
		.cpus = (unsigned)CPU_COUNT(&cpus),
		.jail_demand = JAIL_ALL};
	SCOPED_FREE struct layer_record *records = calloc(count, sizeof *records);
	SCOPED_FREE struct store_layer *layers = calloc(count, sizeof *layers);
	if (records == NULL || layers == NULL)
		return error_errno(e, ENOMEM, "memory for the layers");
	for (size_t i = 0; i < count; i++) {
		if (read_record(paths[i], &records[i], e) != 0)
			return -1;
	}
	unsigned missing;
	size_t failed = 0;
	if (crew_fill_store(
		    store_fd, source, records, count, &options, layers, &missing, &failed, e) != 0)
		return error_wrap(e, "%s", paths[failed]);
	return 0;
}

static int run(const char *layout, const char *dest, char **paths, size_t count, struct error *e)
{
	struct source *source;
	SCOPED_FD store_fd = open(dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	SCOPED_FD layout_fd = open(layout, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store_fd < 0 || layout_fd < 0)
		return error_errno(e, errno, "open %s", store_fd < 0 ? dest : layout);
	if (source_dir_open(layout_fd, &source, e) != 0)
		return -1;
	layout_fd = -1; /* the source's */
	int result = add_layers(store_fd, source, paths, count, e);
	source_close(source);
	return result;
}

int main(int argc, char **argv)
{
	struct error e = {.code = ERROR_NONE};
	if (argc < 4) {
		fputs("usage: unpack LAYOUT DEST NAME.layer...\n", stderr);
		return 2;
	}
	(void)umask(0); /* as /init */
	if (run(argv[1], argv[2], argv + 3, (size_t)argc - 3, &e) == 0)
		return 0;
	fprintf(stderr, "unpack: %s: %s\n", error_code_name(e.code), e.text);
	return 1;
}
