/* plyboot diff: what changed between two directories, as a layer. */
#include "compare.h"
#include "live_diff.h"
#include "packing.h"
#include "path_order.h"
#include "report.h"
#include "verbs.h"

struct diff_options {
	struct packing_options packing;
	struct live_diff_options live;
	bool is_live;
};

#define FIELD(name_) .offset = offsetof(struct diff_options, name_)
static const struct option_spec options[] = {
	PACKING_OPTIONS_IF(false, "zstd|gzip|none", packing_compressions),
	{.name = "--live",
		.kind = OPTION_FLAG,
		FIELD(is_live),
		.help = "on the running system: list what differs from the signed root"},
	{.name = "--json", .kind = OPTION_FLAG, FIELD(live.json), .help = "one JSON object a line"},
	{.name = "--all",
		.kind = OPTION_FLAG,
		FIELD(live.all),
		.help = "also what was copied up, and is the same"},
	BOOTED_OPTION_RUN(offsetof(struct diff_options, live.run)),
	{0},
};
#undef FIELD

/* The first name of its group that is emitted carries the contents: the leader, for a group is
 * emitted whole. */
static const char *link_target(const struct scan *scan, size_t i)
{
	size_t leader = scan->entries[i].leader;
	return leader == i ? NULL : scan->entries[leader].path;
}

/* In the order of both trees' entries: whiteouts stand where what they remove would stand. */
static int write_difference(struct tarout *tar, const struct compare *compare, struct error *e)
{
	const struct scan *old = compare->old, *new = compare->new;
	size_t o = 0, n = 0, count = 0;
	while (o < old->count || n < new->count) {
		int order = o == old->count ? 1
			    : n == new->count
				    ? -1
				    : path_compare(old->entries[o].path, new->entries[n].path);
		if (order < 0) {
			if (compare->whiteout[o] &&
				tarout_add_whiteout(tar, old->entries[o].path, e) != 0)
				return -1;
			count += compare->whiteout[o++];
			continue;
		}
		if (compare->emit[n] &&
			tarout_add(tar, new, &new->entries[n], link_target(new, n), e) != 0)
			return -1;
		count += compare->emit[n++];
		o += order == 0;
	}
	if (count == 0)
		report_warning("the two are the same: the layer changes nothing");
	return tarout_finish(tar, e);
}

static int pack_difference(const struct compare *compare, struct packing *packing, struct error *e)
{
	struct tarout *tar;
	if (tarout_open(packing_write, packing, &tar, e) != 0)
		return -1;
	int result = write_difference(tar, compare, e);
	tarout_close(tar);
	return result;
}

static int pack(
	const struct packing_options *given, const struct text_list *operands, struct error *e)
{
	SCOPED_SCAN old = SCAN_INIT;
	SCOPED_SCAN new = SCAN_INIT;
	SCOPED_COMPARE compare = {0};
	SCOPED_PACKING packing = PACKING_INIT;
	if (packing_open(given, &packing, e) != 0 ||
		scan_tree(operands->items[0], given->root_owned, &old, e) != 0 ||
		scan_tree(operands->items[1], given->root_owned, &new, e) != 0 ||
		packing_refuse_store(&packing, &new, e) != 0 ||
		compare_trees(&old, &new, &compare, e) != 0 ||
		pack_difference(&compare, &packing, e) != 0)
		return -1;
	return packing_finish(&packing, e);
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct diff_options *given = opaque;
	const struct live_diff_options *live = &given->live;
	bool makes_layer = given->packing.output != NULL;
	if (given->is_live && (operands->count > 0 || makes_layer)) {
		report_hint(
			"`plyboot commit --live` makes a layer of what the running system wrote");
		return error_set(
			e, ERROR_USAGE, 0, "--live lists what differs: it takes no OLD, NEW or -o");
	}
	if (given->is_live)
		return live_diff(live, e);
	if (live->json || live->all || live->run != NULL)
		return error_set(e, ERROR_USAGE, 0, "--json, --all and --run go with --live");
	if (operands->count != 2 || !makes_layer)
		return error_set(e, ERROR_USAGE, 0,
			makes_layer ? "it takes OLD and NEW, or --live"
				    : "-o NAME.layer is missing");
	return pack(&given->packing, operands, e);
}

const struct verb verb_diff = {
	.name = "diff",
	.summary =
		"make a layer of what changed between two directories, or list what a system wrote",
	.operands = "[OLD NEW]",
	.operands_min = 0,
	.operands_max = 2,
	.options = options,
	.options_bytes = sizeof(struct diff_options),
	.run = run,
	.text = "The layer, applied over OLD, gives NEW exactly: type, mode, owner, time, "
		"attributes and contents of every file are compared, and what is in OLD only is "
		"removed by a whiteout. A directory that did not change itself is not in it, "
		"whatever changed below; hard links whose names changed are in it together. OLD "
		"and NEW can be two roots of one system before and after an installation (`cp -a "
		"OLD NEW` in between).\n\n"
		"All else is as with `plyboot pack`.\n\n"
		"--live makes no layer: as root, on a system that plyboot booted, it lists what "
		"differs from the signed root, a path a line: A it was added, M it has other "
		"contents, mode, owner, time or attributes, T it is of another type, D it was "
		"removed; with --all also = for what overlayfs copied up and nobody changed. Of a "
		"directory that is gone the name alone is listed; its time alone is no change. Of "
		"a "
		"stack on trial it is what its own upper and the one below show together. What is "
		"mounted over the root (/run, persistent paths) is none of it. The keys of --json "
		"are in plyboot-formats(5).\n",
	.examples = "The layer that an installation adds to a root:\n"
		    "  plyboot diff -o app.layer before/ after/\n"
		    "What differs on the running system:\n"
		    "  plyboot diff --live\n",
};
