#include "verbs.h"

const struct verb *const verbs[] = {
	&verb_keygen,
	&verb_pack,
	&verb_diff,
	&verb_commit,
	&verb_stack,
	&verb_sign,
	&verb_verify,
	&verb_inspect,
	&verb_store,
	&verb_gc,
	&verb_initramfs,
	&verb_image,
	&verb_boot,
	NULL,
};
