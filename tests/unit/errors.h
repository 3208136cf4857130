/* What tests of layers/ say about errors. */
#ifndef PLYBOOT_TEST_ERRORS_H
#define PLYBOOT_TEST_ERRORS_H

#include "error.h"
#include "tap.h"

/* Out-parameters are filled with this byte, and must still be when a call has failed. */
enum { UNTOUCHED = 0xa5 };

static inline bool is_untouched(const void *out, size_t size_bytes)
{
	const unsigned char *bytes = out;
	for (size_t i = 0; i < size_bytes; i++) {
		if (bytes[i] != UNTOUCHED)
			return false;
	}
	return true;
}

/* A failure with exactly this code and a reason; what came instead is shown. */
__attribute__((format(printf, 4, 5))) static inline bool error_is(
	int result, const struct error *e, enum error_code code, const char *name, ...)
{
	bool good = result == -1 && e->code == code && e->text[0] != '\0';
	va_list list;
	va_start(list, name);
	(void)tap_result(good, name, list);
	va_end(list);
	if (!good)
		printf("#  got: result %d, %s: %s\n# want: %s\n", result,
			result == 0 ? "-" : error_code_name(e->code), result == 0 ? "-" : e->text,
			error_code_name(code));
	return good;
}

#endif
