/* What of the running system is no news from /init: memory and room, now. */
#include <string.h>
#include <sys/statvfs.h>

#include "../layers/ceilings.h"
#include "status.h"

enum { KIB = 1024, PATH_SIZE = 4096, DIGEST_SHOWN = 12 };

static void measure(const char *path, struct status_room *out)
{
	struct statvfs fs;
	*out = (struct status_room){.known = false};
	if (statvfs(path, &fs) != 0)
		return;
	*out = (struct status_room){
		.known = true,
		.total_bytes = (uint64_t)fs.f_blocks * fs.f_frsize,
		.used_bytes = (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize,
		.free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize,
		.total_inodes = fs.f_files,
		.used_inodes = fs.f_files - fs.f_ffree,
		.free_inodes = fs.f_favail,
	};
}

void status_measure(struct status *self, const char *run)
{
	char path[PATH_SIZE];
	int length = snprintf(path, sizeof path, "%s/store", run != NULL ? run : BOOTED_DIRECTORY);
	if (self->booted.runs && length < (int)sizeof path)
		measure(path, &self->store);
	if (self->booted.upper_count > 0)
		measure(self->booted.uppers[0], &self->upper);
}

uint64_t status_kernel_bytes(const struct status_room *store)
{
	return store->used_inodes * LIMIT_ENTRY_KERNEL_BYTES;
}

const struct record_stack *status_known(const struct status *self)
{
	return self->booted.runs ? record_find(&self->record.record, &self->booted.text) : NULL;
}

static unsigned long long number_of(const json_t *object, const char *key)
{
	return (unsigned long long)json_integer_value(json_object_get(object, key));
}

static void print_layer(const json_t *layer, size_t number, FILE *to)
{
	struct digest digest;
	char hex[DIGEST_HEX + 1] = "";
	const json_t *text = json_object_get(layer, "digest");
	const char *from = json_string_value(json_object_get(layer, "from"));
	bool reused = from != NULL && strcmp(from, "reused") == 0;
	if (json_is_string(text) &&
		digest_parse(json_string_value(text), json_string_length(text), &digest))
		digest_format_hex(&digest, hex);
	(void)fprintf(to, "%-14s %zu %.*s %s, %llu bytes stored, %llu unpacked",
		number == 1 ? "layers" : "", number, DIGEST_SHOWN, hex,
		reused ? "reused" : "unpacked", number_of(layer, "stored_bytes"),
		number_of(layer, "unpacked_bytes"));
	if (!reused)
		(void)fprintf(to, ", %.0f ms", json_number_value(json_object_get(layer, "ms")));
	(void)fputc('\n', to);
}

void status_print_layers(const struct status *self, FILE *to)
{
	const json_t *list = json_object_get(self->booted.report, "layers"), *layer;
	size_t i;
	json_array_foreach(list, i, layer)
	{
		print_layer(layer, i + 1, to);
	}
}

void status_print_room(const struct status *self, FILE *to)
{
	const struct status_room *store = &self->store, *upper = &self->upper;
	if (store->known)
		(void)fprintf(to,
			"memory         %llu KiB for the layers, and about %llu KiB of the "
			"kernel's for their %llu inodes\n",
			(unsigned long long)store->used_bytes / KIB,
			(unsigned long long)status_kernel_bytes(store) / KIB,
			(unsigned long long)store->used_inodes);
	if (upper->known)
		(void)fprintf(to,
			"room           in the upper %llu of %llu KiB, %llu of %llu inodes free\n",
			(unsigned long long)upper->free_bytes / KIB,
			(unsigned long long)upper->total_bytes / KIB,
			(unsigned long long)upper->free_inodes,
			(unsigned long long)upper->total_inodes);
}
