#!/bin/bash
# Each kind of error, and what /init makes of it: the third column of the error codes in init/BOOT.md.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

bad() {
	python3 "$top/tests/boot/bad_layers.py" "$@"
}

# --- next: one stack for each code, and one that is good below them all

payload "$work/root"
mkdir "$work/digest" "$work/missing"
echo digest >"$work/digest/file"
echo missing >"$work/missing/file"
for name in root digest missing; do pack "$name"; done
tried=(TAR TYPE PATH WHITEOUT XATTR STREAM SIZE LIMIT NOSPACE)
version=50
for code in "${tried[@]}"; do
	bad layer "$work/store" "$code" "$work/$code.layer"
	make_stack test $version -- "$work/root.layer" "$work/$code.layer"
	version=$((version - 1))
done
make_stack test 31 -- "$work/root.layer" "$work/digest.layer"
make_stack test 30 -- "$work/root.layer" "$work/missing.layer"

make_stack test 20 -- "$work/root.layer"
make_stack test 17 --arch other -- "$work/root.layer"
"$plyboot" keygen -o "$work/stranger" >"$work/keygen.log" 2>&1
key=$work/stranger.key make_stack test 15 -- "$work/root.layer"
make_stack test 14 -- "$work/root.layer"
make_stack test 9 -- "$work/root.layer"
make_initramfs "$work/codes" --set 'floor 10'
make_image "$work/codes"
bad stack "$work/key.key" "$work/store/stacks/test-20.stack" "$work/test-19.stack" FORMAT
bad stack "$work/key.key" "$work/store/stacks/test-20.stack" "$work/test-18.stack" LIMIT
flip "$work/codes/disk" "$(layer_blob digest)" 30
flip "$work/codes/disk" /stacks/test-14.stack 20
on_partition "$work/codes/disk" plyboot-layers "rm $(layer_blob missing)" \
	"write $work/test-19.stack /stacks/test-19.stack" "write $work/test-18.stack /stacks/test-18.stack"

boots "every one of them is passed over" "$work/codes"
reports "  the good stack boots" 'r["version"] == 20'
codes="${tried[*]} DIGEST MISSING"
reports "  tried before, highest version first, each with its code" "' '.join(f['code'] for f in r['failed']) == '$codes'"
says "  of no room with both numbers" \
	"ERROR test-42.stack: NOSPACE: the layers need [0-9]* MiB of memory, [0-9]* MiB are available"
reports "  refused, each with its code" '{f["file"]: f["code"] for f in r["refused"]} == {"test-19.stack": "FORMAT",
	"test-18.stack": "LIMIT", "test-17.stack": "TARGET", "test-15.stack": "KEY", "test-14.stack": "SIGNATURE",
	"test-9.stack": "ROLLBACK"}'

# --- end

# without_try NAME: nothing was tried
without_try() {
	check "  and no stack was tried" [ "$(grep -c '^plyboot: stack test' "$work/console")" -eq 0 ]
	says "  init.conf says how it ends" "rebooting"
}
echo "no key" >"$work/garbage"
twin "$work/codes" --add "$work/garbage:/etc/plyboot/keys/garbage"
refuses "end: a key in the initramfs that is none" "$work/twin" KEY "/etc/plyboot/keys/garbage: a public key of 7 bytes"
without_try

twin "$work/codes"
on_partition "$work/twin/disk" plyboot-layers "ssv feature_incompat 0xffff"
refuses "end: layers that the kernel can't mount" "$work/twin" KERNEL "layers partition: mount: /dev/vda1 (the kernel's messages say more): Invalid argument"
without_try

twin "$work/codes"
printf '[inject-error]\nevent = "read_aio"\nerrno = "5"\nsector = "%s"\n' \
	$(($(partition_field "$work/twin/disk" plyboot-layers start) / 512 + 2)) >"$work/blkdebug"
mkdir "$work/bare"
ln "$work/twin/initramfs" "$work/bare/initramfs"
refuses "end: layers that can't be read" "$work/bare" IO "read the superblock of /dev/vdb1: I/O error" \
	--qemu-arg -drive --qemu-arg "id=d,if=none,format=raw,file=blkdebug:$work/blkdebug:$work/twin/disk" \
	--qemu-arg -device --qemu-arg "virtio-blk-pci,drive=d"
without_try

rm "$work"/store/stacks/*
make_stack test 13 -- "$work/root.layer" "$work/TAR.layer"
make_stack test 12 -- "$work/root.layer" "$work/PATH.layer"
make_stack test 11 --arch other -- "$work/root.layer"
make_image "$work/codes"
APPEND=quiet refuses "end: every stack was tried" "$work/codes" PATH "no stack booted; the last one: test-12.stack: layer 2/2 "
says "  all of them in one line, with quiet, too" \
	"  stacks tried: test-13.stack TAR, test-12.stack PATH; refused: test-11.stack TARGET"

# --- volatile: no room on the state partition

rm "$work"/store/stacks/*
make_stack test 10 -- "$work/root.layer"
make_image "$work/codes"
cp --sparse=always "$work/codes/disk" "$work/untouched"
partition_copy "$work/codes/disk" plyboot-state "$work/state"
mke2fs -q -F -t ext4 -N 16 "$work/state"
for i in 1 2 3 4 5 6 7 8; do echo "mkdir full-$i"; done | debugfs -w -f - "$work/state" >"$work/debugfs.log" 2>&1
partition_put "$work/codes/disk" plyboot-state "$work/state"
boots "volatile: a state partition without room for an upper" "$work/codes"
reports "  for that reason" \
	'r["upper"]["kind"] == "volatile" and re.fullmatch("the state partition has [0-9]+ KiB and 0 inodes free: make "
	"plyboot on the state partition: No space left on device", r["upper"]["why"])'

# --- what the kernel lacks is named

echo "no module" >"$work/garbage.ko"
mv "$work/untouched" "$work/codes/disk"
twin "$work/codes" --add "$work/garbage.ko:/lib/modules/garbage.ko" --set "module /lib/modules/garbage.ko"
boots "a module that is none is passed over" "$work/twin"
# shellcheck disable=SC2154 # lib.sh sets it
if [ -d "$guest_kernel/lib/modules" ]; then
	says "  with the reason" "warning: module /lib/modules/garbage.ko is not loaded: .*: it is no module of this kernel"
	twin "$work/codes" --module virtio_pci --module virtio_blk --module ext4
	refuses "end: no overlayfs" "$work/twin" KERNEL \
		"the kernel has no overlayfs (CONFIG_OVERLAY_FS=y, or its module in init.conf)"
	twin "$work/codes" --module ext4 --module overlay --set "wait 0"
	refuses "end: no driver for the disk" "$work/twin" DEVICE \
		"no block device is PARTLABEL=plyboot-layers (waited [0-9.]* ms); found: none"
else
	says "  with the reason" \
		"warning: module /lib/modules/garbage.ko is not loaded: .*: the kernel loads no modules (CONFIG_MODULES=y)"
fi
finish
