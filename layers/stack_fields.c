#include "stack_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_LENGTH = 40 }; /* of a value in a message */

static int shown(size_t length)
{
	return length < SHOWN_LENGTH ? (int)length : SHOWN_LENGTH;
}

static int refuse(const char *text, size_t length, const char *wanted, struct error *e)
{
	return error_set(e, ERROR_FORMAT, 0, "`%.*s` is not %s", shown(length), text, wanted);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_alphanumeric(char c)
{
	return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z');
}

static void store_text(const char *text, size_t length, void *out)
{
	memcpy(out, text, length);
	((char *)out)[length] = '\0';
}

/* Every text lies in an array of max + 1 characters, or has its NUL earlier. */
static void format_text(const struct field *field, const void *in, char out[FIELD_VALUE_SIZE])
{
	store_text(in, strnlen(in, (size_t)field->max + 1), out);
}

bool stack_name_is_valid(const char *name, size_t length)
{
	if (length == 0 || length >= STACK_NAME_SIZE || !(is_lower(name[0]) || is_digit(name[0])))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!is_lower(name[i]) && !is_digit(name[i]) && memchr("._-", name[i], 3) == NULL)
			return false;
	}
	return true;
}

static int decode_name(
	const struct field *field, const char *text, size_t length, void *out, struct error *e)
{
	(void)field;
	if (!stack_name_is_valid(text, length))
		return refuse(text, length, "a name: [a-z0-9][a-z0-9._-]{0,62}", e);
	store_text(text, length, out);
	return 0;
}

static const struct field_type name_type = {decode_name, format_text};

static int decode_word(
	const struct field *field, const char *text, size_t length, void *out, struct error *e)
{
	bool good = length >= 1 && length <= field->max;
	for (size_t i = 0; good && i < length; i++)
		good = is_alphanumeric(text[i]) || memchr("._+~-", text[i], 5) != NULL;
	if (!good)
		return refuse(text, length, "a word: [A-Za-z0-9._+~-]{1,64}", e);
	store_text(text, length, out);
	return 0;
}

static const struct field_type word_type = {decode_word, format_text};

static int decode_number(
	const struct field *field, const char *text, size_t length, void *out, struct error *e)
{
	bool negative = length > 1 && text[0] == '-';
	const char *digits = text + negative;
	size_t count = length - negative;
	if (count == 0 || (digits[0] == '0' && count > 1))
		return refuse(text, length, "a decimal number without leading zeros", e);
	uint64_t value = 0;
	bool overflow = false;
	for (size_t i = 0; i < count; i++) {
		if (!is_digit(digits[i]))
			return refuse(text, length, "a decimal number", e);
		overflow |= __builtin_mul_overflow(value, 10u, &value);
		overflow |= __builtin_add_overflow(value, (unsigned)(digits[i] - '0'), &value);
	}
	if (negative || overflow || value < field->min || value > field->max)
		return error_set(e, ERROR_LIMIT, 0, "%.*s is not within %" PRIu64 "..%" PRIu64,
			shown(length), text, field->min, field->max);
	memcpy(out, &value, sizeof value);
	return 0;
}

/* One that may be left out is 0 then. */
static void format_number(const struct field *field, const void *in, char out[FIELD_VALUE_SIZE])
{
	uint64_t value;
	memcpy(&value, in, sizeof value);
	out[0] = '\0';
	if (value != 0 || !field->optional)
		(void)snprintf(out, FIELD_VALUE_SIZE, "%" PRIu64, value);
}

static const struct field_type number_type = {decode_number, format_number};

static int decode_digest(
	const struct field *field, const char *text, size_t length, void *out, struct error *e)
{
	(void)field;
	if (!digest_parse(text, length, out))
		return refuse(text, length, "`sha256:` and 64 lower-case hex digits", e);
	return 0;
}

static void format_digest(const struct field *field, const void *in, char out[FIELD_VALUE_SIZE])
{
	(void)field;
	digest_format(in, out);
}

static const struct field_type digest_type = {decode_digest, format_digest};

/* A choice is stored in its enum. */
_Static_assert(sizeof(enum media) == sizeof(unsigned) && sizeof(enum upper) == sizeof(unsigned) &&
		       sizeof(enum user_xattrs) == sizeof(unsigned) &&
		       sizeof(enum upper_change) == sizeof(unsigned) &&
		       sizeof(enum on_failure) == sizeof(unsigned),
	"enums are stored as unsigned");

static int decode_choice(
	const struct field *field, const char *text, size_t length, void *out, struct error *e)
{
	for (unsigned i = 0; i < field->max; i++) {
		if (strlen(field->names[i]) == length &&
			memcmp(field->names[i], text, length) == 0) {
			memcpy(out, &i, sizeof i);
			return 0;
		}
	}
	return refuse(text, length, "one of the words that may stand here", e);
}

static void format_choice(const struct field *field, const void *in, char out[FIELD_VALUE_SIZE])
{
	unsigned value;
	memcpy(&value, in, sizeof value);
	(void)snprintf(out, FIELD_VALUE_SIZE, "%s", value < field->max ? field->names[value] : "?");
}

static const struct field_type choice_type = {decode_choice, format_choice};

/* "2026-11-23T15:06:12Z": the pattern's digits stand for any digit. */
static bool matches_time(const char *text)
{
	static const char pattern[] = "0000-00-00T00:00:00Z";
	for (size_t i = 0; i < sizeof pattern - 1; i++) {
		if (pattern[i] == '0' ? !is_digit(text[i]) : text[i] != pattern[i])
			return false;
	}
	return true;
}

static unsigned two_digits(const char *text)
{
	return (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
}

static unsigned days_of_month(unsigned year, unsigned month)
{
	static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static int decode_time(
	const struct field *field, const char *text, size_t length, void *out, struct error *e)
{
	if (length != field->max || !matches_time(text))
		return refuse(text, length, "a time such as 2026-11-23T15:06:12Z", e);
	unsigned year = two_digits(text) * 100 + two_digits(text + 2), month = two_digits(text + 5);
	unsigned day = two_digits(text + 8);
	/* No leap seconds: a clock that has them is not what makes this line. */
	if (month < 1 || month > 12 || day < 1 || day > days_of_month(year, month) ||
		two_digits(text + 11) > 23 || two_digits(text + 14) > 59 ||
		two_digits(text + 17) > 59)
		return refuse(text, length, "a time that exists", e);
	store_text(text, length, out);
	return 0;
}

static const struct field_type time_type = {decode_time, format_text};

/* One component of a path, without its slashes. */
static bool is_component(const char *text, size_t length)
{
	if (length == 0 || (length == 1 && text[0] == '.') ||
		(length == 2 && memcmp(text, "..", 2) == 0))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	}
	return true;
}

/* None is so long (`max`) that a part of it could be over LIMIT_COMPONENT_BYTES. */
static int decode_path(
	const struct field *field, const char *text, size_t length, void *out, struct error *e)
{
	static const char wanted[] = "an absolute path without empty, `.` and `..` parts";
	if (length > field->max)
		return error_set(e, ERROR_LIMIT, 0, "a path over %" PRIu64 " bytes", field->max);
	if (length < 2 || text[0] != '/' || text[length - 1] == ' ')
		return refuse(text, length, wanted, e);
	for (size_t at = 1; at <= length;) {
		const char *slash = memchr(text + at, '/', length - at);
		size_t part = slash != NULL ? (size_t)(slash - (text + at)) : length - at;
		if (!is_component(text + at, part))
			return refuse(text, length, wanted, e);
		at += part + 1;
	}
	store_text(text, length, out);
	return 0;
}

static const struct field_type path_type = {decode_path, format_text};

/* By suid + 2 * dev. */
static const char *const persist_options[] = {"", ":suid", ":dev", ":suid,dev"};
enum { PERSIST_OPTIONS = sizeof persist_options / sizeof *persist_options };

static int decode_persist(
	const struct field *field, const char *text, size_t length, void *out, struct error *e)
{
	struct persist_path persist = {.suid = false};
	const char *colon = memchr(text, ':', length);
	size_t path_length = colon != NULL ? (size_t)(colon - text) : length;
	size_t rest = length - path_length;
	unsigned i = 0;
	while (i < PERSIST_OPTIONS &&
		(strlen(persist_options[i]) != rest ||
			memcmp(persist_options[i], text + path_length, rest) != 0))
		i++;
	if (i == PERSIST_OPTIONS)
		return refuse(text + path_length, rest, "`:suid`, `:dev` or `:suid,dev`", e);
	if (decode_path(field, text, path_length, persist.path, e) != 0)
		return -1;
	persist.suid = (i & 1) != 0;
	persist.dev = (i & 2) != 0;
	memcpy(out, &persist, sizeof persist);
	return 0;
}

static void format_persist(const struct field *field, const void *in, char out[FIELD_VALUE_SIZE])
{
	const struct persist_path *persist = in;
	format_text(field, persist->path, out);
	(void)strcat(out, persist_options[(persist->suid ? 1 : 0) + (persist->dev ? 2 : 0)]);
}

static const struct field_type persist_type = {decode_persist, format_persist};

const char *const media_names[MEDIA_TYPES] = {
	[MEDIA_TAR] = "application/vnd.oci.image.layer.v1.tar",
	[MEDIA_TAR_GZIP] = "application/vnd.oci.image.layer.v1.tar+gzip",
	[MEDIA_TAR_ZSTD] = "application/vnd.oci.image.layer.v1.tar+zstd",
};

static const char *const user_xattrs_names[USER_XATTRS_KINDS] = {
	[USER_XATTRS_NONE] = "none",
	[USER_XATTRS_REQUIRED] = "required",
	[USER_XATTRS_OPTIONAL] = "optional",
};

const char *const upper_names[UPPER_KINDS] = {
	[UPPER_PERSISTENT] = "persistent",
	[UPPER_VOLATILE] = "volatile",
	[UPPER_NONE] = "none",
};

/* "keep" is said by saying nothing: there is one way to write anything. */
const char *const upper_change_names[UPPER_CHANGES] = {
	[UPPER_CHANGE_KEEP] = "",
	[UPPER_CHANGE_FRESH] = "fresh",
	[UPPER_CHANGE_REFUSE] = "refuse",
};

const char *const on_failure_names[ON_FAILURE_KINDS] = {
	[ON_FAILURE_HALT] = "halt",
	[ON_FAILURE_REBOOT] = "reboot",
	[ON_FAILURE_SHELL] = "shell",
};

/* clang-format off: one line a key, in the order of the file */
#define AT(member) .offset = offsetof(struct stack, member)
const struct field stack_head[HEAD_FIELDS] = {
	{.key = "name", .type = &name_type, AT(name), .max = STACK_NAME_SIZE - 1},
	{.key = "version", .type = &number_type, AT(version), .min = 1, .max = INT64_MAX},
	{.key = "floor", .type = &number_type, AT(floor), .max = INT64_MAX},
	{.key = "created", .type = &time_type, AT(created), .max = STACK_CREATED_SIZE - 1},
	{.key = "architecture", .type = &word_type, AT(architecture), .max = STACK_TEXT_SIZE - 1},
	{.key = "kernel",
		.type = &word_type,
		AT(kernel),
		.max = STACK_TEXT_SIZE - 1,
		.optional = true},
};
const struct field stack_upper = {
	.key = "upper", .type = &choice_type, AT(upper), .max = UPPER_KINDS, .names = upper_names};
const struct field stack_upper_options[UPPER_OPTIONS] = {
	{.key = "upper-change",
		.type = &choice_type,
		AT(upper_change),
		.max = UPPER_CHANGES,
		.names = upper_change_names,
		.optional = true},
	{.key = "upper-size",
		.type = &number_type,
		AT(upper_bytes),
		.min = 1024 * 1024,
		.max = INT64_MAX,
		.optional = true},
};
const struct field stack_persist = {
	.key = "persist", .type = &persist_type, .max = STACK_PERSIST_SIZE - 1};
const struct field stack_tail[TAIL_FIELDS] = {
	{.key = "init", .type = &path_type, AT(init), .max = sizeof((struct stack *)0)->init - 1},
	{.key = "on-failure",
		.type = &choice_type,
		AT(on_failure),
		.max = ON_FAILURE_KINDS,
		.names = on_failure_names},
};
#undef AT

#define AT(member) .offset = offsetof(struct layer_record, member)
const struct field stack_layer[LAYER_FIELDS] = {
	{.key = "layer", .type = &digest_type, AT(digest)},
	{.key = "media-type",
		.type = &choice_type,
		AT(media),
		.max = MEDIA_TYPES,
		.names = media_names},
	{.key = "stored",
		.type = &number_type,
		AT(stored_bytes),
		.min = 1,
		.max = LIMIT_LAYER_STORED_BYTES},
	{.key = "unpacked",
		.type = &number_type,
		AT(unpacked_bytes),
		.max = LIMIT_LAYER_UNPACKED_BYTES},
	{.key = "entries", .type = &number_type, AT(entries), .max = LIMIT_LAYER_ENTRIES},
	{.key = "largest-piece",
		.type = &number_type,
		AT(largest_piece_bytes),
		.min = 1,
		.max = LIMIT_PIECE_BYTES},
	{.key = "user-xattrs",
		.type = &choice_type,
		AT(user_xattrs),
		.max = USER_XATTRS_KINDS,
		.names = user_xattrs_names},
	{.key = "pieces", .type = &digest_type, AT(pieces)},
};
#undef AT
/* clang-format on */
