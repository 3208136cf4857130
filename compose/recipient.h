/* The machine that a stack is installed for, as far as it is known: by its keys alone, or all that
 * its /init left of its policy. */
#ifndef PLYBOOT_RECIPIENT_H
#define PLYBOOT_RECIPIENT_H

#include "device.h"
#include "installing.h"

struct recipient_asked {
	const char *run;      /* where /init left its report; NULL: the usual place */
	bool is_this_machine; /* its own layers partition */
	const struct text_list *pub;
	unsigned signatures;
};

struct recipient {
	bool is_known; /* boot.json was read; else there are only keys */
	struct public_key keys[LIMIT_KEYS];
	struct signature_policy signatures;
	struct booted booted;
	struct record_io record;
	struct candidate_policy policy;
	struct installing_judge judge; /* what /init would say, as far as can be told */
};

/* With keys, for another machine and without `run`, nothing else is read. ERROR_USAGE: there are
 * neither keys nor a boot.json. ERROR_MISSING: this system was not booted by plyboot; those of
 * booted_read() and public_keys_read(). To be closed after success. */
int recipient_open(const struct recipient_asked *asked, struct recipient *out, struct error *e);
void recipient_close(struct recipient *recipient);

/* What is installed may have been there before, and its tries be used up. `again`: it gets new
 * ones; else a warning says so. ERROR_DEVICE, ERROR_IO. */
int recipient_renew_tries(struct recipient *recipient, const struct installing *installing,
	bool again, struct error *e);

/* Print which stack boots next, once it is installed. Errors of the source. */
int recipient_say_next(struct recipient *recipient, struct installing *installing, struct error *e);

#endif
