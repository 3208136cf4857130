/* What `plyboot status` says, from the reports that /init leaves: in lines, and as JSON. */
#include "compose/status.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

static struct status status;
static char out[16384];

static void take(const char *name)
{
	static char report[65536];
	char path[128];
	struct error e = {0};
	(void)snprintf(path, sizeof path, "tests/data/reports/%s.json", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, report, sizeof report);
	(void)close(fd);
	status = (struct status){.layers = LAYOUT_INIT};
	(void)snprintf(status.record.state, sizeof status.record.state, "good");
	if (got <= 0 || booted_parse(report, (size_t)got, &status.booted, &e) != 0)
		abort();
}

/* What one of the printers prints. */
static const char *printed(void (*print)(const struct status *, FILE *))
{
	memset(out, 0, sizeof out);
	FILE *to = fmemopen(out, sizeof out - 1, "w");
	if (to == NULL)
		abort();
	print(&status, to);
	(void)fclose(to);
	return out;
}

static json_t *as_json(void)
{
	struct error e = {0};
	json_t *object = status_json(&status, &e);
	if (object == NULL)
		abort();
	return object;
}

static void test_lines(void)
{
	take("booted");
	is_str(printed(status_print_layers),
		"layers         1 010101010101 reused, 1000 bytes stored, 68719476736 unpacked\n"
		"               2 020202020202 unpacked, 2000 bytes stored, 68719476736 unpacked, "
		"1235 ms\n",
		"the layers");
	is_str(printed(status_print_room), "", "what is not known is not said");
	status.store =
		(struct status_room){.known = true, .used_bytes = 5 << 20, .used_inodes = 1000};
	status.upper = (struct status_room){.known = true,
		.total_bytes = 64 << 20,
		.free_bytes = 1 << 20,
		.total_inodes = 99,
		.free_inodes = 7};
	is_str(printed(status_print_room),
		"memory         5120 KiB for the layers, and about 1200 KiB of the kernel's for "
		"their 1000 inodes\n"
		"room           in the upper 1024 of 65536 KiB, 7 of 99 inodes free\n",
		"memory and room");
	booted_free(&status.booted);
	take("nothing-read");
	is_str(printed(status_print_layers), "", "no stack: no layers");
	booted_free(&status.booted);
}

/* As layers/FORMAT.md lists them. */
static const char *const keys[] = {"plyboot_status", "stack", "version", "text", "keys", "layers",
	"confirmed", "tries_left", "store", "upper_kind", "upper_why", "upper_trial", "upper_room",
	"persist", "watchdog", "fallbacks", "floor", "floor_of", "record", "boots_since_confirm",
	"layers_error", "next_boot", "next_refused"};
enum { KEYS = sizeof keys / sizeof keys[0] };

static void test_keys(void)
{
	static char text[1 << 17];
	static const char *const reports[] = {"booted", "not-booted", "nothing-read", "hostile"};
	int fd = open("layers/FORMAT.md", O_RDONLY | O_CLOEXEC);
	ssize_t got = read(fd, text, sizeof text - 1);
	(void)close(fd);
	text[got > 0 ? got : 0] = '\0';
	const char *at = strstr(text, "`plyboot status --json` prints");
	char *end = at != NULL ? strstr(at, "\n\n") : NULL;
	if (end == NULL)
		abort();
	*end = '\0';
	for (size_t i = 0; i < KEYS; i++) {
		char word[64];
		(void)snprintf(word, sizeof word, "`%s`", keys[i]);
		ok(strstr(at, word) != NULL, "layers/FORMAT.md has %s", word);
	}
	for (size_t k = 0; k < sizeof reports / sizeof reports[0]; k++) {
		take(reports[k]);
		json_t *object = as_json();
		size_t there = 0;
		for (size_t i = 0; i < KEYS; i++)
			there += json_object_get(object, keys[i]) != NULL;
		ok(there == KEYS && json_object_size(object) == KEYS,
			"%s: all of these keys, and no other", reports[k]);
		json_decref(object);
		booted_free(&status.booted);
	}
}

static void test_unread(void)
{
	take("booted");
	json_t *object = as_json();
	ok(json_is_null(json_object_get(object, "layers_error")), "the stacks were read");
	ok(json_is_array(json_object_get(object, "next_boot")), "... and what boots next is known");
	json_decref(object);
	(void)error_set(&status.layers_error, ERROR_IO, 0, "dead \x80");
	object = as_json();
	const json_t *why = json_object_get(object, "layers_error");
	is_str(json_string_value(json_object_get(why, "code")), "IO", "they can't be read");
	is_str(json_string_value(json_object_get(why, "reason")), "dead \\x80", "... and why");
	ok(json_is_null(json_object_get(object, "next_boot")) &&
			json_is_null(json_object_get(object, "next_refused")),
		"... so that nothing of the next boot is known");
	is_str(json_string_value(json_object_get(object, "stack")), "demo", "but what runs is");
	json_decref(object);
	booted_free(&status.booted);
}

static void test_booted(void)
{
	take("booted");
	status.has_record = true;
	status.record.record = (struct record){.stack_count = 1};
	status.record.record.stacks[0].text = status.booted.text;
	status.record.record.stacks[0].tries_left = 2;
	(void)snprintf(status.record.state, sizeof status.record.state, "bad \x80");
	json_t *object = as_json();
	is_str(json_string_value(json_object_get(object, "stack")), "demo", "the stack");
	ok(json_is_false(json_object_get(object, "confirmed")), "on trial");
	is_int(json_integer_value(json_object_get(object, "tries_left")), 2, "two tries left");
	is_int((long long)json_array_size(json_object_get(object, "layers")), 2, "two layers");
	ok(json_is_null(json_object_get(object, "store")), "no store: null");
	is_str(json_string_value(json_object_get(object, "record")), "bad \\x80", "any bytes");
	const json_t *list = json_object_get(object, "fallbacks");
	static const char *const whats[] = {"failed", "refused", "passed_over", "upper"};
	is_int((long long)json_array_size(list), 4, "each step down");
	for (size_t i = 0; i < 4; i++)
		is_str(json_string_value(json_object_get(json_array_get(list, i), "what")),
			whats[i], "... %s", whats[i]);
	is_str(json_string_value(json_object_get(json_array_get(list, 0), "reason")),
		"layer 1/1: piece 1 of 8 differs", "and why");
	json_decref(object);
	status.record.record.stacks[0].confirmed = true;
	object = as_json();
	ok(json_is_true(json_object_get(object, "confirmed")) &&
			json_is_null(json_object_get(object, "tries_left")),
		"confirmed: no tries");
	json_decref(object);
	booted_free(&status.booted);
}

static void test_measured(void)
{
	char path[] = "/tmp/plyboot-status.XXXXXX", store[64];
	if (mkdtemp(path) == NULL)
		abort();
	(void)snprintf(store, sizeof store, "%s/store", path);
	take("booted");
	status_measure(&status, path);
	ok(!status.store.known && !status.upper.known, "what is not there is not known");
	if (mkdir(store, 0700) != 0)
		abort();
	(void)snprintf(status.booted.uppers[0], sizeof status.booted.uppers[0], "%s", path);
	status_measure(&status, path);
	ok(status.store.known && status.store.total_bytes >= status.store.used_bytes,
		"the store's file system");
	ok(status.upper.known && status.upper.total_bytes == status.store.total_bytes,
		"the upper's");
	is_int((long long)status_kernel_bytes(&status.store),
		(long long)status.store.used_inodes * 1229, "1.2 KiB for an inode");
	(void)rmdir(store);
	(void)rmdir(path);
	booted_free(&status.booted);
}

int main(void)
{
	test_lines();
	test_keys();
	test_unread();
	test_booted();
	test_measured();
	return done();
}
