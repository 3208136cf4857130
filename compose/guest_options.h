/* What `plyboot boot` and `plyboot run` are told of their guests alike. */
#ifndef PLYBOOT_GUEST_OPTIONS_H
#define PLYBOOT_GUEST_OPTIONS_H

#include "../qemu/boot.h"
#include "options.h"

struct guest_options {
	const char *architecture; /* NULL: this machine's */
	const char *append, *forward;
	struct text_list disks, qemu_arguments;
	uint64_t cpus;
	bool snapshot, network;
};

/* Their rows in a verb's table: `options_` is its structure, which has a guest_options as `guest`,
 * and `memory_` that structure's field for --memory. */
#define GUEST_FIELD(options_, name_) .offset = offsetof(options_, guest.name_)
#define GUEST_OPTIONS_OF_MACHINE(options_, memory_)                                                \
	{.name = "--arch",                                                                         \
		.kind = OPTION_TEXT,                                                               \
		GUEST_FIELD(options_, architecture),                                               \
		.value = "A",                                                                      \
		.help = "as `uname -m` says it; default: this machine's"},                         \
		{.name = "--memory",                                                               \
			.kind = OPTION_NUMBER,                                                     \
			.offset = offsetof(options_, memory_),                                     \
			.value = "MIB",                                                            \
			.help = "of the guest",                                                    \
			.fallback = "1024",                                                        \
			.min = 16,                                                                 \
			.max = 1 << 24},                                                           \
	{                                                                                          \
		.name = "--cpus", .kind = OPTION_NUMBER, GUEST_FIELD(options_, cpus),              \
		.value = "N", .help = "of the guest", .fallback = "1", .min = 1, .max = 255        \
	}
#define GUEST_OPTIONS_OF_DEVICES(options_)                                                         \
	{.name = "--network",                                                                      \
		.kind = OPTION_FLAG,                                                               \
		GUEST_FIELD(options_, network),                                                    \
		.help = "give the guest a network that reaches what this machine reaches"},        \
		{.name = "--forward",                                                              \
			.kind = OPTION_TEXT,                                                       \
			GUEST_FIELD(options_, forward),                                            \
			.value = "RULE",                                                           \
			.help = "with --network: QEMU's hostfwd, such as "                         \
				"tcp:127.0.0.1:8080-:80"},                                         \
		{.name = "--disk",                                                                 \
			.kind = OPTION_LIST,                                                       \
			GUEST_FIELD(options_, disks),                                              \
			.value = "FILE",                                                           \
			.help = "a further disk: /dev/vdb, /dev/vdc ..."},                         \
		{.name = "--snapshot",                                                             \
			.kind = OPTION_FLAG,                                                       \
			GUEST_FIELD(options_, snapshot),                                           \
			.help = "write nothing to the disks' files: changes are lost at the end"}, \
		{.name = "--append",                                                               \
			.kind = OPTION_TEXT,                                                       \
			GUEST_FIELD(options_, append),                                             \
			.value = "WORDS",                                                          \
			.help = "more words for the kernel's command line"},                       \
	{                                                                                          \
		.name = "--qemu-arg", .kind = OPTION_LIST, GUEST_FIELD(options_, qemu_arguments),  \
		.value = "ARG", .help = "one more argument for QEMU"                               \
	}

/* Of both verbs' texts: qemu/machine.c says why. */
#define GUEST_SANDBOX_TEXT                                                                         \
	"QEMU runs in seccomp's sandbox where it has one: it can start no program and not change " \
	"its user. With a --qemu-arg, which may need that, it can.\n\n"

/* ERROR_USAGE: one without the other. */
int guest_options_check(const struct guest_options *given, struct error *e);

/* What a request only points to. All zero is empty. */
struct guest_lists {
	struct qemu_disk *disks; /* owned, but for their paths */
	const char **arguments;  /* owned, but for the words */
};

void guest_lists_free(struct guest_lists *lists);

/* Fill a request with what was given. `architecture` where none was; `first` is the disk before the
 * others. The lists must outlive the request; the caller frees them in each case. ERROR_NOSPACE. */
int guest_options_fill(const struct guest_options *given, const char *architecture,
	struct qemu_disk first, struct guest_lists *lists, struct qemu_request *request,
	struct error *e);

#endif
