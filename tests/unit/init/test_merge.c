/*
 * init/merge.c, by real overlays: whatever two systems did, one after the other, the second over
 * what the first one left, and their uppers merged: what is to be seen is the same. PLYBOOT_COUNT
 * pairs of them (200), from PLYBOOT_SEED.
 */
#include "init/merge.h"

#include "errors.h"
#include "overlays.h"

/* Layers, a base, and a trial over it. */
static void live(uint64_t *seed)
{
	static const char *const places[] = {"layers", "base", "trial", "scratch"};
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		make_empty(places[i]);
	for (int i = 0; i < 400; i++)
		change_at_random(seed, "layers");
	overlay_on("layers", "base");
	for (int i = 0; i < 250; i++)
		change_at_random(seed, "m");
	overlay_off();
	overlay_on("base:layers", "trial");
	for (int i = 0; i < 250; i++)
		change_at_random(seed, "m");
	overlay_off();
}

static int merge(uint64_t *entries, struct error *e)
{
	const struct merge_request request = {
		.from_fd = open("trial", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.into_fd = open("base", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.scratch_fd = open("scratch", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	int result = merge_uppers(&request, entries, e);
	(void)close(request.from_fd);
	(void)close(request.into_fd);
	(void)close(request.scratch_fd);
	return result;
}

static bool merges(uint64_t seed, uint64_t *total)
{
	uint64_t entries = 0;
	struct error e = {.code = ERROR_NONE};
	live(&seed);
	char *before = view_overlay("base:layers", "trial"), *trial = view_of("trial");
	int result = merge(&entries, &e);
	char *trial_after = view_of("trial"), *after = view_overlay("layers", "base");
	char *both = view_overlay("base:layers", "trial"), *scratch = view_of("scratch");
	if (result != 0)
		printf("# %s: %s\n", error_code_name(e.code), e.text);
	bool good = result == 0 && same_view(trial_after, trial) && same_view(after, before) &&
		    same_view(both, before) && strchr(scratch, '\n')[1] == '\0';
	free(before);
	free(trial);
	free(trial_after);
	free(after);
	free(both);
	free(scratch);
	*total += entries;
	return good;
}

static unsigned long number_of(const char *variable, unsigned long otherwise)
{
	const char *text = getenv(variable);
	return text != NULL ? strtoul(text, NULL, 10) : otherwise;
}

int main(void)
{
	unsigned long count = number_of("PLYBOOT_COUNT", 200), seed = number_of("PLYBOOT_SEED", 1);
	unsigned long wrong = 0;
	uint64_t entries = 0;
	overlays_start();
	for (unsigned long i = 0; i < count; i++) {
		if (!merges(seed * 1000003 + i, &entries)) {
			wrong++;
			printf("# case %lu of PLYBOOT_SEED=%lu\n", i, seed);
		}
	}
	ok(wrong == 0, "%lu pairs of uppers merged, %llu entries: %lu differ", count,
		(unsigned long long)entries, wrong);
	ok(entries > count * 20, "there was something to merge");
	overlays_end();
	return done();
}
