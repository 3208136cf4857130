#!/bin/bash
# When something goes wrong on the way: what was there stays, what was begun is gone.
# shellcheck disable=SC2016 # for another shell to expand
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir src && echo hello >src/file
"$plyboot" keygen -o k >/dev/null
"$plyboot" pack -o a.layer src >/dev/null
"$plyboot" stack --name t --version 1 a.layer >/dev/null
"$plyboot" sign --key k.key store/stacks/t-1.stack >/dev/null

# --- what may not be replaced
mknod null c 1 3
mkfifo fifo
mkdir dir
ln -s null link
for name in null fifo dir link; do
	refuses "an output that is there and no file: $name" 2 USAGE "$plyboot" pack -o $name src
done
refuses "nor by initramfs" 2 USAGE "$plyboot" initramfs --pub k.pub -o null
refuses "nor by image" 2 USAGE "$plyboot" image -o null
mkdir empty
refuses "a directory that was to become a store is still there" 2 USAGE "$plyboot" pack --store empty -o null src
refuses "a store in what is packed" 2 USAGE "$plyboot" pack -o x.layer .
cp -a src changed && echo more >changed/more
refuses "... or compared" 2 USAGE "$plyboot" diff --store changed/store -o x.layer src changed

# --- no room
mkdir full && unshare -m true 2>/dev/null && has_mounts=yes
is "this test can mount" "${has_mounts-}" yes
# on_full OPTIONS NAME STATUS CODE COMMAND...: `full` is a small file system; nothing may be left there
on_full() {
	local options=$1
	shift
	# shellcheck disable=SC2317 # by `refuses`
	within() {
		unshare -m bash -c 'mount -t tmpfs -o "$1" none full; shift; "$@"; status=$?
			find full -mindepth 1 >"$0"; exit $status' "$work/left" "$options" "$@"
	}
	refuses "$1" "$2" "$3" within "${@:4}"
	is "... and leaves nothing there" "$(cat "$work/left")" ""
}
mkdir big && head -c 3000000 /dev/urandom >big/file
mkdir many && (cd many && touch {1..200})
"$plyboot" pack --store bigstore -o big.layer big >/dev/null
"$plyboot" stack --store bigstore --name big --version 1 big.layer >/dev/null
on_full size=1m "a store without room" 3 NOSPACE "$plyboot" pack --store full/store -o x.layer big
on_full size=1m,nr_inodes=20 "TMPDIR without room" 3 NOSPACE env TMPDIR=full "$plyboot" pack -o x.layer many
on_full size=1m "no room for an image" 3 NOSPACE "$plyboot" image --store bigstore -o full/x.img
has "... says how much it needs" "$work/err" 'needs [0-9]+ bytes, and there is room for [0-9]+'
on_full size=64k "no room for an initramfs" 3 NOSPACE "$plyboot" initramfs --pub k.pub -o full/x.cpio
on_full size=4k,nr_inodes=2 "no room for both keys" 3 NOSPACE "$plyboot" keygen -o full/n
refuses "a limit on the size of files" 3 IO bash -c 'ulimit -f 100; trap "" XFSZ; "$0" pack -o x.layer big' "$plyboot"

# --- signals
python3 -c '
import os
os.mkdir("long")
for i in range(8000):
    open(f"long/{i}", "w").close()'
head -c 60000000 /dev/zero >long/zeros
# ended_by SIGNAL NAME COMMAND...: with everything back in its place, at whatever moment it comes
ended_by() {
	local signal=$1 name=$2 before delay status seen=
	shift 2
	before=$(snapshot)
	for delay in 0.01 0.05 0.15 0.3 0.5; do
		"$@" >"$work/out" 2>"$work/err" &
		sleep $delay
		kill -"$signal" $! 2>/dev/null
		wait $!
		status=$?
		if [ $status -eq 0 ] || [ -e x.layer ] || [ -e x.img ]; then
			# It was faster; or the signal came before the shell's child was the command, and was the shell's.
			rm -rf new x.layer x.img
			continue
		elif [ $status -ne $((128 + $(kill -l "$signal"))) ]; then
			fail "$name: status $status" "$work/err"
			return
		elif [ "$before" != "$(snapshot)" ] || [ -n "$(find "$TMPDIR" -mindepth 1)" ]; then
			diff <(echo "$before") <(snapshot) >"$work/changed"
			fail "$name: something was left behind after $delay s" "$work/changed"
			return
		fi
		seen="$seen $delay"
	done
	if [ -n "$seen" ]; then pass "$name (after$seen s)"; else fail "$name: it was too fast"; fi
	rm -rf new x.layer x.img
}
ended_by TERM "pack is ended" "$plyboot" pack --store new -o x.layer long
ended_by HUP "pack of a pipe is ended" bash -c 'exec "$0" pack --store new -o x.layer - < <(sleep 9)' "$plyboot"
"$plyboot" pack --store longstore -o long.layer long >/dev/null
"$plyboot" stack --store longstore --name l --version 1 long.layer >/dev/null
"$plyboot" sign --key k.key longstore/stacks/l-1.stack >/dev/null
ended_by TERM "verify is ended" "$plyboot" verify --store longstore --pub k.pub
ended_by TERM "image is ended" "$plyboot" image --store longstore -o x.img
"$plyboot" verify --store longstore --pub k.pub 2>"$work/err" | true
is "a pipe that closes ends it, too" "$(find "$TMPDIR" -mindepth 1)" ""

# --- standard descriptors
"$plyboot" keygen -o closed >&- 2>"$work/err"
is "standard output is closed: status" $? 3
ok "... and what was made is whole" openssl pkey -in closed.key -check -noout
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("src/socket")'
ok "a warning" "$plyboot" pack --store s1 -o c1.layer src
ok "a warning that nobody can read" bash -c '"$0" pack --store s2 -o c2.layer src <&- >&- 2>&- || [ $? = 3 ]' "$plyboot"
ok "... is in no file" cmp c1.layer c2.layer
ok "... of the store, either" diff -r s1 s2
finish
