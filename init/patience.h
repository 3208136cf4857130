/* What takes long is said every few seconds, before somebody takes the device for dead. */
#ifndef PLYBOOT_PATIENCE_H
#define PLYBOOT_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

enum { PATIENCE_US = 5000000 };

/* True when that long has passed since `*said_us`, which then is `now_us`. */
bool patience_is_over(uint64_t *said_us, uint64_t now_us);

/* Something begins that may take long: a constant, as the beginning of a sentence. */
void patience_begin(const char *what);

/* It got on: the watchdog is fed, and now and then it is said for how long it has been at it. */
void patience_feed(void);

#endif
