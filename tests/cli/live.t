#!/bin/bash
# What a running system wrote is listed as what it differs in from its signed root; and where its upper hides what an
# update brought. In a mount namespace of its own, with what /init leaves in /run/plyboot made by hand in run/.
# shellcheck disable=SC2016 # backquotes that are printed
if [ -z "${OWN_NAMESPACE:-}" ]; then
	OWN_NAMESPACE=yes exec unshare --mount --propagation private "$0"
fi
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
tree=$here/tree.py
base=$work/base # elsewhere: `refuses` looks at all that is here
mkdir "$base"
mount -t tmpfs -o mode=755 base "$base"
trap 'cd /; umount -l "$base/root" "$base" 2>/dev/null; [ -n "${finished:-}" ] || echo "Bail out! $0 stopped"; rm -rf "$work"' EXIT
zeros=$(printf '%064d' 0)

# stack VERSION TREE: `text` is the digest of what would be signed
stack() {
	"$plyboot" pack --store "$base/store" --compress none -o "$1.layer" "$2" >/dev/null &&
		"$plyboot" stack --store "$base/store" --name d --version "$1" "$1.layer" >/dev/null
	text=$(sha256sum <"$base/store/stacks/d-$1.stack" | cut -d' ' -f1)
}
# runs VERSION TEXT TREE KIND DIR...: run/, of a system whose one layer is TREE, and its upper the directories, top first
runs() {
	rm -rf "$base/run"
	mkdir -p "$base/run/store/top-$2" "$base/run/store/$zeros"
	touch -r "$3" "$base/run/store/top-$2"
	cp -a "$3" "$base/run/store/$zeros/root"
	python3 - "$top/tests/data/reports/booted.json" "$base/run/boot.json" "$@" <<-'END'
		import json, sys
		r = json.load(open(sys.argv[1]))
		version, text, _, kind, *dirs = sys.argv[3:]
		r.update(stack="d", version=int(version), text="sha256:" + text)
		r["layers"] = [{"id": "sha256:" + "0" * 64}]
		r["overlay"]["lowers"] = 2
		r["devices"] = {"layers": None, "record": None, "state": None}
		r["upper"] = {"kind": kind, "why": None, "trial": len(dirs) > 1, "dirs": dirs}
		json.dump(r, open(sys.argv[2], "w"))
	END
	lowers=$base/run/store/top-$2:$base/run/store/$zeros/root
}
# over LOWERS UPPER: mounted at root, as /init does it
over() {
	mkdir -p "$base/root" "$2" "$2.work"
	mount -t overlay -o "lowerdir=$1,upperdir=$2,workdir=$2.work,redirect_dir=nofollow,metacopy=off,index=off" o "$base/root"
}
diff_live() {
	"$plyboot" diff --live --run "$base/run" "$@"
}
conflicts() {
	"$plyboot" status --conflicts --run "$base/run" --store "$base/store" "$@"
}
# prints NAME: the last output is what standard input has
prints() {
	is "$1" "$(cat "$work/out")" "$(cat)"
}

# --- two versions of a root
one=$base/one two=$base/two
mkdir -p "$one"/{etc,srv/tofile,opt/gone/sub,usr/opaque,home}
(
	cd "$one" || exit 1
	for name in changed same removed equal bothgone mode touched timed hosts; do echo "$name" >"etc/$name"; done
	echo x | tee srv/tofile/inside srv/todir opt/gone/x opt/gone/sub/y usr/opaque/{kept,lost} home/untouched >/dev/null
	ln -s hosts etc/link
)
find "$one" -exec touch -hd 2026-01-01 {} +
cp -a "$one" "$two"
(
	cd "$two" || exit 1
	echo new | tee etc/changed etc/equal home/untouched opt/gone/x opt/gone/sub/new usr/opaque/{kept,more} etc/added >/dev/null
	rm -r etc/removed etc/bothgone srv/tofile srv/todir
	echo file >srv/tofile && mkdir srv/todir && echo x >srv/todir/deep
	chmod 600 etc/mode && ln -sfn changed etc/link && touch -d 2026-02-02 etc/timed
)
stack 1 "$one" && text1=$text
stack 2 "$two" && text2=$text

# --- what a system writes
upper=$base/plyboot/d/upper
mkdir -p "$base/plyboot/d"
runs 1 "$text1" "$one" persistent "$upper"
over "$lowers" "$upper"
ok "an upper that nothing was written to" diff_live
prints "... changes nothing" </dev/null
(
	cd "$base/root" || exit 1
	for name in changed same removed touched; do echo mine >>"etc/$name"; done
	echo mine >etc/timed
	echo new >etc/equal && rm etc/bothgone && chmod 640 etc/mode && ln -sfn same etc/link
	echo mine | tee srv/tofile/own srv/todir >/dev/null
	rm -r opt/gone usr/opaque && mkdir usr/opaque && echo mine >usr/opaque/own
	chown 1:1 etc/hosts && chown 0:0 etc/hosts # copied up
	mkdir -p new/sub && echo "a b" >new/sub/$'na\nme'
	mkfifo new/fifo
)
mknod "$upper/etc/added" c 0 0 # a whiteout of what was there in some version before
ok "all that was written" diff_live
cp "$work/out" listed
prints "... is listed" <<'EOF'
D /etc/bothgone
M /etc/changed
M /etc/equal
M /etc/link
M /etc/mode
M /etc/removed
M /etc/same
M /etc/timed
M /etc/touched
A /new
A /new/fifo
A /new/sub
A /new/sub/na\nme
D /opt/gone
M /srv/todir
A /srv/tofile/own
D /usr/opaque/kept
D /usr/opaque/lost
A /usr/opaque/own
EOF
ok "--all" diff_live --all
is "... what was only copied up, and directories on the way, too" \
	"$(sed -n 's/^= //p' "$work/out" | xargs)" "/ /etc /etc/hosts /opt /srv /srv/tofile /usr /usr/opaque"
ok "--json" diff_live --json
has "... in what it differs" "$work/out" '^\{"change":"modified","path":"/etc/mode","was":"file","is":"file","differs":\["mode"\]\}$'
has "... the name as it is" "$work/out" '"change":"added","path":"/new/sub/na\\nme","is":"file"'
is "... the same paths" "$(wc -l <"$work/out")" "$(wc -l <listed)"
setfattr -n trusted.overlay.redirect -v x "$upper/new"
ok "a mark that plyboot's overlays don't heed" diff_live
has "... is warned of" "$work/err" 'warning: `.*upper/new` has trusted.overlay.redirect, which is not heeded'
setfattr -x trusted.overlay.redirect "$upper/new"
refuses "who may not see overlayfs's marks" 3 IO as_nobody "$plyboot" diff --live --run "$base/run"
umount "$base/root"

# --- the second version over it
runs 2 "$text2" "$two" persistent "$upper"
echo "d 1 sha256:$text1" >"$base/plyboot/d/made-for"
over "$lowers" "$upper"
ok "what the upper hides of an update" conflicts
cp "$work/out" hidden
prints "... is listed" <<'EOF'
since d 1, the upper hides:
  /etc/added: the stack added it; the upper has a whiteout
  /etc/changed: the stack changed it; the upper has its own file
  /etc/link: the stack changed it; the upper has its own symlink
  /etc/mode: the stack changed it; the upper has its own file
  /etc/removed: the stack removed it; the upper has its own file
  /opt/gone/sub/new: the stack added it; the upper has a whiteout of /opt/gone
  /opt/gone/x: the stack changed it; the upper has a whiteout of /opt/gone
  /srv/todir: the stack made a directory of a file; the upper has its own file
  /srv/todir/deep: the stack added it; the upper has its own file at /srv/todir
  /srv/tofile: the stack made a file of a directory; the upper has its own directory
  /usr/opaque/kept: the stack changed it; the upper has an opaque directory above
  /usr/opaque/more: the stack added it; the upper has an opaque directory above
EOF
shows() {
	is "... the system is so: $1" "$(cd "$base/root" && eval "$2" 2>&1)" "$3"
}
shows "own files" "tail -qn 1 etc/changed etc/removed | xargs" "mine mine"
shows "whiteouts" "ls -d etc/added opt/gone 2>/dev/null | wc -l" 0
shows "types" "stat -c %F srv/tofile srv/todir | xargs" "directory regular file"
shows "opaque" "ls usr/opaque" own
shows "what is not listed" "cat home/untouched etc/equal | xargs; ls etc/bothgone 2>/dev/null" "new new"
ok "--json" conflicts --json
has "... says all of it" "$work/out" \
	"^\{\"since\":\"d\",\"version\":1,\"text\":\"sha256:$text1\",\"path\":\"/srv/todir/deep\",\"stack\":\"added\",\"is\":\"file\",\"upper\":\"file\",\"at\":\"/srv/todir\"\}\$"
is "... a line each" "$(wc -l <"$work/out")" "$(($(wc -l <hidden) - 1))"
umount "$base/root"

# --- whose the upper was
printf '%s\n' "d 2 sha256:$text2" "d 1 sha256:$text1" "d 7 sha256:$zeros" >"$base/plyboot/d/made-for"
ok "of several earlier ones" conflicts
is "... each is listed" "$(head -n "$(wc -l <hidden)" "$work/out")" "$(cat hidden)"
has "... one whose stack is gone is said to be unknown" "$work/out" '^since d 7: it can.t be known: .*d-7\.stack'
is "... and the running one is not listed" "$(grep -c 'since d 2' "$work/out")" 0
ok "--json" conflicts --json
has "... says so as well" "$work/out" "\"version\":7,\"text\":\"sha256:$zeros\",\"unknown\":\"[^\"]*d-7"
echo "d 1 sha256:$zeros" >"$base/plyboot/d/made-for"
ok "another stack of that name and version" conflicts
has "... is none" "$work/out" '^since d 1: it can.t be known: d-1.stack is another stack by now$'
echo "d 2 sha256:$text2" >"$base/plyboot/d/made-for"
ok "an upper that was made for what runs" conflicts
prints "... hides nothing" <<<"the upper hides nothing: it was made for the stack that runs"
for bad in "" "d 1" "d 1 sha256:12" "d 1 sha256:$zeros"$'\n' "d 01 sha256:$zeros"; do
	printf '%s\n' "$bad" >"$base/plyboot/d/made-for"
	refuses "made-for that says $(printf %q "${bad//$zeros/0...}")" 1 FORMAT conflicts
done
head -c 10000 /dev/zero >"$base/plyboot/d/made-for"
refuses "... that is too long" 1 LIMIT conflicts
rm "$base/plyboot/d/made-for"
refuses "... that is not there" 3 MISSING conflicts
ln -s /etc/passwd "$base/plyboot/d/made-for"
refuses "... that is a link" 3 IO conflicts
rm "$base/plyboot/d/made-for"
mkfifo "$base/plyboot/d/made-for"
refuses "... that is a pipe" 1 FORMAT conflicts
rm "$base/plyboot/d/made-for"
echo "d 1 sha256:$text1" >"$base/plyboot/d/made-for"
layer=$base/$(blob 1.layer)
mv "$layer" away
ok "an earlier stack without its layer" conflicts
has "... is unknown" "$work/out" '^since d 1: it can.t be known: layer 1: '
mv away "$layer"
mv "$base/store/stacks/d-2.stack" away
refuses "the running stack is not in the store" 3 MISSING conflicts
mv away "$base/store/stacks/d-2.stack"
refuses "no layers partition" 3 DEVICE "$plyboot" status --conflicts --run "$base/run"

# --- a stack on trial: its own upper over the one that is kept
trial=$base/plyboot/d/trials/$text2/upper
mkdir -p "${trial%/*}"
runs 2 "$text2" "$two" persistent "$trial" "$upper"
over "$upper:$lowers" "$trial"
(
	cd "$base/root" || exit 1
	rm etc/changed && echo trial >etc/same && rm -r new && rm etc/removed
	cp -a --remove-destination "$two/etc/link" "$two/etc/mode" etc
)
ok "of two uppers" diff_live
prints "... what both show together" <<'EOF'
D /etc/added
D /etc/changed
M /etc/equal
M /etc/same
M /etc/timed
M /etc/touched
D /opt/gone
T /srv/todir
T /srv/tofile
A /srv/tofile/own
D /usr/opaque/kept
D /usr/opaque/lost
D /usr/opaque/more
A /usr/opaque/own
EOF
ok "the conflicts are both's" conflicts
has "... one of the trial" "$work/out" '^  /etc/changed: the stack changed it; the upper has a whiteout$'
has "... one below it" "$work/out" '^  /srv/tofile: the stack made a file'
is "... not what it took back" "$(grep -c '/etc/mode\|/etc/removed' "$work/out")" 0
umount "$base/root"

# --- other roots
runs 2 "$text2" "$two" none
ok "no upper: no difference" diff_live
prints "... at all" </dev/null
ok "... and no conflict" conflicts
runs 2 "$text2" "$two" volatile "$upper"
ok "a volatile one has differences" diff_live
has "... listed" "$work/out" '^M /etc/same$'
ok "... but no conflicts" conflicts
prints "... since it is new" <<<"the upper hides nothing: nothing of it was there before this boot"
mkdir -p "$base/fresh/upper"
runs 2 "$text2" "$two" persistent "$base/fresh/upper"
python3 - "$base/run/boot.json" <<'END'
import json, sys
r = json.load(open(sys.argv[1]))
r["upper"]["trial"] = True
json.dump(r, open(sys.argv[1], "w"))
END
ok "one of a trial alone has none, either" conflicts
prints "... since it is the trial's own" <<<"the upper hides nothing: it was made for the stack that runs"
mv "$base/run/store" away
refuses "the layers are not there" 3 MISSING diff_live
rm -r "$base/run" away
refuses "a system that plyboot did not boot" 3 MISSING diff_live
refuses "... status --conflicts" 3 MISSING conflicts
refuses "--live and directories" 2 USAGE diff_live one two
refuses "--live -o" 2 USAGE diff_live -o x.layer
has "... says what does that" "$work/err" '^  `plyboot commit --live` makes a layer'
refuses "--json without --live" 2 USAGE "$plyboot" diff --json -o x.layer "$one" "$two"
refuses "diff of one directory" 2 USAGE "$plyboot" diff -o x.layer "$one"
refuses "diff without -o" 2 USAGE "$plyboot" diff "$one" "$two"
refuses "status --store alone" 2 USAGE "$plyboot" status --store "$base/store"
refuses "status --json of a system that plyboot did not boot" 3 MISSING "$plyboot" status --json --run "$base/nowhere"

# --- random ones: the oracle is what the kernel shows
mkdir "$base/random"
ok "10 random uppers, and another over each" sh -c 'cd "$2/random" && "$0" lives "$1" 1 10' "$tree" "$plyboot" "$base"
ok "25 random updates below an upper" sh -c 'cd "$2/random" && "$0" conflicts "$1" 1 25' "$tree" "$plyboot" "$base"
finish
