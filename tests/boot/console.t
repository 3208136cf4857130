#!/bin/bash
# What /init shows while it unpacks from a slow disk, on a serial line and on a screen; and what is in the kernel's log
# afterwards, with its priorities.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

payload "$work/root"
cat >"$work/root/hook" <<'END'
if $bb grep -q test.reboot /proc/cmdline && ! [ -e /was-here ]; then
	$bb touch /was-here && $bb sync && $bb reboot -f
fi
for level in err warn info debug; do
	echo "$level:"
	$bb dmesg -r | $bb sed -n "s/^<$(case $level in err) echo 11 ;; warn) echo 12 ;; info) echo 14 ;; debug) echo 15 ;; esac)>.*plyboot: /&/p"
	echo "$level."
done
END
mkdir -p "$work/large/etc"
head -c 60000000 /dev/urandom >"$work/large/etc/large"
pack root
pack large
build_image "$work/good" -- "$work/root.layer" "$work/large.layer"

# slow NAME BYTES-A-SECOND: boots from a disk that gives no more
slow() {
	raw_disk "$work/good/disk" ",throttling.bps-read=$2"
	mkdir -p "$work/bare"
	ln -f "$work/$3/initramfs" "$work/bare/initramfs"
	MEMORY=768 boots "$1" "$work/bare" "${disk[@]}"
}

# shown: its lines of progress, as they came
shown() {
	grep -a 'plyboot: unpacking: ' "$work/console"
}

# grows: several lines, whose percent, bytes and form are as they should be
grows() {
	python3 - "$work/console" <<'END'
import re, sys
text = open(sys.argv[1], "rb").read()
ours = [line for line in text.split(b"\r\n") if b"unpacking: " in line]
form = re.compile(rb"plyboot: unpacking: (\d+) %, (\d+\.\d) of (\d+\.\d) MB, (\d+\.\d) MB/s, (\d+ s left|\d+ min \d+ s left|waiting)")
found = [form.fullmatch(line) for line in ours]
assert len(found) >= 3 and all(found), ours
percent = [int(match.group(1)) for match in found]
assert percent == sorted(set(percent)) and percent[-1] >= 60, percent
assert {match.group(3) for match in found} == {found[0].group(3)} and 60 <= float(found[0].group(3)) < 63, ours
assert all(2 < float(match.group(4)) < 25 for match in found[1:]), ours
assert all(len(line) <= 79 for line in ours), ours
between = text[text.index(ours[0]):text.rindex(ours[-1])]
assert not re.search(rb"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)", between), between
END
}

slow "60 MB at 10 MB/s" 10000000 good
check "  it says how far it is, again and again, in whole lines" grows
says "  and that it is done" 'layer 2/2 [0-9a-f]* 60[0-9]* bytes stored'
shown | tr -d '\r' | sed 's/^/# /'

# logged LEVEL: ours in the kernel's log with that priority
logged() {
	tr -d '\r' <"$work/console" | sed -n "/^$1:\$/,/^$1\\.\$/p" | sed '1d;$d'
}

# has_log LEVEL TEXT / lacks_log LEVEL TEXT
has_log() {
	logged "$1" | grep "plyboot: $2"
}

lacks_log() {
	! has_log "$@"
}

check "the kernel's log has what was said" has_log info 'layers on /dev/vdb1'
check "  but not how far it was" lacks_log info 'unpacking: '
check "  nor an error" lacks_log err .
check "  and the console has it once" [ "$(grep -ac 'plyboot: layers on ' < <(sed '/^err:/,$d' "$work/console"))" -eq 1 ]

make_initramfs "$work/quiet" --set 'log quiet' --set 'record /dev/vdz'
slow "quiet" 100000000 quiet
check "  no progress" [ "$(shown | wc -l)" -eq 0 ]
says "  but what went wrong" "WARNING: no record, so no try is counted: "
check "  which is a warning in the kernel's log" has_log warn 'WARNING: no record'
check "  that has the rest, too" has_log info 'stack test 1, 2 layers'

make_initramfs "$work/bar" --set 'progress bar'
slow "a bar, for whoever wants one on a serial line" 20000000 bar
check "  is drawn where it stands" grep -aqP 'plyboot: \[#+\.+\] \d+ %, .*\r\x1b\[Kplyboot: \[#' "$work/console"
check "  and gone at the end" grep -aqP '\r\x1b\[Kplyboot: layer 2/2 ' "$work/console"

mkdir "$work/again"
ln "$work/good/initramfs" "$work/again/initramfs"
cp --sparse=always "$work/good/disk" "$work/again/disk"
status=0
APPEND=test.reboot boot "$work/again" "$work/console" || status=$?
check "a guest that reboots ends" [ "$status" -eq 120 ]
APPEND=test.reboot boots "  with --reboot it boots again" "$work/good" --reboot

make_initramfs "$work/off" --set 'progress off'
APPEND=loglevel=7 slow "off" 20000000 off
check "  is off" [ "$(grep -ac 'MB/s' "$work/console")" -eq 0 ]
check "  with a kernel that prints what is in its log: ours are not there twice" \
	[ "$(sed '/^err:/,$d' "$work/console" | grep -ac '\] plyboot: ')" -eq 0 ]
says "  and once" 'layers on /dev/vdb1'
mkdir "$work/alone"
ln "$work/good/initramfs" "$work/alone/initramfs"
APPEND=plyboot.wait=8 refuses "a disk that never comes" "$work/alone" DEVICE "no block device is PARTLABEL=plyboot-layers"
says "  is waited for" 'waiting for PARTLABEL=plyboot-layers$'
says "  which is said again" 'waiting for PARTLABEL=plyboot-layers, for [12] s more at most$'
finish
