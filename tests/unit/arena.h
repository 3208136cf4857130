/*
 * An allocator that never gives memory back to the kernel, in the place of musl's (which munmap()s
 * whatever is large): for tests that do the same small thing half a million times. Not where the
 * sanitizers have theirs.
 */
#ifndef PLYBOOT_TEST_ARENA_H
#define PLYBOOT_TEST_ARENA_H

#include <errno.h>
#include <features.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef __GLIBC__

enum { ARENA_BYTES = 256 << 20, ARENA_CLASSES = 28 };

/* In front of each allocation; free ones of a size, a power of 2, are a list. */
struct arena_block {
	union {
		size_t class;
		struct arena_block *next;
	};
	max_align_t bytes[];
};

static _Alignas(max_align_t) uint8_t arena[ARENA_BYTES];
static size_t arena_used;
static struct arena_block *arena_free[ARENA_CLASSES];
static pthread_mutex_t arena_lock = PTHREAD_MUTEX_INITIALIZER;

void *malloc(size_t size)
{
	size_t class = 5;
	while (class < ARENA_CLASSES && ((size_t)1 << class) < size)
		class ++;
	size_t whole = sizeof(struct arena_block) + ((size_t)1 << class);
	struct arena_block *block = NULL;
	(void)pthread_mutex_lock(&arena_lock);
	if (class < ARENA_CLASSES && arena_free[class] != NULL) {
		block = arena_free[class];
		arena_free[class] = block->next;
	} else if (class < ARENA_CLASSES && whole <= ARENA_BYTES - arena_used) {
		block = (struct arena_block *)(arena + arena_used);
		arena_used += whole;
	}
	(void)pthread_mutex_unlock(&arena_lock);
	if (block == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	block->class = class;
	return block->bytes;
}

static struct arena_block *arena_block_of(void *data)
{
	return (struct arena_block *)((uint8_t *)data - sizeof(struct arena_block));
}

void free(void *data)
{
	if (data == NULL)
		return;
	struct arena_block *block = arena_block_of(data);
	size_t class = block->class;
	(void)pthread_mutex_lock(&arena_lock);
	block->next = arena_free[class];
	arena_free[class] = block;
	(void)pthread_mutex_unlock(&arena_lock);
}

void *calloc(size_t count, size_t size)
{
	size_t bytes;
	void *data = __builtin_mul_overflow(count, size, &bytes) ? NULL : malloc(bytes);
	return data == NULL ? NULL : memset(data, 0, bytes);
}

void *realloc(void *data, size_t size)
{
	if (data == NULL)
		return malloc(size);
	size_t before = (size_t)1 << arena_block_of(data)->class;
	if (size <= before)
		return data;
	void *larger = malloc(size);
	if (larger == NULL)
		return NULL;
	memcpy(larger, data, before);
	free(data);
	return larger;
}

#endif
#endif
