#include "installing.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/ceilings.h"
#include "../layers/scope.h"
#include "../layers/syscalls.h"
#include "interrupt.h"
#include "measure.h"
#include "stack_file.h"

static int open_from(const struct installing *self, const struct digest *digest, struct blob **out,
	struct error *e)
{
	struct source *source = self->from->source;
	if (source->ops->open_blob(source, digest, out, e) != 0)
		return error_wrap(e, "`%s`", self->from->path);
	return 0;
}

/* --- the stack file */

int installing_read(struct installing *out, struct origin *from, const char *name,
	const struct installing_judge *judge, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	*out = (struct installing){.from = from, .judge = judge};
	strcpy(out->file_name, name);
	if (from->source->ops->read_stack(from->source, name, &bytes, &size_bytes, e) != 0)
		return error_wrap(e, "`%s`", from->path);
	if (bytes_add(&out->stack_file, bytes, size_bytes, e) != 0)
		return -1;
	if (judge->judge(judge, name, bytes, size_bytes, &out->stack, e) != 0)
		return error_wrap(e, "%s", name);
	return 0;
}

static bool verifies(const struct installing *self, const uint8_t *bytes, size_t size_bytes)
{
	struct verified *text;
	struct signed_by who;
	struct error ignored;
	if (signed_verify(bytes, size_bytes, self->judge->signatures, &text, &who, &ignored) != 0)
		return false;
	verified_free(text);
	return true;
}

/* Further signatures of the file that is there stay, unless one of them has rotted: it would refuse
 * the whole file. */
static int join(struct installing *self, struct error *e)
{
	SCOPED_BYTES joined = {0};
	if (stack_file_join(self->to, self->file_name, self->stack_file.data, self->stack_file.size,
		    &joined, e) != 0)
		return -1;
	if (verifies(self, joined.data, joined.size)) {
		struct bytes own = self->stack_file;
		self->stack_file = joined;
		joined = own;
	}
	return 0;
}

static int plan_stack_file(struct installing *self, bool force, struct error *e)
{
	SCOPED_FREE uint8_t *there = NULL;
	size_t there_bytes = 0, text_bytes, count;
	struct signature_line lines[LIMIT_SIGNATURES];
	struct source *to = self->to->source;
	struct error ignored;
	bool same;
	bool is_there =
		to->ops->read_stack(to, self->file_name, &there, &there_bytes, &ignored) == 0;
	/* One that this machine refuses, rotted perhaps, is as none. */
	bool counts = !self->judge->is_whole || (is_there && verifies(self, there, there_bytes));
	if (signed_split(self->stack_file.data, self->stack_file.size, &text_bytes, lines, &count,
		    e) != 0)
		return -1;
	if (counts && stack_file_check_existing(self->to, self->file_name, self->stack_file.data,
			      text_bytes, force, &same, e) != 0)
		return -1;
	if (join(self, e) != 0)
		return -1;
	self->stack_stands = is_there && there_bytes == self->stack_file.size &&
			     memcmp(there, self->stack_file.data, there_bytes) == 0;
	return 0;
}

/* --- which blobs */

static void add_blob(
	struct installing *self, const struct digest *digest, uint64_t size_bytes, bool is_layer)
{
	for (size_t i = 0; i < self->count; i++) {
		if (digest_equal(&self->blobs[i].digest, digest))
			return;
	}
	self->blobs[self->count++] = (struct installing_blob){
		.digest = *digest, .size_bytes = size_bytes, .is_layer = is_layer};
}

static int list_blobs(struct installing *self, struct error *e)
{
	self->blobs = calloc(self->stack.layer_count * 2, sizeof *self->blobs);
	if (self->blobs == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (size_t i = 0; i < self->stack.layer_count; i++) {
		const struct layer_record *record = &self->stack.layers[i];
		add_blob(self, &record->digest, record->stored_bytes, true);
		add_blob(self, &record->pieces, 0, false);
	}
	return 0;
}

static void look_at_size(const struct installing *self, struct installing_blob *blob)
{
	char path[LAYOUT_BLOB_PATH_SIZE];
	struct stat st;
	layout_blob_path(&blob->digest, path);
	blob->frees_bytes = 0;
	if (fstatat(self->to->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		blob->frees_bytes = (uint64_t)st.st_blocks * 512;
}

/* Of a piece table, the size is that of the right one, wherever it is. */
static int look_at(struct installing *self, struct installing_blob *blob, struct error *e)
{
	struct blob *there;
	struct error why;
	struct source *to = self->to->source;
	blob->state = INSTALLING_MISSING;
	if (to->ops->open_blob(to, &blob->digest, &there, &why) != 0)
		return why.code == ERROR_MISSING ? 0 : interrupt_check(e);
	uint64_t size_bytes = there->size_bytes;
	blob_close(there);
	blob->state = INSTALLING_ROTTED;
	look_at_size(self, blob);
	if ((!blob->is_layer || size_bytes == blob->size_bytes) &&
		measure_digest(self->to, &blob->digest, &why) == 0) {
		blob->state = INSTALLING_THERE;
		blob->size_bytes = size_bytes;
	}
	return interrupt_check(e);
}

static int look_where_it_comes_from(
	const struct installing *self, struct installing_blob *blob, struct error *e)
{
	struct blob *from;
	char text[DIGEST_TEXT_SIZE];
	digest_format(&blob->digest, text);
	if (open_from(self, &blob->digest, &from, e) != 0)
		return -1;
	uint64_t size_bytes = from->size_bytes;
	blob_close(from);
	if (blob->is_layer && size_bytes != blob->size_bytes)
		return error_set(e, ERROR_SIZE, 0,
			"`%s`: the blob %s has %" PRIu64 " bytes instead of %" PRIu64,
			self->from->path, text, size_bytes, blob->size_bytes);
	if (!blob->is_layer && size_bytes > LIMIT_PIECE_TABLE_BYTES)
		return error_set(e, ERROR_LIMIT, 0,
			"`%s`: the piece table %s has %" PRIu64 " bytes, at most %u are allowed",
			self->from->path, text, size_bytes, LIMIT_PIECE_TABLE_BYTES);
	blob->size_bytes = size_bytes;
	return 0;
}

int installing_plan(struct installing *self, struct layout *to, bool force, struct error *e)
{
	self->to = to;
	if (plan_stack_file(self, force, e) != 0 || list_blobs(self, e) != 0)
		return -1;
	for (size_t i = 0; i < self->count; i++) {
		struct installing_blob *blob = &self->blobs[i];
		if (look_at(self, blob, e) != 0 ||
			(blob->state != INSTALLING_THERE &&
				look_where_it_comes_from(self, blob, e) != 0))
			return -1;
	}
	return installing_measure_room(self, e);
}

bool installing_is_done(const struct installing *self)
{
	for (size_t i = 0; i < self->count; i++) {
		if (self->blobs[i].state != INSTALLING_THERE)
			return false;
	}
	return self->stack_stands;
}

/* --- writing */

static int copy_bytes(struct blob *from, struct blob_writer *writer, struct error *e)
{
	enum { CHUNK_BYTES = 256 * 1024 };
	static uint8_t chunk[CHUNK_BYTES];
	for (uint64_t at = 0; at < from->size_bytes;) {
		uint64_t left = from->size_bytes - at;
		size_t now = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
		if (from->ops->read_at(from, at, chunk, now, e) != 0 ||
			blob_writer_write(writer, chunk, now, e) != 0)
			return -1;
		at += now;
	}
	return 0;
}

/* It gets the name of what it is; so the name is held against the one that it should have first. */
static int finish_blob(struct installing *self, const struct installing_blob *blob,
	struct blob_writer *writer, struct error *e)
{
	struct sha256 hash = writer->hash;
	struct digest digest;
	sha256_finish(&hash, &digest);
	if (!digest_equal(&digest, &blob->digest))
		return error_set(e, ERROR_DIGEST, 0, "`%s`: its bytes differ from its digest",
			self->from->path);
	return blob_writer_finish(self->to, writer, &digest, e);
}

static int copy_blob(struct installing *self, const struct installing_blob *blob, struct error *e)
{
	struct blob *from;
	struct blob_writer writer = BLOB_WRITER_INIT;
	char text[DIGEST_TEXT_SIZE];
	if (open_from(self, &blob->digest, &from, e) != 0)
		return -1;
	int result = from->size_bytes != blob->size_bytes
			     ? error_set(e, ERROR_SIZE, 0, "it has changed meanwhile")
			     : blob_writer_open(self->to, &writer, e);
	if (result == 0)
		result = copy_bytes(from, &writer, e);
	if (result == 0)
		result = finish_blob(self, blob, &writer, e);
	blob_writer_discard(&writer);
	blob_close(from);
	digest_format(&blob->digest, text);
	if (result != 0)
		return error_wrap(e, "the blob %s", text);
	layout_keep(self->to);
	return 0;
}

/* Those that are replaced first: each gives its room back. */
static int copy_blobs(struct installing *self, struct error *e)
{
	for (enum installing_state state = INSTALLING_ROTTED; state <= INSTALLING_MISSING;
		state++) {
		for (size_t i = 0; i < self->count; i++) {
			if (self->blobs[i].state == state &&
				copy_blob(self, &self->blobs[i], e) != 0)
				return -1;
		}
	}
	return 0;
}

/* All that the stack names is to outlast a power cut before the stack file is there: what this call
 * wrote, and what it found, whoever wrote that and however. */
static int flush(const struct installing *self, struct error *e)
{
	char path[LAYOUT_BLOB_PATH_SIZE];
	if (syncfs(self->to->fd) != 0)
		return error_errno(e, errno, "flush the store `%s`", self->to->path);
	for (size_t i = 0; i < self->count; i++) {
		layout_blob_path(&self->blobs[i].digest, path);
		SCOPED_FD fd = sys_openat2(self->to->fd, path, O_RDONLY, 0, SYS_RESOLVE_STRICT);
		/* So that the medium is read back, and not memory. Advice: it may be ignored. */
		if (fd >= 0)
			(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	}
	return interrupt_check(e);
}

static int read_back(struct installing *self, struct error *e)
{
	for (size_t i = 0; i < self->stack.layer_count; i++) {
		if (measure_check(self->to, &self->stack.layers[i], e) != 0)
			return error_wrap(e, "layer %zu, read back", i + 1);
	}
	return 0;
}

int installing_write(struct installing *self, struct error *e)
{
	if (copy_blobs(self, e) != 0 || flush(self, e) != 0 || read_back(self, e) != 0)
		return -1;
	if (self->stack_stands)
		return 0;
	return stack_file_put(
		self->to, self->file_name, self->stack_file.data, self->stack_file.size, e);
}

void installing_close(struct installing *self)
{
	stack_free(&self->stack);
	bytes_free(&self->stack_file);
	free(self->blobs);
	*self = (struct installing){0};
}
