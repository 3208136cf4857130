/* What is run in a guest and how, as `plyboot run` is told it: by its options, or by a case. */
#ifndef PLYBOOT_RUN_GIVEN_H
#define PLYBOOT_RUN_GIVEN_H

#include "../qemu/boot.h"
#include "options.h"

/* Where --out is in the guest. */
#define RUN_GIVEN_OUT "/run/plyboot-out"

/* All texts are the caller's, and outlive what is made of them. */
struct run_given {
	struct text_list words; /* the command and its arguments */
	struct text_list environment, shares, writable_shares;
	const char *directory, *user, *out;
	uint64_t memory_mib, limit_s;
};

struct run_command {
	struct qemu_command command;
	const char **arguments, **environment; /* owned, ended by NULL */
	struct qemu_share *shares; /* owned, as are the paths of those that were split */
	char **paths;              /* owned */
	size_t path_count;
};

/*
 * Make the command of them, without descriptors. ERROR_USAGE: a variable without `=`, a share that
 * is not HOST:GUEST or not absolute in the guest, too many; ERROR_MISSING, ERROR_TYPE: what is no
 * directory here. The directory of --out is made.
 */
int run_command_make(const struct run_given *given, struct run_command *out, struct error *e);
void run_command_free(struct run_command *command);
#define SCOPED_RUN_COMMAND __attribute__((cleanup(run_command_free))) struct run_command

/* Are all of them of their form? Nothing is looked at outside. ERROR_USAGE. */
int run_given_check(const struct run_given *given, struct error *e);
bool run_given_has_shares(const struct run_given *given);

#endif
