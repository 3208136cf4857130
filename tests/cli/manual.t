#!/bin/bash
# The manual pages out of the tables: each verb's has all that its --help has, and readers of roff take it as it is.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# page [VERB]: its page as it is read
read_page() {
	MANWIDTH=80 MANPAGER=cat man -E UTF-8 -l "$1" | col -bx | tr -s ' \n' ' ' | sed 's/‐ //g'
}

verbs=$("$plyboot" help | sed -n 's/^  \([a-z]\{2,\}\) .*/\1/p' | grep -v '^plyboot$')
"$plyboot" help --man >plyboot.1
for verb in $verbs; do "$plyboot" help --man "$verb" >"plyboot-$verb.1"; done

for page in *.1; do
	is "${page%.1}: mandoc has nothing to say" "$(mandoc -T lint -W warning "$page" 2>&1)" ""
	is "... nor groff" "$(MANWIDTH=80 man --warnings -E UTF-8 -l "$page" 2>&1 >/dev/null)" ""
	is "... whatis finds it" "$(lexgrog "$page" | sed 's/ - .*//')" "$page: \"${page%.1}"
done

for verb in $verbs; do
	has "plyboot(1) names $verb" plyboot.1 "^\\.BR plyboot\\\\-$verb \\(1\\)\$"
	summary=$("$plyboot" help "$verb" | sed -n "s/^plyboot $verb: //p")
	is "plyboot-$verb(1) has its summary" "$(lexgrog "plyboot-$verb.1")" "plyboot-$verb.1: \"plyboot-$verb - ${summary//\`/}\""
	# The options of --help stand behind two blanks.
	"$plyboot" help "$verb" | sed -n 's/^  \(--*[a-zA-Z][a-z-]*\).*/\1/p' >options
	sed -n '/^\.SH OPTIONS/,/^\.SH EXIT/s/^\\fB\(\\-[a-zA-Z\\-]*\)\\fR.*/\1/p' "plyboot-$verb.1" | sed 's/\\-/-/g' | grep -v '^-h$' >in-page
	is "... and every option" "$(cat in-page)" "$(cat options)"
	has "... and an example" "plyboot-$verb.1" '^\.SH EXAMPLES$'
	# And all of its words, but for those of the layout.
	"$plyboot" help "$verb" | sed '1,/^$/d; /^Examples:$/d' | grep -o '[a-z]\{5,\}' | sort -u >words
	read_page "plyboot-$verb.1" | grep -o '[a-z]\{5,\}' | sort -u >page-words
	is "... and every word of its help" "$(comm -23 words page-words | xargs)" ""
done
sed -n 's/^| [0-3] .*| \([A-Z ]*\) |$/\1/p' "$top/compose/EXIT.md" | tr ' ' '\n' >codes
ok "compose/EXIT.md has codes" test "$(wc -l <codes)" -gt 20
for code in $(<codes); do
	has "plyboot(1) has the word $code" <(read_page plyboot.1) "\\b$code\\b"
done
# What a verb takes from the environment is in its page, and in that of the command.
environment() { # PAGE
	sed -n '/^\.SH ENVIRONMENT/,/^\.SH [^E]/s/^\.B \([A-Z_]*\)$/\1/p' "$1" | sort | xargs
}
is "plyboot-run(1): what run takes from the environment" "$(environment plyboot-run.1)" "PLYBOOT_ACCEL PLYBOOT_KERNEL PLYBOOT_STORE TMPDIR"
is "plyboot-boot(1): what boot takes" "$(environment plyboot-boot.1)" "PLYBOOT_ACCEL TMPDIR"
is "plyboot(1): what any takes" "$(environment plyboot.1)" "PLYBOOT_ACCEL PLYBOOT_KERNEL PLYBOOT_STORE SOURCE_DATE_EPOCH TMPDIR"
has "plyboot(1) says whose statuses begin at 120" <(read_page plyboot.1) 'plyboot boot and plyboot run have further ones, from 120: see plyboot-boot\(1\) and plyboot-run\(1\)'
refuses "a page of an unknown verb" 2 USAGE "$plyboot" help --man unpack
finish
