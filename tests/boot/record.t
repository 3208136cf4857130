#!/bin/bash
# The record: a try is written before the first layer is read, and survives what comes after.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

payload "$work/root"
"$plyboot" pack --store "$work/store" -o "$work/root.layer" "$work/root" >"$work/pack.log" 2>&1
build_image "$work/good" -- "$work/root.layer"

# record_says TEXT: what inspect shows of the record partition
record_says() {
	dd if="$work/good/disk" of="$work/record" bs=1M iflag=skip_bytes,count_bytes status=none \
		skip="$(partition_field "$work/good/disk" plyboot-record start)" count=2097152
	"$plyboot" inspect "$work/record" | tee "$work/record.txt" | grep -q "$1" ||
		{ cat "$work/record.txt"; return 1; }
}

boots "first boot" "$work/good"
check "one try is gone" record_says '2 tries left'
boots "second boot" "$work/good"
check "two tries are gone" record_says '1 try left'

# The layer's blob is damaged: the try is counted although the first piece already fails.
flip "$work/good/disk" "/blobs/sha256/$(sed -n 's/^layer sha256://p' "$work/root.layer")" 100
refuses "a damaged layer" "$work/good" DIGEST "piece 1 of"
check "its try is counted all the same" record_says '0 tries left'

# What is wrong with the record itself is said, and never in the way.
mkdir "$work/bad"
ln "$work/good/initramfs" "$work/bad/initramfs"
make_image "$work/bad"
boots "a fresh disk" "$work/bad"
boots "  and again: both copies are written" "$work/bad"
start=$(partition_field "$work/bad/disk" plyboot-record start)
dd if=/dev/urandom of="$work/bad/disk" bs=512 count=1 seek=$((start / 512 + 2)) conv=notrunc status=none
boots "the newer copy is damaged" "$work/bad"
says "  the other counts" "WARNING: record on /dev/vda2: copy 0 is bad, the other counts: the CRC does not match"
says "  with the tries that it knows of" "stack test 1, .*, 1 try left"
for copy in 0 1; do
	dd if=/dev/urandom of="$work/bad/disk" bs=512 count=1 seek=$((start / 512 + 2048 * copy)) conv=notrunc status=none
done
boots "both copies are damaged" "$work/bad"
says "  it starts anew" "WARNING: record on /dev/vda2: both copies are bad, starting anew: .*not a record"
says "  and counts" "stack test 1, .*, 2 tries left"
boots "the next boot writes the other copy" "$work/bad"
boots "and then it is as ever" "$work/bad"
reports "  good" 'r["record"] == "good" and r["warnings"] == []'
finish
