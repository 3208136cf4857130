#!/bin/bash
# Modules: those in the initramfs are loaded; what can't be is said.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
on_kernel cloud-amd64 # our own has no modules

payload "$work/root"
pack root
build_image "$work/good" --upper volatile -- "$work/root.layer"
APPEND=plyboot.log=debug boots "what a disk and the overlay need is loaded" "$work/good" --snapshot
tr -d '\r' <"$work/console" | sed -n 's,^plyboot: module /lib/modules/.*/\(.*\)\.ko$,\1,p' >"$work/loaded"
check "  in the order of what they depend on" diff - "$work/loaded" <<-'END'
	virtio_pci_legacy_dev
	virtio_pci_modern_dev
	virtio_ring
	virtio
	virtio_pci
	virtio_blk
	overlay
END
reports "  without a warning" 'r["warnings"] == []'

echo "no module" >"$work/garbage"
twin "$work/good" --add "$work/garbage:/lib/modules/garbage.ko" --set "module /lib/modules/garbage.ko"
boots "a file that is no module" "$work/twin" --snapshot
says "  is a warning" "warning: module /lib/modules/garbage.ko is not loaded: .*: it is no module of this kernel"

twin "$work/good" --module virtio_pci --module virtio_blk
refuses "without overlayfs" "$work/twin" KERNEL \
	"the kernel has no overlayfs (CONFIG_OVERLAY_FS=y, or its module in init.conf)" --snapshot
twin "$work/good" --module overlay --set "wait 0"
refuses "without the disk's driver" "$work/twin" DEVICE \
	"no block device is PARTLABEL=plyboot-layers (waited [0-9.]* ms); found: none" --snapshot
finish
