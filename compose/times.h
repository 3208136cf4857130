/* What a boot took before /init and behind it, as others tell it: the kernel's log, and systemd.
 * Both are foreign text: what is no time in them is refused or left out, never guessed at. Times
 * are microseconds since the kernel started. */
#ifndef PLYBOOT_TIMES_H
#define PLYBOOT_TIMES_H

#include <stddef.h>
#include <stdint.h>

#include "../layers/error.h"

enum {
	TIMES_MAX_BYTES = 16 * 1024 * 1024, /* of a text */
	TIMES_UNITS = 16384,
	TIMES_NAME_SIZE = 256, /* systemd's names have 255 bytes at most */
	TIMES_GAPS = 8,
	TIMES_MESSAGE_SIZE = 256 /* a longer one is cut */
};

/* A later one is none of a boot: 31 years. */
#define TIMES_MAX_US 1000000000000000u

/* What systemd does before its first unit. */
enum times_phase { TIMES_SECURITY, TIMES_GENERATORS, TIMES_LOADING, TIMES_PHASES };

struct times_span {
	uint64_t start_us, end_us; /* both 0: nothing is known of it */
};

struct times_unit {
	char name[TIMES_NAME_SIZE]; /* any bytes but NUL and line feeds */
	struct times_span span;     /* from leaving "inactive" to "active", or to its end */
};

struct times_systemd {
	uint64_t start_us, finish_us; /* 0: it had not finished */
	struct times_span phases[TIMES_PHASES];
	size_t count;
	struct times_unit *units; /* owned; of the boot alone, what took longest first */
};

/*
 * The text of `systemctl show` (the manager's properties), and in it or behind it any number of
 * units', as `systemctl show '*'` prints them: KEY=VALUE lines, blocks parted by empty lines. Other
 * keys are passed over. Units that began or were restarted behind the boot's end are left out.
 * ERROR_FORMAT: a NUL, no manager or two, a key twice, a time that is none; ERROR_LIMIT: more than
 * TIMES_UNITS, or TIMES_MAX_BYTES; ERROR_NOSPACE. To be freed after success only.
 */
int times_systemd_parse(
	const uint8_t *bytes, size_t size_bytes, struct times_systemd *out, struct error *e);
void times_systemd_free(struct times_systemd *times);

/* The same, of the systemd that runs here: what it answers within some seconds. ERROR_MISSING: none
 * runs; ERROR_IO: it gave no answer; and those of times_systemd_parse(). */
int times_systemd_ask(struct times_systemd *out, struct error *e);

struct times_gap {
	struct times_span span;
	char message[TIMES_MESSAGE_SIZE]; /* the one that ends it; "": what we asked for began */
};

struct times_kernel {
	uint64_t first_us; /* of the first message: what was said before may be gone */
	size_t count;
	struct times_gap gaps[TIMES_GAPS]; /* the longest, in the order of time */
};

/* The gaps between messages before `end_us`, in the text of `dmesg`, `dmesg -r` or `journalctl -k
 * -o short-monotonic`; only those of 5 ms and more. Lines without a time are passed over.
 * ERROR_FORMAT: a NUL, or no line has a time; ERROR_LIMIT: over TIMES_MAX_BYTES. */
int times_kernel_parse(const uint8_t *bytes, size_t size_bytes, uint64_t end_us,
	struct times_kernel *out, struct error *e);

#endif
