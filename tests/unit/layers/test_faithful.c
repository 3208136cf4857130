/* P17: random trees, packed by GNU tar, unpacked by ours and by GNU tar: the same in all that a
 * file is. */
#include <sys/wait.h>

#include "promise.h"
#include "random_tree.h"
#include "unpacking.h"

static char scratch[128];

static const char *in_scratch(const char *name)
{
	static char full[4][256];
	static unsigned turn;
	char *to = full[turn++ % 4];
	(void)snprintf(to, sizeof full[0], "%s/%s", scratch, name);
	return to;
}

__attribute__((format(printf, 1, 2))) static int run(const char *format, ...)
{
	char command[1024];
	va_list list;
	va_start(list, format);
	(void)vsnprintf(command, sizeof command, format, list);
	va_end(list);
	return system(command);
}

static void read_file(const char *path, struct bytes *out)
{
	char buffer[65536];
	int fd = open(path, O_RDONLY);
	for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0;)
		bytes_add(out, buffer, (size_t)got);
	(void)close(fd);
}

/* One tree there and back; `format` is GNU tar's. */
static bool there_and_back(unsigned long number, const char *format, bool xattrs)
{
	struct sandbox sandbox;
	struct unpack_result result;
	struct bytes tar = {0};
	struct error e;
	const char *keep = xattrs ? "--xattrs --xattrs-include='*'" : "";
	sandbox_open(&sandbox);
	bool good =
		run("cd %s && tar --format=%s %s --numeric-owner -cf tar -C in . 2>err", scratch,
			format, keep) == 0 &&
		mkdir(in_scratch("theirs"), 0755) == 0 &&
		run("cd %s && tar %s --numeric-owner -xpf tar -C theirs 2>err", scratch, keep) == 0;
	if (!good)
		(void)run("sed 's/^/# /' %s/err", scratch);
	read_file(in_scratch("tar"), &tar);
	int status = unpack_tar_bytes(&tar, (enum media)(number % 3), &sandbox, false, &result, &e);
	if (status != 0)
		printf("# tree %lu: %s\n", number, e.text);
	good &= status == 0;
	struct bytes ours = list_tree(sandbox.root, NULL, 0),
		     theirs = list_tree(in_scratch("theirs"), NULL, 0);
	struct bytes original = list_tree(in_scratch("in"), NULL, 0);
	good &= same_listing(&ours, &theirs) && sandbox_untouched(&sandbox);
	/* GNU tar is only the second witness where the format can hold all. */
	good &= strcmp(format, "posix") != 0 || !xattrs || same_listing(&ours, &original);
	if (status == 0) {
		good &= result.implied.count == 0 && result.opaque.count == 0;
		unpack_result_free(&result);
	}
	bytes_free(&ours);
	bytes_free(&theirs);
	bytes_free(&original);
	bytes_free(&tar);
	scratch_remove(in_scratch("theirs"));
	sandbox_close(&sandbox);
	return good;
}

int main(void)
{
	if (!have_root())
		return 0;
	unsigned long trees = promise_count(500, 50), bad = 0;
	tree_seed = promise_seed(10);
	scratch_make(scratch);
	(void)umask(0);
	for (unsigned long i = 0; i < trees; i++) {
		make_tree(in_scratch("in"));
		bool good = there_and_back(i, "posix", true);
		if (i % 5 == 0)
			good &= there_and_back(i, "gnu", false);
		if (!good) {
			bad++;
			printf("# tree %lu differs\n", i);
		}
		scratch_remove(in_scratch("in"));
	}
	promise_result("P17", trees, "trees beside GNU tar", bad);
	scratch_remove(scratch);
	return done();
}
