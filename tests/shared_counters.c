/*
 * Linked into the coverage build of every unit test: the counters of branches lie in memory that
 * children share, so that what runs in a jail counts too, which can write no file, and what is
 * killed. tests/shared_counters.ld puts them together.
 */
#include <stdlib.h>
#include <sys/mman.h>

extern char counters_begin[], counters_end[];

__attribute__((constructor)) static void share_counters(void)
{
	if (mmap(counters_begin, (size_t)(counters_end - counters_begin), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		abort();
}
