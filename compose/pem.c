#include "pem.h"

#include <string.h>

#include <bearssl.h>

static void collect(void *context, const void *data, size_t size_bytes)
{
	struct pem_object *out = context;
	if (size_bytes > sizeof out->der - out->size_bytes) {
		out->too_large = true;
		return;
	}
	memcpy(out->der + out->size_bytes, data, size_bytes);
	out->size_bytes += size_bytes;
}

/* A line may end in CR LF (RFC 7468), but the decoder would take the CR of a BEGIN line for the end
 * of the object's name, and with it the dashes before it. */
static bool is_line_end(const uint8_t *text, size_t size_bytes)
{
	return text[0] == '\r' && (size_bytes == 1 || text[1] == '\n');
}

/* How many bytes were taken. */
static size_t push(br_pem_decoder_context *decoder, const uint8_t *text, size_t size_bytes)
{
	size_t length = 0;
	while (length < size_bytes && !is_line_end(text + length, size_bytes - length))
		length++;
	return length == 0 ? 1 : br_pem_decoder_push(decoder, text, length);
}

bool pem_find(const uint8_t *text, size_t size_bytes, bool (*wanted)(const char *name),
	struct pem_object *out)
{
	br_pem_decoder_context decoder;
	bool found = false, taking = false;
	br_pem_decoder_init(&decoder);
	br_pem_decoder_setdest(&decoder, NULL, NULL);
	/* The decoder sees a line when it has ended: the newline behind the text is for a last line
	 * without one. */
	for (size_t at = 0; at <= size_bytes && !found;) {
		const uint8_t *from = at < size_bytes ? text + at : (const uint8_t *)"\n";
		at += push(&decoder, from, at < size_bytes ? size_bytes - at : 1);
		switch (br_pem_decoder_event(&decoder)) {
		case BR_PEM_BEGIN_OBJ:
			taking = wanted(br_pem_decoder_name(&decoder)) &&
				 strlen(br_pem_decoder_name(&decoder)) < sizeof out->name;
			if (taking) {
				*out = (struct pem_object){0};
				strcpy(out->name, br_pem_decoder_name(&decoder));
			}
			br_pem_decoder_setdest(&decoder, taking ? collect : NULL, out);
			break;
		case BR_PEM_END_OBJ:
			found = taking && !out->too_large;
			break;
		case BR_PEM_ERROR:
			at = size_bytes + 1;
			break;
		default:
			break;
		}
	}
	explicit_bzero(&decoder, sizeof decoder);
	return found;
}
