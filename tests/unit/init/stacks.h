/* Signed stack files as text, for tests of what reads them from a layers partition. */
#ifndef PLYBOOT_TEST_STACKS_H
#define PLYBOOT_TEST_STACKS_H

#include "layers/bytes.h"
#include "signed.h"
#include "signer.h"

#define DIGEST_1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define DIGEST_2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define HEAD(version) "plyboot stack 1\n" IDENTITY(version)
#define IDENTITY(version)                                                                          \
	"name demo\nversion " version "\nfloor 3\n"                                                \
	"created 2026-11-23T15:06:12Z\narchitecture x86_64\n"
#define LAYER                                                                                      \
	"layer " DIGEST_1 "\nmedia-type application/vnd.oci.image.layer.v1.tar+zstd\n"             \
	"stored 123456\nunpacked 345678\nentries 1200\nlargest-piece 65536\n"                      \
	"user-xattrs none\npieces " DIGEST_2 "\n"
#define TAIL "upper none\ninit /sbin/init\non-failure halt\n---\n"
#define TEXT(version) HEAD(version) LAYER TAIL

static inline void add_text(struct bytes *out, const char *text)
{
	bytes_add(out, text, strlen(text));
}

static inline void add_line(
	struct bytes *out, const struct digest *id, const uint8_t raw[KEY_SIGNATURE_BYTES])
{
	struct signature_line line = {.key_id = *id};
	char text[SIGNED_LINE_SIZE];
	memcpy(line.signature, raw, KEY_SIGNATURE_BYTES);
	signed_format_line(&line, text);
	add_text(out, text);
}

static inline void sign_bytes(
	struct signer *signer, const void *data, size_t size, uint8_t raw[KEY_SIGNATURE_BYTES])
{
	struct digest hash;
	digest_of(data, size, &hash);
	signer_sign(signer, &hash, raw);
}

/* A line that claims to be by `id`, over what stands there, by `signer`. */
static inline void add_signature_as(
	struct bytes *out, struct signer *signer, const struct digest *id)
{
	uint8_t raw[KEY_SIGNATURE_BYTES];
	sign_bytes(signer, out->data, out->size, raw);
	add_line(out, id, raw);
}

static inline void add_signature(struct bytes *out, struct signer *signer)
{
	add_signature_as(out, signer, &signer->key.id);
}

#endif
