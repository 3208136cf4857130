#include "run_keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../layers/scope.h"
#include "import_files.h"
#include "interrupt.h"
#include "layer_file.h"
#include "made_layer.h"
#include "report.h"
#include "run_guest.h"
#include "unzip.h"

#define PROGRAM "plyboot"
#define PROGRAM_PLACE "/run/plyboot-keep/program"
#define KEPT_PLACE "/run/plyboot-keep/kept"
#define STORE "store"
#define RECORD "kept.layer"

/* Whatever compresses it does so faster here. What is mounted over these directories hides what the
 * guest's own start may have made of them. */
static const char *const commit[] = {PROGRAM_PLACE "/" PROGRAM, "commit", "--live", "--compress",
	"none", "--exclude", "/dev", "--exclude", "/proc", "--exclude", "/sys", "--exclude", "/run",
	"--store", KEPT_PLACE "/" STORE, "-o", KEPT_PLACE "/" RECORD, NULL};

/* --- before */

static int copy_program(int dir_fd, struct error *e)
{
	struct stat st;
	SCOPED_FD from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (from < 0 || fstat(from, &st) != 0)
		return error_errno(e, errno, "open this command itself");
	SCOPED_FD to = openat(dir_fd, PROGRAM, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	if (to < 0)
		return error_errno(e, errno, "copy this command for the guest");
	for (off_t at = 0; at < st.st_size;) {
		ssize_t sent = sendfile(to, from, &at, (size_t)(st.st_size - at));
		if (sent <= 0)
			return error_errno(
				e, sent < 0 ? errno : EIO, "copy this command for the guest");
	}
	return 0;
}

/* One that is made by it goes again. */
static int check_store(const struct run_keep *keep, struct error *e)
{
	SCOPED_LAYOUT layout = LAYOUT_INIT;
	return layout_open(layout_path(keep->store), true, &layout, e);
}

static int add_shares(struct run_keep *keep, struct run_command *command, struct error *e)
{
	const int fds[RUN_KEEP_SHARES] = {keep->program.fd, keep->kept.fd};
	static const char *const places[RUN_KEEP_SHARES] = {PROGRAM_PLACE, KEPT_PLACE};
	size_t count = command->command.share_count;
	struct qemu_share *shares =
		reallocarray(command->shares, count + RUN_KEEP_SHARES, sizeof *shares);
	if (shares == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (size_t i = 0; i < RUN_KEEP_SHARES; i++) {
		(void)snprintf(keep->paths[i], sizeof keep->paths[i], "/proc/%ld/fd/%d",
			(long)getpid(), fds[i]);
		shares[count + i] = (struct qemu_share){
			.path = keep->paths[i], .target = places[i], .writable = i == 1};
	}
	command->shares = shares;
	command->command.shares = shares;
	command->command.share_count = count + RUN_KEEP_SHARES;
	command->command.then = commit;
	return 0;
}

int run_keep_begin(struct run_keep *keep, struct error *e)
{
	if (output_open(&keep->output, keep->output_path, 0644, e) != 0)
		return -1;
	return check_store(keep, e);
}

int run_keep_prepare(struct run_keep *keep, struct run_command *command, struct error *e)
{
	if (scratch_open(&keep->program, e) != 0 ||
		scratch_guard_begin(&keep->program, &keep->guards[0], e) != 0 ||
		scratch_open(&keep->kept, e) != 0 ||
		scratch_guard_begin(&keep->kept, &keep->guards[1], e) != 0 ||
		copy_program(keep->program.fd, e) != 0)
		return -1;
	return add_shares(keep, command, e);
}

/* --- after */

/* Before it is opened: as root the guest may have made a device of this machine, and opening some
 * does something. The guest is gone, so what is there stays. */
static int check_file(int dir_fd, const char *path, struct error *e)
{
	struct stat st;
	if (fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return error_errno(e, errno, "open `%s`", path);
	return S_ISREG(st.st_mode) ? 0 : error_set(e, ERROR_TYPE, 0, "`%s` is no file", path);
}

static int read_record(const struct import_files *files, struct layer_record *out, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	struct layer_file file;
	size_t size_bytes;
	if (import_files_read(files, RECORD, &bytes, &size_bytes, e) != 0 ||
		layer_file_decode(bytes, size_bytes, &file, e) != 0)
		return -1;
	size_t count = file.count;
	*out = file.records[0];
	layer_file_free(&file);
	if (count != 1 || out->media != MEDIA_TAR)
		return error_set(e, ERROR_FORMAT, 0, "it is not the record of one plain layer");
	return 0;
}

/* What the guest wrote came here whole. */
static int check_digest(int fd, const struct digest *digest, struct error *e)
{
	enum { CHUNK_BYTES = 256 * 1024 };
	SCOPED_FREE uint8_t *chunk = malloc(CHUNK_BYTES);
	struct sha256 hash;
	struct digest found;
	ssize_t got;
	if (chunk == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	sha256_start(&hash);
	while ((got = read(fd, chunk, CHUNK_BYTES)) > 0) {
		sha256_update(&hash, chunk, (size_t)got);
		if (interrupt_check(e) != 0) /* holes cost the guest nothing, but us hours */
			return -1;
	}
	if (got < 0 || lseek(fd, 0, SEEK_SET) != 0)
		return error_errno(e, errno, "read the layer");
	sha256_finish(&hash, &found);
	return digest_equal(&found, digest)
		       ? 0
		       : error_set(e, ERROR_DIGEST, 0, "the layer differs from its digest");
}

/* What is unpacked here can be as much as a guest likes. */
static int check_plain(int fd, struct error *e)
{
	uint8_t start[4];
	ssize_t got = pread(fd, start, sizeof start, 0);
	if (got < 0)
		return error_errno(e, errno, "read the layer");
	return unzip_media(start, (size_t)got) == MEDIA_TAR
		       ? 0
		       : error_set(e, ERROR_FORMAT, 0, "the layer is compressed");
}

static int take_layer(const struct run_keep *keep, struct layout *layout, struct layer_record *out,
	struct error *e)
{
	SCOPED_IMPORT_FILES files = IMPORT_FILES_INIT;
	struct layer_record theirs;
	char path[sizeof STORE "/" + LAYOUT_BLOB_PATH_SIZE];
	SCOPED_FD fd = -1;
	(void)memcpy(path, STORE "/", sizeof STORE "/");
	if (import_files_below(keep->kept.fd, &files, e) != 0 ||
		check_file(files.fd, RECORD, e) != 0 || read_record(&files, &theirs, e) != 0)
		return -1;
	layout_blob_path(&theirs.digest, path + strlen(STORE "/"));
	if (check_file(files.fd, path, e) != 0 || import_files_open(&files, path, &fd, e) != 0 ||
		check_plain(fd, e) != 0 || check_digest(fd, &theirs.digest, e) != 0)
		return -1;
	return made_layer_add_tar(layout, fd, USER_XATTRS_REQUIRED, out, e);
}

int run_keep_take(struct run_keep *keep, struct error *e)
{
	SCOPED_LAYOUT layout = LAYOUT_INIT;
	struct layer_record record;
	char text[LAYER_RECORD_TEXT_SIZE];
	size_t size_bytes;
	if (layout_open(layout_path(keep->store), true, &layout, e) != 0)
		return -1;
	if (take_layer(keep, &layout, &record, e) != 0)
		return error_wrap(e, "what the guest left of its changes");
	if (layer_record_encode(&record, text, &size_bytes, e) != 0 ||
		output_write(&keep->output, text, size_bytes, e) != 0 ||
		output_commit(&keep->output, OUTPUT_REPLACE, e) != 0)
		return -1;
	layout_keep(&layout);
	return 0;
}

int run_keep_guest(struct run_keep *keep, const struct qemu_request *request, FILE *explain,
	bool *doubtful, struct error *e)
{
	SCOPED_FREE struct qemu_outcome *outcome = calloc(1, sizeof *outcome);
	if (outcome == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	int status = run_guest_outcome(request, explain, outcome, e);
	if (status < 0)
		return error_wrap(e, "`%s` was not written", keep->output_path);
	*doubtful = run_guest_doubts_root(outcome);
	if (outcome->end != QEMU_END_COMMAND) {
		report_note("`%s` was not written: the guest ended before there was anything to "
			    "keep",
			keep->output_path);
		return status;
	}
	if (run_keep_take(keep, e) == 0)
		return status;
	if (e->code == ERROR_MISSING) {
		qemu_outcome_print_console(outcome, explain);
		report_hint(
			"the guest's console says why; the command itself ended with %d", status);
	}
	return error_wrap(e, "`%s` was not written", keep->output_path);
}

void run_keep_close(struct run_keep *keep)
{
	output_discard(&keep->output);
	scratch_remove(&keep->program);
	scratch_remove(&keep->kept);
	for (size_t i = 0; i < RUN_KEEP_SHARES; i++)
		scratch_guard_end(&keep->guards[i]);
}
