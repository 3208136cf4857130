#include "manual.h"

#include <stdbool.h>
#include <string.h>

#include "report.h"
#include "roff.h"
#include "version.h"

/* A word that texts use, and what a page says of it that has it. */
struct mention {
	const char *word; /* in the help of a verb */
	const char *name; /* as the page writes it */
	const char *text;
};

static const struct mention variables[] = {
	{"$PLYBOOT_STORE", "PLYBOOT_STORE", "The store, where no `--store` says otherwise."},
	{"$PLYBOOT_KERNEL", "PLYBOOT_KERNEL", "The kernel, where no `--kernel` says otherwise."},
	{"PLYBOOT_ACCEL", "PLYBOOT_ACCEL",
		"`kvm` or `tcg`: how QEMU runs the guest. Without it KVM is taken where it works."},
	{"SOURCE_DATE_EPOCH", "SOURCE_DATE_EPOCH",
		"Seconds since 1970: the time that is written into what is made."},
	{"", "TMPDIR", "Where temporary files are; `/tmp` without it."},
	{NULL, NULL, NULL},
};

static const struct mention files[] = {
	{"./store", "./store", "The store, where neither `--store` nor PLYBOOT_STORE says where."},
	{"stacks/", "STORE/stacks/NAME-VERSION.stack", "The stack files of a store."},
	{"/run/plyboot", "/run/plyboot/boot.json",
		"What /init did at the last boot, on a system that it booted."},
	{"/run/plyboot", "/run/plyboot/keys/", "The public keys that this system was booted with."},
	{"~/.cache/plyboot", "~/.cache/plyboot/",
		"What is kept from run to run; where XDG_CACHE_HOME is set, in its plyboot/."},
	{"plyboot-confirm.service", "plyboot-confirm.service",
		"The systemd unit that calls `plyboot confirm` at each boot."},
	{NULL, NULL, NULL},
};

static const struct mention others[] = {
	{"/init", "plyboot-init(8)", NULL},
	{"/.plyboot/entry", "plyboot-entry(8)", NULL},
	{"stack file", "plyboot.stack(5)", NULL},
	{"init.conf", "plyboot-init.conf(5)", NULL},
	{"plyboot-formats(5)", "plyboot-formats(5)", NULL},
	{"skopeo", "skopeo(1)", NULL},
	{"QEMU", "qemu-system-x86_64(1)", NULL},
	{NULL, NULL, NULL},
};

static const struct {
	int status;
	const char *meaning;
} statuses[] = {
	{STATUS_REFUSED,
		"Refused: something that was read is not what it must be, or can't be made "
		"so. The word on standard error is one of "},
	{STATUS_USAGE, "Wrong usage. The word is "},
	{STATUS_MACHINE,
		"The machine failed: a file or program is not there, no room, no memory, or "
		"it can't be read or written. The word is one of "},
};

static bool verb_mentions(const struct verb *verb, const char *word)
{
	if (strstr(verb->summary, word) != NULL || strstr(verb->text, word) != NULL)
		return true;
	for (const struct option_spec *spec = verb->options; spec->name != NULL; spec++) {
		if (strstr(spec->help, word) != NULL)
			return true;
	}
	return false;
}

/* The page of the command itself (NULL) speaks of all that is there. */
static bool page_mentions(const struct verb *verb, const char *word)
{
	return verb == NULL || verb_mentions(verb, word);
}

/* From that row on, the first one that the page speaks of; else the last one, without a word. */
static const struct mention *next_mention(const struct mention *row, const struct verb *verb)
{
	while (row->word != NULL && !page_mentions(verb, row->word))
		row++;
	return row;
}

static void print_heading(const char *name, const char *summary, FILE *to)
{
	fputs(".TH ", to);
	for (const char *c = name; *c != '\0'; c++)
		fputc(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, to);
	fprintf(to, " 1 %s \"plyboot %s\" \"plyboot\"\n.SH NAME\n", PLYBOOT_VERSION_DATE,
		PLYBOOT_VERSION);
	roff_literal(name, strlen(name), to);
	fputs(" \\- ", to);
	roff_prose(summary, strlen(summary), to);
	fputc('\n', to);
}

static void print_literal(const char *text, FILE *to)
{
	roff_literal(text, strlen(text), to);
}

static void print_synopsis(const struct verb *verb, FILE *to)
{
	fprintf(to, ".SH SYNOPSIS\n.B plyboot %s\n[\\fIOPTIONS\\fR]", verb->name);
	if (verb->operands[0] != '\0') {
		fputs(" \\fI", to);
		print_literal(verb->operands, to);
		fputs("\\fR", to);
	}
	fputc('\n', to);
}

static void print_option(const struct option_spec *spec, FILE *to)
{
	char remark[OPTION_REMARK_SIZE];
	fputs(".TP\n\\fB", to);
	print_literal(spec->name, to);
	fputs("\\fR", to);
	if (spec->value != NULL) {
		fputs(" \\fI", to);
		print_literal(spec->value, to);
		fputs("\\fR", to);
	}
	fputc('\n', to);
	roff_prose(spec->help, strlen(spec->help), to);
	options_remark(spec, remark);
	print_literal(remark, to);
	fputc('\n', to);
}

static void print_options(const struct option_spec *specs, FILE *to)
{
	fputs(".SH OPTIONS\n", to);
	for (const struct option_spec *spec = specs; spec->name != NULL; spec++)
		print_option(spec, to);
	fputs(".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nprint a summary of this page\n", to);
}

static void print_codes(int status, FILE *to)
{
	bool first = true;
	for (int code = ERROR_NONE + 1; code < ERROR_CODES; code++) {
		if (report_status((enum error_code)code) != status)
			continue;
		fprintf(to, "%s%s", first ? "" : ", ", error_code_name((enum error_code)code));
		first = false;
	}
	fputs(".\n", to);
}

/* verb: NULL for all of them together. */
static void print_statuses(const struct verb *verb, FILE *to)
{
	fputs(".SH EXIT STATUS\n", to);
	if (verb != NULL && verb->failure_status != 0) {
		fprintf(to,
			"As said above: those of the command that is run, and %d for every failure "
			"of this one's own.\n",
			verb->failure_status);
		return;
	}
	fputs(".TP\n.B 0\nDone.\n", to);
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
		fprintf(to, ".TP\n.B %d\n%s", statuses[i].status, statuses[i].meaning);
		print_codes(statuses[i].status, to);
	}
	fputs(".PP\nA signal (INT, TERM, HUP, QUIT, PIPE) ends the command by that signal; what "
	      "was "
	      "begun "
	      "is then removed.\n",
		to);
}

static void print_mentions(
	const char *heading, const struct mention *table, const struct verb *verb, FILE *to)
{
	const struct mention *row = next_mention(table, verb);
	if (row->word != NULL)
		fprintf(to, ".SH %s\n", heading);
	for (; row->word != NULL; row = next_mention(row + 1, verb)) {
		fputs(".TP\n.B ", to);
		print_literal(row->name, to);
		fputc('\n', to);
		roff_prose(row->text, strlen(row->text), to);
		fputc('\n', to);
	}
}

static void print_examples(const char *examples, FILE *to)
{
	if (examples == NULL)
		return;
	fputs(".SH EXAMPLES\n", to);
	roff_text(examples, to);
}

/* "name(1)", set as a reference to a page. */
static void print_reference(const char *page, FILE *to)
{
	size_t name = strcspn(page, "(");
	fputs(",\n.BR ", to);
	roff_literal(page, name, to);
	fprintf(to, " %s", page + name);
}

/* The page of another verb is named where the text says "`plyboot VERB", as all texts do. */
static void print_see_also(const struct verb *verb, FILE *to)
{
	fputs(".SH SEE ALSO\n", to);
	fputs(verb != NULL ? ".BR plyboot (1)" : ".BR bash (1)", to);
	for (const struct verb *const *other = verbs; *other != NULL; other++) {
		char words[64], page[64];
		(void)snprintf(words, sizeof words, "plyboot %s", (*other)->name);
		(void)snprintf(page, sizeof page, "plyboot-%s(1)", (*other)->name);
		const bool itself = verb != NULL && strcmp(verb->name, (*other)->name) == 0;
		if (!itself && page_mentions(verb, words))
			print_reference(page, to);
	}
	const struct mention *row = next_mention(others, verb);
	for (; row->word != NULL; row = next_mention(row + 1, verb))
		print_reference(row->name, to);
	fputc('\n', to);
}

void manual_print_verb(const struct verb *verb, FILE *to)
{
	char name[64];
	(void)snprintf(name, sizeof name, "plyboot-%s", verb->name);
	print_heading(name, verb->summary, to);
	print_synopsis(verb, to);
	fputs(".SH DESCRIPTION\n", to);
	roff_text(verb->text, to);
	print_options(verb->options, to);
	print_statuses(verb, to);
	print_mentions("ENVIRONMENT", variables, verb, to);
	print_mentions("FILES", files, verb, to);
	print_examples(verb->examples, to);
	print_see_also(verb, to);
}

static void print_verbs(FILE *to)
{
	fputs(".SH VERBS\n", to);
	for (const struct verb *const *verb = verbs; *verb != NULL; verb++) {
		fprintf(to, ".TP\n.BR plyboot\\-%s (1)\n", (*verb)->name);
		roff_prose((*verb)->summary, strlen((*verb)->summary), to);
		fputc('\n', to);
	}
	fputs(".TP\n\\fBplyboot help\\fR [\\fIVERB\\fR]\nsay what there is, or more about a verb\n"
	      ".TP\n\\fBplyboot help \\-\\-man\\fR [\\fIVERB\\fR]\nprint this page, or that of a "
	      "verb, as roff\n"
	      ".TP\n\\fBplyboot help \\-\\-bash\\fR\nprint what completes command lines in\n"
	      ".BR bash (1):\n"
	      "\\fBsource <(plyboot help \\-\\-bash)\\fR\n"
	      ".TP\n\\fBplyboot \\-\\-version\\fR\nsay which version this is\n",
		to);
}

static const char description[] =
	"A directory, a tar or a container image becomes a layer. A stack file names the layers of "
	"a "
	"root file system, from the bottom up, by their digests, and is signed. On the device, "
	"/init "
	"in the initramfs checks the signature, verifies each layer and unpacks it into memory, "
	"mounts them as an overlay, and starts the init that is in it.\n"
	"`plyboot` makes all that /init reads, and looks after it on the device. No verb but those "
	"that say so takes root.\n";

static const char first_steps[] =
	"Make a key, a layer of a directory, a signed stack, a disk and an initramfs, and boot "
	"them:\n"
	"  plyboot keygen -o mine\n"
	"  plyboot pack -o root.layer rootfs/\n"
	"  plyboot stack --name demo --version 1 root.layer\n"
	"  plyboot sign --key mine.key store/stacks/demo-1.stack\n"
	"  plyboot image -o demo.img\n"
	"  plyboot initramfs -o demo.cpio --pub mine.pub --modules /lib/modules/$(uname -r)\n"
	"  plyboot boot --kernel /boot/vmlinuz-$(uname -r) --initrd demo.cpio --image demo.img\n";

void manual_print_command(FILE *to)
{
	print_heading("plyboot", "a root file system out of signed layers, composed at boot", to);
	fputs(".SH SYNOPSIS\n.B plyboot\n\\fIVERB\\fR [\\fIOPTIONS\\fR] ...\n.SH DESCRIPTION\n",
		to);
	roff_text(description, to);
	print_verbs(to);
	print_statuses(NULL, to);
	fputs(".PP\n.B plyboot boot\nand\n.B plyboot run\nhave further ones, from 120: see\n"
	      ".BR plyboot\\-boot (1)\nand\n.BR plyboot\\-run (1).\n",
		to);
	print_mentions("ENVIRONMENT", variables, NULL, to);
	print_mentions("FILES", files, NULL, to);
	print_examples(first_steps, to);
	print_see_also(NULL, to);
}
