/* Times that a build can be told: SOURCE_DATE_EPOCH. */
#ifndef PLYBOOT_CLOCK_H
#define PLYBOOT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "../layers/error.h"
#include "../layers/stack.h"

/* SOURCE_DATE_EPOCH in seconds, when it is set. ERROR_USAGE for one that is no number. */
int clock_source_date(bool *set, uint64_t *seconds, struct error *e);

/* RFC 3339 in UTC, as stack files have it. ERROR_LIMIT after the year 9999. */
int clock_format(uint64_t seconds, char out[STACK_CREATED_SIZE], struct error *e);

/* The other way, for a text that a stack file may hold. False for any other. */
bool clock_parse(const char *text, uint64_t *seconds);

#endif
