#!/bin/bash
# Boot after boot, each of which writes to its upper: the layers partition stays as it was written. (Packing after
# packing: tests/cli/repeat.t.)
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

payload "$work/root"
cat >"$work/root/hook" <<'END'
# What the boots before this one wrote is there, and what comes from the layers is not changed.
boots=$($bb cat /boots) && [ "$boots" = "$($bb sed -n 's/.*test\.boots=\([0-9]*\).*/\1/p' /proc/cmdline)" ] || return 1
[ "$boots" = 0 ] || [ "$($bb cat /etc/extra)" = "$boots" ] || return 1
echo $((boots + 1)) >/boots && echo $((boots + 1)) >/etc/extra && $bb touch /bin/busybox
END
echo 0 >"$work/root/boots"
mkdir -p "$work/extra/etc"
echo extra >"$work/extra/etc/extra"
pack root
pack extra
build_image "$work/good" -- "$work/root.layer" "$work/extra.layer"
before=$(partition_sha256 "$work/good/disk" plyboot-layers)
same=0
for ((boot = 0; boot < 10; boot++)); do
	APPEND=test.boots=$boot boots "boot $((boot + 1)): what $boot boots wrote is there" "$work/good"
	[ "$(partition_sha256 "$work/good/disk" plyboot-layers)" != "$before" ] || same=$((same + 1))
done
check "after each of them the layers partition is the same, bit for bit" [ "$same" -eq 10 ]
echo "# $same of 10 times ${before%% *}"
finish
