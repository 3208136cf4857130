/* layers/crew.c: a stack's layers in the store, several at once, and which error is told. */
#include "layers/crew.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "layers/jail.h"
#include "random.h"
#include "shelf.h"

enum { PIECE_BYTES = 300, LARGE_BYTES = (2 << 20) + 1 };

static struct sandbox sandbox; /* the destination is the store */
static struct error e;

/* --- layers, and how long they take */

static struct timespec naps[2];

static int nap(struct error *why)
{
	(void)why;
	(void)nanosleep(&naps[0], NULL);
	return 0;
}

static int nap_and_fail(struct error *why)
{
	(void)nanosleep(&naps[1], NULL);
	return error_set(why, ERROR_MISSING, 0, "gone");
}

static _Noreturn void spin(void)
{
	for (volatile unsigned idle = 0;; idle++)
		continue;
}

static int hang(struct error *why)
{
	(void)why;
	spin();
}

/* Shared with the children. */
static struct meeting {
	unsigned wanted, patience_ms;
	_Atomic unsigned entered, late, met;
} * meeting;

static int meet(struct error *why)
{
	static bool been; /* a layer has several pieces */
	const struct timespec moment = {.tv_nsec = 1000000};
	(void)why;
	if (been)
		return 0;
	been = true;
	meeting->entered++;
	for (unsigned ms = 0; ms < meeting->patience_ms; ms++) {
		if (meeting->entered >= meeting->wanted && meeting->late == 0) {
			meeting->met++;
			return 0;
		}
		(void)nanosleep(&moment, NULL);
	}
	meeting->late++;
	return 0;
}

static void take_ms(unsigned which, unsigned ms)
{
	naps[which] = (struct timespec){.tv_nsec = ms * 1000000L};
}

/* The n-th has a file of its own and one of the same name as all others. */
static void add_small(unsigned count)
{
	while (count-- > 0) {
		char name[32];
		(void)snprintf(name, sizeof name, "file-%zu", shelf.count);
		const struct item items[] = {{.path = ".", .type = '5', .mtime = 1},
			{.path = name, .body = name}, {.path = "all", .body = name},
			{.path = "implied/file", .body = "x"}, {.path = "o/.wh..wh..opq"}, {0}};
		shelf_add(items, MEDIA_TAR_GZIP, PIECE_BYTES);
	}
}

static void add_large(void)
{
	static char body[LARGE_BYTES];
	uint64_t seed = shelf.count;
	for (size_t i = 0; i < sizeof body; i++)
		body[i] = (char)(random_u64(&seed) & 3);
	const struct item items[] = {
		{.path = "large", .body = body, .body_bytes = sizeof body}, {0}};
	shelf_add(items, MEDIA_TAR_ZSTD, 100000);
}

/* --- filling */

static struct filling {
	struct store_layer layers[SHELF_MOST];
	unsigned missing;
	size_t failed, done, progress;
	bool in_order, told_us;
	uint64_t ms;
	void (*on_done)(size_t index);
} filling;

static void note_done(void *context, size_t index, const struct store_layer *layer, uint64_t us)
{
	struct filling *to = context;
	to->in_order &= index == to->done && layer == &to->layers[index];
	to->told_us &= (us == 0) == layer->reused;
	to->done++;
	if (to->on_done != NULL)
		to->on_done(index);
}

static void note_progress(void *context, size_t index, uint64_t stored_bytes)
{
	struct filling *to = context;
	to->progress++;
	to->in_order &= index < shelf.count && stored_bytes <= shelf.records[index].stored_bytes;
}

static uint64_t now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int fill_at(int store_fd, const struct crew_options *how)
{
	struct crew_options options = *how;
	void (*on_done)(size_t) = filling.on_done;
	filling = (struct filling){.in_order = true, .told_us = true, .on_done = on_done};
	options.progress = note_progress;
	options.done = note_done;
	options.context = &filling;
	shelf.opens = 0;
	e = (struct error){0};
	uint64_t start = now_ms();
	int status = crew_fill_store(store_fd, &shelf.source, shelf.records, shelf.count, &options,
		filling.layers, &filling.missing, &filling.failed, &e);
	filling.ms = now_ms() - start;
	return status;
}

static int fill(const struct crew_options *how)
{
	return fill_at(sandbox.root_fd, how);
}

/* --- looking at the store */

static const char *in_layer(size_t index, const char *path)
{
	static char full[PATH_MAX];
	char id[DIGEST_HEX + 1];
	struct digest digest;
	if (layer_record_id(&shelf.records[index], &digest, &e) != 0)
		abort();
	digest_format_hex(&digest, id);
	(void)snprintf(full, sizeof full, "%s/%s", id, path);
	return full;
}

static bool is_there(size_t index)
{
	return access(in_root(&sandbox, in_layer(index, "root")), F_OK) == 0;
}

/* Names that begin with `prefix`. */
static size_t names_in_store(const char *prefix)
{
	size_t count = 0;
	DIR *dir = opendir(sandbox.root);
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
		count += entry->d_name[0] != '.' &&
			 strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	(void)closedir(dir);
	return count;
}

static bool is_small_layer(size_t index)
{
	char name[32], path[64];
	(void)snprintf(name, sizeof name, "file-%zu", index);
	(void)snprintf(path, sizeof path, "root/%s", name);
	bool whole = is_file(&sandbox, in_layer(index, path), name) &&
		     is_file(&sandbox, in_layer(index, "root/all"), name) &&
		     access(in_root(&sandbox, in_layer(index, "implied")), F_OK) == 0;
	char value = 0;
	return whole &&
	       getxattr(in_root(&sandbox, in_layer(index, "root/o")), "trusted.overlay.opaque",
		       &value, 1) == 1 &&
	       value == 'y';
}

static void nothing_is_left_over(const char *name)
{
	ok(names_in_store("new-") == 0 && shelf_open_blobs() == 0 &&
			waitpid(-1, NULL, WNOHANG) == -1,
		"%s: nothing unfinished, no blob, no child is left", name);
}

static void new_store(void)
{
	shelf_clear();
	filling.on_done = NULL;
	sandbox_open(&sandbox);
}

static void close_store(void)
{
	ok(sandbox_untouched(&sandbox), "all outside the store is as it was");
	sandbox_close(&sandbox);
}

static void fails(int status, enum error_code code, size_t failed, const char *name)
{
	error_is(status, &e, code, "%s", name);
	is_int((long long)filling.failed, (long long)failed, "%s: by this layer", name);
	nothing_is_left_over(name);
}

/* --- */

static void fills_with(unsigned cpus)
{
	char name[32];
	(void)snprintf(name, sizeof name, "%u CPUs", cpus);
	new_store();
	add_small(9);
	add_large();
	add_small(2);
	shelf.records[4] = shelf.records[3]; /* the same layer twice in the stack */
	const struct crew_options how = {.cpus = cpus};
	int status = fill(&how);
	if (!is_int(status, 0, "%s: twelve layers", name))
		printf("# %s: %s\n", error_code_name(e.code), e.text);
	size_t wrong = 0;
	for (size_t i = 0; i < shelf.count; i++)
		wrong += i != 4 && i != 9 && !is_small_layer(i);
	is_int((long long)wrong, 0, "%s: are as they should be", name);
	struct stat st;
	ok(stat(in_root(&sandbox, in_layer(9, "root/large")), &st) == 0 &&
			st.st_size == LARGE_BYTES,
		"%s: the large one, too", name);
	is_int((long long)names_in_store(""), 11, "%s: one of them but once", name);
	ok(filling.layers[4].reused && !filling.layers[3].reused &&
			digest_equal(&filling.layers[4].id, &filling.layers[3].id),
		"%s: the second of these is reused", name);
	ok(filling.done == 12 && filling.in_order && filling.told_us, "%s: each is told, in order",
		name);
	ok(filling.failed == shelf.count && filling.missing == 0, "%s: none failed", name);
	nothing_is_left_over(name);

	status = fill(&how);
	wrong = 0;
	for (size_t i = 0; i < shelf.count; i++)
		wrong += !filling.layers[i].reused;
	ok(status == 0 && wrong == 0 && filling.done == 12 && filling.in_order && filling.told_us,
		"%s: the second time all are reused", name);
	uint64_t ms = filling.ms;
	for (int again = 0; again < 20 && ms >= 10; again++) /* the machine may be busy */
		ms = fill(&how) == 0 && filling.ms < ms ? filling.ms : ms;
	ok(shelf.opens == 0 && ms < 10, "%s: without opening a blob, in %llu ms", name,
		(unsigned long long)ms);
	close_store();
}

static void needs_no_callbacks(void)
{
	new_store();
	add_small(2);
	shelf.acts[1] = nap;
	take_ms(0, 80);
	const struct crew_options how = {.cpus = 2, .jail_leave_out = JAIL_SECCOMP};
	is_int(crew_fill_store(sandbox.root_fd, &shelf.source, shelf.records, 2, &how,
		       filling.layers, &filling.missing, &filling.failed, &e),
		0, "without callbacks");
	is_int(filling.missing, JAIL_SECCOMP, "what the jails lack is told");
	close_store();
}

/* As many as there are CPUs for, and places: each child waits until so many are there. */
static void unpacks_several_at_once(void)
{
	static const struct {
		unsigned cpus, layers, patience_ms;
		bool meet;
	} rows[] = {{64, 16, 20000, true}, {64, 17, 400, false}, {3, 3, 20000, true},
		{3, 4, 200, false}, {1, 2, 200, false}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct crew_options how = {
			.cpus = rows[i].cpus, .jail_leave_out = JAIL_SECCOMP};
		new_store();
		add_small(rows[i].layers);
		*meeting = (struct meeting){.wanted = rows[i].layers};
		meeting->patience_ms = rows[i].patience_ms;
		for (size_t j = 0; j < shelf.count; j++)
			shelf.acts[j] = meet;
		int status = fill(&how);
		ok(status == 0 && filling.done == rows[i].layers && filling.in_order,
			"%u layers, %u CPUs", rows[i].layers, rows[i].cpus);
		is_int(meeting->met, rows[i].meet ? rows[i].layers : 0, "at once: %s",
			rows[i].meet ? "all" : "not all");
		ok(rows[i].meet || filling.progress > 0, "progress was told %zu times",
			filling.progress);
		close_store();
	}
}

static void counts_skipped_xattrs(void)
{
	static const struct item items[] = {
		{.path = "a", .xattr = "user.a", .xattr_value = "1", .xattr_bytes = 1},
		{.path = "b", .xattr = "user.a", .xattr_value = "1", .xattr_bytes = 1}, {0}};
	new_store();
	shelf_add(items, MEDIA_TAR, PIECE_BYTES);
	shelf.records[0].user_xattrs = USER_XATTRS_OPTIONAL;
	const struct crew_options how = {.cpus = 1};
	ok(fill(&how) == 0 && filling.layers[0].user_xattrs_skipped == 2,
		"two user.* xattrs are left out");
	close_store();
	new_store();
	add_small(1);
	const struct crew_options supported = {.cpus = 1, .user_xattrs_supported = true};
	ok(fill(&supported) == 0 && filling.layers[0].user_xattrs_skipped == 0,
		"none, where they are supported");
	close_store();
}

/* --- failures */

static void damage(size_t index)
{
	shelf.layers[index].blob.data[shelf.layers[index].blob.size - 1] ^= 1;
}

static void tells_the_lowest_failure(void)
{
	uint64_t seed = 3;
	size_t wrong = 0;
	new_store();
	add_small(4);
	damage(1);
	shelf.acts[1] = nap;
	shelf.acts[3] = nap_and_fail;
	for (int i = 0; i < 50; i++) {
		const struct crew_options how = {
			.cpus = 1 + (unsigned)i % 4, .jail_leave_out = JAIL_SECCOMP};
		take_ms(0, (unsigned)random_below(&seed, 3));
		take_ms(1, (unsigned)random_below(&seed, 8));
		int status = fill(&how);
		bool good = status == -1 && filling.failed == 1 && e.code == ERROR_DIGEST &&
			    filling.done == 1 && filling.in_order && is_there(0) && !is_there(1) &&
			    !is_there(3) && names_in_store("new-") == 0;
		if (!good)
			printf("# turn %d: %d, layer %zu, %s\n", i, status, filling.failed, e.text);
		wrong += !good;
	}
	is_int((long long)wrong, 0, "two bad layers, 50 times: always the lower one's error");
	nothing_is_left_over("two bad layers");
	ok(is_small_layer(0), "the whole one below stays");
	damage(1);
	shelf.acts[1] = shelf.acts[3] = NULL;
	const struct crew_options how = {.cpus = 2};
	ok(fill(&how) == 0 && filling.layers[0].reused && !filling.layers[1].reused,
		"when they are good again, what was whole is reused %s", e.text);
	close_store();
}

static void stops_what_is_in_vain(void)
{
	const struct crew_options how = {.cpus = 4, .stall_ms = 60000};
	new_store();
	add_small(4);
	damage(1);
	shelf.acts[2] = shelf.acts[3] = hang;
	fails(fill(&how), ERROR_DIGEST, 1, "others would go on for ever");
	ok(is_there(0) && names_in_store("") == 1, "what was whole stays, and nothing else");
	close_store();
}

static void notices_stalls(void)
{
	const struct crew_options how = {.cpus = 2, .stall_ms = 50};
	new_store();
	add_small(2);
	shelf.acts[1] = hang;
	fails(fill(&how), ERROR_JAIL, 1, "a layer that gets nowhere");
	close_store();
}

static void demands_parts(void)
{
	const struct crew_options how = {
		.cpus = 2, .jail_leave_out = JAIL_USER, .jail_demand = JAIL_ALL};
	new_store();
	add_small(2);
	fails(fill(&how), ERROR_KERNEL, 0, "a jail without a part that is demanded");
	is_int(filling.missing, JAIL_USER, "which is told");
	is_int((long long)names_in_store(""), 0, "nothing is unpacked");
	close_store();
}

static void fails_before_a_child(void)
{
	const struct crew_options how = {.cpus = 4};
	new_store();
	add_small(3);
	shelf.layers[1].source.table.missing = true;
	fails(fill(&how), ERROR_MISSING, 1, "a piece table that is not there");
	ok(is_there(0) && !is_there(2), "the one below stays, none above is begun");
	shelf.layers[1].source.table.missing = false;
	shelf.layers[1].source.layer.claimed_bytes = 1;
	fails(fill(&how), ERROR_SIZE, 1, "a blob of another size");
	close_store();
}

static void fails_with_the_store(void)
{
	const struct crew_options how = {.cpus = 2};
	new_store();
	add_small(2);
	fails(fill_at(-1, &how), ERROR_IO, 0, "no store");
	int proc = open("/proc", O_RDONLY | O_DIRECTORY);
	fails(fill_at(proc, &how), ERROR_MISSING, 0, "a store where nothing can be made");
	(void)close(proc);
	close_store();
}

static void be_in_the_way(size_t index)
{
	char path[PATH_MAX];
	if (index != 0)
		return;
	(void)snprintf(path, sizeof path, "%s", in_root(&sandbox, in_layer(1, "")));
	if (mkdir(path, 0700) != 0 || mkdir(in_root(&sandbox, in_layer(1, "something")), 0700) != 0)
		abort();
}

static void fails_when_a_layer_can_not_be_kept(void)
{
	const struct crew_options how = {.cpus = 2, .jail_leave_out = JAIL_SECCOMP};
	new_store();
	add_small(2);
	shelf.acts[1] = nap;
	take_ms(0, 100);
	filling.on_done = be_in_the_way;
	fails(fill(&how), ERROR_IO, 1, "something is in the way");
	close_store();
}

static void tells_its_memory(void)
{
	struct layer_record small = {.media = MEDIA_TAR, .largest_piece_bytes = 1000}, large;
	large = small;
	large.unpacked_bytes = LARGE_BYTES;
	uint64_t one = crew_bytes(&small, 1);
	ok(one > 0 && crew_bytes(&small, 3) == 3 * one, "small layers: one for each CPU");
	ok(crew_bytes(&small, 100) == 16 * one, "and 16 at most");
	ok(crew_bytes(&large, 1) == one, "with one CPU a large layer takes no threads");
	const unsigned all = DECODER_WORKERS_MOST + 1; /* and who writes */
	uint64_t two = crew_bytes(&large, 2), most = crew_bytes(&large, all);
	ok(two > one && most > two, "with more a large one has all CPUs");
	ok(crew_bytes(&large, 2 * all) == 2 * most, "but no more threads than a decoder has");
}

int main(void)
{
	if (!have_root())
		return 0;
	meeting = mmap(
		NULL, sizeof *meeting, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (meeting == MAP_FAILED)
		abort();
	fills_with(1);
	fills_with(2);
	fills_with(4);
	needs_no_callbacks();
	unpacks_several_at_once();
	counts_skipped_xattrs();
	tells_the_lowest_failure();
	stops_what_is_in_vain();
	notices_stalls();
	demands_parts();
	fails_before_a_child();
	fails_with_the_store();
	fails_when_a_layer_can_not_be_kept();
	tells_its_memory();
	shelf_clear();
	return done();
}
