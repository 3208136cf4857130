#!/bin/bash
# The same tree gives the same bytes, whoever made it in which order, and wherever it is packed.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

ok "90 random trees, packed twice" python3 "$here/again.py" "$plyboot" 1 90
sed 's/^/# /' "$work/out"
# That it would be seen: the last tree once more, and a nanosecond later. (It was packed plain.)
ok "the last of them again" "$plyboot" pack --compress none --store three -o three.layer old
ok "... is the same layer" cmp one.layer three.layer
touch -d "$(stat -c %y old/crowd | sed 's/\.[0-9]*/.987654321/')" old/crowd
ok "with another nanosecond" "$plyboot" pack --compress none --store three -o three.layer old
is "... it is another one" "$(cmp -s one.layer three.layer && echo same)" ""
finish
