/*
 * Large buffers: whole pages, asked for all at once. So what unpacking takes is one number, known
 * before the first byte is read. (When memory itself is short, MAP_POPULATE stops early and does
 * not say so, and what is missing comes with its first use, or the kernel ends the process.)
 */
#ifndef PLYBOOT_PAGES_H
#define PLYBOOT_PAGES_H

#include <stddef.h>
#include <sys/mman.h>

/* Zeroed; NULL and errno when there are none. `bytes` is not 0. To be given back with the same
 * size. */
static inline void *pages_take(size_t bytes)
{
	void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	return pages == MAP_FAILED ? NULL : pages;
}

static inline void pages_give(void *pages, size_t bytes) /* NULL is fine */
{
	if (pages != NULL)
		(void)munmap(pages, bytes);
}

#endif
