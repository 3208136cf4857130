/*
 * init/aside.c when each call fails once, as it goes through all that a boot does with the uppers:
 * nothing is lost, and the next boot does what this one could not. That is what a power cut leaves,
 * too: nothing that was done is taken back.
 */
#include "faults.h"

#include "upper_device.h"

/* A home before the boot, and after it. */
static const struct history {
	const char *name;
	const char *script, *made; /* boots (device_live), then a command */
	const char *letters;       /* of all uppers that there are then */
	const char *after;         /* device_uppers() in the end; a fresh one is '?' */
} histories[] = {
	{"an upper is set aside", "cc..", "true", "A", "? 1A*"},
	{"one that was set aside comes back", "cc....", "true", "AB", "A 2B*"},
	{"one is asked for", "cc",
		"mkdir -p home/archive/7/upper && echo -n Z >home/archive/7/upper/letter && "
		"echo >home/archive/7/restore",
		"AZ", "Z 8A*"},
	{"one that was set aside is asked for", "cc...", "echo >home/archive/1/restore", "AB",
		"A 2B*"},
	{"one stays in the archive", "cc..c", "true", "AB", "B 1A"},
	{"two are marked, and there is a base", "cc...",
		"mkdir -p home/archive/7/upper && echo -n Z >home/archive/7/upper/letter && "
		"echo 3 asked >home/archive/7/aside",
		"ABZ", "B 1A 7Z*"},
	{"the power went as two changed places", "cc...",
		"mkdir home/archive/new && mv home/upper home/archive/new && "
		"cp home/made-for home/archive/new && echo 3 unconfirmed >home/archive/1/aside && "
		"echo 3 unconfirmed >home/archive/new/aside",
		"AB", "A 2B*"},
	{"the power went before a fresh one was there", "cc...",
		"rm -r home/upper && mkdir home/upper.new && echo 3 unconfirmed "
		">home/archive/1/aside",
		"A", "? 1A*"},
	{"the power went before one that was asked for was there", "cc.",
		"mkdir -p home/archive/7/upper && echo -n Z >home/archive/7/upper/letter && "
		"echo >home/archive/7/restore && mkdir home/archive/8 && "
		"mv home/upper home/archive/8 && echo 1 asked >home/archive/8/aside",
		"AZ", "Z 8A*"},
};

static const struct history *history;
static char kept[sizeof(struct device)];

static bool all_there(void)
{
	const char *all = device_uppers();
	for (const char *letter = history->letters; *letter != '\0'; letter++) {
		const char *at = strchr(all, *letter);
		if (at == NULL || strchr(at + 1, *letter) != NULL)
			return false;
	}
	return true;
}

/* Directories and small files: all that is in a home here. */
static void copy(const char *from, const char *to)
{
	DIR *dir = opendir(from);
	const struct dirent *entry;
	MUST(dir != NULL && mkdir(to, 0755) == 0);
	while ((entry = readdir(dir)) != NULL) {
		char source[256], target[256], bytes[256];
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(source, sizeof source, "%.120s/%.120s", from, entry->d_name);
		(void)snprintf(target, sizeof target, "%.120s/%.120s", to, entry->d_name);
		int in = open(source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (in >= 0) {
			copy(source, target);
		} else {
			in = open(source, O_RDONLY | O_CLOEXEC);
			ssize_t size = read(in, bytes, sizeof bytes);
			int out = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
			MUST(size >= 0 && write(out, bytes, (size_t)size) == size &&
				close(out) == 0);
		}
		MUST(close(in) == 0);
	}
	MUST(closedir(dir) == 0);
}

/* The home is lived once, and copied for each boot. */
static void live(struct device *device)
{
	device_start(device);
	device->upper_tries = 2;
	(void)device_live(device, 1, history->script);
	MUST(system(history->made) == 0 && store_remove(AT_FDCWD, "lived", NULL) == 0);
	copy("home", "lived");
	device_count(device, 1);
	memcpy(kept, device, sizeof kept);
}

static int run(struct error *e)
{
	static struct device device;
	struct error again;
	memcpy(&device, kept, sizeof kept);
	MUST(store_remove(AT_FDCWD, "home", NULL) == 0);
	copy("lived", "home");
	device.home = open("home", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MUST(device.home >= 0);
	faults_begin();
	int result = device_choose(&device, 1, e);
	faults_end();
	bool good = all_there() && (result != 0 || there_is("home", "upper"));
	if (!good)
		printf("# %s\n", device_uppers());
	faults.kinds = 0;
	device_count(&device, 1);
	good = good && device_choose(&device, 1, &again) == 0 && all_there() &&
	       strcmp(device_uppers(), history->after) == 0;
	if (!good)
		printf("# then %s\n", device_uppers());
	(void)said();
	MUST(close(device.home) == 0);
	return good ? result : FAULTS_WRONG;
}

int main(void)
{
	struct device device;
	overlays_start();
	said_start();
	for (size_t i = 0; i < sizeof histories / sizeof *histories; i++) {
		history = &histories[i];
		const struct faults_case one = {.name = history->name, .run = run};
		live(&device);
		faults_try(&one, FAULTS_MEMORY, ENOMEM, "no memory");
		faults_try(&one, FAULTS_SYSTEM | FAULTS_TRANSFER, EIO, "EIO");
		device_end(&device);
	}
	said_stop();
	overlays_end();
	return done();
}
