/* /etc/passwd and /etc/group of an image: user, passwd and group, a zero byte between them. */
#include <string.h>

#include "init/entry/accounts.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct identity who;
	struct error e = {0};
	char *user = must_copy(data, size);
	char *end = user + size;
	char *passwd = user + strlen(user);
	passwd += passwd < end;
	char *group = passwd + strlen(passwd);
	group += group < end;
	if (accounts_resolve(user, passwd, group, &who, &e) != 0) {
		must(e.code == ERROR_CONFIG || e.code == ERROR_LIMIT);
	} else {
		must(who.uid != (uid_t)-1 && who.gid != (gid_t)-1 && who.home[0] == '/');
		must(who.group_count >= 1 && who.group_count <= ACCOUNTS_MAX_GROUPS);
		must(who.groups[0] == who.gid && memchr(who.home, '\n', strlen(who.home)) == NULL);
	}
	free(user);
	return 0;
}
