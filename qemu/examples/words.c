/* Counts the words in a file and writes their number to another one: `words IN OUT`. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>

static unsigned long count(FILE *in)
{
	unsigned long words = 0;
	bool inside = false;

	for (int c; (c = getc(in)) != EOF; inside = !isspace(c))
		words += !inside && !isspace(c);
	return words;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		(void)fprintf(stderr, "usage: words IN OUT\n");
		return 2;
	}
	FILE *in = fopen(argv[1], "r");
	if (in == NULL) {
		perror(argv[1]);
		return 1;
	}
	unsigned long words = count(in);
	bool read = !ferror(in);
	(void)fclose(in);
	FILE *out = fopen(argv[2], "w");
	if (out == NULL || !read) {
		perror(out == NULL ? argv[2] : argv[1]);
		if (out != NULL)
			(void)fclose(out);
		return 1;
	}
	bool written = fprintf(out, "%lu\n", words) > 0;
	/* A full disk may be seen only now. */
	if (fclose(out) != 0 || !written) {
		perror(argv[2]);
		return 1;
	}
	return 0;
}
