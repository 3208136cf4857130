/* A key file in memory. */
#ifndef PLYBOOT_TEST_KEY_FILE_H
#define PLYBOOT_TEST_KEY_FILE_H

#include "p256.h"

enum { FILE_SIZE = 8192 };

struct file {
	uint8_t bytes[FILE_SIZE];
	size_t size_bytes;
};

static inline bool is_pem(const struct file *file)
{
	return memmem(file->bytes, file->size_bytes, "-----BEGIN ", 11) != NULL;
}

static inline void take_bio(BIO *bio, struct file *out)
{
	char *data;
	long length = BIO_get_mem_data(bio, &data);
	must(length > 0 && length < FILE_SIZE / 2);
	memcpy(out->bytes, data, (size_t)length);
	out->size_bytes = (size_t)length;
	BIO_free(bio);
}

static inline BIO *new_bio(void)
{
	BIO *bio = BIO_new(BIO_s_mem());
	must(bio != NULL);
	return bio;
}

#endif
