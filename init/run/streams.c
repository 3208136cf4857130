#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "job.h"

static void give_up(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static int not_blocking(int fd, struct error *e)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return error_set(e, ERROR_KERNEL, errno, "a stream that does not block");
	return 0;
}

static int open_pipe(int *read_fd, int *write_fd, struct error *e)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_set(e, ERROR_KERNEL, errno, "pipe for the program's streams");
	*read_fd = ends[0];
	*write_fd = ends[1];
	return 0;
}

static int open_pipes(struct streams *streams, bool one_output, struct error *e)
{
	int *theirs = streams->theirs.fds;
	if (open_pipe(&theirs[0], &streams->input_fd, e) != 0 ||
		not_blocking(streams->input_fd, e) != 0)
		return -1;
	for (int i = 0; i < (one_output ? 1 : 2); i++) {
		if (open_pipe(&streams->output_fds[i], &theirs[1 + i], e) != 0 ||
			not_blocking(streams->output_fds[i], e) != 0)
			return -1;
	}
	if (one_output)
		theirs[2] = fcntl(theirs[1], F_DUPFD_CLOEXEC, 3);
	return theirs[2] >= 0 ? 0 : error_set(e, ERROR_KERNEL, errno, "a second output");
}

static int open_terminal(struct streams *streams, const struct job *job, struct error *e)
{
	const struct winsize size = {.ws_row = job->rows, .ws_col = job->columns};
	int *theirs = streams->theirs.fds;
	char path[32];
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (master < 0 || unlockpt(master) != 0 || ptsname_r(master, path, sizeof path) != 0)
		return error_set(e, ERROR_KERNEL, errno, "a terminal (/dev/ptmx)");
	streams->output_fds[0] = master;
	streams->input_fd = fcntl(master, F_DUPFD_CLOEXEC, 3);
	for (int i = 0; i < 3; i++) {
		theirs[i] = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
		if (theirs[i] < 0)
			return error_set(e, ERROR_KERNEL, errno, "open the terminal %s", path);
	}
	if (streams->input_fd < 0 || ioctl(master, TIOCSWINSZ, &size) != 0)
		return error_set(e, ERROR_KERNEL, errno, "the terminal's size");
	return 0;
}

int streams_open(struct streams *streams, const struct job *job, struct error *e)
{
	*streams = (struct streams){
		.theirs = {.fds = {-1, -1, -1}, .terminal = job->terminal},
		.input_fd = -1,
		.output_fds = {-1, -1},
	};
	return job->terminal ? open_terminal(streams, job, e)
			     : open_pipes(streams, job->one_output, e);
}

void streams_close_theirs(struct streams *streams)
{
	for (int i = 0; i < 3; i++)
		give_up(&streams->theirs.fds[i]);
}

void streams_close(struct streams *streams)
{
	streams_close_theirs(streams);
	give_up(&streams->input_fd);
	give_up(&streams->output_fds[0]);
	give_up(&streams->output_fds[1]);
}
