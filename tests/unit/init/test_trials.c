/* init/trials.c and init/state.c: whose upper a stack has, over boots that go wrong. */
#include <sys/mount.h>

#include "upper_device.h"

static struct device device;

#define SAYS(text) ok(strstr(device.said, text) != NULL, "  says: %.50s", text)

static void boots(unsigned version, char wanted, const char *name)
{
	char got[] = {device_boot(&device, version), '\0'};
	is_str(got, (char[]){wanted, '\0'}, "%s", name);
}

static bool on_trial(void)
{
	return strstr(device.report.upper_dirs[0], "/trials/") != NULL;
}

/* As after a confirmed version 1, of which the upper is A. */
static void begin(void)
{
	device_start(&device);
	MUST(device_boot(&device, 1) == 'A' && !on_trial());
	device_confirm(&device, 1);
}

static void of_a_trial_that_cannot_be_merged_nobody_else_has_half(void)
{
	begin();
	boots(2, 'B', "version 2 is on trial");
	device_confirm(&device, 2);
	MUST(mkdir("home/merging", 0700) == 0 && mkdir("home/merging/made", 0700) == 0 &&
		mount("held", "home/merging/made", "tmpfs", 0, NULL) == 0);
	boots(2, 'B', "it can't be merged: its own stack has it");
	ok(on_trial(), "  as it was");
	SAYS("what was kept of the trial of test 2 can't be merged, and stays as it is");
	boots(3, '-', "a newer one gets no upper");
	ok(device.error.code != ERROR_UPPER &&
			strstr(device.error.text, "the upper is in part that of a newer stack, "
						  "which can't be merged"),
		"  and is told why: %s", device.error.text);
	boots(1, '-', "nor does the one before");
	is_str(device_uppers(), "A", "what is there is as it was");
	MUST(umount("home/merging/made") == 0);
	boots(3, 'C', "then it can");
	is_str(device_uppers(), "B", "  and is the base");
	boots(2, 'B', "  of version 2");
	ok(!on_trial(), "  whose trial is over");
	device_end(&device);
}

static void a_trial_is_over_the_base_that_there_is(void)
{
	begin();
	boots(2, 'B', "version 2 is on trial");
	boots(3, 'C', "so is version 3");
	boots(2, 'B', "version 2 again");
	device_confirm(&device, 2);
	boots(3, 'D', "once that is confirmed, version 3 begins anew");
	is_str(device_uppers(), "B", "  over what version 2 wrote");
	boots(3, 'D', "  and goes on with that");
	device_confirm(&device, 3);
	boots(3, 'D', "confirmed");
	is_str(device_uppers(), "D", "  it is the base");
	device_end(&device);
}

static void without_a_base_a_trial_is_one_all_the_same(void)
{
	device_start(&device);
	device_confirm(&device, 1); /* it had a volatile upper, or this partition is new */
	boots(2, 'A', "version 2 is the first with an upper");
	ok(on_trial(), "  on trial, since version 1 is confirmed");
	is_str(device_uppers(), "", "  and no base");
	boots(1, 'B', "version 1 has nothing of it");
	ok(!on_trial(), "  but a base");
	SAYS("a trial that was never confirmed");
	device_end(&device);

	device_start(&device);
	device_confirm(&device, 1);
	boots(2, 'A', "version 2 again");
	device_confirm(&device, 2);
	boots(2, 'A', "confirmed");
	ok(!on_trial(), "  it is the base");
	struct owners owners;
	ok(state_read_owners(device.home, &owners, NULL) == 0 &&
			owners_is(&owners, &device.stacks[2].text),
		"  which is its own");
	device_end(&device);

	device_start(&device);
	boots(1, 'A', "where nothing was ever confirmed");
	ok(!on_trial(), "  the first one has the base");
	device_end(&device);
}

static void whose_it_is_must_be_known_to_who_cares(void)
{
	begin();
	put_in("home", "made-for", "garbage\n");
	device.stacks[1].stack.upper_change = UPPER_CHANGE_REFUSE;
	boots(1, '-', "made-for is garbage: of one that refuses others'");
	ok(device.error.code == ERROR_FORMAT, "  it is no refusal: %s", device.error.text);
	device.stacks[1].stack.upper_change = UPPER_CHANGE_FRESH;
	boots(1, '-', "  of one that wants a fresh one");
	is_str(device_uppers(), "A", "  nothing is archived");
	device.stacks[1].stack.upper_change = UPPER_CHANGE_KEEP;
	boots(1, 'A', "  of one that keeps it");
	SAYS("what the upper was made for can't be read");
	device.stacks[1].stack.upper_change = UPPER_CHANGE_REFUSE;
	boots(1, 'A', "by then it is known again");
	device_end(&device);
}

static void what_was_cut(void)
{
	char hex[DIGEST_HEX + 1], path[160];
	begin();
	digest_format_hex(&device.stacks[1].text, hex);
	(void)snprintf(path, sizeof path, "home/trials/%s", hex);
	MUST((mkdir("home/trials", 0700) == 0 || errno == EEXIST) && mkdir(path, 0700) == 0);
	boots(1, 'A', "a trial that has become the base, but is not gone");
	ok(!on_trial() && !there_is(path, "."), "  is gone now");
	device_end(&device);

	begin();
	boots(2, 'B', "version 2 is on trial");
	struct error e;
	ok(trials_drop(device.home, &device.stacks[2].text, &e) == 0, "it can't be used: dropped");
	device_confirm(&device, 2);
	boots(2, 'A', "what is confirmed then has nothing of it");
	device_end(&device);
}

int main(void)
{
	overlays_start();
	said_start();
	console_set_level(INITCONF_LOG_NORMAL);
	of_a_trial_that_cannot_be_merged_nobody_else_has_half();
	a_trial_is_over_the_base_that_there_is();
	without_a_base_a_trial_is_one_all_the_same();
	whose_it_is_must_be_known_to_who_cares();
	what_was_cut();
	said_stop();
	overlays_end();
	return done();
}
