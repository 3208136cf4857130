/*
 * A layers partition as a directory: three stacks that share nothing, each signed by a key of its
 * own, of two small layers each. What boots of it is what /init's own code would boot: the
 * candidates in its order, the layers by its crew in jails.
 */
#ifndef PLYBOOT_TEST_PARTITION_DIR_H
#define PLYBOOT_TEST_PARTITION_DIR_H

#include <sys/wait.h>

#include "choose.h"
#include "init/candidates.h"
#include "init/report.h"
#include "layers/crew.h"
#include "layers/shelf.h"
#include "random.h"
#include "record.h"
#include "stacks.h"

enum {
	SETS = 3,
	SET_LAYERS = 2,
	SET_FILES = 1 + 2 * SET_LAYERS,
	PARTITION_FILES = SETS * SET_FILES
};

struct set {
	struct signer signer;
	struct layer layers[SET_LAYERS]; /* bottom first */
	struct layer_record records[SET_LAYERS];
	struct bytes text, signature; /* of the stack file */
	struct bytes tree;            /* what lies in the store when it was unpacked */
};

/* A file on the partition: the set's stack file, then for each layer the blob and its table. */
struct partition_file {
	char path[PATH_MAX];
	const struct bytes *parts[2]; /* what it holds; the second may be NULL */
};

struct partition_dir {
	struct sandbox layers, store; /* their destinations */
	struct source *source;
	struct set sets[SETS];
	struct partition_file files[PARTITION_FILES];
	struct public_key keys[SETS];
	struct candidates found;
	struct report report;
	struct record record;
	struct error error; /* the last one */
};

static inline struct partition_file *partition_file(
	struct partition_dir *partition, size_t set, size_t file)
{
	return &partition->files[set * SET_FILES + file];
}

static inline void partition_put(const struct partition_file *file)
{
	struct bytes all = {0};
	for (size_t i = 0; i < 2 && file->parts[i] != NULL; i++)
		bytes_add(&all, file->parts[i]->data, file->parts[i]->size);
	write_file(file->path, all.data, all.size);
	bytes_free(&all);
}

/* `alike`: all blobs and tables of a place have the same size, so that only digests tell them
 * apart. */
static inline void set_add_layer(struct set *set, size_t number, size_t place, bool alike)
{
	static const enum media media[] = {MEDIA_TAR, MEDIA_TAR_GZIP, MEDIA_TAR_ZSTD};
	uint8_t body[2000];
	uint64_t seed = 10 * number + place;
	size_t size = alike ? 1500 : 1000 + 300 * number + 50 * place;
	random_fill(&seed, body, size);
	const struct item items[] = {
		{.path = "d", .type = '5', .mode = 0750, .mtime = 5},
		{.path = "d/file", .body = (char *)body, .body_bytes = size, .uid = 7},
		{.path = place == 0 ? "lower" : "upper", .body = "x"},
		{.path = place == 0 ? "d/link" : "d/.wh.link",
			.type = place == 0 ? '2' : '0',
			.link = place == 0 ? "../outside" : NULL},
		{0},
	};
	layer_exact(&set->layers[place], alike ? MEDIA_TAR : media[number % 3], items, 700);
	set->records[place] = set->layers[place].record;
}

static inline void set_make(struct set *set, size_t number, bool alike)
{
	static const char *const secrets[SETS] = {
		"c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		"00000000000000000000000000000000000000000000000000000000000000ff"};
	char *text;
	size_t length;
	signer_open(secrets[number], &set->signer);
	for (size_t place = 0; place < SET_LAYERS; place++)
		set_add_layer(set, number, place, alike);
	struct stack stack = {.name = "demo",
		.version = number + 1,
		.created = "2026-11-23T15:06:12Z",
		.architecture = "x86_64",
		.layer_count = SET_LAYERS,
		.layers = set->records,
		.upper = UPPER_VOLATILE,
		.init = "/sbin/init"};
	if (stack_encode(&stack, &text, &length, NULL) != 0)
		abort();
	bytes_add(&set->text, text, length);
	free(text);
	uint8_t raw[KEY_SIGNATURE_BYTES];
	sign_bytes(&set->signer, set->text.data, set->text.size, raw);
	add_line(&set->signature, &set->signer.key.id, raw);
}

static inline void set_name_files(struct partition_dir *partition, size_t number)
{
	struct set *set = &partition->sets[number];
	struct partition_file *file = partition_file(partition, number, 0);
	*file = (struct partition_file){.parts = {&set->text, &set->signature}};
	(void)snprintf(file->path, sizeof file->path, "%s/stacks/demo-%zu.stack",
		partition->layers.root, number + 1);
	for (size_t i = 0; i < 2 * SET_LAYERS; i++) {
		const struct layer *layer = &set->layers[i / 2];
		char name[DIGEST_HEX + 1];
		digest_format_hex(i % 2 == 0 ? &layer->record.digest : &layer->record.pieces, name);
		file = partition_file(partition, number, 1 + i);
		file->parts[0] = i % 2 == 0 ? &layer->blob : &layer->table;
		file->parts[1] = NULL;
		(void)snprintf(file->path, sizeof file->path, "%s/blobs/sha256/%s",
			partition->layers.root, name);
	}
}

static inline void partition_put_all(struct partition_dir *partition)
{
	for (size_t i = 0; i < PARTITION_FILES; i++)
		partition_put(&partition->files[i]);
}

static inline void partition_empty_store(struct partition_dir *partition)
{
	DIR *dir = opendir(partition->store.root);
	if (dir == NULL)
		abort();
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		struct error e;
		if (entry->d_name[0] != '.' &&
			store_remove(partition->store.root_fd, entry->d_name, &e) != 0)
			abort();
	}
	(void)closedir(dir);
}

/* The candidates as /init finds them, with its console closed. The first refusal is the error when
 * there is none. */
static inline int partition_find(struct partition_dir *partition)
{
	struct candidate_policy policy = {
		.signatures = {.keys = partition->keys, .key_count = SETS, .needed = 1},
		.machine = "x86_64",
		.kernel_release = "6.1.0",
	};
	int silent = open("/dev/null", O_WRONLY | O_CLOEXEC), loud = dup(2);
	floors_add_record(&policy.floors, &partition->record);
	candidates_free(&partition->found);
	partition->report = (struct report){0};
	partition->error = (struct error){0};
	(void)dup2(silent, 2);
	int result = candidates_find(partition->source, &policy, &partition->report,
		&partition->found, &partition->error);
	(void)dup2(loud, 2);
	(void)close(silent);
	(void)close(loud);
	return result;
}

/* Into an empty store. */
static inline int partition_unpack(struct partition_dir *partition, const struct stack *stack)
{
	const struct crew_options options = {.user_xattrs_supported = true, .cpus = 1};
	struct store_layer layers[SET_LAYERS];
	unsigned missing;
	size_t failed;
	partition_empty_store(partition);
	partition->error = (struct error){0};
	return crew_fill_store(partition->store.root_fd, partition->source, stack->layers,
		stack->layer_count, &options, layers, &missing, &failed, &partition->error);
}

/* The version that boots, 0 when none does: one after the other, as the ladder goes. */
static inline uint64_t partition_boot(struct partition_dir *partition)
{
	if (partition_find(partition) != 0)
		return 0;
	for (int next;
		(next = choose_next(&partition->found, &partition->record, true)) != CHOOSE_NONE;) {
		struct candidate *candidate = &partition->found.list[next];
		candidate->tried = true;
		if (partition_unpack(partition, &candidate->stack) == 0)
			return candidate->stack.version;
	}
	return 0;
}

/* Is what lies in the store all of this set's layers, name by name and byte by byte, and no more?
 */
static inline bool partition_store_is(struct partition_dir *partition, uint64_t version)
{
	struct bytes now = list_tree(partition->store.root, NULL, LIST_TIMELESS);
	bool same = same_listing(&now, &partition->sets[version - 1].tree);
	bytes_free(&now);
	return same;
}

static inline void partition_open(struct partition_dir *partition, bool alike)
{
	struct error e;
	memset(partition, 0, sizeof *partition);
	sandbox_open(&partition->layers);
	sandbox_open(&partition->store);
	if (mkdirat(partition->layers.root_fd, "stacks", 0755) != 0 ||
		mkdirat(partition->layers.root_fd, "blobs", 0755) != 0 ||
		mkdirat(partition->layers.root_fd, "blobs/sha256", 0755) != 0 ||
		source_dir_open(dup(partition->layers.root_fd), &partition->source, &e) != 0)
		abort();
	for (size_t i = 0; i < SETS; i++) {
		set_make(&partition->sets[i], i, alike);
		set_name_files(partition, i);
		partition->keys[i] = partition->sets[i].signer.key;
	}
	partition_put_all(partition);
	/* What each must be, from the newest down. */
	for (size_t i = SETS; i-- > 0;) {
		is_int((long long)partition_boot(partition), (long long)i + 1,
			"version %zu boots%s%s", i + 1, partition->error.text[0] ? ": " : "",
			partition->error.text);
		partition->sets[i].tree = list_tree(partition->store.root, NULL, LIST_TIMELESS);
		if (unlink(partition_file(partition, i, 0)->path) != 0)
			abort();
	}
	partition_put_all(partition);
}

static inline void partition_close(struct partition_dir *partition)
{
	candidates_free(&partition->found);
	source_close(partition->source);
	for (size_t i = 0; i < SETS; i++) {
		struct set *set = &partition->sets[i];
		for (size_t place = 0; place < SET_LAYERS; place++)
			layer_free(&set->layers[place]);
		bytes_free(&set->text);
		bytes_free(&set->signature);
		bytes_free(&set->tree);
	}
	ok(sandbox_untouched(&partition->layers) && sandbox_untouched(&partition->store),
		"nothing outside changed");
	sandbox_close(&partition->layers);
	sandbox_close(&partition->store);
}

#endif
