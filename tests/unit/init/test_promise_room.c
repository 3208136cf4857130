/* P12, beside tests/boot/memory.t: with too little room in the store a stack is refused, with
 * NOSPACE and nothing left behind. The store's limit goes from one page to a page more than what is
 * needed (0 would be no limit), and then its inodes; in a mount namespace of its own. */
#include <sched.h>
#include <sys/mount.h>

#include "partition_dir.h"
#include "promise.h"

static struct partition_dir partition;

static struct {
	unsigned long trials, wrong;
	uint64_t first; /* the least limit that was enough, 0: none yet */
} tally;

/* And a page for each layer's list of what it implies: init/store_mount.c's spare bytes. */
static uint64_t need_pages(const struct stack *stack, uint64_t page_bytes)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < stack->layer_count; i++) {
		uint64_t tmpfs_bytes, kernel_bytes;
		store_need(&stack->layers[i], page_bytes, &tmpfs_bytes, &kernel_bytes);
		bytes += tmpfs_bytes;
	}
	return (bytes + page_bytes - 1) / page_bytes + stack->layer_count;
}

static uint64_t need_inodes(const struct stack *stack)
{
	uint64_t inodes = 1; /* the root */
	for (size_t i = 0; i < stack->layer_count; i++)
		inodes +=
			2 * stack->layers[i].entries + 4; /* its directories, and what it implies */
	return inodes;
}

/* Nothing but whole layers. */
static bool nothing_half_done_is_there(void)
{
	bool clean = true;
	DIR *dir = opendir(partition.store.root);
	if (dir == NULL)
		abort();
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
		clean &= strncmp(entry->d_name, "new-", 4) != 0;
	(void)closedir(dir);
	return clean;
}

/* One limit: enough, or NOSPACE; and never too little again after it was enough. */
static void try_limit(const struct stack *stack, const char *options, uint64_t limit)
{
	int before = partition.store.root_fd;
	if (mount("test", partition.store.root, "tmpfs", 0, options) != 0)
		abort();
	partition.store.root_fd = open(partition.store.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool fits = partition_unpack(&partition, stack) == 0;
	bool good = fits ? partition_store_is(&partition, stack->version)
			 : partition.error.code == ERROR_NOSPACE && tally.first == 0 &&
				    nothing_half_done_is_there();
	tally.trials++;
	tally.wrong += !good;
	if (!good)
		printf("# %s: %s (%s)\n", options, error_code_name(partition.error.code),
			partition.error.text);
	if (fits && tally.first == 0)
		tally.first = limit;
	(void)close(partition.store.root_fd);
	if (umount(partition.store.root) != 0)
		abort();
	partition.store.root_fd = before;
}

static void every_limit(
	const struct stack *stack, const char *format, const char *what, uint64_t need)
{
	char options[64];
	memset(&tally, 0, sizeof tally);
	for (uint64_t limit = 1; limit <= need + 1; limit++) {
		(void)snprintf(options, sizeof options, format, (unsigned long long)limit);
		try_limit(stack, options, limit);
	}
	ok(tally.first > 1 && tally.first <= need, "%s: %llu are estimated, %llu enough", what,
		(unsigned long long)need, (unsigned long long)tally.first);
	promise_result("P12", tally.trials, what, tally.wrong);
}

int main(void)
{
	if (!have_root())
		return 0;
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		abort();
	partition_open(&partition, false);
	if (partition_find(&partition) != 0)
		abort();
	const struct stack *stack = &partition.found.list[SETS - 1].stack;
	const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	every_limit(stack, "mode=0755,nr_blocks=%llu", "limits of the store's pages",
		need_pages(stack, page_bytes));
	every_limit(stack, "mode=0755,nr_inodes=%llu", "limits of the store's inodes",
		need_inodes(stack));
	partition_close(&partition);
	return done();
}
