/* One value out of a sysfs uevent file: KEY=VALUE, one a line. */
#ifndef PLYBOOT_UEVENT_H
#define PLYBOOT_UEVENT_H

#include <stdbool.h>
#include <stddef.h>

/* False when the key isn't there, or its value has no room. */
bool uevent_value(const char *text, const char *key, char *out, size_t out_size);

#endif
