/* compose/layout.h: what one command puts into a store and takes out again when it fails is not
 * what another one counts on, whichever ends first. */
#include "compose/layout.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

static char path[200];
static struct digest digest;

static void begin(struct layout *layout)
{
	struct error e;
	if (layout_open(path, true, layout, &e) != 0) {
		printf("# %s\n", e.text);
		abort();
	}
}

static void add(struct layout *layout, const char *text)
{
	struct error e;
	if (layout_add_blob(layout, text, strlen(text), &digest, &e) != 0)
		abort();
}

/* As what is not known before it has been written. */
static void write_blob(struct layout *layout, const char *text)
{
	struct blob_writer writer;
	struct error e;
	if (blob_writer_open(layout, &writer, &e) != 0 ||
		blob_writer_write(&writer, text, strlen(text), &e) != 0 ||
		blob_writer_finish(layout, &writer, &digest, &e) != 0)
		abort();
	blob_writer_discard(&writer);
}

static void keep(struct layout *layout)
{
	layout_keep(layout);
	layout_close(layout);
}

static bool there(void)
{
	char name[LAYOUT_BLOB_PATH_SIZE], whole[sizeof path + LAYOUT_BLOB_PATH_SIZE];
	layout_blob_path(&digest, name);
	(void)snprintf(whole, sizeof whole, "%s/%s", path, name);
	return access(whole, F_OK) == 0;
}

static void test_alone(void)
{
	struct layout one;
	begin(&one);
	add(&one, "one");
	ok(there(), "a blob is there at once");
	layout_close(&one);
	ok(!there(), "... and goes with a command that fails");
	begin(&one);
	write_blob(&one, "one");
	layout_close(&one);
	ok(!there(), "... so does one that was written bit by bit");
	begin(&one);
	write_blob(&one, "one");
	write_blob(&one, "one");
	layout_close(&one);
	ok(!there(), "... and one that was written twice");
	begin(&one);
	add(&one, "one");
	keep(&one);
	ok(there(), "it stays when all went well");
	begin(&one);
	add(&one, "one");
	write_blob(&one, "one");
	layout_close(&one);
	ok(there(), "... also when who found it there fails");
}

/* The other one ends well: before or after the one that wrote the blob first fails. */
static void test_two(void (*put)(struct layout *layout, const char *text), bool before,
	const char *text, const char *name)
{
	struct layout fails, ends;
	begin(&fails);
	add(&fails, text);
	begin(&ends);
	put(&ends, text);
	if (before)
		keep(&ends);
	layout_close(&fails);
	if (!before)
		keep(&ends);
	ok(there(), "%s", name);
}

/* What another one may be just about to find is left to gc. */
static void test_beside(void)
{
	struct layout fails, other;
	begin(&other);
	begin(&fails);
	add(&fails, "beside");
	layout_close(&fails);
	ok(there(), "nothing goes while another one has the store open");
	add(&other, "beside");
	keep(&other);
	ok(there(), "... which finds it");
}

int main(void)
{
	char directory[] = "/tmp/test_layout.XXXXXX";
	struct layout kept;
	if (mkdtemp(directory) == NULL)
		abort();
	(void)snprintf(path, sizeof path, "%s/store", directory);
	begin(&kept);
	keep(&kept);
	test_alone();
	test_two(add, true, "a", "a blob that another one found, and ended with");
	test_two(add, false, "b", "... and will end with");
	test_two(write_blob, true, "c", "a blob that another one wrote, too, and ended with");
	test_two(write_blob, false, "d", "... and will end with");
	test_beside();
	char command[sizeof directory + 16];
	(void)snprintf(command, sizeof command, "rm -r %s", directory);
	ok(system(command) == 0, "removed");
	return done();
}
