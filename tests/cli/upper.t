#!/bin/bash
# The archive of the running system's uppers: listed, asked for, removed. In a mount namespace of its own, with what
# /init leaves in /run/plyboot made by hand in run/.
# shellcheck disable=SC2016 # backquotes that are printed
if [ -z "${OWN_NAMESPACE:-}" ]; then
	OWN_NAMESPACE=yes exec unshare --mount --propagation private "$0"
fi
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
state=run/state
home=$state/plyboot/demo
archive=$home/archive
zeros=$(printf '%064d' 0)
mkdir -p "$state"
mount -t tmpfs -o mode=700 state "$state"
trap 'cd /; umount -l "$work/dir/$state" 2>/dev/null; [ -n "${finished:-}" ] || echo "Bail out! $0 stopped"; rm -rf "$work"' EXIT

# runs CONFIRMED: boot.json of demo 3, with no record that could be asked
runs() {
	python3 - "$top/tests/data/reports/booted.json" "$1" >run/boot.json <<-'END'
		import json, sys
		r = json.load(open(sys.argv[1]))
		r["trial"]["confirmed"] = sys.argv[2] == "yes"
		r["devices"] = {"layers": None, "record": None, "state": None}
		print(json.dumps(r))
	END
}
# archived NUMBER VERSION: an upper of two files in a directory
archived() {
	mkdir -p "$archive/$1/upper/etc"
	echo "$1" | tee "$archive/$1/upper/etc/a" >"$archive/$1/upper/etc/b"
	echo "demo $2 sha256:$zeros" >"$archive/$1/made-for"
}
upper() {
	"$plyboot" upper --run run "$@"
}
lists() {
	is "$1" "$(upper list --json | python3 -c '
import json, sys, time
for line in sys.stdin:
    r = json.loads(line)
    recent = abs(time.time() - r["archived"]) < 600
    print(r["number"], r["owner"] and (r["owner"]["stack"], r["owner"]["version"], len(r["owner"]["text"])), r["files"], r["bytes"], r["aside"],
          r["restore"], recent)')" "$2"
}
runs yes

refuses "no state partition" 3 MISSING upper list
has "  is said" "$work/err" 'no such|No such'
mkdir -p "$home/upper"
is "nothing is archived" "$(upper list)" "no upper is in the archive"
is "  in JSON nothing at all" "$(upper list --json)" ""
refuses "what is not there can't be asked for" 3 MISSING upper restore 1
has "  the hint" "$work/err" '^  `plyboot upper list` says which there are'

archived 2 3
archived 10 2
archived 11 1
rm "$archive/11/made-for"
echo "5 unconfirmed" >"$archive/10/aside"
mkdir "$archive/new" "$archive/01" "$archive/3"
ln -s 2 "$archive/4"
echo >"$archive/5"
ok "list" upper list
is "  by number, with what is known" "$(sed 's/archived 20[-0-9: ]* UTC/archived WHEN/; s/[0-9]* bytes/N bytes/' "$work/out")" \
	"2  demo 3, archived WHEN, 3 files, N bytes
10  demo 2, archived WHEN, 3 files, N bytes; set aside after 5 boots without a confirm
11  nobody knows whose, archived WHEN, 3 files, N bytes"
lists "  in JSON" "2 ('demo', 3, 71) 3 8192 None False True
10 ('demo', 2, 71) 3 8192 {'why': 'unconfirmed', 'boots': 5} False True
11 None 3 8192 None False True"

# --- hard links count once, no link is followed, a tree is as deep as it likes
ln "$archive/2/upper/etc/a" "$archive/2/upper/etc/hard"
ln -s / "$archive/2/upper/link"
deep=$archive/2/upper/$(printf 'd/%.0s' {1..600})
mkdir -p "$deep"
is "bytes and names of a deep tree" "$(upper list --json | sed -n 's/.*"files":\([0-9]*\),"bytes":\([0-9]*\).*/\1 \2/p' | head -n 1)" "605 8192"
rm -r "$archive/2/upper/d"
mkfifo "$archive/11/made-for"
is "an owner that is a FIFO is none" "$(upper list | sed -n 's/^11  \([^,]*\),.*/\1/p')" "nobody knows whose"
rm "$archive/11/made-for"

# --- asked for
refuses "no number" 2 USAGE upper restore two
refuses "two numbers" 2 USAGE upper restore 2 10
refuses "none" 2 USAGE upper restore
refuses "an option of another word" 2 USAGE upper restore 2 --all
refuses "what is a link" 3 MISSING upper restore 4
runs no
refuses "a stack on trial runs" 2 USAGE upper restore 2
has "  the hint" "$work/err" '^  confirm it \(plyboot confirm\), or let it fall back, and ask then'
runs yes
ok "restore" upper restore 10
has "  says what happens" "$work/out" '^number 10 is the upper from the next boot on; the one that is there then goes to the archive$'
is "  it is marked" "$(ls "$archive/10")" "aside
made-for
restore
upper"
ok "once more changes nothing" upper restore 10
refuses "another one" 2 USAGE upper restore 2
has "  the hint" "$work/err" '^  `plyboot upper restore --cancel` takes that back'
has "  list has it" <(upper list) '^10  .*; asked for: the upper from the next boot on$'
refuses "what is asked for can't be removed" 2 USAGE upper remove 2 10
ok "cancel" upper restore --cancel
is "  says so" "$(cat "$work/out")" "number 10 stays in the archive"
ok "cancel what is not there" upper restore --cancel
is "  says so" "$(cat "$work/out")" "nothing is asked for"
is "  nothing is marked" "$(find "$archive" -name restore)" ""

# --- removed
refuses "what is set aside can't be removed" 2 USAGE upper remove 2 10
has "  the hint" "$work/err" '^  once this stack is confirmed'
refuses "one that is not there, and so none" 3 MISSING upper remove 2 99
refuses "nothing to remove" 2 USAGE upper remove
refuses "all and some" 2 USAGE upper remove --all 2
mkdir "$home/dropped" && echo >"$home/dropped/left" # by a removal that was killed
ok "remove" upper remove 2 2
is "  it is gone, and what was left" "$(cd "$home" && echo * archive/*)" \
	"archive upper archive/01 archive/10 archive/11 archive/3 archive/4 archive/5 archive/new"
mkdir -p "$archive/12/upper"
ok "remove --all" upper remove --all
is "  says of each" "$(cat "$work/out")" "archived upper 10 stays: it is set aside
archived upper 11 removed
archived upper 12 removed"
is "  what was set aside is as it was" "$(cat "$archive/10/upper/etc/a")" 10

refuses "no word" 2 USAGE "$plyboot" upper --run run
refuses "another word" 2 USAGE upper lists
refuses "list takes no number" 2 USAGE upper list 10
refuses "--uppers without --device" 2 USAGE "$plyboot" gc --uppers

# --- who asks, and of what
echo '{"plyboot_boot": 1' >run/boot.json
refuses "a boot.json that is none" 1 FORMAT upper list
runs yes
chmod 000 "$archive/10"
refuses "an ordinary user" 3 IO as_nobody "$plyboot" upper --run run list
chmod 700 "$archive/10"

# --- a full state partition
umount "$state"
mount -t tmpfs -o mode=700,nr_inodes=16 state "$state"
archived 1 1
i=0
while : >"$state/fill$i"; do i=$((i + 1)); done 2>/dev/null
refuses "a full state partition" 3 NOSPACE upper restore 1
has "  what it is about" "$work/err" 'ask for number 1: No space left'
ok "to remove takes no room" upper remove 1
is "  it is gone" "$(ls "$archive")" ""
umount "$state"
mkdir -p elsewhere/plyboot/demo
rmdir "$state"
ln -s ../elsewhere "$state"
refuses "a state partition that is a link" 3 IO upper list
finish
