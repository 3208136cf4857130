#include <stdbool.h>
#include <string.h>

#include "times.h"

enum { GAP_LEAST_US = 5000, SECONDS_DIGITS = 9, MICROS_DIGITS = 6 };

struct message {
	uint64_t at_us;
	const char *text;
	size_t length;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What is left to read of a line. */
struct rest {
	const char *at, *end;
};

static bool take(struct rest *rest, char c)
{
	if (rest->at == rest->end || *rest->at != c)
		return false;
	rest->at++;
	return true;
}

/* 1 to `most` digits; how many. */
static size_t take_digits(struct rest *rest, size_t most, uint64_t *out)
{
	size_t count = 0;
	*out = 0;
	for (; rest->at < rest->end && is_digit(*rest->at) && count < most; count++)
		*out = *out * 10 + (uint64_t)(*rest->at++ - '0');
	return count;
}

/* dmesg -r's "<6>". */
static void pass_priority(struct rest *rest)
{
	struct rest try = *rest;
	uint64_t ignored;
	if (take(&try, '<') && take_digits(&try, 3, &ignored) > 0 && take(&try, '>'))
		*rest = try;
}

/* "[    T1]" or "[   C0]": who printed it, on kernels that say so. */
static void pass_caller(struct rest *rest)
{
	struct rest try = *rest;
	uint64_t ignored;
	if (!take(&try, '['))
		return;
	while (take(&try, ' ')) {
	}
	if ((take(&try, 'T') || take(&try, 'C')) && take_digits(&try, 10, &ignored) > 0 &&
		take(&try, ']'))
		*rest = try;
}

/* The journal's "HOST kernel: ". */
static void pass_host(struct rest *rest)
{
	static const char mark[] = " kernel: ";
	const size_t length = sizeof mark - 1;
	const char *blank = memchr(rest->at, ' ', (size_t)(rest->end - rest->at));
	if (blank != NULL && (size_t)(rest->end - blank) >= length &&
		memcmp(blank, mark, length) == 0)
		rest->at = blank + length;
}

static bool read_message(const char *line, size_t length, struct message *out)
{
	struct rest rest = {line, line + length};
	uint64_t seconds, micros;
	pass_priority(&rest);
	if (!take(&rest, '['))
		return false;
	while (take(&rest, ' ')) {
	}
	if (take_digits(&rest, SECONDS_DIGITS, &seconds) == 0 || !take(&rest, '.') ||
		take_digits(&rest, MICROS_DIGITS, &micros) != MICROS_DIGITS || !take(&rest, ']'))
		return false;
	pass_caller(&rest);
	(void)take(&rest, ' ');
	pass_host(&rest);
	*out = (struct message){seconds * 1000000 + micros, rest.at, (size_t)(rest.end - rest.at)};
	return true;
}

/* No letter is cut in two. */
static void put_message(char out[TIMES_MESSAGE_SIZE], const char *text, size_t length)
{
	if (length >= TIMES_MESSAGE_SIZE) {
		length = TIMES_MESSAGE_SIZE - 1;
		while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
			length--;
	}
	memcpy(out, text, length);
	out[length] = '\0';
}

static uint64_t length_of(const struct times_gap *gap)
{
	return gap->span.end_us - gap->span.start_us;
}

/* In the place of the shortest, the last of them, when all are taken. */
static void add_gap(struct times_kernel *times, uint64_t start_us, const struct message *ends)
{
	size_t least = 0;
	if (ends->at_us < start_us || ends->at_us - start_us < GAP_LEAST_US)
		return;
	if (times->count == TIMES_GAPS) {
		for (size_t i = 1; i < times->count; i++)
			if (length_of(&times->gaps[i]) <= length_of(&times->gaps[least]))
				least = i;
		if (length_of(&times->gaps[least]) >= ends->at_us - start_us)
			return;
		memmove(&times->gaps[least], &times->gaps[least + 1],
			(TIMES_GAPS - 1 - least) * sizeof times->gaps[0]);
		times->count--;
	}
	struct times_gap *gap = &times->gaps[times->count++];
	gap->span = (struct times_span){start_us, ends->at_us};
	put_message(gap->message, ends->text, ends->length);
}

/* The kernel's log can step back by a little: what was printed last is then not what is latest. */
int times_kernel_parse(const uint8_t *bytes, size_t size_bytes, uint64_t end_us,
	struct times_kernel *out, struct error *e)
{
	const char *at = (const char *)bytes, *end = at + size_bytes;
	struct message message = {0};
	uint64_t latest_us = 0;
	bool begun = false;
	if (size_bytes > TIMES_MAX_BYTES)
		return error_set(e, ERROR_LIMIT, 0, "over %d bytes", TIMES_MAX_BYTES);
	if (size_bytes > 0 && memchr(bytes, '\0', size_bytes) != NULL)
		return error_set(e, ERROR_FORMAT, 0, "no text: it has a NUL");
	out->count = 0;
	while (at < end) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		const char *line = at, *line_end = feed != NULL ? feed : end;
		at = feed != NULL ? feed + 1 : end;
		if (!read_message(line, (size_t)(line_end - line), &message))
			continue;
		if (begun && message.at_us >= end_us)
			break;
		if (begun)
			add_gap(out, latest_us, &message);
		else
			out->first_us = message.at_us;
		if (!begun || message.at_us > latest_us)
			latest_us = message.at_us;
		begun = true;
	}
	if (!begun)
		return error_set(e, ERROR_FORMAT, 0,
			"no line has a time such as `[    1.234567]`: it must be the output of "
			"`dmesg` or `journalctl -k -o short-monotonic`");
	message = (struct message){end_us, "", 0};
	add_gap(out, latest_us, &message);
	return 0;
}
