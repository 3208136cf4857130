/* compose/booted.c: what /init reports is what commands on the running system take it for. */
#include "compose/booted.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "errors.h"
#include "layers/sandbox.h"

static char report[65536];

static size_t read_report(const char *name)
{
	char path[128];
	(void)snprintf(path, sizeof path, "tests/data/reports/%s.json", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, report, sizeof report - 1);
	if (got <= 0)
		abort();
	(void)close(fd);
	report[got] = '\0';
	return (size_t)got;
}

static void a_report_is_taken(void)
{
	struct booted booted;
	struct error e = {0};
	is_int(booted_parse(report, read_report("booted"), &booted, &e), 0, "that of a boot");
	ok(booted.runs && booted.version == 3 && booted.floor == 0, "its stack's numbers");
	is_str(booted.name, "demo", "its name");
	ok(booted.text.bytes[0] == 0x33 && booted.text.bytes[31] == 0x33, "its digest");
	is_str(booted.layers, "/dev/vda1", "the layers partition");
	is_str(booted.record, "/dev/vda2", "the record");
	is_str(booted.record_state, "good", "its state");
	ok(booted.fixed_floor == 0 && booted.signatures == 1 && booted.tries == 3, "the policy");
	ok(booted.revoked_count == 1 && booted.revoked[0].bytes[0] == 0xb1, "the revoked key");
	ok(booted.lower_count == 2 && booted.lowers[0].bytes[0] == 0x81 &&
			booted.lowers[1].bytes[0] == 0x82,
		"the layers of its root, bottom first");
	is_str(booted.upper_kind, "volatile", "the kind of its upper");
	ok(booted.knows_uppers && booted.on_trial_upper && booted.upper_count == 2,
		"its directories");
	booted_free(&booted);
	is_int(booted_parse(report, read_report("nothing-read"), &booted, &e), 0,
		"that of one that came to nothing");
	ok(!booted.runs && booted.layers[0] == '\0' && booted.record[0] == '\0',
		"no stack, no disk");
	booted_free(&booted);
}

static void refuses(const char *from, const char *to, const char *name)
{
	static char changed[2 * sizeof report];
	struct booted booted;
	struct error e = {0};
	(void)read_report("booted");
	char *at = strstr(report, from);
	if (at == NULL)
		abort();
	(void)snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - report), report, to,
		at + strlen(from));
	memset(&booted, UNTOUCHED, sizeof booted);
	int result = booted_parse(changed, strlen(changed), &booted, &e);
	if (error_is(result, &e, ERROR_FORMAT, "%s", name))
		ok(is_untouched(&booted, sizeof booted), "... nothing is taken");
}

static void takes(const char *from, const char *to, struct booted *out)
{
	static char changed[2 * sizeof report];
	struct error e = {0};
	(void)read_report("booted");
	char *at = strstr(report, from);
	if (at == NULL)
		abort();
	(void)snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - report), report, to,
		at + strlen(from));
	if (booted_parse(changed, strlen(changed), out, &e) != 0) {
		ok(false, "%s: %s", to, e.text);
		abort();
	}
}

#define TRIAL "\"trial\": true"
#define DIRS "\"dirs\": [\"/run/plyboot/trial\", \"/run/plyboot/base\"]"
#define BOTH ",\n    " TRIAL ",\n    " DIRS

static void uppers_are_taken(void)
{
	struct booted booted;
	takes(DIRS, "\"dirs\": [\"/top\", \"/below\"]", &booted);
	ok(booted.knows_uppers && booted.on_trial_upper && booted.upper_count == 2, "two uppers");
	is_str(booted.uppers[0], "/top", "the top one first");
	is_str(booted.uppers[1], "/below", "the other one");
	booted_free(&booted);
	takes(BOTH, ", \"trial\": false, \"dirs\": []", &booted);
	ok(booted.knows_uppers && !booted.on_trial_upper && booted.upper_count == 0, "none");
	booted_free(&booted);
	takes(BOTH, "", &booted);
	ok(!booted.knows_uppers && booted.upper_count == 0, "of an older /init no directories");
	booted_free(&booted);
	takes("\"lowers\": 3", "\"lowers\": 2", &booted);
	ok(booted.lower_count == 1 && booted.lowers[0].bytes[0] == 0x82,
		"layers that are hidden whole are none");
	booted_free(&booted);
	takes("\"lowers\": 3", "\"lowers\": 0", &booted);
	ok(booted.lower_count == 0, "where it did not come to a root there are none");
	booted_free(&booted);
	refuses(TRIAL, "\"trial\": 1", "a trial that is a number");
	refuses(DIRS, "\"dirs\": {}", "directories that are no list");
	refuses(DIRS, "\"dirs\": [1]", "one that is a number");
	refuses(DIRS, "\"dirs\": [\"top\"]", "one that is relative");
	refuses(DIRS, "\"dirs\": [\"/1\", \"/2\", \"/3\"]", "more than there can be");
	char path[BOOTED_UPPER_SIZE + 1], dirs[BOOTED_UPPER_SIZE + 100];
	for (size_t length = BOOTED_UPPER_SIZE - 1; length <= BOOTED_UPPER_SIZE; length++) {
		memset(path, '/', length);
		path[length] = '\0';
		(void)snprintf(dirs, sizeof dirs, "\"dirs\": [\"%s\"]", path);
		if (length == BOOTED_UPPER_SIZE) {
			refuses(DIRS, dirs, "one that is too long");
			break;
		}
		takes(DIRS, dirs, &booted);
		is_str(booted.uppers[0], path, "the longest one");
		booted_free(&booted);
	}
	refuses("\"lowers\": 3", "\"lowers\": 4", "more layers in the root than there are");
	refuses("\"sha256:8282", "\"sha256:828", "a layer's name that is cut");
	refuses("\"layers\": [", "\"layers\": null, \"other\": [", "no list of layers");
}

static void others_are_refused(void)
{
	struct booted booted;
	struct error e = {0};
	error_is(booted_parse("", 0, &booted, &e), &e, ERROR_FORMAT, "an empty file");
	error_is(booted_parse("[]", 2, &booted, &e), &e, ERROR_FORMAT, "a list");
	static char large[BOOTED_MAX_BYTES + 1];
	error_is(booted_parse(large, sizeof large, &booted, &e), &e, ERROR_LIMIT, "too large");
	refuses("\"plyboot_boot\": 1", "\"plyboot_boot\": 2", "another version");
	refuses("\"plyboot_boot\": 1", "\"plyboot_boot\": \"1\"", "a version that is no number");
	refuses("\"plyboot_boot\": 1", "\"plyboot_boot\": 1, \"plyboot_boot\": 1", "a key twice");
	refuses("\"version\": 3", "\"version\": -3", "a negative version");
	refuses("\"version\": 3", "\"version\": 3.0", "a version with a point");
	refuses("\"floor\": 0,\n  \"text\"", "\"text\"", "a stack without a floor");
	refuses("\"stack\": \"demo\"", "\"stack\": null", "a stack without a name");
	refuses("\"sha256:3333", "\"sha256:333", "a digest that is cut");
	refuses("\"/dev/vda1\"", "\"vda1\"", "a device elsewhere");
	refuses("\"/dev/vda2\"", "2", "a device that is a number");
	refuses("\"signatures\": 1", "\"signatures\": 9", "more signatures than there can be");
	refuses("\"tries\": 3", "\"tries\": 100", "more tries than there can be");
	refuses("\"revoked\": [", "\"revoked\": [1, ", "a revoked key that is none");
	refuses("\"record\": \"good\"", "\"record\": null", "a record without a state");
}

static void keys_come_along(void)
{
	struct sandbox sandbox;
	struct booted booted;
	struct error e = {0};
	static const uint8_t no_key[] = "no key";
	char path[PATH_MAX];
	sandbox_open(&sandbox);
	error_is(booted_read(sandbox.root, &booted, &e), &e, ERROR_MISSING, "no report");
	ok(strstr(e.text, "not booted by plyboot") != NULL, "... says what that means");
	size_t size = read_report("booted");
	(void)snprintf(path, sizeof path, "%s/boot.json", sandbox.root);
	write_file(path, report, size);
	is_int(booted_read(sandbox.root, &booted, &e), 0, "a report without keys");
	is_int((long long)booted.key_count, 0, "... has none");
	booted_free(&booted);
	(void)snprintf(path, sizeof path, "%s/keys", sandbox.root);
	if (mkdir(path, 0755) != 0)
		abort();
	(void)snprintf(path, sizeof path, "%s/keys/a.der", sandbox.root);
	write_file(path, no_key, sizeof no_key);
	error_is(booted_read(sandbox.root, &booted, &e), &e, ERROR_KEY, "a key that is none");
	ok(strstr(e.text, "keys/a.der") != NULL, "... is named");
	sandbox_close(&sandbox);
}

int main(void)
{
	a_report_is_taken();
	uppers_are_taken();
	others_are_refused();
	keys_come_along();
	return done();
}
