#!/bin/bash
# P18: random stacks of 1 to 5 layers, in which few names meet often, are what the OCI specification says (model.py):
# composed by plyboot, in a real overlay, all of them; unpacked by umoci, but for what model.py lists, with the reason.
# PLYBOOT_COUNT stacks (300) from PLYBOOT_SEED on. As root.
#
# In a mount namespace of its own, where all is in memory.
[ -n "${STACKS_INSIDE:-}" ] || STACKS_INSIDE=yes exec unshare --mount "$0"
mount -t tmpfs -o mode=1777 plyboot-stacks /mnt || exit 1
export TMPDIR=/mnt
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
stacks=$top/tests/stacking/stacks.py
COMPOSE=$top/build/$(uname -m)/compose-stack
export PLYBOOT=$plyboot COMPOSE PYTHONDONTWRITEBYTECODE=1
count_wanted=${PLYBOOT_COUNT:-300}
seed=${PLYBOOT_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
echo "# seed $seed, $count_wanted stacks"

"$plyboot" keygen -o key >"$work/out" 2>&1
openssl pkey -pubin -in key.pub -outform DER -out key.der

# What compares must see a difference in whatever a name has.
ok "a manifest that differs anywhere is noticed" python3 - "$(dirname "$stacks")" <<'EOT'
import sys
sys.path.insert(0, sys.argv[1])
from stacks import differences
row = ["a", 0o100000, 0o644, 0, 0, 5, "1 ab", {"user.x": "1"}, "a", 1]
other = ["b", 0o040000, 0o600, 1, 1, 6, "1 ac", {"user.x": "2"}, "0", 2]
assert not list(differences([row], [row]))
assert not list(differences([row], [row[:5] + [None] + row[6:]]))
for i in range(len(row)):
    assert list(differences([row[:i] + [other[i]] + row[i + 1:]], [row])), i
assert list(differences([], [row])) and list(differences([row], []))
EOT

# In as many processes as there are CPUs.
run() { # NAME FIRST COUNT
	mkdir "$1"
	cp key.key key.der "$1"
	(cd "$1" && python3 "$stacks" "$2" "$3") >"$work/$1.out" 2>&1
	echo $? >"$work/$1.status"
}
jobs=$(nproc)
pids=()
for ((i = 0; i < jobs; i++)); do
	run "part$i" $((seed + count_wanted * i / jobs)) $((count_wanted * (i + 1) / jobs - count_wanted * i / jobs)) &
	pids+=($!)
done
wait "${pids[@]}"
cat "$work"/part*.out >"$work/all"
is "no stack differs" "$(cat "$work"/part*.status | sort -u)" 0
grep -hvE '^[a-z ]+ [0-9]+$' "$work/all" | head -n 100 | sed 's/^/# /'

total() {
	awk -v name="$1" '$0 ~ "^" name " [0-9]+$" { sum += $NF } END { print sum + 0 }' "$work/all"
}
is "all of them were looked at" "$(total stacks)" "$count_wanted"

# shown NAME WHAT: so many stacks have it; some must
shown() {
	local number
	number=$(total "$1")
	echo "# $number stacks: $2"
	[ "$count_wanted" -lt 300 ] || is "... there are such: $1" "$((number > 0))" 1
}
for kind in file directory symlink fifo link whiteout opaque; do
	shown "with $kind" "with a $kind"
done
shown links "overlayfs shows the link count that a file's layer gave it (layer.md: \"Union filesystem implementations may
#   have limited or no support for hardlinks\")"
shown through "a path leads through a lower layer's symlink or file, of which layer.md says nothing: not umoci's"
while IFS='|' read -r way why; do
	shown "$way" "umoci: $why"
done < <(python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import model
for way, why in model.WAYS.items(): print(way, why, sep="|")' "$(dirname "$stacks")")
rm -rf part*
finish
