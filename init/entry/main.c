/* The first process of a root that has no init of its own: runs the one program that the root is
 * there for, and ends the machine's work when that has ended. init/ENTRY.md describes it from
 * outside. */
#include <errno.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "accounts.h"
#include "launch.h"
#include "say.h"
#include "scope.h"
#include "shutdown.h"
#include "surroundings.h"

static int read_conf(struct entryconf *out, struct error *e)
{
	SCOPED_FREE char *text = NULL;
	size_t size_bytes;
	if (surroundings_read("/" ENTRYCONF_PATH, ENTRYCONF_MAX_BYTES, &text, &size_bytes, e) != 0)
		return -1;
	if (entryconf_decode((const uint8_t *)text, size_bytes, out, e) != 0)
		return error_wrap(e, "/" ENTRYCONF_PATH);
	return 0;
}

/* An image without the file is one in which nobody has a name. */
static int read_accounts(const char *path, char **text, struct error *e)
{
	size_t size_bytes;
	if (surroundings_read(path, ACCOUNTS_MAX_FILE, text, &size_bytes, e) == 0)
		return 0;
	if (e->code != ERROR_MISSING)
		return -1;
	*text = calloc(1, 1);
	return *text != NULL ? 0 : error_set(e, ERROR_NOSPACE, 0, "no memory");
}

static int resolve(const char *user, struct identity *who, struct error *e)
{
	SCOPED_FREE char *passwd = NULL;
	SCOPED_FREE char *group = NULL;
	if (read_accounts("/etc/passwd", &passwd, e) != 0 ||
		read_accounts("/etc/group", &group, e) != 0)
		return -1;
	return accounts_resolve(user, passwd, group, who, e);
}

static int run(const struct entryconf *conf, struct ended *ended, struct error *e)
{
	static struct identity who;
	pid_t program;
	if (resolve(conf->user, &who, e) != 0 || launch(conf, &who, &program, e) != 0)
		return -1;
	ended->started = true;
	supervise_program(program, conf, ended);
	shutdown_say(conf->arguments[0], ended);
	return 0;
}

int main(void)
{
	struct entryconf conf = {.on_exit = ENTRYCONF_EXIT_STATUS};
	struct ended ended = {.stop = STOP_NONE};
	struct error e = {.code = ERROR_NONE};
	if (getpid() != 1) {
		(void)fputs("plyboot: /.plyboot/entry is the first process of a root, not a "
			    "command\n",
			stderr);
		return 1;
	}
	supervise_prepare();
	(void)reboot(RB_DISABLE_CAD); /* Ctrl-Alt-Del is SIGINT from now on */
	surroundings_make();
	if (read_conf(&conf, &e) != 0 || run(&conf, &ended, &e) != 0)
		say_error("the program does not start", &e);
	shutdown_run(&ended, shutdown_choose(&ended, conf.on_exit));
}
