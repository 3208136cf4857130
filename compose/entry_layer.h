/* The layer that gives a root without an init of its own a first process: /.plyboot/entry, for one
 * architecture, and /.plyboot/entry.conf. */
#ifndef PLYBOOT_ENTRY_LAYER_H
#define PLYBOOT_ENTRY_LAYER_H

#include "../layers/entryconf.h"
#include "../layers/stack.h"
#include "layout.h"

/* What a stack's `init` then says. */
#define ENTRY_LAYER_INIT "/" ENTRYCONF_PROGRAM

/*
 * Put it into the store, which takes it out again unless layout_keep() is called, and give its
 * record. The same configuration and architecture make the same layer; SOURCE_DATE_EPOCH, else 0,
 * is the time of its files. ERROR_MISSING: there is no such program for that architecture.
 * ERROR_FORMAT, ERROR_LIMIT: entryconf_decode() would refuse the configuration. ERROR_USAGE,
 * ERROR_IO, ERROR_NOSPACE.
 */
int entry_layer_add(struct layout *layout, const struct entryconf *conf, const char *architecture,
	struct layer_record *out, struct error *e);

/* What an image calls its working directory, as entry.conf has it: from / on, without empty, "."
 * and
 * ".." parts, as the container engines read it. "" is /. The caller frees; NULL without memory. */
char *entry_layer_directory(const char *given);

#endif
