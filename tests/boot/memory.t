#!/bin/bash
# P12: too little RAM is a clear message, with what is needed and what is there, and the next rung; never a panic, never an
# OOM kill of process 1 (which lib.sh finds in every boot). First a ladder of stacks that need more and more, then the
# demo, from 64 MiB up until it boots.
#
# PLYBOOT_COUNT boots of the ladder (10), from 64 to 512 MiB; the demo from PLYBOOT_FROM (64) on, PLYBOOT_STEP MiB (32) apart.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

wanted=${PLYBOOT_COUNT:-10}
step=${PLYBOOT_STEP:-32}
done_boots=0 failures=0

# result NAME WHY: one boot is done; WHY is empty when it was as it should be
result() {
	done_boots=$((done_boots + 1))
	if [ -z "$2" ]; then
		pass "$1"
		return
	fi
	failures=$((failures + 1))
	fail "$1: $2" "$work/console"
}

# shortages: of the last boot's console, "NEED HAVE" a line for each stack that lacked memory
shortages() {
	tr -d '\r' <"$work/console" |
		sed -n 's/^plyboot: ERROR test-[0-9]*\.stack: NOSPACE: the layers need \([0-9]*\) MiB of memory, \([0-9]*\) MiB are available$/\1 \2/p'
}

# --- a ladder: 3 needs 240 MiB, 2 needs 120, 1 little

payload "$work/root"
pack root
for version in 2 3; do
	mkdir -p "$work/large-$version/data"
	for ((file = 0; file < (version - 1) * 10; file++)); do
		truncate -s 12M "$work/large-$version/data/$file"
		echo "$version" >>"$work/large-$version/data/$file"
	done
	pack "large-$version"
	make_stack test "$version" --upper volatile -- "$work/root.layer" "$work/large-$version.layer"
done
make_stack test 1 --upper volatile -- "$work/root.layer"
make_initramfs "$work/ladder"
make_image "$work/ladder"

best=0
for ((i = 0; i < wanted; i++)); do
	MEMORY=$((512 - (512 - 64) * (wanted - 1 - i) / (wanted > 1 ? wanted - 1 : 1)))
	status=0 why='' version=none
	boot "$work/ladder" "$work/console" --snapshot || status=$?
	if [ "$status" -ne 0 ]; then
		why="status $status"
	else
		version=$(tr -d '\r' <"$work/console" | sed -n 's/^  "version": \([0-9]*\),$/\1/p')
		# Each that was passed over says what it needs and what there is; with more memory no lower one boots.
		[ "$(shortages | awk '$1 > $2' | wc -l)" -eq $((3 - version)) ] || why="not $((3 - version)) messages with need and have"
		holds '[f["code"] for f in r["failed"]] == ["NOSPACE"] * (3 - r["version"])' >"$work/holds.log" 2>&1 || why+=" $(head -n 1 "$work/holds.log")"
		[ "$version" -ge "$best" ] || why+=" with less memory version $best booted"
		best=$version
	fi
	result "$MEMORY MiB: version $version$(shortages | sed 's/\(.*\) \(.*\)/, another needs \1 of \2/' | tr -d '\n')" "$why"
done
check "with the most memory the newest boots" [ "$best" -eq 3 ]

# --- the demo, on our own kernel

demo=$top/build/demo
rm -f "$work/key.pub"
cp "$demo/demo.pub" "$work/key.pub"
mkdir "$work/demo"
make_initramfs "$work/demo"
ln -s "$demo/demo.img" "$work/demo/disk"
memory=${PLYBOOT_FROM:-64}
while [ "$memory" -le 1024 ]; do
	status=0
	at_words "System halted" quit # the demo's stack says halt
	watcher=$!
	MEMORY=$memory TIME_LIMIT=300 APPEND="systemd.show_status=false demo.check" \
		boot "$work/demo" "$work/console" --snapshot "${monitor[@]}" || status=$?
	kill "$watcher" 2>/dev/null || true
	needs=$(tr -d '\r' <"$work/console" |
		sed -n 's/^plyboot: ERROR demo-1\.stack: NOSPACE: the layers need \([0-9]*\) MiB of memory, \([0-9]*\) MiB are available$/\1 \2/p')
	[ "$status" -ne 0 ] || break
	why=
	[ "$status" -eq 120 ] || why="status $status"
	echo "$needs" | awk '{ good = $1 > $2 } END { exit !good }' || why+=" no message with need and have"
	grep -q '^plyboot: ERROR this system does not boot: NOSPACE: ' "$work/console" || why+=" no end for NOSPACE"
	result "the demo with $memory MiB: it needs ${needs% *} MiB, ${needs#* } are available" "$why"
	memory=$((memory + step))
done
result "the demo with $memory MiB: it boots" "$([ "$status" -eq 0 ] || echo "status $status")"
echo "# P12: $done_boots boots, $failures failures"
finish
