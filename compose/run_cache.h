/*
 * What is the same from run to run, made once: directories named after the digest of all that went
 * into them, in run/ of the cache directory (qemu/accel.h), readable for nobody else. An entry
 * appears whole or not at all. Its file `whole` tells of its files which they are (inode, size,
 * times of change); one of which that is not so, or that is another user's, is made anew.
 */
#ifndef PLYBOOT_RUN_CACHE_H
#define PLYBOOT_RUN_CACHE_H

#include <limits.h>
#include <stdbool.h>

#include "../layers/digest.h"
#include "scratch_guard.h"

#define RUN_CACHE_MOST_BYTES (UINT64_C(8) << 30)

struct run_cache {
	int fd; /* -1: nothing is kept */
	uint64_t most_bytes;
};

#define RUN_CACHE_INIT                                                                             \
	{                                                                                          \
		.fd = -1, .most_bytes = RUN_CACHE_MOST_BYTES                                       \
	}

/* Open it. With `keep` false, and where there is no place for one, nothing is kept: what is made
 * lies in TMPDIR, and goes away when the run ends. */
void run_cache_open(bool keep, struct run_cache *out);
void run_cache_close(struct run_cache *cache);
#define SCOPED_RUN_CACHE __attribute__((cleanup(run_cache_close))) struct run_cache

/* A directory that is there as long as it is held: nobody removes it. */
struct run_entry {
	int fd; /* -1: none */
	bool found;
	char path[PATH_MAX];
	struct scratch scratch; /* of one that is not kept */
	struct scratch_guard guard;
};

#define RUN_ENTRY_INIT                                                                             \
	{                                                                                          \
		.fd = -1, .scratch = SCRATCH_INIT, .guard = SCRATCH_GUARD_INIT                     \
	}

/* Makes all of an entry in the empty directory `dir_fd`. */
typedef int run_cache_make(void *context, int dir_fd, struct error *e);

/*
 * Take the entry of that key, or have it made. `files`, ended by NULL, are what `whole` tells of.
 * An entry that many runs ask for at once may be made by each; one is kept. ERROR_IO,
 * ERROR_NOSPACE, and what `make` says.
 */
int run_cache_take(struct run_cache *cache, const struct digest *key, const char *const *files,
	run_cache_make *make, void *context, struct run_entry *out, struct error *e);
void run_entry_release(struct run_entry *entry);

/* Make sure that the next run makes it anew. */
void run_entry_spoil(struct run_entry *entry);

#endif
