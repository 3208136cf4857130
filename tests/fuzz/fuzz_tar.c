/* A tar as bytes, with its checksums put right: through gate, libarchive and tree, and nothing
 * outside the destination may be touched. */
#include "checksums.h"
#include "tar_mutator.h"
#include "unpack_both.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *mended = checksums_mend(data, size);
	unpack_both(mended, size);
	free(mended);
	return 0;
}
