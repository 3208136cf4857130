/* The cache of `plyboot run` is bounded: what was used longest ago goes first, but nothing that is
 * held. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compose/run_sweep.h"
#include "tap.h"

static int cache;

enum { ENTRY_BYTES = 1024 * 1024 };

static void name_of(char digit, char out[65])
{
	memset(out, digit, 64);
	out[64] = '\0';
}

/* Used so many seconds after 1970. */
static void make(char digit, time_t used)
{
	static const char zeros[ENTRY_BYTES];
	char path[80], name[65];
	const struct timespec times[] = {{.tv_sec = used}, {.tv_sec = used}};
	name_of(digit, name);
	(void)mkdirat(cache, name, 0700);
	(void)snprintf(path, sizeof path, "%s/disk", name);
	int fd = openat(cache, path, O_WRONLY | O_CREAT, 0600);
	(void)!write(fd, zeros, sizeof zeros);
	(void)fsync(fd);
	(void)close(fd);
	(void)utimensat(cache, name, times, 0);
}

static bool there(char digit)
{
	char name[65];
	name_of(digit, name);
	return faccessat(cache, name, F_OK, 0) == 0;
}

static void sweep(unsigned long long most_bytes)
{
	struct scratch scratch = SCRATCH_INIT;
	struct error e = {.code = ERROR_NONE};
	if (!ok(run_sweep_begin(cache, most_bytes, &scratch, &e) == 0, "a directory is begun"))
		printf("# %s\n", e.text);
	scratch_remove(&scratch);
}

static void test_oldest_first(void)
{
	make('a', 300);
	make('b', 100);
	make('c', 200);
	sweep(4 * ENTRY_BYTES);
	ok(there('a') && there('b') && there('c'), "with room nothing goes");
	sweep(2 * ENTRY_BYTES + ENTRY_BYTES / 2);
	ok(there('a') && !there('b') && there('c'), "then the one that was used longest ago");
	sweep(ENTRY_BYTES + ENTRY_BYTES / 2);
	ok(there('a') && !there('c'), "then the next");
}

static void test_held(void)
{
	char name[65];
	make('d', 50);
	name_of('d', name);
	int fd = openat(cache, name, O_DIRECTORY | O_RDONLY);
	(void)flock(fd, LOCK_SH);
	sweep(0);
	ok(there('d') && !there('a'), "what a run holds stays");
	(void)close(fd);
	sweep(0);
	ok(!there('d'), "and goes when it does not");
}

static void test_left(void)
{
	struct scratch scratch = SCRATCH_INIT;
	struct error e = {.code = ERROR_NONE};
	(void)mkdirat(cache, ".new-0123456789abcdef", 0700);
	(void)mkdirat(cache, "another", 0700);
	ok(run_sweep_begin(cache, ENTRY_BYTES, &scratch, &e) == 0, "a directory is begun");
	ok(faccessat(cache, ".new-0123456789abcdef", F_OK, 0) != 0, "what a killed run left goes");
	ok(faccessat(cache, "another", F_OK, 0) == 0, "what is not ours stays");
	sweep(0);
	ok(faccessat(cache, scratch.name, F_OK, 0) == 0, "one whose maker lives stays");
	scratch_remove(&scratch);
}

int main(void)
{
	char path[] = "/tmp/plyboot-sweep-XXXXXX";
	if (mkdtemp(path) == NULL)
		return 1;
	cache = open(path, O_DIRECTORY | O_RDONLY);
	test_oldest_first();
	test_held();
	test_left();
	(void)unlinkat(cache, "another", AT_REMOVEDIR);
	(void)unlinkat(cache, "lock", 0);
	ok(rmdir(path) == 0, "nothing else is left");
	return done();
}
