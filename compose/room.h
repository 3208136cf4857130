/* Which files and directories of a tree take the room, and which are hidden. */
#ifndef PLYBOOT_ROOM_H
#define PLYBOOT_ROOM_H

#include "merged.h"

enum { ROOM_MOST = 10 };

struct room_item {
	uint64_t bytes;
	const char *path;
	uint16_t layer; /* that it is of; of a directory, the topmost one that has it */
	uint16_t by;    /* hidden: the layer that took its last name away */
};

/* The largest first; of equal ones in the order of a walk. None of 0 bytes. */
struct room_list {
	size_t count;
	struct room_item items[ROOM_MOST];
};

struct room {
	uint64_t files, directories, implied, symlinks, devices, fifos, whiteouts, opaque;
	uint64_t links; /* further names of files */
	uint64_t bytes; /* of all files */
	struct room_list biggest_files;
	struct room_list biggest_directories; /* by all that lies below; without the root */
	struct merged_sum hidden;             /* of lower layers: names that upper ones took away */
	struct room_list biggest_hidden;
};

/* ERROR_NOSPACE. The paths are the tree's. */
int room_of(const struct merged *merged, struct room *out, struct error *e);

#endif
