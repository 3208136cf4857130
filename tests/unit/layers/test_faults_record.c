/* layers/record_io.c: every state in which a record's partition can be found, and every call on it
 * that can fail. And init.conf, where memory is all that can. */
#include "faults.h"

#include <linux/fs.h>

#include "layers/sandbox.h"

#include "record_io.h"
#include "layers/initconf.h"

static char device[160];
static uint8_t disk[2][RECORD_COPY_BYTES];
static struct record_io io;
static const struct digest text = {{1}};

/* What the kernel says to BLKROGET: -1, or whether the device is read-only. */
static int read_only;

static int answer(unsigned long request, void *argument)
{
	if (request != BLKROGET || read_only < 0) {
		errno = ENOTTY;
		return -1;
	}
	*(int *)argument = read_only;
	return 0;
}

static void write_disk(off_t size)
{
	int fd = open(device, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool good = fd >= 0 && ftruncate(fd, size) == 0;
	for (int i = 0; good && i < 2 && size >= RECORD_PARTITION_BYTES; i++)
		good = pwrite(fd, disk[i], RECORD_COPY_BYTES, (off_t)i * RECORD_COPY_DISTANCE) ==
		       RECORD_COPY_BYTES;
	if (!good || close(fd) != 0)
		abort();
}

/* A record that was written `number` times. */
static void make_copy(uint8_t out[RECORD_COPY_BYTES], uint64_t number)
{
	struct record record = {.sequence = number};
	record_encode(&record, out);
}

enum { BLANK, GOOD, BAD };

static void make_disk(int first, int second)
{
	memset(disk, 0, sizeof disk);
	if (first == GOOD)
		make_copy(disk[0], 4);
	if (second == GOOD)
		make_copy(disk[1], 3);
	if (first == BAD)
		memset(disk[0] + 100, 'x', 100);
	if (second == BAD)
		memset(disk[1] + 100, 'x', 100);
	write_disk(RECORD_PARTITION_BYTES);
}

/* `says`: in the sentence about it. */
static void opens(bool good, bool writable, uint64_t sequence, const char *says, const char *name)
{
	faults_begin();
	bool result = record_io_open(device, &io);
	faults_end();
	if (!ok(result == good && io.writable == writable && io.record.sequence == sequence &&
			    strstr(io.state, says) != NULL,
		    "%s", name))
		printf("# %d, writable %d, sequence %llu, \"%s\"\n", result, io.writable,
			(unsigned long long)io.record.sequence, io.state);
	record_io_close(&io);
	record_io_close(&io); /* once more is nothing */
	faults.kinds = 0;
}

static void fail(unsigned kinds, unsigned number, int error_number)
{
	faults = (struct faults){.kinds = kinds, .left = number, .error_number = error_number};
}

static void copies_are_weighed(void)
{
	make_disk(BLANK, BLANK);
	opens(true, true, 0, "new", "blank: new");
	make_disk(GOOD, GOOD);
	opens(true, true, 4, "good", "two good ones: the later one");
	make_disk(GOOD, BLANK);
	opens(true, true, 4, "good", "one was never written");
	make_disk(BLANK, GOOD);
	opens(true, true, 3, "good", "neither was the other");
	make_disk(BAD, GOOD);
	opens(false, true, 3, "copy 0 is bad", "the first is bad");
	make_disk(GOOD, BAD);
	opens(false, true, 4, "copy 1 is bad", "the second is bad");
	make_disk(BAD, BAD);
	opens(false, true, 0, "both copies are bad", "both are bad");
	make_disk(BLANK, BAD);
	opens(false, true, 0, "both copies are bad", "one is bad, one was never written");
	make_disk(GOOD, GOOD);
	fail(FAULTS_TRANSFER, 1, EIO);
	opens(false, true, 3, "copy 0 is unreadable", "the first can't be read");
	fail(FAULTS_TRANSFER, 2, EIO);
	opens(false, true, 4, "copy 1 is unreadable", "the second can't be read");
	fail(FAULTS_SHORT, 1, 0);
	opens(false, true, 3, "copy 0 is unreadable", "the first can't be read whole");
	fail(FAULTS_TRANSFER, 1, EINTR);
	opens(true, true, 4, "good", "a signal in between");
}

static void other_contents_are_left_alone(void)
{
	make_disk(BLANK, BLANK);
	disk[0][510] = 0x55;
	write_disk(RECORD_PARTITION_BYTES);
	opens(false, true, 0, "both copies are bad", "half a mark of a partition table is none");
	disk[0][511] = 0xaa;
	write_disk(RECORD_PARTITION_BYTES);
	opens(false, false, 0, "a file system or a partition table", "a partition table");
	make_disk(BLANK, GOOD);
	disk[0][1024 + 0x38] = 0x53;
	disk[0][1024 + 0x39] = 0xef;
	write_disk(RECORD_PARTITION_BYTES);
	opens(false, false, 0, "a file system or a partition table", "an ext4 file system");
}

static void devices_may_not_do(void)
{
	make_disk(GOOD, GOOD);
	read_only = 1;
	opens(false, false, 4, "good; the device can't be written", "a read-only device");
	read_only = -1;
	opens(true, false, 4, "good", "one that does not say");
	read_only = 0;
	fail(FAULTS_SYSTEM, 1, EROFS);
	opens(true, true, 4, "good", "one that opens for reading only");
	fail(FAULTS_SYSTEM, 1, EACCES);
	opens(true, true, 4, "good", "the same, by another error");
	fail(FAULTS_SYSTEM, 1, EBUSY);
	opens(false, false, 0, "can't be opened: Device or resource busy", "one that is mounted");
	fail(FAULTS_SYSTEM, 2, EIO);
	opens(false, false, 0, "can't be opened: Input/output error", "one without a size");
	write_disk(RECORD_PARTITION_BYTES - 1);
	opens(false, false, 0, "device has 2097151 bytes, a record needs 2097152",
		"one byte too small");
	if (unlink(device) != 0)
		abort();
	opens(false, false, 0, "can't be opened: No such file", "none");
}

static int count_try(struct error *e)
{
	const struct record_subject subject = {&text, "demo", 1};
	struct record next = io.record;
	record_count_try(&next, &subject, RECORD_TRIES);
	return record_io_write(&io, &next, e);
}

/* After a try that could not be written, nothing may be believed to be counted. */
static void refuses_to_count(unsigned kinds, int error_number, const char *name)
{
	struct error e = {0};
	struct record before;
	make_disk(GOOD, GOOD);
	if (!record_io_open(device, &io))
		abort();
	before = io.record;
	fail(kinds, 1, error_number);
	faults_begin();
	int result = count_try(&e);
	faults_end();
	faults.kinds = 0;
	error_is(result, &e, ERROR_IO, "%s", name);
	ok(!io.writable && memcmp(&before, &io.record, sizeof before) == 0,
		"... and the record is as it was, and not written again");
	error_is(count_try(&e), &e, ERROR_IO, "... not even when it would work");
	record_io_close(&io);
}

static void tries_are_counted(void)
{
	struct error e;
	make_disk(GOOD, GOOD);
	ok(record_io_open(device, &io) && count_try(&e) == 0 && io.record.sequence == 5 &&
			record_find(&io.record, &text) != NULL,
		"a try is counted");
	record_io_close(&io);
	opens(true, true, 5, "good", "and there the next time");
	refuses_to_count(FAULTS_TRANSFER, EIO, "a write that fails");
	refuses_to_count(FAULTS_SHORT, 0, "one that is cut short");
	refuses_to_count(FAULTS_SYSTEM, EIO, "one that does not reach the disk");
}

static int parse_conf(struct error *e)
{
	struct initconf conf;
	memset(&conf, UNTOUCHED, sizeof conf);
	faults_begin();
	int result = initconf_parse("stack demo\n", 11, &conf, e);
	faults_end();
	if (result != 0)
		return is_untouched(&conf, sizeof conf) ? result : FAULTS_WRONG;
	initconf_free(&conf);
	return 0;
}

int main(void)
{
	static const struct faults_case conf = {.name = "initconf_parse", .run = parse_conf};
	char directory[128];
	scratch_make(directory);
	(void)snprintf(device, sizeof device, "%s/device", directory);
	faults_ioctl = answer;
	faults_buffered = true;
	copies_are_weighed();
	other_contents_are_left_alone();
	devices_may_not_do();
	tries_are_counted();
	faults_all(&conf);
	scratch_remove(directory);
	return done();
}
