/* The tar gate: cut differently, the same bytes give the same verdict and the same entries. */
#include <stdlib.h>
#include <string.h>

#include "checksums.h"
#include "gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run(
	const uint8_t *data, size_t size, size_t chunk, size_t *entries, enum error_code *code)
{
	struct gate *gate = NULL;
	struct error e = {0};
	int result = 0;
	*entries = 0;
	if (gate_open(&gate, &e) != 0)
		abort();
	for (size_t at = 0; at < size && result == 0; at += chunk)
		result = gate_push(gate, data + at, chunk < size - at ? chunk : size - at, &e);
	for (const struct gate_entry *entry; (entry = gate_pop(gate)) != NULL;) {
		if (entry->path == NULL ||
			((entry->type == '1' || entry->type == '2') != (entry->link != NULL)) ||
			(entry->type != '0' && entry->size_bytes != 0))
			abort();
		++*entries;
	}
	if (result == 0)
		result = gate_finish(gate, &e);
	gate_close(gate);
	*code = e.code;
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t whole, cut;
	enum error_code whole_code, cut_code;
	uint8_t *mended = checksums_mend(data, size);
	int a = run(mended, size, size > 0 ? size : 1, &whole, &whole_code);
	int b = run(mended, size, 7, &cut, &cut_code);
	free(mended);
	if (a != b || whole != cut || whole_code != cut_code)
		abort();
	return 0;
}
