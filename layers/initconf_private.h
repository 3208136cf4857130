/* The keys of init.conf as a table, which its reader walks, and what the values of several have in
 * common. */
#ifndef PLYBOOT_INITCONF_PRIVATE_H
#define PLYBOOT_INITCONF_PRIVATE_H

#include <stdbool.h>

#include "initconf.h"

/* A line's place and weight. */
struct initconf_reader {
	struct initconf *conf;
	enum initconf_how how;
	unsigned line;
	struct error *e;
};

struct initconf_key {
	const char *name;
	/* Take `value`, which lies in conf->text and may be changed; false when it is not one of
	 * its kind, or one too many. */
	bool (*set)(struct initconf_reader *r, char *value);
	bool may_default, may_repeat;
};

enum { INITCONF_KEYS = 22 };
extern const struct initconf_key initconf_keys[INITCONF_KEYS];

/* Absolute, no empty component, no "." or "..", no slash at the end, at most 255 bytes. */
bool initconf_path_valid(const char *path);

/* Decimal without sign, leading zeros or anything behind it; at most `max`. */
bool initconf_number_parse(const char *text, uint64_t max, uint64_t *out);

#endif
