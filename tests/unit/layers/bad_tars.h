/* The catalogue's bad tars: each by name, once signed and once not, with a twin that differs only
 * in not being bad; and those that look bad and are allowed, with what they must become. */
#ifndef PLYBOOT_TEST_BAD_TARS_H
#define PLYBOOT_TEST_BAD_TARS_H

#include "promise.h"
#include "verdicts.h"

/* One thing of the catalogue. */
struct bad_tar {
	const char *row, *name;
	enum error_code code; /* ERROR_NONE: `bad` is allowed, and `check` likes what comes of it */
	struct item bad[9];   /* the tar, or what `make` makes: */
	struct item twin[9];  /* may be empty: then nothing is nearly the same and good */
	check_function *check; /* of the twin, or of what is allowed */
	void (*make)(const struct bad_tar *self, bool bad, struct bytes *tar);
	char type; /* for `make` */
	size_t number, twin_number;
	const char *text, *twin_text;
	size_t text_bytes, twin_text_bytes; /* strlen() when left out */
};

static size_t catalogue_rows, catalogue_tests;

static inline void make_tar(const struct bad_tar *self, bool bad, struct bytes *tar)
{
	*tar = (struct bytes){0};
	if (self->make != NULL)
		self->make(self, bad, tar);
	else
		*tar = tar_of(bad ? self->bad : self->twin);
}

static inline bool has_twin(const struct bad_tar *self)
{
	return self->make != NULL || self->twin[0].path != NULL || self->twin[0].pax_path != NULL;
}

static inline void run_bad_tar(const struct bad_tar *self)
{
	struct bytes tar;
	make_tar(self, true, &tar);
	if (self->code == ERROR_NONE)
		ok(tar_is_taken(&tar, self->check), "catalogue: %s: %s: allowed", self->row,
			self->name);
	else
		ok(tar_is_refused(&tar, self->code), "catalogue: %s: %s: %s", self->row, self->name,
			error_code_name(self->code));
	ok(tar_is_refused_unsigned(&tar), "... unsigned: DIGEST, and nothing is made");
	bytes_free(&tar);
	catalogue_rows++;
	catalogue_tests += 2;
	if (self->code != ERROR_NONE && has_twin(self)) {
		make_tar(self, false, &tar);
		ok(tar_is_taken(&tar, self->check), "... its twin is taken");
		bytes_free(&tar);
		catalogue_tests++;
	}
}

static inline void run_bad_tars(const struct bad_tar *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		run_bad_tar(&items[i]);
}
#define RUN_BAD_TARS(items) run_bad_tars(items, sizeof(items) / sizeof *(items))

/* The plan, the counts, and the exit status. */
static inline int catalogue_done(void)
{
	promise_result("P2", canary_trees, "unpackings inside canary trees", canaries_touched);
	printf("# catalogue: %zu rows, %zu tests\n", catalogue_rows, catalogue_tests);
	return done();
}

#endif
