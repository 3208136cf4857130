#!/bin/bash
# Devices: each way to name one, none, two, the wrong one, and sectors that can't be read. (Late ones: hotplug.t)
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

payload "$work/root"
mkdir -p "$work/extra/etc"
head -c 12000000 /dev/urandom >"$work/extra/etc/extra"
pack root
pack extra
make_stack test 1 -- "$work/root.layer"
make_initramfs "$work/good"
make_image "$work/good"
good=$work/good/disk

# --- names

fs_field() {
	dumpe2fs -h "$good?offset=$(partition_field "$good" "$1" start)" 2>/dev/null | sed -n "s/^$2: *//p"
}
APPEND=loglevel=7 boots "PARTLABEL=, which is the default" "$work/good" --snapshot
check "  which is mounted" grep -q 'EXT4-fs (vda1): mounted' "$work/console"
says "  the console names it" "layers on /dev/vda1 (PARTLABEL=plyboot-layers)"
on_partition "$good" plyboot-layers 'ssv volume_name "my layers"'
APPEND='plyboot.layers="LABEL=my layers"' boots "LABEL=, with a blank in it" "$work/good" --snapshot
says "  the console names it" "layers on /dev/vda1 (LABEL=my layers)"
APPEND="plyboot.layers=UUID=$(fs_field plyboot-layers 'Filesystem UUID' | tr a-f A-F)" boots "UUID=, upper case" "$work/good" \
	--snapshot
partuuid=$(sfdisk --part-uuid "$good" 1)
APPEND="plyboot.layers=PARTUUID=$partuuid" boots "PARTUUID=" "$work/good" --snapshot
says "  the console names it" "layers on /dev/vda1 (PARTUUID=$partuuid)"

# --- none, two, the wrong one

APPEND="plyboot.wait=1 plyboot.layers=LABEL=nowhere" refuses "no such device" "$work/good" DEVICE \
	"no block device is LABEL=nowhere (waited 1[0-9][0-9][0-9]\.[0-9]* ms); found: .*/dev/vda1 PARTLABEL=plyboot-layers LABEL=my layers"
says "  what to do" "what to do: attach the disk"
cp --sparse=always "$good" "$work/second"
refuses "two disks with one label" "$work/good" DEVICE \
	"2 block devices are PARTLABEL=plyboot-layers: /dev/vda1 and /dev/vdb1" --disk "$work/second"
APPEND="plyboot.layers=/dev/vda1 plyboot.record=/dev/vda2 plyboot.state=/dev/vda3" \
	boots "both there, named by their nodes" "$work/good" --snapshot --disk "$work/second"
reports "  without a warning" 'r["warnings"] == [] and r["upper"]["kind"] == "persistent"'
APPEND="loglevel=7 plyboot.layers=/dev/vda2" refuses "a partition without ext4" "$work/good" DEVICE "/dev/vda2 holds no ext4 file system"
check "  which was never mounted" [ "$(grep -c 'EXT4-fs' "$work/console")" -eq 0 ]

# --- older file systems: ext4's driver mounts them, and `plyboot doctor`, which reads them itself, says that before

for type in ext2 ext3; do
	twin "$work/good"
	partition_copy "$work/twin/disk" plyboot-layers "$work/layers"
	mke2fs -q -F -t $type -L "my layers" -d "$work/store" "$work/layers" 2>"$work/mke2fs.log"
	partition_put "$work/twin/disk" plyboot-layers "$work/layers"
	"$plyboot" doctor --json --image "$work/twin/disk" --initrd "$work/twin/initramfs" >"$work/doctor.json" 2>&1 || true
	check "an $type with the layers: doctor says that it boots" grep -q '"boots": *true' "$work/doctor.json"
	APPEND=loglevel=7 boots "  it does" "$work/twin"
	check "  by ext4's driver" grep -q "EXT4-fs (vda1): mount" "$work/console"
done

# --- the record: something else is never written to

for what in "/dev/vda:/dev/vda can't be opened: .*busy" "/dev/vda3:the device holds a file system" \
	"/dev/vdb:the device holds .* a partition table" "/dev/vdb9:no block device is /dev/vdb9"; do
	sha256sum "$work/second" >"$work/second.sha256"
	APPEND="plyboot.layers=/dev/vda1 plyboot.state=none plyboot.wait=1 plyboot.record=${what%%:*}" \
		boots "a record on ${what%%:*}" "$work/good" --disk "$work/second"
	says "  is none" "WARNING: .*record.*${what#*:}"
	check "  what is there stays" sha256sum --check --status "$work/second.sha256"
	check "  and so does the disk's own table" sfdisk --verify "$good"
done
boots "and the good one has not changed" "$work/good"
reports "  (it is new)" 'r["record"] == "new"'

# --- read-only

mkdir "$work/bare"
ln "$work/good/initramfs" "$work/bare/initramfs"
raw_disk "$good" ",readonly=on"
boots "a disk that can't be written" "$work/bare" "${disk[@]}"
says "  the record" "WARNING: record on /dev/vdb2: good; the device can't be written"
says "  the state" "WARNING: NOTHING WILL BE KEPT: the upper is volatile, not persistent: mount: /dev/vdb3"

# --- sectors

make_stack test 2 -- "$work/root.layer" "$work/extra.layer"
twin "$work/good"
make_image "$work/twin"
boots "two stacks, all sectors good" "$work/twin"
reports "  version 2" 'r["version"] == 2'
boots "  and again: both copies of the record are written" "$work/twin"
rm -rf "$work/bare"
mkdir "$work/bare"
ln "$work/twin/initramfs" "$work/bare/initramfs"
cp --sparse=always "$work/twin/disk" "$work/untried"

# faulty DISK OFFSET: in ${disk[@]}, reads of the sector there fail
faulty() {
	printf '[inject-error]\nevent = "read_aio"\nerrno = "5"\nsector = "%s"\n' $(($2 / 512)) >"$work/blkdebug"
	raw_disk "blkdebug:$work/blkdebug:$1" ""
}
faulty "$work/twin/disk" "$(locate "$work/twin/disk" "$(layer_blob extra)" 6000000)"
boots "a bad sector in a layer: the next stack" "$work/bare" "${disk[@]}"
reports "  with the reason" 'r["version"] == 1 and [(f["file"], f["code"]) for f in r["failed"]] == [("test-2.stack", "IO")]'
reports "  and the layer that was read already" 'r["layers"][0]["from"] == "reused"'
faulty "$work/twin/disk" "$(locate "$work/twin/disk" /stacks/test-2.stack 0)"
boots "a bad sector in a stack file: the next stack" "$work/bare" "${disk[@]}"
reports "  with the reason" 'r["version"] == 1 and [(f["file"], f["code"]) for f in r["refused"]] == [("test-2.stack", "IO")]'
cp --sparse=always "$work/untried" "$work/twin/disk"
faulty "$work/twin/disk" "$(partition_field "$work/twin/disk" plyboot-record start)"
boots "a bad sector in a copy of the record" "$work/bare" "${disk[@]}"
says "  the other counts" "WARNING: record on /dev/vdb2: copy 0 is unreadable, the other counts"
partition_copy "$work/twin/disk" plyboot-record "$work/record"
"$plyboot" inspect "$work/record" >"$work/record.txt"
check "  and a try is counted, of those that it knows of" grep -q 'test version 2: not confirmed, 1 try left' "$work/record.txt"
finish
