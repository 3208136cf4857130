#!/bin/bash
# The disk image: partitions, file systems, and in them just what the chosen stacks name.
# shellcheck disable=SC2016 # for another shell to expand
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

part() { # FILE NUMBER start|size: in bytes
	sfdisk -d "$1" | sed -n "s/^.*$2 :.*$3= *\([0-9]*\),.*/\1/p" | awk '{ print $1 * 512 }'
}

in_image() { # FILE COMMAND
	debugfs -R "$2" "$1?offset=$(part "$1" 1 start)" 2>/dev/null
}

mkdir src src2
head -c 3000000 /dev/urandom >src/file
echo second >src2/file
"$plyboot" keygen -o k >/dev/null
"$plyboot" pack -o a.layer src >/dev/null
"$plyboot" pack -o b.layer src2 >/dev/null
"$plyboot" stack --name demo --version 1 --created 2026-01-01T00:00:00Z a.layer >/dev/null
"$plyboot" stack --name demo --version 2 --created 2026-02-02T02:02:02Z a.layer b.layer >/dev/null
"$plyboot" sign --key k.key store/stacks/demo-1.stack >/dev/null
"$plyboot" sign --key k.key store/stacks/demo-2.stack >/dev/null
echo unused >store/blobs/sha256/unused

ok "image" "$plyboot" image -o a.img
is "three partitions" "$(sfdisk -d a.img | sed -n 's/.*name="\(.*\)"/\1/p')" \
	$'plyboot-layers\nplyboot-record\nplyboot-state'
ok "sfdisk finds no fault" sfdisk --verify --quiet a.img
is "the record has 2 MiB" "$(part a.img 2 size)" 2097152
ok "... of zeros" cmp -n 2097152 -i "$(part a.img 2 start):0" a.img /dev/zero
is "the state has 256 MiB" "$(part a.img 3 size)" 268435456
for i in 1 3; do
	dd if=a.img of=p$i.img bs=1M skip=$(($(part a.img $i start) >> 20)) count=$(($(part a.img $i size) >> 20)) status=none
	ok "partition $i is an ext4 without fault" e2fsck -fn p$i.img
done
is "its label" "$(e2label p1.img)" plyboot-layers
is "the state's" "$(e2label p3.img)" plyboot-state
is "what is in it" "$(in_image a.img 'ls -p /' | cut -d/ -f6 | sort | tr '\n' ' ')" " . .. blobs index.json lost+found oci-layout stacks "
is "... the stacks" "$(in_image a.img 'ls -p /stacks' | cut -d/ -f6 | sort | tr '\n' ' ')" " . .. demo-1.stack demo-2.stack "
is "... their blobs, and no other" "$(in_image a.img 'ls -p /blobs/sha256' | cut -d/ -f6 | grep -v '^\.*$' | sort)" \
	"$(cat a.layer b.layer | sed -n 's/^\(layer\|pieces\) sha256://p' | sort)"
for file in stacks/demo-2.stack oci-layout index.json "$(blob a.layer | sed 's|^store/||')"; do
	in_image a.img "cat /$file" >got
	ok "... $file as it is in the store" cmp got "store/$file"
done
is "everything is root's" "$(in_image a.img 'ls -l /blobs/sha256' | awk 'NF { print $4, $5 }' | sort -u)" "0 0"
ok "the file is sparse" test "$(stat -c '%b * %B' a.img | xargs expr)" -lt 60000000

# The store out of the image is one.
mkdir -p out && debugfs -R "rdump /blobs out" "a.img?offset=$(part a.img 1 start)" 2>/dev/null
debugfs -R "rdump /stacks out" "a.img?offset=$(part a.img 1 start)" 2>/dev/null
cp store/oci-layout out/
ok "verify takes what is in the image" "$plyboot" verify --store out --pub k.pub
rm -rf out

sleep 1.1
ok "again" "$plyboot" image -o b.img
ok "... gives the same image" cmp a.img b.img
cp -a store elsewhere
find elsewhere -exec touch {} +
ok "from a copy of the store" "$plyboot" image --store elsewhere -o b.img
ok "... too" cmp a.img b.img
is "UUIDs differ from one another" "$(sfdisk -d a.img | grep -o 'uuid=[^,]*' | sort -u | wc -l)" 3
ok "one stack" "$plyboot" image --stack demo-1 -o c.img
is "... and no other" "$(in_image c.img 'ls -p /stacks' | cut -d/ -f6 | grep stack)" demo-1.stack
is "... and only its blobs" "$(in_image c.img 'ls -p /blobs/sha256' | cut -d/ -f6 | grep -vc '^\.*$')" 2
ok "its UUIDs are others" test "$(sfdisk -d a.img | grep uuid= | head -n 1 | grep -o 'uuid=[^,]*')" != \
	"$(sfdisk -d c.img | grep uuid= | head -n 1 | grep -o 'uuid=[^,]*')"

ok "sizes" "$plyboot" image --layers-size 40M --state-size 20M -o c.img
is "... as they were given" "$(part c.img 1 size) $(part c.img 3 size)" "41943040 20971520"
ok "a whole size" "$plyboot" image --size 100M -o c.img
is "... is the file's" "$(stat -c %s c.img)" 104857600
ok "... which sfdisk finds no fault with" sfdisk --verify --quiet c.img
refuses "a size that is too small for the state" 1 LIMIT "$plyboot" image --size 30M -o x.img
refuses "a size that is too small for the layers" 1 LIMIT "$plyboot" image --layers-size 8M -o x.img
refuses "a state that is too small" 1 LIMIT "$plyboot" image --state-size 1M -o x.img
refuses "a stack that is not there" 3 MISSING "$plyboot" image --stack demo-3 -o x.img
refuses "an output that can't be" 3 MISSING "$plyboot" image -o nowhere/x.img
cp "$(blob b.layer)" kept
flip "$(blob b.layer)" 20
refuses "a blob that is damaged" 1 DIGEST "$plyboot" image -o x.img
truncate -s 10 "$(blob b.layer)"
refuses "a blob that is cut" 1 SIZE "$plyboot" image -o x.img
rm "$(blob b.layer)"
refuses "a blob that is gone" 3 MISSING "$plyboot" image -o x.img
cp kept "$(blob b.layer)"
ok "whole again" "$plyboot" image -o c.img
"$plyboot" stack --name unsigned --version 1 a.layer >/dev/null
ok "an unsigned stack" "$plyboot" image -o c.img
has "... is a warning" "$work/err" 'warning: unsigned-1.stack is not signed'

# Many layers are many small files, for which the partition must have inodes.
for i in $(seq 300); do
	echo "$i" >src2/file
	"$plyboot" pack --store many --compress none -o "many$i.layer" src2 >/dev/null
done
"$plyboot" stack --store many --name many --version 1 many*.layer >/dev/null 2>&1
ok "300 layers" "$plyboot" image --store many -o c.img
has "... are all in it" "$work/out" ' 600 blobs '

# Debian's PATH of a user leads to neither; where they are not at all, the package is named.
ok "programs in /usr/sbin are found" env PATH=/usr/bin:/bin "$plyboot" image -o c.img
if unshare -m true 2>/dev/null; then
	refuses "a program that is missing" 3 MISSING unshare -m bash -c \
		'mount -t tmpfs none /usr/sbin && [ /sbin -ef /usr/sbin ] && PATH=/nowhere "$0" image -o x.img' "$plyboot"
	has "... says which package has it" "$work/err" 'apt-get install fdisk'
fi
finish
