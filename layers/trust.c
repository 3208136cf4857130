/* Never linked into /init: whoever calls this believes bytes that nobody has signed. */
#include "verified.h"

int verified_trust(const void *data, size_t size_bytes, struct verified **out, struct error *e)
{
	struct digest digest;
	digest_of(data, size_bytes, &digest);
	return verified_by_digest(data, size_bytes, &digest, out, e);
}
