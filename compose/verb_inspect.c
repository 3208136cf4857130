/* plyboot inspect: what a file of ours says, believed or not; of layers and stacks also what they
 * hold (inspect_layers.c). */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "../layers/initconf.h"
#include "../layers/little_endian.h"
#include "../layers/pieces.h"
#include "../layers/record.h"
#include "../layers/scope.h"
#include "inspect.h"
#include "inspect_image.h"
#include "keys.h"
#include "layout.h"
#include "output.h"
#include "stack_name.h"
#include "target.h"
#include "verbs.h"

#define FIELD(name_) .offset = offsetof(struct inspect_options, name_)
static const struct option_spec options[] = {
	{.name = "--pieces",
		.kind = OPTION_FLAG,
		FIELD(pieces),
		.help = "list every piece of a piece table"},
	{.name = "--json",
		.kind = OPTION_FLAG,
		FIELD(json),
		.help = "one JSON object; of layers, stacks and images only"},
	{.name = "--store",
		.kind = OPTION_TEXT,
		FIELD(store),
		.value = "DIR",
		.help = "where the layers are; default: $PLYBOOT_STORE, else ./store"},
	{.name = "--plot",
		.kind = OPTION_TEXT,
		FIELD(plot),
		.value = "FILE.svg",
		.help = "instead of text a picture of what takes the room; of layers and stacks "
			"only"},
	{.name = "--image",
		.kind = OPTION_FLAG,
		FIELD(image),
		.help = "show the config of an image in the store, by the name that `plyboot "
			"import` gave it"},
	{0},
};
#undef FIELD

static const char *digest_text(const struct digest *digest)
{
	static char text[DIGEST_TEXT_SIZE];
	digest_format(digest, text);
	return text;
}

/* --- piece tables */

/* A table is held against a layer's record, which isn't here: take the one that would fit.
 * Compressed, because only of plain tar more is demanded. */
static void fitting_record(const uint8_t *bytes, size_t size_bytes, struct layer_record *out)
{
	*out = (struct layer_record){.media = MEDIA_TAR_GZIP};
	for (size_t at = PIECES_HEADER_BYTES; at + PIECES_RECORD_BYTES <= size_bytes;
		at += PIECES_RECORD_BYTES) {
		uint64_t stored = get_u64(bytes + at);
		out->stored_bytes += stored;
		if (stored > out->largest_piece_bytes)
			out->largest_piece_bytes = stored;
	}
}

static void print_pieces(const struct piece_table *table)
{
	unsigned long long at = 0;
	for (size_t i = 0; i < table->count; i++) {
		const struct piece *piece = &table->pieces[i];
		printf("  %6zu at %12llu  %9llu -> %9llu  %s\n", i + 1, at,
			(unsigned long long)piece->stored_bytes,
			(unsigned long long)piece->decoded_bytes, digest_text(&piece->digest));
		at += piece->stored_bytes;
	}
}

static int inspect_pieces(const uint8_t *bytes, size_t size_bytes, bool all, struct error *e)
{
	struct layer_record record;
	struct piece_table table;
	struct verified *verified;
	fitting_record(bytes, size_bytes, &record);
	if (verified_trust(bytes, size_bytes, &verified, e) != 0)
		return -1;
	int result = piece_table_decode(verified, &record, &table, e);
	verified_free(verified);
	if (result != 0)
		return -1;
	printf("piece table\n  pieces         %zu, the largest %llu bytes\n", table.count,
		(unsigned long long)record.largest_piece_bytes);
	printf("  stored         %llu bytes\n  decoded        %llu bytes\n",
		(unsigned long long)record.stored_bytes, (unsigned long long)table.decoded_bytes);
	if (all)
		print_pieces(&table);
	piece_table_free(&table);
	return 0;
}

/* --- the record */

static void print_copy(const char *name, const uint8_t *bytes)
{
	struct record record;
	struct error e;
	if (bytes == NULL)
		printf("%s copy     not in the file\n", name);
	else if (record_decode(bytes, &record, &e) == 0)
		printf("%s copy     sequence %llu\n", name, (unsigned long long)record.sequence);
	else
		printf("%s copy     %s: %s\n", name, error_code_name(e.code), e.text);
}

static void print_record_state(const struct record *record)
{
	for (uint32_t i = 0; i < record->stack_count; i++) {
		const struct record_stack *stack = &record->stacks[i];
		printf("stack          %s version %llu: %s, %u %s left\n               text "
		       "%s\n",
			stack->name, (unsigned long long)stack->version,
			stack->confirmed ? "confirmed" : "not confirmed",
			(unsigned)stack->tries_left, stack->tries_left == 1 ? "try" : "tries",
			digest_text(&stack->text));
	}
	for (uint32_t i = 0; i < record->name_count; i++)
		printf("name           %s: floor %llu, %u boot%s since the last confirm\n",
			record->names[i].name, (unsigned long long)record->names[i].floor,
			record->names[i].boots_since_confirm,
			record->names[i].boots_since_confirm == 1 ? "" : "s");
}

static bool is_zero(const uint8_t copy[RECORD_COPY_BYTES])
{
	static const uint8_t zero[RECORD_COPY_BYTES];
	return memcmp(copy, zero, sizeof zero) == 0;
}

static int inspect_record(const uint8_t *bytes, size_t size_bytes, struct error *e)
{
	const uint8_t *second = size_bytes >= RECORD_COPY_DISTANCE + RECORD_COPY_BYTES
					? bytes + RECORD_COPY_DISTANCE
					: NULL;
	struct record record;
	printf("record\n");
	if (is_zero(bytes) && (second == NULL || is_zero(second))) {
		printf("nothing was ever written\n");
		return 0;
	}
	print_copy("first ", bytes);
	print_copy("second", second);
	if (record_choose(bytes, second, &record, e) < 0)
		return -1;
	print_record_state(&record);
	return 0;
}

static bool is_record(const uint8_t *bytes, size_t size_bytes)
{
	static const char magic[] = "plyboot record 1";
	if (size_bytes == RECORD_PARTITION_BYTES)
		return true;
	if (size_bytes >= RECORD_COPY_BYTES && memcmp(bytes, magic, strlen(magic)) == 0)
		return true;
	return size_bytes >= RECORD_COPY_DISTANCE + RECORD_COPY_BYTES &&
	       memcmp(bytes + RECORD_COPY_DISTANCE, magic, strlen(magic)) == 0;
}

/* --- init.conf */

static const char *how_text(enum initconf_how how)
{
	return how == INITCONF_FIXED ? "fixed" : "default";
}

static void print_initconf(const struct initconf *conf)
{
	static const char *const logs[INITCONF_LOGS] = {"quiet", "normal", "debug"};
	for (unsigned i = 0; i < INITCONF_DEVICES; i++)
		printf("%-14s %s (%s)\n", initconf_device_name((enum initconf_device)i),
			conf->device[i], how_text(conf->device_how[i]));
	printf("stack          %s (%s)\n", conf->stack != NULL ? conf->stack : "any one name",
		how_text(conf->stack_how));
	printf("upper          %s\n", conf->upper_volatile ? "volatile" : "as the stack says");
	printf("wait           %u s (%s)\nlog            %s (%s)\n", conf->wait_s,
		how_text(conf->wait_how), logs[conf->log], how_text(conf->log_how));
	printf("progress       %s\n", initconf_progress_name(conf->progress));
	printf("floor          %llu\nsignatures     %u\ntries          %u\n",
		(unsigned long long)conf->floor, conf->signatures, (unsigned)conf->tries);
	if (conf->upper_tries > 0)
		printf("upper tries    %u\n", conf->upper_tries);
	else
		printf("upper tries    none\n");
	if (conf->watchdog_s > 0)
		printf("watchdog       %u s\n", conf->watchdog_s);
	else
		printf("watchdog       left alone\n");
	if (conf->fsck_s > 0)
		printf("fsck           %u s at most, if e2fsck is there\n", conf->fsck_s);
	else
		printf("fsck           none\n");
	for (size_t i = 0; i < conf->revoked_count; i++)
		printf("revoked        %s\n", digest_text(&conf->revoked[i]));
	for (size_t i = 0; i < conf->module_count; i++)
		printf("module         %s %s\n", conf->modules[i].path,
			conf->modules[i].parameters);
	for (size_t i = 0; i < conf->keep_count; i++)
		printf("keep           %s\n", conf->keep[i]);
	printf("jail           %s\n", conf->jail_whole ? "whole" : "as far as the kernel has it");
	printf("init=          %s\nplyboot.reset  %s\nshell          %s\non failure     %s\n",
		conf->allow_init ? "counts" : "does not count",
		conf->allow_reset ? "counts" : "does not count",
		conf->shell != NULL ? conf->shell : "none", on_failure_name(conf->on_failure));
}

static int inspect_initconf(const uint8_t *bytes, size_t size_bytes, struct error *e)
{
	struct initconf conf;
	if (initconf_parse((const char *)bytes, size_bytes, &conf, e) != 0)
		return error_wrap(e, "none of plyboot's files; read as an init.conf");
	printf("init.conf\n");
	print_initconf(&conf);
	initconf_free(&conf);
	return 0;
}

/* --- which of them */

static int inspect_key(const char *path, struct error *e)
{
	struct public_key key;
	if (public_key_read(path, &key, e) != 0)
		return -1;
	printf("public key\n  id             %s\n", digest_text(&key.id));
	return 0;
}

static bool begins(const uint8_t *bytes, size_t size_bytes, const char *with)
{
	return size_bytes >= strlen(with) && memcmp(bytes, with, strlen(with)) == 0;
}

static bool is_key(const uint8_t *bytes, size_t size_bytes)
{
	return begins(bytes, size_bytes, "-----BEGIN ") ||
	       begins(bytes, size_bytes, "0Y0\x13"); /* PEM, DER */
}

static int inspect_other(const struct inspect_options *given, const char *path,
	const uint8_t *bytes, size_t size_bytes, struct error *e)
{
	if (given->json)
		return error_set(e, ERROR_USAGE, 0, "--json is for layers, stacks and images");
	if (given->plot != NULL)
		return error_set(
			e, ERROR_USAGE, 0, "--plot is for layers and stacks, and this is neither");
	if (begins(bytes, size_bytes, "plyboot pieces "))
		return inspect_pieces(bytes, size_bytes, given->pieces, e);
	if (is_key(bytes, size_bytes))
		return inspect_key(path, e);
	if (is_record(bytes, size_bytes))
		return inspect_record(bytes, size_bytes, e);
	return inspect_initconf(bytes, size_bytes, e);
}

static int inspect_file(const struct inspect_options *given, const char *path, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size;
	int result;
	if (input_read_file(path, 8 * 1024 * 1024, &bytes, &size, e) != 0)
		return -1;
	if (target_recognizes(bytes, size))
		result = inspect_layers(given, bytes, size, e);
	else
		result = inspect_other(given, path, bytes, size, e);
	if (result == 0 || (e->code == ERROR_KEY && is_key(bytes, size)))
		return result; /* which names the file itself */
	return error_wrap(e, "`%s`", path);
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct inspect_options *given = opaque;
	const char *name = operands->items[0];
	if (given->plot != NULL && (given->json || given->image))
		return error_set(e, ERROR_USAGE, 0,
			"--plot draws what layers hold: it goes with neither --json nor --image");
	if (given->image)
		return inspect_image(layout_path(given->store), name, given->json, e);
	if (!stack_name_is_path(name) && access(name, F_OK) != 0)
		return inspect_named(given, name, e);
	return inspect_file(given, name, e);
}

const struct verb verb_inspect = {
	.name = "inspect",
	.summary = "show what a file of plyboot's says, and what layers hold",
	.operands = "FILE | NAME-VERSION | --image REF",
	.operands_min = 1,
	.operands_max = 1,
	.options = options,
	.options_bytes = sizeof(struct inspect_options),
	.run = run,
	.text = "FILE is a stack file (signed or not), a .layer file, a piece table, a record "
		"partition or an image of one, an init.conf, or a public key. NAME-VERSION is a "
		"stack in the store. Of what FILE says nothing is believed and nothing is checked "
		"but its form; `plyboot verify` checks.\n\n"
		"Of a stack or layers whose blobs are all in the store, it also says what they "
		"hold: of each layer what it adds to the tree of those below it, changes in it and "
		"removes from it (entries are names, bytes those of files); which layers hide what "
		"of which; and the files and directories that take most room. Those blobs are "
		"checked as /init would.\n\n"
		"The SVG of --plot is one page of A4, light or dark as its reader has it: for each "
		"layer a bar of what it takes unpacked, what of that upper layers hide, and what "
		"is stored (small layers share one where there are too many); below, the "
		"directories of the tree, each as large as what it holds, and the largest of them "
		"with their shares.\n\n"
		"The keys of --json are in plyboot-formats(5).\n",
	.examples = "A stack of the store, what takes the room in it, and the config of an image:\n"
		    "  plyboot inspect demo-1\n"
		    "  plyboot inspect --plot demo-1.svg demo-1\n"
		    "  plyboot inspect --image app:1\n",
};
