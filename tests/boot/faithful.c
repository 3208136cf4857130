/*
 * Random trees for tests/boot/faithful.t, and what there is to compare of them.
 *
 *     faithful make SEED DIR      a random tree; as `make-plain` without user.* attributes
 *     faithful list DIR           a line for each name: type, mode, owner, time, size, contents,
 *                                 hard links, xattrs
 */
#include "layers/random_tree.h"

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	(void)umask(0);
	if (argc == 3 && strcmp(verb, "list") == 0) {
		struct bytes listing = list_tree(argv[2], NULL, 0);
		return fwrite(listing.data, listing.size - 1, 1, stdout) == 1 ? 0 : 1;
	}
	if (argc == 4 && strncmp(verb, "make", 4) == 0) {
		tree_seed = strtoull(argv[2], NULL, 10);
		tree_without_user_xattrs = strcmp(verb, "make-plain") == 0;
		make_tree(argv[3]);
		return 0;
	}
	fputs("usage: faithful make|make-plain SEED DIR, or list DIR\n", stderr);
	return 2;
}
