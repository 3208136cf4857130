#!/bin/bash
# plyboot doctor: each fault that is planted is found, with its word and its thing, and no other; what is good has none.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

part() { # FILE NUMBER: where it begins, in bytes
	sfdisk -d "$1" | sed -n "s/^.*[^0-9]$2 :.*start= *\([0-9]*\),.*/\1/p" | awk '{ print $1 * 512 }'
}

# --- what is good

mkdir src
head -c 3000000 /dev/urandom >src/file
"$plyboot" keygen -o k >/dev/null
"$plyboot" keygen -o other >/dev/null
"$plyboot" pack -o a.layer src >/dev/null
stack() { # VERSION OPTION...
	local version=$1
	shift
	"$plyboot" stack --name demo --version "$version" --created 2026-01-01T00:00:00Z "$@" a.layer >/dev/null
	"$plyboot" sign --key k.key "store/stacks/demo-$version.stack" >/dev/null
}
stack 5 --upper persistent
image() { # FILE OPTION...
	local file=$1
	shift
	"$plyboot" image --state-size 20M -o "$file" "$@" >/dev/null
}
image good.img
initrd() { # FILE OPTION...
	local file=$1
	shift
	"$plyboot" initramfs --pub k.pub -o "$file" "$@" >/dev/null
}
initrd good.cpio
awk -F= '/^CONFIG_/ { sub(/[?]$/, "", $2); sub(/[|].*/, "", $2); print $1 "=" $2 }' "$top/kconfig/required.config" >good.config

doctor() { # IMAGE INITRD CONFIG [OPTION...]
	"$plyboot" doctor --image "$1" --initrd "$2" --kernel-config "$3" --memory 512 --time 2026-06-01T00:00:00Z "${@:4}" \
		>"$work/out" 2>"$work/err"
}

# good NAME WHAT...: nothing is found
good() {
	local name=$1 before
	shift
	before=$(snapshot)
	doctor "$@"
	is "$name: nothing is found" "$? $(grep -cE '^doctor: (FAULT|WARN)' "$work/out") $(cat "$work/err")" "0 0 "
	is "$name: nothing was changed" "$(snapshot)" "$before"
}

# finds NAME CODE PATTERN WHAT...: exactly this fault
finds() {
	local name=$1 code=$2 pattern=$3 status
	shift 3
	doctor "$@"
	status=$?
	is "$name" "$status $(sed -nE 's/^doctor: (FAULT|WARN) ([A-Z]+): .*/\1 \2/p' "$work/out")" "1 FAULT $code"
	has "... names it" "$work/out" "^doctor: FAULT $code: .*$pattern"
	is "... and what to do" "$(grep -A1 '^doctor: FAULT' "$work/out" | grep -c '^  what to do: .')" 1
}

good "a good device" good.img good.cpio good.config
is "... is said in one line" "$(wc -l <"$work/out")" 1
good "... as nobody would look at it" good.img good.cpio good.config -v
has "... -v says what is good: the stack" "$work/out" '^doctor: good: demo-5.stack: '
has "... the partitions" "$work/out" '^doctor: good: layers partition: partition 1 of .good.img. '
gzip -c good.config >good.config.gz
good "a configuration by gzip" good.img good.cpio good.config.gz
mkdir kernel && cp good.config kernel/config
good "a directory with one" good.img good.cpio kernel
for how in gzip zstd; do
	initrd "$how.cpio" --compress "$how"
	good "an initramfs by $how" good.img "$how.cpio" good.config
done
{ cat good.cpio; head -c 512 /dev/zero; (cd src && echo file | cpio -o -H newc --quiet); } >two.cpio
good "two archives, one after another" good.img two.cpio good.config
good "--json" good.img good.cpio good.config --json
is "... is JSON without findings" "$(python3 -c 'import json, sys
o = json.load(open(sys.argv[1])); print(o["findings"], o["faults"], o["boots"])' "$work/out")" "[] 0 True"

# The same blobs in other places of other file systems: with checksums and blocks of 1 KiB; long directories.
start=$(part good.img 1)
mkdir -p tree/blobs/sha256 tree/stacks
cp store/oci-layout store/index.json tree/
cp store/blobs/sha256/* tree/blobs/sha256/
cp store/stacks/demo-5.stack tree/stacks/
for i in $(seq 700); do echo "$i" >"tree/blobs/sha256/a-rather-long-name-so-that-the-directory-needs-several-blocks-$i"; done
cp good.img dense.img
mke2fs -q -F -t ext4 -b 1024 -O metadata_csum,64bit,dir_index -L plyboot-layers -E "offset=$start" -d tree dense.img 18000 2>"$work/err"
ok "e2fsck makes the directories hash trees" bash -c "dd if=dense.img of=p bs=1M skip=$((start >> 20)) count=18 status=none &&
	{ e2fsck -fyD p >/dev/null; [ \$? -le 1 ]; } && dd if=p of=dense.img bs=1M seek=$((start >> 20)) conv=notrunc status=none"
good "blocks of 1 KiB, checksums, hash trees" dense.img good.cpio good.config

# --- 1: the kernel

sed '/^CONFIG_TMPFS_XATTR=/d' good.config >x.config
finds "a kernel option that is missing" KERNEL 'CONFIG_TMPFS_XATTR is n, must be y: security.capability' good.img good.cpio x.config
sed 's/^CONFIG_OVERLAY_FS=.*/CONFIG_OVERLAY_FS=m/' good.config >x.config
finds "a module that nothing loads" KERNEL 'CONFIG_OVERLAY_FS is m, and init.conf names no module overlay' \
	good.img good.cpio x.config
sed '/^CONFIG_TRANSPARENT_HUGEPAGE=/d' good.config >x.config
good "an option that is only wanted" good.img good.cpio x.config
has "... is a note" "$work/out" '^doctor: note: CONFIG_TRANSPARENT_HUGEPAGE is n, better y'

# --- 2, 3, 4: room and time

finds "not enough memory" NOSPACE 'demo-5 needs [0-9]+ MiB of memory, and of 56 MiB' good.img good.cpio good.config --memory 56
sed -i 's/--memory 512/--memory "${memory:-512}"/' /dev/null
head -c 30M /dev/zero >filler
cp good.img full.img
debugfs -w -R "write filler filler" "full.img?offset=$(part full.img 3)" >/dev/null 2>&1
finds "a state partition without room" NOSPACE 'state on partition 3 of .full.img.: [0-9]+ bytes .* no room for an upper' \
	full.img good.cpio good.config
doctor good.img good.cpio good.config --time 2025-01-01T00:00:00Z
is "a clock that is behind is a warning" "$? $(grep -oE '^doctor: (FAULT|WARN) [A-Z]+: demo-5' "$work/out")" "0 doctor: WARN TARGET: demo-5"

# --- 5, 6: keys and signatures

"$plyboot" initramfs --pub other.pub -o x.cpio >/dev/null
finds "an initramfs with another key" KEY 'demo-5.stack: ' good.img x.cpio good.config
cp -a store kept
sed -i 's/^created 2026-01-01/created 2026-01-02/' store/stacks/demo-5.stack
image x.img 2>/dev/null
rm -rf store && mv kept store
finds "a signature that is wrong" SIGNATURE 'demo-5.stack: ' x.img good.cpio good.config

# --- 7, 8: partitions

cp good.img x.img
sfdisk -q --part-label x.img 3 plyboot-layers >/dev/null
doctor x.img good.cpio good.config
has "two partitions with one label" "$work/out" \
	'^doctor: FAULT DEVICE: 2 partitions are PARTLABEL=plyboot-layers: partition 1 of .x.img. and partition 3 of'
is "... is all" "$(grep -cE '^doctor: (FAULT|WARN)' "$work/out")" 1
cp good.img x.img
sfdisk -q --part-label x.img 3 another >/dev/null
finds "a partition that is not there" DEVICE 'no partition is PARTLABEL=plyboot-state' x.img good.cpio good.config
cp good.img second.img
finds "the same label on another disk" DEVICE '2 partitions are UUID=' good.img conf.cpio good.config 2>/dev/null || true
