/* What a pushed image carries: what is accepted must encode to the very same bytes. */
#include "compose/carrier.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct carrier *carrier, const uint8_t *data, size_t size)
{
	struct error e = {.code = ERROR_NONE};
	SCOPED_BYTES again = {0};
	must(carrier_encode(carrier, &again, &e) == 0 && again.size == size &&
		memcmp(again.data, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct carrier carrier;
	struct stack stack;
	struct error e = {.code = ERROR_NONE};
	size_t signatures;
	if (carrier_decode(data, size, &carrier, &e) != 0) {
		must(e.code == ERROR_FORMAT || e.code == ERROR_LIMIT);
		return 0;
	}
	check_again(&carrier, data, size);
	if (carrier_check(&carrier, NULL, &stack, &signatures, &e) == 0) {
		must(strchr(carrier.stack_name, '/') == NULL);
		must(carrier.table_count >= 1 && carrier.table_count <= stack.layer_count);
		must(signatures <= LIMIT_SIGNATURES);
		stack_free(&stack);
	} else {
		must(e.code == ERROR_FORMAT || e.code == ERROR_LIMIT || e.code == ERROR_SIZE ||
			e.code == ERROR_DIGEST || e.code == ERROR_SIGNATURE);
	}
	carrier_free(&carrier);
	return 0;
}
