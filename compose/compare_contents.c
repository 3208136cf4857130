#include <string.h>

#include "../layers/scope.h"
#include "compare.h"
#include "interrupt.h"

enum { CHUNK_BYTES = 128 * 1024 };

static int fill(int fd, const char *path, uint8_t *to, size_t *got, struct error *e)
{
	*got = 0;
	while (*got < CHUNK_BYTES) {
		ssize_t now = read(fd, to + *got, CHUNK_BYTES - *got);
		if (now < 0 && errno == EINTR)
			continue;
		if (now < 0)
			return error_errno(e, errno, "read `%s`", path);
		if (now == 0)
			break;
		*got += (size_t)now;
	}
	return 0;
}

int compare_contents(const struct scan *a, const struct scan_entry *x, const struct scan *b,
	const struct scan_entry *y, bool *same, struct error *e)
{
	static uint8_t buffers[2 * CHUNK_BYTES];
	SCOPED_FD x_fd = -1;
	SCOPED_FD y_fd = -1;
	if (scan_open_file(a, x, &x_fd, e) != 0 || scan_open_file(b, y, &y_fd, e) != 0)
		return -1;
	for (;;) {
		size_t x_got, y_got;
		if (interrupt_check(e) != 0 || fill(x_fd, x->path, buffers, &x_got, e) != 0 ||
			fill(y_fd, y->path, buffers + CHUNK_BYTES, &y_got, e) != 0)
			return -1;
		*same = x_got == y_got && memcmp(buffers, buffers + CHUNK_BYTES, x_got) == 0;
		if (!*same || x_got < CHUNK_BYTES)
			return 0;
	}
}
