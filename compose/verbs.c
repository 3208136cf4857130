#include "verbs.h"

const struct verb *const verbs[] = {
	&verb_keygen,
	&verb_pack,
	&verb_import,
	&verb_diff,
	&verb_entry,
	&verb_stack,
	&verb_sign,
	&verb_verify,
	&verb_inspect,
	&verb_ls,
	&verb_cat,
	&verb_export,
	&verb_push,
	&verb_pull,
	&verb_initramfs,
	&verb_image,
	&verb_boot,
	NULL,
};
