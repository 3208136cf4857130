/* layers/stack*.c: stack files and layer records, one way to write anything. */
#include <stdlib.h>

#include "stack.h"
#include "errors.h"
#include "random.h"

#define DIGEST_1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define DIGEST_2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define OCI_TAR "application/vnd.oci.image.layer.v1.tar"
#define HEAD                                                                                       \
	"plyboot stack 1\nname demo\nversion 7\nfloor 3\ncreated 2026-11-23T15:06:12Z\n"           \
	"architecture x86_64\n"
#define LAYER                                                                                      \
	"layer " DIGEST_1 "\nmedia-type " OCI_TAR "+zstd\nstored 123456\nunpacked 345678\n"        \
	"entries 1200\nlargest-piece 65536\nuser-xattrs none\npieces " DIGEST_2 "\n"
#define TAIL "init /sbin/init\non-failure halt\n---\n"
#define BASE                                                                                       \
	HEAD "kernel 6.1.0-40-cloud-amd64\n" LAYER "upper volatile\npersist /var/a\n"              \
	     "persist /var/b\n" TAIL

static struct verified *vouch(const char *text, size_t length)
{
	struct verified *verified;
	if (verified_trust(text, length, &verified, NULL) != 0)
		abort();
	return verified;
}

static int decode(const char *text, size_t length, struct stack *out, struct error *e)
{
	struct verified *verified = vouch(text, length);
	int result = stack_decode(verified, out, e);
	verified_free(verified);
	return result;
}

/* Exactly this error, and nothing is written. `where`, if not NULL, is in the message. */
static void refuses_bytes(
	const char *text, size_t length, enum error_code code, const char *where, const char *name)
{
	struct stack stack;
	struct error e;
	memset(&stack, UNTOUCHED, sizeof stack);
	int result = decode(text, length, &stack, &e);
	if (!error_is(result, &e, code, "%s", name))
		return;
	ok(is_untouched(&stack, sizeof stack), "... nothing is written");
	if (where != NULL &&
		!ok(strstr(e.text, where) != NULL, "... the message names \"%s\"", where))
		printf("# %s\n", e.text);
}

static void refuses(const char *text, enum error_code code, const char *where, const char *name)
{
	refuses_bytes(text, strlen(text), code, where, name);
}

static bool decodes_and_encodes(const char *text)
{
	struct stack stack;
	struct error e;
	char *again = NULL;
	size_t size = 0;
	if (decode(text, strlen(text), &stack, &e) != 0) {
		printf("# %s: %s\n", error_code_name(e.code), e.text);
		return false;
	}
	bool same = stack_encode(&stack, &again, &size, &e) == 0 && size == strlen(text) &&
		    strcmp(again, text) == 0;
	free(again);
	stack_free(&stack);
	return same;
}

/* BASE with the first `from` in it replaced; caller frees. */
static char *changed(const char *from, const char *to)
{
	const char *at = strstr(BASE, from);
	char *text = malloc(sizeof BASE + strlen(to));
	if (at == NULL || text == NULL)
		abort();
	size_t before = (size_t)(at - BASE);
	memcpy(text, BASE, before);
	strcpy(text + before, to);
	strcat(text, at + strlen(from));
	return text;
}

static void a_good_stack_is_read(void)
{
	struct stack stack;
	struct error e;
	is_int(decode(BASE, strlen(BASE), &stack, &e), 0, "the example is read");
	is_str(stack.name, "demo", "name");
	is_int((long long)stack.version, 7, "version");
	is_int((long long)stack.floor, 3, "floor");
	is_str(stack.created, "2026-11-23T15:06:12Z", "created");
	is_str(stack.architecture, "x86_64", "architecture");
	is_str(stack.kernel, "6.1.0-40-cloud-amd64", "kernel");
	is_int((long long)stack.layer_count, 1, "layers");
	is_int(stack.layers[0].media, MEDIA_TAR_ZSTD, "media type");
	is_int((long long)stack.layers[0].stored_bytes, 123456, "stored");
	is_int((long long)stack.layers[0].unpacked_bytes, 345678, "unpacked");
	is_int((long long)stack.layers[0].entries, 1200, "entries");
	is_int((long long)stack.layers[0].largest_piece_bytes, 65536, "largest piece");
	is_int(stack.layers[0].user_xattrs, USER_XATTRS_NONE, "user xattrs");
	ok(stack.layers[0].digest.bytes[0] == 0x11 && stack.layers[0].pieces.bytes[31] == 0x22,
		"digests");
	is_int(stack.upper, UPPER_VOLATILE, "upper");
	is_int((long long)stack.persist_count, 2, "persistent paths");
	is_str(stack.persist[1].path, "/var/b", "the second one");
	ok(!stack.persist[1].suid && !stack.persist[1].dev, "... nosuid and nodev");
	is_str(stack.init, "/sbin/init", "init");
	is_int(stack.on_failure, ON_FAILURE_HALT, "on failure");
	char name[STACK_FILE_NAME_SIZE];
	stack_file_name(&stack, name);
	is_str(name, "demo-7.stack", "its file's name");
	stack_free(&stack);
	is_int((long long)stack.layer_count, 0, "nothing is left when it is freed");
}

struct change {
	const char *from, *to;
};

static void other_values_are_read(void)
{
	static const struct change rows[] = {{"kernel 6.1.0-40-cloud-amd64\n", ""},
		{"floor 3", "floor 0"}, {"floor 3", "floor 7"},
		{"version 7", "version 9223372036854775807"}, {"name demo", "name 0"},
		{"name demo",
			"name a.b_c-d89012345678901234567890123456789012345678901234567890123"},
		{"created 2026-11-23T15:06:12Z", "created 2024-02-29T23:59:59Z"},
		{"created 2026-11-23T15:06:12Z", "created 2000-02-29T00:00:00Z"},
		{"created 2026-11-23T15:06:12Z", "created 1970-01-01T00:00:00Z"},
		{"architecture x86_64", "architecture aarch64"}, {"v1.tar+zstd", "v1.tar+gzip"},
		{"v1.tar+zstd", "v1.tar"}, {"stored 123456", "stored 68719476736"},
		{"unpacked 345678", "unpacked 0"}, {"entries 1200", "entries 0"},
		{"entries 1200", "entries 4000000"},
		{"largest-piece 65536", "largest-piece 16777216"},
		{"user-xattrs none", "user-xattrs required"},
		{"user-xattrs none", "user-xattrs optional"},
		{"persist /var/a\npersist /var/b\n", ""}, {"upper volatile", "upper persistent"},
		{"upper volatile", "upper none"},
		{"upper volatile\npersist /var/a\npersist /var/b", "upper persistent"},
		{"upper volatile\npersist /var/a\npersist /var/b", "upper none"},
		{"upper volatile\n", "upper volatile\nupper-size 1048576\n"},
		{"upper volatile\n", "upper volatile\nupper-size 9223372036854775807\n"},
		{"upper volatile\n", "upper persistent\nupper-change fresh\n"},
		{"upper volatile\n", "upper persistent\nupper-change refuse\n"},
		{"persist /var/a\n", "persist /etc\n"}, {"persist /var/a\n", "persist /var/a b\n"},
		{"persist /var/a\n", "persist /runner\n"},
		{"persist /var/a\n", "persist /var/a\npersist /var/a-b\n"},
		{"persist /var/a\n", "persist /var/a:suid\n"},
		{"persist /var/a\n", "persist /var/a:dev\n"},
		{"persist /var/b\n", "persist /var/b:suid,dev\n"},
		{"init /sbin/init", "init /a b/...c/..d/.e"},
		{"on-failure halt", "on-failure reboot"}, {"on-failure halt", "on-failure shell"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *text = changed(rows[i].from, rows[i].to);
		ok(decodes_and_encodes(text), "good: %s",
			rows[i].to[0] != '\0' ? rows[i].to : rows[i].from);
		free(text);
	}
}

static void bad_bytes_are_refused(void)
{
	refuses("", ERROR_FORMAT, NULL, "empty");
	refuses("p", ERROR_FORMAT, "line 1", "1 byte");
	refuses("\n", ERROR_FORMAT, "line 1", "1 byte, a line feed");
	refuses_bytes("\0", 1, ERROR_FORMAT, "line 1", "1 byte, NUL");
	refuses_bytes(BASE, sizeof BASE, ERROR_FORMAT, NULL, "NUL at the end");
	refuses("\xef\xbb\xbf" BASE, ERROR_FORMAT, "line 1", "BOM");
	refuses(BASE "\n", ERROR_FORMAT, "line 22", "trailing line feed");
	refuses(BASE "x", ERROR_FORMAT, "line 22", "trailing byte");
	refuses(BASE "uki x\n", ERROR_FORMAT, "line 22", "trailing line");
	refuses(BASE BASE, ERROR_FORMAT, "line 22", "a second stack");
	refuses(HEAD, ERROR_FORMAT, "line 7", "cut after the head");

	static const char added[] = {'\r', ' ', '\t', '\n', '\0', '\x7f', '\x80', '\v'};
	size_t cases = 0, wrong = 0;
	for (size_t at = 0; at < strlen(BASE); at++) {
		for (size_t i = 0; BASE[at] == '\n' && i < sizeof added; i++, cases++) {
			char text[sizeof BASE + 1];
			struct stack stack;
			struct error e;
			memcpy(text, BASE, at);
			text[at] = added[i];
			strcpy(text + at + 1, &BASE[at]);
			wrong += decode(text, strlen(BASE) + 1, &stack, &e) == 0 ||
				 e.code != ERROR_FORMAT;
		}
	}
	is_int((long long)wrong, 0,
		"CR, space, tab, NUL ... at each line's end: FORMAT in %zu cases", cases);
}

struct bad {
	enum error_code code;
	const char *from, *to, *where;
};

/* Each message names the line and the key. */
static void bad_values_are_refused(void)
{
	static const struct bad rows[] = {
		{ERROR_FORMAT, "plyboot stack 1", "plyboot stack 2", "line 1"},
		{ERROR_FORMAT, "plyboot stack 1", "plyboot pieces 1", "line 1"},
		{ERROR_FORMAT, "plyboot stack 1\n", "", "line 1"},
		{ERROR_FORMAT, "name demo", "name", "line 2: `name`"},
		{ERROR_FORMAT, "name demo", "name ", "line 2, name"},
		{ERROR_FORMAT, "name demo", "name  demo", "line 2, name"},
		{ERROR_FORMAT, "name demo", "name Demo", "line 2, name"},
		{ERROR_FORMAT, "name demo", "name -demo", "line 2, name"},
		{ERROR_FORMAT, "name demo", "name .demo", "line 2, name"},
		{ERROR_FORMAT, "name demo", "name de/mo", "line 2, name"},
		{ERROR_FORMAT, "name demo",
			"name a.b_c-d890123456789012345678901234567890123456789012345678901234",
			"line 2, name"},
		{ERROR_FORMAT, "version 7", "version 07", "line 3, version"},
		{ERROR_FORMAT, "version 7", "version ", "line 3, version"},
		{ERROR_FORMAT, "version 7", "version +1", "line 3, version"},
		{ERROR_FORMAT, "version 7", "version 0x7", "line 3, version"},
		{ERROR_FORMAT, "version 7", "version 7f", "line 3, version"},
		{ERROR_FORMAT, "version 7", "version 7.0", "line 3, version"},
		{ERROR_FORMAT, "version 7", "version  7", "line 3, version"},
		{ERROR_FORMAT, "version 7", "version -", "line 3, version"},
		{ERROR_FORMAT, "version 7", "version --7", "line 3, version"},
		{ERROR_FORMAT, "version 7", "version -07", "line 3, version"},
		{ERROR_LIMIT, "version 7", "version -7", "line 3, version"},
		{ERROR_LIMIT, "version 7", "version 0", "line 3, version"},
		{ERROR_LIMIT, "version 7", "version 9223372036854775808", "line 3, version"},
		{ERROR_LIMIT, "version 7", "version 18446744073709551615", "line 3, version"},
		{ERROR_LIMIT, "version 7", "version 18446744073709551616", "line 3, version"},
		{ERROR_LIMIT, "version 7", "version 18446744073709551623", "line 3, version"},
		{ERROR_LIMIT, "version 7", "version 184467440737095516160000000000000000000007",
			"line 3, version"},
		{ERROR_LIMIT, "floor 3", "floor 8", "line 4: floor 8"},
		{ERROR_LIMIT, "floor 3", "floor -1", "line 4, floor"},
		{ERROR_FORMAT, "floor 3", "floor 03", "line 4, floor"},
		{ERROR_FORMAT, "floor 3", "floor 00", "line 4, floor"},
		{ERROR_FORMAT, "floor 3\n", "", "line 4: `floor`"},
		{ERROR_FORMAT, "2026-11-23T15:06:12Z", "2026-11-23T15:06:12", "line 5, created"},
		{ERROR_FORMAT, "2026-11-23T15:06:12Z", "2026-11-23T15:06:12+00:00",
			"line 5, created"},
		{ERROR_FORMAT, "2026-11-23T15:06:12Z", "2026-11-23t15:06:12z", "line 5, created"},
		{ERROR_FORMAT, "2026-11-23T15:06:12Z", "2026-11-23 15:06:12Z", "line 5, created"},
		{ERROR_FORMAT, "2026-11-23T15:06:12Z", "2026-11-23T15:06:12.0Z", "line 5, created"},
		{ERROR_FORMAT, "2026-11-23T15:06:12Z", "2026-11-23T15:06:60Z", "line 5, created"},
		{ERROR_FORMAT, "2026-11-23T15:06:12Z", "2026-11-23T15:60:12Z", "line 5, created"},
		{ERROR_FORMAT, "2026-11-23T15:06:12Z", "2026-11-23T24:00:00Z", "line 5, created"},
		{ERROR_FORMAT, "2026-11-23T15:06:12Z", "2026-11-00T15:06:12Z", "line 5, created"},
		{ERROR_FORMAT, "2026-11-23T15:06:12Z", "2026-11-31T15:06:12Z", "line 5, created"},
		{ERROR_FORMAT, "2026-11-23T15:06:12Z", "2026-00-23T15:06:12Z", "line 5, created"},
		{ERROR_FORMAT, "2026-11-23T15:06:12Z", "2026-13-23T15:06:12Z", "line 5, created"},
		{ERROR_FORMAT, "2026-11-23T15:06:12Z", "2026-02-29T15:06:12Z", "line 5, created"},
		{ERROR_FORMAT, "2026-11-23T15:06:12Z", "2024-02-30T15:06:12Z", "line 5, created"},
		{ERROR_FORMAT, "2026-11-23T15:06:12Z", "1900-02-29T15:06:12Z", "line 5, created"},
		{ERROR_FORMAT, "2026-11-23T15:06:12Z", "2026-1a-23T15:06:12Z", "line 5, created"},
		{ERROR_FORMAT, "architecture x86_64", "architecture x86/64",
			"line 6, architecture"},
		{ERROR_FORMAT, "architecture x86_64",
			"architecture "
			"12345678901234567890123456789012345678901234567890123456789012345",
			"line 6, architecture"},
		{ERROR_FORMAT, "kernel 6.1.0-40-cloud-amd64", "kernel ", "line 7, kernel"},
		{ERROR_FORMAT, "kernel 6.1.0-40-cloud-amd64", "kernel", "line 7: `layer`"},
		{ERROR_FORMAT, "kernel 6.1.0-40-cloud-amd64", "kernel 6.1 x", "line 7, kernel"},
		{ERROR_FORMAT, DIGEST_1,
			"sha256:111111111111111111111111111111111111111111111111111111111111111a1",
			"line 8, layer"},
		{ERROR_FORMAT, DIGEST_1,
			"sha256:111111111111111111111111111111111111111111111111111111111111111",
			"line 8, layer"},
		{ERROR_FORMAT, DIGEST_1,
			"sha256:111111111111111111111111111111111111111111111111111111111111111A",
			"line 8, layer"},
		{ERROR_FORMAT, DIGEST_1,
			"sha512:1111111111111111111111111111111111111111111111111111111111111111",
			"line 8, layer"},
		{ERROR_FORMAT, "+zstd", "+xz", "line 9, media-type"},
		{ERROR_FORMAT, "+zstd", "+zst", "line 9, media-type"},
		{ERROR_FORMAT, "+zstd", "+zstdx", "line 9, media-type"},
		{ERROR_LIMIT, "stored 123456", "stored 0", "line 10, stored"},
		{ERROR_LIMIT, "stored 123456", "stored 68719476737", "line 10, stored"},
		{ERROR_LIMIT, "stored 123456", "stored -1", "line 10, stored"},
		{ERROR_LIMIT, "unpacked 345678", "unpacked 68719476737", "line 11, unpacked"},
		{ERROR_LIMIT, "entries 1200", "entries 4000001", "line 12, entries"},
		{ERROR_LIMIT, "largest-piece 65536", "largest-piece 0", "line 13, largest-piece"},
		{ERROR_LIMIT, "largest-piece 65536", "largest-piece 16777217",
			"line 13, largest-piece"},
		{ERROR_FORMAT, "user-xattrs none", "user-xattrs None", "line 14, user-xattrs"},
		{ERROR_FORMAT, "user-xattrs none", "user-xattrs no", "line 14, user-xattrs"},
		{ERROR_FORMAT, "pieces " DIGEST_2,
			"pieces "
			"sha256:222222222222222222222222222222222222222222222222222222222222222F",
			"line 15, pieces"},
		{ERROR_FORMAT, "upper volatile", "upper overlay", "line 16, upper"},
		{ERROR_FORMAT, "upper volatile\n", "upper volatile\nupper-change fresh\n",
			"line 17"},
		{ERROR_FORMAT, "upper volatile\n", "upper none\nupper-change fresh\n", "line 17"},
		{ERROR_FORMAT, "upper volatile\n", "upper persistent\nupper-size 1048576\n",
			"line 17"},
		{ERROR_FORMAT, "upper volatile\n", "upper persistent\nupper-change keep\n",
			"line 17, upper-change"},
		{ERROR_FORMAT, "upper volatile\npersist /var/a\npersist /var/b\n",
			"upper persistent\nupper-change \n", "canonical"},
		{ERROR_LIMIT, "upper volatile\n", "upper volatile\nupper-size 0\n",
			"line 17, upper-size"},
		{ERROR_LIMIT, "upper volatile\n", "upper volatile\nupper-size 1048575\n",
			"line 17, upper-size"},
		{ERROR_FORMAT, "upper volatile\n", "upper-size 1048576\nupper volatile\n",
			"line 16"},
		{ERROR_FORMAT, "persist /var/a\n", "persist /var/c\n", "line 18, persist"},
		{ERROR_FORMAT, "persist /var/a\n", "persist /var/b\n", "line 18, persist"},
		{ERROR_FORMAT, "persist /var/a\n", "persist var/a\n", "line 17, persist"},
		{ERROR_FORMAT, "persist /var/a\n", "persist /\n", "line 17, persist"},
		{ERROR_FORMAT, "persist /var/a\n", "persist /var/a \n", "line 17, persist"},
		{ERROR_FORMAT, "persist /var/a\n", "persist /var/a/\n", "line 17, persist"},
		{ERROR_FORMAT, "persist /var/a\n", "persist /var/../a\n", "line 17, persist"},
		{ERROR_FORMAT, "persist /var/a\n", "persist /var\n", "line 18, persist"},
		{ERROR_FORMAT, "persist /var/b\n", "persist /var/a-b\npersist /var/a/b\n",
			"line 19, persist"},
		{ERROR_FORMAT, "persist /var/a\n", "persist /dev\n", "line 17, persist"},
		{ERROR_FORMAT, "persist /var/a\n", "persist /proc/a\n", "line 17, persist"},
		{ERROR_FORMAT, "persist /var/a\n", "persist /run\n", "line 17, persist"},
		{ERROR_FORMAT, "persist /var/a\n", "persist /sys/a\n", "line 17, persist"},
		{ERROR_FORMAT, "persist /var/a\n", "persist /var/a:\n", "line 17, persist"},
		{ERROR_FORMAT, "persist /var/a\n", "persist /var/a:dev,suid\n", "line 17, persist"},
		{ERROR_FORMAT, "persist /var/a\n", "persist /var/a:suid,\n", "line 17, persist"},
		{ERROR_FORMAT, "persist /var/a\n", "persist /var/a:exec\n", "line 17, persist"},
		{ERROR_FORMAT, "persist /var/a\n", "persist /var/a:suid:dev\n", "line 17, persist"},
		{ERROR_FORMAT, "persist /var/a\n", "persist :suid\n", "line 17, persist"},
		{ERROR_FORMAT, "persist /var/b\n", "persist /var/a:suid\n", "line 18, persist"},
		{ERROR_FORMAT, "init /sbin/init", "init sbin/init", "line 19, init"},
		{ERROR_FORMAT, "init /sbin/init", "init /", "line 19, init"},
		{ERROR_FORMAT, "init /sbin/init", "init //sbin/init", "line 19, init"},
		{ERROR_FORMAT, "init /sbin/init", "init /sbin//init", "line 19, init"},
		{ERROR_FORMAT, "init /sbin/init", "init /sbin/init/", "line 19, init"},
		{ERROR_FORMAT, "init /sbin/init", "init /sbin/./init", "line 19, init"},
		{ERROR_FORMAT, "init /sbin/init", "init /sbin/../init", "line 19, init"},
		{ERROR_FORMAT, "init /sbin/init", "init /sbin/..", "line 19, init"},
		{ERROR_FORMAT, "init /sbin/init", "init /.", "line 19, init"},
		{ERROR_FORMAT, "on-failure halt", "on-failure panic", "line 20, on-failure"},
		{ERROR_FORMAT, "\n---\n", "\n", "line 21"},
		{ERROR_FORMAT, "\n---\n", "\n----\n", "line 21"},
		{ERROR_FORMAT, "\n---\n", "\n--- \n", "line 21"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *text = changed(rows[i].from, rows[i].to);
		refuses(text, rows[i].code, rows[i].where, rows[i].to);
		free(text);
	}
}

/* Each line left out, there twice, replaced by an unknown key, or after the next one. */
static void the_order_of_lines_is_fixed(void)
{
	size_t wrong = 0, cases = 0;
	for (const char *line = BASE; *line != '\0';) {
		size_t before = (size_t)(line - BASE), length = strcspn(line, "\n") + 1;
		const char *next = line + length;
		size_t next_length = *next != '\0' ? strcspn(next, "\n") + 1 : 0;
		bool may_lack = strncmp(line, "kernel", 6) == 0 || strncmp(line, "persist", 7) == 0;
		for (unsigned kind = 0; kind < 4; kind++) {
			char text[sizeof BASE + 128];
			struct stack stack;
			struct error e;
			memcpy(text, BASE, before);
			text[before] = '\0';
			if (kind == 1 || kind == 3)
				strncat(text, kind == 1 ? line : next,
					kind == 1 ? length : next_length);
			if (kind == 1 || kind == 3)
				strncat(text, line, length);
			if (kind == 2)
				strcat(text, "uki sha256:00\n");
			strcat(text, kind == 3 ? next + next_length : next);
			if ((kind == 0 && may_lack) || (kind == 3 && next_length == 0))
				continue;
			cases++;
			if (decode(text, strlen(text), &stack, &e) == 0) {
				stack_free(&stack);
				wrong++;
			} else {
				wrong += e.code != ERROR_FORMAT || strstr(e.text, "line ") == NULL;
			}
		}
		line = next;
	}
	is_int((long long)wrong, 0,
		"lines missing, duplicate, unknown, in the wrong order: FORMAT and a line, in %zu "
		"cases",
		cases);
}

/* HEAD, that many layers, and the rest; caller frees. */
static char *with_layers(size_t count)
{
	char *text = malloc(sizeof BASE + count * sizeof LAYER), *at = text;
	if (text == NULL)
		abort();
	at = stpcpy(at, HEAD);
	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, LAYER);
	strcpy(at, "upper none\n" TAIL);
	return text;
}

static char *with_persist(size_t count)
{
	char *text = malloc(sizeof BASE + count * 32), *at = text;
	if (text == NULL)
		abort();
	at = stpcpy(at, HEAD LAYER "upper volatile\n");
	for (size_t i = 0; i < count; i++)
		at += sprintf(at, "persist /var/%02zu\n", i);
	strcpy(at, TAIL);
	return text;
}

/* BASE with an init, or a first persistent path, of components of `part` bytes, `total` in all. */
static char *with_path(const char *from, const char *key, size_t part, size_t total)
{
	static char line[8192];
	size_t key_length = strlen(key);
	memcpy(line, key, key_length);
	for (size_t i = 0; i < total; i++)
		line[key_length + i] = i % (part + 1) == 0 ? '/' : 'a';
	line[key_length + total] = '\0';
	return changed(from, line);
}

static void limits_are_held(void)
{
	static const struct {
		char *(*make)(size_t count);
		size_t count;
		bool good;
		const char *where, *name;
	} rows[] = {{with_layers, 0, false, "line 7", "0 layers"},
		{with_layers, 1, true, "", "1 layer"}, {with_layers, 499, true, "", "499 layers"},
		{with_layers, 500, false, "line 3999, layer", "500 layers"},
		{with_persist, 32, true, "", "32 persistent paths"},
		{with_persist, 33, false, "line 48, persist", "33 persistent paths"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *text = rows[i].make(rows[i].count);
		if (rows[i].good)
			ok(decodes_and_encodes(text), "%s are good", rows[i].name);
		else
			refuses(text, ERROR_LIMIT, rows[i].where, rows[i].name);
		free(text);
	}
	static const struct {
		const char *from, *key;
		size_t part, total;
		bool good;
		const char *where, *name;
	} paths[] = {{"init /sbin/init", "init ", 100, 255, true, "", "an init of 255 bytes"},
		{"init /sbin/init", "init ", 100, 256, false, "line 19, init", "one of 256 bytes"},
		{"init /sbin/init", "init ", 254, 255, true, "", "a component of 254 bytes"},
		{"persist /var/a", "persist ", 100, 251, true, "", "a path of 251 bytes"},
		{"persist /var/a", "persist ", 100, 252, false, "line 17, persist",
			"one of 252 bytes"},
		{"persist /var/a", "persist ", 251, 252, false, "line 17, persist",
			"one of 252 bytes, a component"}};
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		char *text = with_path(paths[i].from, paths[i].key, paths[i].part, paths[i].total);
		if (paths[i].good)
			ok(decodes_and_encodes(text), "%s is good", paths[i].name);
		else
			refuses(text, ERROR_LIMIT, paths[i].where, paths[i].name);
		free(text);
	}
	char *large = malloc(LIMIT_STACK_FILE_BYTES + 1);
	if (large == NULL)
		abort();
	memset(large, '\n', LIMIT_STACK_FILE_BYTES + 1);
	refuses_bytes(large, LIMIT_STACK_FILE_BYTES, ERROR_FORMAT, NULL, "512 KiB of line feeds");
	refuses_bytes(large, LIMIT_STACK_FILE_BYTES + 1, ERROR_LIMIT, NULL, "one more");
	free(large);
}

/* A change may make another stack; but then it, too, is canonical. */
static void every_change_is_refused_or_canonical(void)
{
	char text[sizeof BASE];
	size_t wrong = 0, taken = 0, size = strlen(BASE);
	memcpy(text, BASE, sizeof BASE);
	for (size_t bit = 0; bit < size * 8; bit++) {
		struct stack stack;
		struct error e;
		text[bit / 8] ^= (char)(1u << bit % 8);
		if (decode(text, size, &stack, &e) == 0) {
			stack_free(&stack);
			wrong += !decodes_and_encodes(text);
			taken++;
		} else {
			wrong += e.code != ERROR_FORMAT && e.code != ERROR_LIMIT;
		}
		text[bit / 8] ^= (char)(1u << bit % 8);
	}
	is_int((long long)wrong, 0, "%zu flipped bits: %zu make another stack, the rest is refused",
		size * 8, taken);
	for (size_t cut = 0; cut < size; cut++) {
		struct stack stack;
		struct error e;
		wrong += decode(text, cut, &stack, &e) == 0 || e.code != ERROR_FORMAT;
	}
	is_int((long long)wrong, 0, "0 of %zu cuts are accepted", size);
}

static void random_text(uint64_t *seed, const char *alphabet, size_t most, char *out)
{
	size_t length = 1 + random_below(seed, most);
	for (size_t i = 0; i < length; i++)
		out[i] = alphabet[random_below(seed, strlen(alphabet))];
	out[length] = '\0';
}

static void random_record(uint64_t *seed, struct layer_record *out)
{
	random_fill(seed, &out->digest, sizeof out->digest);
	random_fill(seed, &out->pieces, sizeof out->pieces);
	out->media = (enum media)random_below(seed, MEDIA_TYPES);
	out->stored_bytes = 1 + random_below(seed, LIMIT_LAYER_STORED_BYTES);
	out->unpacked_bytes = random_below(seed, LIMIT_LAYER_UNPACKED_BYTES + 1);
	out->entries = random_below(seed, LIMIT_LAYER_ENTRIES + 1);
	out->largest_piece_bytes = 1 + random_below(seed, LIMIT_PIECE_BYTES);
	out->user_xattrs = (enum user_xattrs)random_below(seed, USER_XATTRS_KINDS);
}

/* All of it lies in static memory. */
static void random_stack(uint64_t *seed, struct stack *out)
{
	static struct layer_record layers[8];
	static struct persist_path persist[8];
	static const char word[] = "abcXYZ019._-+~";
	*out = (struct stack){.layers = layers, .persist = persist};
	random_text(seed, "abcxyz019", STACK_NAME_SIZE - 1, out->name);
	out->version = 1 + random_below(seed, INT64_MAX);
	out->floor = random_below(seed, out->version + 1);
	sprintf(out->created, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)random_below(seed, 10000),
		1 + (unsigned)random_below(seed, 12), 1 + (unsigned)random_below(seed, 28),
		(unsigned)random_below(seed, 24), (unsigned)random_below(seed, 60),
		(unsigned)random_below(seed, 60));
	random_text(seed, word, STACK_TEXT_SIZE - 1, out->architecture);
	if (random_below(seed, 2) == 1)
		random_text(seed, word, STACK_TEXT_SIZE - 1, out->kernel);
	out->layer_count = 1 + random_below(seed, 8);
	for (size_t i = 0; i < out->layer_count; i++)
		random_record(seed, &layers[i]);
	out->upper = (enum upper)random_below(seed, UPPER_KINDS);
	if (out->upper == UPPER_PERSISTENT)
		out->upper_change = (enum upper_change)random_below(seed, UPPER_CHANGES);
	if (out->upper == UPPER_VOLATILE && random_below(seed, 2) == 0)
		out->upper_bytes = 1048576 + random_below(seed, INT64_MAX - 1048576);
	out->persist_count = random_below(seed, 9);
	for (size_t i = 0; i < out->persist_count; i++) {
		char *path = persist[i].path;
		sprintf(path, "/%zu", i);
		random_text(seed, "ab /", 20, path + 2);
		for (char *at = path + 2; *at != '\0'; at++)
			*at = *at == '/' || (*at == ' ' && at[1] == '\0') ? 'c' : *at;
		persist[i].suid = random_below(seed, 2) == 1;
		persist[i].dev = random_below(seed, 2) == 1;
	}
	strcpy(out->init, "/sbin/");
	random_text(seed, word + 3, 200, out->init + 6);
	if (strspn(out->init + 6, ".") == strlen(out->init + 6))
		out->init[6] = 'x';
	out->on_failure = (enum on_failure)random_below(seed, ON_FAILURE_KINDS);
}

static void random_stacks_make_the_round_trip(void)
{
	uint64_t seed = 3;
	size_t good = 0, same = 0;
	for (unsigned i = 0; i < 2000; i++) {
		struct stack stack, back;
		struct error e;
		char *text;
		size_t size;
		random_stack(&seed, &stack);
		if (stack_encode(&stack, &text, &size, &e) != 0) {
			printf("# %s\n", e.text);
			continue;
		}
		good += decodes_and_encodes(text);
		if (decode(text, size, &back, &e) == 0) {
			same += strcmp(back.name, stack.name) == 0 &&
				back.version == stack.version && back.floor == stack.floor &&
				strcmp(back.init, stack.init) == 0 &&
				back.layer_count == stack.layer_count &&
				back.upper == stack.upper &&
				back.upper_change == stack.upper_change &&
				back.upper_bytes == stack.upper_bytes &&
				back.persist_count == stack.persist_count &&
				(back.persist_count == 0 ||
					(strcmp(back.persist[0].path, stack.persist[0].path) == 0 &&
						back.persist[0].suid == stack.persist[0].suid &&
						back.persist[0].dev == stack.persist[0].dev));
			stack_free(&back);
		}
		free(text);
	}
	is_int((long long)good, 2000, "2000 random stacks: encode, decode, encode");
	is_int((long long)same, 2000, "their values come back");
}

static void encoding_refuses(const struct stack *stack, enum error_code code, const char *name)
{
	char *text = NULL;
	size_t size = 99;
	struct error e;
	int result = stack_encode(stack, &text, &size, &e);
	error_is(result, &e, code, "encoding refuses %s", name);
	ok(text == NULL && size == 99, "... and writes nothing");
	if (result == 0)
		free(text);
}

static void what_cannot_be_read_is_not_written(void)
{
	struct stack good, stack;
	struct error e;
	struct layer_record bad_layer;
	struct persist_path paths[] = {{.path = "/var/b"}, {.path = "/var/a"}};
	if (decode(BASE, strlen(BASE), &good, &e) != 0)
		abort();
#define REFUSES(change, code, name)                                                                \
	do {                                                                                       \
		stack = good;                                                                      \
		change;                                                                            \
		encoding_refuses(&stack, code, name);                                              \
	} while (0)
	REFUSES(strcpy(stack.name, "a\nversion 9"), ERROR_FORMAT, "a line feed in a name");
	REFUSES(memset(stack.name, 'a', sizeof stack.name), ERROR_FORMAT, "a name without NUL");
	REFUSES(stack.name[0] = '\0', ERROR_FORMAT, "no name");
	REFUSES(stack.version = 0, ERROR_LIMIT, "version 0");
	REFUSES(stack.version = UINT64_MAX, ERROR_LIMIT, "version 2^64-1");
	REFUSES(stack.floor = 8, ERROR_LIMIT, "a floor above the version");
	REFUSES(stack.created[0] = '\0', ERROR_FORMAT, "no time");
	REFUSES(memset(stack.created, '0', sizeof stack.created), ERROR_FORMAT,
		"a time without NUL");
	REFUSES(stack.architecture[0] = '\0', ERROR_FORMAT, "no architecture");
	REFUSES(strcpy(stack.kernel, " "), ERROR_FORMAT, "a kernel of one space");
	REFUSES(stack.layer_count = 0, ERROR_LIMIT, "0 layers");
	REFUSES(stack.layer_count = 500, ERROR_LIMIT, "500 layers");
	REFUSES(stack.upper = UPPER_KINDS, ERROR_FORMAT, "an upper that is none");
	REFUSES(stack.upper_change = UPPER_CHANGE_FRESH, ERROR_FORMAT,
		"a change of a volatile upper");
	REFUSES(stack.upper_bytes = 1, ERROR_LIMIT, "a volatile upper of one byte");
	REFUSES(stack.persist_count = 0; stack.upper = UPPER_NONE;
		stack.upper_bytes = 1048576, ERROR_FORMAT, "the size of no upper");
	REFUSES(stack.persist = paths, ERROR_FORMAT, "unsorted paths");
	REFUSES(stack.persist_count = 1; stack.persist = paths;
		strcpy(paths[0].path, "var"), ERROR_FORMAT, "a relative path");
	REFUSES(stack.persist_count = 1; stack.persist = paths;
		strcpy(paths[0].path, "/var:suid"), ERROR_FORMAT, "options in a path");
	REFUSES(stack.persist_count = 1; stack.persist = paths;
		memset(paths[0].path, '/', sizeof paths[0].path), ERROR_LIMIT,
		"a path without NUL");
	REFUSES(strcpy(stack.init, "/sbin/\ninit"), ERROR_FORMAT, "a line feed in init");
	REFUSES(strcpy(stack.init, "/sbin/\x7finit"), ERROR_FORMAT, "DEL in init");
	REFUSES(memset(stack.init, '/', sizeof stack.init), ERROR_LIMIT, "an init without NUL");
	REFUSES(stack.on_failure = ON_FAILURE_KINDS, ERROR_FORMAT, "an end that is none");
	bad_layer = good.layers[0];
	REFUSES(stack.layers = &bad_layer;
		bad_layer.media = (enum media) - 1, ERROR_FORMAT, "a media type");
	bad_layer = good.layers[0];
	REFUSES(stack.layers = &bad_layer;
		bad_layer.stored_bytes = 0, ERROR_LIMIT, "an empty blob");
#undef REFUSES
	stack_free(&good);
}

static void the_target_is_checked(void)
{
	struct stack stack;
	struct error e;
	if (decode(BASE, strlen(BASE), &stack, &e) != 0)
		abort();
	is_int(stack_check_target(&stack, "x86_64", "6.1.0-40-cloud-amd64", &e), 0,
		"its own machine");
	error_is(stack_check_target(&stack, "aarch64", "6.1.0-40-cloud-amd64", &e), &e,
		ERROR_TARGET, "other architecture");
	ok(strstr(e.text, "x86_64") != NULL && strstr(e.text, "aarch64") != NULL, "says both");
	error_is(stack_check_target(&stack, "x86_64", "6.1.0-41-cloud-amd64", &e), &e, ERROR_TARGET,
		"other kernel release");
	ok(strstr(e.text, "6.1.0-40-cloud") != NULL && strstr(e.text, "6.1.0-41-cloud") != NULL,
		"says both");
	error_is(stack_check_target(&stack, "x86_64", "", &e), &e, ERROR_TARGET,
		"no kernel release");
	stack.kernel[0] = '\0';
	is_int(stack_check_target(&stack, "x86_64", "5.4", &e), 0, "no kernel named: any will do");
	stack_free(&stack);
}

static void persistent_paths_have_names(void)
{
	static const struct {
		const char *path, *name;
	} rows[] = {{"/a", "a"}, {"/var/lib/x", "var-lib-x"}, {"/a-b", "a%2db"}, {"/a/-", "a-%2d"},
		{"/50%/a%2d", "50%25-a%252d"}, {"/a.new", "a.new"}, {"/%new", "%25new"}};
	struct error e;
	char name[STACK_PERSIST_SIZE];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ok(persist_name(rows[i].path, name, &e) == 0 && strcmp(name, rows[i].name) == 0,
			"%s is %s", rows[i].path, rows[i].name);
	char *text = with_path("persist /var/a", "persist ", 100, 84);
	for (char *at = strstr(text, "persist /aaa") + 9; *at == 'a'; at++)
		*at = '-';
	ok(decodes_and_encodes(text), "83 hyphens: a name of 249 bytes");
	free(text);
	text = with_path("persist /var/a", "persist ", 100, 85);
	for (char *at = strstr(text, "persist /aaa") + 9; *at == 'a'; at++)
		*at = '-';
	refuses(text, ERROR_LIMIT, "line 17, persist", "84 hyphens");
	free(text);
}

static void a_persistent_path_alone_makes_the_round_trip(void)
{
	static const char *const good[] = {"/a", "/a b:suid", "/a:dev", "/a:suid,dev"};
	static const char *const bad[] = {
		"", "/", "a", "/a:", "/a:nosuid", "/a/:dev", "/a,suid:", " /a"};
	struct persist_path persist;
	struct error e;
	char text[PERSIST_TEXT_SIZE];
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		int result = persist_decode(good[i], &persist, &e);
		if (result == 0)
			persist_format(&persist, text);
		ok(result == 0 && strcmp(text, good[i]) == 0 &&
				persist.suid == (strstr(good[i], "suid") != NULL) &&
				persist.dev == (strstr(good[i], "dev") != NULL),
			"good: %s", good[i]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		error_is(persist_decode(bad[i], &persist, &e), &e, ERROR_FORMAT, "bad: \"%s\"",
			bad[i]);
	memset(&persist, 'a', sizeof persist.path);
	persist.suid = persist.dev = true;
	persist_format(&persist, text);
	is_int((long long)strlen(text), PERSIST_TEXT_SIZE - 1, "the longest is cut");
}

static void a_file_has_its_stacks_name(void)
{
	struct stack stack = {.name = "demo", .version = 7};
	struct error e;
	is_int(stack_check_file_name(&stack, "demo-7.stack", &e), 0, "its own name");
	error_is(stack_check_file_name(&stack, "demo-8.stack", &e), &e, ERROR_FORMAT,
		"another version's");
	error_is(stack_check_file_name(&stack, "demo-07.stack", &e), &e, ERROR_FORMAT,
		"another way to write it");
}

static void refuses_record(const char *text, enum error_code code, const char *name)
{
	struct layer_record record;
	struct error e;
	struct verified *verified = vouch(text, strlen(text));
	memset(&record, UNTOUCHED, sizeof record);
	int result = layer_record_decode(verified, &record, &e);
	error_is(result, &e, code, "layer record: %s", name);
	ok(is_untouched(&record, sizeof record), "... nothing is written");
	verified_free(verified);
}

static void a_record_is_eight_lines(void)
{
	struct layer_record record, largest;
	struct error e;
	struct digest id, expected;
	char text[LAYER_RECORD_TEXT_SIZE];
	size_t size = 99;
	struct verified *verified = vouch(LAYER, strlen(LAYER));
	is_int(layer_record_decode(verified, &record, &e), 0, "a layer record is read");
	verified_free(verified);
	is_int(layer_record_encode(&record, text, &size, &e), 0, "and written");
	is_str(text, LAYER, "as it was");
	is_int((long long)size, (long long)strlen(LAYER), "with its size");
	digest_of(LAYER, strlen(LAYER), &expected);
	ok(layer_record_id(&record, &id, &e) == 0 && digest_equal(&id, &expected),
		"its id is the SHA-256 of its lines");

	refuses_record("", ERROR_FORMAT, "empty");
	refuses_record(LAYER "x\n", ERROR_FORMAT, "a ninth line");
	refuses_record(LAYER LAYER, ERROR_FORMAT, "two");
	refuses_record(LAYER "---\n", ERROR_FORMAT, "a separator");
	refuses_record("layer " DIGEST_1 "\n", ERROR_FORMAT, "one line");
	refuses_record(
		"layer " DIGEST_1 "\nmedia-type " OCI_TAR "\nstored 0\n", ERROR_LIMIT, "stored 0");

	record.entries = LIMIT_LAYER_ENTRIES + 1;
	memset(text, UNTOUCHED, sizeof text);
	error_is(
		layer_record_encode(&record, text, &size, &e), &e, ERROR_LIMIT, "too many entries");
	ok(is_untouched(text, sizeof text), "... nothing is written");
	error_is(layer_record_id(&record, &id, &e), &e, ERROR_LIMIT, "it has no id either");
	largest = (struct layer_record){.media = MEDIA_TAR_ZSTD,
		.stored_bytes = LIMIT_LAYER_STORED_BYTES,
		.unpacked_bytes = LIMIT_LAYER_UNPACKED_BYTES,
		.entries = LIMIT_LAYER_ENTRIES,
		.largest_piece_bytes = LIMIT_PIECE_BYTES,
		.user_xattrs = USER_XATTRS_REQUIRED};
	ok(layer_record_encode(&largest, text, &size, &e) == 0 && size < LAYER_RECORD_TEXT_SIZE,
		"the largest record has %zu bytes and fits", size);
}

static void every_value_has_a_name(void)
{
	is_str(media_name(MEDIA_TAR), OCI_TAR, "media_name");
	is_str(media_name(MEDIA_TAR_GZIP), OCI_TAR "+gzip", "media_name, gzip");
	is_str(media_name(MEDIA_TAR_ZSTD), OCI_TAR "+zstd", "media_name, zstd");
	is_str(media_name(MEDIA_TYPES), "unknown", "media_name of none");
	is_str(upper_name(UPPER_VOLATILE), "volatile", "upper_name");
	is_str(upper_name(UPPER_KINDS), "unknown", "upper_name of none");
	is_str(upper_change_name(UPPER_CHANGE_KEEP), "keep",
		"upper_change_name, of what is not said");
	is_str(upper_change_name(UPPER_CHANGE_REFUSE), "refuse", "upper_change_name");
	is_str(upper_change_name(UPPER_CHANGES), "unknown", "upper_change_name of none");
	is_str(on_failure_name(ON_FAILURE_REBOOT), "reboot", "on_failure_name");
	is_str(on_failure_name(ON_FAILURE_KINDS), "unknown", "on_failure_name of none");
	struct stack stack = {.version = UINT64_MAX};
	char name[STACK_FILE_NAME_SIZE];
	memset(stack.name, 'a', sizeof stack.name - 1);
	stack_file_name(&stack, name);
	ok(strlen(name) == 63 + 1 + 20 + 6, "the longest file name fits");
}

int main(void)
{
	a_good_stack_is_read();
	other_values_are_read();
	bad_bytes_are_refused();
	bad_values_are_refused();
	the_order_of_lines_is_fixed();
	limits_are_held();
	every_change_is_refused_or_canonical();
	random_stacks_make_the_round_trip();
	what_cannot_be_read_is_not_written();
	the_target_is_checked();
	persistent_paths_have_names();
	a_persistent_path_alone_makes_the_round_trip();
	a_file_has_its_stacks_name();
	a_record_is_eight_lines();
	every_value_has_a_name();
	return done();
}
