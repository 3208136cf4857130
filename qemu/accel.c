#include "accel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../layers/scope.h"
#include "process.h"

enum { ANSWER_SIZE = 640 };

static bool read_line(const char *path, char *line, size_t size)
{
	SCOPED_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, line, size - 1);

	if (got <= 0)
		return false;
	line[got] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return true;
}

bool accel_cache_directory(char directory[PATH_MAX])
{
	const char *own = getenv("PLYBOOT_CACHE");
	const char *xdg = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	int used;

	if (own && *own)
		used = snprintf(directory, PATH_MAX, "%s", own);
	else if (xdg && *xdg)
		used = snprintf(directory, PATH_MAX, "%s/plyboot", xdg);
	else if (home && *home)
		used = snprintf(directory, PATH_MAX, "%s/.cache/plyboot", home);
	else
		return false;
	if (used < 1 || used >= PATH_MAX - 32)
		return false;
	for (char *slash = strchr(directory + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(directory, 0777); /* the last one tells */
		*slash = '/';
	}
	/* What is kept here is booted: nobody else's to write, whatever the umask. */
	return mkdir(directory, 0700) == 0 || errno == EEXIST;
}

/* What the answer holds for: this boot of this kernel with this QEMU. */
static bool probe_key(const char *path, char *key, size_t size)
{
	struct utsname kernel;
	struct stat qemu;
	char boot_id[64];
	int used;

	if (uname(&kernel) || stat(path, &qemu) ||
		!read_line("/proc/sys/kernel/random/boot_id", boot_id, sizeof(boot_id)))
		return false;
	used = snprintf(key, size, "%s %s %s %lld %lld", boot_id, kernel.release, path,
		(long long)qemu.st_size, (long long)qemu.st_mtim.tv_sec);
	return used > 0 && (size_t)used < size;
}

static void remember(const char *file, const char *answer)
{
	char fresh[PATH_MAX + 16];
	int fd;
	bool good;

	(void)snprintf(fresh, sizeof(fresh), "%s.XXXXXX", file);
	fd = mkostemp(fresh, O_CLOEXEC);
	if (fd < 0)
		return; /* nothing lost but the time of a second probe */
	good = dprintf(fd, "%s\n", answer) > 0;
	good = close(fd) == 0 && good;
	if (!good || rename(fresh, file))
		(void)unlink(fresh);
}

/* The machine with the boot sector as its disk. The caller frees the arguments. */
static void probe_command(
	const struct machine *machine, int disk_fd, struct machine_arguments *arguments)
{
	static const char *const plain[] = {"-accel", "kvm", "-nodefaults", "-no-user-config",
		"-display", "none", "-no-reboot", "-nic", "none", NULL};

	machine_argument(arguments, "%s", machine->program);
	machine_argument_list(arguments, machine->arguments);
	machine_argument_list(arguments, machine->kvm_arguments);
	machine_argument_list(arguments, plain);
	machine_argument_list(arguments, machine->kvm_probe_arguments);
	machine_argument(arguments, "-drive");
	machine_argument(arguments, "format=raw,file=/dev/fd/%d", disk_fd);
}

static bool probe_run(const struct machine *machine, const char *path)
{
	struct machine_arguments arguments = {0};
	struct process process;
	SCOPED_FD disk_fd = memfd_create("kvm-probe", MFD_CLOEXEC);
	bool started;
	int status;

	if (disk_fd < 0 || write(disk_fd, machine->kvm_probe, machine->kvm_probe_size) !=
				   (ssize_t)machine->kvm_probe_size)
		return false;
	probe_command(machine, disk_fd, &arguments);
	started = !arguments.failed &&
		  process_start(path, arguments.items, &disk_fd, 1, &process, NULL) == 0;
	machine_arguments_free(&arguments);
	if (!started)
		return false;
	status = process_end(&process, ACCEL_PROBE_LIMIT_MS);
	return status != -1 && WIFEXITED(status) &&
	       WEXITSTATUS(status) == machine->kvm_probe_status;
}

/* Whether KVM can be asked at all; cheap, and so never remembered. */
static bool kvm_opens(const struct machine *machine)
{
	SCOPED_FD fd = -1;
	struct utsname host;

	if (!machine->kvm_probe || uname(&host) || strcmp(host.machine, machine->architecture) != 0)
		return false;
	fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	return fd >= 0;
}

static bool kvm_works(const struct machine *machine, const char *path)
{
	char directory[PATH_MAX];
	char file[PATH_MAX + 8];
	char key[ANSWER_SIZE - 8];
	char remembered[ANSWER_SIZE];
	char answer[ANSWER_SIZE];
	bool cached = accel_cache_directory(directory) && probe_key(path, key, sizeof(key));

	if (cached) {
		(void)snprintf(file, sizeof(file), "%s/kvm", directory);
		if (read_line(file, remembered, sizeof(remembered))) {
			if (strncmp(remembered, "yes ", 4) == 0 && strcmp(remembered + 4, key) == 0)
				return true;
			if (strncmp(remembered, "no ", 3) == 0 && strcmp(remembered + 3, key) == 0)
				return false;
		}
	}

	bool works = probe_run(machine, path);
	if (cached) {
		(void)snprintf(answer, sizeof(answer), "%s %s", works ? "yes" : "no", key);
		remember(file, answer);
	}
	return works;
}

int accel_choose(
	const struct machine *machine, const char *path, const char **accel, struct error *e)
{
	const char *asked = getenv("PLYBOOT_ACCEL");

	if (asked && *asked) {
		if (strcmp(asked, "kvm") != 0 && strcmp(asked, "tcg") != 0)
			return error_set(e, ERROR_USAGE, 0,
				"PLYBOOT_ACCEL is `%s`: it may be kvm or tcg", asked);
		*accel = strcmp(asked, "kvm") == 0 ? "kvm" : "tcg";
		return 0;
	}
	*accel = kvm_opens(machine) && kvm_works(machine, path) ? "kvm" : "tcg";
	return 0;
}
