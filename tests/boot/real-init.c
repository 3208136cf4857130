/* A real init that says what it was given, a line for each thing, and powers off. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;

static void say_list(const char *what, char **list)
{
	printf("got %s:", what);
	for (; *list != NULL; list++)
		printf(" <%s>", *list);
	printf("\n");
}

static void say_descriptors(void)
{
	for (int fd = 0; fd < 1024; fd++) {
		char path[32], target[256];
		(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		ssize_t length = readlink(path, target, sizeof target);
		if (length > 0)
			printf("got descriptor %d: %.*s, %s\n", fd, (int)length, target,
				(fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR ? "read and write"
									   : "?");
	}
}

static void say_signals(void)
{
	sigset_t blocked;
	(void)sigprocmask(SIG_BLOCK, NULL, &blocked);
	int changed = 0;
	for (int number = 1; number < NSIG; number++) {
		struct sigaction action = {.sa_handler = SIG_DFL};
		if (sigismember(&blocked, number) == 1)
			changed++;
		if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
			changed++;
	}
	printf("got signals blocked, ignored or caught: %d\n", changed);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The kernel gives the first process all that it knows. */
static void say_capabilities(void)
{
	static char line[256];
	unsigned long long effective = 0, last = 0;
	FILE *status = fopen("/proc/self/status", "r");
	FILE *known = fopen("/proc/sys/kernel/cap_last_cap", "r");
	while (status != NULL && fgets(line, sizeof line, status) != NULL)
		(void)sscanf(line, "CapEff: %llx", &effective);
	bool all = known != NULL && fscanf(known, "%llu", &last) == 1 &&
		   effective == (2ull << last) - 1;
	printf("got capabilities: %s\n", all ? "all" : "some");
}

static void say_directory(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, by_name);
	printf("got %s:", path);
	for (int i = 0; i < count; i++) {
		char full[512];
		struct stat st;
		(void)snprintf(full, sizeof full, "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.' && lstat(full, &st) == 0)
			printf(" %s %o", entries[i]->d_name, (unsigned)(st.st_mode & 07777));
	}
	printf("\n");
}

/* What the nonce is, /proc/cmdline says. */
static void give_verdict(void)
{
	static char line[4096];
	FILE *file = fopen("/proc/cmdline", "r");
	char *nonce = file != NULL && fgets(line, sizeof line, file) != NULL
			      ? strstr(line, "demo.nonce=")
			      : NULL;
	FILE *port = fopen("/dev/ttyS1", "w");
	if (nonce == NULL || port == NULL)
		return;
	nonce += strlen("demo.nonce=");
	fprintf(port, "plyboot-verdict 0 %.*s\n", (int)strcspn(nonce, " \n"), nonce);
	(void)fclose(port);
}

int main(int argc, char **argv)
{
	char cwd[256] = "";
	struct rlimit files = {0};
	(void)argc;
	(void)getrlimit(RLIMIT_NOFILE, &files);
	mode_t mask = umask(0);
	struct utsname name = {0};
	(void)uname(&name);
	printf("kernel %s\n", name.release);
	say_list("arguments", argv);
	say_list("environment", environ);
	say_descriptors();
	int terminal = open("/dev/tty", O_RDWR);
	printf("got controlling terminal: %s\n", terminal < 0 ? strerror(errno) : "yes");
	printf("got process %d, parent %d, sid %d, pgid %d\n", getpid(), getppid(), getsid(0),
		getpgrp());
	say_signals();
	say_capabilities();
	printf("got umask %03o, directory %s, nice %d\n", mask, getcwd(cwd, sizeof cwd),
		getpriority(PRIO_PROCESS, 0));
	printf("got limit of descriptors %lu, %lu\n", (unsigned long)files.rlim_cur,
		(unsigned long)files.rlim_max);
	say_directory("/run");
	say_directory("/run/plyboot");
	(void)fflush(stdout);
	give_verdict();
	sync();
	sleep(1);
	(void)reboot(RB_POWER_OFF);
	return 1;
}
