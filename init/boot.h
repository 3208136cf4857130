/* One boot: all that its steps hand to each other. */
#ifndef PLYBOOT_BOOT_H
#define PLYBOOT_BOOT_H

#include <sys/utsname.h>

#include "candidates.h"
#include "cmdline.h"
#include "record_io.h"
#include "report.h"
#include "store_mount.h"

struct boot {
	struct report report;
	struct utsname machine;

	struct initconf conf;
	char *cmdline; /* owned; `settings` points into it */
	struct settings settings;
	size_t key_count;
	struct public_key keys[LIMIT_KEYS];

	uint64_t deadline_us; /* for devices to turn up */
	struct source *source;
	struct record_io record;
	struct candidates found;
	struct store_mount store;

	/* For the end of the ladder: of the stack that was tried first, or init.conf's. */
	enum on_failure on_failure;
};

/* A step has ended: noted, and the watchdog fed. */
void boot_step(struct boot *boot, const char *name);

/* /etc/plyboot/init.conf and the command line (config.c). ERROR_CONFIG. */
int boot_configure(struct boot *boot, struct error *e);

/* /etc/plyboot/keys/ (config.c), left for the running system in /run/plyboot/keys/ as well.
 * ERROR_KEY names the file, or says that there are none. */
int boot_read_keys(struct boot *boot, struct error *e);

/* The layers partition, the record, and what could boot (find.c). ERROR_DEVICE, ERROR_KERNEL and
 * those of candidates_find(). */
int boot_find_stacks(struct boot *boot, struct error *e);

/* Verify, unpack and mount one stack (rung.c): `*init` is what to run in OVERLAY_PATH. When it
 * fails, no root is mounted, and whole layers stay in the store. */
int rung_climb(
	struct boot *boot, const struct candidate *candidate, const char **init, struct error *e);

/* One stack after the other, best first, until one boots (ladder.c). Returns only when none did. */
int ladder_climb(struct boot *boot, struct error *e);

/* The end of it, which is never an exit (ending.c). */
_Noreturn void ending_run(const struct boot *boot, const struct error *why);

#endif
