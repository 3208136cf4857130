#include "guest_options.h"

#include <stdlib.h>

int guest_options_check(const struct guest_options *given, struct error *e)
{
	if (given->forward != NULL && !given->network)
		return error_set(e, ERROR_USAGE, 0, "--forward goes with --network");
	return 0;
}

void guest_lists_free(struct guest_lists *lists)
{
	free(lists->disks);
	free(lists->arguments);
	*lists = (struct guest_lists){0};
}

int guest_options_fill(const struct guest_options *given, const char *architecture,
	struct qemu_disk first, struct guest_lists *lists, struct qemu_request *request,
	struct error *e)
{
	const struct text_list *disks = &given->disks, *more = &given->qemu_arguments;
	lists->disks = calloc(disks->count + 1, sizeof *lists->disks);
	/* QEMU's own arguments end with NULL; the list has no room for it. */
	lists->arguments = calloc(more->count + 1, sizeof *lists->arguments);
	if (lists->disks == NULL || lists->arguments == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	lists->disks[0] = first;
	for (size_t i = 0; i < disks->count; i++)
		lists->disks[i + 1] =
			(struct qemu_disk){.path = disks->items[i], .snapshot = given->snapshot};
	for (size_t i = 0; i < more->count; i++)
		lists->arguments[i] = more->items[i];
	request->architecture = given->architecture != NULL ? given->architecture : architecture;
	request->append = given->append;
	request->cpus = (unsigned)given->cpus;
	request->disks = lists->disks;
	request->disk_count = disks->count + 1;
	request->network = given->network;
	request->host_forward = given->forward;
	request->extra = lists->arguments;
	return 0;
}
