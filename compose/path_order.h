/* The order of a walk through a tree. */
#ifndef PLYBOOT_PATH_ORDER_H
#define PLYBOOT_PATH_ORDER_H

/* Negative, 0, positive: "a", "a/b", "a-b". A directory's entries follow it at once, whatever bytes
 * its neighbours' names have. */
int path_compare(const char *a, const char *b);

#endif
