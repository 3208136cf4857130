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

doctor() { # IMAGE INITRD CONFIG [OPTION...], or with $running [OPTION...]
	local what=(--run run --kernel-config good.config)
	if [ -z "${running:-}" ]; then
		what=(--image "$1" --initrd "$2" --kernel-config "$3")
		shift 3
	fi
	"$plyboot" doctor "${what[@]}" --memory "${memory:-512}" --time "${time:-2026-06-01T00:00:00Z}" "$@" >"$work/out" 2>"$work/err"
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

boots() { # OPTION...: what --json says
	"$plyboot" doctor --json "$@" | python3 -c 'import json, sys; print(json.load(sys.stdin)["boots"])'
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
mkdir -p early/kernel/x86/microcode
head -c 5000 /dev/urandom >early/kernel/x86/microcode/GenuineIntel.bin
(cd early && find kernel | cpio -o -H newc --quiet) >early.cpio
for how in gzip zstd; do
	cat early.cpio "$how.cpio" >two.cpio
	good "microcode in front of an initramfs by $how" good.img two.cpio good.config
	is "... all of which is read" "$(grep -c '^doctor: note' "$work/out")" 0
	{ cat "$how.cpio"; head -c $((5 - $(stat -c %s "$how.cpio") % 4)) /dev/zero; cat early.cpio; } >two.cpio
	doctor good.img two.cpio good.config
	has "... an archive behind it at no multiple of four is a note" "$work/out" '^doctor: note: .two.cpio. from byte [0-9]* on is no cpio'
	is "... and nothing the kernel reads" "$(grep -cE '^doctor: (FAULT|WARN)' "$work/out")" 0
done
cat gzip.cpio zstd.cpio >two.cpio
"$plyboot" doctor -v --initrd two.cpio >"$work/out"
has "two that are compressed" "$work/out" '^doctor: good: initramfs: 1 keys'
for how in xz lzma bzip2 lz4; do
	case $how in
	xz) printf '\xfd7zXZ\0' ;;
	lzma) printf '\x5d\0\0\x80\0' ;;
	bzip2) printf 'BZh9' ;;
	lz4) printf '\x02\x21\x4c\x18' ;;
	esac >other.cpio
	head -c 3000 /dev/urandom >>other.cpio
	cat early.cpio other.cpio >two.cpio
	for initrd in two other; do
		good "an initramfs by $how ($initrd)" good.img "$initrd.cpio" good.config
		has "... is a note" "$work/out" "^doctor: note: .$initrd.cpio. from byte [0-9]* on is no cpio"
	done
done
is "... and whether a stack boots is not said" "$(boots --image good.img --initrd two.cpio)" None
sed 's/^CONFIG_OVERLAY_FS=.*/CONFIG_OVERLAY_FS=m/' good.config >x.config
good "... nor of what it may name" good.img two.cpio x.config
cp good.img x.img
sfdisk -q --part-label x.img 1 another >/dev/null
good "... nor of what its init.conf may name" x.img two.cpio good.config
{ cat early.cpio; head -c 2000 gzip.cpio; } >two.cpio
"$plyboot" doctor --initrd two.cpio >"$work/out"
is "one behind it that is cut" "$? $(grep -c '^doctor: FAULT STREAM: the initramfs .two.cpio.: ' "$work/out")" "1 1"
is "... is all that is said" "$(grep -c '^doctor: FAULT' "$work/out")" 1
{ cat early.cpio; echo; echo rest; } >two.cpio
"$plyboot" doctor --initrd two.cpio >"$work/out"
has "what is no archive at all hides nothing" "$work/out" '^doctor: FAULT MISSING: the initramfs has no program /init'
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

# sectors IMAGE: its table anew, as of a disk with sectors of 4 KiB
sectors() {
	python3 - "$1" <<'EOF'
import struct, sys, zlib
with open(sys.argv[1], "r+b") as image:
    start = bytearray(image.read(1 << 20))
    header = start[512:512 + 92]
    count, size = struct.unpack_from("<II", header, 80)
    entries = start[1024:1024 + count * size]
    for at in range(0, len(entries), size):
        first, last = struct.unpack_from("<QQ", entries, at + 32)
        if first:
            struct.pack_into("<QQ", entries, at + 32, first // 8, (last + 1) // 8 - 1)
    struct.pack_into("<I", header, 88, zlib.crc32(entries))
    struct.pack_into("<I", header, 16, 0)
    struct.pack_into("<I", header, 16, zlib.crc32(header))
    start[512:] = bytes(len(start) - 512)
    start[4096:4096 + 92] = header
    start[8192:8192 + len(entries)] = entries
    image.seek(0)
    image.write(start)
EOF
}
cp good.img x.img
sectors x.img
good "a disk with sectors of 4 KiB" x.img good.cpio good.config
flip x.img $((4096 + 16))
doctor x.img good.cpio good.config
has "... whose table is damaged" "$work/out" '^doctor: FAULT FORMAT: .x.img.: GPT header damaged'

# A DOS partition table: its partitions have no labels of their own, their file systems do.
table() { # IMAGE TYPE...: with partitions where those of good.img are
	local image=$1 number=0
	shift
	cp good.img "$image"
	{
		printf 'label: dos\nlabel-id: 0x1234abcd\n'
		for type; do
			number=$((number + 1))
			sfdisk -d good.img | sed -n "s/^.*[^0-9]$number : *\(start=.*, size= *[0-9]*\),.*/\1, type=$type/p"
		done
	} | sfdisk -q --wipe always "$image"
}
table dos.img 83 da 83
initrd x.cpio --set 'layers LABEL=plyboot-layers' --set 'record none' --set 'state PARTUUID=1234abcd-03'
good "a DOS partition table" dos.img x.cpio good.config -v
has "... the layers partition is found in it" "$work/out" '^doctor: good: layers partition: partition 1 of .dos.img. '
doctor dos.img good.cpio good.config
has "... but no partition by PARTLABEL=" "$work/out" '^doctor: FAULT DEVICE: no partition is PARTLABEL=plyboot-layers'
is "... and that there is no GPT is no fault" "$(grep -c GPT "$work/out")" 0
table dos.img 83 5
good "logical partitions" dos.img good.cpio good.config
has "... are a note" "$work/out" '^doctor: note: .dos.img.: its logical partitions are not looked at'
has "... as is what may be one of them" "$work/out" '^doctor: note: no partition that was looked at is PARTLABEL=plyboot-layers'
is "... and whether a stack boots is not said" "$(boots --image dos.img --initrd good.cpio)" None

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

memory=40 finds "not enough memory" NOSPACE 'demo-5 needs [0-9]+ MiB of memory, and of 40 MiB about' good.img good.cpio good.config
head -c 256K /dev/urandom >filler
cp good.img full.img
seq 80 | sed 's/.*/write filler filler&/' | debugfs -w -f - "full.img?offset=$(part full.img 3)" >/dev/null 2>&1
finds "a state partition without room" NOSPACE 'state on partition 3 of .full.img.: [0-9]+ bytes .* no room for an upper' \
	full.img good.cpio good.config
time=2025-01-01T00:00:00Z doctor good.img good.cpio good.config
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
initrd x.cpio --set 'layers LABEL=plyboot-layers'
cp good.img other.img
ok "another disk" sfdisk -q --part-label other.img 2 other
doctor good.img x.cpio good.config --image other.img
has "one label on two disks" "$work/out" '2 partitions are LABEL=plyboot-layers: partition 1 of .good.img. and partition 1 of .other.img.'

cp -a store kept
stack 6 --upper persistent --persist /var/lib/app
image persist.img
rm -rf store && mv kept store
sfdisk -q --part-label persist.img 3 another >/dev/null
finds "a state partition that a persistent path is on" DEVICE 'no partition is PARTLABEL=plyboot-state' persist.img good.cpio good.config
initrd x.cpio --set 'upper volatile'
good "... which 'upper volatile' never mounts" persist.img x.cpio good.config

# --- 9, 10: blobs

debug() { # IMAGE PARTITION COMMAND
	debugfs -w -R "$3" "$1?offset=$(part "$1" "$2")" >/dev/null 2>&1
}
in_image=$(blob a.layer)
in_image=/${in_image#store/}
cp good.img x.img
debug x.img 1 "rm $in_image"
finds "a blob that is missing" MISSING "demo-5, layer 1 .*${in_image#/}" x.img good.cpio good.config
cp good.img x.img
at=$(debugfs -R "blocks $in_image" "good.img?offset=$start" 2>/dev/null | awk '{ print $5 }')
flip x.img $((start + at * 4096 + 7))
finds "a blob that is damaged" DIGEST 'demo-5, layer 1 .*piece' x.img good.cpio good.config

# --- 11, 12: the floor and the record

initrd x.cpio --set 'floor 6'
finds "a version below the initramfs's floor" ROLLBACK 'demo-5.stack: version 5 is below the floor 6' good.img x.cpio good.config

cp -a store kept
stack 6
image both.img
rm -rf store && mv kept store
good "... which is well once a newer one boots" both.img x.cpio good.config
has "... and is a note" "$work/out" '^doctor: note: demo-5.stack: version 5 is below the floor 6'

# record IMAGE PYTHON: a record whose fields that code has set in the dictionary `s`
record() {
	python3 - "$1" "$(part "$1" 2)" "$2" store/stacks/demo-5.stack <<'EOF'
import hashlib, struct, sys, zlib
text = open(sys.argv[4], "rb").read()
text = text[:text.index(b"---\n") + 4]
s = {"tries": 3, "confirmed": 0, "floor": 0}
exec(sys.argv[3], s)
copy = bytearray(4096)
copy[:16] = b"plyboot record 1"
struct.pack_into("<Q", copy, 24, 2)
struct.pack_into("<II", copy, 32, 1, 1)
copy[64:96] = hashlib.sha256(text).digest()
struct.pack_into("<QBB", copy, 96, 5, s["tries"], s["confirmed"])
struct.pack_into("<Q", copy, 112, 2)
copy[128:132] = b"demo"
copy[2112:2116] = b"demo"
struct.pack_into("<Q", copy, 2112 + 64, s["floor"])
struct.pack_into("<I", copy, 16, zlib.crc32(copy))
with open(sys.argv[1], "r+b") as image:
    image.seek(int(sys.argv[2]))
    image.write(copy)
EOF
}
cp good.img x.img
record x.img 'confirmed = 1'
good "a record of a confirmed stack" x.img good.cpio good.config
record x.img 'confirmed = 1; floor = 7'
finds "a version below the record's floor" ROLLBACK 'demo-5.stack: version 5 is below the floor 7' x.img good.cpio good.config
record x.img 'tries = 0'
finds "a stack whose tries are used up" LIMIT 'demo-5 comes behind any confirmed stack: ' x.img good.cpio good.config
head -c 100 /dev/urandom | dd of=x.img bs=1 seek=$(($(part x.img 2) + 200)) conv=notrunc status=none
echo X | dd of=x.img bs=1 seek=$(($(part x.img 2) + 1048576)) conv=notrunc status=none
finds "a record with both copies bad" FORMAT 'record on partition 2 of .x.img.: both copies are bad' x.img good.cpio good.config

# --- 13: the machine and the kernel

cp -a store kept
rm store/stacks/*
stack 5 --kernel 6.1.0-1-other
image x.img
rm -rf store && mv kept store
mkdir -p modules/lib/modules/6.1.0-9-amd64/kernel
echo module >modules/lib/modules/6.1.0-9-amd64/kernel/overlay.ko
echo kernel/overlay.ko: >modules/lib/modules/6.1.0-9-amd64/modules.dep
initrd x.cpio --modules modules --module overlay
finds "a stack for another kernel" TARGET 'for kernel 6.1.0-1-other, this kernel is 6.1.0-9-amd64' x.img x.cpio good.config
good "... where nothing says which it is" x.img good.cpio good.config
cp -a store kept
stack 6 --kernel 6.1.0-1-other
image both.img
rm -rf store && mv kept store
good "... which is well where another boots" both.img x.cpio good.config
has "... and is a note" "$work/out" '^doctor: note: demo-6.stack: .*for kernel 6.1.0-1-other'
python3 -c 'import sys; b = bytearray(2048); b[0x202:0x206] = b"HdrS"; b[0x20e:0x210] = b"\0\1"
b[0x300:0x318] = b"6.1.0-8-amd64 (me@home) "; open("bzImage", "wb").write(b)'
finds "modules of another kernel" TARGET 'the module /lib/modules/6.1.0-9-amd64/.*, and the kernel is 6.1.0-8-amd64' \
	good.img x.cpio good.config --kernel bzImage
"$plyboot" doctor --kernel bzImage >"$work/out" 2>"$work/err"
has "a kernel whose configuration can't be read is a note" "$work/out" '^doctor: note: the kernel .bzImage. has no configuration'
head -c 20000000 /dev/zero | gzip >Image.gz
{ cat bzImage; printf 'IKCFG_ST'; gzip -c good.config | head -c 100; } >cut.bzImage
gzip -c k.pub >other.gz
for kernel in Image.gz cut.bzImage other.gz; do
	"$plyboot" doctor --kernel "$kernel" --image good.img --initrd good.cpio >"$work/out" 2>"$work/err"
	is "$kernel without a configuration that can be read: that is a note, and the rest is looked at" \
		"$? $(grep -c "^doctor: note: the kernel .$kernel. has no configuration" "$work/out") $(grep -c '0 faults' "$work/out")" "0 1 1"
done
refuses "... but it is refused as --kernel-config" 1 STREAM "$plyboot" doctor --kernel-config cut.bzImage
refuses "... also a large one" 1 LIMIT "$plyboot" doctor --kernel-config Image.gz
sed 's/^CONFIG_OVERLAY_FS=.*/CONFIG_OVERLAY_FS=m/' good.config >x.config
good "a module that is loaded" good.img x.cpio x.config
cp -a store kept
rm store/stacks/*
stack 5 --arch aarch64
image x.img
rm -rf store && mv kept store
finds "a stack for another machine" TARGET 'for architecture aarch64, this machine is x86_64' x.img good.cpio good.config

# --- 14, 15: init.conf. The host command refuses to write these: they are put behind, as a second archive.

behind() { # INITRD LINE...: with another init.conf
	local file=$1
	shift
	mkdir -p cpio/etc/plyboot
	printf '%s\n' "$@" >cpio/etc/plyboot/init.conf
	{ cat good.cpio; (cd cpio && find etc | cpio -o -H newc --quiet); } >"$file"
}
behind x.cpio 'module /lib/modules/6.1.0-9-amd64/kernel/gone.ko'
finds "a module that is not there" CONFIG 'the module /lib/modules/6.1.0-9-amd64/kernel/gone.ko, which is not' good.img x.cpio good.config
behind x.cpio 'stack demo' 'colour blue'
finds "a line that means nothing" CONFIG 'init.conf in the initramfs: .*line 2' good.img x.cpio good.config
behind x.cpio 'shell /bin/sh'
finds "a shell that is not there" CONFIG 'the shell /bin/sh, which is not' good.img x.cpio good.config
behind x.cpio 'stack nginx'
finds "a stack that is not there" CONFIG 'the layers partition has no stack named nginx' good.img x.cpio good.config
behind x.cpio 'signatures 2'
doctor good.img x.cpio good.config
has "more signatures than keys" "$work/out" '^doctor: FAULT CONFIG: init.conf wants signatures by 2 keys, and 1 are trusted'

mkdir -p cpio/etc/plyboot/keys
(cd cpio && zcat -f ../good.cpio | cpio -i --quiet --no-absolute-filenames 'etc/plyboot/keys/*' 2>/dev/null)
for key in cpio/etc/plyboot/keys/*; do cp "$key" "$key-again"; done
behind x.cpio 'signatures 2'
doctor good.img x.cpio good.config
has "... where one key stands there twice" "$work/out" '^doctor: FAULT CONFIG: init.conf wants signatures by 2 keys, and 1 are trusted'
rm -r cpio/etc/plyboot/keys

# --- 16: file systems

cp good.img x.img
dd if=/dev/zero of=x.img bs=1M seek=$(($(part x.img 3) >> 20)) count=1 conv=notrunc status=none
finds "a state partition without a file system" DEVICE 'state on partition 3 .*no ext4' x.img good.cpio good.config
cp good.img x.img
debug x.img 3 'ssv state 2'
finds "a file system with errors" DEVICE 'state on partition 3 .*marked as damaged' x.img good.cpio good.config
cp good.img x.img
printf '\x00\x00\x00\x80' | dd of=x.img bs=1 seek=$(($(part x.img 3) + 1024 + 0x60)) conv=notrunc status=none
finds "a file system with a feature that Linux doesn't know" DEVICE 'ext4 features 0x80000000' x.img good.cpio good.config
feature() { # PARTITION OFFSET BIT: set in x.img, by its superblock
	python3 - "$(part x.img "$1")" "$2" "$3" <<'EOF'
import struct, sys
at, offset, bit = (int(word, 0) for word in sys.argv[1:])
with open("x.img", "r+b") as image:
    image.seek(at + 1024 + offset)
    value, = struct.unpack("<I", image.read(4))
    image.seek(at + 1024 + offset)
    image.write(struct.pack("<I", value | bit))
EOF
}
cp good.img x.img
feature 3 0x64 0x1000
finds "a state partition that is marked as read-only" DEVICE 'state on partition 3 .*read-only' x.img good.cpio good.config
cp good.img x.img
feature 1 0x64 0x1000
good "... which a layers partition may be" x.img good.cpio good.config
feature 1 0x60 0x4
feature 3 0x60 0x4
good "journals that were not replayed" x.img good.cpio good.config
for what in layers state; do
	has "... are a note: $what" "$work/out" "^doctor: note: $what on partition [13] .*its journal was not replayed"
done

# Linux's ext4 reads the block maps of an ext2 and ext3 as well, and so does the doctor; also those that are left in an ext4 that was
# one of them: what is written there anew has extents.
old() { # TYPE: the layers' file system in x.img
	cp good.img x.img
	mke2fs -q -F -t "$1" -b 1024 -L plyboot-layers -E "offset=$start" -d tree x.img 18000 2>"$work/err"
}
flags() { debugfs -R "stat $1" "x.img?offset=$start" 2>/dev/null | grep -c 'Flags: 0x80000'; }
for type in ext2 ext3; do
	old $type
	good "an $type with the layers" x.img good.cpio good.config
	is "... all of which is looked at" "$(grep -c '^doctor: note' "$work/out")" 0
	is "... and boots" "$(boots --image x.img --initrd good.cpio)" True
done
ok "an ext3 becomes an ext4" tune2fs -O extent,uninit_bg,dir_index "x.img?offset=$start"
debug x.img 1 "rm /stacks/demo-5.stack"
debug x.img 1 "write store/stacks/demo-5.stack /stacks/demo-5.stack"
is "... with extents and without" "$(flags /stacks/demo-5.stack) $(flags "$in_image")" "1 0"
good "... with the layers" x.img good.cpio good.config
is "... boots" "$(boots --image x.img --initrd good.cpio)" True
tables=/blobs/sha256/$(sed -n 's/^pieces sha256://p' a.layer)
for places in "$in_image 0" "$in_image IND" "$in_image DIND" "$tables 0"; do
	old ext3
	debug x.img 1 "sif ${places% *} block[${places#* }] 17999999"
	finds "a block map that leads outside: $places" FORMAT 'layer 1 .*damaged: a block map' x.img good.cpio good.config
	has "... and whom to ask" "$work/out" '^  what to do: install or make the image anew'
done
cp good.img x.img
dd if=/dev/zero of=x.img bs=512 seek=1 count=1 conv=notrunc status=none
doctor x.img good.cpio good.config
has "a disk without its table" "$work/out" '^doctor: FAULT FORMAT: .x.img.: no GPT'

# --- what can't be looked at

head -c 1000 good.cpio >cut.cpio
"$plyboot" doctor --initrd cut.cpio >"$work/out" 2>"$work/err"
is "an initramfs that is cut" "$? $(grep -cE '^doctor: FAULT FORMAT: the initramfs' "$work/out")" "1 1"
"$plyboot" doctor --image good.img >"$work/out" 2>"$work/err"
has "without an initramfs that is a note" "$work/out" '^doctor: note: no --initrd was given'
is "... and whether a stack boots is not said" "$(grep -c 'no stack would boot' "$work/out")" 0
is "... in JSON it is null" "$(boots --image good.img)" None
cp good.img x.img
sfdisk -q --part-label x.img 1 another >/dev/null
is "... also where no partition is named so by default" "$(boots --image x.img)" None
is "... as without a disk" "$(boots --initrd good.cpio)" None
initrd x.cpio --set 'layers /dev/vda1'
"$plyboot" doctor --image good.img --initrd x.cpio >"$work/out"
has "a layers partition by its device is a note" "$work/out" '^doctor: note: the layers partition is /dev/vda1 on the device'
is "... and whether a stack boots is not said" \
	"$(grep -c 'no stack would boot' "$work/out") $(boots --image good.img --initrd x.cpio)" "0 None"
cp good.img x.img
printf '\x52' | dd of=x.img bs=1 seek=$((start + 1024 + 0x60)) conv=notrunc status=none
"$plyboot" doctor --image x.img --initrd good.cpio >"$work/out"
has "ext4 features that are not read are a note" "$work/out" '^doctor: note: the layers partition has ext4 features that are not read'
is "... and whether a stack boots is not said" \
	"$(grep -c 'no stack would boot' "$work/out") $(boots --image x.img --initrd good.cpio)" "0 None"
"$plyboot" initramfs --pub other.pub -o x.cpio >/dev/null
is "where no stack boots, that is said" "$("$plyboot" doctor --image good.img --initrd x.cpio | grep -c 'no stack would boot$') $(
	boots --image good.img --initrd x.cpio)" "1 False"
sfdisk -q --part-label x.img 1 another >/dev/null
is "... also where there is no layers partition" "$(boots --image x.img --initrd good.cpio)" False
(cd cpio && rm -rf etc/plyboot/init.conf && cp "$plyboot" init && echo init | cpio -o -H newc --quiet) >x.cpio
is "... or no key" "$(boots --image good.img --initrd x.cpio)" False
# --- the running machine, by what its /init left in run/. Its partitions are files: which disks they are on, and who else
# has their names, is for tests/boot/upper.t.

apart() { # IMAGE: its partitions to p1, p2, p3
	local number
	for number in 1 2 3; do
		dd if="$1" of=p$number bs=1M skip=$(($(part "$1" $number) >> 20)) \
			count=$(($(sfdisk -J "$1" | python3 -c 'import json, sys
print(json.load(sys.stdin)["partitiontable"]["partitions"][int(sys.argv[1]) - 1]["size"] * 512)' $number) >> 20)) status=none
	done
}
booted() { # PYTHON: what else is so in its report, r
	rm -rf run
	mkdir -p run/keys
	python3 - "$top/tests/data/reports/booted.json" "/dev/..$PWD" "${1:-}" <<-'END'
		import json, sys
		r = json.load(open(sys.argv[1]))
		r.update(stack="demo", version=5, floor=0, record="new")
		r["devices"] = {name: sys.argv[2] + "/p" + number for name, number in (("layers", "1"), ("record", "2"), ("state", "3"))}
		r["policy"].update(floor=0, revoked=[])
		exec(sys.argv[3])
		json.dump(r, open("run/boot.json", "w"))
	END
	openssl pkey -pubin -in k.pub -outform DER -out run/keys/k.der
}
running=yes
apart good.img
booted
good "the running machine" -v
has "... its stack" "$work/out" '^doctor: good: demo-5.stack: signature, target, floor, memory, 1 layers'
for what in "layers 1" "record 2" "state 3"; do
	has "... its partitions: $what" "$work/out" "^doctor: good: ${what% *} partition: ./dev/\.\.$PWD/p${what#* }.\$"
done
has "... and what is not known without an initramfs" "$work/out" '^doctor: note: no --initrd was given: keys and policy are those of this boot'
good "... in JSON" --json
is "... a stack boots" "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["boots"])' "$work/out")" True
"$plyboot" doctor --run run --kernel-config good.config >"$work/out"
is "without --memory and --time: this machine's" "$? $(grep -c '0 faults, 0 warnings' "$work/out")" "0 1"
memory=40 finds "too little memory" NOSPACE 'demo-5 needs [0-9]+ MiB of memory, and of 40 MiB about'
needed() { # ARGUMENT...: how many MiB
	"$plyboot" doctor --run run --kernel-config good.config --memory 40 "$@" | sed -n 's/.*demo-5 needs \([0-9]*\) MiB.*/\1/p'
}
is "... for as many CPUs as there are" "$(needed)" "$(needed --cpus "$(getconf _NPROCESSORS_ONLN)")"
ok "... or are said: one is less than two" test "$(needed --cpus 1)" -lt "$(needed --cpus 2)"
time=2025-01-01T00:00:00Z doctor
has "a clock that is behind" "$work/out" '^doctor: WARN TARGET: demo-5 '
booted "r['policy']['floor'] = 6"
finds "a version below its floor" ROLLBACK 'demo-5.stack: version 5 is below the floor 6'
booted "r['policy']['revoked'] = ['sha256:$(openssl pkey -pubin -in k.pub -outform DER | sha256sum | cut -d' ' -f1)']"
finds "a key that it has revoked" KEY 'demo-5.stack: '
booted "r['policy']['signatures'] = 2"
finds "too few signatures" SIGNATURE 'demo-5.stack: '
booted
openssl pkey -pubin -in other.pub -outform DER -out run/keys/k.der
finds "a key that it doesn't trust" KEY 'demo-5.stack: '
initrd x.cpio --set 'layers LABEL=plyboot-layers' --set 'record none' --set 'state LABEL=plyboot-state'
good "... but the initramfs of the next boot does" --initrd x.cpio
is "... in JSON" "$("$plyboot" doctor --run run --initrd x.cpio --kernel-config good.config --json | python3 -c 'import json, sys
print(json.load(sys.stdin)["boots"])')" True
initrd y.cpio --set 'floor 6' --set 'layers LABEL=plyboot-layers' --set 'record none' --set 'state LABEL=plyboot-state'
finds "one with another floor" ROLLBACK 'demo-5.stack: version 5 is below the floor 6' --initrd y.cpio
link=/dev/shm/plyboot-doctor.$$
initrd y.cpio --set "layers $link/p1" --set 'record none' --set 'state LABEL=plyboot-state'
booted "r['devices']['layers'] = '$link/p1'"
ln -s "$PWD" "$link" && good "one that names the layers partition by its device" --initrd y.cpio
rm "$link"
is "... which is the running machine's" "$(grep -c '^doctor: note: the layers partition' "$work/out")" 0
booted
doctor --initrd good.cpio
has "one that looks for what is not there" "$work/out" '^doctor: FAULT DEVICE: no partition is PARTLABEL=plyboot-layers'
booted "r['stack'] = 'nginx'"
finds "the stack that runs is gone" CONFIG 'the layers partition has no stack named nginx'
has "... and another is there" "$work/out" '^doctor: note: of 1 stack files on the layers partition, those that are not named nginx'
booted "r['devices']['record'] = r['devices']['state'] = None"
good "without a record and a state partition"
for what in record state; do
	has "... is a note: $what" "$work/out" "^doctor: note: this boot had no $what partition"
done
booted "r['devices']['layers'] = None"
good "without a layers partition" --json
is "... nothing is said of a boot" "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["boots"])' "$work/out")" None

booted
cp p1 kept
flip p1 $((at * 4096 + 7))
finds "a blob of the running machine's that is damaged" DIGEST 'demo-5, layer 1 .*piece'
mv kept p1
cp p2 kept
cp good.img x.img
record x.img 'tries = 0'
dd if=x.img of=p2 bs=1M skip=$(($(part x.img 2) >> 20)) count=1 conv=notrunc status=none
finds "its tries are used up" LIMIT 'demo-5 comes behind any confirmed stack: '
mv kept p2
tune2fs -L plyboot-layers p3 >/dev/null
doctor
is "two partitions with one label are a warning, where none knows what is looked for" \
	"$? $(grep -cE "^doctor: (FAULT|WARN)" "$work/out") $(grep -cE '^doctor: WARN DEVICE: .*/p1. and .*/p3. are both LABEL=plyboot-layers' "$work/out")" "0 2 1"
initrd y.cpio --set 'layers LABEL=plyboot-layers' --set 'record none' --set "state UUID=$(blkid -o value -s UUID p3)"
finds "... and a fault where the initramfs looks for it" DEVICE '2 partitions are LABEL=plyboot-layers: .*/p1. and .*/p3.' --initrd y.cpio
dd if=/dev/zero of=p3 bs=1M count=1 conv=notrunc status=none
finds "a state partition that is no more" DEVICE 'state on ./dev/.*/p3.: .*no ext4'
rm p2
refuses "a partition that is not there" 3 MISSING "$plyboot" doctor --run run
chmod 600 p1
refuses "an ordinary user" 3 KERNEL as_nobody "$plyboot" doctor --run run
has "... is told that it takes root" "$work/err" 'open /dev/.*/p1: it takes root: Permission denied'
refuses "a system that plyboot did not boot" 3 MISSING "$plyboot" doctor --run nowhere
refuses "an image and the running system" 2 USAGE "$plyboot" doctor --run run --image good.img
refuses "nothing to look at" 2 USAGE "$plyboot" doctor
refuses "a time that is none" 2 USAGE "$plyboot" doctor --image good.img --time yesterday
refuses "an image that is not there" 3 MISSING "$plyboot" doctor --image nowhere
refuses "an initramfs that is not there" 3 MISSING "$plyboot" doctor --initrd nowhere
refuses "a configuration that is none" 1 FORMAT "$plyboot" doctor --kernel-config k.pub
finish
