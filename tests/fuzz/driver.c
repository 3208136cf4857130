/* Runs a fuzz target over files and directories of files, without libFuzzer: a stored corpus as a
 * test. Prints TAP: one line for each argument. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		exit(2);
	}
	size_t size = 0, capacity = 1 << 16;
	uint8_t *data = malloc(capacity);
	while (data != NULL) {
		size_t got = fread(data + size, 1, capacity - size, file);
		if (got == 0)
			break;
		size += got;
		if (size == capacity)
			data = realloc(data, capacity *= 2);
	}
	fclose(file);
	if (data == NULL)
		abort();
	/* An exact copy, so that the sanitizers see a read behind its end. */
	uint8_t *exact = malloc(size > 0 ? size : 1);
	if (exact == NULL)
		abort();
	memcpy(exact, data, size);
	free(data);
	(void)LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return 1;
}

static unsigned long run(const char *path)
{
	struct stat st;
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return run_file(path);
	DIR *dir = opendir(path);
	if (dir == NULL) {
		perror(path);
		exit(2);
	}
	unsigned long count = 0;
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		char below[4096];
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
		count += run(below);
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		unsigned long count = run(argv[i]);
		printf("%sok %d - %s: %lu inputs\n", count > 0 ? "" : "not ", i, argv[i], count);
	}
	printf("1..%d\n", argc - 1);
	return 0;
}
