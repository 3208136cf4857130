/* Jailed children and those who look after them, when memory or the kernel fails at any call of the
 * parent. (Of the child's: test_faults_unpack.c and test_faults_jail.c.) */
#include "faults.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "layers/crew.h"
#include "layers/jailed.h"
#include "layers/verdict.h"
#include "shelf.h"

#define ALSO (1u << ERROR_JAIL | 1u << ERROR_IO | 1u << ERROR_NOSPACE)

FAULTS_CALL(pipe2, (int fds[2], int flags), (fds, flags))
FAULTS_WRAP(int, poll, (struct pollfd * fds, nfds_t count, int ms), (fds, count, ms),
	FAULTS_TRANSFER, -1)
FAULTS_WRAP(pid_t, waitpid, (pid_t pid, int *status, int flags), (pid, status, flags),
	FAULTS_TRANSFER, -1)
FAULTS_WRAP(int, clock_getcpuclockid, (pid_t pid, clockid_t *clock), (pid, clock), FAULTS_SYSTEM,
	EINVAL)

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
	va_list list;
	va_start(list, command);
	long argument = va_arg(list, long);
	va_end(list);
	return faults_due(FAULTS_SYSTEM, "fcntl") ? -1 : __real_fcntl(fd, command, argument);
}

pid_t __real_fork(void);
pid_t __wrap_fork(void);
pid_t __wrap_fork(void)
{
	if (faults_due(FAULTS_SYSTEM, "fork"))
		return -1;
	pid_t pid = __real_fork();
	if (pid == 0)
		faults.active = false;
	return pid;
}

static bool no_limits;
int __real_setrlimit(__rlimit_resource_t resource, const struct rlimit *limit);
int __wrap_setrlimit(__rlimit_resource_t resource, const struct rlimit *limit);
int __wrap_setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
	errno = EPERM;
	return no_limits ? -1 : __real_setrlimit(resource, limit);
}

/* --- the verdict */

static int write_and_read(const struct verdict *verdict, int fd, struct error *e)
{
	struct verdict_reader *reader = NULL;
	struct verdict got;
	uint8_t buffer[8192];
	faults_begin();
	int status = verdict_write(fd, verdict);
	if (status != 0)
		(void)error_errno(e, errno, "write");
	else
		status = verdict_reader_open(&reader, e);
	faults.active = false;
	ssize_t size = pread(fd, buffer, sizeof buffer, 0);
	faults_begin();
	if (status == 0)
		status = verdict_reader_push(reader, buffer, (size_t)size, e);
	if (status == 0)
		status = verdict_reader_end(reader, &got, e);
	verdict_reader_close(reader);
	faults_end();
	if (status == 0 && (got.result.opaque.count != verdict->result.opaque.count ||
				   got.result.implied.count != 1))
		status = FAULTS_WRONG;
	else if (status == 0)
		unpack_result_free(&got.result);
	return status;
}

static int pass_a_verdict(struct error *e)
{
	struct verdict verdict = {0};
	int fd = memfd_create("verdict", MFD_CLOEXEC);
	for (int i = 0; i < 300; i++) /* more than one write() */
		if (path_list_add(&verdict.result.opaque, "some/directory", 0, e) != 0)
			abort();
	if (path_list_add(&verdict.result.implied, "other", IMPLIED_FRESH, e) != 0)
		abort();
	int status = write_and_read(&verdict, fd, e);
	unpack_result_free(&verdict.result);
	(void)close(fd);
	return status;
}

/* --- one child */

static const struct item items[] = {{.path = ".", .type = '5', .mode = 0755, .mtime = 1},
	{.path = "file", .body = "hello"}, {.path = "o/.wh..wh..opq"}, {.path = "i/f"}, {0}};

static int unpack_jailed(struct stream *stream, int root_fd, struct unpack_result *out,
	unsigned *missing, struct error *e)
{
	const struct layer_unpack_options options = {.user_xattrs_supported = true};
	const struct jailed_request request = {.stream = stream,
		.record = &shelf.records[0],
		.root_fd = root_fd,
		.options = &options};
	struct jailed *jailed = NULL;
	if (jailed_start(&request, &jailed, e) != 0)
		return -1;
	struct pollfd fd = {.fd = jailed_descriptor(jailed), .events = POLLIN};
	do
		(void)poll(&fd, 1, 100);
	while (!jailed_read(jailed) && !jailed_is_stalled(jailed));
	return jailed_finish(jailed, out, missing, e);
}

static int run_a_child(struct error *e)
{
	char path[128];
	struct stream *stream = NULL;
	struct unpack_result result;
	unsigned missing = 0;
	scratch_make(path);
	int root_fd = open(path, O_RDONLY | O_DIRECTORY);
	memset(&result, UNTOUCHED, sizeof result);
	if (stream_open(&shelf.source, &shelf.records[0], &stream, e) != 0)
		abort();
	faults_begin();
	int status = unpack_jailed(stream, root_fd, &result, &missing, e);
	faults_end();
	if (status != 0 && !is_untouched(&result, sizeof result))
		status = FAULTS_WRONG;
	if (status == 0 && (result.opaque.count != 1 || result.implied.count != 2))
		status = FAULTS_WRONG;
	if (status == 0)
		unpack_result_free(&result);
	while (waitpid(-1, NULL, 0) > 0) /* whose waitpid() was made to fail */
		continue;
	stream_close(stream);
	(void)close(root_fd);
	scratch_remove(path);
	return status;
}

/* --- the crew */

static int fill(int store_fd, struct error *e)
{
	const struct crew_options how = {.cpus = 2};
	struct store_layer layer;
	unsigned missing;
	size_t failed;
	return crew_fill_store(
		store_fd, &shelf.source, shelf.records, 1, &how, &layer, &missing, &failed, e);
}

/* Whatever came of it, the next time it is right. */
static int fill_a_store(struct error *e)
{
	char path[128];
	struct error again;
	scratch_make(path);
	int store_fd = open(path, O_RDONLY | O_DIRECTORY);
	faults_begin();
	int status = fill(store_fd, e);
	faults_end();
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	if (shelf_open_blobs() != 0 || fill(store_fd, &again) != 0)
		status = FAULTS_WRONG;
	(void)close(store_fd);
	scratch_remove(path);
	return status;
}

static void needs_a_limit_of_cpu_time(void)
{
	struct error e = {0};
	no_limits = true;
	error_is(run_a_child(&e), &e, ERROR_KERNEL, "CPU time can't be limited");
	no_limits = false;
	is_int(run_a_child(&e), 0, "and when it can");
}

int main(void)
{
	if (!have_root())
		return 0;
	shelf_clear();
	shelf_add(items, MEDIA_TAR, 4000);
	const struct faults_case verdict = {.name = "a verdict", .run = pass_a_verdict},
				 child = {.name = "a jailed child",
					 .run = run_a_child,
					 .also = ALSO},
				 crew = {.name = "a crew", .run = fill_a_store, .also = ALSO};
	faults_all(&verdict);
	faults_all(&child);
	faults_try(&crew, FAULTS_MEMORY, ENOMEM, "no memory");
	faults_try(&crew, FAULTS_SYSTEM | FAULTS_TRANSFER, EIO, "EIO");
	faults_try(&crew, FAULTS_TRANSFER, EINTR, "EINTR");
	needs_a_limit_of_cpu_time();
	shelf_clear();
	return done();
}
