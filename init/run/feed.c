#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pump.h"

enum { CTRL_D = 4 };

int feed_add(struct feed *feed, const uint8_t *bytes, size_t length, struct error *e)
{
	size_t held = feed->end - feed->start;
	if (feed->ended)
		return error_set(e, ERROR_FORMAT, 0, "the host sent input behind its end");
	if (length > sizeof feed->bytes - held - feed->uncredited)
		return error_set(
			e, ERROR_FORMAT, 0, "the host sent more input than it had credit for");
	if (feed->start > 0)
		memmove(feed->bytes, feed->bytes + feed->start, held);
	memcpy(feed->bytes + held, bytes, length);
	feed->start = 0;
	feed->end = held + length;
	return 0;
}

bool feed_give(struct feed *feed, int fd, bool terminal)
{
	static const char end_of_input = CTRL_D;
	while (feed->start < feed->end) {
		ssize_t wrote = write(fd, feed->bytes + feed->start, feed->end - feed->start);
		if (wrote > 0) {
			feed->start += (size_t)wrote;
			feed->uncredited += (size_t)wrote;
		} else if (errno != EINTR) {
			return errno == EAGAIN;
		}
	}
	if (feed->ended && terminal)
		(void)!write(fd, &end_of_input, 1);
	return !feed->ended;
}

size_t feed_credit(struct feed *feed)
{
	size_t credit = feed->uncredited;
	if (credit < sizeof feed->bytes / 4 && feed->start < feed->end)
		return 0;
	feed->uncredited = 0;
	return credit;
}
