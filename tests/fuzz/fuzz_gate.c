/* The tar gate: cut differently, the same bytes give the same verdict and the same entries. */
#include <stdbool.h>

#include "ceilings.h"
#include "checksums.h"
#include "gate.h"
#include "tar_mutator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	int result;
	enum error_code code;
	size_t entries;
	uint64_t bytes; /* of all files */
};

static void check_entry(const struct gate_entry *entry)
{
	bool link = entry->type == '1' || entry->type == '2';
	must(entry->path != NULL && strchr("0123456", entry->type) != NULL);
	must(link == (entry->link != NULL) && (!link || entry->link[0] != '\0'));
	must(entry->type == '0' || entry->size_bytes == 0);
	must(entry->size_bytes <= LIMIT_LAYER_UNPACKED_BYTES);
	must(entry->mtime.tv_nsec >= 0 && entry->mtime.tv_nsec < 1000000000);
}

static struct outcome run(const uint8_t *data, size_t size, size_t chunk)
{
	struct gate *gate = NULL;
	struct error e = {0};
	struct outcome out = {0};
	must(gate_open(&gate, &e) == 0);
	for (size_t at = 0; at < size && out.result == 0; at += chunk)
		out.result = gate_push(gate, data + at, chunk < size - at ? chunk : size - at, &e);
	for (const struct gate_entry *entry; (entry = gate_pop(gate)) != NULL;) {
		check_entry(entry);
		out.entries++;
		out.bytes += entry->size_bytes;
	}
	if (out.result == 0)
		out.result = gate_finish(gate, &e);
	else
		must(gate_push(gate, data, 1, NULL) != 0);
	out.code = out.result == 0 ? ERROR_NONE : e.code;
	gate_close(gate);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *mended = checksums_mend(data, size);
	struct outcome whole = run(mended, size, size > 0 ? size : 1), cut = run(mended, size, 7);
	free(mended);
	must(whole.result == cut.result && whole.code == cut.code && whole.entries == cut.entries &&
		whole.bytes == cut.bytes);
	must(whole.code == ERROR_NONE || whole.code == ERROR_TAR || whole.code == ERROR_TYPE ||
		whole.code == ERROR_PATH || whole.code == ERROR_LIMIT || whole.code == ERROR_XATTR);
	return 0;
}
