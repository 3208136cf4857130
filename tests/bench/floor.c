/*
 * What unpacking can't be faster than: the same names, the same sizes, and nothing else. No
 * reading, no checking, no owners, modes, times or attributes; contents come from one buffer.
 *
 * Usage: floor NAMES DEST
 *
 * NAMES is tests/bench/inputs's: records of a letter, a size, a name and a NUL. d: a directory by
 * its whole path, in which lie the names that follow: f a file, l a symlink, h another link to a
 * file; these two have a target behind the name, with a NUL of its own.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Smaller and larger ones are slower; so is setting the size of a large file first. */
enum { CHUNK_BYTES = 256 * 1024 };

static char chunk[CHUNK_BYTES];

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int enter(int root, int directory, const char *path)
{
	if (directory >= 0 && close(directory) != 0)
		fail("close");
	if (mkdirat(root, path, 0755) != 0 && strcmp(path, ".") != 0)
		fail(path);
	directory = openat(root, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		fail(path);
	return directory;
}

static void make_file(int directory, const char *name, size_t size_bytes)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		fail(name);
	while (size_bytes > 0) {
		size_t now = size_bytes < CHUNK_BYTES ? size_bytes : CHUNK_BYTES;
		ssize_t written = write(fd, chunk, now);
		if (written <= 0)
			fail(name);
		size_bytes -= (size_t)written;
	}
	if (close(fd) != 0)
		fail(name);
}

static void make_all(char *at, const char *end, int root)
{
	int directory = -1;
	while (at < end) {
		char kind = at[0], *name;
		size_t size_bytes = strtoul(at + 2, &name, 10);
		name++; /* the blank */
		char *target = name + strlen(name) + 1;
		at = target;
		if (kind == 'd')
			directory = enter(root, directory, name);
		if (kind == 'f')
			make_file(directory, name, size_bytes);
		if (kind == 'l' && symlinkat(target, directory, name) != 0)
			fail(name);
		if (kind == 'h' && linkat(root, target, directory, name, 0) != 0)
			fail(name);
		if (kind == 'l' || kind == 'h')
			at += strlen(target) + 1;
	}
}

int main(int argc, char **argv)
{
	struct stat st;
	int names = argc == 3 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	int root = argc == 3 ? open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (names < 0 || root < 0 || fstat(names, &st) != 0)
		fail("usage: floor NAMES DEST");
	char *text = malloc((size_t)st.st_size);
	if (text == NULL || read(names, text, (size_t)st.st_size) != st.st_size)
		fail(argv[1]);
	memset(chunk, 'x', sizeof chunk);
	make_all(text, text + st.st_size, root);
	free(text);
	return 0;
}
