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

# The fragments are lists too. Every option of one must be in the configuration, whatever else is asked.
sed -n 's/^\(CONFIG_[A-Z0-9_]*\)=n$/# \1 is not set/p; /^CONFIG_[A-Z0-9_]*=[^n]/p' \
	"$top/kconfig/boot.config" "$top/kconfig/storage.config" >full
ok "what two fragments ask for is found there" \
	"$top/kconfig/check" full "$top/kconfig/boot.config" "$top/kconfig/storage.config"
sed '/^CONFIG_EFI_PARTITION=/d; s/^# CONFIG_OVERLAY_FS_INDEX is not set/CONFIG_OVERLAY_FS_INDEX=y/' full >dropped
"$top/kconfig/check" dropped "$top/kconfig/boot.config" "$top/kconfig/storage.config" >"$work/out" 2>"$work/err"
is "an option dropped, another turned on: status" "$?" 1
has "the dropped one, what for, and its fragment" "$work/out" \
	'^MISSING +CONFIG_EFI_PARTITION is n, must be y: GPT.*\[storage.config\]$'
has "the one that must be off" "$work/out" '^MISSING +CONFIG_OVERLAY_FS_INDEX is y, must be n: .*\[boot.config\]$'
has "how many of both" "$work/out" ' 2 of [0-9]+ options missing$'

printf '%s\n' '# a reason' '# CONFIG_VT is not set' >fragment
"$top/kconfig/check" full fragment >"$work/out" 2>"$work/err"
is "a line that would pass for a comment: status" "$?" 2
has "how to write it" "$work/err" 'fragment: write CONFIG_VT=n'
printf '%s\n' '# a reason' 'CONFIG_VT y' >fragment
"$top/kconfig/check" full fragment >"$work/out" 2>"$work/err"
is "a line that is no option: status" "$?" 2
has "which" "$work/err" 'no option: CONFIG_VT y'

for fragment in "$top"/kconfig/*.config; do
	bare=$(awk '/^#/ { reason = 1 } /^$/ { reason = 0 } /^CONFIG/ && !reason' "$fragment")
	is "${fragment##*/}: every option has its reason" "$bare" ""
done
finish
