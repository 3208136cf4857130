/* The verbs of `plyboot`: one table, one file for each. */
#ifndef PLYBOOT_VERBS_H
#define PLYBOOT_VERBS_H

#include <stddef.h>

#include "options.h"

struct verb {
	const char *name;
	const char *summary;  /* one line */
	const char *operands; /* as --help writes them; "" for none */
	size_t operands_min, operands_max;
	const char *text; /* what --help says behind the options */
	const struct option_spec *options;
	size_t options_bytes; /* of the structure that `run` gets */
	int failure_status;   /* of each failure that is the verb's own; 0: as report.h has them */
	/* 0; -1 with an error; or, of `boot`, `run` and `verify`, an exit status of their own. */
	int (*run)(const void *options, const struct text_list *operands, struct error *e);
};

enum { OPERANDS_ANY = 1 << 20 };

extern const struct verb verb_boot, verb_cat, verb_commit, verb_confirm, verb_diff, verb_entry,
	verb_export, verb_gc, verb_image, verb_import, verb_initramfs, verb_inspect, verb_install,
	verb_keygen, verb_ls, verb_pack, verb_pull, verb_push, verb_reset, verb_revert, verb_run,
	verb_sign, verb_stack, verb_status, verb_store, verb_upper, verb_verify;

/* Ended by NULL, in the order of --help. */
extern const struct verb *const verbs[];

#endif
