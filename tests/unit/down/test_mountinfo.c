/* init/down/mountinfo.c: what is mounted, and in which order it goes. */
#include "init/down/mountinfo.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

static struct mount_point found[8];
static char text[1024];

static size_t parse(const char *what)
{
	(void)snprintf(text, sizeof text, "%s", what);
	return mountinfo_parse(text, found, 8);
}

static void reads_lines(void)
{
	size_t count = parse(
		"24 1 0:22 / / rw,relatime - overlay plyboot rw,lowerdir=0:1\n"
		"25 24 0:5 / /dev rw,nosuid shared:2 master:1 - devtmpfs devtmpfs rw,mode=755\n"
		"26 24 254:3 /a\\040b /with\\040blank\\134\\011 rw - ext4 /dev/vda3 rw");
	ok(count == 3, "three, the last without its newline");
	ok(strcmp(found[0].path, "/") == 0 && strcmp(found[0].type, "overlay") == 0, "the root");
	ok(strcmp(found[1].path, "/dev") == 0 && strcmp(found[1].type, "devtmpfs") == 0,
		"behind tags");
	ok(strcmp(found[2].path, "/with blank\\\t") == 0, "escapes are undone");
	ok(parse("1 1 0:1 / /x rw - tmpfs\n") == 1 && strcmp(found[0].type, "tmpfs") == 0,
		"... of a type that ends the line");
}

static void passes_over(void)
{
	ok(parse("") == 0, "nothing");
	ok(parse("\n \n1 2 3\n1 1 0:1 / /x rw tmpfs\n1 1 0:1 / x rw - tmpfs t rw\n") == 0,
		"what is no line of it");
	ok(parse("\n1 1 0:1 / /x rw - tmpfs t rw\n\n1 1 0:1 / /y rw - tmpfs t rw") == 2 &&
			strcmp(found[1].path, "/y") == 0,
		"and takes the others");
	ok(parse("1 1 0:1 / /x\\/41\\0/1\\081\\04/\\048 rw - tmpfs t rw\n") == 1 &&
			strcmp(found[0].path, "/x\\/41\\0/1\\081\\04/\\048") == 0,
		"nor what has other characters than octal digits");
	ok(parse("1 1 0:1 / /x\\04\\400\\\\9 rw - tmpfs t rw\n") == 1 &&
			strcmp(found[0].path, "/x\\04\\400\\\\9") == 0,
		"an escape that is none stays");
	ok(parse("1 1 0:1 / /a-b rw - tmpfs t rw\n") == 1 && strcmp(found[0].path, "/a-b") == 0,
		"a dash in a path is none");
}

static void keeps_room(void)
{
	static char lines[] = "1 1 0:1 / /x rw - tmpfs t rw\n\nno line";
	ok(mountinfo_parse(lines, NULL, 0) == 3, "room for every line");
	ok(strchr(lines, '\n') != NULL, "which leaves them as they are");
	ok(mountinfo_parse(lines, found, 0) == 0, "no more than there is room for");
}

static void deepest_first(void)
{
	struct mount_point mounts[] = {{"/oldroot", "overlay"}, {"/oldroot/run", "tmpfs"},
		{"/oldroot/run/plyboot/state", "ext4"}, {"/oldroot/dev", "devtmpfs"},
		{"/oldroot/run/plyboot", "tmpfs"}};
	mountinfo_deepest_first(mounts, 0);
	mountinfo_deepest_first(mounts, 5);
	ok(strcmp(mounts[0].path, "/oldroot/run/plyboot/state") == 0 &&
			strcmp(mounts[1].path, "/oldroot/run/plyboot") == 0 &&
			strcmp(mounts[4].path, "/oldroot") == 0,
		"what is below goes first");
}

int main(void)
{
	reads_lines();
	passes_over();
	keeps_room();
	deepest_first();
	return done();
}
