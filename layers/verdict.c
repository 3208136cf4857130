#include "verdict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jail.h"
#include "little_endian.h"

/* The header's numbers. */
enum { CODE, ERRNO, MISSING, UNPACKED, ENTRIES, USER_XATTRS, OPAQUE, IMPLIED };

/* --- writing */

struct writer {
	int fd;
	int error_number; /* of the first write that failed */
	size_t used;
	uint8_t buffer[4096];
};

static void flush(struct writer *writer)
{
	size_t at = 0;
	while (at < writer->used && writer->error_number == 0) {
		ssize_t wrote = write(writer->fd, writer->buffer + at, writer->used - at);
		if (wrote >= 0)
			at += (size_t)wrote;
		else if (errno != EINTR)
			writer->error_number = errno;
	}
	writer->used = 0;
}

static void put(struct writer *writer, const void *data, size_t size)
{
	const uint8_t *from = data;
	for (size_t i = 0; i < size; i++) {
		if (writer->used == sizeof writer->buffer)
			flush(writer);
		writer->buffer[writer->used++] = from[i];
	}
}

static void put_list(struct writer *writer, const struct path_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		uint8_t value = (uint8_t)list->items[i].value;
		put(writer, &value, 1);
		put(writer, list->items[i].path, strlen(list->items[i].path) + 1);
	}
}

int verdict_write(int fd, const struct verdict *verdict)
{
	const struct unpack_result *result = &verdict->result;
	struct writer writer = {.fd = fd};
	const uint64_t numbers[VERDICT_NUMBERS] = {
		[CODE] = (uint64_t)verdict->why.code,
		[ERRNO] = (uint64_t)verdict->why.sys_errno,
		[MISSING] = verdict->jail_missing,
		[UNPACKED] = result->unpacked_bytes,
		[ENTRIES] = result->entries,
		[USER_XATTRS] = result->user_xattrs,
		[OPAQUE] = result->opaque.count,
		[IMPLIED] = result->implied.count,
	};
	for (size_t i = 0; i < VERDICT_NUMBERS; i++) {
		uint8_t bytes[8];
		put_u64(bytes, numbers[i]);
		put(&writer, bytes, sizeof bytes);
	}
	if (verdict->why.code != ERROR_NONE)
		put(&writer, verdict->why.text, ERROR_TEXT_SIZE);
	put_list(&writer, &result->opaque);
	put_list(&writer, &result->implied);
	flush(&writer);
	errno = writer.error_number;
	return errno == 0 ? 0 : -1;
}

/* --- reading */

struct verdict_reader {
	struct verdict verdict;
	size_t header_used, text_used, path_used;
	uint8_t header[VERDICT_HEADER_BYTES];
	uint64_t opaque_left, implied_left; /* entries of the lists that are to come */
	bool in_path;                       /* its value has come */
	uint8_t value;
	char path[LIMIT_PATH_BYTES + 1];
};

int verdict_reader_open(struct verdict_reader **out, struct error *e)
{
	struct verdict_reader *reader = calloc(1, sizeof *reader);
	if (reader == NULL)
		return error_errno(e, ENOMEM, "watch over unpacking");
	*out = reader;
	return 0;
}

void verdict_reader_close(struct verdict_reader *reader)
{
	if (reader == NULL)
		return;
	unpack_result_free(&reader->verdict.result);
	free(reader);
}

static int refuse(const char *why, struct error *e)
{
	return error_set(e, ERROR_JAIL, 0, "what unpacks the layer reports %s", why);
}

static uint64_t number(const struct verdict_reader *reader, size_t index)
{
	return get_u64(reader->header + index * 8);
}

static int take_header(struct verdict_reader *reader, struct error *e)
{
	struct verdict *verdict = &reader->verdict;
	uint64_t code = number(reader, CODE), missing = number(reader, MISSING);
	bool failed = code != ERROR_NONE;
	if (code >= ERROR_CODES || number(reader, ERRNO) > 4095 || missing >= 1u << JAIL_PARTS ||
		(failed && (number(reader, OPAQUE) != 0 || number(reader, IMPLIED) != 0)))
		return refuse("impossible numbers", e);
	verdict->why.code = (enum error_code)code;
	verdict->why.sys_errno = (int)number(reader, ERRNO);
	verdict->jail_missing = (unsigned)missing;
	verdict->result.unpacked_bytes = number(reader, UNPACKED);
	verdict->result.entries = number(reader, ENTRIES);
	verdict->result.user_xattrs = number(reader, USER_XATTRS);
	reader->opaque_left = number(reader, OPAQUE);
	reader->implied_left = number(reader, IMPLIED);
	return 0;
}

/* Whoever marks and lists these directories follows them below the layer's root: they must be what
 * path_normalize() makes. "" is the root. */
static bool is_normal(const char *path)
{
	char normal[LIMIT_PATH_BYTES + 1];
	return path[0] == '\0' ||
	       (path_normalize(path, normal, NULL) == 0 && strcmp(path, normal) == 0);
}

static int take_path(struct verdict_reader *reader, struct error *e)
{
	struct unpack_result *result = &reader->verdict.result;
	bool opaque = reader->opaque_left > 0;
	if (!is_normal(reader->path) || reader->value > (opaque ? 0 : IMPLIED_NOT))
		return refuse("an impossible directory", e);
	if (path_list_add(opaque ? &result->opaque : &result->implied, reader->path, reader->value,
		    e) != 0)
		return -1;
	if (result->opaque.bytes + result->implied.bytes > LIMIT_LIST_BYTES)
		return error_set(e, ERROR_LIMIT, 0,
			"directories that are opaque, only implied or with whiteouts take more "
			"than %u MiB",
			LIMIT_LIST_BYTES / (1024 * 1024));
	if (opaque)
		reader->opaque_left--;
	else
		reader->implied_left--;
	return 0;
}

static int take_list_byte(struct verdict_reader *reader, uint8_t byte, struct error *e)
{
	if (reader->opaque_left == 0 && reader->implied_left == 0)
		return refuse("more than it announced", e);
	if (!reader->in_path) {
		reader->value = byte;
		reader->in_path = true;
		reader->path_used = 0;
		return 0;
	}
	if (reader->path_used == sizeof reader->path)
		return refuse("a path of more than 4095 bytes", e);
	reader->path[reader->path_used++] = (char)byte;
	if (byte != '\0')
		return 0;
	reader->in_path = false;
	return take_path(reader, e);
}

static int take_byte(struct verdict_reader *reader, uint8_t byte, struct error *e)
{
	if (reader->header_used < VERDICT_HEADER_BYTES) {
		reader->header[reader->header_used++] = byte;
		return reader->header_used == VERDICT_HEADER_BYTES ? take_header(reader, e) : 0;
	}
	if (reader->verdict.why.code != ERROR_NONE && reader->text_used < ERROR_TEXT_SIZE) {
		reader->verdict.why.text[reader->text_used++] = (char)byte;
		return 0;
	}
	return take_list_byte(reader, byte, e);
}

int verdict_reader_push(
	struct verdict_reader *reader, const uint8_t *data, size_t size_bytes, struct error *e)
{
	for (size_t i = 0; i < size_bytes; i++)
		if (take_byte(reader, data[i], e) != 0)
			return -1;
	return 0;
}

int verdict_reader_end(struct verdict_reader *reader, struct verdict *out, struct error *e)
{
	bool failed = reader->verdict.why.code != ERROR_NONE;
	if (reader->header_used < VERDICT_HEADER_BYTES || reader->opaque_left > 0 ||
		reader->implied_left > 0 || (failed && reader->text_used < ERROR_TEXT_SIZE))
		return refuse("less than it announced", e);
	reader->verdict.why.text[ERROR_TEXT_SIZE - 1] = '\0';
	*out = reader->verdict;
	reader->verdict.result = (struct unpack_result){0};
	return 0;
}
