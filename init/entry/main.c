/* The first process of a root that has no init of its own: runs the one program that the root is
 * there for, and ends the machine's work when that has ended. init/ENTRY.md describes it from
 * outside. */
#include <errno.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "identify.h"
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

static int run(const struct entryconf *conf, struct ended *ended, struct error *e)
{
	static struct identity who;
	pid_t program;
	if (identify(conf->user, &who, e) != 0 || launch(conf, &who, NULL, &program, e) != 0)
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
