#!/bin/bash
# The state partition: whatever is on it, the device boots, and says what becomes of the changes.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

payload "$work/root"
mkdir -p "$work/root/etc/secret"
echo original >"$work/root/etc/original"
echo hidden >"$work/root/etc/secret/file"
cat >"$work/root/hook" <<'EOS'
step=$($bb sed -n 's/.*test\.step=\([^ ]*\).*/\1/p' /proc/cmdline)
root_is() { $bb grep -q "^plyboot / overlay $1," /proc/mounts; }
case $step in
write) root_is rw && echo new >/etc/written && $bb mkdir /evil /opaque && echo mine >/evilfile ;;
read) [ "$($bb cat /etc/written)" = new ] && echo more >/etc/more ;;
gone) [ ! -e /etc/written ] && root_is rw && echo more >/etc/more ;;
fill)
	$bb dd if=/dev/zero of=/fill bs=64k
	[ "$($bb cat /etc/written)" = new ] && ! $bb dd if=/dev/zero of=/fill2 bs=64k count=1
	;;
use) for i in $($bb seq 100); do echo >/many.$i || break; done 2>/dev/null; [ "$i" -lt 100 ] ;;
still) [ "$($bb cat /etc/written)" = new ] && ! echo >/one ;;
used) [ "$($bb cat /etc/written)" = new ] && ! echo >/one && $bb rm /many.* && echo >/one && echo more >/etc/more ;;
room) [ "$($bb cat /etc/written)" = new ] && $bb rm /fill && echo more >/etc/more ;;
forged)
	! $bb ls /evil/file && ! $bb cat /evil/file && ! $bb grep original /evilfile && [ ! -e /etc/secret/file ] &&
		[ "$($bb cat /etc/original)" = original ] &&
		$bb dmesg | $bb grep 'refusing to follow redirect' && $bb dmesg | $bb grep 'refusing to follow metacopy'
	;;
setuid) [ -u /evilfile ] ;;
read-only) root_is ro && ! echo more >/etc/more ;;
remount) root_is ro && $bb mount -o remount,rw / && root_is rw && [ "$($bb cat /etc/written)" = new ] && echo more >/etc/more ;;
esac
EOS
pack root
build_image "$work/good" -- "$work/root.layer"
good=$work/good/disk

APPEND=test.step=write boots "a new state partition: what is written" "$work/good"
reports "  is written to it" 'r["upper"] == {"kind": "persistent", "why": None, "trial": False, "aside": None,
	"dirs": ["/run/plyboot/state/plyboot/test/upper"]} and r["warnings"] == []'
twin "$work/good"
APPEND=test.step=read boots "  and found again" "$work/twin"

# --- what costs the changes, loudly, but not the boot

# costs NAME TEXT
costs() {
	APPEND="test.step=gone ${more:-}" boots "$1: boots without what was written" "$work/twin"
	says "  and says so" "WARNING: NOTHING WILL BE KEPT: the upper is volatile, not persistent: .*$2"
	reports "  in the report, too" 'r["upper"]["kind"] == "volatile" and r["upper"]["why"] and r["version"] == 1'
}
home=/plyboot/test

dd if=/dev/zero of="$work/zero" bs=1M count=16 status=none
partition_put "$work/twin/disk" plyboot-state "$work/zero"
costs "all zero" "holds no ext4 file system"

twin "$work/good"
on_state "$work/twin/disk" "unlink $home/upper" "symlink $home/upper /"
costs "upper is a symlink" "open upper on the state partition"

twin "$work/good"
on_state "$work/twin/disk" "unlink /plyboot" "symlink /plyboot /run"
costs "plyboot is a symlink" "open plyboot on the state partition"

twin "$work/good"
on_state "$work/twin/disk" "unlink $home/work" "write /etc/hostname $home/work" "cd $home" "write /etc/hostname work"
costs "work is a file" "open work on the state partition: Not a directory"

twin "$work/good"
on_state "$work/twin/disk" "clri <8>"
costs "no journal" "mount: "

# A directory of nonsense, on a file system that asks to panic when it finds any. Some nonsense the kernel only passes
# over: where the length of an entry (bytes 5 and 6) leads to zeros, it looks no further, and logs nothing.
# nonsense BYTE BYTE: what becomes the start of the directory plyboot
nonsense() {
	local block size
	twin "$work/good"
	on_state "$work/twin/disk" "ssv errors 3"
	block=$(debugfs -R "bmap /plyboot 0" "$work/state" 2>/dev/null)
	size=$(dumpe2fs -h "$work/state" 2>/dev/null | sed -n 's/^Block size: *//p')
	printf "junk%bnonsense" "\\x$1\\x$2" | dd of="$work/state" bs=1 seek=$((block * size)) conv=notrunc status=none
	partition_put "$work/twin/disk" plyboot-state "$work/state"
}
nonsense ff ff
costs "a damaged directory, and the superblock says errors=panic" "make test on the state partition: Read-only"
check "  the kernel saw the damage" grep -q 'EXT4-fs error' "$work/console"
nonsense d1 04
costs "one that ends in zeros" "make test on the state partition: the file system is damaged"

twin "$work/good"
more="plyboot.wait=1 plyboot.state=LABEL=nowhere" costs "no such partition" "no block device is LABEL=nowhere"

# --- what does not cost them

twin "$work/good"
on_state "$work/twin/disk" "cd $home" "unlink made-for" "write /bin/busybox made-for"
APPEND=test.step=read boots "garbage in made-for: what was written is there" "$work/twin"
says "  and a warning" "warning: state: what the upper was made for can't be read: made-for is over"

APPEND=test.step=fill boots "fill the partition" "$work/twin"
APPEND=test.step=room boots "a full partition: what was written is there, and room can be made" "$work/twin"

make_stack test 2 -- "$work/root.layer"
# Names that are listed, and not found: their hashes are others'.
twin "$work/good"
partition_copy "$work/twin/disk" plyboot-state "$work/state"
mkdir -p "$work/m"
# shellcheck disable=SC2016 # for the inner shell
unshare -m bash -c 'mount -o loop "$1/state" "$1/m" && cd "$1/m/plyboot/test" && mkdir dropped &&
	for i in {100..300}; do echo >dropped/$(printf "%0180d" 0)$i; done' - "$work"
python3 - "$work/state" <<'EOT'
import sys
data = open(sys.argv[1], "rb").read()
assert data.count(b"0" * 180) >= 200
open(sys.argv[1], "wb").write(data.replace(b"0" * 180, b"1" * 180))
EOT
partition_put "$work/twin/disk" plyboot-state "$work/state"
APPEND=test.step=read boots "a damaged directory that can't be removed" "$work/twin"
says "  stays" "warning: state: what was left half done stays there: \`dropped\` can't be emptied"
reports "  and costs nothing" 'r["upper"]["kind"] == "persistent" and len(r["warnings"]) == 1'

# The same for inodes, where an update wants some for its trial.
twin "$work/good"
truncate -s "$(partition_field "$good" plyboot-state size)" "$work/few"
mke2fs -q -t ext4 -N 64 -L state "$work/few"
partition_put "$work/twin/disk" plyboot-state "$work/few"
APPEND=test.step=write boots "a file system of 64 inodes" "$work/twin"
APPEND=test.step=use boots "  they are used up" "$work/twin"
on_partition "$work/twin/disk" plyboot-layers "write $work/store/stacks/test-2.stack /stacks/test-2.stack"
full="warning: state: make room there: only what is kept for that let the upper be used: the state partition has [1-9][0-9]* KiB and 0 inodes free: "
APPEND=test.step=still boots "  an update has a trial all the same" "$work/twin"
says "  it is said that there is none free" "$full"
reports "  it runs" 'r["version"] == 2 and r["upper"]["kind"] == "persistent" and r["upper"]["trial"]'
on_partition "$work/twin/disk" plyboot-layers "rm /stacks/test-2.stack"
for again in "" " again"; do
	APPEND=test.step=still boots "  what was written is there$again" "$work/twin"
	says "  and it is said why not all is well" "${full}mount the overlay"
done
APPEND=test.step=used boots "  what was written is there, and room can be made" "$work/twin"
reports "  as before" 'r["version"] == 1 and r["upper"]["kind"] == "persistent"'
APPEND=test.step=read boots "  with room, all is well" "$work/twin"
reports "  again" 'r["upper"]["kind"] == "persistent" and r["warnings"] == []'

twin "$work/good"
make_image "$work/twin" --stack test-2
on_state "$good" ""
partition_put "$work/twin/disk" plyboot-state "$work/state"
APPEND=test.step=read boots "the upper of version 1 under version 2" "$work/twin"
says "  on trial" "test 2: 1 layer, upper persistent (on trial); /sbin/init after"

# --- what an attacker with the disk puts there: see README.md, a persistent upper is not verified

twin "$work/good"
on_state "$work/twin/disk" "cd $home/upper" \
	"ea_set evil trusted.overlay.redirect /etc/secret" \
	"ea_set evilfile trusted.overlay.metacopy \"\"" \
	"ea_set evilfile trusted.overlay.redirect /etc/original" \
	"mkdir etc/secret" "ea_set etc/secret trusted.overlay.opaque y"
APPEND=test.step=forged boots "redirect and metacopy are not followed; opaque hides, as any upper may" "$work/twin"

twin "$work/good"
on_state "$work/twin/disk" "sif $home/upper/evilfile mode 0104755"
APPEND=test.step=setuid boots "a setuid file in the upper is there" "$work/twin"
APPEND="test.step=gone plyboot.upper=volatile" boots "  and is not, with a volatile upper" "$work/twin"
reports "  which was asked for, and is no warning" \
	'r["upper"]["kind"] == "volatile" and "asks for it" in r["upper"]["why"] and r["warnings"] == []'

# --- without a state, or without an upper

twin "$work/good"
APPEND="test.step=gone plyboot.state=none" boots "state none" "$work/twin"
reports "  the same" 'r["upper"]["kind"] == "volatile" and "asks for it" in r["upper"]["why"] and r["warnings"] == []'
twin "$work/good" --set 'upper volatile'
APPEND=test.step=gone boots "init.conf: upper volatile" "$work/twin"
twin "$work/good"
APPEND="test.step=read-only ro" boots "ro: the root is read-only" "$work/twin"
APPEND="test.step=remount ro" boots "  until it is remounted" "$work/twin"
build_image "$work/none" --upper none -- "$work/root.layer"
APPEND=test.step=read-only boots "a stack with --upper none: the root is read-only" "$work/none"
reports "  and the report says so" 'r["upper"] == {"kind": "none", "why": None, "trial": False, "aside": None, "dirs": []}'
finish
