/* plyboot commit: what a system wrote over its layers becomes one more layer. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "leave_out.h"
#include "leave_out_rules.h"
#include "live.h"
#include "overlay_marks.h"
#include "packing.h"
#include "report.h"
#include "verbs.h"

struct commit_options {
	struct packing_options packing;
	const char *marks;
	struct text_list include, exclude;
	bool live;
};

static const char *const marks[] = {"trusted", "user", NULL};

#define FIELD(name_) .offset = offsetof(struct commit_options, name_)
static const struct option_spec options[] = {
	PACKING_OPTIONS("zstd|gzip|none", packing_compressions),
	{.name = "--live",
		.kind = OPTION_FLAG,
		FIELD(live),
		.help = "instead of UPPER: the upper of the system that runs here"},
	{.name = "--include",
		.kind = OPTION_LIST,
		FIELD(include),
		.value = "PATTERN",
		.help = "take what is below all the same; `/` for all of it"},
	{.name = "--exclude",
		.kind = OPTION_LIST,
		FIELD(exclude),
		.value = "PATTERN",
		.help = "leave this out, too"},
	{.name = "--marks",
		.kind = OPTION_TEXT,
		FIELD(marks),
		.value = "trusted|user",
		.help = "where overlayfs keeps its marks: user, if it was mounted with userxattr",
		.choices = marks},
	{0},
};
#undef FIELD

static enum scan_marks marks_of(const struct commit_options *given, const struct live_upper *live)
{
	if (given->live)
		return live_upper_marks(live);
	if (given->marks == NULL)
		return SCAN_MARKS_UNSURE;
	return strcmp(given->marks, "user") == 0 ? SCAN_MARKS_USER : SCAN_MARKS_TRUSTED;
}

static int refuse_device(int fd, const char *path, const struct stat *root, struct error *e)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return error_errno(e, errno, "stat `%s`", path);
	if (st.st_dev != root->st_dev)
		return 0;
	report_hint("keep both elsewhere: below /run, or on another disk");
	return error_set(e, ERROR_USAGE, 0, "`%s` would become part of what is committed", path);
}

/* On a running system neither shows in the upper as what it is. */
static int refuse_outputs(const struct packing *packing, struct error *e)
{
	struct stat root;
	if (stat("/", &root) != 0)
		return error_errno(e, errno, "stat /");
	if (refuse_device(packing->layout.fd, packing->layout.path, &root, e) != 0)
		return -1;
	return refuse_device(packing->output.dir_fd, packing->options->output, &root, e);
}

/* --- the layer */

static int add(struct tarout *tar, const struct scan *scan, const struct scan_entry *entry,
	struct error *e)
{
	const struct scan_entry *leader = &scan->entries[entry->leader];
	if (entry->whiteout)
		return tarout_add_whiteout(tar, entry->path, e);
	if (tarout_add(tar, scan, entry, leader == entry ? NULL : leader->path, e) != 0)
		return -1;
	return entry->opaque ? tarout_add_opaque(tar, entry->path, e) : 0;
}

static int write_entries(struct tarout *tar, const struct scan *scan, struct error *e)
{
	for (size_t i = 0; i < scan->count; i++) {
		if (add(tar, scan, &scan->entries[i], e) != 0)
			return -1;
	}
	if (scan->count == 1)
		report_warning("the upper is empty: the layer changes nothing but the root itself");
	return tarout_finish(tar, e);
}

static int pack_upper(const struct scan *scan, struct packing *packing, struct error *e)
{
	struct tarout *tar = NULL;
	int result = scan_refuse_gone(scan, e);
	if (result == 0)
		result = tarout_open(packing_write, packing, &tar, e);
	if (result == 0)
		result = write_entries(tar, scan, e);
	tarout_close(tar);
	if (result != 0 && (e->code == ERROR_MISSING || e->code == ERROR_IO))
		report_hint("stop what writes there, or leave it out: --exclude");
	return result;
}

static int scan_given(const struct commit_options *given, const char *path,
	const struct live_upper *live, struct scan *out, struct error *e)
{
	bool root_owned = given->packing.root_owned;
	if (given->live)
		return live_upper_scan(live, root_owned, out, e);
	return scan_upper(path, root_owned, marks_of(given, live), out, e);
}

/* UPPER is `path`, or NULL: `live`. */
static int commit(const struct commit_options *given, const char *path,
	const struct live_upper *live, struct error *e)
{
	SCOPED_SCAN scan = SCAN_INIT;
	SCOPED_PACKING packing = PACKING_INIT;
	if ((marks_of(given, live) != SCAN_MARKS_USER && overlay_marks_check_readable(e) != 0) ||
		packing_open(&given->packing, &packing, e) != 0 ||
		(given->live && refuse_outputs(&packing, e) != 0) ||
		scan_given(given, path, live, &scan, e) != 0 ||
		packing_refuse_store(&packing, &scan, e) != 0 ||
		leave_out(&scan, &given->include, &given->exclude, e) != 0 ||
		scan_refuse_whiteouts(&scan, e) != 0 || overlay_marks_refuse(&scan, e) != 0 ||
		pack_upper(&scan, &packing, e) != 0)
		return -1;
	return packing_finish(&packing, e);
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct commit_options *given = opaque;
	SCOPED_LIVE_UPPER live = {.path = NULL};
	if (given->live != (operands->count == 0))
		return error_set(e, ERROR_USAGE, 0, "it takes either UPPER or --live");
	if (given->live && given->marks != NULL)
		return error_set(
			e, ERROR_USAGE, 0, "--marks goes with UPPER: --live sees for itself");
	if (given->live && live_upper_of_root(&live, e) != 0)
		return -1;
	return commit(given, given->live ? NULL : operands->items[0], &live, e);
}

#define ROW(pattern_, how_, reason_) "  /" pattern_ ": " reason_ "\n"
const struct verb verb_commit = {
	.name = "commit",
	.summary = "make a layer of what a system wrote over its layers",
	.operands = "[UPPER]",
	.operands_min = 0,
	.operands_max = 1,
	.options = options,
	.options_bytes = sizeof(struct commit_options),
	.run = run,
	.text = "UPPER is the upper directory of an overlay: of a system that plyboot booted it is "
		"plyboot/NAME/upper on the state partition. --live takes that of the running "
		"system, as root; of a stack on trial what its own upper and the one below "
		"show together. The store and the .layer file must lie elsewhere (--store "
		"/run/store). The layer, on top of the lower ones, gives what the overlay shows: "
		"whiteouts and opaque directories become OCI's. What no layer can say, as "
		"overlayfs's redirects and metacopies, is refused. The same upper gives the same "
		"bytes. A file that changes while it is read is an error: stop what writes, or "
		"exclude it.\n\n"
		"What belongs to one machine, or only accumulates, is left out, deletions as well, "
		"and listed: then what the lower layers have there shows. /etc/machine-id is there "
		"and empty, so that a new one is made at boot, which is not taken for a first "
		"boot. --include takes it all the same, --exclude counts for more. A PATTERN is a "
		"path from the root; `*` and `?` stand for anything but slashes; a directory's "
		"contents are named with it. Left out are, of those ending in a star in /var/log, "
		"/var/cache and /var/lib/apt/lists all but directories:\n\n" LEAVE_OUT_RULES(
			ROW) "\nAll else is as with `plyboot pack`.\n",
	.examples = "As root, on the running system, but for what lies below /opt/cache:\n"
		    "  plyboot commit --live --exclude /opt/cache --store /run/store -o "
		    "/run/changes.layer\n",
};
