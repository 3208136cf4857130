/* What `plyboot doctor` finds, and where it looks. */
#ifndef PLYBOOT_DOCTOR_H
#define PLYBOOT_DOCTOR_H

#include <jansson.h>

#include "../layers/candidate.h"
#include "../layers/ext4.h"
#include "../layers/initconf.h"
#include "../layers/record.h"
#include "booted.h"
#include "ext4_read.h"
#include "initrd_read.h"
#include "options.h"

struct doctor_options {
	struct text_list image;
	const char *initrd, *kernel, *kernel_config, *time, *run;
	uint64_t memory_mib, cpus;
	bool json, verbose;
};

enum doctor_kind { DOCTOR_FAULT, DOCTOR_WARNING, DOCTOR_NOTE, DOCTOR_GOOD, DOCTOR_KINDS };

/* Of the running machine the devices that boot.json names are among the disks. */
enum { DOCTOR_DISKS = 16, DOCTOR_PLACES = 256 };

/* A partition, or a whole disk. */
struct doctor_place {
	char name[256]; /* in messages */
	int fd;         /* of its disk */
	uint64_t start_bytes, size_bytes;
	char partlabel[GPT_NAME_SIZE], partuuid[GPT_GUID_SIZE];
	bool has_ext4;
	struct ext4_identity ext4;
};

struct doctor {
	const struct doctor_options *given;
	const struct booted *booted; /* the running machine is looked at; NULL: images are */
	bool by_report;              /* ... and its settings are what boot.json says */
	size_t counts[DOCTOR_KINDS];
	json_t *findings; /* owned; NULL: they are printed */

	struct initconf conf; /* the initramfs's, or the defaults */
	struct initrd initrd;
	uint8_t *initrd_file; /* owned: what it is in */
	bool initrd_whole;    /* what was not seen of the initramfs is not in it */
	bool conf_unseen;     /* init.conf may be in what was not seen */
	struct public_key keys[LIMIT_KEYS];
	size_t key_count;
	char machine[STACK_TEXT_SIZE]; /* "": nothing says it */
	char release[STACK_TEXT_SIZE];
	uint64_t initrd_bytes; /* of its files */

	size_t disk_count, place_count;
	int disks[DOCTOR_DISKS];
	struct doctor_place places[DOCTOR_PLACES];
	bool has_logical; /* a disk has partitions that are none of these */
	const struct doctor_place *named[INITCONF_DEVICES]; /* by boot.json; NULL: it had none */
	struct record record;
};

/* One finding. `code` is ERROR_NONE for a note and what is good; `remedy` NULL: nothing. */
void doctor_say(struct doctor *doctor, enum doctor_kind kind, enum error_code code,
	const char *remedy, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Each looks at one thing and says what it finds. -1: it could not look, by no fault of what was
 * given to look at (no memory, a file that can't be opened). */
int doctor_release(struct doctor *doctor, struct error *e); /* before the initramfs */
int doctor_kernel(struct doctor *doctor, struct error *e);
int doctor_initrd(struct doctor *doctor, struct error *e);
int doctor_disks(struct doctor *doctor, struct error *e);
int doctor_machine_disks(struct doctor *doctor, struct error *e); /* instead: the running one's */
void doctor_record(struct doctor *doctor);
void doctor_state(struct doctor *doctor, bool needed);

/* False: nothing would boot, as far as `*looked`: it could be judged. `*state_needed`: a stack
 * keeps something on the state partition. */
bool doctor_stacks(struct doctor *doctor, bool *looked, bool *state_needed);

/* Keys and settings of the running machine, where no initramfs was given. */
void doctor_take_report(struct doctor *doctor);

/* What was not given of the running machine: memory, CPUs, the kernel's configuration. */
void doctor_take_machine(const struct doctor *doctor, struct doctor_options *given);

/* Which device boot.json says it was; "": none. */
const char *doctor_device_path(const struct booted *booted, enum initconf_device device);

/* Add a disk and its partitions. `is_faulty`: that it has no table is a fault. */
void doctor_add_disk(
	struct doctor *doctor, const char *path, int fd, uint64_t size_bytes, bool is_faulty);

/* See whether it has an ext4. */
void doctor_identify(struct doctor_place *place);

/* The one place that a device of init.conf's is; NULL, and it is said, when there is none or more
 * than one. */
const struct doctor_place *doctor_find(struct doctor *doctor, enum initconf_device device);

/* A note where what is read of it may be older than what a mount will show. */
void doctor_say_journal(struct doctor *doctor, const char *what, const struct doctor_place *place,
	const struct ext4 *fs);

/* gpt_read of a place. */
int doctor_read(void *context, uint64_t offset, void *buffer, size_t size_bytes);

#endif
