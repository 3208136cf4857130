/* P4, beside tests/boot/damage.t: a changed layer never boots. Random damage to the files of a
 * layers partition (one to three bits, a stretch of garbage or of zeros, a cut, a tail, two files
 * swapped, one gone), and what /init's own code then boots is the newest stack whose files are as
 * they were, with exactly the tree that was signed. */
#include <unistd.h>

#include "partition_dir.h"
#include "promise.h"

static struct partition_dir partition;

/* A file of the partition, read, changed and written again. */
struct change {
	size_t number; /* of the file */
	uint8_t data[65536];
	size_t size;
};

static void change_read(struct change *change, uint64_t *seed)
{
	change->number = (size_t)random_below(seed, PARTITION_FILES);
	int fd = open(partition.files[change->number].path, O_RDONLY);
	ssize_t got = fd < 0 ? 0 : read(fd, change->data, sizeof change->data);
	change->size = got < 0 ? 0 : (size_t)got;
	if (fd >= 0)
		(void)close(fd);
}

static void change_write(const struct change *change)
{
	write_file(partition.files[change->number].path, change->data, change->size);
}

static void flip_bits(struct change *change, uint64_t *seed)
{
	for (uint64_t count = 1 + random_below(seed, 3); change->size > 0 && count > 0; count--)
		change->data[random_below(seed, change->size)] ^=
			(uint8_t)(1u << random_below(seed, 8));
}

static void overwrite(struct change *change, uint64_t *seed)
{
	size_t at = (size_t)random_below(seed, change->size + 1), left = change->size - at;
	size_t length = (size_t)random_below(seed, 600);
	bool zeros = random_below(seed, 2) == 0;
	length = length < left ? length : left;
	if (zeros)
		memset(change->data + at, 0, length);
	else
		random_fill(seed, change->data + at, length);
}

static void cut(struct change *change, uint64_t *seed)
{
	change->size = (size_t)random_below(seed, change->size + 1);
}

static void add_tail(struct change *change, uint64_t *seed)
{
	size_t length = 1 + (size_t)random_below(seed, 600);
	if (length > sizeof change->data - change->size)
		abort();
	random_fill(seed, change->data + change->size, length);
	change->size += length;
}

static void swap(struct change *change, uint64_t *seed)
{
	static struct change other;
	size_t number = change->number;
	change_read(&other, seed);
	change->number = other.number;
	other.number = number;
	change_write(&other);
}

static const struct {
	const char *name;
	void (*act)(struct change *change, uint64_t *seed);
} damages[] = {{"bits", flip_bits}, {"overwritten", overwrite}, {"cut", cut}, {"tail", add_tail},
	{"swapped", swap}, {"gone", NULL}};

enum { DAMAGES = sizeof damages / sizeof *damages };

static unsigned long done_of[DAMAGES];

/* One file, or rarely several. */
static void damage(uint64_t *seed)
{
	static struct change change;
	do {
		size_t which = (size_t)random_below(seed, DAMAGES);
		change_read(&change, seed);
		if (damages[which].act == NULL) {
			(void)unlink(partition.files[change.number].path);
		} else {
			damages[which].act(&change, seed);
			change_write(&change);
		}
		done_of[which]++;
	} while (random_below(seed, 3) == 0);
}

static bool is_as_it_was(const struct partition_file *file)
{
	static uint8_t data[65536];
	int fd = open(file->path, O_RDONLY);
	ssize_t got = fd < 0 ? -1 : read(fd, data, sizeof data);
	size_t at = 0;
	if (fd >= 0)
		(void)close(fd);
	for (size_t i = 0; i < 2 && file->parts[i] != NULL; i++) {
		const struct bytes *part = file->parts[i];
		if (got < 0 || at + part->size > (size_t)got ||
			memcmp(data + at, part->data, part->size) != 0)
			return false;
		at += part->size;
	}
	return at == (size_t)got;
}

static uint64_t newest_whole(void)
{
	for (size_t set = SETS; set-- > 0;) {
		size_t whole = 0;
		for (size_t i = 0; i < SET_FILES; i++)
			whole += is_as_it_was(partition_file(&partition, set, i));
		if (whole == SET_FILES)
			return set + 1;
	}
	return 0;
}

int main(void)
{
	unsigned long trials = promise_count(500, 50), wrong = 0, booted[SETS + 1] = {0};
	uint64_t first = promise_seed((unsigned long long)time(NULL) * 1000003);
	if (!have_root())
		return 0;
	partition_open(&partition, false);
	for (unsigned long i = 0; i < trials; i++) {
		uint64_t seed = first + i;
		damage(&seed);
		uint64_t expected = newest_whole(), version = partition_boot(&partition);
		bool good = version == expected &&
			    (version == 0 || partition_store_is(&partition, version));
		booted[version]++;
		wrong += !good;
		if (!good)
			printf("# PLYBOOT_COUNT=1 PLYBOOT_SEED=%llu: version %llu instead of %llu "
			       "(%s)\n",
				(unsigned long long)(first + i), (unsigned long long)version,
				(unsigned long long)expected, partition.error.text);
		partition_put_all(&partition);
	}
	printf("# version 3 booted %lu times, 2 %lu, 1 %lu, none %lu;", booted[3], booted[2],
		booted[1], booted[0]);
	for (size_t i = 0; i < DAMAGES; i++)
		printf(" %s %lu", damages[i].name, done_of[i]);
	printf("\n");
	promise_result("P4", trials, "damaged partitions", wrong);
	partition_close(&partition);
	return done();
}
