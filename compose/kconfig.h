/* What a kernel's file says of it: its release, and its configuration, held against a list in the
 * form of kconfig/required.config (which says what that is), as kconfig/check does it. */
#ifndef PLYBOOT_KCONFIG_H
#define PLYBOOT_KCONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../layers/error.h"

/* The value of CONFIG_<...> in a configuration's text, NUL-terminated; "n" when it isn't set. */
enum { KCONFIG_VALUE_SIZE = 64, KCONFIG_NAME_SIZE = 64, KCONFIG_REASON_SIZE = 256 };
void kconfig_value(const char *config, const char *option, char out[KCONFIG_VALUE_SIZE]);

struct kconfig_option {
	char name[KCONFIG_NAME_SIZE];
	char accepted[KCONFIG_VALUE_SIZE]; /* "y", "y|m" */
	char has[KCONFIG_VALUE_SIZE];
	char reason[KCONFIG_REASON_SIZE];
	bool wanted; /* it would boot without */
	bool good;
};

/* `see` gets each option of the list. ERROR_FORMAT: the list or the configuration is none. */
int kconfig_compare(const char *config, const char *required,
	void (*see)(void *context, const struct kconfig_option *option), void *context,
	struct error *e);

/* The text out of a file's bytes: plain, compressed by gzip, or a kernel that has it in itself
 * (CONFIG_IKCONFIG) and is not compressed. The caller frees; NUL-terminated. ERROR_MISSING: none in
 * it; ERROR_STREAM: damaged; ERROR_LIMIT. */
int kconfig_text(const uint8_t *bytes, size_t size_bytes, char **out, struct error *e);

/* The release of an x86 bzImage (Documentation/arch/x86/boot.rst: kernel_version), as uname(2) will
 * say it. False: it is none, or doesn't fit. */
bool kconfig_release(const uint8_t *bytes, size_t size_bytes, char *out, size_t out_size);

/* The kernel's own list, kconfig/required.config. */
extern const char kconfig_required[];

#endif
