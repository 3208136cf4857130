#!/bin/bash
# The README's own commands, from an empty directory to a root of the reader's own that boots.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# The block below "Boot your own directory", without what installs and builds.
python3 "$top/tests/boot/text.py" section "$top/README.md" 'Boot your own directory' |
	grep -vE '^(apt-get|make)\b' >"$work/commands"
check "the README has the commands" grep -q '^build/plyboot boot ' "$work/commands"

mkdir "$work/reader"
ln -s "$top/build" "$top/qemu" "$work/reader/"
# Nobody is at the terminal: the guest's shell would wait for ever.
at_words "hello from my own root" quit
(cd "$work/reader" && timeout 120 bash -euo pipefail -c \
	"$(cat "$work/commands") --time-limit 60 --log $work/console ${monitor[*]}") \
	</dev/null >"$work/reader.log" 2>&1 || true
check "the reader's own root says hello" grep -q '^hello from my own root' "$work/console"
finish
