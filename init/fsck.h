/*
 * The check of the state partition, before it is mounted: with e2fsck, if the initramfs has one
 * (`plyboot initramfs --fsck`). `e2fsck -p` in each boot, as everybody does it: of a file system
 * that was unmounted cleanly it reads the superblock, and of one that was not it replays the
 * journal; all of it is read only when the kernel has noted an error.
 */
#ifndef PLYBOOT_FSCK_H
#define PLYBOOT_FSCK_H

#include "checker.h"
#include "report.h"

#define FSCK_PROGRAM "/sbin/e2fsck"

enum fsck_result {
	FSCK_CLEAN,
	FSCK_CORRECTED,
	FSCK_UNCORRECTED, /* there is damage that takes a person to decide about */
	FSCK_FAILED,      /* nobody knows: the program did not come to its end */
	FSCK_RESULTS
};

/* What the end of a check says: bits of the exit status are those of fsck(8). */
enum fsck_result fsck_judge(const struct checker_ending *ending);

/* "clean", "corrected", "uncorrected" or "failed" */
const char *fsck_result_name(enum fsck_result result);

/* The ending's last lines as one line; "" when it said nothing. */
enum { FSCK_WORDS_SIZE = 200 };
void fsck_last_words(const struct checker_ending *ending, char out[FSCK_WORDS_SIZE]);

/*
 * Once in a boot; nothing happens where there is no program, init.conf has none, or no ext4 file
 * system is there. 0: mount it; what was corrected, and a check that failed, are said. ERROR_IO: do
 * not; it has damage that `e2fsck -p` leaves, or the superblock says that there is some and the
 * check failed. The same answer when it is asked again.
 */
int fsck_check(const char *device, struct report *report, struct error *e);

#endif
