/* layers/jailed.c: a layer that a jailed child unpacks, and whatever such a child may do. */
#include "layers/jailed.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "layers/jail.h"
#include "shelf.h"

enum { PIECE_BYTES = 700, STALL_MS = 60, NEVER_MS = 60000, PATIENCE_S = 20 };

static struct sandbox sandbox;
static struct error e;
static unsigned missing;

static const struct item sample[] = {{.path = ".", .type = '5', .mode = 0755, .mtime = 3},
	{.path = "d", .type = '5', .mode = 02750, .uid = 7, .mtime = 9},
	{.path = "d/file", .body = "hello", .mode = 04711, .uid = 8, .mtime = 4},
	{.path = "implied/deep/file", .body = "x"}, {.path = ".wh.gone"},
	{.path = "o/.wh..wh..opq"}, {.path = "null", .type = '3', .major = 1, .minor = 3}, {0}};

/* --- running a child */

struct how {
	unsigned leave_out, demand, stall_ms, workers;
};

static struct stream *stream;

static struct jailed *start(const struct how *how)
{
	const struct layer_unpack_options options = {
		.user_xattrs_supported = true, .workers = how->workers};
	struct jailed *jailed = NULL;
	e = (struct error){0};
	if (stream_open(&shelf.source, &shelf.records[0], &stream, &e) != 0)
		abort();
	const struct jailed_request request = {.stream = stream,
		.record = &shelf.records[0],
		.root_fd = sandbox.root_fd,
		.options = &options,
		.leave_out = how->leave_out,
		.demand = how->demand,
		.stall_ms = how->stall_ms};
	if (jailed_start(&request, &jailed, &e) != 0)
		abort();
	return jailed;
}

static bool is_late(const struct timespec *since)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - since->tv_sec > PATIENCE_S;
}

/* As crew.c does. */
static void wait_for(struct jailed *jailed)
{
	struct timespec since;
	(void)clock_gettime(CLOCK_MONOTONIC, &since);
	for (;;) {
		struct pollfd fd = {.fd = jailed_descriptor(jailed), .events = POLLIN};
		bool readable = poll(&fd, 1, 10) > 0;
		if ((readable && jailed_read(jailed)) || jailed_is_stalled(jailed))
			return;
		if (is_late(&since)) {
			ok(false, "it is over within %d s", PATIENCE_S);
			return;
		}
	}
}

static bool no_child_is_left(void)
{
	return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD;
}

static void empty_root(void)
{
	struct error why;
	DIR *dir = opendir(sandbox.root);
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
			store_remove(sandbox.root_fd, entry->d_name, &why) != 0)
			abort();
	(void)closedir(dir);
}

static int finish(struct jailed *jailed, struct unpack_result *out)
{
	memset(out, UNTOUCHED, sizeof *out);
	missing = 0;
	int status = jailed_finish(jailed, out, &missing, &e);
	stream_close(stream);
	return status;
}

static int run(const struct how *how, struct unpack_result *out)
{
	struct jailed *jailed = start(how);
	wait_for(jailed);
	return finish(jailed, out);
}

static void comes_out_right(int (*act)(struct error *e), const struct how *how, const char *name)
{
	struct unpack_result result;
	shelf.acts[0] = act;
	int status = run(how, &result);
	if (!ok(status == 0, "%s: unpacked", name))
		printf("# %s: %s\n", error_code_name(e.code), e.text);
	else
		unpack_result_free(&result);
	ok(is_file(&sandbox, "d/file", "hello") && no_child_is_left(), "%s: is there", name);
	empty_root();
}

static void is_refused(int (*act)(struct error *e), const struct how *how, enum error_code code,
	const char *words, const char *name)
{
	struct unpack_result result;
	size_t before = open_descriptors();
	shelf.acts[0] = act;
	int status = run(how, &result);
	error_is(status, &e, code, "%s", name);
	if (!ok(strstr(e.text, words) != NULL, "%s: says \"%s\"", name, words))
		printf("# %s\n", e.text);
	ok(is_untouched(&result, sizeof result) && no_child_is_left() &&
			open_descriptors() == before,
		"%s: no result, no child, no descriptor is left", name);
	empty_root();
}

/* --- what a child does when it is to read its blob */

static char *forbidden_page;
static volatile unsigned idle;

static void close_all(void)
{
	for (int fd = 0; fd < 64; fd++)
		(void)close(fd);
}

static _Noreturn void spin(void)
{
	for (;;)
		idle++;
}

static int crash(struct error *why)
{
	(void)why;
	return *(volatile char *)forbidden_page;
}

static int kill_itself(struct error *why)
{
	(void)why;
	return raise(SIGKILL);
}

static int use_up_its_time(struct error *why)
{
	(void)why;
	return raise(SIGXCPU);
}

static int fall_silent(struct error *why)
{
	(void)why;
	_exit(0);
}

static int leave(struct error *why)
{
	(void)why;
	_exit(3);
}

static int close_and_live_on(struct error *why)
{
	(void)why;
	close_all();
	spin();
}

static int close_and_go_on(struct error *why)
{
	(void)why;
	close_all();
	return 0;
}

static int hang(struct error *why)
{
	(void)why;
	spin();
}

static void write_to_all(const void *data, size_t size)
{
	for (int fd = 0; fd < 64; fd++)
		(void)!write(fd, data, size);
}

static int write_nonsense(struct error *why)
{
	static uint8_t nonsense[5000];
	(void)why;
	memset(nonsense, 0xff, sizeof nonsense);
	write_to_all(nonsense, sizeof nonsense);
	spin();
}

/* A layer that is whole, as it says: of 64 zeros. */
static int write_verdict_and_die(struct error *why)
{
	static const uint8_t verdict[64];
	(void)why;
	write_to_all(verdict, sizeof verdict);
	return *(volatile char *)forbidden_page;
}

static int write_half_a_verdict(struct error *why)
{
	static const uint8_t verdict[63];
	(void)why;
	write_to_all(verdict, sizeof verdict);
	_exit(0);
}

static int make_socket(struct error *why)
{
	(void)why;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd >= 0)
		(void)close(fd);
	return 0;
}

static int be_slow(struct error *why)
{
	(void)why;
	struct timespec used, since;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &since);
	do
		(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	while ((used.tv_sec - since.tv_sec) * 1000000000 + used.tv_nsec - since.tv_nsec < 20000000);
	return 0;
}

static int sleep_long(struct error *why)
{
	static bool slept;
	const struct timespec time = {.tv_nsec = 4 * STALL_MS * 1000000};
	(void)why;
	if (!slept)
		(void)nanosleep(&time, NULL);
	slept = true;
	return 0;
}

/* More than unpacking can take, by far. */
static int take_memory(struct error *why)
{
	for (int megabyte = 0; megabyte < 4096; megabyte++)
		if (malloc(1 << 20) == NULL)
			return error_errno(why, ENOMEM, "no more memory");
	return error_set(why, ERROR_IO, 0, "took 4 GiB");
}

static int tell_its_limit(struct error *why)
{
	struct rlimit cpu;
	if (getrlimit(RLIMIT_CPU, &cpu) != 0)
		return error_errno(why, errno, "getrlimit");
	return error_set(why, ERROR_IO, 0, "CPU %lu below %d", (unsigned long)cpu.rlim_cur,
		cpu.rlim_max == cpu.rlim_cur + 1);
}

/* --- */

static void unpacks_as_without_a_child(void)
{
	struct unpack_result want, got;
	int status = unpack_layer(&shelf.layers[0], &sandbox, false, &want, &e);
	struct bytes tree = list_tree(sandbox.root, NULL, 0);
	empty_root();
	is_int(status, 0, "in this process");
	static const struct how hows[] = {{0}, {.leave_out = JAIL_SECCOMP}, {.leave_out = JAIL_ALL},
		{.demand = JAIL_ALL}, {.workers = 3}};
	for (size_t i = 0; i < sizeof hows / sizeof *hows; i++) {
		status = run(&hows[i], &got);
		struct bytes now = list_tree(sandbox.root, NULL, 0);
		if (!ok(status == 0 && same_listing(&now, &tree), "the same tree in a jail"))
			printf("# %s\n", e.text);
		ok(got.entries == want.entries && got.unpacked_bytes == want.unpacked_bytes &&
				got.opaque.count == 1 && is_listed(&got.opaque, "o", 0) &&
				got.implied.count == want.implied.count &&
				is_listed(&got.implied, "implied/deep", IMPLIED_MERGED),
			"and the same result");
		is_int(missing, hows[i].leave_out, "what its jail lacks is told");
		unpack_result_free(&got);
		bytes_free(&now);
		empty_root();
	}
	unpack_result_free(&want);
	bytes_free(&tree);
}

static void tells_progress(void)
{
	struct unpack_result result;
	shelf.acts[0] = NULL;
	struct jailed *jailed = start(&(struct how){0});
	wait_for(jailed);
	is_int((long long)jailed_progress(jailed), (long long)shelf.layers[0].blob.size,
		"all stored bytes are done with in the end");
	if (ok(finish(jailed, &result) == 0, "unpacked"))
		unpack_result_free(&result);
	empty_root();
}

static void survives_what_a_child_does(void)
{
	const struct how jail = {.stall_ms = NEVER_MS},
			 no_seccomp = {.stall_ms = NEVER_MS, .leave_out = JAIL_SECCOMP};
	is_refused(crash, &jail, ERROR_JAIL, "crashed (signal 11)", "a child that crashes");
	is_refused(make_socket, &jail, ERROR_JAIL, "system call", "one that makes a socket");
	comes_out_right(make_socket, &no_seccomp, "the same without seccomp");
	is_int(missing, JAIL_SECCOMP, "which is told");
	is_refused(kill_itself, &no_seccomp, ERROR_JAIL, "was killed", "one that is killed");
	is_refused(use_up_its_time, &no_seccomp, ERROR_JAIL, "CPU time", "one with SIGXCPU");
	is_refused(
		fall_silent, &jail, ERROR_JAIL, "less than it announced", "one that says nothing");
	is_refused(leave, &jail, ERROR_JAIL, "without a word", "one that just ends");
	is_refused(close_and_live_on, &jail, ERROR_JAIL, "was killed",
		"one that closes its pipe and lives on");
	is_refused(write_nonsense, &jail, ERROR_JAIL, "impossible numbers",
		"one that writes nonsense and lives on");
	is_refused(write_verdict_and_die, &jail, ERROR_JAIL, "crashed",
		"one that says it is done and crashes");
	is_refused(write_half_a_verdict, &jail, ERROR_JAIL, "less than it announced",
		"one that says half of it");
	comes_out_right(NULL, &jail, "one that does nothing of that");
}

static void notices_stalls(void)
{
	const struct how how = {.stall_ms = STALL_MS},
			 no_seccomp = {.stall_ms = STALL_MS, .leave_out = JAIL_SECCOMP};
	is_refused(hang, &how, ERROR_JAIL, "got nowhere", "a child that spins");
	comes_out_right(be_slow, &how, "one that takes long, and gets on");
	comes_out_right(sleep_long, &no_seccomp, "one that waits long");
	is_refused(tell_its_limit, &no_seccomp, ERROR_IO, "CPU 60 below 1",
		"its CPU time has an end that it can't move");
#ifndef __SANITIZE_ADDRESS__
	is_refused(take_memory, &how, ERROR_NOSPACE, "no more memory", "its memory, too");
#else
	(void)take_memory;
#endif
}

static void demands_parts(void)
{
	for (unsigned part = 1; part <= JAIL_SECCOMP; part <<= 1) {
		const struct how without = {.leave_out = part, .demand = JAIL_ALL},
				 others = {.leave_out = part, .demand = JAIL_ALL & ~part};
		const char *name = jail_part_name((enum jail_part)part);
		struct unpack_result result;
		error_is(run(&without, &result), &e, ERROR_KERNEL, "without %s", name);
		ok(strstr(e.text, name) != NULL && sandbox_root_is_empty(&sandbox),
			"which is named, and nothing is unpacked");
		is_int(missing, part, "and told");
		comes_out_right(NULL, &others, name);
		is_int(missing, part, "not demanded, but told");
	}
	struct unpack_result result;
	const struct how all = {.leave_out = JAIL_ALL, .demand = JAIL_SECCOMP | JAIL_USER};
	error_is(run(&all, &result), &e, ERROR_KERNEL, "two parts that are demanded");
	ok(strstr(e.text, "user") != NULL, "the first is named");
}

static void passes_on_errors(void)
{
	shelf.layers[0].blob.data[shelf.layers[0].blob.size - 1] ^= 1;
	is_refused(NULL, &(struct how){0}, ERROR_DIGEST, "differs", "a piece that differs");
	shelf.layers[0].blob.data[shelf.layers[0].blob.size - 1] ^= 1;
}

static void keeps_a_blobs_descriptor(void)
{
	shelf.descriptor = sandbox.root_fd;
	is_refused(NULL, &(struct how){0}, ERROR_TYPE, "directory", "a blob that is a directory");
	shelf.descriptor = memfd_create("blob", MFD_CLOEXEC);
	comes_out_right(NULL, &(struct how){0}, "a blob with a descriptor");
	(void)close(shelf.descriptor);
	shelf.descriptor = -1;
}

static void ends_what_it_is_told_to(void)
{
	jailed_kill(NULL);
	shelf.acts[0] = hang;
	struct jailed *jailed = start(&(struct how){0});
	ok(!jailed_read(jailed) && !jailed_is_stalled(jailed), "a child that has just begun");
	jailed_kill(jailed);
	stream_close(stream);
	ok(no_child_is_left(), "is killed");
	shelf.acts[0] = NULL;

	struct unpack_result result;
	jailed = start(&(struct how){0});
	if (dup2(sandbox.root_fd, jailed_descriptor(jailed)) < 0)
		abort();
	ok(jailed_read(jailed), "a pipe that can't be read is the end");
	error_is(finish(jailed, &result), &e, ERROR_IO, "and an error");
	is_int(e.sys_errno, EISDIR, "with the kernel's reason");
	empty_root();
}

/* It can't report, and is waited for without looking at its pipe. */
static void notices_a_lost_verdict(void)
{
	struct unpack_result result;
	siginfo_t info;
	shelf.acts[0] = close_and_go_on;
	struct jailed *jailed = start(&(struct how){0});
	if (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) != 0)
		abort();
	is_int(info.si_status, 1, "a child that can't report ends with 1");
	wait_for(jailed);
	error_is(finish(jailed, &result), &e, ERROR_JAIL, "which is no good end");
	shelf.acts[0] = NULL;
	empty_root();
}

static void refuses_an_unknown_end(void)
{
	struct unpack_result result;
	if (signal(SIGCHLD, SIG_IGN) == SIG_ERR)
		abort();
	error_is(run(&(struct how){0}, &result), &e, ERROR_JAIL,
		"a child whose end nobody can tell");
	(void)signal(SIGCHLD, SIG_DFL);
	empty_root();
}

/* In a PID namespace of its own the child's parent is not who started it. */
static void unpacks_for_its_parent_only(void)
{
	(void)fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		struct unpack_result result;
		if (unshare(CLONE_NEWPID) != 0)
			_exit(2);
		int status = run(&(struct how){0}, &result);
		_exit(status == -1 && e.code == ERROR_JAIL && strstr(e.text, "died") != NULL &&
					sandbox_root_is_empty(&sandbox)
				? 0
				: 1);
	}
	int status = 0;
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	is_int(status, 0, "a child of somebody else unpacks nothing");
	empty_root();
}

static void tells_its_memory(void)
{
	struct layer_record record = {.media = MEDIA_TAR_GZIP, .largest_piece_bytes = 1 << 20};
	uint64_t gzip = jailed_bytes(&record, 0);
	ok(gzip >= 1 << 20 && gzip < 8 << 20, "gzip: its piece and a little");
	record.media = MEDIA_TAR_ZSTD;
	uint64_t zstd = jailed_bytes(&record, 0);
	is_int((long long)(zstd - gzip), 9 << 20, "zstd: a window of 8 MiB beside");
	is_int((long long)(jailed_bytes(&record, 4) - zstd),
		(long long)(decoder_parallel_bytes(MEDIA_TAR_ZSTD, 1 << 20, 4) - (1 << 20)),
		"with threads: what they take");
}

int main(void)
{
	if (!have_root())
		return 0;
	(void)signal(SIGSEGV, SIG_DFL);
	forbidden_page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (forbidden_page == MAP_FAILED)
		abort();
	sandbox_open(&sandbox);
	shelf_clear();
	shelf_add(sample, MEDIA_TAR_ZSTD, PIECE_BYTES / 7);
	unpacks_as_without_a_child();
	tells_progress();
	survives_what_a_child_does();
	notices_stalls();
	demands_parts();
	passes_on_errors();
	keeps_a_blobs_descriptor();
	ends_what_it_is_told_to();
	notices_a_lost_verdict();
	refuses_an_unknown_end();
	unpacks_for_its_parent_only();
	tells_its_memory();
	shelf_clear();
	sandbox_close(&sandbox);
	return done();
}
