#!/bin/bash
# Many power cuts in a row, at random moments of a boot, on one and the same device: the confirmed stack always boots; a
# good new one that never gets to be confirmed uses its tries up, and the confirmed one boots; and of a device that has
# only stacks that nobody confirmed one boots. PLYBOOT_COUNT (4) cuts each.
# shellcheck source=tests/powercut/lib.sh
. "$(dirname "$0")/lib.sh"
cuts=${PLYBOOT_COUNT:-4}
device
check "a first boot" boot "$work/device" "$work/console"
most=$(seconds_of "$work/device")
echo "# a boot takes $most s"

# cut_in_a_row DIRECTORY: so often, and says in the end which stack then boots and what the record has
cut_in_a_row() {
	local cut ended=0
	for ((cut = 0; cut < cuts; cut++)); do
		cut_boot "$1" "$(random_below "$most")" "$work/console" || ended=$((ended + 1))
		look_at "$1/disk"
		! grep -E '^(record invalid|refused)|^state [^g]' "$work/look" || return 1
	done
	[ $(((cuts - ended) * 3)) -ge "$cuts" ] || { echo "only $((cuts - ended)) of $cuts were cut: that shows nothing"; return 1; }
	boot "$1" "$work/console" || { tail -n 20 "$work/console"; return 1; }
	version=$(booted_version "$work/console")
	look_at "$1/disk"
	echo "version $version boots after $((cuts - ended)) cuts; $(tr '\n' ';' <"$work/look")" | tee "$work/row"
}

# falls_back DIRECTORY: as many boots as it has tries at most, which nobody confirms, and version 1 boots
falls_back() {
	local tries=0
	while [ "$version" != 1 ] && [ "$tries" -lt 4 ]; do
		boot "$1" "$work/console" || return 1
		version=$(booted_version "$work/console")
		tries=$((tries + 1))
	done
	look_at "$1/disk"
	sees 'test-2 0 left' && [ "$version" = 1 ]
}

unconfirmed_boots() {
	! grep confirmed "$work/look" && [[ $version = [12] ]]
}

# a_device NAME STACK...: with these, fresh
a_device() {
	local stack options=()
	mkdir "$work/$1"
	ln -s "$work/device/initramfs" "$work/$1/initramfs"
	for stack in "${@:2}"; do options+=(--stack "$stack"); done
	make_image "$work/$1" "${options[@]}"
}

a_device confirmed test-1
boot "$work/confirmed" "$work/console"
confirm_on "$work/confirmed/disk" test-1
check "cuts during boots of a good confirmed stack" cut_in_a_row "$work/confirmed"
echo "# $(cat "$work/row")"
check "  it boots, and is confirmed" sees 'test-1 confirmed'

# The record is another device's, of which version 1 is confirmed, too.
partition_copy "$work/confirmed/disk" plyboot-record "$work/confirmed.record"
a_device trial test-1 test-2
partition_put "$work/trial/disk" plyboot-record "$work/confirmed.record"
check "cuts during trials of a good new one" cut_in_a_row "$work/trial"
echo "# $(cat "$work/row")"
check "  the confirmed one is still that" sees 'test-1 confirmed'
check "  and boots, once the new one's tries are used up" falls_back "$work/trial"

a_device unconfirmed test-1 test-2
check "cuts on a device of which nothing was ever confirmed" cut_in_a_row "$work/unconfirmed"
echo "# $(cat "$work/row")"
check "  nothing is confirmed, and one boots all the same" unconfirmed_boots
finish
