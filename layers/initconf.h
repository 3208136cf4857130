/* init.conf: what an initramfs fixes for its boots, /etc/plyboot/init.conf in it. The host command
 * writes it, /init reads it. init/BOOT.md describes every key. */
#ifndef PLYBOOT_INITCONF_H
#define PLYBOOT_INITCONF_H

#include <stdbool.h>

#include "stack.h"

enum {
	INITCONF_MAX_BYTES = 64 * 1024,
	INITCONF_MAX_MODULES = 256,
	INITCONF_MAX_KEEPS = 16,
	INITCONF_MAX_WAIT_S = 3600,
	INITCONF_WAIT_S = 30, /* when nothing is said */
	INITCONF_UPPER_TRIES = 5,
	INITCONF_UPPER_TRIES_MOST = 99,
	INITCONF_WATCHDOG_S = 60,
	INITCONF_WATCHDOG_MOST_S = 86400,
	INITCONF_FSCK_S = 600,
	INITCONF_FSCK_MOST_S = 86400
};

/* Who may still change a setting: nobody once it is fixed. */
enum initconf_how { INITCONF_ABSENT, INITCONF_DEFAULT, INITCONF_FIXED };

enum initconf_device { INITCONF_LAYERS, INITCONF_STATE, INITCONF_RECORD, INITCONF_DEVICES };

enum initconf_log { INITCONF_LOG_QUIET, INITCONF_LOG_NORMAL, INITCONF_LOG_DEBUG, INITCONF_LOGS };

/* How unpacking shows how far it is; INITCONF_PROGRESS_AUTO: a bar on a screen, else lines. */
enum initconf_progress {
	INITCONF_PROGRESS_AUTO,
	INITCONF_PROGRESS_BAR,
	INITCONF_PROGRESS_LINES,
	INITCONF_PROGRESS_OFF,
	INITCONF_PROGRESSES
};

struct initconf_module {
	const char *path;
	const char *parameters; /* "" for none */
};

/* Strings lie in `text` or are constants. What init.conf leaves out has its compiled-in default. */
struct initconf {
	char *text; /* owned */

	const char *device[INITCONF_DEVICES]; /* "none": go without */
	enum initconf_how device_how[INITCONF_DEVICES];
	const char *stack; /* NULL: any one name */
	enum initconf_how stack_how;
	unsigned wait_s;
	enum initconf_how wait_how;
	enum initconf_log log;
	enum initconf_how log_how;
	enum initconf_progress progress;

	bool upper_volatile;
	uint64_t floor;
	unsigned signatures;
	uint8_t tries;          /* of an unconfirmed stack */
	unsigned upper_tries;   /* boots until a confirmed one's upper is set aside; 0: never */
	unsigned watchdog_s;    /* 0: it is left alone */
	bool watchdog_demanded; /* init.conf gives its time, so there should be one */
	unsigned fsck_s;        /* how long a check may take; 0: none is made */
	size_t revoked_count;
	struct digest revoked[LIMIT_KEYS];
	size_t module_count;
	struct initconf_module *modules; /* owned */
	bool jail_whole;                 /* unpack only in a jail that lacks nothing */
	bool allow_init, allow_reset;
	size_t keep_count;
	const char *keep[INITCONF_MAX_KEEPS]; /* paths that no reset takes away */
	const char *shell;                    /* NULL: no shell, ever */
	enum on_failure on_failure;
};

/* The compiled-in defaults: what an empty init.conf says. */
void initconf_defaults(struct initconf *out);

/* ERROR_CONFIG, naming the line: unknown or repeated keys, values that can't be, bytes that are no
 * text. ERROR_NOSPACE. On success the caller frees with initconf_free(). */
int initconf_parse(const char *text, size_t size_bytes, struct initconf *out, struct error *e);

void initconf_free(struct initconf *conf);

/* What a value must look like; the command line is held to the same. */
bool initconf_device_valid(enum initconf_device device, const char *text);
bool initconf_stack_valid(const char *name);
bool initconf_program_valid(const char *path); /* absolute, normal, at most 255 bytes */
bool initconf_wait_parse(const char *text, unsigned *seconds);
bool initconf_log_parse(const char *text, enum initconf_log *log);

/* "auto", "bar", "lines", "off" */
const char *initconf_progress_name(enum initconf_progress progress);

/* "layers", "state", "record" */
const char *initconf_device_name(enum initconf_device device);

#endif
