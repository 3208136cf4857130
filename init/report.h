/* What this boot did and why, for /run/plyboot/boot.json. Warnings are said on the console as well.
 */
#ifndef PLYBOOT_REPORT_H
#define PLYBOOT_REPORT_H

#include <stdbool.h>

#include "candidate.h"
#include "initconf.h"

struct json_text;

enum {
	REPORT_WARNINGS = 64,
	REPORT_STEPS = 64,
	REPORT_LINE_SIZE = 400,
	REPORT_DEVICE_SIZE = 256,
	REPORT_DIR_SIZE = 192
};

struct report_layer {
	struct layer_record record;
	struct digest id;
	bool reused;
	uint64_t start_us; /* as clock_us(), as long as nothing is suspended; 0: reused */
	uint64_t us;
};

/* A stack file that was refused, or a stack that was tried and did not boot. */
struct report_failure {
	char what[STACK_FILE_NAME_SIZE];
	enum error_code code;
	char reason[ERROR_TEXT_SIZE];
};

/* The check of the state partition's file system. */
struct report_fsck {
	const char *result; /* a constant; NULL: there was none */
	int status;         /* that the program exited with; -1: it did not */
	uint64_t us;
};

/* What a persistent path of the stack is in this boot. */
struct report_persist {
	const char *path;
	bool kept, seeded; /* kept: served from the state partition; seeded: for the first time */
	char why[REPORT_LINE_SIZE]; /* "" when it is kept */
};

/* A newer stack that was not tried before the one that is. */
struct report_passed_over {
	char what[STACK_FILE_NAME_SIZE];
	const char *reason; /* a constant */
};

struct report_step {
	const char *name; /* a constant */
	uint64_t us;
};

struct report {
	uint64_t start_us, mark_us; /* when /init started; when the last step ended */
	size_t step_count;
	struct report_step steps[REPORT_STEPS];
	size_t warning_count;
	char warnings[REPORT_WARNINGS][REPORT_LINE_SIZE];
	size_t refused_count;
	struct report_failure refused[LIMIT_STACK_FILES];
	size_t failed_count;
	struct report_failure failed[LIMIT_STACK_FILES];
	size_t passed_over_count;
	struct report_passed_over passed_over[LIMIT_STACK_FILES];
	char record[REPORT_LINE_SIZE]; /* in which state the record was found */
	const struct initconf *conf;
	char device[INITCONF_DEVICES][REPORT_DEVICE_SIZE]; /* "" when it was not found */
	const char *watchdog;                              /* its device, NULL: none is armed */
	unsigned watchdog_s;
	struct report_fsck fsck;
	bool watchdog_reset;   /* it caused the last reset */
	unsigned jail_missing; /* enum jail_part: what any layer's jail lacked */

	/* Of the stack that is being tried. */
	const struct candidate *candidate;
	bool counted; /* the record knows it */
	bool confirmed;
	unsigned tries_left;
	size_t layer_count;
	struct report_layer *layers; /* owned; room for LIMIT_LAYERS */
	const char *overlay_method;  /* NULL until mounted */
	size_t lower_count;
	const char *upper;
	bool upper_trial;
	char upper_dirs[2]
		       [REPORT_DIR_SIZE]; /* of the upper, and of the base below it; "" for none */
	unsigned long aside;   /* number in the archive of the upper that is set aside; 0: none */
	const char *aside_why; /* a constant */
	char upper_why[REPORT_LINE_SIZE]; /* "" when it is what the stack asks for */
	size_t persist_count;
	struct report_persist persist[LIMIT_PERSIST_PATHS];
	const char *init;
};

/* `conf` stays the caller's, and may change. */
void report_start(struct report *report, const struct initconf *conf);

/* The step that has just ended; it began where the one before it ended. */
void report_step(struct report *report, const char *name);

/* `context` is a struct report: the form that cmdline.h and modules.h call. */
void report_warn_line(void *context, const char *line);
void report_warn(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same, said even when only errors are. */
void report_alarm(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void report_refused(struct report *report, const char *file_name, const struct error *why);

/* Once for each stack: `reason` is a constant. */
void report_passed_over(struct report *report, const char *file_name, const char *reason);

/* Begin with a candidate; forget what was noted of the one before. ERROR_NOSPACE. */
int report_try(struct report *report, const struct candidate *candidate, struct error *e);
void report_failed(struct report *report, const struct error *why);

/* One line with every stack that was tried and every file that was refused, and the code of why:
 * always said. Nothing when there are none. */
void report_say_failures(const struct report *report);

/* The text of boot.json, `now_us` after the kernel's start: init/BOOT.md describes it. */
void report_json(const struct report *report, uint64_t now_us, struct json_text *json);

/* Write boot.json into /run/plyboot, whole or not at all. */
int report_write(const struct report *report, struct error *e);

#endif
