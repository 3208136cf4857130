/* A program in a jail of its own, from its start to its end. busybox is one that is static. */
#include "init/checker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "errors.h"

static void must(bool good)
{
	if (!good)
		abort();
}

static char directory[] = "/tmp/plyboot-checker.XXXXXX";
static char device[64], program[64];
static unsigned lives;

static void count_lives(void *context)
{
	*(unsigned *)context += 1;
}

static struct checker_request request_for(const char *path)
{
	return (struct checker_request){
		.program = path,
		.device = device,
		.conf = "[options]\n",
		.limit_ms = 20000,
		.memory_bytes = UINT64_C(256) << 20,
		.threads = 1,
		.alive = count_lives,
		.context = &lives,
	};
}

/* An ELF program of one machine instruction: it hangs. */
static void write_hanging(void)
{
	static const unsigned char code[] = {0xeb, 0xfe}; /* jmp to itself */
	static unsigned char file[0x1000 + sizeof code] = {0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0,
		0, 0, 0, 0, 0,                /* 64 bits, little */
		2, 0, 62, 0, 1, 0, 0, 0,      /* ET_EXEC, x86-64 */
		0, 0x10, 0x40, 0, 0, 0, 0, 0, /* entry 0x401000 */
		64, 0, 0, 0, 0, 0, 0, 0,      /* program table */
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0, /* rest */
		1, 0, 0, 0, 5, 0, 0, 0,       /* PT_LOAD, read and execute */
		0, 0x10, 0, 0, 0, 0, 0, 0,    /* offset */
		0, 0x10, 0x40, 0, 0, 0, 0, 0, /* address */
		0, 0x10, 0x40, 0, 0, 0, 0, 0, sizeof code, 0, 0, 0, 0, 0, 0, 0, sizeof code, 0, 0,
		0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0};
	memcpy(file + 0x1000, code, sizeof code);
	FILE *out = fopen(program, "we");
	must(out != NULL && fwrite(file, sizeof file, 1, out) == 1 && fclose(out) == 0);
	must(chmod(program, 0755) == 0);
}

static bool ends_with(const struct checker_ending *ending, const char *text)
{
	size_t length = strlen(text);
	return ending->words_length >= length &&
	       memcmp(ending->words + ending->words_length - length, text, length) == 0;
}

static void test_runs(void)
{
	struct checker_ending ending;
	struct error e = {0};
	struct checker_request request = request_for("/bin/busybox");
	is_int(checker_run(&request, &ending, &e), 0, "it runs: %s", e.text);
	ok(ending.in_time && WIFEXITED(ending.status), "to its end");
	is_int(WEXITSTATUS(ending.status), 127, "its status");
	ok(ends_with(&ending, "e2fsck: applet not found\n"), "its words");
	ok(ending.took_us > 0, "its time");
	is_int(waitpid(-1, NULL, WNOHANG), -1, "no process is left");
}

static void test_not_run(void)
{
	struct checker_ending ending;
	struct error e = {0};
	struct checker_request request = request_for("/etc/passwd");
	is_int(checker_run(&request, &ending, &e), 0, "a file that is no program");
	is_int(WEXITSTATUS(ending.status), CHECKER_NOT_RUN, "is not run");
	ok(ends_with(&ending, "run /etc/passwd: Permission denied"), "which is said: %.*s",
		(int)ending.words_length, ending.words);
	request = request_for("/bin/busybox");
	request.demand = ~0u << 16; /* no jail has these */
	is_int(checker_run(&request, &ending, &e), 0, "parts that this jail has are no reason");
	is_int(WEXITSTATUS(ending.status), 127, "to run nothing");
	request.program = "/nowhere/e2fsck";
	is_int(checker_run(&request, &ending, &e), -1, "no program");
	is_str(error_code_name(e.code), "MISSING", "is MISSING");
	request = request_for("/bin/busybox");
	request.device = "/nowhere/device";
	is_int(checker_run(&request, &ending, &e), -1, "no device");
	is_str(error_code_name(e.code), "MISSING", "is MISSING");
	request.device = "/dev/null";
	is_int(checker_run(&request, &ending, &e), -1, "no block device");
	is_str(error_code_name(e.code), "TYPE", "is TYPE");
}

#ifdef __x86_64__
static void test_hangs(void)
{
	struct checker_ending ending;
	struct error e = {0};
	struct checker_request request = request_for(program);
	write_hanging();
	request.limit_ms = 700;
	lives = 0;
	is_int(checker_run(&request, &ending, &e), 0, "one that hangs: %s", e.text);
	ok(!ending.in_time, "is not done in time");
	ok(ending.took_us >= 700000, "but had all of it");
	ok(ending.took_us < 20000000, "and not much more");
	ok(lives >= 1, "the caller was kept alive");
	is_int(waitpid(-1, NULL, WNOHANG), -1, "no process is left");
}
#endif

int main(void)
{
	if (getuid() != 0) {
		printf("1..0 # SKIP needs root\n");
		return 0;
	}
	must(mkdtemp(directory) != NULL);
	(void)snprintf(device, sizeof device, "%s/device", directory);
	(void)snprintf(program, sizeof program, "%s/program", directory);
	must(mknod(device, S_IFBLK | 0600, makedev(7, 200)) == 0);
	test_runs();
	test_not_run();
#ifdef __x86_64__
	test_hangs();
#endif
	(void)unlink(device);
	(void)unlink(program);
	must(rmdir(directory) == 0);
	return done();
}
