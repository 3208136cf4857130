#include "gate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ceilings.h"
#include "pax.h"
#include "scope.h"
#include "tar_field.h"

enum state {
	STATE_HEADER, /* collecting a header block */
	STATE_SKIP,   /* passing over a file's contents and padding */
	STATE_META,   /* collecting the body of x, g, L or K, with its padding */
	STATE_END,    /* after one zero block: the next must be zero too */
	STATE_AFTER,  /* after both: nothing but zeros */
	STATE_REFUSED
};

struct queued {
	struct gate_entry entry;
	struct queued *next;
};

struct gate {
	enum state state;
	uint64_t offset; /* of the header at hand, for messages */
	uint64_t passed; /* bytes taken so far */
	uint8_t block[TAR_BLOCK_BYTES];
	size_t block_used;
	uint64_t skip_bytes;

	char meta_type; /* x, g, L or K */
	char *meta;     /* its body, owned */
	size_t meta_size, meta_used, meta_padded;

	bool has_pax;
	struct pax pax;
	char *long_name, *long_link; /* from L and K, owned */

	struct queued *first, **last, *taken;
};

static int refuse(const struct gate *gate, struct error *e, enum error_code code, const char *why)
{
	return error_set(
		e, code, 0, "tar header at byte %llu: %s", (unsigned long long)gate->offset, why);
}

int gate_open(struct gate **out, struct error *e)
{
	struct gate *gate = calloc(1, sizeof *gate);
	if (gate == NULL)
		return error_errno(e, ENOMEM, "start reading a tar");
	gate->last = &gate->first;
	*out = gate;
	return 0;
}

static uint64_t padded(uint64_t size)
{
	return (size + TAR_BLOCK_BYTES - 1) / TAR_BLOCK_BYTES * TAR_BLOCK_BYTES;
}

static void forget_pending(struct gate *gate)
{
	pax_free(&gate->pax);
	gate->has_pax = false;
	free(gate->long_name);
	free(gate->long_link);
	gate->long_name = gate->long_link = NULL;
}

/* An extended header belongs to the very next entry: at most one x, or one L and one K, and nothing
 * else between. Readers differ on every other order. */
static int begin_meta(struct gate *gate, char type, uint64_t size, struct error *e)
{
	bool has_gnu = gate->long_name != NULL || gate->long_link != NULL;
	bool allowed = type == 'L'   ? !gate->has_pax && gate->long_name == NULL
		       : type == 'K' ? !gate->has_pax && gate->long_link == NULL
				     : !gate->has_pax && !has_gnu;
	if (!allowed)
		return refuse(gate, e, ERROR_TAR, "an extended header behind another one");
	if (size == 0)
		return refuse(gate, e, ERROR_TAR, "an empty extended header");
	if (size > LIMIT_PAX_BYTES)
		return refuse(gate, e, ERROR_LIMIT, "an extended header of more than 1 MiB");
	gate->meta = malloc((size_t)size);
	if (gate->meta == NULL)
		return error_errno(e, ENOMEM, "read an extended tar header");
	gate->meta_type = type;
	gate->meta_size = (size_t)size;
	gate->meta_padded = (size_t)padded(size);
	gate->meta_used = 0;
	gate->state = STATE_META;
	return 0;
}

static int take_gnu_name(struct gate *gate, char **out, struct error *e)
{
	if (gate->meta_size < 2 || strnlen(gate->meta, gate->meta_size) != gate->meta_size - 1)
		return refuse(
			gate, e, ERROR_TAR, "a GNU long name that does not end with its only NUL");
	*out = SCOPE_TAKE(gate->meta);
	return 0;
}

static int end_meta(struct gate *gate, struct error *e)
{
	int result = -1;
	gate->state = STATE_HEADER;
	switch (gate->meta_type) {
	case 'x':
		result = pax_parse(gate->meta, gate->meta_size, &gate->pax, e);
		gate->has_pax = result == 0;
		break;
	case 'g':
		result = pax_parse_global(gate->meta, gate->meta_size, e);
		break;
	case 'L':
		result = take_gnu_name(gate, &gate->long_name, e);
		break;
	default: /* K */
		result = take_gnu_name(gate, &gate->long_link, e);
		break;
	}
	free(SCOPE_TAKE(gate->meta));
	return result;
}

/* The ustar name: prefix, a slash, name; GNU's headers keep other things in the prefix. */
static char *header_name(const struct tar_header *h)
{
	size_t name = strnlen(h->name, sizeof h->name);
	size_t prefix = h->magic[5] == '\0' ? strnlen(h->prefix, sizeof h->prefix) : 0;
	char *path = malloc(prefix + 1 + name + 1);
	if (path == NULL)
		return NULL;
	size_t used = 0;
	if (prefix > 0) {
		memcpy(path, h->prefix, prefix);
		path[prefix] = '/';
		used = prefix + 1;
	}
	memcpy(path + used, h->name, name);
	path[used + name] = '\0';
	return path;
}

static char *choose_name(char **pax, char **gnu, char *fallback)
{
	if (*pax != NULL || *gnu != NULL)
		free(SCOPE_TAKE(fallback));
	return *pax != NULL ? SCOPE_TAKE(*pax) : *gnu != NULL ? SCOPE_TAKE(*gnu) : fallback;
}

/* Device numbers as the kernel holds them: 12 bits and 20 bits. */
static int check_device(const struct gate *gate, const struct tar_header *h, struct error *e)
{
	uint64_t major, minor;
	if (!tar_field_unsigned(h->major, sizeof h->major, &major) ||
		!tar_field_unsigned(h->minor, sizeof h->minor, &minor) || major > 0xfff ||
		minor > 0xfffff)
		return refuse(gate, e, ERROR_TAR, "bad device numbers");
	if (h->type == '3' && major == 0 && minor == 0)
		return refuse(gate, e, ERROR_TYPE,
			"character device 0/0: a whiteout in a tar is a file named .wh.NAME");
	return 0;
}

static int entry_size(
	const struct gate *gate, char type, uint64_t header_size, uint64_t *out, struct error *e)
{
	uint64_t size = header_size;
	if (gate->has_pax && gate->pax.has_size) {
		/* 11 octal digits hold less than 8 GiB; above that the field cannot agree. */
		if (gate->pax.size_bytes != header_size && gate->pax.size_bytes < UINT64_C(1) << 33)
			return refuse(gate, e, ERROR_TAR, "its pax size is not its header's size");
		size = gate->pax.size_bytes;
	}
	if (size > LIMIT_LAYER_UNPACKED_BYTES)
		return refuse(gate, e, ERROR_TAR, "a size that no layer may have");
	if (type != '0' && size != 0)
		return refuse(gate, e, ERROR_TAR, "a size on something that is not a file");
	*out = size;
	return 0;
}

static int enqueue(struct gate *gate, const struct gate_entry *entry, struct error *e)
{
	struct queued *queued = malloc(sizeof *queued);
	if (queued == NULL)
		return error_errno(e, ENOMEM, "read a tar");
	*queued = (struct queued){.entry = *entry};
	*gate->last = queued;
	gate->last = &queued->next;
	return 0;
}

static void entry_free(struct gate_entry *entry)
{
	free(entry->path);
	free(entry->link);
}

static int fill_entry(struct gate *gate, const struct tar_header *h, uint64_t header_size,
	struct gate_entry *entry, struct error *e)
{
	int64_t mtime;
	if (entry_size(gate, entry->type, header_size, &entry->size_bytes, e) != 0)
		return -1;
	if (!tar_field_signed(h->mtime, sizeof h->mtime, &mtime))
		return refuse(gate, e, ERROR_TAR, "a bad time");
	entry->mtime = gate->has_pax && gate->pax.has_mtime
			       ? gate->pax.mtime
			       : (struct timespec){.tv_sec = (time_t)mtime};
	entry->path = choose_name(&gate->pax.path, &gate->long_name, header_name(h));
	if (entry->type == '1' || entry->type == '2')
		entry->link = choose_name(
			&gate->pax.link, &gate->long_link, strndup(h->link, sizeof h->link));
	if (entry->path == NULL ||
		((entry->type == '1' || entry->type == '2') && entry->link == NULL))
		return error_errno(e, ENOMEM, "read a tar");
	size_t length = strlen(entry->path);
	if (entry->type != '5' && length > 0 && entry->path[length - 1] == '/')
		return refuse(
			gate, e, ERROR_TAR, "a slash behind the name of something no directory");
	if (entry->link != NULL && entry->link[0] == '\0')
		return refuse(gate, e, ERROR_TAR, "a link to nothing");
	return 0;
}

static int take_entry(struct gate *gate, const struct tar_header *h, uint64_t size, struct error *e)
{
	struct gate_entry entry = {.type = h->type == '\0' ? '0' : h->type};
	if ((h->type == '3' || h->type == '4') && check_device(gate, h, e) != 0)
		return -1;
	if (fill_entry(gate, h, size, &entry, e) != 0 || enqueue(gate, &entry, e) != 0) {
		entry_free(&entry);
		return -1;
	}
	forget_pending(gate);
	gate->skip_bytes = padded(entry.size_bytes);
	gate->state = gate->skip_bytes > 0 ? STATE_SKIP : STATE_HEADER;
	return 0;
}

static int check_numbers(
	const struct gate *gate, const struct tar_header *h, uint64_t *size, struct error *e)
{
	uint64_t mode, uid, gid;
	if (!tar_field_unsigned(h->mode, sizeof h->mode, &mode))
		return refuse(gate, e, ERROR_TAR, "a bad mode");
	if (!tar_field_unsigned(h->uid, sizeof h->uid, &uid) || uid >= UINT32_MAX ||
		!tar_field_unsigned(h->gid, sizeof h->gid, &gid) || gid >= UINT32_MAX)
		return refuse(gate, e, ERROR_TAR, "a bad owner");
	if (!tar_field_unsigned(h->size, sizeof h->size, size))
		return refuse(gate, e, ERROR_TAR, "a bad size");
	return 0;
}

static int take_header(struct gate *gate, struct error *e)
{
	static const uint8_t zeros[TAR_BLOCK_BYTES];
	if (memcmp(gate->block, zeros, sizeof zeros) == 0) {
		if (gate->has_pax || gate->long_name != NULL || gate->long_link != NULL)
			return refuse(gate, e, ERROR_TAR, "the end behind an extended header");
		gate->state = STATE_END;
		return 0;
	}
	const struct tar_header *h = (const struct tar_header *)gate->block;
	if (!tar_checksum_ok(h))
		return refuse(gate, e, ERROR_TAR, "a wrong checksum");
	if (memcmp(h->magic, "ustar\00000", 8) != 0 && memcmp(h->magic, "ustar  ", 8) != 0)
		return refuse(gate, e, ERROR_TAR, "neither POSIX nor GNU tar");
	uint64_t size;
	if (check_numbers(gate, h, &size, e) != 0)
		return -1;
	switch (h->type) {
	case 'x':
	case 'g':
	case 'L':
	case 'K':
		return begin_meta(gate, h->type, size, e);
	case '\0':
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
		return take_entry(gate, h, size, e);
	default:
		return error_set(e, ERROR_TYPE, 0,
			"tar header at byte %llu: entry type 0x%02x does not belong in a layer",
			(unsigned long long)gate->offset, (unsigned char)h->type);
	}
}

static int take_block(struct gate *gate, struct error *e)
{
	static const uint8_t zeros[TAR_BLOCK_BYTES];
	gate->block_used = 0;
	if (gate->state == STATE_HEADER)
		return take_header(gate, e);
	if (memcmp(gate->block, zeros, sizeof zeros) != 0)
		return refuse(gate, e, ERROR_TAR,
			gate->state == STATE_END ? "one zero block, then data"
						 : "data after the end");
	gate->state = STATE_AFTER;
	return 0;
}

static size_t smaller(size_t a, uint64_t b)
{
	return a < b ? a : (size_t)b;
}

/* Take what the present state can use of the input; returns how much, or -1. */
static ssize_t step(struct gate *gate, const uint8_t *data, size_t size, struct error *e)
{
	size_t used;
	switch (gate->state) {
	case STATE_SKIP:
		used = smaller(size, gate->skip_bytes);
		gate->skip_bytes -= used;
		if (gate->skip_bytes == 0)
			gate->state = STATE_HEADER;
		return (ssize_t)used;
	case STATE_META:
		used = smaller(size, gate->meta_padded - gate->meta_used);
		if (gate->meta_used < gate->meta_size)
			memcpy(gate->meta + gate->meta_used, data,
				smaller(used, gate->meta_size - gate->meta_used));
		gate->meta_used += used;
		if (gate->meta_used == gate->meta_padded && end_meta(gate, e) != 0)
			return -1;
		return (ssize_t)used;
	case STATE_HEADER:
	case STATE_END:
	case STATE_AFTER:
		if (gate->block_used == 0)
			gate->offset = gate->passed;
		used = smaller(size, TAR_BLOCK_BYTES - gate->block_used);
		memcpy(gate->block + gate->block_used, data, used);
		gate->block_used += used;
		if (gate->block_used == TAR_BLOCK_BYTES && take_block(gate, e) != 0)
			return -1;
		return (ssize_t)used;
	default: /* STATE_REFUSED */
		return error_set(e, ERROR_TAR, 0, "the tar was refused before");
	}
}

int gate_push(struct gate *gate, const uint8_t *data, size_t size_bytes, struct error *e)
{
	while (size_bytes > 0) {
		ssize_t used = step(gate, data, size_bytes, e);
		if (used < 0) {
			gate->state = STATE_REFUSED;
			return -1;
		}
		data += used;
		size_bytes -= (size_t)used;
		gate->passed += (uint64_t)used;
	}
	return 0;
}

static void drop_taken(struct gate *gate)
{
	if (gate->taken != NULL) {
		entry_free(&gate->taken->entry);
		free(SCOPE_TAKE(gate->taken));
	}
}

const struct gate_entry *gate_pop(struct gate *gate)
{
	drop_taken(gate);
	struct queued *queued = gate->first;
	if (queued == NULL)
		return NULL;
	gate->first = queued->next;
	if (gate->first == NULL)
		gate->last = &gate->first;
	gate->taken = queued;
	return &queued->entry;
}

int gate_finish(struct gate *gate, struct error *e)
{
	if (gate->state == STATE_AFTER && gate->block_used == 0)
		return 0;
	gate->offset = gate->passed;
	gate->state = STATE_REFUSED;
	return refuse(
		gate, e, ERROR_TAR, "the archive is cut short: its two end blocks are missing");
}

void gate_close(struct gate *gate)
{
	if (gate == NULL)
		return;
	while (gate_pop(gate) != NULL)
		continue;
	forget_pending(gate);
	free(gate->meta);
	free(gate);
}
