/*
 * A device as far as init/state.c and what it calls see it: a home on the state partition (a
 * directory of the current one), a record, and stacks that boot. Each upper that it makes has a
 * letter in it, so that it is known again wherever it is; one with a file `broken` in it keeps a
 * stack from being confirmed.
 */
#ifndef PLYBOOT_TEST_UPPER_DEVICE_H
#define PLYBOOT_TEST_UPPER_DEVICE_H

#include "init/console.h"
#include "init/state_private.h"
#include "overlays.h"
#include "record.h"
#include "said.h"

enum { DEVICE_STACKS = 3 };

struct device {
	int home, model;
	char letter; /* that the next upper gets */
	bool has_record, counts;
	unsigned upper_tries;
	struct record record;
	struct candidate stacks[DEVICE_STACKS + 1]; /* by version */
	struct report report;
	struct error error; /* why the last boot had no upper */
	char said[1 << 14]; /* by the last boot */
};

static inline void device_start(struct device *device)
{
	static struct initconf conf;
	initconf_defaults(&conf);
	make_empty("home");
	make_empty("model");
	*device = (struct device){.home = open("home", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.model = open("model", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.letter = 'A',
		.has_record = true,
		.counts = true,
		.upper_tries = conf.upper_tries};
	MUST(device->home >= 0 && device->model >= 0);
	report_start(&device->report, &conf);
	for (unsigned i = 1; i <= DEVICE_STACKS; i++) {
		struct candidate *candidate = &device->stacks[i];
		candidate->stack = (struct stack){.name = "test", .version = i};
		memset(candidate->text.bytes, (int)i, sizeof candidate->text.bytes);
	}
}

static inline void device_end(struct device *device)
{
	free(device->report.layers);
	MUST(close(device->home) == 0 && close(device->model) == 0);
}

static inline struct record_subject device_subject(const struct device *device, unsigned version)
{
	return (struct record_subject){&device->stacks[version].text, "test", version};
}

static inline void device_confirm(struct device *device, unsigned version)
{
	const struct record_subject subject = device_subject(device, version);
	record_confirm(&device->record, &subject, 1);
}

static inline char letter_in(const char *upper)
{
	char path[512], letter = '\0';
	(void)snprintf(path, sizeof path, "%s/letter", upper);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return '\0';
	MUST(read(fd, &letter, 1) == 1 && close(fd) == 0);
	return letter;
}

static inline void put_in(const char *upper, const char *name, const char *text)
{
	char path[512];
	(void)snprintf(path, sizeof path, "%s/%s", upper, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	MUST(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

static inline bool there_is(const char *upper, const char *name)
{
	char path[512];
	struct stat st;
	(void)snprintf(path, sizeof path, "%s/%s", upper, name);
	return lstat(path, &st) == 0;
}

/* The upper of the last boot, from here. */
static inline const char *device_upper(const struct device *device)
{
	static char path[256];
	(void)snprintf(path, sizeof path, "home/%s",
		device->report.upper_dirs[0] + strlen(STATE_PATH "/plyboot/test/"));
	return path;
}

static inline void device_count(struct device *device, unsigned version)
{
	const struct record_subject subject = device_subject(device, version);
	if (device->has_record && device->counts)
		record_count_try(&device->record, &subject, RECORD_TRIES);
}

/* What /init does when the try is counted. */
static inline int device_choose(struct device *device, unsigned version, struct error *e)
{
	struct upper_dirs dirs;
	struct error ignored;
	const struct upper_request request = {.candidate = &device->stacks[version],
		.record = device->has_record ? &device->record : NULL,
		.counted = device->has_record && device->counts,
		.upper_tries = device->upper_tries,
		.model_fd = device->model};
	MUST(report_try(&device->report, &device->stacks[version], &ignored) == 0);
	device->report.warning_count = 0;
	if (state_choose(device->home, &request, &device->report, &dirs, e) != 0)
		return -1;
	(void)snprintf(device->report.upper_dirs[0], REPORT_DIR_SIZE, "%s", dirs.upper);
	return 0;
}

/* The letter of the upper that a boot has; a new one is given its. '-': it has none. */
static inline char device_boot(struct device *device, unsigned version)
{
	device_count(device, version);
	int result = device_choose(device, version, &device->error);
	(void)snprintf(device->said, sizeof device->said, "%.16000s", said());
	if (result != 0)
		return '-';
	if (letter_in(device_upper(device)) == '\0')
		put_in(device_upper(device), "letter", (char[]){device->letter++, '\0'});
	return letter_in(device_upper(device));
}

/* Boots of one stack, one for each letter of `script`: 'c' is confirmed if its upper lets it, '.'
 * is not, 'b' breaks its upper first, 'm' mends it. Returns the letters of their uppers. */
static inline const char *device_live(struct device *device, unsigned version, const char *script)
{
	static char out[512];
	size_t i = 0;
	for (; script[i] != '\0'; i++) {
		out[i] = device_boot(device, version);
		if (out[i] == '-')
			continue;
		char path[512];
		(void)snprintf(path, sizeof path, "%s/broken", device_upper(device));
		if (script[i] == 'b')
			put_in(device_upper(device), "broken", "");
		if (script[i] == 'm')
			MUST(unlink(path) == 0);
		if (script[i] != '.' && !there_is(device_upper(device), "broken"))
			device_confirm(device, version);
	}
	out[i] = '\0';
	return out;
}

/* The letters of all uppers, in order: of the base, then by number of those in the archive, each
 * with a sign when it is marked; so nothing is lost and nothing twice. */
static inline const char *device_uppers(void)
{
	static char out[256];
	char path[80];
	size_t used = 0;
	if (there_is("home", "upper"))
		out[used++] = letter_in("home/upper") != '\0' ? letter_in("home/upper") : '?';
	for (unsigned i = 1; i < 100 && used < sizeof out - 8; i++) {
		(void)snprintf(path, sizeof path, "home/archive/%u/upper", i);
		if (!there_is(path, "."))
			continue;
		used += (size_t)snprintf(
			out + used, 8, " %u%c", i, letter_in(path) != '\0' ? letter_in(path) : '?');
		(void)snprintf(path, sizeof path, "home/archive/%u", i);
		if (there_is(path, ASIDE_MARK))
			out[used++] = '*';
		if (there_is(path, ASIDE_REQUEST))
			out[used++] = '!';
	}
	if (there_is("home/archive/new", "upper"))
		used += (size_t)snprintf(
			out + used, 8, " new%c", letter_in("home/archive/new/upper"));
	out[used] = '\0';
	return out;
}

static inline void device_ask(unsigned number)
{
	char path[80];
	(void)snprintf(path, sizeof path, "home/archive/%u", number);
	put_in(path, ASIDE_REQUEST, "");
}

#endif
