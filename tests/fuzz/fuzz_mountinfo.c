/* /proc/self/mountinfo, whose mount points anybody with a user namespace can name. */
#include <string.h>

#include "init/down/mountinfo.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = must_copy(data, size);
	size_t room = mountinfo_parse(text, NULL, 0);
	struct mount_point *mounts = calloc(room + 1, sizeof *mounts);
	must(mounts != NULL);
	size_t count = mountinfo_parse(text, mounts, room);
	must(count <= room);
	for (size_t i = 0; i < count; i++) {
		must(mounts[i].path[0] == '/');
		must(mounts[i].path >= text && mounts[i].path < mounts[i].type);
		must(mounts[i].type + strlen(mounts[i].type) <= text + size);
	}
	mountinfo_deepest_first(mounts, count);
	for (size_t i = 1; i < count; i++)
		must(strlen(mounts[i - 1].path) >= strlen(mounts[i].path));
	free(mounts);
	free(text);
	return 0;
}
