/* What all our text files are made of. */
#ifndef PLYBOOT_TEXT_H
#define PLYBOOT_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* ERROR_FORMAT unless there is at least one byte, all are printable ASCII or line feeds, and the
 * last is a line feed. The message names the line. */
int text_check(const uint8_t *bytes, size_t size_bytes, struct error *e);

#endif
