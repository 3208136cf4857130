#include "jailed.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "jail.h"
#include "scope.h"
#include "verdict.h"

/* What the child counts up and the parent looks at. */
struct signs {
	_Atomic uint64_t beats, stored_bytes;
};

struct jailed {
	pid_t pid;
	int verdict_fd;
	struct signs *signs; /* shared */
	struct verdict_reader *reader;
	struct error error; /* why it was ended, or what it says can't be believed */
	uint64_t beats;     /* the last that were seen, */
	uint64_t cpu_ms;    /* and its CPU time then */
	unsigned stall_ms;
};

/* --- memory */

static uint64_t window_bytes(const struct layer_record *record)
{
	return record->media == MEDIA_TAR_ZSTD ? (1u << LIMIT_ZSTD_WINDOW_LOG) + (1u << 20) : 0;
}

uint64_t jailed_bytes(const struct layer_record *record, unsigned workers)
{
	const uint64_t others_bytes = 4 << 20; /* libarchive, zlib, lists of an ordinary layer */
	uint64_t decoder_bytes = workers == 0 ? record->largest_piece_bytes
					      : decoder_parallel_bytes(record->media,
							record->largest_piece_bytes, workers);
	return others_bytes + decoder_bytes + window_bytes(record);
}

/* What it may take at the very most: a window for each thread, and lists of paths as long as they
 * may be, which are sorted out once more in the end. */
static uint64_t limit_bytes(const struct layer_record *record, unsigned workers)
{
	return jailed_bytes(record, workers) + workers * window_bytes(record) +
	       4 * (uint64_t)LIMIT_LIST_BYTES;
}

/* --- the child */

static void count_stored(void *context, uint64_t stored_bytes)
{
	((struct signs *)context)->stored_bytes = stored_bytes;
}

/* Slower than this, in CPU time, no machine is: beside the signs of life a bound that a child can't
 * move.
 */
static rlim_t most_cpu_seconds(const struct layer_record *record)
{
	const uint64_t bytes_a_second = 128 * 1024, entries_a_second = 100;
	return (rlim_t)(60 + (record->stored_bytes + record->unpacked_bytes) / bytes_a_second +
			record->entries / entries_a_second);
}

static int enter(
	const struct jailed_request *request, int verdict_fd, unsigned *missing, struct error *e)
{
	/* At the hard limit it would be SIGKILL (setrlimit(2), RLIMIT_CPU), which says less. */
	const rlim_t seconds = most_cpu_seconds(request->record);
	const struct rlimit cpu = {seconds, seconds + 1};
	const int keep[] = {verdict_fd, stream_descriptor(request->stream)};
	const struct jail_request jail = {
		.root_fd = request->root_fd,
		.keep = keep,
		.keep_count = keep[1] < 0 ? 1 : 2,
		.memory_bytes = limit_bytes(request->record, request->options->workers),
		.threads = request->options->workers,
		.devices = true,
		.leave_out = request->leave_out,
	};
	if (setrlimit(RLIMIT_CPU, &cpu) != 0)
		return error_set(e, ERROR_KERNEL, errno, "limit CPU time");
	if (jail_enter(&jail, missing, e) != 0)
		return -1;
	unsigned lacking = *missing & request->demand;
	if (lacking != 0)
		return error_set(e, ERROR_KERNEL, 0,
			"the jail lacks `%s`, which is demanded and this kernel does not have",
			jail_part_name((enum jail_part)(lacking & -lacking)));
	return 0;
}

/* -1: the verdict says why. */
static int unpack(const struct jailed_request *request, pid_t parent, int verdict_fd,
	struct signs *signs, struct verdict *verdict)
{
	struct layer_unpack_options options = *request->options;
	options.progress = count_stored;
	options.progress_context = signs;
	options.beats = &signs->beats;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* no unpacking without whom it is for */
	if (getppid() != parent)
		return error_set(&verdict->why, ERROR_JAIL, 0, "what waits for the layer has died");
	if (enter(request, verdict_fd, &verdict->jail_missing, &verdict->why) != 0)
		return -1;
	return layer_unpack_stream(request->stream, request->record, request->root_fd, &options,
		&verdict->result, &verdict->why);
}

static _Noreturn void be_jailed(
	const struct jailed_request *request, pid_t parent, int verdict_fd, struct signs *signs)
{
	struct verdict verdict = {0};
	(void)unpack(request, parent, verdict_fd, signs, &verdict);
	_exit(verdict_write(verdict_fd, &verdict) == 0 ? 0 : 1);
}

/* --- the parent */

static void free_jailed(struct jailed *jailed)
{
	scope_close(&jailed->verdict_fd);
	if (jailed->signs != MAP_FAILED)
		(void)munmap(jailed->signs, sizeof *jailed->signs);
	verdict_reader_close(jailed->reader);
	free(jailed);
}

static int start(struct jailed *jailed, const struct jailed_request *request, struct error *e)
{
	int ends[2];
	if (jailed->signs == MAP_FAILED)
		return error_errno(e, errno, "memory to share");
	if (verdict_reader_open(&jailed->reader, e) != 0)
		return -1;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_errno(e, errno, "make a pipe");
	jailed->verdict_fd = ends[0];
	SCOPED_FD other = ends[1];
	/* Nobody may keep us waiting who has closed nothing and writes nothing. */
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
		return error_errno(e, errno, "set up a pipe");
	pid_t parent = getpid();
	jailed->pid = fork();
	if (jailed->pid < 0)
		return error_set(e, ERROR_NOSPACE, errno, "start a process");
	if (jailed->pid == 0)
		be_jailed(request, parent, other, jailed->signs);
	return 0;
}

int jailed_start(const struct jailed_request *request, struct jailed **out, struct error *e)
{
	struct jailed *jailed = calloc(1, sizeof *jailed);
	if (jailed == NULL)
		return error_errno(e, ENOMEM, "start unpacking");
	jailed->verdict_fd = -1;
	jailed->stall_ms = request->stall_ms != 0 ? request->stall_ms : JAILED_STALL_MS;
	jailed->signs = mmap(NULL, sizeof *jailed->signs, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (start(jailed, request, e) != 0) {
		free_jailed(jailed);
		return -1;
	}
	*out = jailed;
	return 0;
}

int jailed_descriptor(const struct jailed *jailed)
{
	return jailed->verdict_fd;
}

bool jailed_read(struct jailed *jailed)
{
	uint8_t buffer[4096];
	ssize_t got;
	while ((got = read(jailed->verdict_fd, buffer, sizeof buffer)) > 0)
		if (verdict_reader_push(jailed->reader, buffer, (size_t)got, &jailed->error) != 0)
			return true;
	if (got == 0)
		return true;
	if (errno == EAGAIN || errno == EINTR)
		return false;
	(void)error_errno(&jailed->error, errno, "read from what unpacks the layer");
	return true;
}

static uint64_t cpu_ms_of(pid_t pid)
{
	clockid_t clock;
	struct timespec used = {0};
	/* A failure looks like no CPU time: the child has ended, which its pipe says too. */
	if (clock_getcpuclockid(pid, &clock) == 0)
		(void)clock_gettime(clock, &used);
	return (uint64_t)used.tv_sec * 1000 + (uint64_t)used.tv_nsec / 1000000;
}

bool jailed_is_stalled(struct jailed *jailed)
{
	uint64_t beats = jailed->signs->beats, cpu_ms = cpu_ms_of(jailed->pid);
	if (beats != jailed->beats) {
		jailed->beats = beats;
		jailed->cpu_ms = cpu_ms;
	}
	if (cpu_ms < jailed->cpu_ms + jailed->stall_ms)
		return false;
	(void)error_set(&jailed->error, ERROR_JAIL, 0,
		"what unpacks the layer used %u ms of CPU time and got nowhere", jailed->stall_ms);
	return true;
}

uint64_t jailed_progress(const struct jailed *jailed)
{
	return jailed->signs->stored_bytes;
}

/* Killed first: it may have closed its pipe and live on. The status of one that is dying anyway
 * stays what it is. */
static int reap(struct jailed *jailed)
{
	int status = 1 << 8; /* exit(1), as long as nobody says otherwise */
	(void)kill(jailed->pid, SIGKILL);
	while (waitpid(jailed->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status;
}

static int explain(int status, struct error *e)
{
	int signal_number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	switch (signal_number) {
	case 0:
		return error_set(e, ERROR_JAIL, 0, "what unpacks the layer ended without a word");
	case SIGSYS:
		return error_set(e, ERROR_JAIL, 0,
			"what unpacks the layer was stopped: a system call that unpacking never "
			"makes");
	case SIGXCPU:
		return error_set(e, ERROR_JAIL, 0,
			"what unpacks the layer was stopped: more CPU time than such a layer "
			"takes");
	case SIGKILL:
		return error_set(e, ERROR_JAIL, 0,
			"what unpacks the layer was killed: too little memory, or seccomp");
	default:
		return error_set(e, ERROR_JAIL, 0, "what unpacks the layer crashed (signal %d)",
			signal_number);
	}
}

static int judge(struct jailed *jailed, int status, struct unpack_result *out, unsigned *missing,
	struct error *e)
{
	struct verdict verdict;
	if (jailed->error.code != ERROR_NONE) {
		*e = jailed->error;
		return -1;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return explain(status, e);
	if (verdict_reader_end(jailed->reader, &verdict, e) != 0)
		return -1;
	*missing = verdict.jail_missing;
	if (verdict.why.code != ERROR_NONE) {
		*e = verdict.why;
		return -1;
	}
	*out = verdict.result;
	return 0;
}

int jailed_finish(
	struct jailed *jailed, struct unpack_result *out, unsigned *missing, struct error *e)
{
	int result = judge(jailed, reap(jailed), out, missing, e);
	free_jailed(jailed);
	return result;
}

void jailed_kill(struct jailed *jailed)
{
	if (jailed == NULL)
		return;
	(void)reap(jailed);
	free_jailed(jailed);
}
