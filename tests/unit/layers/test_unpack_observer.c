/* layers/unpack.c: who watches is told what is unpacked, in order, and may end it. */
#include "layers/tree.h"
#include "verdicts.h"

struct watcher {
	struct unpack_observer observer; /* first */
	char said[1000];
	const char *refuses; /* the beginning of what ends it; NULL: nothing */
};

static int note(struct unpack_observer *self, struct error *e, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static int note(struct unpack_observer *self, struct error *e, const char *format, ...)
{
	struct watcher *watcher = (struct watcher *)self;
	size_t used = strlen(watcher->said);
	char *line = watcher->said + used;
	va_list list;
	va_start(list, format);
	(void)vsnprintf(line, sizeof watcher->said - used, format, list);
	va_end(list);
	if (watcher->refuses == NULL ||
		strncmp(line, watcher->refuses, strlen(watcher->refuses)) != 0)
		return 0;
	return error_set(e, ERROR_USAGE, 0, "enough");
}

static int note_entry(struct unpack_observer *self, const struct tree_entry *entry,
	uint64_t size_bytes, struct error *e)
{
	return note(self, e, "entry %c %s %llu %zu\n", entry->type, entry->path,
		(unsigned long long)size_bytes, entry->xattrs.count);
}

static int note_content(
	struct unpack_observer *self, const void *data, size_t size_bytes, struct error *e)
{
	return note(self, e, "content %.*s\n", (int)size_bytes, (const char *)data);
}

static int note_whiteout(struct unpack_observer *self, const char *path, struct error *e)
{
	return note(self, e, "whiteout %s\n", path);
}

static int watch(
	const struct item *items, const char *refuses, struct watcher *watcher, struct error *e)
{
	struct bytes tar = tar_of(items);
	struct sandbox sandbox;
	struct layer layer;
	struct unpack_result result = {0};
	*watcher = (struct watcher){.observer = {.entry = note_entry,
					    .content = note_content,
					    .whiteout = note_whiteout},
		.refuses = refuses};
	const struct layer_unpack_options options = {
		.user_xattrs_supported = true, .names_only = true, .observer = &watcher->observer};
	*e = (struct error){0};
	layer_of_tar(&layer, MEDIA_TAR, &tar, 1 << 20);
	const struct counts counts = counts_of(&tar);
	layer.record.unpacked_bytes = counts.bytes;
	layer.record.entries = counts.entries;
	sandbox_open(&sandbox);
	int status = layer_unpack(
		layer_source(&layer), &layer.record, sandbox.root_fd, &options, &result, e);
	unpack_result_free(&result);
	sandbox_close(&sandbox);
	layer_free(&layer);
	bytes_free(&tar);
	return status;
}

static const struct item items[] = {{.path = "d/", .type = '5'},
	{.path = "./d/f", .body = "body", .xattr = "user.x", .xattr_value = "y", .xattr_bytes = 1},
	{.path = "g", .type = '1', .link = "d/f"}, {.path = "d/.wh.x"}, {.path = "d/.wh..wh..opq"},
	{.path = ".wh..wh.plnk", .body = "left out"}, {.path = "e"},
	{.path = "s", .type = '2', .link = "d"}, {0}};

static void tells_all(void)
{
	struct watcher watcher;
	struct error e;
	is_int(watch(items, NULL, &watcher, &e), 0, "a layer is unpacked with an observer");
	is_str(watcher.said,
		"entry 5 d 0 0\nentry 0 d/f 4 1\ncontent body\nentry 1 g 0 0\nwhiteout d/x\n"
		"entry 0 e 0 0\nentry 2 s 0 0\n",
		"... which is told what is unpacked, in order, and not what is left out");
}

static void ends_when_told(void)
{
	static const char *const ends[] = {"entry 5", "entry 1", "content", "whiteout"};
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		struct watcher watcher;
		struct error e;
		int result = watch(items, ends[i], &watcher, &e);
		error_is(
			result, &e, ERROR_USAGE, "its error at \"%s\" is the unpacking's", ends[i]);
		const char *last = strrchr(watcher.said, '\n');
		while (last != NULL && last > watcher.said && last[-1] != '\n')
			last--;
		ok(last != NULL && strncmp(last, ends[i], strlen(ends[i])) == 0,
			"... and nothing comes after");
	}
}

int main(void)
{
	if (!have_root())
		return 0;
	tells_all();
	ends_when_told();
	return done();
}
