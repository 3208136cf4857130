#!/bin/bash
# kconfig/check: Debian's kernel has what /init needs; one without it is told what is missing, and what for.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

config=$("$top/qemu/demo/kernel")/config
ok "Debian's cloud kernel has all that is needed" "$top/kconfig/check" "$config"
gzip -c "$config" >config.gz
ok "as /proc/config.gz has it, compressed" "$top/kconfig/check" config.gz

# lacks OPTION PATTERN: without that option, status 1 and a line that says what it is for
lacks() {
	sed "s/^CONFIG_$1=.*/# CONFIG_$1 is not set/" "$config" >without
	"$top/kconfig/check" without >"$work/out" 2>"$work/err"
	is "without $1: status" "$?" 1
	has "without $1: says so" "$work/out" "^MISSING +CONFIG_$1.*$2"
}
lacks OVERLAY_FS "layers under an upper"
lacks TMPFS_XATTR security.capability
lacks EXT4_FS "state partition"
lacks BLK_DEV_INITRD "the initramfs"

echo "no kernel configuration" >nonsense
"$top/kconfig/check" nonsense >"$work/out" 2>"$work/err"
is "what is no configuration gets no answer" "$?" 2
finish
