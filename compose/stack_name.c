#include "stack_name.h"

#include <stdio.h>
#include <string.h>

bool stack_name_is_path(const char *name)
{
	const char *end = name + strlen(name);
	return strchr(name, '/') != NULL ||
	       (end - name > 6 &&
		       (strcmp(end - 6, ".stack") == 0 || strcmp(end - 6, ".layer") == 0));
}

int stack_name_file(const char *name, char out[STACK_FILE_NAME_SIZE], struct error *e)
{
	if (name[0] == '\0' || strlen(name) + 6 >= STACK_FILE_NAME_SIZE)
		return error_set(e, ERROR_USAGE, 0, "`%s` is no NAME-VERSION", name);
	(void)snprintf(out, STACK_FILE_NAME_SIZE, "%s.stack", name);
	return 0;
}
