#!/bin/bash
# A disk that turns up late, and one that is taken away while a layer is read.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
on_kernel cloud-amd64 # our own has no PCI hot-plugging

payload "$work/root"
mkdir -p "$work/extra/etc"
head -c 12000000 /dev/urandom >"$work/extra/etc/extra"
pack root
pack extra
make_stack test 1 -- "$work/root.layer"
make_initramfs "$work/good"
make_image "$work/good"
mkdir "$work/bare"
ln "$work/good/initramfs" "$work/bare/initramfs"

at_words "waiting for PARTLABEL=plyboot-layers" "drive_add 0 id=d,if=none,format=raw,file=$work/good/disk" \
	"device_add virtio-blk-pci,drive=d,id=late"
boots "a disk that is attached while /init waits" "$work/bare" "${monitor[@]}"
says "  is found" "layers on /dev/vdb1"

make_stack test 2 -- "$work/root.layer" "$work/extra.layer"
make_image "$work/good"
raw_disk "$work/good/disk" ",throttling.bps-total=2000000"
at_words "unpacking: " "device_del late"
APPEND=plyboot.wait=2 boots "a disk that is taken away while a layer is read" "$work/bare" "${disk[@]}" "${monitor[@]}"
reports "  the next stack has all its layers in memory" \
	'r["version"] == 1 and r["failed"][0]["code"] == "IO" and "layer 2/2" in r["failed"][0]["reason"]'
reports "  and nowhere to write to" 'r["upper"]["kind"] == "volatile"'
says "  which is said" "WARNING: NOTHING WILL BE KEPT"
boots "the same, left alone" "$work/good"
reports "  version 2" 'r["version"] == 2'
finish
