/* qemu/relay.c: a person at a terminal, whose keys, size and patience are not the guest's. */
#include <sys/ioctl.h>
#include <termios.h>

#include "relay_room.h"

enum { PORT, INPUT };

static int master_fd, terminal_fd;

static void open_terminal(unsigned short rows, unsigned short columns)
{
	struct termios raw;
	const struct winsize size = {.ws_row = rows, .ws_col = columns};

	master_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master_fd < 0 || grantpt(master_fd) || unlockpt(master_fd))
		abort();
	terminal_fd = open(ptsname(master_fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal_fd < 0 || tcgetattr(terminal_fd, &raw))
		abort();
	cfmakeraw(&raw);
	if (tcsetattr(terminal_fd, TCSANOW, &raw) || ioctl(master_fd, TIOCSWINSZ, &size))
		abort();
	end_room();
	command.input_fd = terminal_fd;
	command.output_fd = terminal_fd;
	command.error_fd = terminal_fd;
	command.terminal = true;
	begin_room();
}

static void close_terminal(void)
{
	end_room();
	(void)close(master_fd);
	(void)close(terminal_fd);
}

static const char *size_told(void)
{
	static char text[32];
	uint16_t rows = 0, columns = 0;

	runport_load_size(heard.payload, &rows, &columns);
	(void)snprintf(text, sizeof(text), "%u %u", rows, columns);
	return text;
}

static void keys(const char *text)
{
	if (write(master_fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	settle();
}

static void terminal(void)
{
	struct winsize size = {.ws_row = 30, .ws_col = 90};
	char got[8] = "";

	open_terminal(40, 100);
	ioctl(master_fd, TIOCSWINSZ, &size);
	say('h', "\1", 1);
	settle();
	is_str(hears(), "ATGW", "a job with a terminal, and its size since");
	is_str(size_told(), "30 90", "which is told behind the job");
	say('s', "", 0);
	settle();
	keys("ab");
	ok(strcmp(hears(), "I") == 0 && heard_input == 2, "two keys");
	keys("\001\001");
	ok(strcmp(hears(), "I") == 0 && heard_input == 3, "one Ctrl-A of two");
	keys("\001");
	ok(strcmp(hears(), "") == 0 && !relay->keys.left, "one alone is none");
	keys("z");
	is_str(hears(), "", "and takes the next with it");
	say('o', "out", 3);
	settle();
	ok(read(master_fd, got, sizeof(got)) == 3 && memcmp(got, "out", 3) == 0, "the output");
	size = (struct winsize){.ws_row = 0, .ws_col = 7};
	ioctl(master_fd, TIOCSWINSZ, &size);
	relay_resize(relay);
	settle();
	ok(strcmp(hears(), "W") == 0 && strcmp(size_told(), "24 80") == 0, "no rows: 24 80");
	size = (struct winsize){.ws_row = 7, .ws_col = 0};
	ioctl(master_fd, TIOCSWINSZ, &size);
	relay_resize(relay);
	settle();
	ok(strcmp(hears(), "W") == 0 && strcmp(size_told(), "24 80") == 0, "no columns: 24 80");
	keys("\001x");
	ok(relay->keys.left && strcmp(hears(), "") == 0, "Ctrl-A X leaves, and nobody hears it");
	close_terminal();
}

/* Who sits there can leave, whatever the guest takes. */
static void terminal_without_room(void)
{
	struct pollfd polled[RELAY_POLLS];

	open_terminal(24, 80);
	relay_polls(relay, polled);
	ok(polled[INPUT].fd == terminal_fd, "keys are read while the guest boots");
	keys("abc");
	is_str(hears(), "", "and lost");
	say('h', "\1", 1);
	say('s', "", 0);
	settle();
	(void)hears();
	relay->session.credit = 2;
	keys("abc");
	ok(heard_input == 0 && strcmp(hears(), "I") == 0 && heard_input == 2,
		"so are those that the guest does not take");
	say('x', "\0\0", 2);
	settle();
	relay_polls(relay, polled);
	ok(polled[INPUT].fd == -1, "nothing is read behind the end");
	relay->input_fd = -1;
	(void)hears();
	relay_resize(relay);
	turn(PORT, 0);
	is_str(hears(), "", "nor told");
	close_terminal();
	end_room();
	begin_room();
	get_running();
	relay_resize(relay);
	turn(PORT, 0);
	is_str(hears(), "", "without a terminal there is no size");
}

int main(void)
{
	terminal();
	terminal_without_room();
	end_room();
	return done();
}
