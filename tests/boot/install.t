#!/bin/bash
# A device installs version 2 onto its own layers partition and runs it after the next start. With no room there, or
# no inodes, it says how much it needs, loses nothing, and boots.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/boot/installing.sh
. "$(dirname "$0")/installing.sh"
device 2000

# at_step STEP NAME: a boot of the device, in which the guest does that
at_step() {
	APPEND="test.step=$1" boots "$2" "$work/device" "${stick[@]}"
}
# shows NAME PATTERN: the guest's words
shows() {
	check "$1" grep -qE "$2" < <(tr -d '\r' <"$work/console")
}
version() {
	reports "  version $1 runs" "r['version'] == $1"
}

at_step full "a full layers partition"
version 1
shows "  install names both numbers" 'NOSPACE: test-2.stack needs [0-9]+ bytes on the store.s file system, and there are [0-9]+ free'
shows "  and says what to do" 'plyboot gc --device'
at_step inodes "no free inodes there"
version 1
shows "  install names both numbers" 'NOSPACE: test-2.stack needs [0-9]+ inodes on the store.s file system, and there are [0-9]+ free'
at_step emptied "with room again"
version 1
shows "  it is installed" '^next boot: test version 2, on trial: 3 of 3 tries left'

make_image "$work/device" --stack test-1
at_step install "version 1 installs version 2"
version 1
shows "  from the stick's tar" '^written: [0-9]+ bytes in [0-9]+ blobs$'
shows "  what was there is not written" '^there already: [0-9]+ bytes in [0-9]+ blobs$'
shows "  says what boots next" '^next boot: test version 2, on trial: 3 of 3 tries left'
at_step again "the next start"
version 2
shows "  has nothing more to do" '^nothing to do: test-2.stack is there, whole'
finish
