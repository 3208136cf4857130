/* Layers in a few words: each event as unpacking's observer would give it, and what the result
 * says. */
#ifndef PLYBOOT_TEST_LAYERS_OF_H
#define PLYBOOT_TEST_LAYERS_OF_H

#include <stdlib.h>

#include "compose/merged.h"
#include "tap.h"

struct event {
	/* As in a tar, or LAYER_INDEX_WHITEOUT; 'i', 'f': implied, and fresh; 'n': neither, but
	 * with whiteouts; 'o': opaque. */
	char type;
	const char *path, *link;
	uint64_t size;
	unsigned mode;
};

enum { EVENTS = 16 };

static inline int index_of(const struct event *events, struct layer_index *index, struct error *e)
{
	struct unpack_result result = {0};
	int status = 0;
	*e = (struct error){0};
	for (size_t i = 0; i < EVENTS && events[i].path != NULL && status == 0; i++) {
		const struct event *event = &events[i];
		const struct tree_entry entry = {.path = event->path,
			.type = event->type,
			.mode = event->mode != 0 ? event->mode : 0644,
			.link = event->link,
			.uid = 7};
		if (event->type == 'i' || event->type == 'f' || event->type == 'n')
			status = path_list_add(&result.implied, event->path,
				event->type == 'f'   ? IMPLIED_FRESH
				: event->type == 'n' ? IMPLIED_NOT
						     : IMPLIED_MERGED,
				e);
		else if (event->type == 'o')
			status = path_list_add(&result.opaque, event->path, 0, e);
		else if (event->type == LAYER_INDEX_WHITEOUT)
			status = layer_index_add_whiteout(index, event->path, e);
		else
			status = layer_index_add(index, &entry, event->size, e);
	}
	if (status == 0)
		status = layer_index_finish(index, &result, e);
	unpack_result_free(&result);
	return status;
}

#endif
