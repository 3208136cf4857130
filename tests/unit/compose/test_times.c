/* compose/times.h: what is taken from the texts of systemctl and dmesg, and what is refused. */
#include "compose/times.h"

#include <stdlib.h>

#include "tap.h"

#define MANAGER                                                                                    \
	"Version=252\nUserspaceTimestampMonotonic=5000000\nFinishTimestampMonotonic=9000000\n"

static int parse(const char *text, struct times_systemd *out, struct error *e)
{
	*e = (struct error){0};
	return times_systemd_parse((const uint8_t *)text, strlen(text), out, e);
}

static void refused(const char *text, const char *words, const char *name)
{
	struct times_systemd times;
	struct error e;
	ok(parse(text, &times, &e) == -1 && e.code == ERROR_FORMAT && strstr(e.text, words) != NULL,
		"refused: %s", name);
	printf("# %s\n", e.text);
}

static void manager(void)
{
	struct times_systemd times;
	struct error e;
	ok(parse(MANAGER "SecurityStartTimestampMonotonic=5100000\n"
			 "SecurityFinishTimestampMonotonic=5200000\n"
			 "GeneratorsStartTimestampMonotonic=9500000\n"
			 "GeneratorsFinishTimestampMonotonic=9600000\n"
			 "UnitsLoadStartTimestampMonotonic=6000000\n"
			 "UnitsLoadFinishTimestampMonotonic=5900000\n"
			 "WatchdogLastPingTimestampMonotonic=18446744073709551615\n"
			 "Environment=A=b C\nno key at all\n",
		   &times, &e) == 0,
		"a manager, with keys of others");
	is_int((long long)times.start_us, 5000000, "... its start");
	is_int((long long)times.finish_us, 9000000, "... its end");
	is_int((long long)times.phases[TIMES_SECURITY].end_us, 5200000, "... a phase");
	is_int((long long)times.phases[TIMES_GENERATORS].end_us, 0, "... one of later is left out");
	is_int((long long)times.phases[TIMES_LOADING].end_us, 0,
		"... one that ends before it begins is left out");
	is_int((long long)times.count, 0, "... without units");
	times_systemd_free(&times);

	ok(parse("UserspaceTimestampMonotonic=5\nFinishTimestampMonotonic=18446744073709551615",
		   &times, &e) == 0 &&
			times.finish_us == 0,
		"not finished, and no line feed at the end");
	times_systemd_free(&times);
}

static void unit_is(const struct times_systemd *times, size_t i, const char *name, uint64_t us)
{
	ok(i < times->count, "there is unit %zu", i);
	if (i >= times->count)
		return;
	const struct times_unit *unit = &times->units[i];
	is_str(unit->name, name, "unit %zu", i);
	is_int((long long)(unit->span.end_us - unit->span.start_us), (long long)us,
		"... and what it took");
}

#define UNIT(name, leaves, active, ends)                                                           \
	"\nId=" name "\nInactiveExitTimestampMonotonic=" leaves                                    \
	"\nActiveEnterTimestampMonotonic=" active "\nInactiveEnterTimestampMonotonic=" ends "\n"

static void units(void)
{
	struct times_systemd times;
	struct error e;
	const char *text = UNIT("short.service", "6000000", "6000100", "0") MANAGER UNIT(
		"long.service", "5000000", "9000000", "0") UNIT("once.service", "6000000", "0",
		"7000000") UNIT("restarted.service", "9000001", "9100000", "8000000")
		UNIT("late.service", "6000000", "9000001", "0") UNIT("never.service", "0", "0", "0")
			UNIT("early.service", "4999999", "6000000", "0")
				UNIT("starting.service", "6000000", "0", "0") "\n\n" UNIT(
					"b.service", "6000000", "7000000", "0")
					UNIT("a\\x2db<.service", "6500000", "7500000", "0");
	/* Blocks are parted, also in front of the manager. */
	char parted[4096];
	const char *at = strstr(text, "Version=");
	(void)snprintf(parted, sizeof parted, "%.*s\n%s", (int)(at - text), text, at);
	if (!ok(parse(parted, &times, &e) == 0, "units around the manager"))
		return;
	is_int((long long)times.count, 5, "those of the boot");
	unit_is(&times, 0, "long.service", 4000000);
	unit_is(&times, 1, "a\\x2db<.service", 1000000);
	unit_is(&times, 2, "b.service", 1000000);
	unit_is(&times, 3, "once.service", 1000000);
	unit_is(&times, 4, "short.service", 100);
	times_systemd_free(&times);
}

static void wrong_systemd(void)
{
	static char many[TIMES_MAX_BYTES + 1];
	struct times_systemd times;
	struct error e;
	refused("", "systemctl show", "nothing");
	refused("a=b\n\nc=d\n", "systemctl show", "something else");
	refused(UNIT("a", "1", "2", "3"), "systemctl show", "units alone");
	refused("UserspaceTimestampMonotonic=1\n", "missing", "no end");
	refused(MANAGER "\n" MANAGER, "twice", "two managers");
	refused(MANAGER "Id=x\n", "among a unit's", "a unit in the manager's block");
	refused(MANAGER "FinishTimestampMonotonic=1\n", "line 4", "a key twice");
	refused("UserspaceTimestampMonotonic=0\nFinishTimestampMonotonic=0\n", "no time",
		"no start");
	refused("UserspaceTimestampMonotonic=2\nFinishTimestampMonotonic=1\n", "no time",
		"an end before the start");
	static const char *const numbers[] = {"", "-1", "+1", " 1", "1 ", "0x1", "1.0", "01x",
		"18446744073709551616", "1000000000000001", "99999999999999999999999999"};
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		char text[256];
		(void)snprintf(text, sizeof text, MANAGER UNIT("a", "%s", "2", "3"), numbers[i]);
		refused(text, "line 6: `InactiveExitTimestampMonotonic`", numbers[i]);
	}
	char long_name[400] = MANAGER "\nId=";
	memset(long_name + strlen(long_name), 'x', 256);
	refused(long_name, "too long", "a name of 256 bytes");
	is_int(times_systemd_parse((const uint8_t *)"Id=\0", 4, &times, &e), -1, "a NUL");
	is_int(e.code, ERROR_FORMAT, "... is no text");
	is_int(times_systemd_parse((const uint8_t *)many, sizeof many, &times, &e), -1,
		"too large");
	is_int(e.code, ERROR_LIMIT, "... is over a limit");

	size_t used = (size_t)snprintf(many, sizeof many, "%s", MANAGER);
	for (size_t i = 0; i < TIMES_UNITS; i++)
		used += (size_t)snprintf(many + used, sizeof many - used, "%s",
			UNIT("a", "6000000", "7000000", "0"));
	is_int(times_systemd_parse((const uint8_t *)many, used, &times, &e), 0,
		"as many as may be");
	is_int((long long)times.count, TIMES_UNITS, "... are taken");
	times_systemd_free(&times);
	used += (size_t)snprintf(
		many + used, sizeof many - used, "%s", UNIT("a", "6000000", "7000000", "0"));
	is_int(times_systemd_parse((const uint8_t *)many, used, &times, &e), -1, "one more");
	is_int(e.code, ERROR_LIMIT, "... is over a limit");
}

/* --- the kernel's log */

static void log_is(const char *text, uint64_t end_us, const char *wanted, const char *name)
{
	struct times_kernel times;
	struct error e = {0};
	char got[4096] = "";
	if (times_kernel_parse((const uint8_t *)text, strlen(text), end_us, &times, &e) != 0)
		(void)snprintf(got, sizeof got, "%s", error_code_name(e.code));
	else
		for (size_t i = 0; i < times.count; i++) {
			size_t used = strlen(got);
			(void)snprintf(got + used, sizeof got - used, "%llu-%llu %s;",
				(unsigned long long)times.gaps[i].span.start_us,
				(unsigned long long)times.gaps[i].span.end_us,
				times.gaps[i].message);
		}
	is_str(got, wanted, "%s", name);
}

static void kernel(void)
{
	log_is("[    0.000000] a\n[    0.500000] b\n[    0.504999] c\n[    0.509999] d\n", 1000000,
		"0-500000 b;504999-509999 d;509999-1000000 ;",
		"gaps of 5 ms and more, and the last");
	log_is("<6>[    0.100000] a\n<30>[    0.300000] b: <6>[ 0.1] kernel: c\n", 300001,
		"100000-300000 b: <6>[ 0.1] kernel: c;", "dmesg -r; nothing before the first");
	log_is("-- Boot --\n[    0.100000] host kernel: a\n[    0.300000] h-2 kernel: b c\n",
		300001, "100000-300000 b c;", "the journal's");
	log_is("[    0.100000][    T0] a\n[    0.300000][  C12] b\n[    0.400000][X1] c\n", 400001,
		"100000-300000 b;300000-400000 [X1] c;", "with who printed it");
	log_is("[    0.100000] a\n[    0.300000] b\n[    0.200000] back\n[    0.306000] c", 306001,
		"100000-300000 b;300000-306000 c;", "a step back ends nothing");
	log_is("[    0.100000] a\n[    0.300000] late\n", 200000, "100000-200000 ;",
		"what comes after /init is not its");
	log_is("[    5.100000] a\n[    6.300000] late\n", 200000, "", "a log that begins later");
	log_is("[12345678901234567890.000000] a\n[ 1.00000] b\n[ 1.0000000] c\n[1,000000] d\n[ .1] "
	       "e\n[",
		1000000, "FORMAT", "no line with a time");
	log_is("[Thu Nov 26 23:02:37 2026] dmesg -T\n", 1000000, "FORMAT", "dmesg -T");
	log_is("", 1000000, "FORMAT", "nothing");
	log_is("[999999999.999999] a", UINT64_MAX, "999999999999999-18446744073709551615 ;",
		"the highest time");
	log_is("[    0.000000] 0\n[    0.010000] 1\n[    0.030000] 2\n[    0.060000] 3\n"
	       "[    0.070000] 4\n[    0.090000] 5\n[    0.110000] 6\n[    0.130000] 7\n"
	       "[    0.150000] 8\n[    0.170000] 9\n",
		170001,
		"0-10000 1;10000-30000 2;30000-60000 3;70000-90000 5;90000-110000 6;110000-130000 "
		"7;130000-150000 8;150000-170000 9;",
		"the eight longest");
}

static void messages(void)
{
	struct times_kernel times;
	struct error e = {0};
	char text[1024] = "[    0.000000] a\n[    1.000000] x";
	size_t used = strlen(text);
	for (size_t i = 0; i < 200; i++, used += 2)
		memcpy(text + used, "\xc3\xa4", 3);
	is_int(times_kernel_parse((const uint8_t *)text, used, 1000001, &times, &e), 0,
		"a long message");
	is_int((long long)strlen(times.gaps[0].message), 255, "... is cut");
	text[0] = 'x';
	is_int(times_kernel_parse((const uint8_t *)text, used + 1, 1000001, &times, &e), -1,
		"a NUL");
	is_int(e.code, ERROR_FORMAT, "... is no text");
	static uint8_t many[TIMES_MAX_BYTES + 1];
	memset(many, '\n', sizeof many);
	is_int(times_kernel_parse(many, sizeof many, 1, &times, &e), -1, "too large");
	is_int(e.code, ERROR_LIMIT, "... is over a limit");
}

int main(void)
{
	manager();
	units();
	wrong_systemd();
	kernel();
	messages();
	return done();
}
