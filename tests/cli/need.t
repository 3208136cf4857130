#!/bin/bash
# .ci/need: which packages it asks for, and whom. dpkg and apt are made up here: nothing is installed.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir ci bin
cp "$top/.ci/need" "$top/.ci/packages" ci/
for tool in dirname sed grep tr sort comm cat mktemp rm; do ln -s "$(command -v "$tool")" bin/; done
ln -s "$(readlink -f /bin/sh)" bin/sh

# fake NAME: a program whose script comes on standard input
fake() {
	{ echo '#!/bin/sh'; cat; } >"bin/$1"
	chmod 755 "bin/$1"
}
# What is in `there` is installed; dpkg-query fails where a package is not, as the real one.
fake dpkg-query <<-'END'
	shift 3
	status=0
	for name; do
	    if grep -qx "$name" there; then echo "installed $name"; else status=1; fi
	done
	exit $status
END
fake id <<-'END'
	echo "${WHO:-1000}"
END
fake apt-get <<-'END'
	[ "$*" != "${BREAKS:-}" ] || { echo "no network here"; exit 100; }
	echo "$*" >>calls
END
need() { PATH=$PWD/bin sh ci/need "$@" >"$work/out" 2>"$work/err"; }
asked() { sed -n 's/.*--no-install-recommends //p' "$work/err" | tr ' ' '\n' | sort; }

: >there
for part in boot kernel check bench; do
	need $part
	is "$part, an ordinary user: status" $? 1
	asked >"$part.asked"
	is "... no section's name is a package" "$(grep -c '[^a-z0-9.+-]' "$part.asked")" 0
done
is "all that is listed is somebody's" "$(cat bench.asked)" "$(sed 's/#.*//; /^\[/d; /^ *$/d; s/ //g' ci/packages | sort)"
before=boot
for part in kernel check bench; do
	is "$part needs all that $before does" "$(comm -23 $before.asked $part.asked)" ""
	ok "... and more" test "$(wc -l <$part.asked)" -gt "$(wc -l <$before.asked)"
	before=$part
done
ok "a demo takes no fuzzer" grep -qx clang check.asked
is "... at all" "$(grep -x clang kernel.asked)" ""
need
is "no part: status" $? 2
need all
is "a part that is none: status" $? 2

need boot
has "without sudo root is asked for" "$work/err" '^need: packages are missing. Run this as root, then try again:$'
has "... lists first, since a new machine has none" "$work/err" '^apt-get update && apt-get install -y '
fake sudo </dev/null
need boot
has "with sudo, one line to paste" "$work/err" '^sudo apt-get update && sudo apt-get install -y --no-install-recommends [a-z]'
ok "nothing was called" test ! -e calls

grep -vx gcc boot.asked >there
need boot
is "only what is missing is asked for" "$(asked)" gcc
export WHO=0
ok "root" need boot
is "... gets it installed, from new lists" "$(cat calls)" "-q update
-q install -y --no-install-recommends -o Dpkg::Use-Pty=0 gcc"
cp boot.asked there
rm calls
ok "nothing is missing" need boot
ok "... so apt is left alone" test ! -e calls
is "... and nothing said" "$(cat "$work/out" "$work/err")" ""
: >there
BREAKS="-q update" need boot
is "apt that fails: status" $? 1
has "... what it said is shown" "$work/err" '^no network here$'
has "... and what was called" "$work/err" '^need: failed: apt-get -q update$'

# --- neither dpkg nor apt

rm bin/dpkg-query
need boot
is "elsewhere: status" $? 1
has "... programs are named instead" "$work/err" 'no dpkg and apt; install by hand what provides:.* qemu-system-x86_64( |$)'
is "... those of that part alone" "$(grep -c valgrind "$work/err")" 0
need check
has "... of each" "$work/err" ' valgrind( |$)'
finish
