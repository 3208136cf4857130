#!/bin/bash
# P10: I/O errors are survived. QEMU's blkdebug makes reads or writes of one place fail, for each place that a boot needs;
# what must come of it is exact: the next stack, a volatile upper, no try counted, or the defined end.
#
# PLYBOOT_COUNT boots: those of the tables here, and beyond them random places, by PLYBOOT_SEED, of which only something
# defined must come.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

wanted=${PLYBOOT_COUNT:-0}
RANDOM=$((${PLYBOOT_SEED:-$(od -An -N2 -tu2 /dev/urandom)} % 32768))

# A device: stack 1 is confirmed, 2 has been tried once; each has a layer of its own, and they share one.
payload "$work/root"
for version in 1 2; do
	mkdir -p "$work/own-$version/etc"
	head -c 300000 /dev/urandom >"$work/own-$version/etc/own"
	pack "own-$version" --compress none
done
pack root
for version in 1 2; do make_stack test "$version" -- "$work/root.layer" "$work/own-$version.layer"; done
make_initramfs "$work/device"
mkdir "$work/bare"
ln "$work/device/initramfs" "$work/bare/initramfs"
make_image "$work/device"
image=$work/device/disk
on_partition "$image" plyboot-layers "rm /stacks/test-2.stack"
boots "stack 1 boots" "$work/device"
partition_copy "$image" plyboot-record "$work/record"
python3 "$top/tests/boot/confirm.py" "$work/record" "$work/store/stacks/test-1.stack"
partition_put "$image" plyboot-record "$work/record"
on_partition "$image" plyboot-layers "write $work/store/stacks/test-2.stack /stacks/test-2.stack"
boots "and 2" "$work/device"
reports "  as it should" 'r["version"] == 2 and r["failed"] == r["refused"] == [] and r["upper"]["why"] is None'
# Once more, which the record does not know: the state's journal then has nothing of a first boot, whose directories
# would be read from there.
partition_copy "$image" plyboot-record "$work/record"
boots "  and once more" "$work/device"
partition_put "$image" plyboot-record "$work/record"
layers_start=$(partition_field "$image" plyboot-layers start)
record_start=$(partition_field "$image" plyboot-record start)
state_start=$(partition_field "$image" plyboot-state start)
pieces() { sed -n 's,^pieces sha256:,/blobs/sha256/,p' "$work/$1.layer"; }

# places PARTITION PLACES: byte ranges on the disk; of the record: 0 and 1, its copies; of the disk: sectors
places() {
	local place
	for place in $2; do
		case $1 in
		layers) python3 "$top/tests/boot/ext4_places.py" "$image" "$layers_start" "$place" ;;
		state) python3 "$top/tests/boot/ext4_places.py" "$image" "$state_start" "$place" ;;
		record) echo $((record_start + place * 1048576)) 4096 ;;
		whole) echo "$(partition_field "$image" "$place" start) $(partition_field "$image" "$place" size)" ;;
		disk) echo $((place * 512)) 512 ;;
		esac
	done
}

# fail_at read|write|flush ERRNO < RANGES: QEMU's blkdebug, for ${disk[@]}, has that for each sector of them (a flush has
# none). Below a raw format layer, as raw_disk has it, or it does nothing; with the iotype, or what fails once to be read
# can't be written either.
fail_at() {
	local start size at event=${1}_aio
	[ "$1" != flush ] || event=flush_to_disk
	while read -r start size; do
		for ((at = start / 512; at * 512 < start + size; at++)); do
			printf '[inject-error]\nevent = "%s"\niotype = "%s"\nerrno = "%s"\n' "$event" "$1" "$2"
			[ "$1" = flush ] || printf 'sector = "%s"\n' "$at"
		done
	done >"$work/blkdebug"
	cp --sparse=always "$image" "$work/faulty"
	raw_disk "blkdebug:$work/blkdebug:$work/faulty" ""
}

done_boots=0 failures=0
injected='I/O error|Input/output error|Read-only file system'

# result NAME GOOD: one boot is done, and was so or not
result() {
	done_boots=$((done_boots + 1))
	if [ -z "$2" ]; then
		pass "$1"
	else
		failures=$((failures + 1))
		fail "$1: $2" "$work/console"
	fi
}

# survives NAME PARTITION PLACES EVENT ERRNO EXPRESSION: it boots, boot.json is so, and the error was there
survives() {
	local status=0 why=
	fail_at "$4" "$5" < <(places "$2" "$3")
	APPEND="plyboot.wait=1 ${more:-}" boot "$work/bare" "$work/console" "${disk[@]}" || status=$?
	[ "$status" -eq 0 ] || why="status $status"
	holds "$6" >"$work/holds.log" 2>&1 || why+=" $(head -n 1 "$work/holds.log")"
	grep -qE "${control-$injected}" "$work/console" || why+=" no error was injected"
	result "$1" "$why"
}

# harmless ...: the same, of what is never read or written, so that there is no error to be seen
harmless() {
	control='' survives "$@"
}

# ends_with NAME PARTITION PLACES EVENT ERRNO CODE TEXT: nothing boots, for this reason, and it reboots
ends_with() {
	local status=0 why=
	fail_at "$4" "$5" < <(places "$2" "$3")
	APPEND="plyboot.wait=1 ${more:-}" boot "$work/bare" "$work/console" "${disk[@]}" || status=$?
	[ "$status" -eq 120 ] || why="status $status"
	tr -d '\r' <"$work/console" >"$work/said"
	grep -q "^plyboot: ERROR this system does not boot: $6: .*$7" "$work/said" || why+=" no $6: $7"
	grep -q '^plyboot: rebooting$' "$work/said" || why+=" it does not reboot"
	grep -qE "$injected" "$work/console" || why+=" no error was injected"
	result "$1" "$why"
}

boots_2='r["version"] == 2 and r["failed"] == r["refused"] == []'
as_ever="$boots_2 and r['record'] == 'good' and r['upper']['why'] is None"

# --- the layers partition: the disk or the whole of it

ends_with "GPT: header" disk 1 read 5 DEVICE "no block device is PARTLABEL=plyboot-layers"
ends_with "GPT: entries" disk 2 read 5 DEVICE "no block device is PARTLABEL=plyboot-layers"
ends_with "layers: superblock" layers superblock read 5 IO "layers partition: read the superblock of /dev/vdb1"
ends_with "layers: group descriptors" layers group-descriptors read 5 IO "layers partition: mount: "
ends_with "layers: inode tables" layers inode-tables read 5 IO "layers partition: mount: "
ends_with "layers: root directory" layers directory:/ read 5 IO "open stacks/"
ends_with "layers: stacks/" layers directory:/stacks read 5 IO "read stacks/"
ends_with "layers: blobs/sha256/" layers directory:/blobs/sha256 read 5 IO "no stack booted"
ends_with "layers: the layer that both stacks have" layers "file:$(layer_blob root)@500000" read 5 IO "no stack booted"
survives "layers: journal" layers journal read 5 "$as_ever"
harmless "layers: bitmaps" layers bitmaps read 5 "$as_ever"
harmless "layers: index.json" layers file:/index.json read 5 "$as_ever"
harmless "layers: a blob of the other stack" layers "file:$(layer_blob own-1)" read 5 "$as_ever"

# --- what one stack needs

survives "stack file 1" layers file:/stacks/test-1.stack read 5 \
	'r["version"] == 2 and [(f["file"], f["code"]) for f in r["refused"]] == [("test-1.stack", "IO")]'
survives "stack file 2" layers file:/stacks/test-2.stack read 5 \
	'r["version"] == 1 and [(f["file"], f["code"]) for f in r["refused"]] == [("test-2.stack", "IO")]'
falls='r["version"] == 1 and [(f["file"], f["code"]) for f in r["failed"]] == [("test-2.stack", "IO")]'
survives "piece table" layers "file:$(pieces own-2)" read 5 "$falls"
survives "blob: first block" layers "file:$(layer_blob own-2)@0" read 5 "$falls"
survives "blob: in the middle" layers "file:$(layer_blob own-2)@150000" read 5 "$falls"
survives "blob: last block" layers "file:$(layer_blob own-2)@-1" read 5 "$falls"

# --- the record: copy 0 is the older one, and written next

survives "record: older copy, read" record 0 read 5 \
	"$boots_2 and r['record'].startswith('copy 0 is unreadable, the other counts')"
says "  what the newer one knows counts" "stack test 2, .*, 1 try left"
survives "record: newer copy, read" record 1 read 5 \
	"$boots_2 and r['record'].startswith('copy 1 is unreadable, the other counts')"
says "  what the older one knows counts" "stack test 2, .*, 2 tries left"
survives "record: both copies, read" record "0 1" read 5 "$boots_2 and r['record'].startswith('both copies are bad, starting anew')"
uncounted='r["version"] == 1 and any("no try is counted: write copy 0 of the record: I/O error" in w for w in r["warnings"])'
survives "record: write, EIO: the confirmed stack comes first" record 0 write 5 "$uncounted"
survives "record: write, ENOSPC" record 0 write 28 "$uncounted"
survives "record: write, EROFS" record 0 write 30 "$uncounted"
survives "record: flush" record 0 flush 5 "$uncounted"

# --- the state partition

volatile="$boots_2 and r['upper']['kind'] == 'volatile' and r['upper']['why']
	and any('NOTHING WILL BE KEPT' in w for w in r['warnings'])"
volatile=${volatile//$'\n'/}
for place in superblock group-descriptors inode-tables journal directory:/ directory:/plyboot/test \
	directory:/plyboot/test/upper; do
	survives "state: $place, read" state "$place" read 5 "$volatile"
done
harmless "state: work, which is made anew" state directory:/plyboot/test/work read 5 "$as_ever"
survives "state: journal, write" state journal write 5 "$volatile"
for errno in 5 28 30; do
	survives "state: every write, errno $errno" whole plyboot-state write "$errno" "$volatile"
done

# --- all of the disk

cp --sparse=always "$image" "$work/faulty"
raw_disk "$work/faulty" ",readonly=on"
boots "a disk that can't be written" "$work/bare" "${disk[@]}"
reports "  the confirmed stack, with a volatile upper" \
	'r["version"] == 1 and r["upper"]["kind"] == "volatile" and "the device can'"'"'t be written" in r["record"]'
done_boots=$((done_boots + 1))

# --- beyond the tables: any of these, one to three at a time

any_places=(layers:superblock layers:group-descriptors layers:bitmaps layers:inode-tables layers:journal layers:directory:/
	layers:directory:/stacks layers:directory:/blobs layers:directory:/blobs/sha256 layers:file:/stacks/test-1.stack
	layers:file:/stacks/test-2.stack "layers:file:$(layer_blob root)" "layers:file:$(layer_blob own-1)"
	"layers:file:$(layer_blob own-2)" "layers:file:$(pieces own-1)" "layers:file:$(pieces own-2)" record:0 record:1
	disk:1 disk:2 state:superblock state:group-descriptors state:bitmaps state:inode-tables state:journal
	state:directory:/ state:directory:/plyboot/test state:directory:/plyboot/test/upper state:free layers:free)

# random_rules: one to three blocks in random places, each with an event and an errno
random_rules() {
	local n place event errno events=(read read read write) errnos=(5 28 30)
	for ((n = RANDOM % 3; n >= 0; n--)); do
		place=${any_places[RANDOM % ${#any_places[@]}]}
		event=${events[RANDOM % 4]}
		errno=${errnos[RANDOM % 3]}
		echo "$event $errno $place" >>"$work/rules"
		fail_at "$event" "$errno" < <(places "${place%%:*}" "${place#*:}" | sed -n "$((RANDOM % 4 + 1))p;\$p")
		cat "$work/blkdebug" >>"$work/blkdebug.all"
	done
	mv "$work/blkdebug.all" "$work/blkdebug"
}

while [ "$done_boots" -lt "$wanted" ] && time_is_left; do
	: >"$work/rules"
	random_rules
	status=0 why=
	APPEND=plyboot.wait=1 boot "$work/bare" "$work/console" "${disk[@]}" || status=$?
	case $status in
	0) holds 'r["version"] in (1, 2)' >"$work/holds.log" 2>&1 || why="no report" ;;
	120) grep -qE '^plyboot: ERROR this system does not boot: (IO|DEVICE|MISSING): ' "$work/console" || why="no defined end" ;;
	*) why="status $status" ;;
	esac
	result "$(tr '\n' ';' <"$work/rules") status $status" "$why"
done
echo "# P10: $done_boots boots, $failures failures"
finish
