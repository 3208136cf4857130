#!/bin/bash
# An upper is set aside, and another one is brought back: whatever a power cut leaves of that has each of them, whole and
# once, and the boot after it has one. PLYBOOT_STATES (150), PLYBOOT_BOOTED (2), PLYBOOT_SEED.
# shellcheck source=tests/powercut/lib.sh
. "$(dirname "$0")/lib.sh"
echo "# seed $seed"
initramfs_options=(--set 'upper-tries 1')
device
uppers=$top/tests/powercut/uppers.py

# boots_once DO: the device does it
boots_once() {
	APPEND=powercut.do=$1 boot "$work/device" "$work/console" --disk "$work/source"
}
# recorded NAME SAID: a boot in which one upper takes the place of another
recorded() {
	local status=0
	check "$1: the boot is recorded" record_operation "$1" "$work/device/disk"
	says "  in which it happens" "$2"
	python3 "$uppers" judge "$work/$1.base" "$work/$1.writes" "${PLYBOOT_STATES:-150}" "$seed" >"$work/judged" 2>&1 || status=$?
	if [ $status -eq 0 ]; then pass "  $(tail -n 1 "$work/judged")"; else fail "  (seed $seed)" "$work/judged"; fi
	mkdir "$work/picked"
	python3 "$powercut" pick "$work/$1.base" "$work/$1.writes" "$plyboot" "$work/key.pub" "${PLYBOOT_BOOTED:-2}" "$seed" \
		"$work/picked" >"$work/picks"
	while read -r number _ state; do
		check "  the boot after it: $state" comes_up "$work/picked/$number" "$1"
	done <"$work/picks"
	rm -r "$work/picked"
}
comes_up() { # DIRECTORY NAME
	ln -s "$work/device/initramfs" "$1/initramfs"
	boot "$1" "$1/console" && python3 "$uppers" has "$1/disk" "$work/$2.base" 1
}

check "a device lives" boots_once live
check "  and is confirmed" confirm_on "$work/device/disk" test-1
check "  at two boots" boots_once aside
check "  in a row" confirm_on "$work/device/disk" test-1
check "and then no more" boots_once aside
recorded aside "WARNING: THE UPPER IS SET ASIDE: 1 boot of test 1"
cp --sparse=always "$work/aside.disk" "$work/device/disk"
check "the device is confirmed again" confirm_on "$work/device/disk" test-1
check "  and asked for its old upper" boots_once ask
recorded restore "number 1 of the archive is the upper, as was asked"
finish
