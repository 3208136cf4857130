#!/bin/bash
# QEMU is killed at random moments while the guest installs version 2. Whatever is on the layers partition then
# verifies; the device boots; a second install finishes; `gc` finds nothing that nobody names.
# PLYBOOT_COUNT: how often (5).
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/boot/installing.sh
. "$(dirname "$0")/installing.sh"
kills=${PLYBOOT_COUNT:-5}
device 6000

# on_layers COMMAND...: in the layers partition of the disk, its journal replayed
on_layers() {
	mkdir -p "$work/m"
	partition_copy "$work/twin/disk" plyboot-layers "$work/layers"
	# shellcheck disable=SC2016 # for the inner shell
	unshare -m bash -c 'mount -o loop "$1/layers" "$1/m" && cd "$1/m" && shift && "$@"' - "$work" "$@"
}
verifies() {
	on_layers "$plyboot" verify --store . --pub "$work/key.pub" all
}
# What a killed command left goes, all that stays is named, and nothing else is there.
look_for_orphans() {
	"$plyboot" gc --store . --grace 0
	"$plyboot" verify --store . --pub "$work/key.pub" all
	"$plyboot" store --store . --json >"$work/survey"
	ls -A . blobs blobs/sha256 stacks
	[ -z "$(find . -name '.?*' -print)" ] && [ -e stacks/test-2.stack ]
}
has_no_orphan() {
	export plyboot work
	export -f look_for_orphans
	on_layers bash -ec look_for_orphans || return
	python3 -c 'import json, sys; sys.exit(json.load(open(sys.argv[1]))["unnamed"]["count"])' "$work/survey"
}
now_ms() {
	echo $((${EPOCHREALTIME/./} / 1000))
}
# wait_for PATTERN: until the console shows it
wait_for() {
	until grep -qE "$1" "$work/console" 2>/dev/null; do
		kill -0 "$booting" 2>/dev/null || return 1
		sleep 0.02
	done
}
# begin: a copy of the device boots and begins to install
begin() {
	twin "$work/device"
	rm -f "$work/console" "$work/pid"
	APPEND="test.step=install" boot "$work/twin" "$work/console" "${stick[@]}" \
		--qemu-arg -pidfile --qemu-arg "$work/pid" &
	booting=$!
	wait_for '^installing'
}

begin
started=$(now_ms)
wait_for '^installed: 0'
took=$(($(now_ms) - started))
check "an install that nobody cuts, $took ms" wait "$booting"

cut=0
for i in $(seq "$kills"); do
	begin
	after=$((RANDOM * took / 32768))
	sleep "$((after / 1000)).$(printf %03d $((after % 1000)))"
	kill -KILL "$(cat "$work/pid")" 2>/dev/null || true
	wait "$booting" || true
	if ! grep -q '^installed' "$work/console"; then cut=$((cut + 1)); fi
	check "$i: killed after $after ms: what is there verifies" verifies
	APPEND="test.step=install" boots "  it boots, and installs" "$work/twin" "${stick[@]}"
	check "  no orphan after gc" has_no_orphan
done
check "$cut of $kills were cut in the midst of it" [ "$cut" -gt $((kills / 3)) ]
APPEND="test.step=again" boots "the last one starts again" "$work/twin" "${stick[@]}"
reports "  with version 2" "r['version'] == 2"
finish
