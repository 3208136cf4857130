/* What must be given back when a scope ends: descriptors and heap buffers. errno is preserved. */
#ifndef PLYBOOT_SCOPE_H
#define PLYBOOT_SCOPE_H

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static inline void scope_close(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;
		(void)close(*fd); /* read-only or already fsynced: a writer checks close() itself */
		errno = saved;
	}
}

static inline void scope_free(void *pointer)
{
	int saved = errno;
	free(*(void **)pointer);
	errno = saved;
}

#define SCOPED_FD                                                                                  \
	__attribute__((cleanup(scope_close), unused)) int /* its end may be its only use */
#define SCOPED_FREE __attribute__((cleanup(scope_free)))

/* Hand a scoped descriptor or buffer to somebody else. */
static inline int scope_take_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

#define SCOPE_TAKE(pointer)                                                                        \
	__extension__({                                                                            \
		__typeof__(pointer) taken_ = (pointer);                                            \
		(pointer) = NULL;                                                                  \
		taken_;                                                                            \
	})

#endif
