#!/bin/bash
# Wrong usage is said to be that, with status 2, and does nothing.
# shellcheck disable=SC2016 # backquotes that are printed
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

"$plyboot" --help >"$work/help"
verbs=$(sed -n 's/^  \([a-z]\{2,\}\) .*/\1/p' "$work/help" | grep -v '^plyboot$' | xargs)
is "--help lists the verbs" "$verbs" \
	"keygen pack import diff commit entry stack sign verify inspect ls cat export push pull store gc initramfs image boot run install status confirm upper revert reset"
for verb in $verbs; do
	ok "$verb --help" "$plyboot" "$verb" --help
	has "$verb --help names the verb" "$work/out" "^  plyboot $verb \[OPTIONS\]"
	status=2
	[ "$verb" != run ] || status=125 # the others may be the command's
	refuses "$verb: an unknown option" $status USAGE "$plyboot" "$verb" --no-such-option
done

"$plyboot" >"$work/out" 2>"$work/err"
is "no verb at all: status" $? 2
refuses "an unknown verb" 2 USAGE "$plyboot" unpack
refuses "a verb mistyped" 2 USAGE "$plyboot" verfiy
has "... is told the verb" "$work/err" '^  is `plyboot verify` meant\?$'
refuses "an option mistyped" 2 USAGE "$plyboot" pack --pieces-size 4K -o a.layer .
has "... is told the option" "$work/err" '^  is --piece-size meant\?$'
is "help is --help" "$("$plyboot" help)" "$(cat "$work/help")"
is "help VERB is VERB --help" "$("$plyboot" help sign)" "$("$plyboot" sign --help)"
refuses "help of an unknown verb" 2 USAGE "$plyboot" help unpack
is "--version" "$("$plyboot" --version)" "plyboot $(sed -n 's/.*PLYBOOT_VERSION "\(.*\)"/\1/p' "$top/compose/version.h")"
refuses "no operand" 2 USAGE "$plyboot" pack -o a.layer
refuses "too many operands" 2 USAGE "$plyboot" pack -o a.layer a b
refuses "a required option is missing" 2 USAGE "$plyboot" pack .
refuses "an option without its value" 2 USAGE "$plyboot" pack . -o
refuses "an option given twice" 2 USAGE "$plyboot" pack -o a.layer -o b.layer .
refuses "a word that is not one of the choices" 2 USAGE "$plyboot" pack --compress xz -o a.layer .
refuses "a number that is none" 2 USAGE "$plyboot" pack --level x -o a.layer .
refuses "a number with a sign" 2 USAGE "$plyboot" pack --level +3 -o a.layer .
refuses "a number outside its range" 2 USAGE "$plyboot" pack --level 23 -o a.layer .
refuses "a level that gzip lacks" 2 USAGE "$plyboot" pack --compress gzip --level 10 -o a.layer .
refuses "a level without compression" 2 USAGE "$plyboot" pack --compress none --level 1 -o a.layer .
refuses "a size that is too small" 2 USAGE "$plyboot" pack --piece-size 4095 -o a.layer .
refuses "a size that is too large" 2 USAGE "$plyboot" pack --piece-size 9M -o a.layer .
refuses "a size that overflows" 2 USAGE "$plyboot" pack --piece-size 99999999999999T -o a.layer .
refuses "a flag with a value" 2 USAGE "$plyboot" pack --root-owned=yes -o a.layer .
refuses "a source that is not there" 3 MISSING "$plyboot" pack -o a.layer nowhere
refuses "a store that is not there" 3 MISSING "$plyboot" verify --pub x.pub
mkdir other && touch other/file
refuses "a store that is another directory" 1 FORMAT "$plyboot" pack --store other -o a.layer other
mkdir one
refuses "an output in a directory that is not there" 3 MISSING "$plyboot" pack -o nowhere/a.layer one
refuses "an output that is no name" 2 USAGE "$plyboot" pack -o one/ one

ok "--name=value, options behind operands" "$plyboot" pack one --store=s --compress=none -o a.layer
ok "-- ends the options" "$plyboot" pack --store s -o b.layer -- one
ok "PLYBOOT_STORE says where the store is" env PLYBOOT_STORE=t "$plyboot" pack -o c.layer one
ok "... and was used" test -f t/oci-layout
ok "without it, it is ./store" "$plyboot" pack -o d.layer one
ok "... and was used" test -f store/oci-layout
is "index.json is a new OCI layout's" "$(cat store/index.json)" '{"schemaVersion":2,"manifests":[]}'

"$plyboot" --help >/dev/full 2>"$work/err"
is "output that can't be written" $? 3
finish
