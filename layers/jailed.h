/*
 * One layer, unpacked by a child in a jail (jail.h; DESIGN.md 1.6): it holds the blob, the
 * destination and a pipe, and nothing else. Its death, whatever the reason, is one more bad layer.
 * It is ended when it uses JAILED_STALL_MS of CPU time without a sign of life, or far more than its
 * signed numbers can take; never for being slow.
 */
#ifndef PLYBOOT_JAILED_H
#define PLYBOOT_JAILED_H

#include "unpack.h"

enum { JAILED_STALL_MS = 10000 };

struct jailed_request {
	struct stream *stream; /* lives as long as the child */
	const struct layer_record *record;
	int root_fd;                                /* on a mount with nodev */
	const struct layer_unpack_options *options; /* but for progress and beats */
	unsigned leave_out; /* parts of the jail (enum jail_part) not to use */
	unsigned demand;    /* parts without which nothing is unpacked */
	unsigned stall_ms;  /* instead of JAILED_STALL_MS, when not 0 */
};

struct jailed;

/* ERROR_NOSPACE, ERROR_IO. The caller has one thread. End it with jailed_finish() or jailed_kill().
 */
int jailed_start(const struct jailed_request *request, struct jailed **out, struct error *e);

/* To poll(2) for input. */
int jailed_descriptor(const struct jailed *jailed);

/* Take what it has to say. True: it is over, or has to be. */
bool jailed_read(struct jailed *jailed);

/* To be called now and then: true when it is over since it made no headway. */
bool jailed_is_stalled(struct jailed *jailed);

/* Stored bytes that it is done with, as it says: for a person to see. */
uint64_t jailed_progress(const struct jailed *jailed);

/* What became of it; frees it. `*missing`: parts that its jail lacked (also on failure). The
 * child's error, or ERROR_JAIL; ERROR_KERNEL: a part that is demanded is missing. */
int jailed_finish(
	struct jailed *jailed, struct unpack_result *out, unsigned *missing, struct error *e);

/* End it, whatever it does; NULL is fine. */
void jailed_kill(struct jailed *jailed);

/* The most memory that a child takes, for who must know before. */
uint64_t jailed_bytes(const struct layer_record *record, unsigned workers);

#endif
