/* What a commit decides by: the names that a pattern means, and where a running root's upper is. */
#include <stdlib.h>

#include "compose/leave_out.h"
#include "compose/live.h"
#include "tap.h"

static void patterns(void)
{
	static const struct {
		const char *pattern, *path;
		bool named;
	} cases[] = {
		{"etc/a", "etc/a", true},
		{"/etc/a", "etc/a", true},
		{"./etc/a/", "etc/a", true},
		{"etc/a", "etc/a/b/c", true},
		{"etc/a", "etc/ab", false},
		{"etc/a", "etc", false},
		{"/", "anything", true},
		{"/", "", true},
		{"tmp/*", "tmp/a/b", true},
		{"tmp/*", "tmp", false},
		{"home/*/x", "home/a/x", true},
		{"home/*/x", "home/a/b/x", false},
		{"home/*/.*_history", "home/a/.b_c_history", true},
		{"home/*/.*_history", "home/a/.b_c_historyx", false},
		{"*a*b", "xaxbxab/c", true},
		{"*a*b", "xaxbxac", false},
		{"*", "a/b", true},
		{"a?c", "abc", true},
		{"a?c", "a/c", false},
		{"a?c", "ac", false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		ok(leave_out_names(cases[i].pattern, cases[i].path) == cases[i].named,
			"`%s` %s `%s`", cases[i].pattern, cases[i].named ? "names" : "is not",
			cases[i].path);
}

static void finds(const char *text, const char *path, bool userxattr, const char *name)
{
	struct live_upper upper = {0};
	struct error e = {.code = ERROR_NONE};
	bool found = live_upper_find(text, &upper, &e) == 0;
	if (path == NULL)
		ok(!found && e.code == ERROR_MISSING, "%s", name);
	else
		ok(found && strcmp(upper.path, path) == 0 && upper.userxattr == userxattr, "%s",
			name);
	free(upper.path);
}

static void uppers(void)
{
#define OVERLAY "28 1 0:24 / / rw,relatime shared:1 - overlay plyboot rw,lowerdir=/l"
	finds(OVERLAY ",upperdir=/run/plyboot/state/u,workdir=/w\n", "/run/plyboot/state/u", false,
		"an overlay");
	finds("20 28 0:5 / /proc rw - proc proc rw\n" OVERLAY ",upperdir=/a\\040b\\134c,userxattr",
		"/a b\\c", true, "escapes, userxattr");
	finds(OVERLAY ",upperdir=/1\n" OVERLAY ",upperdir=/2\n", "/2", false, "the last one shows");
	finds(OVERLAY ",upperdir=/1\n1 1 8:1 / / rw - ext4 /dev/sda1 rw\n", NULL, false,
		"something else over it");
	finds(OVERLAY "\n", NULL, false, "no upper");
	finds("1 2 0:1 / /m rw - overlay o rw,upperdir=/x\n", NULL, false, "not the root");
	finds("", NULL, false, "nothing");
	finds("1 2 3\n/ / / / /\n1 2 3 4 / -\n1 2 3 4 / - overlay\n", NULL, false, "cut lines");
}

int main(void)
{
	patterns();
	uppers();
	return done();
}
