#!/bin/bash
# A reset was asked for, and the next boot does it: whatever a power cut leaves of that is as before or reset, and once the
# boot after it has begun it is reset: what is kept is there, and nothing else. PLYBOOT_STATES (400), PLYBOOT_BOOTED (3),
# PLYBOOT_SEED.
# shellcheck source=tests/powercut/lib.sh
. "$(dirname "$0")/lib.sh"
echo "# seed $seed"
# shellcheck disable=SC2034 # read by device
stack_options=(--persist /var/lib/x --persist /var/lib/y)
mkdir -p "$work/base/old" "$work/base"/var/lib/{x,y}
echo image | tee "$work/base/old/file" "$work/base/var/lib/x/file" >/dev/null
device
resetting=$top/tests/powercut/resetting.py

asks() {
	APPEND=powercut.do=ask_reset boot "$work/device" "$work/console" --disk "$work/source"
}
check "a device is written to, and is to be reset" asks
check "the boot that does it is recorded" record_operation reset "$work/device/disk"
check "  it does" grep -q 'warning: test was reset: [0-9]* names* of its upper and 1 persistent path are kept' "$work/console"
check "  and leaves what is kept, and nothing else" python3 "$resetting" finished "$work/reset.disk" "$work/reset.base"
status=0
python3 "$resetting" judge "$work/reset.base" "$work/reset.writes" "$top/build/x86_64/carry-out" "${PLYBOOT_STATES:-400}" "$seed" \
	>"$work/judged" 2>&1 || status=$?
if [ $status -eq 0 ]; then pass "  $(tail -n 1 "$work/judged")"; else fail "  (seed $seed)" "$work/judged"; fi
sed '$d; s/^/# /' "$work/judged"

# ends_it DIRECTORY: the next boot
ends_it() {
	ln -s "$work/device/initramfs" "$1/initramfs"
	boot "$1" "$1/console" && [ "$(booted_version "$1/console")" = 1 ] &&
		python3 "$resetting" finished "$1/disk" "$work/reset.base"
}
mkdir "$work/picked"
python3 "$powercut" pick "$work/reset.base" "$work/reset.writes" "$plyboot" "$work/key.pub" "${PLYBOOT_BOOTED:-3}" "$seed" \
	"$work/picked" >"$work/picks"
while read -r number _ state; do
	check "  the boot after it: $state" ends_it "$work/picked/$number"
	rm -r "$work/picked/$number"
done <"$work/picks"
finish
