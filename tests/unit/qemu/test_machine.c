/* qemu/machine.c: a request becomes QEMU's arguments, compared as one transcript. */
#include <signal.h>
#include <string.h>

#include "../../qemu/machine.h"
#include "../../qemu/tsc.h"
#include "tap.h"

static bool sandbox;

/* All arguments, one space between two. */
static const char *command_for(const struct qemu_request *request, const char *accel)
{
	static char text[2048];
	struct machine_arguments arguments = {0};
	const struct machine *machine = machine_find(request->architecture, NULL);

	text[0] = '\0';
	const struct machine_use use = {
		.accel = accel, .sandbox = sandbox, .console_fd = 5, .port_fd = 6};

	if (!machine || machine_command(machine, request, &use, &arguments, NULL))
		return NULL;
	for (size_t i = 0; i < arguments.count; i++) {
		size_t used = strlen(text);

		(void)snprintf(
			text + used, sizeof(text) - used, "%s%s", i ? " " : "", arguments.items[i]);
	}
	if (arguments.items[arguments.count])
		(void)snprintf(text, sizeof(text), "not ended by NULL");
	machine_arguments_free(&arguments);
	return text;
}

/* The firmware is there or not, the rate of the TSC is this machine's: both are taken out. */
static const char *without(const char *text, const char *from, const char *digits)
{
	static char out[2048];
	const char *found = strstr(text, from);
	size_t length = found ? (size_t)(found - text) : strlen(text);

	(void)snprintf(out, sizeof(out), "%.*s%s", (int)length, text,
		found ? found + strlen(from) + strspn(found + strlen(from), digits) : "");
	return out;
}

static const char *without_tsc(const char *text)
{
	return without(text, " tsc_early_khz=", "0123456789");
}

#define COMMON "-nodefaults -no-user-config -display none -no-reboot " WITH_PORTS
#define WITH_PORTS                                                                                 \
	"-m 1024 -smp 1 "                                                                          \
	"-chardev socket,id=console,fd=5 -chardev socket,id=verdict,fd=6 "                         \
	"-serial chardev:console -serial chardev:verdict "

static void plain_request(void)
{
	struct qemu_request request = QEMU_REQUEST_INIT;

	request.kernel = "vmlinuz";
	is_str(without_tsc(command_for(&request, "tcg")),
		"qemu-system-x86_64 -accel tcg -M pc " COMMON
		"-nic none -kernel vmlinuz -append console=ttyS0 panic=-1 no_timer_check",
		"kernel only: no network, no disk, a panic ends it");
	is_str(command_for(&request, "kvm"),
		"qemu-system-x86_64 -accel kvm -M pc -cpu host " COMMON
		"-nic none -kernel vmlinuz -append console=ttyS0 panic=-1",
		"with KVM: the host's CPU");
	request.reboot = true;
	is_str(strstr(without_tsc(command_for(&request, "tcg")), "-display none "),
		"-display none " WITH_PORTS
		"-nic none -kernel vmlinuz -append console=ttyS0 panic=-1 no_timer_check",
		"a guest that may boot again");
}

static void full_request(void)
{
	static const struct qemu_disk disks[] = {
		{.path = "/a,b", .read_only = true},
		{.path = "nbd:c", .snapshot = true},
	};
	static const char *const extra[] = {"-device", "virtio-rng-pci", NULL};
	struct qemu_request request = QEMU_REQUEST_INIT;

	request.kernel = "k";
	request.initrd = "i,j";
	request.append = "quiet a,b";
	request.disks = disks;
	request.disk_count = 2;
	request.network = true;
	request.host_forward = "tcp:127.0.0.1:8080-:80";
	request.extra = extra;
	is_str(without_tsc(command_for(&request, "tcg")),
		"qemu-system-x86_64 -accel tcg -M pc " COMMON
		"-netdev user,id=net,hostfwd=tcp:127.0.0.1:8080-:80 "
		"-device virtio-net-pci,netdev=net,romfile= "
		"-drive if=none,id=disk0,format=raw,file=/a,,b,read-only=on "
		"-device virtio-blk-pci,drive=disk0 "
		"-drive if=none,id=disk1,format=raw,file=./nbd:c,snapshot=on "
		"-device virtio-blk-pci,drive=disk1 "
		"-kernel k -initrd i,j -append console=ttyS0 panic=-1 no_timer_check quiet a,b "
		"-device virtio-rng-pci",
		"disks in order, commas doubled in options only, extra arguments last");
}

static const char *sandbox_for(const struct qemu_request *request)
{
	static char words[256];
	const char *found = strstr(command_for(request, "tcg"), " -sandbox ");

	(void)snprintf(words, sizeof(words), "%s", found ? found + strlen(" -sandbox ") : "none");
	words[strcspn(words, " ")] = '\0';
	return words;
}

static void sandboxes(void)
{
	static const char *const bridge[] = {"-nic", "bridge", NULL};
	static const char *const own[] = {"-s", "-sandbox", "off", NULL};
	static const char *const own_too[] = {"--sandbox", "off", NULL};
	static const char *const none[] = {NULL};
	struct qemu_request request = QEMU_REQUEST_INIT;

	request.kernel = "k";
	sandbox = true;
	is_str(sandbox_for(&request),
		"on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
		"a sandbox");
	request.extra = none;
	is_str(sandbox_for(&request),
		"on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
		"... with an empty list of arguments, too");
	request.extra = bridge;
	is_str(sandbox_for(&request), "on,obsolete=deny",
		"arguments of one's own may need helper programs");
	request.extra = own;
	is_str(sandbox_for(&request), "off", "a sandbox of one's own is the only one");
	request.extra = own_too;
	ok(!strstr(command_for(&request, "tcg"), " -sandbox "), "... with two dashes, too");
	sandbox = false;
	request.extra = NULL;
	is_str(sandbox_for(&request), "none", "none for a QEMU that has none");
}

static void unknown_architecture(void)
{
	struct error e = {0};

	ok(!machine_find("pdp11", &e), "an unknown architecture has no row");
	is_str(error_code_name(e.code), "USAGE", "the error's code");
	ok(strstr(e.text, "pdp11") && strstr(e.text, "x86_64"), "it names both: %s", e.text);
}

static void statuses(void)
{
	struct qemu_outcome outcome = {.end = QEMU_END_VERDICT, .verdict = 42};

	is_int(qemu_outcome_status(&outcome), 42, "a verdict is the status");
	outcome.end = QEMU_END_OFF;
	is_int(qemu_outcome_status(&outcome), 0, "off is 0");
	outcome.end = QEMU_END_LEFT;
	is_int(qemu_outcome_status(&outcome), 0, "left is 0");
	outcome.end = QEMU_END_NO_VERDICT;
	is_int(qemu_outcome_status(&outcome), 120, "no verdict");
	outcome.end = QEMU_END_PANIC;
	is_int(qemu_outcome_status(&outcome), 121, "panic");
	outcome.end = QEMU_END_LIMIT;
	is_int(qemu_outcome_status(&outcome), 122, "time limit");
	outcome.end = QEMU_END_FAILED;
	is_int(qemu_outcome_status(&outcome), 123, "QEMU failed");
	outcome.end = QEMU_END_INTERRUPTED;
	outcome.signal_number = 15;
	is_int(qemu_outcome_status(&outcome), 143, "interrupted");
}

static void sentences(void)
{
	struct qemu_outcome outcome = {.end = QEMU_END_FAILED, .program = "q", .accel = "tcg"};
	char text[512];

	outcome.wait_status = SIGSYS;
	qemu_outcome_sentence(&outcome, text, sizeof(text));
	is_str(text,
		"q (tcg) made a system call that its sandbox denies: `--qemu-arg -sandbox "
		"--qemu-arg off` takes it away",
		"killed by its sandbox");
	outcome.wait_status = SIGSEGV;
	qemu_outcome_sentence(&outcome, text, sizeof(text));
	is_str(text, "q (tcg) was ended by signal 11: it printed nothing", "... or otherwise");
}

static const char *const run_true[] = {"true", NULL};

#define RUN_COMMON                                                                                 \
	"-nodefaults -no-user-config -display none -no-reboot -m 1024 -smp 1 "                     \
	"-chardev socket,id=console,fd=5 -chardev socket,id=run,fd=6 "                             \
	"-serial chardev:console -device virtio-serial-pci "                                       \
	"-device virtserialport,chardev=run,name=plyboot.run -nic none "

static void command_request(void)
{
	static const struct qemu_share shares[] = {
		{.path = "/a,b", .target = "/t"},
		{.path = "c", .target = "/u", .writable = true},
	};
	struct qemu_command command = QEMU_COMMAND_INIT;
	struct qemu_request request = QEMU_REQUEST_INIT;
	char text[2048];

	command.arguments = run_true;
	command.shares = shares;
	command.share_count = 2;
	request.command = &command;
	request.kernel = "k";
	request.append = "w";
	(void)snprintf(text, sizeof(text), "%s",
		without(command_for(&request, "kvm"), " -bios /usr/share/qemu/qboot.rom", ""));
	is_str(text,
		"qemu-system-x86_64 -accel kvm -M q35,sata=off,smbus=off,usb=off -cpu "
		"host " RUN_COMMON
		"-fsdev local,id=share0,path=/a,,b,security_model=none,multidevs=remap,readonly=on "
		"-device virtio-9p-pci,fsdev=share0,mount_tag=share0 "
		"-fsdev local,id=share1,path=./c,security_model=none,multidevs=remap "
		"-device virtio-9p-pci,fsdev=share1,mount_tag=share1 "
		"-kernel k -append console=ttyS0 panic=-1 quiet w",
		"a command: the lean machine, its port, its shares");
	command.share_count = 0;
	(void)snprintf(text, sizeof(text), "%s",
		without(command_for(&request, "tcg"), " -bios /usr/share/qemu/qboot.rom", ""));
	is_str(without_tsc(text),
		"qemu-system-x86_64 -accel tcg -M q35,sata=off,smbus=off,usb=off " RUN_COMMON
		"-kernel k -append console=ttyS0 panic=-1 quiet no_timer_check w",
		"emulated");
}

/* Each guest whose CPU is emulated is told it, where it can be told. */
static void tsc_words(void)
{
	struct qemu_command command = QEMU_COMMAND_INIT;
	struct qemu_request request = QEMU_REQUEST_INIT;
	bool told[2] = {false, false};

	command.arguments = run_true;
	request.kernel = "k";
	for (int tries = 0; tries < 20 && !(told[0] && told[1]); tries++) {
		request.command = NULL;
		told[0] |= strstr(command_for(&request, "tcg"), " tsc_early_khz=") != NULL;
		request.command = &command;
		told[1] |= strstr(command_for(&request, "tcg"), " tsc_early_khz=") != NULL;
	}
	is_int(told[0], told[1],
		"a guest with a console is told the TSC's rate as one with a command");
	ok(!strstr(command_for(&request, "kvm"), "tsc"),
		"... but not by KVM, which does so itself");
}

static void tsc_rate(void)
{
	unsigned first = tsc_rate_khz();
	unsigned second = tsc_rate_khz();

	/* A busy machine may keep one of them from being told. */
	ok(first == 0 || second == 0 ||
			(first > second - second / 100 && first < second + second / 100),
		"the TSC's rate is the same twice: %u and %u kHz", first, second);
}

int main(void)
{
	plain_request();
	full_request();
	sandboxes();
	unknown_architecture();
	statuses();
	sentences();
	command_request();
	tsc_words();
	tsc_rate();
	return done();
}
