#include "identify.h"

#include <stdlib.h>

#include "scope.h"
#include "surroundings.h"

/* An image without the file is one in which nobody has a name. */
static int read_accounts(const char *path, char **text, struct error *e)
{
	size_t size_bytes;
	if (surroundings_read(path, ACCOUNTS_MAX_FILE, text, &size_bytes, e) == 0)
		return 0;
	if (e->code != ERROR_MISSING)
		return -1;
	*text = calloc(1, 1);
	return *text != NULL ? 0 : error_set(e, ERROR_NOSPACE, 0, "no memory");
}

int identify(const char *user, struct identity *who, struct error *e)
{
	SCOPED_FREE char *passwd = NULL;
	SCOPED_FREE char *group = NULL;
	if (read_accounts("/etc/passwd", &passwd, e) != 0 ||
		read_accounts("/etc/group", &group, e) != 0)
		return -1;
	return accounts_resolve(user, passwd, group, who, e);
}
