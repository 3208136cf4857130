/* plyboot pack: a directory or a tar becomes a layer. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "packing.h"
#include "report.h"
#include "unzip.h"
#include "verbs.h"

static const struct option_spec options[] = {
	PACKING_OPTIONS("zstd|gzip|none|as-is", packing_compressions_of_tar), {0}};

static int write_entries(struct tarout *tar, const struct scan *scan, struct error *e)
{
	for (size_t i = 0; i < scan->count; i++) {
		size_t leader = scan->entries[i].leader;
		const char *link_to = leader == i ? NULL : scan->entries[leader].path;
		if (tarout_add(tar, scan, &scan->entries[i], link_to, e) != 0)
			return -1;
	}
	return tarout_finish(tar, e);
}

static int pack_directory(const char *path, struct packing *packing, struct error *e)
{
	SCOPED_SCAN scan = SCAN_INIT;
	struct tarout *tar;
	if (packing_is_as_is(packing->options))
		return error_set(e, ERROR_USAGE, 0,
			"--compress as-is goes with a tar, not with a directory");
	if (scan_tree(path, packing->options->root_owned, &scan, e) != 0 ||
		packing_refuse_store(packing, &scan, e) != 0)
		return -1;
	if (tarout_open(packing_write, packing, &tar, e) != 0)
		return -1;
	int result = write_entries(tar, &scan, e);
	tarout_close(tar);
	return result;
}

static int copy_tar(struct unzip *unzip, struct packing *packing, struct error *e)
{
	enum { CHUNK_BYTES = 256 * 1024 };
	SCOPED_FREE uint8_t *chunk = malloc(CHUNK_BYTES);
	if (chunk == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (;;) {
		size_t got;
		if (unzip_read(unzip, chunk, CHUNK_BYTES, &got, e) != 0)
			return -1;
		if (got == 0)
			return 0;
		if (packing_write(packing, chunk, got, e) != 0)
			return -1;
	}
}

/* The tar's bytes stay what they are: only how they are stored changes, unless that is to stay,
 * too. */
static int pack_tar(int fd, const char *path, struct packing *packing, struct error *e)
{
	struct unzip *unzip;
	if (packing->options->root_owned)
		return error_set(
			e, ERROR_USAGE, 0, "--root-owned goes with a directory, not with a tar");
	if (packing_is_as_is(packing->options))
		return packing_keep(packing, fd, e) == 0 ? 0 : error_wrap(e, "`%s`", path);
	if (unzip_open(fd, &unzip, e) != 0)
		return error_wrap(e, "`%s`", path);
	int result = copy_tar(unzip, packing, e);
	unzip_close(unzip);
	return result == 0 ? 0 : error_wrap(e, "`%s`", path);
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const char *path = operands->items[0];
	SCOPED_PACKING packing = PACKING_INIT;
	struct stat st;
	SCOPED_FD fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
					      : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) != 0)
		return error_errno(e, errno, "open `%s`", path);
	if (packing_open(opaque, &packing, e) != 0)
		return -1;
	int result = S_ISDIR(st.st_mode) ? pack_directory(path, &packing, e)
					 : pack_tar(fd, path, &packing, e);
	if (result == 0 && packing_finish(&packing, e) != 0)
		result =
			report_status(e->code) == STATUS_REFUSED ? error_wrap(e, "`%s`", path) : -1;
	return result;
}

const struct verb verb_pack = {
	.name = "pack",
	.summary = "make a layer of a directory or a tar",
	.operands = "SRC",
	.operands_min = 1,
	.operands_max = 1,
	.options = options,
	.options_bytes = sizeof(struct packing_options),
	.run = run,
	.text = "SRC is a directory, or a tar, tar.gz or tar.zst, or `-` for one on standard "
		"input.\n\n"
		"Of a directory everything is kept that a layer can hold: modes, numeric owners, "
		"times in nanoseconds, hard links, devices, FIFOs, security.capability, ACLs, "
		"user.* attributes. Sockets and other attributes are left out with a warning. The "
		"same tree gives the same bytes. A file .wh.NAME removes NAME of lower layers, "
		".wh..wh..opq hides all they have there. The bytes of a tar are kept as they are; "
		"only how they are stored changes. With `--compress as-is` that stays, too: the "
		"file is the blob, tar, tar.gz or tar.zst, and keeps the digest that a registry "
		"knows it by. gzip or zstd made elsewhere is often one single stream, which /init "
		"unpacks more slowly than what `--compress gzip` or `zstd` makes.\n\n"
		"The layer is checked by the code that /init runs: what it would refuse is refused "
		"here, with the same word, and leaves nothing. NAME.layer holds what `plyboot "
		"stack` needs to know.\n",
	.examples = "A directory, and a tar that another command writes:\n"
		    "  plyboot pack -o root.layer rootfs/\n"
		    "  tar -C app -c . | plyboot pack -o app.layer -\n",
};
