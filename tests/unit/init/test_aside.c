/* init/aside.c: which upper a confirmed stack has, over many boots; none is ever lost. */
#include "init/spare.h"
#include "upper_device.h"

static struct device device;

#define SAYS(text) ok(strstr(device.said, text) != NULL, "  says: %.40s", text)

static void lives(unsigned version, const char *script, const char *wanted, const char *name)
{
	is_str(device_live(&device, version, script), wanted, "%s", name);
}

static void uppers(const char *wanted, const char *name)
{
	is_str(device_uppers(), wanted, "%s", name);
}

static void begin(unsigned tries)
{
	device_start(&device);
	if (tries > 0)
		device.upper_tries = tries;
}

static void a_broken_upper_is_set_aside(void)
{
	begin(0);
	lives(1, "ccb", "AAA", "5 boots: two are confirmed, then the upper is broken");
	lives(1, "cccc", "AAAA", "four more are not");
	is_int((long long)device.report.warning_count, 0, "nothing is said of it");
	lives(1, "c", "B", "the next one has a fresh upper");
	SAYS("plyboot: WARNING: THE UPPER IS SET ASIDE: 5 boots of test 1 without a confirm; it is "
	     "number 1 of the archive, and a fresh one in its place: plyboot upper restore 1 "
	     "brings it back\n");
	ok(device.report.aside == 1 && strcmp(device.report.aside_why, "unconfirmed") == 0,
		"the report has it");
	uppers("B 1A*", "the old one is in the archive");
	lives(1, "c", "B", "it was confirmed");
	SAYS("number 1 of the archive is not set aside any more");
	is_int((long long)device.report.aside, 0, "the report has no more of it");
	uppers("B 1A", "the old one stays there");
	lives(1, "cccccccc", "BBBBBBBB", "and nothing more happens");
	ok(there_is("home/archive/1/upper", "broken"), "it is as it was");
	device_ask(1);
	lives(1, "m", "A", "somebody asks for it, and mends it");
	SAYS("number 1 of the archive is the upper, as was asked");
	uppers("A 2B*", "the one in its place is archived, and would come back");
	lives(1, "c", "A", "it was confirmed");
	uppers("A 2B", "it would no more");
	device_end(&device);

	begin(2);
	lives(1, "ccbc", "AAAA", "2 boots: broken");
	lives(1, "c", "B", "the third has a fresh one");
	device_end(&device);
	begin(1);
	lives(1, "ccbc", "AAAB", "1 boot");
	device_end(&device);
	begin(0);
	device.upper_tries = 0;
	lives(1, "ccbcccccccccccccccccccc", "AAAAAAAAAAAAAAAAAAAAAAA", "none: never");
	device_end(&device);
}

static void who_is_silent_anyway_is_not_robbed(void)
{
	begin(0);
	lives(1, "c............", "AAAAAAAAAAAAA", "confirmed once: 12 boots");
	lives(1, "c............", "AAAAAAAAAAAAA", "and once more, later: 12 boots");
	device_end(&device);
	begin(0);
	lives(1, "cc....c....c....c....", "AAAAAAAAAAAAAAAAAAAAA",
		"4 power cuts after each good boot");
	uppers("A", "nothing is archived");
	device_end(&device);
	begin(0);
	device.has_record = false;
	lives(1, "............", "AAAAAAAAAAAA", "no record is kept");
	device_end(&device);
	begin(0);
	lives(1, "ccb...", "AAAAAA", "three boots are counted");
	device.counts = false;
	lives(1, "............", "AAAAAAAAAAAA", "and then can't be: 12 boots");
	device_end(&device);
}

static void uppers_that_are_not_to_blame_take_turns(void)
{
	begin(2);
	lives(1, "cc..", "AAAA", "the device is silent from here on");
	lives(1, "....", "BBAA", "a fresh one for 2 boots, then the old one again");
	SAYS("warning: an upper is set aside as number 2 of the archive: plyboot upper restore 2"
	     " brings it back");
	uppers("A 2B*", "the fresh one waits");
	lives(1, ".", "B", "by turns");
	SAYS("plyboot: WARNING: AN UPPER THAT WAS SET ASIDE IS BACK: 6 boots of test 1 without a "
	     "confirm, and another one did not help; that is number 3 of the archive\n");
	lives(1, ".....", "BAABB", "and so on");
	lives(1, "..c", "AAB", "until a boot is confirmed");
	uppers("B 7A*", "with this one");
	lives(1, "c", "B", "which stays");
	uppers("B 7A", "and so does the other");
	device_end(&device);

	begin(2);
	lives(1, "cc.....", "AAAABBA", "the old one is back");
	lives(1, "cc", "AA", "and now it is confirmed");
	uppers("A 2B", "the fresh one stays in the archive");
	device_end(&device);
}

/* Of what happened in a boot that did not come as far as this, nothing is seen but the count. */
static void a_confirm_counts_when_later_boots_are_cut(void)
{
	begin(3);
	lives(1, "ccb..", "AAAAA", "broken");
	lives(1, "c", "B", "set aside, and confirmed");
	device_count(&device, 1);
	device_count(&device, 1);
	lives(1, ".", "B", "two boots are cut before the upper: it was confirmed all the same");
	uppers("B 1A", "the old one is only archived");
	device_end(&device);
}

static void trial_of(unsigned version, unsigned boots)
{
	char script[8] = ".......";
	script[boots] = '\0';
	(void)device_live(&device, version, script);
}

static void a_trial_is_left_alone(void)
{
	begin(2);
	lives(1, "ccb", "AAA", "version 1 is broken");
	lives(2, "...", "BBB", "version 2 is tried, and not confirmed");
	uppers("A", "over the upper of version 1, which stays");
	lives(1, ".", "A", "version 1 again: its boots go on");
	lives(1, ".", "C", "the second one is the last");
	uppers("C 1A*", "set aside");
	lives(2, "..", "DD", "version 2 is tried once more");
	is_int((long long)device.report.aside, 1, "the report has what is set aside");
	uppers("C 1A*", "nothing changes places");
	device_confirm(&device, 2);
	lives(2, "c", "D", "it is confirmed, and its upper is part of the fresh one");
	uppers("D 1A", "the old one is only archived");
	device_end(&device);

	begin(2);
	lives(1, "ccbcc", "AAAAB", "one is in the archive");
	lives(1, "c", "B", "for good");
	device_ask(1);
	trial_of(2, 2);
	SAYS("number 1 of the archive becomes the upper when a confirmed stack boots");
	uppers("B 1A!", "it waits while a stack is on trial");
	device_confirm(&device, 2);
	lives(2, ".", "A", "and comes when that is confirmed");
	uppers("A 2C*", "the upper with what the trial wrote is archived");
	device_end(&device);
}

static void archived(unsigned number, char letter)
{
	char path[64];
	MUST(mkdir("home/archive", 0700) == 0 || errno == EEXIST);
	(void)snprintf(path, sizeof path, "home/archive/%u", number);
	MUST(mkdir(path, 0700) == 0);
	(void)snprintf(path, sizeof path, "home/archive/%u/upper", number);
	MUST(mkdir(path, 0755) == 0);
	put_in(path, "letter", (char[]){letter, '\0'});
}

static void the_first_stack_of_a_device_waits_as_well(void)
{
	begin(2);
	lives(1, ".", "A", "a new device: its upper is no trial's");
	archived(7, 'Z');
	device_ask(7);
	lives(1, ".", "A", "what is asked for waits");
	SAYS("number 7 of the archive becomes the upper when a confirmed stack boots");
	device_confirm(&device, 1);
	lives(1, ".", "Z", "until it is confirmed");
	device_end(&device);
}

/* As the record has it after so many boots. */
static void know(unsigned version, uint32_t boots)
{
	device_confirm(&device, version);
	for (unsigned i = 0; i < device.record.stack_count; i++) {
		struct record_stack *stack = &device.record.stacks[i];
		if (stack->version == version) {
			stack->reconfirmed = true;
			stack->boots_unconfirmed = boots;
		}
	}
}

static void only_the_owner_loses_it(void)
{
	begin(2);
	lives(1, "cc", "AA", "an upper of version 1");
	know(2, 9);
	lives(2, ".", "A", "version 2 keeps it, whatever the record says");
	SAYS("warning: the upper was made for test 1; it is kept for test 2\n");
	lives(2, ".", "B", "now it is its own");
	device_end(&device);

	begin(2);
	lives(1, "cc", "AA", "an upper of version 1");
	device.stacks[2].stack.upper_change = UPPER_CHANGE_REFUSE;
	know(2, 9);
	lives(2, ".", "-", "version 2 refuses it");
	ok(device.error.code == ERROR_UPPER, "  UPPER");
	uppers("A", "nothing is changed");
	device_end(&device);

	begin(2);
	lives(1, "cc", "AA", "an upper of version 1");
	device.stacks[2].stack.upper_change = UPPER_CHANGE_FRESH;
	know(2, 0);
	lives(2, "c", "B", "version 2 begins a fresh one");
	device_ask(1);
	lives(2, "ccc", "AAA", "and keeps what was asked for");
	uppers("A 2B", "the fresh one is archived");
	device.stacks[2].stack.upper_change = UPPER_CHANGE_REFUSE;
	device_ask(2);
	lives(2, "cc", "BB", "as it would if it refused all but its own");
	device_end(&device);
}

static void what_is_restored_may_be_broken(void)
{
	begin(3);
	lives(1, "ccbccc", "AAAAAB", "one is set aside");
	lives(1, "cc", "BB", "and archived");
	device_ask(1);
	lives(1, "ccc", "AAA", "it is asked for, and still broken");
	lives(1, "c", "B", "what was there before comes back");
	SAYS("AN UPPER THAT WAS SET ASIDE IS BACK: 3 boots");
	lives(1, "c", "B", "and is confirmed");
	uppers("B 3A", "the broken one is in the archive");
	device_end(&device);

	begin(2);
	lives(1, "ccbccb", "AAAABB", "no upper helps");
	device_ask(1);
	lives(1, "c", "A", "what is set aside is asked for");
	uppers("A 2B*", "the fresh one is set aside now");
	lives(1, "c", "A", "for two boots more");
	lives(1, "c", "B", "then it comes back");
	device_end(&device);

	begin(2);
	device.has_record = false;
	lives(1, "..", "AA", "without a record");
	archived(7, 'Z');
	device_ask(7);
	lives(1, "..", "ZZ", "what is asked for comes as well");
	uppers("Z 8A", "and nothing by itself");
	device_end(&device);
}

static void two_are_asked_for(void)
{
	begin(2);
	lives(1, "cc", "AA", "an upper");
	archived(3, 'X');
	archived(5, 'Y');
	device_ask(3);
	device_ask(5);
	lives(1, "c", "Y", "the last one comes first");
	lives(1, "c", "X", "then the other");
	lives(1, "c", "X", "which stays");
	uppers("X 6A 7Y", "none is lost");
	device_end(&device);
}

/* Whoever can write to the state partition may write what he likes: a boot goes on. */
static void what_is_no_archive_is_left(void)
{
	static const struct {
		const char *script, *lived, *left, *name;
	} rows[] = {
		{"ln -s /tmp home/archive", "-", "A", "the archive is a link"},
		{"echo >home/archive", "-", "A", "the archive is a file"},
		{"mkdir home/archive && ln -s ../upper home/archive/1", "B", "B 2A*",
			"a number is a link"},
		{"mkdir home/archive && mkfifo home/archive/1", "B", "B 2A*", "a number is a FIFO"},
		{"mkdir -p home/archive/01/upper && echo >home/archive/01/aside", "B", "B 1A*",
			"a number in another form"},
		{"mkdir -p home/archive/1 && echo >home/archive/1/aside", "B", "B 1A*",
			"an empty one that is marked"},
		{"mkdir -p home/archive/1 && echo >home/archive/1/restore", "B", "B 1A*",
			"an empty one that is asked for"},
		{"mkdir -p home/archive/1/upper && echo Z >home/archive/1/upper/letter && "
		 "mkfifo home/archive/1/aside",
			"Z", "Z 2A*", "a mark that is a FIFO"},
		{"mkdir -p home/archive/1/upper && echo Z >home/archive/1/upper/letter && "
		 "echo 5 >home/archive/1/aside",
			"Z", "Z 2A*", "a mark that says nothing"},
		{"mkdir -p home/archive/1/upper && echo Z >home/archive/1/upper/letter && "
		 "head -c 99999 /dev/zero >home/archive/1/aside",
			"Z", "Z 2A*", "a mark that is too long"},
		{"mkdir -p home/archive/1/upper && echo Z >home/archive/1/upper/letter && "
		 "echo 4294967295 asked >home/archive/1/aside",
			"A", "A 1Z", "a mark of the future"},
		{"mkdir -p home/archive/999999999/upper && echo Z "
		 ">home/archive/999999999/upper/letter",
			"-", "A", "the last number is taken"},
		{"echo >home/made-for", "A", "A", "an owner that can't be read"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		begin(2);
		lives(1, "cc..", "AAAA", rows[i].name);
		MUST(system(rows[i].script) == 0);
		lives(1, ".", rows[i].lived, "  the upper that is to be set aside");
		uppers(rows[i].left, "  what is there then");
		device_end(&device);
	}
}

static void live_until_it_is_due(void)
{
	begin(2);
	lives(1, "ccbc", "AAAA", "an upper to be set aside");
}

static void have_no_room(void)
{
	MUST(system("i=0; while touch fill$i 2>/dev/null; do i=$((i + 1)); done; true") == 0);
}

/* Without room for a fresh one the boot that should have one has none, and so on, by turns. */
static void no_room(void)
{
	MUST(mkdir("small", 0755) == 0);
	MUST(mount("test", "small", "tmpfs", 0, "nr_inodes=40") == 0 && chdir("small") == 0);
	live_until_it_is_due();
	MUST(spare_keep(device.home, NULL) == 0);
	have_no_room();
	lives(1, "c", "B", "a full partition, but for what is kept for such times");
	uppers("B 1A*", "is enough");
	device_end(&device);
	MUST(system("rm fill*") == 0);

	live_until_it_is_due();
	have_no_room();
	lives(1, "c", "-", "there is no room for a fresh one");
	ok(device.error.code == ERROR_NOSPACE &&
			strstr(device.error.text,
				"2 boots of test 1 without a confirm, and its upper can't be set "
				"aside: ") == device.error.text,
		"  %s", device.error.text);
	lives(1, "c", "-", "nor at the next boot");
	lives(1, "c", "A", "then it is used as it is");
	SAYS("plyboot: WARNING: the upper can't be set aside, and is used as it is: ");
	lives(1, "c", "A", "and so on");
	uppers("A", "nothing is lost");
	MUST(system("rm fill*") == 0);
	lives(1, "c", "B", "room is made: it is set aside");
	uppers("B 1A*", "as it was");
	device_end(&device);
	MUST(chdir("..") == 0 && umount2("small", MNT_DETACH) == 0);
}

/* Any order of boots, of which some are confirmed, and of wishes: each upper is there, once. */
static void random_lives_lose_nothing(void)
{
	uint64_t seed = 7;
	unsigned boots = 0, wrong = 0;
	for (unsigned i = 0; i < 60; i++) {
		begin(1 + i % 3);
		for (unsigned j = 0; j < 60 && device.letter < 'z'; j++, boots++) {
			static const char letters[] = "ccc....b";
			char letter[2] = {letters[random_below(&seed, sizeof letters - 1)], '\0'};
			unsigned long asked = random_below(&seed, 40) + 1;
			char path[64];
			(void)snprintf(path, sizeof path, "home/archive/%lu/upper", asked);
			if (there_is(path, "."))
				device_ask((unsigned)asked);
			(void)device_live(&device, 1, letter);
			const char *all = device_uppers();
			for (char c = 'A'; c < device.letter; c++) {
				const char *at = strchr(all, c);
				wrong += at == NULL || strchr(at + 1, c) != NULL;
			}
			wrong += all[0] == ' ' || there_is("home", "upper.new") ||
				 there_is("home", "dropped");
		}
		device_end(&device);
	}
	ok(wrong == 0, "%u boots at random: %u times something was lost or doubled", boots, wrong);
}

int main(void)
{
	overlays_start();
	said_start();
	console_set_level(INITCONF_LOG_NORMAL);
	a_broken_upper_is_set_aside();
	who_is_silent_anyway_is_not_robbed();
	uppers_that_are_not_to_blame_take_turns();
	a_confirm_counts_when_later_boots_are_cut();
	a_trial_is_left_alone();
	the_first_stack_of_a_device_waits_as_well();
	only_the_owner_loses_it();
	what_is_restored_may_be_broken();
	two_are_asked_for();
	what_is_no_archive_is_left();
	no_room();
	random_lives_lose_nothing();
	said_stop();
	overlays_end();
	return done();
}
