/* What mountinfo says of the overlay, against what was asked for. */
#include "init/overlay_check.h"
#include "tap.h"

#define BEFORE "22 1 0:20 / /proc rw - proc proc rw\n"
#define LINE "40 1 0:30 / /sysroot rw,relatime - overlay plyboot "
#define AFTER "41 1 0:31 / /sysroot/x rw - overlay other rw,lowerdir=/evil\n"
#define SWITCHES ",metacopy=off,redirect_dir=nofollow,index=off,nfs_export=off,xino=off"
#define UPPER ",upperdir=/u,workdir=/w"

static char lowers[3][OVERLAY_NAME_SIZE] = {"0", "1", "2"};
static char paths[2][OVERLAY_NAME_SIZE] = {"/run/plyboot/store/t", "/run/plyboot/store/a/root"};
static const struct overlay_shown asked = {
	.at = "/sysroot", .lower_count = 3, .lowers = lowers, .upper = "/u", .work = "/w"};

static const char *set_to_yes;

static char parameter(void *context, const char *name)
{
	(void)context;
	if (strcmp(name, "missing") == 0)
		return '\0';
	return set_to_yes != NULL && strcmp(name, set_to_yes) == 0 ? 'Y' : 'N';
}

static int check(const char *options, const struct overlay_shown *want, struct error *e)
{
	static char text[8192];
	(void)snprintf(text, sizeof text, BEFORE LINE "%s\n" AFTER, options);
	*e = (struct error){0};
	return overlay_check(text, want, parameter, NULL, e);
}

static void agrees(const char *options, const struct overlay_shown *want, const char *name)
{
	struct error e;
	if (!is_int(check(options, want, &e), 0, "%s", name))
		printf("# %s\n", e.text);
}

static void differs(const char *options, const char *says)
{
	struct error e;
	ok(check(options, &asked, &e) == -1 && e.code == ERROR_KERNEL &&
			strstr(e.text, says) != NULL,
		"%s", says);
	if (strstr(e.text, says) == NULL)
		printf("# %s\n", e.text);
}

int main(void)
{
	const struct overlay_shown by_path = {
		.at = "/sysroot", .lower_count = 2, .lowers = paths, .upper = "/u", .work = "/w"};
	struct overlay_shown bare = asked, read_only = asked;
	struct error e;
	bare.upper = bare.work = NULL;
	read_only.read_only = true;

	agrees("rw,lowerdir=0:1:2" UPPER SWITCHES, &asked, "all shown");
	agrees("rw,lowerdir=0:1:2" UPPER, &asked, "switches left out, parameters say N");
	agrees("rw,lowerdir+=/run/plyboot/store/t,lowerdir+=/run/plyboot/store/a/root" UPPER,
		&by_path, "lowerdir+");
	agrees("rw,lowerdir=/run/plyboot/store/t:/run/plyboot/store/a/root" UPPER, &by_path,
		"lowerdir+ as kernels 6.8 to 6.12 may show it");
	agrees("ro,lowerdir=0:1:2", &bare, "no upper");
	agrees("ro,lowerdir=0:1:2" UPPER, &read_only, "read-only where that was asked for");
	ok(check("rw,lowerdir=0:1:2" UPPER, &read_only, &e) == -1 && e.code == ERROR_KERNEL,
		"but not writable there");
	ok(check("rw,lowerdir=0:1:2", &bare, &e) == -1 &&
			strstr(e.text, "came up writable") != NULL,
		"nor without an upper");

	differs("rw,lowerdir=0:1" UPPER, "has 2 lowers, not 3");
	differs("rw,lowerdir=0:1:2:3" UPPER, "a lower too many");
	differs("rw,lowerdir=0:2:1" UPPER, "lower 1 of the overlay is 2, not 1");
	differs("rw,lowerdir=0:1:2", "without its upper");
	differs("rw,lowerdir=0:1:2,upperdir=/u", "without its upper");
	differs("rw,lowerdir=0:1:2,upperdir=/x,workdir=/w", "upper is /x, not /u");
	differs("ro,lowerdir=0:1:2" UPPER, "came up read-only");
	differs("rw,lowerdir=0:1:2,metacopy=on" UPPER, "metacopy=on, not off");
	differs("rw,lowerdir=0:1:2,redirect_dir=on" UPPER, "redirect_dir=on, not nofollow");
	set_to_yes = "metacopy";
	differs("rw,lowerdir=0:1:2" UPPER, "parameter metacopy is Y");
	set_to_yes = "redirect_always_follow";
	differs("rw,lowerdir=0:1:2" UPPER, "parameter redirect_always_follow is Y");
	agrees("rw,lowerdir=0:1:2,redirect_dir=nofollow" UPPER, &asked,
		"but not when the option is shown");
	set_to_yes = NULL;

	char other[] = BEFORE AFTER;
	ok(overlay_check(other, &asked, parameter, NULL, &e) == -1 &&
			strstr(e.text, "no overlay is mounted at /sysroot") != NULL,
		"no overlay there");
	char empty[] = "";
	is_int(overlay_check(empty, &asked, parameter, NULL, &e), -1, "no mounts at all");
	return done();
}
