/* What happens to the key files of test_keys.c on their way: changes that leave the key what it is,
 * and damage. */
#ifndef PLYBOOT_TEST_KEY_DAMAGE_H
#define PLYBOOT_TEST_KEY_DAMAGE_H

#include <openssl/pem.h>

#include "key_file.h"

/* --- what people's editors and mail programs do to them */

static void insert(struct file *file, size_t at, const char *text)
{
	size_t length = strlen(text);
	must(file->size_bytes + length <= FILE_SIZE);
	memmove(file->bytes + at + length, file->bytes + at, file->size_bytes - at);
	memcpy(file->bytes + at, text, length);
	file->size_bytes += length;
}

static void end_lines_with_cr(struct file *file)
{
	for (size_t i = file->size_bytes; i-- > 0;) {
		if (file->bytes[i] == '\n')
			insert(file, i, "\r");
	}
}

enum { DRESSES = 7 };

/* All of these leave it the same key. */
static void dress(struct file *file, unsigned how)
{
	if (!is_pem(file))
		return;
	if (how == 1 || how == 5)
		end_lines_with_cr(file);
	if (how == 2 || how == 5)
		insert(file, 0, "The key of Monday's build:\n\n");
	if (how == 3)
		insert(file, file->size_bytes, "\nKeep it.\n");
	if (how == 4)
		file->size_bytes--; /* the line feed behind the last line */
	if (how == 6)
		insert(file, 0, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
}

/* --- damage */

static void damage_bytes(uint8_t *bytes, size_t *size_bytes, uint64_t *random)
{
	size_t at = random_below(random, *size_bytes);
	switch (random_below(random, 5)) {
	case 0:
		memmove(bytes + at + 1, bytes + at, *size_bytes - at);
		bytes[at] = (uint8_t)random_u64(random);
		(*size_bytes)++;
		break;
	case 1:
		memmove(bytes + at, bytes + at + 1, *size_bytes - at - 1);
		(*size_bytes)--;
		break;
	case 2:
		bytes[at] = (uint8_t)random_u64(random);
		break;
	case 3:
		bytes[(*size_bytes)++] = (uint8_t)random_u64(random);
		break;
	default:
		bytes[at] ^= (uint8_t)(1u << random_below(random, 8));
	}
}

/* Below the armour: the last object's DER. */
static void damage_der(struct file *file, uint64_t *random)
{
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	uint8_t changed[FILE_SIZE];
	long length = 0;
	if (!is_pem(file)) {
		damage_bytes(file->bytes, &file->size_bytes, random);
		return;
	}
	BIO *bio = BIO_new_mem_buf(file->bytes, (int)file->size_bytes);
	must(bio != NULL);
	do {
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
		must(PEM_read_bio(bio, &name, &header, &der, &length) == 1);
	} while (strstr(name, "KEY") == NULL);
	BIO_free(bio);
	size_t size_bytes = (size_t)length;
	memcpy(changed, der, size_bytes);
	damage_bytes(changed, &size_bytes, random);
	bio = new_bio();
	must(PEM_write_bio(bio, name, header, changed, (long)size_bytes) > 0);
	take_bio(bio, file);
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
}

#endif
