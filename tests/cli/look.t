#!/bin/bash
# ls, cat and inspect: what layers and stacks hold, without mounting and without root.
# shellcheck disable=SC2016 # backquotes that are printed
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
model=$here/look_model.py

# The command with the sanitizers takes several times as long.
case ${PLYBOOT:-} in */asan/*) trials=2 ;; *) trials=8 ;; esac

# against NAME KIND FIRST: the model agrees on that many seeds
against() {
	mkdir model
	if (cd model && timeout 300 "$model" "$2" "$plyboot" "$3" $(($3 + trials - 1))) >"$work/out" 2>"$work/err"; then
		pass "$1"
	else
		fail "$1" "$work/out" "$work/err"
	fi
	rm -rf model
}
against "$trials stacks of random layers are what another program says" random 1
against "$trials changed trees are what lstat says" trees 1

# --- a small stack, whose lines are known
printf 'import io, sys, tarfile
def add(archive, name, type=b"0", data=b"", **more):
    member = tarfile.TarInfo(name)
    member.type, member.size, member.mode, member.mtime = type, len(data), 0o644, 1700000000
    for key, value in more.items():
        setattr(member, key, value)
    archive.addfile(member, io.BytesIO(data))
with tarfile.open("low.tar", "w") as a:
    add(a, "etc", b"5", mode=0o750, gid=7)
    add(a, "etc/conf", data=b"low\\n", mode=0o600)
    add(a, "etc/twin", b"1", linkname="etc/conf")
    add(a, "bin", b"5", mode=0o755)
    add(a, "bin/tool", data=b"x" * 100000, mode=0o4755)
    add(a, "bin/sh", b"2", linkname="tool")
    add(a, "null", b"3", devmajor=1, devminor=3, mode=0o666)
    add(a, "escape", b"2", linkname="../../../etc/conf")
    add(a, "evil\\x1b[2J\\nname")
with tarfile.open("high.tar", "w") as a:
    add(a, "etc/conf", data=b"high\\n")
    add(a, ".wh.null")
    add(a, "bin/.wh..wh..opq")
' >make.py
python3 make.py
"$plyboot" pack -o low.layer low.tar >/dev/null
"$plyboot" pack --compress gzip -o high.layer high.tar >/dev/null
cat low.layer high.layer >both.layer
"$plyboot" keygen -o k >/dev/null
ok "a stack of a file with two layers" "$plyboot" stack --name s --version 1 both.layer
is "... has both" "$(grep -c '^layer ' store/stacks/s-1.stack)" 2

is "ls of a stack" "$("$plyboot" ls s-1)" 'bin
escape
etc
evil\x1b[2J\nname'
is "... in full: modes from below what is only implied" "$("$plyboot" ls -l s-1)" \
	'  2 drwxr-xr-x   1     0     0          0 2023-11-14T22:13:20Z bin
  1 lrwxrwxrwx   1     0     0         17 2023-11-14T22:13:20Z escape -> ../../../etc/conf
  2 drwxr-x---   1     0     7          0 2023-11-14T22:13:20Z etc
  1 -rw-r--r--   1     0     0          0 2023-11-14T22:13:20Z evil\x1b[2J\nname'
is "... of all below" "$("$plyboot" ls -R s-1 | xargs -d '\n')" 'bin escape etc etc/conf etc/twin evil\x1b[2J\nname'
is "--recursive is -R" "$("$plyboot" ls --recursive s-1 etc)" $'conf\ntwin'
is "ls of a layer shows its whiteouts" "$("$plyboot" ls -R high.layer | xargs)" \
	"bin bin/.wh..wh..opq etc etc/conf .wh.null"
has "... and their lines in full" <("$plyboot" ls -l high.layer) '^w--------- .* \.wh\.null$'
has "... a device's numbers" <("$plyboot" ls -l low.layer) '^crw-rw-rw- .* 1, 3 .* null$'
has "... a setuid bit" <("$plyboot" ls -l low.layer bin) '^-rwsr-xr-x .* 100000 .* tool$'
is "ls of a stack file" "$("$plyboot" ls store/stacks/s-1.stack /etc)" $'conf\ntwin'
is "ls of a file with both layers" "$("$plyboot" ls both.layer etc)" $'conf\ntwin'
is "ls of a file" "$("$plyboot" ls s-1 /etc/conf)" conf
is "ls of a symlink is itself" "$("$plyboot" ls s-1 escape)" escape
is "ls --json: one object a line" "$("$plyboot" ls --json s-1 etc/conf)" \
	'{"path":"/etc/conf","type":"file","layer":2,"mode":"0644","uid":0,"gid":0,"mtime":1700000000,"mtime_ns":0,"names":1,"size":5,"hides":[1]}'
is "names are the same in a pipe and on a terminal" \
	"$(script -qec "'$plyboot' ls s-1" /dev/null </dev/null | tr -d '\r')" "$("$plyboot" ls s-1)"

is "cat" "$("$plyboot" cat s-1 etc/conf)" high
is "... by a symlink out of the tree, which stays in it" "$("$plyboot" cat s-1 escape)" high
is "... the other name of what was replaced" "$("$plyboot" cat s-1 etc/twin)" low
is "... several, in their order" "$("$plyboot" cat s-1 etc/twin etc/conf etc/twin | xargs)" "low high low"
is "... by a symlink beside it" "$("$plyboot" cat low.layer bin/sh | sha256sum)" "$(head -c 100000 /dev/zero | tr '\0' x | sha256sum)"
refuses "cat of a directory" 1 TYPE "$plyboot" cat s-1 etc
refuses "cat of a device" 1 TYPE "$plyboot" cat low.layer null
refuses "cat of what is not there" 3 MISSING "$plyboot" cat s-1 etc/nowhere
refuses "cat of what was removed" 3 MISSING "$plyboot" cat s-1 null
refuses "cat of what was hidden" 3 MISSING "$plyboot" cat s-1 bin/tool
refuses "cat of a whiteout" 3 MISSING "$plyboot" cat high.layer null
refuses "cat through a file" 1 TYPE "$plyboot" cat s-1 etc/conf/x
refuses "ls of what is not there" 3 MISSING "$plyboot" ls s-1 nowhere
refuses "ls of a stack that is not there" 3 MISSING "$plyboot" ls s-2
refuses "ls of a file that is none of ours" 1 FORMAT "$plyboot" ls ./make.py
refuses "ls of a name that can't be one" 2 USAGE "$plyboot" ls "$(printf '%0200d' 0)"
"$plyboot" cat low.layer bin/tool >/dev/full 2>"$work/err"
is "cat to a full disk" $? 3

# --- inspect
"$plyboot" inspect s-1 >"$work/inspect"
has "inspect of a stack: what a layer adds" "$work/inspect" '^  added          10 entries, 100004 bytes$'
has "... changes" "$work/inspect" '^  changed        1 entry, 5 bytes$'
has "... removes" "$work/inspect" '^  removed        3 entries, 100000 bytes$'
has "... which hides what" "$work/inspect" '^  layer 2 hides of layer 1: 4 entries, 100000 bytes$'
has "... the biggest of it" "$work/inspect" '^ +100000  /bin/tool  \(layer 1, hidden by 2\)$'
has "... what takes the room" "$work/inspect" '^ +9  /etc  \(layer 2\)$'
is "inspect of a layer: its whiteouts" "$("$plyboot" inspect high.layer | sed -n 's/^  whiteouts *//p')" 1
is "inspect of a file with both layers" "$("$plyboot" inspect --json both.layer | python3 -c '
import json, sys
print([layer["added"]["bytes"] for layer in json.load(sys.stdin)["layers"]])')" "[100004, 0]"
refuses "--json of what is neither" 2 USAGE "$plyboot" inspect --json k.pub
mkdir bare && cp high.layer bare/
ok "without the blobs, inspect says what the file says" bash -c 'cd bare && "$0" inspect high.layer' "$plyboot"
has "... the digest" "$work/out" "$(of high.layer layer)"
is "... and no more" "$(grep -c . "$work/out")" 7
ok "... in JSON too" bash -c 'cd bare && "$0" inspect --json high.layer' "$plyboot"
is "... without contents" "$(grep -c contents "$work/out")" 0
refuses "ls needs them" 3 MISSING bash -c 'cd bare && "$0" ls high.layer' "$plyboot"

# --- .layer files of several layers
sed 's/^entries .*/entries x/' high.layer | cat low.layer - >wrong.layer
refuses "a second record that is none" 1 FORMAT "$plyboot" stack --name w --version 1 wrong.layer
head -c -10 both.layer >cut.layer
refuses "... that is cut" 1 FORMAT "$plyboot" ls ./cut.layer
python3 -c 'print(open("high.layer").read() * 500, end="")' >many.layer
refuses "500 layers" 1 LIMIT "$plyboot" stack --name w --version 1 many.layer

# --- as /init refuses, so do they
damage() { # CODE WHAT FIELD BY
	sed "s/^$3 .*/$3 $(($(of low.layer "$3") + $4))/" low.layer >wrong.layer
	for verb in "ls wrong.layer" "cat wrong.layer etc/conf" "inspect wrong.layer"; do
		# shellcheck disable=SC2086 # words
		refuses "$2: ${verb%% *}" 1 "$1" "$plyboot" $verb
	done
}
damage LIMIT "more entries than are signed for" entries -1
damage SIZE "fewer" entries 1
damage LIMIT "more bytes" unpacked -1
flip "$(blob high.layer)" 20
refuses "a bit of a blob: ls" 1 DIGEST "$plyboot" ls s-1
refuses "a bit of a blob: cat, of the other layer even" 1 DIGEST "$plyboot" cat s-1 etc/twin
is "... and no byte came out" "$(wc -c <"$work/out")" 0
refuses "a bit of a blob: inspect" 1 DIGEST "$plyboot" inspect s-1
"$plyboot" pack --compress gzip -o high.layer high.tar >/dev/null

# hostile NAME CODE: a layer that pack would refuse, put into the store by hand
hostile() {
	python3 - "$1" <<-'EOF' || return
		import hashlib, io, struct, sys, tarfile
		what = sys.argv[1]
		out = io.BytesIO()
		with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
		    member = tarfile.TarInfo({"path": "../x", "whiteout": "a/.wh."}.get(what, "x"))
		    if what == "xattr":
		        member.pax_headers = {"SCHILY.xattr.trusted.overlay.opaque": "y"}
		    if what == "link":
		        member.type, member.linkname = tarfile.LNKTYPE, "nowhere"
		    archive.addfile(member)
		tar = bytearray(out.getvalue())
		if what == "type":
		    tar[156:157] = b"7"
		    tar[148:156] = b" " * 8
		    tar[148:156] = b"%06o\0 " % sum(tar[:512])
		table = b"plyboot pieces 1" + struct.pack("<QQQ", 1, len(tar), len(tar)) + hashlib.sha256(tar).digest()
		names = [hashlib.sha256(blob).hexdigest() for blob in (tar, table)]
		for name, blob in zip(names, (tar, table)):
		    with open("store/blobs/sha256/" + name, "wb") as file:
		        file.write(blob)
		with open("hostile.layer", "w") as file:
		    file.write(f"layer sha256:{names[0]}\nmedia-type application/vnd.oci.image.layer.v1.tar\nstored {len(tar)}\n"
		               f"unpacked 0\nentries 1\nlargest-piece {len(tar)}\nuser-xattrs none\npieces sha256:{names[1]}\n")
	EOF
	refuses "a hostile layer ($1): ls" 1 "$2" "$plyboot" ls hostile.layer
	refuses "a hostile layer ($1): inspect" 1 "$2" "$plyboot" inspect hostile.layer
}
hostile path PATH
hostile whiteout WHITEOUT
hostile xattr XATTR
hostile type TYPE
hostile link PATH

# --- as an ordinary user, who may not even write where the store is
chmod -R a+rX .
ok "an ordinary user: ls" as_nobody "$plyboot" ls -l -R s-1
is "... is told the same" "$(cat "$work/out")" "$("$plyboot" ls -l -R s-1)"
ok "an ordinary user: cat" as_nobody "$plyboot" cat s-1 etc/twin
ok "an ordinary user: inspect" as_nobody "$plyboot" inspect s-1
is "nothing is left of a cat that is cut short" "$("$plyboot" cat low.layer bin/tool | head -c 1; ls -A "$TMPDIR")" x
finish
