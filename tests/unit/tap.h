/* TAP for test programs: call ok() and its kin, and end main() with `return done();`. */
#ifndef PLYBOOT_TEST_TAP_H
#define PLYBOOT_TEST_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count;
static int tap_failed;

__attribute__((format(printf, 2, 0))) static inline bool tap_result(
	bool good, const char *name, va_list list)
{
	printf("%sok %d - ", good ? "" : "not ", ++tap_count);
	vprintf(name, list);
	printf("\n");
	tap_failed += !good;
	(void)fflush(stdout); /* a crash must not hide which test came before it */
	return good;
}

__attribute__((format(printf, 2, 3))) static inline bool ok(bool good, const char *name, ...)
{
	va_list list;

	va_start(list, name);
	good = tap_result(good, name, list);
	va_end(list);
	return good;
}

__attribute__((format(printf, 3, 4))) static inline bool is_int(
	long long got, long long want, const char *name, ...)
{
	va_list list;

	va_start(list, name);
	bool good = tap_result(got == want, name, list);
	va_end(list);
	if (!good)
		printf("#  got: %lld\n# want: %lld\n", got, want);
	return good;
}

/* NULL equals NULL only. */
__attribute__((format(printf, 3, 4))) static inline bool is_str(
	const char *got, const char *want, const char *name, ...)
{
	va_list list;

	va_start(list, name);
	bool good = tap_result(got && want ? strcmp(got, want) == 0 : got == want, name, list);
	va_end(list);
	if (!good)
		printf("#  got: %s\n# want: %s\n", got ? got : "(null)", want ? want : "(null)");
	return good;
}

/* The plan, and the program's exit status. */
static inline int done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed > 0;
}

#endif
