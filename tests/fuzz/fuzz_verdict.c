/*
 * What a jailed child reports, from one that an attacker owns: however it is cut, the reader says
 * the same, gives only paths that stay below the root, and what it accepts is written as the very
 * same bytes but for the text of an error behind its NUL.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "jail.h"
#include "must.h"
#include "verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_verdict(
	const uint8_t *data, size_t size, size_t chunk, struct verdict *out, struct error *e)
{
	struct verdict_reader *reader = NULL;
	int result = 0;
	must(verdict_reader_open(&reader, e) == 0);
	for (size_t at = 0; at < size && result == 0; at += chunk)
		result = verdict_reader_push(
			reader, data + at, chunk < size - at ? chunk : size - at, e);
	if (result == 0)
		result = verdict_reader_end(reader, out, e);
	verdict_reader_close(reader);
	return result;
}

static void check_list(const struct path_list *list, uint32_t most)
{
	for (size_t i = 0; i < list->count; i++) {
		char normal[LIMIT_PATH_BYTES + 1] = "";
		const char *path = list->items[i].path;
		must(path[0] == '\0' || path_normalize(path, normal, NULL) == 0);
		must(strcmp(path, normal) == 0 && list->items[i].value <= most);
	}
}

static void check_written(const struct verdict *verdict, const uint8_t *data, size_t size)
{
	static int fd = -1;
	if (fd < 0)
		fd = memfd_create("verdict", MFD_CLOEXEC);
	must(fd >= 0 && ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	must(verdict_write(fd, verdict) == 0);
	uint8_t *again = must_copy(data, size);
	must(lseek(fd, 0, SEEK_CUR) == (off_t)size && pread(fd, again, size, 0) == (ssize_t)size);
	if (verdict->why.code != ERROR_NONE) /* the reader ends the text */
		again[VERDICT_HEADER_BYTES + ERROR_TEXT_SIZE - 1] =
			data[VERDICT_HEADER_BYTES + ERROR_TEXT_SIZE - 1];
	must(memcmp(again, data, size) == 0);
	free(again);
}

static void check(const struct verdict *verdict, const uint8_t *data, size_t size)
{
	const struct unpack_result *result = &verdict->result;
	must(verdict->why.code < ERROR_CODES && verdict->jail_missing < 1u << JAIL_PARTS);
	must(memchr(verdict->why.text, '\0', ERROR_TEXT_SIZE) != NULL);
	must(verdict->why.code == ERROR_NONE ||
		(result->opaque.count == 0 && result->implied.count == 0));
	check_list(&result->opaque, 0);
	check_list(&result->implied, IMPLIED_NOT);
	check_written(verdict, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verdict whole = {0}, cut = {0};
	struct error e = {0}, cut_e = {0};
	int result = read_verdict(data, size, size + 1, &whole, &e);
	must(read_verdict(data, size, 7, &cut, &cut_e) == result && e.code == cut_e.code);
	if (result != 0) {
		must(e.code == ERROR_JAIL || e.code == ERROR_LIMIT);
		return 0;
	}
	check(&whole, data, size);
	check(&cut, data, size);
	unpack_result_free(&whole.result);
	unpack_result_free(&cut.result);
	return 0;
}
