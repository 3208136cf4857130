/* Shared by store.c, crew.c and synthetic.c. */
#ifndef PLYBOOT_STORE_PRIVATE_H
#define PLYBOOT_STORE_PRIVATE_H

#include "store.h"

/* Where a layer is unpacked, beside the whole ones. */
struct store_place {
	char id[DIGEST_HEX + 1];
	char name[DIGEST_HEX + sizeof "new-"];
	int layer_fd, root_fd; /* -1: none */
};

#define STORE_PLACE_NONE ((struct store_place){.layer_fd = -1, .root_fd = -1})

/* Is the layer there, whole? Then what store_add() gives for it. */
int store_look(int store_fd, const struct layer_record *record, bool *there,
	struct store_layer *out, struct error *e);

/* Make a place, unpack below its root_fd, then keep the layer under its name, which gives up the
 * place; or abandon it, whatever became of it. */
int store_begin(int store_fd, const struct digest *id, struct store_place *out, struct error *e);
int store_keep(int store_fd, struct store_place *place, struct unpack_result *result,
	struct store_layer *out, struct error *e);
void store_abandon(int store_fd, struct store_place *place);

/* openat2 below a directory, through no symlink, on the same mount; "" is the directory itself. */
int store_open_below(int dir_fd, const char *path, int flags);

/* Does overlayfs take the directory for opaque? -1 with errno when that can't be told: it must not
 * pass for a no. */
int store_is_opaque(int fd, bool *out);

#endif
