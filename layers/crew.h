/*
 * A stack's layers, had in the store: those that are not there are unpacked, each by a child in a
 * jail (jailed.h), several at once. A large layer has all CPUs to itself; of small ones as many as
 * there are CPUs are under way.
 */
#ifndef PLYBOOT_CREW_H
#define PLYBOOT_CREW_H

#include "store.h"

struct crew_options {
	bool user_xattrs_supported; /* by the store's file system */
	unsigned cpus;              /* to use, at least 1 */
	unsigned jail_leave_out;    /* enum jail_part: not to use */
	unsigned jail_demand;       /* without these nothing is unpacked */
	unsigned stall_ms;          /* instead of JAILED_STALL_MS, when not 0 */
	/* Both may be NULL. The first is called several times a second while a layer is unpacked;
	 * the second for each layer, in the order of the stack, once it and all before it are
	 * there. */
	void (*progress)(void *context, size_t index, uint64_t stored_bytes);
	void (*done)(void *context, size_t index, const struct store_layer *layer, uint64_t us);
	void *context;
};

/* `out` has room for `count`. `*missing`: parts of the jail that were missing, all layers taken
 * together. Fails with the error of the lowest layer that can't be had, `*failed` its index; layers
 * that were whole by then stay. Errors of layer_unpack() and jailed_finish(). The caller has one
 * thread. */
int crew_fill_store(int store_fd, struct source *source, const struct layer_record *records,
	size_t count, const struct crew_options *options, struct store_layer *out,
	unsigned *missing, size_t *failed, struct error *e);

/* The most memory that unpacking this layer takes beside the store, with others like it. */
uint64_t crew_bytes(const struct layer_record *record, unsigned cpus);

#endif
