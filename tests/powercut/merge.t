#!/bin/bash
# A trial was confirmed, and the next boot merges what it wrote into the upper: whatever a power cut leaves of that shows
# what the trial showed, and the boot after it ends it. PLYBOOT_STATES (800), PLYBOOT_BOOTED (6), PLYBOOT_SEED.
# shellcheck source=tests/powercut/lib.sh
. "$(dirname "$0")/lib.sh"
echo "# seed $seed"
device
merging=$top/tests/powercut/merging.py

# live VERSION: it boots and does what it does, and is confirmed
live() {
	APPEND=powercut.do=live boot "$work/device" "$work/console" --disk "$work/source" || return 1
	[ "$(booted_version "$work/console")" = "$1" ] && confirm_on "$work/device/disk" "test-$1"
}
check "version 1 lives, and is confirmed" live 1
on_partition "$work/device/disk" plyboot-layers "write $work/store/stacks/test-2.stack /stacks/test-2.stack" \
	"$(for blob in "$work"/store/blobs/sha256/*; do echo "write $blob /blobs/sha256/${blob##*/}"; done)"
check "version 2 lives on trial, and is confirmed" live 2
check "  on trial" grep -q 'upper persistent (on trial)' "$work/console"

# The layers of version 2, as overlayfs has them below.
mkdir "$work/layers"
for part in base app2 more2; do cp -a "$work/$part/." "$work/layers/"; done
chown -R 0:0 "$work/layers"

check "the boot that merges is recorded" record_operation merge "$work/device/disk"
check "  it does" grep -q 'the trial of test 2 is over: its changes are kept' "$work/console"
check "  and shows what the trial showed" python3 "$merging" shows "$work/merge.disk" "$work/merge.base" "$work/layers"
judged_merge() {
	python3 "$merging" judge "$work/merge.base" "$work/merge.writes" "$work/layers" "${PLYBOOT_STATES:-800}" "$seed"
}
status=0
judged_merge >"$work/judged" 2>&1 || status=$?
if [ $status -eq 0 ]; then pass "  $(tail -n 1 "$work/judged")"; else fail "  (seed $seed)" "$work/judged"; fi

# ends_it DIRECTORY: the next boot
ends_it() {
	ln -s "$work/device/initramfs" "$1/initramfs"
	boot "$1" "$1/console" && [ "$(booted_version "$1/console")" = 2 ] &&
		python3 "$merging" shows "$1/disk" "$work/merge.base" "$work/layers"
}
mkdir "$work/picked"
python3 "$powercut" pick "$work/merge.base" "$work/merge.writes" "$plyboot" "$work/key.pub" "${PLYBOOT_BOOTED:-6}" "$seed" \
	"$work/picked" >"$work/picks"
while read -r number _ state; do
	check "  the boot after it: $state" ends_it "$work/picked/$number"
	rm -r "$work/picked/$number"
done <"$work/picks"
finish
