#include "embedded.h"

#include <string.h>

/* Made by embedded_<architecture>.S. */
extern const uint8_t embedded_init_x86_64_start[], embedded_init_x86_64_end[];
extern const uint8_t embedded_entry_x86_64_start[], embedded_entry_x86_64_end[];
extern const uint8_t embedded_shutdown_x86_64_start[], embedded_shutdown_x86_64_end[];
extern const uint8_t embedded_run_x86_64_start[], embedded_run_x86_64_end[];

/* A new architecture is a row in each table, an .S beside, and a word in the Makefile's ARCHES. */
static const struct embedded inits[] = {
	{"x86_64", embedded_init_x86_64_start, embedded_init_x86_64_end},
	{NULL, NULL, NULL},
};

static const struct embedded entries[] = {
	{"x86_64", embedded_entry_x86_64_start, embedded_entry_x86_64_end},
	{NULL, NULL, NULL},
};

static const struct embedded shutdowns[] = {
	{"x86_64", embedded_shutdown_x86_64_start, embedded_shutdown_x86_64_end},
	{NULL, NULL, NULL},
};

static const struct embedded runs[] = {
	{"x86_64", embedded_run_x86_64_start, embedded_run_x86_64_end},
	{NULL, NULL, NULL},
};

static const struct embedded *find(const struct embedded *one, const char *architecture)
{
	for (; one->architecture != NULL; one++) {
		if (strcmp(one->architecture, architecture) == 0)
			return one;
	}
	return NULL;
}

const struct embedded *embedded_init(const char *architecture)
{
	return find(inits, architecture);
}

const struct embedded *embedded_entry(const char *architecture)
{
	return find(entries, architecture);
}

const struct embedded *embedded_shutdown(const char *architecture)
{
	return find(shutdowns, architecture);
}

const struct embedded *embedded_run(const char *architecture)
{
	return find(runs, architecture);
}
