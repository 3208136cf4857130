#include "path_order.h"

/* A slash before every other byte. */
static int weigh(char c)
{
	return c == '\0' ? 0 : c == '/' ? 1 : (unsigned char)c + 1;
}

int path_compare(const char *a, const char *b)
{
	for (; *a == *b && *a != '\0'; a++)
		b++;
	return weigh(*a) - weigh(*b);
}
