#!/bin/bash
# The harness of power cuts finds an fsync that is missing: one is left out at a time (planted.c), and some state that a
# power cut can leave must be bad then. Where ext4 makes it harmless, that is said with the reason, and not counted on.
# shellcheck source=tests/powercut/lib.sh
. "$(dirname "$0")/lib.sh"
echo "# seed $seed"
make -s -C "$top" build/x86_64/init-planted build/plyboot-planted >"$work/make.log" 2>&1
guest_plyboot=$top/build/plyboot-planted
states=${PLYBOOT_STATES:-100}
initramfs_options=(--init "$top/build/x86_64/init-planted")
device
check "the first boot" record_operation first "$work/device/disk"
holds_up first "  is good when nothing is left out"
cp --sparse=always "$work/first.disk" "$work/confirmed"
confirm_on "$work/confirmed" test-1
check "an install" record_operation install "$work/confirmed"
holds_up install "  is good when nothing is left out"

# finds KIND OPERATION BASE WHAT: states are bad, and say WHAT (an extended regular expression)
finds() {
	local status=0
	APPEND="powercut.planted=$1 PLANTED=$1" record_operation "$2" "$3" || { fail "  it runs" "$work/console.out"; return; }
	judged "$2" || status=$?
	if [ "$status" -eq 1 ] && grep -qE "$4" "$work/judged"; then
		pass "$2 without the fsync of: $1: found: $(tail -n 1 "$work/judged"): $(grep -m 1 -E "$4" "$work/judged" | cut -c 1-150)"
	else
		fail "$2 without the fsync of: $1: not found (status $status)" "$work/judged"
	fi
}

# harmless KIND OPERATION BASE WHY: no state is bad
harmless() {
	APPEND="powercut.planted=$1 PLANTED=$1" record_operation "$2" "$3" || { fail "$2 without $1" "$work/console.out"; return; }
	holds_up "$2" "$2 without the fsync of: $1"
	echo "# $4"
}

finds blobs install "$work/confirmed" '^test-2\.stack is there and refused'
finds stack install "$work/confirmed" '^test-2\.stack'
harmless stacks-directory install "$work/confirmed" \
	"install mounts the layers partition for itself: unmounting it, before the command ends, writes the stack file's name"
finds record first "$work/device/disk" '^the record has number 0'
finds upper first "$work/device/disk" 'the upper of test does not say what it was made for'
for kind in blobs-alone syncfs; do
	harmless $kind install "$work/confirmed" "install flushes each blob, then the file system, and then has the kernel read the blobs back"
done
harmless blobs-directory install "$work/confirmed" \
	"ext4 commits its journal in order: the fsync of the stack file, which comes later, makes the blobs' names durable, too"
finish
