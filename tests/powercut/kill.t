#!/bin/bash
# P9: a guest killed at any time of a boot, or of an install, boots again: QEMU gets SIGKILL at random moments, one after
# another on one and the same disk. PLYBOOT_COUNT (30) times, half of them in each, two devices at a time.
# shellcheck source=tests/powercut/lib.sh
. "$(dirname "$0")/lib.sh"
cuts=${PLYBOOT_COUNT:-30}
device

# on_device NAME DO CUTS: a device that is confirmed at version 1 is cut so often; after each cut it boots, and does what
# was cut short once more. What went wrong is in $work/NAME.bad.
on_device() {
	local name=$1 do=$2 cuts=$3 here=$work/$1 most cut after late=0 version
	APPEND=powercut.do=$do
	more=()
	[ "$do" != install ] || more=(--disk "$work/source")
	mkdir "$here"
	ln -s "$work/device/initramfs" "$here/initramfs"
	cp --sparse=always "$work/first.disk" "$here/fresh"
	confirm_in "$here" fresh test-1
	for ((cut = 0; cut < cuts; cut++)); do
		cp --sparse=always "$here/fresh" "$here/disk"
		if [ "$cut" -eq 0 ]; then
			most=$(seconds_of "$here" "${more[@]}") || { echo "the first one fails" >>"$here.bad"; return; }
			cp --sparse=always "$here/fresh" "$here/disk"
		fi
		after=$(random_below "$most")
		cut_boot "$here" "$after" "$here/console" "${more[@]}" || late=$((late + 1))
		APPEND='' boot "$here" "$here/console" || bad_cut "no verdict after"
		version=$(booted_version "$here/console") || bad_cut "no report after"
		[ "$version" = 1 ] || [ "$do" = install ] || bad_cut "version $version after"
		if [ "$do" = install ]; then
			boot "$here" "$here/console" "${more[@]}" || bad_cut "no second install after"
		fi
		python3 "$powercut" look "$here/disk" "$plyboot" "$work/key.pub" >"$here/look" 2>&1 || bad_cut "no look after"
		! grep -E '^(record invalid|refused)|^state [^g]' "$here/look" >>"$here.bad" || bad_cut "that after"
		grep -qx 'test-1 confirmed' "$here/look" || bad_cut "the confirmation is lost after"
		[ "$do" != install ] || grep -qx 'layers test-1.stack test-2.stack' "$here/look" || bad_cut "stacks are missing after"
	done
	echo "$((cuts - late)) of $cuts cut within $most s" >"$here.said"
	[ $(((cuts - late) * 3)) -ge "$cuts" ] || echo "only $(cat "$here.said"): that shows nothing" >>"$here.bad"
}

bad_cut() {
	echo "$1 a cut after $after s" >>"$here.bad"
	tail -n 5 "$here/console" "$here/look" >>"$here.bad" 2>&1 || true
}

# confirm_in DIRECTORY DISK STACK: confirm_on, while others do the same
confirm_in() {
	partition_copy "$1/$2" plyboot-record "$1/record"
	python3 "$top/tests/boot/confirm.py" "$1/record" "$work/store/stacks/$3.stack"
	partition_put "$1/$2" plyboot-record "$1/record"
}

check "the first boot" boot "$work/device" "$work/console"
mv "$work/device/disk" "$work/first.disk"
on_device boots first $((cuts - cuts / 2)) &
one=$!
on_device installs install $((cuts / 2)) &
other=$!
wait "$one" "$other" || true
for name in boots installs; do
	if [ ! -s "$work/$name.bad" ] && [ -s "$work/$name.said" ]; then
		pass "killed at random moments of $name, it boots and does it then: $(cat "$work/$name.said")"
	else
		fail "killed at random moments of $name" "$work/$name.bad"
	fi
done
finish
