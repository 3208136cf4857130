/* P6: no mix-and-match. Three signed sets of stack text, signature, layer blob and piece table, and
 * every way to take one of each: exactly the three whole ones boot, every other is refused with the
 * code of the first part that does not belong. Once with blobs and tables of one size, so that
 * nothing but digests tells them apart, and once with others. */
#include "partition_dir.h"
#include "promise.h"

enum { SPLICES = SETS * SETS * SETS * SETS };

static struct partition_dir partition;

/* What a splice takes from which set. */
struct splice {
	size_t text, signature, blob, table;
};

static struct splice splice_of(size_t number)
{
	return (struct splice){number % SETS, number / SETS % SETS, number / (SETS * SETS) % SETS,
		number / (SETS * SETS * SETS)};
}

/* In the order in which /init comes to them: the table is checked before the blob is opened. */
static enum error_code expected_code(const struct splice *splice, bool alike)
{
	if (splice->signature != splice->text)
		return ERROR_SIGNATURE;
	if (splice->table != splice->text)
		return ERROR_DIGEST;
	if (splice->blob != splice->text)
		return alike ? ERROR_DIGEST : ERROR_SIZE;
	return ERROR_NONE;
}

/* The set that the text is of has its own names, with the content of the others' behind them; of
 * its two layers `place` is spliced. No other set's stack file is there. */
static void put_splice(const struct splice *splice, size_t place)
{
	struct set *sets = partition.sets;
	struct partition_file *stack = partition_file(&partition, splice->text, 0);
	struct partition_file *blob = partition_file(&partition, splice->text, 1 + 2 * place);
	struct partition_file whole[3] = {stack[0], blob[0], blob[1]};
	stack->parts[1] = &sets[splice->signature].signature;
	blob[0].parts[0] = &sets[splice->blob].layers[place].blob;
	blob[1].parts[0] = &sets[splice->table].layers[place].table;
	for (size_t i = 0; i < SETS; i++)
		(void)unlink(partition_file(&partition, i, 0)->path);
	partition_put(stack);
	partition_put(&blob[0]);
	partition_put(&blob[1]);
	*stack = whole[0];
	blob[0] = whole[1];
	blob[1] = whole[2];
}

static bool splice_is_right(const struct splice *splice, enum error_code code)
{
	uint64_t version = partition_boot(&partition);
	if (code == ERROR_NONE)
		return version == splice->text + 1 && partition_store_is(&partition, version);
	if (version != 0 || partition.error.code != code)
		return false;
	return code != ERROR_SIGNATURE || partition.found.count == 0;
}

static void every_splice(bool alike, size_t place)
{
	unsigned long wrong = 0, whole = 0;
	for (size_t number = 0; number < SPLICES; number++) {
		const struct splice splice = splice_of(number);
		enum error_code code = expected_code(&splice, alike);
		put_splice(&splice, place);
		whole += code == ERROR_NONE;
		if (splice_is_right(&splice, code))
			continue;
		wrong++;
		printf("# text %zu, signature %zu, blob %zu, table %zu of layer %zu: %s (%s) "
		       "instead of %s\n",
			splice.text, splice.signature, splice.blob, splice.table, place,
			error_code_name(partition.error.code), partition.error.text,
			error_code_name(code));
	}
	partition_put_all(&partition);
	is_int((long long)whole, SETS, "layer %zu, %s: of %d splices %d are whole", place,
		alike ? "all of one size" : "of different sizes", SPLICES, SETS);
	promise_result("P6", SPLICES, "splices", wrong);
}

int main(void)
{
	if (!have_root())
		return 0;
	for (int alike = 1; alike >= 0; alike--) {
		partition_open(&partition, alike != 0);
		if (alike)
			ok(partition.sets[0].layers[0].blob.size ==
						partition.sets[1].layers[0].blob.size &&
					partition.sets[0].layers[0].table.size ==
						partition.sets[2].layers[0].table.size,
				"blobs and tables have one size");
		for (size_t place = 0; place < SET_LAYERS; place++)
			every_splice(alike != 0, place);
		partition_close(&partition);
	}
	return done();
}
