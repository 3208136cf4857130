#!/bin/bash
# P8: a power cut at any write leaves a device that boots. Each operation is recorded by QEMU's blklogwrites; its disks
# after a cut, with dropped and torn writes, are judged by the kernel and the host command, and some of them are booted.
# PLYBOOT_STATES (3000) of them and PLYBOOT_BOOTED (40) in all, from PLYBOOT_SEED.
# shellcheck source=tests/powercut/lib.sh
. "$(dirname "$0")/lib.sh"
echo "# seed $seed"
device

# What is recorded: its script (do/), the disk before it, what it must have said, and in words. One line each.
operations=(
	"first|$work/device/disk|saved kept kept|the first boot of a new device"
	"install|$work/confirmed|there test-2.stack|an install on the running system"
	"confirm|$work/install.disk|confirmed test-2.stack|the confirmation of what was installed"
)
states=$((${PLYBOOT_STATES:-3000} / ${#operations[@]}))
booted=${PLYBOOT_BOOTED:-40}

# boot_one DIRECTORY VERSION: its disk must give a verdict, of this version
boot_one() {
	ln -s "$work/device/initramfs" "$1/initramfs"
	boot "$1" "$1/console" && [ "$(booted_version "$1/console")" = "$2" ] && rm -r "$1"
}

# boot_some NAME COUNT: random states of it, two at a time
boot_some() {
	local number version state pids=() pid
	mkdir "$work/picked"
	python3 "$powercut" pick "$work/$1.base" "$work/$1.writes" "$plyboot" "$work/key.pub" "$2" "$seed" "$work/picked" \
		>"$work/picks" || return 1
	while read -r number version state; do
		boot_one "$work/picked/$number" "$version" &
		pids+=($!)
		[ "${#pids[@]}" -lt 2 ] || { wait "${pids[0]}" || true; pids=("${pids[@]:1}"); }
	done <"$work/picks"
	for pid in "${pids[@]}"; do wait "$pid" || true; done
	# What booted as it should is gone.
	while read -r number version state; do
		[ -e "$work/picked/$number" ] || continue
		echo "version $version did not boot: $state"
		tail -n 20 "$work/picked/$number/console"
	done <"$work/picks"
	rmdir "$work/picked"
}

notices_a_bit() {
	cp --sparse=always "$work/$1.disk" "$work/other"
	python3 "$top/tests/cli/flip.py" "$work/other" 30000000
	! left=$work/other states=1 judged "$1" && grep -qx 'the log does not give the disk that QEMU left' "$work/judged"
}

for operation in "${operations[@]}"; do
	IFS='|' read -r name base said what <<<"$operation"
	[ "$name" != install ] || { cp --sparse=always "$work/first.disk" "$base" && confirm_on "$base" test-1; }
	check "$what is recorded" record_operation "$name" "$base"
	python3 "$powercut" marks "$work/$name.base" "$work/$name.writes" >"$work/marks"
	check "  and says so: $said" grep -qE "^[0-9]+ $said$" "$work/marks"
	check "  what is replayed is what QEMU left: one bit more is noticed" notices_a_bit "$name"
	holds_up "$name" "  whatever a power cut leaves of it is good"
	share=$((booted / ${#operations[@]} + (booted % ${#operations[@]} > 0)))
	check "  $share of these states boot, each the stack that it should" boot_some "$name" "$share"
done
finish
