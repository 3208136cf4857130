#!/bin/bash
# What the running system writes is there after a reboot; the layers partition never changes.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

payload "$work/root"
echo original >"$work/root/etc/changed"
echo original >"$work/root/etc/removed"
cat >"$work/root/hook" <<'EOF'
bb=/bin/busybox
step=$($bb sed -n 's/.*test\.step=\([^ ]*\).*/\1/p' /proc/cmdline)
case $step in
write)
	echo new >/etc/written && echo changed >/etc/changed && $bb rm /etc/removed
	;;
read)
	[ "$($bb cat /etc/written)" = new ] && [ "$($bb cat /etc/changed)" = changed ] && [ ! -e /etc/removed ]
	;;
pristine)
	[ ! -e /etc/written ] && [ "$($bb cat /etc/changed)" = original ] && [ -e /etc/removed ]
	;;
esac
EOF
"$plyboot" pack --store "$work/store" -o "$work/root.layer" "$work/root" >"$work/pack.log" 2>&1
build_image "$work/good" -- "$work/root.layer"
before=$(partition_sha256 "$work/good/disk" plyboot-layers)

APPEND=test.step=pristine boots "a new upper hides nothing" "$work/good"
APPEND=test.step=write boots "write, change, remove" "$work/good"
APPEND=test.step=read boots "all three are so after a reboot" "$work/good"
APPEND="test.step=pristine plyboot.upper=volatile" boots "plyboot.upper=volatile: not seen" "$work/good"
APPEND=test.step=read boots "and still there afterwards" "$work/good"
check "the layers partition is the same, bit for bit" \
	[ "$(partition_sha256 "$work/good/disk" plyboot-layers)" = "$before" ]

# A state partition full of garbage costs the changes, never the boot.
dd if=/dev/urandom of="$work/good/disk" bs=1M count=1 conv=notrunc oflag=seek_bytes status=none \
	seek="$(partition_field "$work/good/disk" plyboot-state start)"
APPEND=test.step=pristine boots "garbage in the state partition: boots with a volatile upper" "$work/good"
check "and the console says so" grep -qi 'volatile' "$work/console"
finish
