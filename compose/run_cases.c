#include "run_cases.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "../layers/scope.h"
#include "../qemu/console.h"
#include "../qemu/ending.h"
#include "report.h"
#include "run_guest.h"
#include "tail.h"

struct job {
	pid_t pid; /* 0: it has not begun, or has ended */
	bool ended;
	int status;          /* -1: it did not end by itself */
	struct tail *output; /* shared with the child; NULL: none */
};

struct runner {
	const struct run_cases *cases;
	struct job *jobs; /* one for each case */
	size_t next, printed, running, failed;
	bool *doubtful; /* shared with the children */
	int signal_fd;
	int signal_number; /* that ended all; 0: none */
	sigset_t before;
};

/* --- a child */

static int join(struct text_list *out, const struct text_list *a, const struct text_list *b,
	struct error *e)
{
	for (size_t i = 0; i < a->count; i++) {
		if (text_list_add(out, a->items[i], e) != 0)
			return -1;
	}
	for (size_t i = 0; i < b->count; i++) {
		if (text_list_add(out, b->items[i], e) != 0)
			return -1;
	}
	return 0;
}

static void take_output(void *context, const void *bytes, size_t length)
{
	tail_add(context, bytes, length);
}

/* What a child allocates goes with it. */
static int run_case(const struct runner *runner, size_t at, FILE *explain, struct error *e)
{
	const struct run_cases *cases = runner->cases;
	const struct run_given *own = &cases->file->cases[at].given, *all = cases->given;
	struct run_given given = {.words = own->words,
		.directory = own->directory != NULL ? own->directory : all->directory,
		.user = own->user != NULL ? own->user : all->user,
		.out = all->out};
	struct run_command command;
	struct qemu_request request = cases->request;
	if (join(&given.environment, &all->environment, &own->environment, e) != 0 ||
		join(&given.shares, &all->shares, &own->shares, e) != 0 ||
		join(&given.writable_shares, &all->writable_shares, &own->writable_shares, e) !=
			0 ||
		run_command_make(&given, &command, e) != 0)
		return -1;
	command.command.sink = take_output;
	command.command.sink_context = runner->jobs[at].output;
	if (own->memory_mib != 0)
		request.memory_mib = (unsigned)own->memory_mib;
	if (own->limit_s != 0)
		request.limit_s = (unsigned)own->limit_s;
	request.command = &command.command;
	bool doubtful = false;
	int status = run_guest(&request, explain, &doubtful, e);
	if (doubtful)
		*runner->doubtful = true;
	return status;
}

static _Noreturn void live(struct runner *runner, size_t at, pid_t parent)
{
	struct error e = {.code = ERROR_NONE};
	char *said = NULL;
	size_t said_bytes = 0;
	/* Killed with the parent, and QEMU with us. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(RUN_STATUS_FAILED);
	(void)close(runner->signal_fd);
	(void)sigprocmask(SIG_SETMASK, &runner->before, NULL);
	FILE *explain = open_memstream(&said, &said_bytes);
	if (explain == NULL)
		_exit(RUN_STATUS_FAILED);
	int status = run_case(runner, at, explain, &e);
	if (status < 0)
		fprintf(explain, "plyboot run: %s: %s\n", error_code_name(e.code), e.text);
	if (fflush(explain) == 0)
		tail_add(runner->jobs[at].output, said, said_bytes);
	_exit(status < 0 ? RUN_STATUS_FAILED : status);
}

/* --- the parent */

/* No more of it than is shown: a case that writes without end fills neither disk nor memory. */
static void drop_output(struct job *job)
{
	if (job->output != NULL)
		(void)munmap(job->output, sizeof *job->output);
	job->output = NULL;
}

static int start(struct runner *runner, struct error *e)
{
	struct job *job = &runner->jobs[runner->next];
	pid_t parent = getpid();
	job->output = mmap(NULL, sizeof *job->output, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (job->output == MAP_FAILED) {
		job->output = NULL;
		return error_errno(e, errno, "memory for what a case says");
	}
	fflush(stdout);
	job->pid = fork();
	if (job->pid < 0) {
		job->pid = 0;
		return error_errno(e, errno, "fork");
	}
	if (job->pid == 0)
		live(runner, runner->next, parent);
	runner->next++;
	runner->running++;
	return 0;
}

static void reap(struct runner *runner)
{
	int status;
	pid_t pid;
	while (runner->running > 0 && (pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < runner->next; i++) {
			struct job *job = &runner->jobs[i];
			if (job->pid != pid)
				continue;
			job->pid = 0;
			job->ended = true;
			job->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
			runner->running--;
			if (job->status == runner->cases->file->cases[i].status)
				drop_output(job); /* nobody will look at it */
		}
	}
}

/* --- TAP */

/* The last of it, harmless, as comments. */
static void print_output(const struct tail *output)
{
	char *text = malloc(TAIL_BYTES + 1);
	char shown[CONSOLE_LINE_SIZE];
	if (text == NULL)
		return;
	size_t length = tail_copy(output, text);
	if (output->total_bytes > length)
		printf("# ... %ju bytes before this\n", (uintmax_t)(output->total_bytes - length));
	for (char *line = text, *end; line < text + length; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + length - line));
		if (end == NULL)
			end = text + length;
		*end = '\0';
		console_harmless(line, shown, sizeof shown);
		printf("# %s\n", shown);
	}
	free(text);
}

static void print(struct runner *runner, size_t i)
{
	const struct case_item *item = &runner->cases->file->cases[i];
	struct job *job = &runner->jobs[i];
	bool good = job->status == item->status;
	printf("%s %zu - %s\n", good ? "ok" : "not ok", i + 1, item->name);
	if (!good) {
		runner->failed++;
		printf("# line %zu: status %d, not %d\n", item->line, job->status, item->status);
		print_output(job->output);
	}
	drop_output(job);
}

static void print_ended(struct runner *runner)
{
	while (runner->printed < runner->next && runner->jobs[runner->printed].ended)
		print(runner, runner->printed++);
	fflush(stdout);
}

/* --- all of it */

/* They ignore what we do. */
static void end_all(struct runner *runner)
{
	const int number = ending_is_ignored(SIGTERM) ? SIGKILL : SIGTERM;
	for (size_t i = 0; i < runner->next; i++) {
		if (runner->jobs[i].pid > 0)
			(void)kill(runner->jobs[i].pid, number);
	}
}

static void take_signal(struct runner *runner)
{
	struct signalfd_siginfo info;
	if (read(runner->signal_fd, &info, sizeof info) != (ssize_t)sizeof info ||
		info.ssi_signo == SIGCHLD)
		return;
	if (runner->signal_number == 0)
		runner->signal_number = (int)info.ssi_signo;
	end_all(runner);
}

static int drive(struct runner *runner, struct error *e)
{
	const size_t count = runner->cases->file->count;
	struct pollfd waiting = {.fd = runner->signal_fd, .events = POLLIN};
	int result = 0;
	while (runner->running > 0 ||
		(runner->next < count && runner->signal_number == 0 && result == 0)) {
		while (result == 0 && runner->signal_number == 0 && runner->next < count &&
			runner->running < runner->cases->jobs)
			result = start(runner, e);
		/* Each second: a child that has yet to wait for signals may only have noted it. */
		if (result != 0 || runner->signal_number != 0)
			end_all(runner);
		/* With a limit, so that a child whose signal was merged with another's is seen. */
		if (runner->running > 0 && poll(&waiting, 1, 1000) > 0)
			take_signal(runner);
		reap(runner);
		if (runner->signal_number == 0)
			print_ended(runner);
	}
	return result;
}

static int open_signals(struct runner *runner, struct error *e)
{
	sigset_t set;
	ending_signals(&set);
	(void)sigaddset(&set, SIGCHLD);
	/* Ignored by our parent, SIGCHLD would take the children's statuses away. */
	(void)signal(SIGCHLD, SIG_DFL);
	if (sigprocmask(SIG_BLOCK, &set, &runner->before) != 0)
		return error_errno(e, errno, "block signals");
	runner->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	return runner->signal_fd >= 0 ? 0 : error_errno(e, errno, "signalfd");
}

int run_cases(const struct run_cases *cases, bool *doubtful, struct error *e)
{
	SCOPED_FREE struct job *jobs = calloc(cases->file->count, sizeof *jobs);
	struct runner runner = {.cases = cases, .jobs = jobs, .signal_fd = -1};
	if (jobs == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	runner.doubtful =
		mmap(NULL, sizeof(bool), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (runner.doubtful == MAP_FAILED)
		return error_errno(e, errno, "memory shared with the cases");
	if (open_signals(&runner, e) != 0)
		return -1;
	printf("1..%zu\n", cases->file->count);
	int result = drive(&runner, e);
	*doubtful = *runner.doubtful;
	(void)munmap(runner.doubtful, sizeof(bool));
	for (size_t i = 0; i < cases->file->count; i++)
		drop_output(&jobs[i]);
	(void)close(runner.signal_fd);
	(void)sigprocmask(SIG_SETMASK, &runner.before, NULL);
	if (result == 0 && runner.signal_number != 0) {
		printf("Bail out! signal %d\n", runner.signal_number);
		return QEMU_STATUS_SIGNAL + runner.signal_number;
	}
	return result != 0 ? -1 : runner.failed > 0;
}
