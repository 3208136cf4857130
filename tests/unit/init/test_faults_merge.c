/*
 * init/merge.c when it fails, at each call once: what the trial over the base shows is what it
 * showed before, and the next merge ends it. That is what a power cut leaves, too: nothing that was
 * done is taken back.
 */
#include "init/merge.h"

#include "faults.h"
#include "overlays.h"

static char *before, *layers_only;
static int cases;

static void copy(const char *from, const char *to)
{
	char command[128];
	(void)snprintf(command, sizeof command, "rm -rf %s && cp -a %s %s", to, from, to);
	MUST(system(command) == 0);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	MUST(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

/* One of each: what becomes of an entry depends on what it is, and on what the base has there. */
static void live(void)
{
	static const char script[] =
		"cd m && mkdir new opaque/again && echo 1 >new/file && echo 2 >changed && rm gone "
		"&&"
		"rm -r tree && echo 3 >tree && rm file && mkdir file && echo 4 >file/below &&"
		"rm -r opaque && mkdir opaque && echo 5 >opaque/mine && ln -s x link &&"
		"chown 1:2 meta && chmod 700 meta && rm -r anew && mkdir anew && echo 8 >anew/g && "
		"rm back && mkdir back && echo 6 >back/new";
	MUST(mkdir("layers", 0755) == 0 && mkdir("base", 0755) == 0 && mkdir("trial", 0755) == 0);
	MUST(system("cd layers && mkdir tree opaque opaque/sub meta back anew && echo f >anew/f && "
		    "echo a >tree/a &&"
		    "echo b >opaque/sub/b && echo c >changed && echo d >gone && echo e >back/e") ==
		0);
	overlay_on("layers", "base");
	put("m/file", "base");
	put("m/opaque/base", "base");
	put("m/tree/base", "base");
	MUST(setxattr("m/meta", "trusted.a", "old", 3, 0) == 0);
	MUST(system("cd m && rm -r back && echo 7 >back") == 0);
	overlay_off();
	overlay_on("base:layers", "trial");
	MUST(system(script) == 0);
	MUST(removexattr("m/meta", "trusted.a") == 0);
	overlay_off();
}

static int merge(struct error *e)
{
	uint64_t entries;
	const struct merge_request request = {
		.from_fd = open("trial", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.into_fd = open("merged", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.scratch_fd = open("scratch", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	MUST(request.scratch_fd >= 0);
	faults_begin();
	int result = merge_uppers(&request, &entries, e);
	faults_end();
	(void)close(request.from_fd);
	(void)close(request.into_fd);
	(void)close(request.scratch_fd);
	return result;
}

static bool shows(const char *lowers, const char *upper, const char *wanted)
{
	char *now = view_overlay(lowers, upper);
	bool same = same_view(now, wanted);
	free(now);
	return same;
}

static int run(struct error *e)
{
	struct error again;
	copy("base", "merged");
	make_empty("scratch");
	int result = merge(e);
	cases++;
	if (!shows("merged:layers", "trial", before) ||
		(result == 0 && !shows("layers", "merged", before)))
		return FAULTS_WRONG;
	faults.kinds = 0;
	return merge(&again) == 0 && shows("layers", "merged", before) ? result : FAULTS_WRONG;
}

int main(void)
{
	static const struct faults_case one = {.name = "merge two uppers", .run = run};
	overlays_start();
	live();
	before = view_overlay("base:layers", "trial");
	layers_only = view_overlay("layers", "base");
	ok(strcmp(before, layers_only) != 0, "there is something to merge");
	faults_try(&one, FAULTS_MEMORY, ENOMEM, "no memory");
	faults_try(&one, FAULTS_SYSTEM, EIO, "EIO");
	printf("# %d merges that failed or were right\n", cases);
	free(before);
	free(layers_only);
	overlays_end();
	return done();
}
