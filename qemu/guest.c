#include "guest.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../layers/scope.h"

enum {
	PANIC_LINGER_MS = 2000, /* the rest of the trace */
	END_PATIENCE_MS = 1000, /* QEMU has closed its output: it is about to be gone */
	DRAIN_LIMIT_MS = 2000
};

static void bring_forward(struct guest *guest, long long in_ms)
{
	long long when_ms = process_clock_ms() + in_ms;

	if (when_ms < guest->deadline_ms)
		guest->deadline_ms = when_ms;
}

static void log_bytes(struct guest *guest, const char *bytes, size_t length)
{
	while (guest->request->log_fd >= 0 && length > 0) {
		ssize_t written = write(guest->request->log_fd, bytes, length);

		if (written <= 0)
			return; /* a full disk is no reason to end a guest */
		bytes += written;
		length -= (size_t)written;
	}
}

/* Read one chunk of the console; false at its end. */
static bool take_console(struct guest *guest)
{
	bool panicked = guest->outcome->console.panic[0] != '\0';
	ssize_t got = recv(guest->console_fd, guest->pending, GUEST_CHUNK_SIZE, MSG_DONTWAIT);

	if (got <= 0)
		return got < 0 && (errno == EAGAIN || errno == EINTR);
	guest->pending_start = 0;
	guest->pending_end = (size_t)got;
	log_bytes(guest, guest->pending, (size_t)got);
	console_feed(&guest->outcome->console, guest->pending, (size_t)got);
	if (!panicked && guest->outcome->console.panic[0] != '\0')
		bring_forward(guest, PANIC_LINGER_MS);
	return true;
}

static void pass_console(struct guest *guest)
{
	ssize_t written = write(guest->output_fd, guest->pending + guest->pending_start,
		guest->pending_end - guest->pending_start);

	if (written >= 0)
		guest->pending_start += (size_t)written;
	else if (errno != EAGAIN && errno != EINTR)
		guest->output_fd = -1; /* nobody listens any more; the verdict still counts */
}

static bool take_verdict(struct guest *guest)
{
	char bytes[512];
	bool had = guest->port.verdict >= 0;
	ssize_t got = recv(guest->verdict_fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (got <= 0)
		return got < 0 && (errno == EAGAIN || errno == EINTR);
	verdict_feed(&guest->port, bytes, (size_t)got);
	if (!had && guest->port.verdict >= 0)
		bring_forward(guest, QEMU_VERDICT_LINGER_S * 1000LL);
	return true;
}

static bool take_complaint(struct guest *guest)
{
	char bytes[512];
	ssize_t got = read(guest->process.output_fd, bytes, sizeof(bytes));

	if (got > 0)
		console_feed(&guest->complaints, bytes, (size_t)got);
	return got > 0 || (got < 0 && errno == EINTR);
}

static void take_signal(struct guest *guest)
{
	struct signalfd_siginfo info;

	if (read(guest->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH && guest->relay)
		relay_resize(guest->relay);
	else
		guest->outcome->signal_number = (int)info.ssi_signo;
}

static void take_keys(struct guest *guest)
{
	char in[256];
	char out[256];
	ssize_t got = read(guest->input_fd, in, sizeof(in));
	size_t count;

	if (got <= 0) {
		if (got == 0 || errno != EINTR)
			guest->input_fd = -1;
		return;
	}
	count = terminal_keys_pass(&guest->keys, in, (size_t)got, out);
	/* A guest that reads nothing loses keys; it must not stop us. */
	if (count > 0)
		(void)send(guest->console_fd, out, count, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void give_up(int *fd)
{
	scope_close(fd);
	*fd = -1;
}

static void take_relay(struct guest *guest, const struct pollfd *polled)
{
	struct qemu_outcome *outcome = guest->outcome;

	relay_turn(guest->relay, polled);
	if (outcome->ready_ms == 0 && guest->relay->session.state > SESSION_ASKED)
		outcome->ready_ms = (unsigned)(process_clock_ms() - guest->started_ms);
	if (guest->relay->keys.left)
		outcome->signal_number = SIGINT; /* a person means the same by it */
}

/* Wait for whatever comes next and take it in. `wait_ms` as for poll(2). */
static void guest_step(struct guest *guest, int wait_ms)
{
	bool full = guest->pending_start < guest->pending_end && guest->output_fd >= 0;
	struct pollfd polled[6 + RELAY_POLLS] = {
		{.fd = full ? -1 : guest->console_fd, .events = POLLIN},
		{.fd = full ? guest->output_fd : -1, .events = POLLOUT},
		{.fd = guest->verdict_fd, .events = POLLIN},
		{.fd = guest->ended ? -1 : guest->process.output_fd, .events = POLLIN},
		{.fd = guest->signal_fd, .events = POLLIN},
		{.fd = guest->input_fd, .events = POLLIN},
	};

	if (guest->relay)
		relay_polls(guest->relay, polled + 6);
	if (poll(polled, guest->relay ? 6 + RELAY_POLLS : 6, wait_ms) <= 0)
		return;
	if (polled[0].revents && !take_console(guest))
		give_up(&guest->console_fd);
	if (polled[1].revents)
		pass_console(guest);
	if (polled[2].revents && !take_verdict(guest))
		give_up(&guest->verdict_fd);
	if (polled[3].revents && !take_complaint(guest))
		guest->ended = true;
	if (polled[4].revents)
		take_signal(guest);
	if (polled[5].revents)
		take_keys(guest);
	if (guest->relay)
		take_relay(guest, polled + 6);
}

static bool is_over(const struct guest *guest)
{
	return guest->ended || guest->keys.left || guest->outcome->signal_number != 0 ||
	       (guest->relay && relay_over(guest->relay));
}

static void guest_run(struct guest *guest)
{
	while (!is_over(guest)) {
		long long left_ms = guest->deadline_ms - process_clock_ms();

		if (left_ms <= 0) {
			guest->limit_reached = true;
			return;
		}
		guest_step(guest, left_ms > 60000 ? 60000 : (int)left_ms);
	}
}

/* QEMU is gone: what it left in the sockets is still to be had. */
static void guest_drain(struct guest *guest)
{
	long long until_ms = process_clock_ms() + DRAIN_LIMIT_MS;

	guest->input_fd = -1;
	while (process_clock_ms() < until_ms) {
		bool full = guest->pending_start < guest->pending_end && guest->output_fd >= 0;

		bool held = guest->relay && relay_holds(guest->relay);

		if (guest->console_fd < 0 && guest->verdict_fd < 0 && !full && !held)
			break;
		guest_step(guest, 100);
	}
	console_finish(&guest->outcome->console);
	console_finish(&guest->complaints);
	for (size_t i = 0; console_tail(&guest->complaints, i); i++)
		(void)snprintf(guest->outcome->complaint, sizeof(guest->outcome->complaint), "%s",
			console_tail(&guest->complaints, i));
}

/* What became of the command; `end` when it says nothing of it. */
static enum qemu_end judge_command(const struct guest *guest, enum qemu_end end)
{
	struct qemu_outcome *outcome = guest->outcome;
	const struct session *session = &guest->relay->session;

	if (session_over(session)) {
		outcome->command_status = session->status;
		outcome->command_signal = session->signal;
		(void)snprintf(outcome->refusal, sizeof(outcome->refusal), "%s", session->reason);
		return session->state == SESSION_EXITED ? QEMU_END_COMMAND : QEMU_END_NOT_STARTED;
	}
	if (end == QEMU_END_INTERRUPTED || end == QEMU_END_PANIC || guest->limit_reached)
		return end;
	if (guest->relay->failed) {
		console_harmless(
			guest->relay->error.text, outcome->refusal, sizeof(outcome->refusal));
		return QEMU_END_GARBLED;
	}
	if (end != QEMU_END_OFF)
		return end;
	return session->state == SESSION_BOOTING ? QEMU_END_NOT_BOOTED : QEMU_END_NO_STATUS;
}

static enum qemu_end judge(const struct guest *guest)
{
	const struct qemu_outcome *outcome = guest->outcome;

	if (outcome->signal_number != 0)
		return QEMU_END_INTERRUPTED;
	if (guest->keys.left)
		return QEMU_END_LEFT;
	if (outcome->console.panic[0] != '\0')
		return QEMU_END_PANIC;
	if (outcome->verdict >= 0)
		return QEMU_END_VERDICT;
	if (guest->limit_reached)
		return QEMU_END_LIMIT;
	if (!outcome->powered_off)
		return QEMU_END_FAILED;
	return guest->request->verdict_required && !guest->request->interactive && !guest->relay
		       ? QEMU_END_NO_VERDICT
		       : QEMU_END_OFF;
}

void guest_live(struct guest *guest)
{
	struct qemu_outcome *outcome = guest->outcome;

	guest->started_ms = process_clock_ms();
	guest->deadline_ms = guest->request->limit_s
				     ? guest->started_ms + guest->request->limit_s * 1000LL
				     : LLONG_MAX;
	guest_run(guest);
	outcome->wait_status = process_end(&guest->process, guest->ended ? END_PATIENCE_MS : 0);
	outcome->powered_off = guest->ended && outcome->wait_status == 0;
	outcome->elapsed_ms = (unsigned)(process_clock_ms() - guest->started_ms);
	guest->ended = true;
	guest_drain(guest);
	outcome->verdict = guest->port.verdict;
	outcome->end = judge(guest);
	if (guest->relay)
		outcome->end = judge_command(guest, outcome->end);
}
