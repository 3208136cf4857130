#include "kconfig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "../layers/scope.h"

enum { MAX_TEXT_BYTES = 8 * 1024 * 1024 };

void kconfig_value(const char *config, const char *option, char out[KCONFIG_VALUE_SIZE])
{
	size_t length = strlen(option);
	(void)snprintf(out, KCONFIG_VALUE_SIZE, "n");
	for (const char *line = config; *line != '\0';) {
		size_t line_length = strcspn(line, "\n");
		if (line_length > length && line[length] == '=' &&
			strncmp(line, option, length) == 0)
			(void)snprintf(out, KCONFIG_VALUE_SIZE, "%.*s",
				(int)(line_length - length - 1 < KCONFIG_VALUE_SIZE
						? line_length - length - 1
						: KCONFIG_VALUE_SIZE - 1),
				line + length + 1);
		line += line_length;
		line += *line == '\n';
	}
}

static bool accepts(const char *accepted, const char *value)
{
	size_t length = strlen(value);
	for (const char *word = accepted; *word != '\0';) {
		size_t word_length = strcspn(word, "|");
		if (word_length == length && strncmp(word, value, length) == 0)
			return true;
		word += word_length;
		word += *word == '|';
	}
	return false;
}

/* Comments are the reason for the options below them, up to an empty line. */
static void take_reason(const char *line, size_t length, bool goes_on, char *reason)
{
	size_t used = goes_on ? strlen(reason) : 0;
	const char *text = length > 2 ? line + 2 : "";
	(void)snprintf(reason + used, KCONFIG_REASON_SIZE - used, "%s%.*s", used > 0 ? " " : "",
		length > 2 ? (int)(length - 2) : 0, text);
}

static bool take_option(
	const char *line, size_t length, const char *reason, struct kconfig_option *out)
{
	const char *equals = memchr(line, '=', length);
	if (strncmp(line, "CONFIG_", 7) != 0 || equals == NULL)
		return false;
	size_t name = (size_t)(equals - line), value = length - name - 1;
	if (name >= KCONFIG_NAME_SIZE || value == 0 || value >= KCONFIG_VALUE_SIZE)
		return false;
	*out = (struct kconfig_option){.wanted = line[length - 1] == '?'};
	memcpy(out->name, line, name);
	memcpy(out->accepted, equals + 1, value - out->wanted);
	(void)snprintf(out->reason, sizeof out->reason, "%s", reason);
	return true;
}

static bool is_config(const char *text)
{
	for (const char *line = text; *line != '\0';) {
		if (strncmp(line, "CONFIG_", 7) == 0 && line[strcspn(line, "=\n")] == '=')
			return true;
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return false;
}

int kconfig_compare(const char *config, const char *required,
	void (*see)(void *context, const struct kconfig_option *option), void *context,
	struct error *e)
{
	char reason[KCONFIG_REASON_SIZE] = "";
	bool in_reason = false;
	size_t count = 0;
	if (!is_config(config))
		return error_set(e, ERROR_FORMAT, 0, "it is no kernel configuration");
	for (const char *line = required; *line != '\0';) {
		size_t length = strcspn(line, "\n");
		struct kconfig_option option;
		if (length == 0 || line[0] == '#') {
			take_reason(line, length, in_reason, reason);
			in_reason = length > 0;
		} else if (!take_option(line, length, reason, &option)) {
			return error_set(e, ERROR_FORMAT, 0, "no option: %.*s", (int)length, line);
		} else {
			in_reason = false;
			kconfig_value(config, option.name, option.has);
			option.good = accepts(option.accepted, option.has);
			see(context, &option);
			count++;
		}
		line += length;
		line += *line == '\n';
	}
	return count > 0 ? 0 : error_set(e, ERROR_FORMAT, 0, "nothing is required");
}

/* --- where it is */

static int gunzip(const uint8_t *bytes, size_t size_bytes, char **out, struct error *e)
{
	SCOPED_FREE char *text = malloc(MAX_TEXT_BYTES + 1);
	z_stream stream = {.next_in = (uint8_t *)(uintptr_t)bytes,
		.avail_in = size_bytes > UINT32_MAX ? UINT32_MAX : (uInt)size_bytes,
		.avail_out = MAX_TEXT_BYTES};
	if (text == NULL || inflateInit2(&stream, 15 + 16) != Z_OK)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	stream.next_out = (uint8_t *)text;
	int status = inflate(&stream, Z_FINISH);
	size_t got = stream.total_out;
	(void)inflateEnd(&stream);
	if (status != Z_STREAM_END)
		return got == MAX_TEXT_BYTES
			       ? error_set(e, ERROR_LIMIT, 0, "over %d bytes", MAX_TEXT_BYTES)
			       : error_set(e, ERROR_STREAM, 0, "its gzip is damaged or cut");
	text[got] = '\0';
	*out = SCOPE_TAKE(text);
	return 0;
}

int kconfig_text(const uint8_t *bytes, size_t size_bytes, char **out, struct error *e)
{
	if (size_bytes > 2 && bytes[0] == 0x1f && bytes[1] == 0x8b)
		return gunzip(bytes, size_bytes, out, e);
	/* kernel/configs.c: the mark, and a gzip directly behind it. */
	const uint8_t *mark = memmem(bytes, size_bytes, "IKCFG_ST\x1f\x8b", 10);
	if (mark != NULL)
		return gunzip(mark + 8, size_bytes - (size_t)(mark + 8 - bytes), out, e);
	if (memchr(bytes, '\0', size_bytes) != NULL || size_bytes > MAX_TEXT_BYTES)
		return error_set(e, ERROR_MISSING, 0, "no configuration is in it");
	char *text = strndup((const char *)bytes, size_bytes);
	if (text == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	*out = text;
	return 0;
}

bool kconfig_release(const uint8_t *bytes, size_t size_bytes, char *out, size_t out_size)
{
	if (size_bytes < 0x210 || memcmp(bytes + 0x202, "HdrS", 4) != 0)
		return false;
	size_t at = 0x200u + bytes[0x20e] + ((size_t)bytes[0x20f] << 8), length = 0;
	while (at + length < size_bytes && length < out_size && bytes[at + length] > ' ' &&
		bytes[at + length] < 127)
		length++;
	if (at == 0x200 || length == 0 || length == out_size || at + length >= size_bytes ||
		bytes[at + length] != ' ')
		return false;
	memcpy(out, bytes + at, length);
	out[length] = '\0';
	return true;
}
