/* What /init left for the running system in /run/plyboot: boot.json, which init/BOOT.md describes,
 * and the keys that it trusts. */
#ifndef PLYBOOT_BOOTED_H
#define PLYBOOT_BOOTED_H

#include <jansson.h>
#include <sys/utsname.h>

#include "../layers/candidate.h"
#include "../layers/ceilings.h"
#include "../layers/record.h"
#include "options.h"

#define BOOTED_DIRECTORY "/run/plyboot"

/* The row of a verb's options that says where it is instead. */
#define BOOTED_OPTION_RUN(offset_)                                                                 \
	{                                                                                          \
		.name = "--run", .kind = OPTION_TEXT, .offset = (offset_), .value = "DIR",         \
		.help = "where /init left its report; default: " BOOTED_DIRECTORY                  \
	}

enum {
	BOOTED_MAX_BYTES = 4 * 1024 * 1024,
	BOOTED_DEVICE_SIZE = 256,
	BOOTED_UPPERS = 2,
	BOOTED_UPPER_SIZE = 512
};

struct booted {
	json_t *report; /* owned: boot.json, whole */

	/* Of the stack that runs. */
	bool runs; /* false: none was tried */
	char name[STACK_NAME_SIZE];
	uint64_t version, floor;
	struct digest text;

	/* The layers that its root is made of, by the names that they have in store/, bottom first.
	 * None where it did not come to a root. */
	size_t lower_count;
	struct digest lowers[LIMIT_LAYERS];

	/* What the root is written to: directories, the top one first. An /init that says nothing
	 * of them leaves `knows_uppers` false. */
	const char *upper_kind; /* in the report; NULL: it did not come to that */
	bool knows_uppers, on_trial_upper;
	size_t upper_count;
	char uppers[BOOTED_UPPERS][BOOTED_UPPER_SIZE];

	/* Block devices; "" when there is none. */
	char layers[BOOTED_DEVICE_SIZE], record[BOOTED_DEVICE_SIZE];
	const char *record_state; /* in words; in the report */

	/* init.conf's. */
	uint64_t fixed_floor;
	unsigned signatures;
	uint8_t tries;
	size_t revoked_count;
	struct digest revoked[LIMIT_KEYS];
	size_t key_count;
	struct public_key keys[LIMIT_KEYS];

	struct utsname machine;
};

/* Take boot.json's bytes. ERROR_FORMAT: it is not one, or of another version; ERROR_LIMIT. To be
 * freed after success only; there are no keys in it then. */
int booted_parse(const void *bytes, size_t size_bytes, struct booted *out, struct error *e);

/* Read boot.json and keys/ of a directory (NULL: BOOTED_DIRECTORY). ERROR_MISSING: this system was
 * not booted by plyboot; and those of booted_parse() and key_decode(). */
int booted_read(const char *directory, struct booted *out, struct error *e);
void booted_free(struct booted *booted);
#define SCOPED_BOOTED __attribute__((cleanup(booted_free))) struct booted

/* How the next boot will judge stacks of the running one's name. Both must stay where they are. */
struct candidate_policy booted_policy(const struct booted *booted, const struct record *record);

#endif
