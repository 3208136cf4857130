/* layers/source_dir.c: an OCI layout on a disk that nobody has verified. */
#include "sandbox.h"

#include "layers/source.h"

static struct sandbox sandbox; /* the destination is the layout */
static struct digest digest;   /* of "hello" */
static char blob_name[128];

static struct source *open_layout(void)
{
	char hex[DIGEST_HEX + 1];
	struct source *source = NULL;
	struct error e;
	sandbox_open(&sandbox);
	digest_of("hello", 5, &digest);
	digest_format_hex(&digest, hex);
	(void)snprintf(blob_name, sizeof blob_name, "blobs/sha256/%s", hex);
	bool made = mkdirat(sandbox.root_fd, "stacks", 0755) == 0 &&
		    mkdirat(sandbox.root_fd, "blobs", 0755) == 0 &&
		    mkdirat(sandbox.root_fd, "blobs/sha256", 0755) == 0;
	if (!made || source_dir_open(dup(sandbox.root_fd), &source, &e) != 0)
		abort();
	return source;
}

static void close_layout(struct source *source)
{
	source_close(source);
	ok(sandbox_untouched(&sandbox), "nothing outside changed");
	sandbox_close(&sandbox);
}

static const char *in_layout(const char *path)
{
	static char full[PATH_MAX];
	(void)snprintf(full, sizeof full, "%s/%s", sandbox.root, path);
	return full;
}

static void reads_blobs(void)
{
	struct source *source = open_layout();
	struct blob *blob = NULL;
	struct error e;
	char text[8] = {0};
	write_file(in_layout(blob_name), "hello", 5);
	ok(source->ops->open_blob(source, &digest, &blob, &e) == 0 && blob->size_bytes == 5,
		"a blob of 5 bytes");
	ok(blob->ops->read_at(blob, 1, text, 3, &e) == 0 && strcmp(text, "ell") == 0,
		"three bytes of it");
	ok(blob->ops->read_at(blob, 5, text, 0, &e) == 0, "no bytes at its end");
	error_is(blob->ops->read_at(blob, 3, text, 3, &e), &e, ERROR_SIZE,
		"one byte behind its end");
	error_is(blob->ops->read_at(blob, 5, text, 1, &e), &e, ERROR_SIZE, "at its end");
	error_is(blob->ops->read_at(blob, UINT64_C(1) << 63, text, 1, &e), &e, ERROR_IO,
		"at byte 2^63");
	blob_close(blob);

	struct digest other = digest;
	other.bytes[0] ^= 1;
	error_is(source->ops->open_blob(source, &other, &blob, &e), &e, ERROR_MISSING,
		"a blob that is not there");
	close_layout(source);
}

/* Whatever stands where a blob or stack file should be; `want` for a blob. */
static void refuses(const char *name, int (*make)(const char *path), enum error_code want)
{
	struct source *source = open_layout();
	struct blob *blob = NULL;
	struct error e;
	uint8_t *bytes = NULL;
	size_t size = 0;
	if (make(in_layout(blob_name)) != 0 || make(in_layout("stacks/a.stack")) != 0)
		abort();
	error_is(source->ops->open_blob(source, &digest, &blob, &e), &e, want, "a blob that is %s",
		name);
	error_is(source->ops->read_stack(source, "a.stack", &bytes, &size, &e), &e, want,
		"a stack file that is %s", name);
	ok(blob == NULL && bytes == NULL, "gives nothing");
	close_layout(source);
}

static int make_directory(const char *path)
{
	return mkdir(path, 0755);
}

static int make_fifo(const char *path)
{
	return mkfifo(path, 0644);
}

static int make_symlink(const char *path)
{
	return symlink(in_sandbox(&sandbox, "canary/file"), path);
}

static int make_relative_symlink(const char *path)
{
	return symlink("../../canary/file", path);
}

static void refuses_symlinks_on_the_way(void)
{
	struct source *source = open_layout();
	struct blob *blob = NULL;
	struct error e;
	uint8_t *bytes = NULL;
	size_t size = 0;
	if (rmdir(in_layout("blobs/sha256")) != 0 || rmdir(in_layout("stacks")) != 0 ||
		symlink("../../../canary", in_layout("blobs/sha256")) != 0 ||
		symlink("../../canary", in_layout("stacks")) != 0)
		abort();
	error_is(source->ops->open_blob(source, &digest, &blob, &e), &e, ERROR_IO,
		"blobs/sha256 is a symlink");
	error_is(source->ops->read_stack(source, "file", &bytes, &size, &e), &e, ERROR_IO,
		"stacks is one");
	error_is(
		source->ops->list_stacks(source, NULL, NULL, &e), &e, ERROR_IO, "nor is it listed");
	close_layout(source);
}

static char seen[256];
static int remember(void *context, const char *name, struct error *e)
{
	(void)strcat(strcat(seen, name), " ");
	return strcmp(name, (const char *)context) == 0 ? error_set(e, ERROR_USAGE, 0, "enough")
							: 0;
}

static void lists_and_reads_stacks(void)
{
	struct source *source = open_layout();
	struct error e;
	uint8_t *bytes = NULL;
	size_t size = 0;
	static char nothing[] = "";
	write_file(in_layout("stacks/a-1.stack"), "text", 4);
	write_file(in_layout("stacks/.hidden.stack"), "x", 1);
	write_file(in_layout("stacks/a.stack.tmp"), "x", 1);
	write_file(in_layout("stacks/.stack"), "x", 1);
	seen[0] = '\0';
	is_int(source->ops->list_stacks(source, remember, nothing, &e), 0, "stacks are listed");
	is_str(seen, "a-1.stack ", "those that end in .stack and are not hidden");
	static char name[] = "a-1.stack";
	error_is(source->ops->list_stacks(source, remember, name, &e), &e, ERROR_USAGE,
		"a visitor's error comes back");
	ok(source->ops->read_stack(source, "a-1.stack", &bytes, &size, &e) == 0 && size == 4 &&
			memcmp(bytes, "text", 4) == 0,
		"one is read whole");
	free(bytes);
	bytes = NULL;
	error_is(source->ops->read_stack(source, "b.stack", &bytes, &size, &e), &e, ERROR_MISSING,
		"none there");
	error_is(source->ops->read_stack(source, "../../../canary/file", &bytes, &size, &e), &e,
		ERROR_IO, "a name that leads out");
	char longest[300];
	memset(longest, 'n', sizeof longest);
	longest[256] = '\0';
	error_is(source->ops->read_stack(source, longest, &bytes, &size, &e), &e, ERROR_FORMAT,
		"a name of 256 bytes");
	if (truncate(in_layout("stacks/a-1.stack"), LIMIT_STACK_FILE_BYTES) != 0)
		abort();
	ok(source->ops->read_stack(source, "a-1.stack", &bytes, &size, &e) == 0 &&
			size == LIMIT_STACK_FILE_BYTES,
		"512 KiB");
	free(bytes);
	bytes = NULL;
	if (truncate(in_layout("stacks/a-1.stack"), LIMIT_STACK_FILE_BYTES + 1) != 0)
		abort();
	error_is(source->ops->read_stack(source, "a-1.stack", &bytes, &size, &e), &e, ERROR_LIMIT,
		"a byte more");
	ok(bytes == NULL, "gives nothing");
	close_layout(source);
}

int main(void)
{
	reads_blobs();
	refuses("a directory", make_directory, ERROR_FORMAT);
	refuses("a FIFO", make_fifo, ERROR_FORMAT);
	refuses("a symlink to a file", make_symlink, ERROR_IO);
	refuses("a relative symlink", make_relative_symlink, ERROR_IO);
	refuses_symlinks_on_the_way();
	lists_and_reads_stacks();
	source_close(NULL);
	blob_close(NULL);
	return done();
}
