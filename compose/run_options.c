#include "run_options.h"

#include "../qemu/terminal.h"

#define FIELD(name_) .offset = offsetof(struct run_options, name_)
const struct option_spec run_option_specs[] = {
	{.name = "--root",
		.kind = OPTION_LIST,
		FIELD(roots),
		.value = "SOURCE",
		.help = "a part of the root, the bottom one first: a directory, a tar, a .layer "
			"file, STORE:NAME of a stack or an image",
		.required = true},
	{.name = "--root-owned",
		.kind = OPTION_FLAG,
		FIELD(root_owned),
		.help = "what the directories hold belongs to 0:0, whoever owns it here"},
	{.name = "--store",
		.kind = OPTION_TEXT,
		FIELD(store),
		.value = "DIR",
		.help = "where the blobs of .layer files are, and --keep's go; default "
			"$PLYBOOT_STORE, else ./store"},
	{.name = "--kernel",
		.kind = OPTION_TEXT,
		FIELD(kernel),
		.value = "FILE",
		.help = "a bzImage or vmlinux, a directory with one, or a Debian package of one; "
			"default: $PLYBOOT_KERNEL, else ours"},
	GUEST_OPTIONS_OF_MACHINE(struct run_options, given.memory_mib),
	{.name = "--env",
		.kind = OPTION_LIST,
		FIELD(given.environment),
		.value = "NAME=VALUE",
		.help = "in the command's environment"},
	{.name = "--directory",
		.kind = OPTION_TEXT,
		FIELD(given.directory),
		.value = "PATH",
		.help = "the command's working directory; default: /"},
	{.name = "--user",
		.kind = OPTION_TEXT,
		FIELD(given.user),
		.value = "USER[:GROUP]",
		.help = "whom it runs as, by the guest's /etc/passwd or numbers; default: root"},
	{.name = "--share",
		.kind = OPTION_LIST,
		FIELD(given.shares),
		.value = "HOST:GUEST",
		.help = "a directory of this machine's, read-only there (9p)"},
	{.name = "--share-rw",
		.kind = OPTION_LIST,
		FIELD(given.writable_shares),
		.value = "HOST:GUEST",
		.help = "the same, writable: what the guest writes is yours"},
	{.name = "--out",
		.kind = OPTION_TEXT,
		FIELD(given.out),
		.value = "DIR",
		.help = "what the command writes to " RUN_GIVEN_OUT " comes here"},
	{.name = "--keep",
		.kind = OPTION_TEXT,
		FIELD(keep),
		.value = "FILE.layer",
		.help = "what the command changed in the root becomes a layer, whatever its "
			"status: the record here, the blobs in the store"},
	{.name = "--stdin",
		.kind = OPTION_TEXT,
		FIELD(input),
		.value = "FILE",
		.help = "the command's standard input; default: this one's, unless it is a "
			"terminal"},
	{.name = "--terminal",
		.kind = OPTION_FLAG,
		FIELD(terminal),
		.help = "fail where this is no terminal; at one, it is the command's anyway"},
	{.name = "--no-terminal",
		.kind = OPTION_FLAG,
		FIELD(no_terminal),
		.help = "don't make this terminal the command's"},
	{.name = "--time-limit",
		.kind = OPTION_NUMBER,
		FIELD(given.limit_s),
		.value = "SECONDS",
		.help = "default: 300; none when a terminal is the command's",
		.min = 1,
		.max = 1 << 24},
	GUEST_OPTIONS_OF_DEVICES(struct run_options),
	{.name = "--log",
		.kind = OPTION_TEXT,
		FIELD(log),
		.value = "FILE",
		.help = "write the guest's console here"},
	{.name = "--cases",
		.kind = OPTION_TEXT,
		FIELD(cases),
		.value = "FILE",
		.help = "run all commands of this file (compose/CASES.md), and print TAP"},
	{.name = "--jobs",
		.kind = OPTION_NUMBER,
		FIELD(jobs),
		.value = "N",
		.help = "with --cases: so many guests at once; default: 1",
		.min = 1,
		.max = 256},
	{.name = "--no-cache",
		.kind = OPTION_FLAG,
		FIELD(no_cache),
		.help = "make everything anew, and keep nothing"},
	{0},
};
#undef FIELD

int run_options_check(const struct run_options *given, struct error *e)
{
	if ((given->cases != NULL) == (given->given.words.count > 0))
		return error_set(e, ERROR_USAGE, 0,
			given->cases != NULL
				? "--cases has the commands: none may stand behind"
				: "it is called as `plyboot run [OPTIONS] -- COMMAND`");
	if (given->jobs != 0 && given->cases == NULL)
		return error_set(e, ERROR_USAGE, 0, "--jobs goes with --cases");
	if (given->cases != NULL && (given->input != NULL || given->terminal || given->log != NULL))
		return error_set(e, ERROR_USAGE, 0,
			"--stdin, --terminal and --log go with one command, not with --cases");
	if (given->cases != NULL && given->keep != NULL)
		return error_set(
			e, ERROR_USAGE, 0, "--keep goes with one command, not with --cases");
	if (guest_options_check(&given->guest, e) != 0)
		return -1;
	if (given->terminal && (given->no_terminal || given->input != NULL))
		return error_set(
			e, ERROR_USAGE, 0, "--terminal goes without --no-terminal and --stdin");
	if (given->terminal && !terminal_present())
		return error_set(
			e, ERROR_USAGE, 0, "--terminal: standard input and output are no terminal");
	return run_given_check(&given->given, e);
}
