#include "initramfs_base.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

int initramfs_add_base(struct cpio *cpio, struct error *e)
{
	static const char *const directories[] = {"dev", "etc", "proc", "run", "sys"};
	for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
		if (cpio_add(cpio, directories[i], S_IFDIR | 0755, 0, NULL, 0, e) != 0)
			return -1;
	}
	/* The kernel opens the one before anything runs; the other spares /init a special case. */
	if (cpio_add(cpio, "dev/console", S_IFCHR | 0600, makedev(5, 1), NULL, 0, e) != 0)
		return -1;
	return cpio_add(cpio, "dev/null", S_IFCHR | 0666, makedev(1, 3), NULL, 0, e);
}

int initramfs_add_program(
	struct cpio *cpio, const char *path, const struct embedded *program, struct error *e)
{
	return cpio_add(cpio, path, S_IFREG | 0755, 0, program->start,
		(size_t)(program->end - program->start), e);
}

int initramfs_add_key(struct cpio *cpio, const struct public_key *key, struct error *e)
{
	char path[sizeof "etc/plyboot/keys/.der" + DIGEST_HEX];
	char id[DIGEST_HEX + 1];
	digest_format_hex(&key->id, id);
	(void)snprintf(path, sizeof path, "etc/plyboot/keys/%s.der", id);
	return cpio_add(cpio, path, S_IFREG | 0644, 0, key->spki, KEY_SPKI_BYTES, e);
}
