#include "runport.h"

#include <stdlib.h>
#include <string.h>

#include "little_endian.h"

enum content { ANY_BYTES, STRING, ABSOLUTE_PATH, VARIABLE_STRING };

struct rule {
	uint8_t type;
	enum runport_side from;
	size_t min, max; /* bytes of the payload */
	enum content content;
	size_t head; /* bytes in front of the content */
};

static const struct rule rules[] = {
	{RUNPORT_HELLO, RUNPORT_GUEST, 1, 1, ANY_BYTES, 0},
	{RUNPORT_STARTED, RUNPORT_GUEST, 0, 0, ANY_BYTES, 0},
	{RUNPORT_OUTPUT, RUNPORT_GUEST, 1, RUNPORT_MAX_DATA, ANY_BYTES, 0},
	{RUNPORT_ERROR, RUNPORT_GUEST, 1, RUNPORT_MAX_DATA, ANY_BYTES, 0},
	{RUNPORT_CREDIT, RUNPORT_GUEST, 4, 4, ANY_BYTES, 0},
	{RUNPORT_EXITED, RUNPORT_GUEST, 2, 2, ANY_BYTES, 0},
	{RUNPORT_REFUSED, RUNPORT_GUEST, 2, 1 + RUNPORT_MAX_REASON, STRING, 1},
	{RUNPORT_ARGUMENT, RUNPORT_HOST, 0, RUNPORT_MAX_PAYLOAD - 1, STRING, 0},
	{RUNPORT_VARIABLE, RUNPORT_HOST, 2, RUNPORT_MAX_PAYLOAD - 1, VARIABLE_STRING, 0},
	{RUNPORT_DIRECTORY, RUNPORT_HOST, 1, RUNPORT_MAX_PATH, ABSOLUTE_PATH, 0},
	{RUNPORT_USER, RUNPORT_HOST, 1, RUNPORT_MAX_USER, STRING, 0},
	{RUNPORT_ONE_OUTPUT, RUNPORT_HOST, 0, 0, ANY_BYTES, 0},
	{RUNPORT_TERMINAL, RUNPORT_HOST, 4, 4, ANY_BYTES, 0},
	{RUNPORT_SHARE, RUNPORT_HOST, 2, 1 + RUNPORT_MAX_PATH, ABSOLUTE_PATH, 1},
	{RUNPORT_THEN, RUNPORT_HOST, 0, RUNPORT_MAX_PAYLOAD - 1, STRING, 0},
	{RUNPORT_START, RUNPORT_HOST, 0, 0, ANY_BYTES, 0},
	{RUNPORT_INPUT, RUNPORT_HOST, 1, RUNPORT_MAX_DATA, ANY_BYTES, 0},
	{RUNPORT_INPUT_END, RUNPORT_HOST, 0, 0, ANY_BYTES, 0},
	{RUNPORT_CLOSE, RUNPORT_HOST, 1, 1, ANY_BYTES, 0},
	{RUNPORT_WINDOW_SIZE, RUNPORT_HOST, 4, 4, ANY_BYTES, 0},
	{RUNPORT_BYE, RUNPORT_HOST, 0, 0, ANY_BYTES, 0},
};

static const struct rule *rule_of(uint8_t type, enum runport_side from)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		if (rules[i].type == type && rules[i].from == from)
			return &rules[i];
	}
	return NULL;
}

/* --- what a payload may hold */

static bool number_is_good(uint8_t type, const uint8_t *payload)
{
	switch (type) {
	case RUNPORT_CREDIT:
		return get_u32(payload) >= 1 && get_u32(payload) <= RUNPORT_WINDOW;
	case RUNPORT_EXITED:
		return payload[0] == 0 || (payload[0] == 1 && payload[1] >= 1 && payload[1] <= 127);
	case RUNPORT_REFUSED:
		return payload[0] >= 125 && payload[0] <= 127;
	case RUNPORT_SHARE:
		return payload[0] <= 1;
	case RUNPORT_CLOSE:
		return payload[0] == 1 || payload[0] == 2;
	default:
		return true;
	}
}

static bool content_is_good(const struct rule *rule, const uint8_t *payload, size_t length)
{
	const uint8_t *text = payload + rule->head;
	if (rule->content == ANY_BYTES)
		return true;
	if (memchr(text, '\0', length - rule->head) != NULL)
		return false;
	if (rule->content == ABSOLUTE_PATH)
		return text[0] == '/';
	return rule->content != VARIABLE_STRING ||
	       (text[0] != '=' && memchr(text, '=', length) != NULL);
}

/* --- reading */

static size_t payload_length(const struct runport_reader *reader)
{
	return get_u32(reader->header + 1);
}

static int broken(struct runport_reader *reader, struct error *e, const char *what)
{
	const char *whose = reader->from == RUNPORT_GUEST ? "guest" : "host";
	reader->broken = true;
	return error_set(e, ERROR_FORMAT, 0, "the %s sent a frame with %s (type 0x%02x, %zu bytes)",
		whose, what, reader->header[0], payload_length(reader));
}

/* As much as is wanted of what is left; false when it is not enough. */
static bool fill(struct runport_reader *reader, uint8_t *to, size_t want, const uint8_t *bytes,
	size_t length, size_t *used)
{
	size_t count = length - *used < want ? length - *used : want;
	if (count > 0)
		memcpy(to, bytes + *used, count);
	*used += count;
	reader->filled += count;
	return count == want;
}

int runport_read(struct runport_reader *reader, const uint8_t *bytes, size_t length, size_t *used,
	struct runport_frame *frame, struct error *e)
{
	*used = 0;
	if (reader->broken)
		return error_set(e, ERROR_FORMAT, 0, "nothing is read behind a broken frame");
	if (reader->filled < RUNPORT_HEADER_BYTES &&
		!fill(reader, reader->header + reader->filled,
			RUNPORT_HEADER_BYTES - reader->filled, bytes, length, used))
		return 0;
	const struct rule *rule = rule_of(reader->header[0], reader->from);
	size_t want = payload_length(reader), have = reader->filled - RUNPORT_HEADER_BYTES;
	if (rule == NULL)
		return broken(reader, e, "an unknown type");
	if (want < rule->min || want > rule->max)
		return broken(reader, e, "a length that it can't have");
	if (!fill(reader, reader->payload + have, want - have, bytes, length, used))
		return 0;
	if (!number_is_good(rule->type, reader->payload) ||
		!content_is_good(rule, reader->payload, want))
		return broken(reader, e, "a content that it can't have");
	reader->payload[want] = '\0';
	reader->filled = 0;
	*frame = (struct runport_frame){rule->type, want, reader->payload};
	return 1;
}

/* --- writing */

size_t runport_waiting(const struct runport_outbox *outbox)
{
	return outbox->end - outbox->start;
}

/* Room for so many bytes behind the others, which move to the front if they can. */
static int make_room(struct runport_outbox *outbox, size_t length, struct error *e)
{
	size_t waiting = runport_waiting(outbox);
	if (outbox->capacity - outbox->end >= length)
		return 0;
	if (waiting > 0)
		memmove(outbox->bytes, outbox->bytes + outbox->start, waiting);
	outbox->start = 0;
	outbox->end = waiting;
	if (outbox->capacity - waiting >= length)
		return 0;
	size_t capacity = 2 * (waiting + length); /* lengths are bounded: no overflow */
	uint8_t *bytes = realloc(outbox->bytes, capacity);
	if (bytes == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory for frames");
	outbox->bytes = bytes;
	outbox->capacity = capacity;
	return 0;
}

static void append(struct runport_outbox *outbox, const void *bytes, size_t length)
{
	if (length > 0)
		memcpy(outbox->bytes + outbox->end, bytes, length);
	outbox->end += length;
}

int runport_put(struct runport_outbox *outbox, enum runport_type type, const void *first,
	size_t first_length, const void *second, size_t second_length, struct error *e)
{
	uint8_t header[RUNPORT_HEADER_BYTES] = {(uint8_t)type};
	size_t length = first_length + second_length;
	if (make_room(outbox, sizeof header + length, e) != 0)
		return -1;
	put_u32(header + 1, (uint32_t)length);
	append(outbox, header, sizeof header);
	append(outbox, first, first_length);
	append(outbox, second, second_length);
	return 0;
}

void runport_written(struct runport_outbox *outbox, size_t length)
{
	outbox->start += length;
	if (outbox->start == outbox->end)
		outbox->start = outbox->end = 0;
}

void runport_outbox_free(struct runport_outbox *outbox)
{
	free(outbox->bytes);
	*outbox = (struct runport_outbox){0};
}

/* --- numbers */

void runport_store_size(uint8_t out[4], uint16_t rows, uint16_t columns)
{
	put_u32(out, rows | (uint32_t)columns << 16);
}

void runport_load_size(const uint8_t in[4], uint16_t *rows, uint16_t *columns)
{
	uint32_t both = get_u32(in);
	*rows = (uint16_t)both;
	*columns = (uint16_t)(both >> 16);
}
