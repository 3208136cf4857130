/* compose/run_keep.c: of what a guest left in its directory nothing is believed, and nothing of it
 * keeps whoever waits. The rest is in tests/boot/run_keep.t. */
#include "compose/run_keep.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "compose/interrupt.h"
#include "layers/stack.h"
#include "tap.h"

static char store[200], file[200];

static void write_at(int dir_fd, const char *path, const void *bytes, size_t size)
{
	int fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || close(fd) != 0)
		abort();
}

/* As a guest leaves them: a blob, and the record of a plain layer whose digest this is. */
static void leave(int kept_fd, const struct digest *digest, const void *blob, size_t size)
{
	struct layer_record record = {.digest = *digest,
		.media = MEDIA_TAR,
		.stored_bytes = 10240,
		.unpacked_bytes = 4096,
		.entries = 1,
		.largest_piece_bytes = 10240};
	char path[sizeof "store/" + LAYOUT_BLOB_PATH_SIZE] = "store/", text[LAYER_RECORD_TEXT_SIZE];
	struct error e;
	size_t length;
	(void)mkdirat(kept_fd, "store", 0700);
	(void)mkdirat(kept_fd, "store/blobs", 0700);
	(void)mkdirat(kept_fd, "store/blobs/sha256", 0700);
	layout_blob_path(digest, path + strlen(path));
	write_at(kept_fd, path, blob, size);
	if (layer_record_encode(&record, text, &length, &e) != 0)
		abort();
	write_at(kept_fd, "kept.layer", text, length);
}

static int take(struct run_keep *keep, struct error *e)
{
	*e = (struct error){.code = ERROR_NONE};
	return run_keep_take(keep, e);
}

static void begin(struct run_keep *keep)
{
	struct error e;
	*keep = (struct run_keep)RUN_KEEP_INIT;
	keep->store = store;
	keep->output_path = file;
	if (output_open(&keep->output, file, 0644, &e) != 0 || scratch_open(&keep->kept, &e) != 0)
		abort();
}

static void end(struct run_keep *keep)
{
	run_keep_close(keep);
	ok(access(file, F_OK) != 0, "... there is no .layer file");
	ok(access(store, F_OK) != 0, "... nor a store");
}

/* A layer that is compressed would be unpacked here to as much as the guest likes. */
static void test_compressed(void)
{
	static const unsigned char zeros[10240];
	unsigned char gzip[1024];
	z_stream stream = {.next_in = (unsigned char *)(uintptr_t)zeros,
		.avail_in = sizeof zeros,
		.next_out = gzip,
		.avail_out = sizeof gzip};
	struct run_keep keep;
	struct digest digest;
	struct error e;
	if (deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK ||
		deflate(&stream, Z_FINISH) != Z_STREAM_END)
		abort();
	size_t size = stream.total_out;
	(void)deflateEnd(&stream);
	digest_of(gzip, size, &digest);
	begin(&keep);
	leave(keep.kept.fd, &digest, gzip, size);
	is_int(take(&keep, &e), -1, "a layer that is compressed, and not said to be");
	is_int(e.code, ERROR_FORMAT, "... is refused");
	ok(strstr(e.text, "compressed") != NULL, "... as that: %s", e.text);
	end(&keep);
}

static void interrupt_later(void)
{
	pid_t parent = getpid(), child = fork();
	if (child < 0)
		abort();
	if (child == 0) {
		(void)usleep(300000);
		_exit(kill(parent, SIGINT) != 0);
	}
}

/* Holes cost the guest nothing; to read them takes hours. */
static void test_endless(void)
{
	struct run_keep keep;
	struct digest digest = {{1}};
	char path[sizeof "store/" + LAYOUT_BLOB_PATH_SIZE] = "store/";
	struct error e;
	begin(&keep);
	leave(keep.kept.fd, &digest, "x", 1);
	layout_blob_path(&digest, path + strlen(path));
	int fd = openat(keep.kept.fd, path, O_WRONLY);
	if (fd < 0 || ftruncate(fd, (off_t)1 << 42) != 0 || close(fd) != 0)
		abort();
	(void)alarm(20);
	interrupt_later();
	is_int(take(&keep, &e), -1, "a layer of 4 TiB of holes, and Ctrl-C");
	(void)alarm(0);
	is_int(e.code, ERROR_IO, "... ends");
	ok(strstr(e.text, "ended by signal 2") != NULL, "... by that: %s", e.text);
	end(&keep);
}

int main(void)
{
	char directory[] = "/tmp/test_run_keep.XXXXXX";
	if (mkdtemp(directory) == NULL || setenv("TMPDIR", directory, 1) != 0)
		abort();
	(void)snprintf(store, sizeof store, "%s/store", directory);
	(void)snprintf(file, sizeof file, "%s/file.layer", directory);
	interrupt_catch();
	test_compressed();
	test_endless(); /* last: a signal that came stays */
	ok(rmdir(directory) == 0, "nothing is left");
	return done();
}
