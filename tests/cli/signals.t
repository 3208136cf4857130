#!/bin/bash
# A signal at each call with which something becomes lasting or visible: all of it is there and the status is 0, or
# nothing is and the signal is the status.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
export PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1
# Under a tracer there is no looking for leaks.
export ASAN_OPTIONS=detect_leaks=0

python3 -c '
from oci_images import *
layout = Layout("image")
layout.add(layout.image([tar_of({"name": "bottom\n"}, "gzip"), tar_of({"top": "top\n"}, "gzip")]), "it")'
tar -C image -cf image.tar .
mkdir tree
echo content >tree/file
"$plyboot" keygen -o k >/dev/null
for version in 1 2; do
	"$plyboot" pack --store store -o layer tree >/dev/null
	"$plyboot" stack --store store --name it --version $version layer >/dev/null
done

# At call K of its kind: with the first one after the last, none comes.
traced() { # CALL K COMMAND...
	local call=$1 k=$2
	shift 2
	strace -qq -o "$work/trace" -e trace="$call" -e inject="$call:signal=TERM:when=$k" "$@"
}

at_each() { # NAME COMMAND...
	local name=$1 before call k calls status taken_back=0 done=0
	shift
	cp -a . "$work/saved"
	before=$(snapshot | cut -d ' ' -f 1-3)
	for call in fsync linkat renameat2; do
		strace -qq -o "$work/trace" -e trace="$call" "$@" >"$work/out" 2>"$work/err" || {
			fail "$name: $?" "$work/err"
			return
		}
		calls=$(grep -c "$call(" "$work/trace")
		after=$(snapshot | cut -d ' ' -f 1,2)
		for ((k = 1; k <= calls; k++)); do
			find . -mindepth 1 -delete
			cp -a "$work/saved/." .
			traced $call $k "$@" >"$work/out" 2>"$work/err"
			status=$?
			if [ $status -eq 0 ] && [ "$(snapshot | cut -d ' ' -f 1,2)" = "$after" ]; then
				done=$((done + 1))
			elif [ $status -eq 143 ] && [ "$(snapshot | cut -d ' ' -f 1-3)" = "$before" ] &&
				[ -z "$(find "$TMPDIR" -mindepth 1)" ]; then
				taken_back=$((taken_back + 1))
			else
				diff <(echo "$before") <(snapshot | cut -d ' ' -f 1-3) >"$work/changed"
				fail "$name: $call $k of $calls: status $status" "$work/err" "$work/changed"
			fi
		done
		find . -mindepth 1 -delete
		cp -a "$work/saved/." .
	done
	rm -rf "$work/saved"
	# The last one always finds all of it done, and the first nothing.
	if [ $taken_back -gt 0 ] && [ $done -gt 0 ]; then
		pass "$name: taken back $taken_back times, done $done times"
	else
		fail "$name: taken back $taken_back times, done $done times"
	fi
}
at_each "pack, a new store" "$plyboot" pack --store new -o x.layer tree
at_each "pack, a store that is there" "$plyboot" pack --store store -o x.layer image
at_each "import of a directory" "$plyboot" import --store store --name it -o x.layer image
at_each "import of an archive" "$plyboot" import --store new --name it -o x.layer image.tar
at_each "export to an archive" "$plyboot" export --store store it-1 x.tar
at_each "sign" "$plyboot" sign --key k.key store/stacks/it-2.stack
at_each "image" "$plyboot" image --store store -o x.img
finish
