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
	booted_free(&booted);
	is_int(booted_parse(report, read_report("nothing-read"), &booted, &e), 0,
		"that of one that came to nothing");
	ok(!booted.runs && booted.layers[0] == '\0' && booted.record[0] == '\0', "no stack, no disk");
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
	others_are_refused();
	keys_come_along();
	return done();
}
