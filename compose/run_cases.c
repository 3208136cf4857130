#include "run_cases.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../layers/scope.h"
#include "../qemu/console.h"
#include "../qemu/ending.h"
#include "report.h"
#include "run_guest.h"

struct job {
	pid_t pid; /* 0: it has not begun, or has ended */
	bool ended;
	int status;    /* -1: it did not end by itself */
	int output_fd; /* a file without a name; -1: none */
};

struct runner {
	const struct run_cases *cases;
	struct job *jobs; /* one for each case */
	size_t next, printed, running, failed;
	bool *not_booted; /* shared with the children */
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

/* What a child allocates goes with it. */
static int run_case(
	const struct run_cases *cases, size_t at, FILE *output, bool *not_booted, struct error *e)
{
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
	command.command.output_fd = command.command.error_fd = fileno(output);
	if (own->memory_mib != 0)
		request.memory_mib = (unsigned)own->memory_mib;
	if (own->limit_s != 0)
		request.limit_s = (unsigned)own->limit_s;
	request.command = &command.command;
	enum qemu_end end = QEMU_END_OFF;
	int status = run_guest(&request, output, &end, e);
	if (end == QEMU_END_NOT_BOOTED)
		*not_booted = true;
	return status;
}

static _Noreturn void live(struct runner *runner, size_t at, pid_t parent)
{
	struct error e = {.code = ERROR_NONE};
	/* Killed with the parent, and QEMU with us. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(RUN_STATUS_FAILED);
	(void)close(runner->signal_fd);
	(void)sigprocmask(SIG_SETMASK, &runner->before, NULL);
	FILE *output = fdopen(runner->jobs[at].output_fd, "w");
	if (output == NULL)
		_exit(RUN_STATUS_FAILED);
	int status = run_case(runner->cases, at, output, runner->not_booted, &e);
	if (status < 0)
		fprintf(output, "plyboot run: %s: %s\n", error_code_name(e.code), e.text);
	(void)fflush(output);
	_exit(status < 0 ? RUN_STATUS_FAILED : status);
}

/* --- the parent */

/* On a disk, as it may be long; without a name, so that nothing stays. */
static int open_output(int *fd, struct error *e)
{
	const char *directory = getenv("TMPDIR");
	if (directory == NULL || directory[0] == '\0')
		directory = "/tmp";
	*fd = open(directory, O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
	if (*fd >= 0)
		return 0;
	SCOPED_FREE char *path = NULL;
	if (asprintf(&path, "%s/plyboot-XXXXXX", directory) < 0) {
		path = NULL;
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	}
	*fd = mkostemp(path, O_APPEND | O_CLOEXEC);
	if (*fd < 0 || unlink(path) != 0)
		return error_errno(e, errno, "a temporary file in `%s`", directory);
	return 0;
}

static int start(struct runner *runner, struct error *e)
{
	struct job *job = &runner->jobs[runner->next];
	pid_t parent = getpid();
	if (open_output(&job->output_fd, e) != 0)
		return -1;
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
			if (job->status == runner->cases->file->cases[i].status) {
				scope_close(&job->output_fd); /* nobody will look at it */
				job->output_fd = -1;
			}
		}
	}
}

/* --- TAP */

/* The last of it, harmless, as comments. */
static void print_output(int fd)
{
	enum { SHOWN_BYTES = 65536 };
	char *text = malloc(SHOWN_BYTES + 1);
	char shown[CONSOLE_LINE_SIZE];
	struct stat st;
	if (text == NULL || fstat(fd, &st) != 0 || st.st_size == 0) {
		free(text);
		return;
	}
	off_t from = st.st_size > SHOWN_BYTES ? st.st_size - SHOWN_BYTES : 0;
	ssize_t got = pread(fd, text, SHOWN_BYTES, from);
	if (from > 0)
		printf("# ... %jd bytes before this\n", (intmax_t)from);
	text[got > 0 ? got : 0] = '\0';
	for (char *line = text, *end; line < text + got; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + got - line));
		if (end == NULL)
			end = text + got;
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
		print_output(job->output_fd);
	}
	scope_close(&job->output_fd);
	job->output_fd = -1;
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

int run_cases(const struct run_cases *cases, bool *not_booted, struct error *e)
{
	SCOPED_FREE struct job *jobs = calloc(cases->file->count, sizeof *jobs);
	struct runner runner = {.cases = cases, .jobs = jobs, .signal_fd = -1};
	if (jobs == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (size_t i = 0; i < cases->file->count; i++)
		jobs[i].output_fd = -1;
	runner.not_booted =
		mmap(NULL, sizeof(bool), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (runner.not_booted == MAP_FAILED)
		return error_errno(e, errno, "memory shared with the cases");
	if (open_signals(&runner, e) != 0)
		return -1;
	printf("1..%zu\n", cases->file->count);
	int result = drive(&runner, e);
	*not_booted = *runner.not_booted;
	(void)munmap(runner.not_booted, sizeof(bool));
	for (size_t i = 0; i < cases->file->count; i++)
		scope_close(&jobs[i].output_fd);
	(void)close(runner.signal_fd);
	(void)sigprocmask(SIG_SETMASK, &runner.before, NULL);
	if (result == 0 && runner.signal_number != 0) {
		printf("Bail out! signal %d\n", runner.signal_number);
		return QEMU_STATUS_SIGNAL + runner.signal_number;
	}
	return result != 0 ? -1 : runner.failed > 0;
}
