/* plyboot's /init: a root file system out of signed layers. What it does, in order, is main() and
 * boot.h. */
#include "boot.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console.h"
#include "modules.h"
#include "mounts.h"
#include "watchdog.h"
#include "wayback.h"

static struct boot boot;

/* Not an initializer: that would put all of it into the file. */
static void boot_start(void)
{
	(void)umask(0); /* every mode is given in full */
	boot.record.fd = -1;
	boot.store.fd = -1;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	boot.store.cpus = cpus > 0 ? (unsigned)cpus : 1;
	initconf_defaults(&boot.conf); /* for the end, when not even init.conf can be read */
	report_start(&boot.report, &boot.conf);
}

/* What needs the initramfs alone. */
static int prepare(struct error *e)
{
	int mounted = mounts_make(e);
	console_open(); /* also to say what could not be mounted */
	if (mounted != 0)
		return -1;
	if (uname(&boot.machine) != 0)
		return error_set(e, ERROR_KERNEL, 0, "uname");
	mounts_set_panic();
	if (boot_configure(&boot, e) != 0 || boot_read_keys(&boot, e) != 0)
		return -1;
	watchdog_arm(&boot.conf, &boot.report);
	boot_step(&boot, "mounts and configuration");
	modules_load(&boot.conf, report_warn_line, &boot.report);
	watchdog_arm(&boot.conf, &boot.report);
	watchdog_expect(&boot.conf, &boot.report);
	wayback_make(&boot.report);
	boot_step(&boot, "modules");
	return 0;
}

int main(void)
{
	struct error e = {0};
	if (getpid() != 1) {
		(void)fputs("plyboot: /init is the first process of an initramfs, not a command\n",
			stderr);
		return 1;
	}
	boot_start();
	if (prepare(&e) == 0 && boot_find_stacks(&boot, &e) == 0)
		(void)ladder_climb(&boot, &e);
	ending_run(&boot, &e);
}
