/* The options of `plyboot run`. */
#ifndef PLYBOOT_RUN_OPTIONS_H
#define PLYBOOT_RUN_OPTIONS_H

#include "guest_options.h"
#include "run_given.h"

struct run_options {
	struct run_given given;
	struct guest_options guest;
	const char *kernel, *store, *log, *input, *cases, *keep;
	struct text_list roots;
	uint64_t jobs;
	bool root_owned, no_cache, terminal, no_terminal;
};

extern const struct option_spec run_option_specs[];

/* ERROR_USAGE: they don't go together. */
int run_options_check(const struct run_options *given, struct error *e);

#endif
