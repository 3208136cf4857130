#include "pax.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tar_field.h"

struct record {
	const char *key, *value;
	size_t key_length, value_length;
};

/* Of a key in a message. */
static int shown_length(const struct record *r)
{
	return r->key_length > 60 ? 60 : (int)r->key_length;
}

static int bad_value(const struct record *r, struct error *e)
{
	return error_set(
		e, ERROR_TAR, 0, "pax header: bad value for `%.*s`", shown_length(r), r->key);
}

static int take_name(const struct record *r, char **out, struct error *e)
{
	if (*out != NULL || r->value_length == 0)
		return bad_value(r, e);
	if (memchr(r->value, '\0', r->value_length) != NULL)
		return error_set(e, ERROR_PATH, 0, "pax header: a NUL in `%.*s`",
			(int)r->key_length, r->key);
	*out = strndup(r->value, r->value_length);
	return *out != NULL ? 0 : error_errno(e, ENOMEM, "read a pax header");
}

static int take_path(const struct record *r, struct pax *pax, struct error *e)
{
	return take_name(r, &pax->path, e);
}

static int take_link(const struct record *r, struct pax *pax, struct error *e)
{
	return take_name(r, &pax->link, e);
}

static int take_size(const struct record *r, struct pax *pax, struct error *e)
{
	if (pax->has_size || !tar_decimal(r->value, r->value_length, &pax->size_bytes))
		return bad_value(r, e);
	pax->has_size = true;
	return 0;
}

/* 2^32-1 means "leave it" to chown(2), so the last id is 2^32-2. */
static int check_id(const struct record *r, struct pax *pax, struct error *e)
{
	(void)pax;
	uint64_t id;
	if (!tar_decimal(r->value, r->value_length, &id) || id >= UINT32_MAX)
		return bad_value(r, e);
	return 0;
}

static int take_mtime(const struct record *r, struct pax *pax, struct error *e)
{
	if (pax->has_mtime || !tar_pax_time(r->value, r->value_length, &pax->mtime))
		return bad_value(r, e);
	pax->has_mtime = true;
	return 0;
}

static int check_time(const struct record *r, struct pax *pax, struct error *e)
{
	(void)pax;
	struct timespec ignored;
	return tar_pax_time(r->value, r->value_length, &ignored) ? 0 : bad_value(r, e);
}

static int check_charset(const struct record *r, struct pax *pax, struct error *e)
{
	(void)pax;
	static const char binary[] = "BINARY", utf8[] = "ISO-IR 10646 2000 UTF-8";
	if ((r->value_length == sizeof binary - 1 &&
		    memcmp(r->value, binary, sizeof binary - 1) == 0) ||
		(r->value_length == sizeof utf8 - 1 &&
			memcmp(r->value, utf8, sizeof utf8 - 1) == 0))
		return 0;
	return bad_value(r, e);
}

static int ignore(const struct record *r, struct pax *pax, struct error *e)
{
	(void)r, (void)pax, (void)e;
	return 0;
}

static int refuse_sparse(const struct record *r, struct pax *pax, struct error *e)
{
	(void)r, (void)pax;
	return error_set(e, ERROR_TYPE, 0, "sparse file in a layer: make the tar without --sparse");
}

static int refuse_text_acl(const struct record *r, struct pax *pax, struct error *e)
{
	(void)pax;
	return error_set(e, ERROR_XATTR, 0,
		"`%.*s` in a pax header: make the tar with xattrs (system.posix_acl_*) instead "
		"of --acls",
		shown_length(r), r->key);
}

/* Every key that libarchive acts upon is here or is refused. A key that ends in '.' is a prefix. */
static const struct {
	const char *key;
	int (*take)(const struct record *r, struct pax *pax, struct error *e);
} keys[] = {
	{"path", take_path},
	{"linkpath", take_link},
	{"size", take_size},
	{"uid", check_id},
	{"gid", check_id},
	{"mtime", take_mtime},
	{"atime", check_time},
	{"ctime", check_time},
	{"uname", ignore},
	{"gname", ignore},
	{"comment", ignore},
	{"hdrcharset", check_charset},
	{"SCHILY.xattr.", ignore}, /* unpacking takes them from libarchive, by its own rules */
	{"LIBARCHIVE.xattr.", ignore},
	{"LIBARCHIVE.creationtime", check_time},
	{"SCHILY.dev", ignore},
	{"SCHILY.ino", ignore},
	{"SCHILY.nlink", ignore},
	{"GNU.sparse.", refuse_sparse},
	{"SCHILY.acl.", refuse_text_acl},
	{"RHT.security.selinux", refuse_text_acl},
};

static int take_record(const struct record *r, struct pax *pax, struct error *e)
{
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		size_t length = strlen(keys[i].key);
		bool prefix = keys[i].key[length - 1] == '.';
		if ((prefix ? r->key_length > length : r->key_length == length) &&
			memcmp(r->key, keys[i].key, length) == 0)
			return keys[i].take(r, pax, e);
	}
	return error_set(e, ERROR_TAR, 0, "pax header: key `%.*s` is not supported",
		shown_length(r), r->key);
}

/* "<length> <key>=<value>\n", where length counts all of it, itself included. At most six digits:
 * libarchive passes over a longer record and all that follow, with no more than a warning. */
static int next_record(const char **body, size_t *left, struct record *out, struct error *e)
{
	const char *space = memchr(*body, ' ', *left < 7 ? *left : 7);
	uint64_t length;
	if (space == NULL || !tar_decimal(*body, (size_t)(space - *body), &length) ||
		length > *left)
		return error_set(e, ERROR_TAR, 0, "pax header: a record with a wrong length");
	const char *end = *body + length - 1;
	const char *key = space + 1;
	if (end < key || *end != '\n')
		return error_set(e, ERROR_TAR, 0, "pax header: a record without its newline");
	const char *equals = memchr(key, '=', (size_t)(end - key));
	if (equals == NULL || equals == key)
		return error_set(e, ERROR_TAR, 0, "pax header: a record without a key");
	if (memchr(key, '\0', (size_t)(equals - key)) != NULL)
		return error_set(e, ERROR_TAR, 0, "pax header: a NUL in a key");
	*out = (struct record){
		.key = key,
		.key_length = (size_t)(equals - key),
		.value = equals + 1,
		.value_length = (size_t)(end - equals - 1),
	};
	*body += length;
	*left -= length;
	return 0;
}

int pax_parse(const char *body, size_t size_bytes, struct pax *out, struct error *e)
{
	struct pax pax = {0};
	while (size_bytes > 0) {
		struct record r;
		if (next_record(&body, &size_bytes, &r, e) != 0 || take_record(&r, &pax, e) != 0) {
			pax_free(&pax);
			return -1;
		}
	}
	*out = pax;
	return 0;
}

int pax_parse_global(const char *body, size_t size_bytes, struct error *e)
{
	while (size_bytes > 0) {
		struct record r;
		if (next_record(&body, &size_bytes, &r, e) != 0)
			return -1;
		if (r.key_length != 7 || memcmp(r.key, "comment", 7) != 0)
			return error_set(e, ERROR_TAR, 0,
				"global pax header: `%.*s` where only comments are allowed",
				shown_length(&r), r.key);
	}
	return 0;
}

void pax_free(struct pax *pax)
{
	free(pax->path);
	free(pax->link);
	*pax = (struct pax){0};
}
