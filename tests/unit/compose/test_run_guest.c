/* compose/run_guest.c: after which ends of a guest its kept root is made anew. */
#include <stdlib.h>

#include "../../compose/run_guest.h"
#include "tap.h"

/* Of a guest that ended so, with this on its console. */
static bool doubts(enum qemu_end end, unsigned ready_ms, const char *console)
{
	struct qemu_outcome *outcome = calloc(1, sizeof *outcome);
	bool doubtful = false;
	if (outcome != NULL) {
		outcome->end = end;
		outcome->ready_ms = ready_ms;
		console_feed(&outcome->console, console, strlen(console));
		console_finish(&outcome->console);
		doubtful = run_guest_doubts_root(outcome);
	}
	free(outcome);
	return doubtful;
}

int main(void)
{
	static const char none[] = "plyboot: ERROR this system does not boot: NOSPACE: no stack "
				   "booted; the last one: x\nplyboot: rebooting\n";
	static const char rot[] = "plyboot: ERROR this system does not boot: DIGEST: no stack "
				  "booted; the last one: x\nplyboot: rebooting\n";
	static const char no_init[] =
		"[    1.2] Kernel panic - not syncing: No working init found.";
	static const char no_root[] = "[    1.2] Kernel panic - not syncing: VFS: Unable to mount "
				      "root fs on unknown-block(0,0)";
	static const char oops[] = "[    1.2] Kernel panic - not syncing: Fatal exception";
	ok(doubts(QEMU_END_NOT_BOOTED, 0, rot), "a digest that differs");
	ok(doubts(QEMU_END_NOT_BOOTED, 0, ""), "a guest that says nothing");
	ok(!doubts(QEMU_END_NOT_BOOTED, 0, none), "not too little memory");
	ok(doubts(QEMU_END_PANIC, 0, no_init), "no init");
	ok(doubts(QEMU_END_PANIC, 0, no_root), "no initramfs");
	ok(!doubts(QEMU_END_PANIC, 900, no_init), "not when the command was there");
	ok(!doubts(QEMU_END_PANIC, 0, oops), "not another panic");
	ok(!doubts(QEMU_END_LIMIT, 0, rot), "not a guest that took too long");
	ok(!doubts(QEMU_END_COMMAND, 900, rot), "not one whose command ended");
	return done();
}
