/*
 * init/reset.c and keep.c when they fail, at each call once: a reset is not begun, with all as it
 * was, or done but for what the next boot does. What is reverted is reverted then, at the latest.
 */
#include "init/reset.h"

#include "faults.h"
#include "homes.h"

FAULTS_CALL(syncfs, (int fd), (fd))

static struct asked keep;
static char *before, *finished;
static unsigned not_begun, begun;

static void make_model(void)
{
	static const char script[] =
		"mkdir -p layers/etc/opaque model/demo/upper model/demo/paths/var-lib-a/sub "
		"model/demo/paths/var-lib-b && "
		"cd layers/etc && echo 1 >one && echo 2 >opaque/two";
	static const char changes[] =
		"cd m && echo mine >etc/one && rm -r etc/opaque && mkdir -p etc/opaque/sub && "
		"echo x >etc/opaque/sub/x && echo id >etc/id && mkdir srv && echo y >srv/.y";
	shell(script);
	overlay_on("layers", "model/demo/upper");
	shell(changes);
	MUST(setxattr("m/etc", "trusted.a", "old", 3, 0) == 0);
	overlay_off();
	shell("cd model/demo && echo a >paths/var-lib-a/sub/.f && echo b >paths/var-lib-b/f");
	put_text("model/demo/made-for",
		"demo 7 "
		"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n");
	put_text("model/demo/asked", "revert /etc/one\nrevert /srv\n");
}

static void renew(void)
{
	shell("rm -rf plyboot && cp -a model plyboot");
}

static bool is_view(const char *path, const char *wanted)
{
	char *view = view_of(path);
	bool same = strcmp(view, wanted) == 0;
	free(view);
	return same;
}

static int open_all(void)
{
	int all = open("plyboot", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MUST(all >= 0);
	return all;
}

static void progress(void)
{
}

/* The times of directories that are made anew are not the point, but of those in the upper. */
static char *view_finished(void)
{
	char *upper = view_of(HOME "/upper"), *paths = view_of(HOME "/paths/var-lib-a");
	struct view view = {.text = NULL};
	view_add(&view, "%s%s|%s|", upper, paths, names_in(HOME));
	view_add(&view, "%s|", names_in(HOME "/paths"));
	view_add(&view, "%s\n", names_in("plyboot"));
	free(upper);
	free(paths);
	return view.text;
}

static bool is_finished(void)
{
	char *view = view_finished();
	bool same = same_view(view, finished);
	free(view);
	return same;
}

static int reset(int all, struct error *e)
{
	struct reset_kept kept = {.names = 99};
	const struct reset_request request = {
		.all_fd = all, .name = "demo", .keep = &keep, .progress = progress};
	int result = reset_home(&request, &kept, e);
	MUST(kept.names == (result == 0 ? 3 : 99));
	return result;
}

static int run(struct error *e)
{
	struct error again;
	renew();
	int all = open_all();
	faults_begin();
	int decided = reset(all, e);
	int result = decided == 0 ? reset_finish(all, "demo", e) : -1;
	faults_end();
	faults.kinds = 0;
	/* What could not even be cleared away goes at the next boot. */
	bool good = reset_finish(all, "demo", &again) == 0;
	if (decided != 0) {
		not_begun++;
		good = good && is_view("plyboot/demo", before) &&
		       strcmp(names_in("plyboot"), "demo ") == 0 && reset(all, &again) == 0 &&
		       reset_finish(all, "demo", &again) == 0;
	} else {
		begun++;
	}
	good = good && is_finished();
	(void)close(all);
	return good ? result : FAULTS_WRONG;
}

/* Errors are said, not given. */
static int run_revert(struct error *e)
{
	renew();
	int all = open_all();
	const struct asking_request request = {.upper = &home_upper, .conf = &home_conf};
	home_report.warning_count = 0;
	faults_begin();
	asking_carry_out_in(all, &request, &home_report);
	faults_end();
	faults.kinds = 0;
	bool fired = faults.fired;
	bool done = !is_there(HOME "/asked");
	bool whole = !is_there(HOME "/upper/etc/one") && !is_there(HOME "/upper/srv");
	bool good = (whole || !done) && (!fired || done || home_report.warning_count > 0);
	asking_carry_out_in(all, &request, &home_report);
	good = good && !is_there(HOME "/asked") && !is_there(HOME "/upper/etc/one") &&
	       !is_there(HOME "/upper/srv") && is_there(HOME "/upper/etc/id");
	(void)close(all);
	(void)e;
	return good ? 0 : FAULTS_WRONG;
}

int main(void)
{
	static const struct faults_case one = {.name = "reset a home", .run = run},
					other = {.name = "revert paths", .run = run_revert};
	struct error e;
	overlays_start();
	make_model();
	keep.reset = true;
	MUST(asked_add(&keep, "/etc/id", &e) == 0 && asked_add(&keep, "/etc/opaque/sub", &e) == 0 &&
		asked_add(&keep, "/var/lib/a", &e) == 0);
	renew();
	before = view_of("plyboot/demo");
	int all = open_all();
	MUST(reset(all, &e) == 0 && reset_finish(all, "demo", &e) == 0 && close(all) == 0);
	finished = view_finished();
	ok(is_there(HOME "/upper/etc/opaque/sub/x") && !is_there(HOME "/upper/etc/one") &&
			is_there(HOME "/paths/var-lib-a/sub/.f") &&
			!is_there(HOME "/paths/var-lib-b"),
		"without a failure it keeps what it is to keep");
	faults_try(&one, FAULTS_MEMORY, ENOMEM, "no memory");
	faults_try(&one, FAULTS_SYSTEM, EIO, "EIO");
	printf("# %u not begun, %u begun and finished later\n", not_begun, begun);
	ok(not_begun > 0 && begun > 0, "both were among them");
	faults_try(&other, FAULTS_MEMORY, ENOMEM, "no memory");
	faults_try(&other, FAULTS_SYSTEM | FAULTS_TRANSFER, EIO, "EIO");
	free(before);
	free(finished);
	overlays_end();
	return done();
}
