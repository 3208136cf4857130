#!/bin/bash
# A device over its life: stacks come, are tried, confirmed or not, and fall back. After each boot: which one runs, what
# the console says, and what `plyboot status` on the device says.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

payload "$work/root"
mkdir -p "$work/root/usr/bin"
cp "$plyboot" "$work/root/usr/bin/plyboot"
pack root

# What distinguishes the versions: whether they confirm, and one that hangs before it does anything.
for kind in good better silent hangs bad-sector; do
	mkdir -p "$work/$kind"
	cat >"$work/$kind/hook" <<-EOF
		if /bin/busybox grep -q again /proc/cmdline; then
			/bin/busybox mkdir -p /mnt /tmp/store/blobs/sha256
			/bin/busybox mount -o ro /dev/vda1 /mnt
			/bin/busybox cp -r /mnt/oci-layout /mnt/index.json /mnt/stacks /tmp/store
			/bin/busybox umount /mnt
			cd /tmp/store
			/usr/bin/plyboot install --store . test-3
			/usr/bin/plyboot install --again --store . test-3
			cd /
		fi
		if /bin/busybox grep -q gc /proc/cmdline; then
			/usr/bin/plyboot gc --device --room 1T; echo "1T: \$?"
			/usr/bin/plyboot gc --device --dry-run
			/usr/bin/plyboot gc --device; echo "gc: \$?"
			/usr/bin/plyboot gc --device; echo "again: \$?"
		fi
		echo "status:"; /usr/bin/plyboot status; echo "status."
		echo "json:"; /usr/bin/plyboot status --json; echo "json."
		[ $kind = silent ] || /usr/bin/plyboot confirm
		if /bin/busybox grep -q pulled /proc/cmdline; then
			echo 1 >/sys/block/vda/device/../remove
			echo "pulled:"; /usr/bin/plyboot status; echo "pulled. \$?"
			echo "json:"; /usr/bin/plyboot status --json 2>/dev/null; echo "json."
		fi
	EOF
	[ $kind != hangs ] || printf 'while :; do /bin/busybox sleep 1; done\n' >"$work/$kind/hook"
	echo $kind >"$work/$kind/kind"
	[ $kind != bad-sector ] || head -c 300000 /dev/urandom >"$work/$kind/noise"
	pack $kind
done
# version VERSION KIND FLOOR
version() {
	make_stack test "$1" --floor "$3" --upper volatile -- "$work/root.layer" "$work/$2.layer"
}
version 1 good 0
version 2 better 1
version 3 silent 0
version 4 good 0
version 5 good 5
version 6 bad-sector 0
version 7 hangs 0
make_initramfs "$work/device" --set 'watchdog 12'
make_image "$work/all"
python3 -c '
import sys
path = sys.argv[1]
data = bytearray(open(path, "rb").read())
data[-20] ^= 1 # in the base 64 of the signature
open(path, "wb").write(data)' "$work/store/stacks/test-4.stack"

# device VERSION: a new one, with the blobs of all versions and this one's stack file
device() {
	image=$work/device/disk
	cp --sparse=always "$work/all/disk" "$image"
	for other in 1 2 3 4 5 6 7; do
		[ "$other" = "$1" ] || on_partition "$image" plyboot-layers "rm /stacks/test-$other.stack"
	done
}
come() {
	on_partition "$image" plyboot-layers "rm /stacks/test-$1.stack" \
		"write $work/store/stacks/test-$1.stack /stacks/test-$1.stack"
}

# runs NAME VERSION [BOOT-OPTION...]; status LINE...: `plyboot status` on it had these lines (basic regular expressions)
runs() {
	local name=$1 version=$2
	shift 2
	boots "$name: version $version runs" "$work/device" "$@"
	reports "  as boot.json says" "r['version'] == $version"
	tr -d '\r' <"$work/console" | sed -n '/^status:$/,/^status\.$/p' >"$work/status"
}
status() {
	for line; do
		if grep -q "^$line\$" "$work/status"; then pass "  status: $line"; else fail "  status lacks: $line" "$work/status"; fi
	done
}

# as_json NAME EXPRESSION: Python's, true of what `plyboot status --json` said there, which is s
as_json() {
	tr -d '\r' <"$work/console" | sed -n '/^json:$/,/^json\.$/p' | sed '1d;$d' >"$work/status.json"
	check "$1" python3 -c 'import json, sys; s = json.load(open(sys.argv[1])); sys.exit(0 if eval(sys.argv[2]) else json.dumps(s, indent=1))' \
		"$work/status.json" "$2"
}

device 1
runs "a new device" 1
status "layers         1 [0-9a-f]\{12\} unpacked, [0-9]* bytes stored, [0-9]* unpacked, [0-9]* ms" \
	"               2 [0-9a-f]\{12\} unpacked, [0-9]* bytes stored, .*" \
	"memory         [1-9][0-9]* KiB for the layers, and about [1-9][0-9]* KiB of the kernel's for their [1-9][0-9]* inodes" \
	"room           in the upper [1-9][0-9]* of [1-9][0-9]* KiB, [1-9][0-9]* of [1-9][0-9]* inodes free"
as_json "  --json: what runs, on trial" \
	's["plyboot_status"] == 1 and (s["stack"], s["version"], s["confirmed"], s["tries_left"]) == ("test", 1, False, 2)'
as_json "  --json: its layers, and the memory that they hold" \
	'[l["from"] for l in s["layers"]] == ["unpacked"] * 2 and 1000000 < s["store"]["used_bytes"] <= s["store"]["total_bytes"]'
as_json "  --json: its upper" 's["upper_kind"] == "volatile" and 0 < s["upper_room"]["free_bytes"] <= s["upper_room"]["total_bytes"]'
as_json "  --json: no fallback, and what comes next" \
	's["fallbacks"] == [] and s["floor"] == 0 and [n["version"] for n in s["next_boot"]] == [1] and s["next_refused"] == []'
says "  on trial" "stack test 1, 2 layers, .*, 2 tries left\$"
says "  the watchdog is armed" "watchdog /dev/watchdog: 12 s\$"
status "running        test 1, on trial, 2 tries left" "upper          volatile" "watchdog       /dev/watchdog, 12 s" \
	"floor          0" "record         good; 1 boot since the last confirm" "next boot      test 1, on trial, 2 tries left"
check "  confirmed" grep -q '^test 1 is confirmed; floor 0' "$work/console"

come 2
runs "a good one comes, with a floor of 1" 2
status "next boot      test 2, on trial, 2 tries left" "  or else      test 1, confirmed"
check "  confirmed" grep -q '^test 2 is confirmed; floor 1' "$work/console"
runs "the next boot" 2
says "  needs no trial" "stack test 2, .*, confirmed\$"
status "running        test 2, confirmed" "floor          1 of the record" "next boot      test 2, confirmed" "  or else      test 1, confirmed"
check "  confirmed again: its boots count from here" grep -q '^test 2 is confirmed; floor 1' "$work/console"

come 3
for left in 2 1 0; do
	case $left in 1) text="1 try left" ;; *) text="$left tries left" ;; esac
	runs "one that nobody confirms" 3
	says "  $text" "stack test 3, .*, $text\$"
done
status "running        test 3, not confirmed, its tries are used up" "next boot      test 2, confirmed"
runs "its tries are used up" 2
says "  and the console says why" "passed over test-3.stack: its tries are used up, and it was never confirmed\$"
reports "  boot.json, too" '[(p["file"], "used up" in p["reason"]) for p in r["passed_over"]] == [("test-3.stack", True)]'
status "passed over    test-3.stack: its tries are used up, and it was never confirmed" \
	"next boot      test 2, confirmed" "  or else      test 1, confirmed" \
	"  or else      test 3, not confirmed, its tries are used up"

APPEND=again runs "it is installed once more" 2
check "  which alone gives it no tries" grep -q 'warning: the tries of test-3.stack are used up' "$work/console"
check "  --again does" grep -q '^next boot: test version 3, on trial: 3 of 3 tries left' "$work/console"
status "running        test 2, confirmed" "next boot      test 3, on trial, 3 tries left" "  or else      test 2, confirmed"
on_partition "$image" plyboot-layers "rm /stacks/test-3.stack"

come 4
runs "one with a bad signature" 2
says "  refused" "refused test-4.stack: SIGNATURE: "
status "refused        test-4.stack: SIGNATURE: .*" "  not          test-4.stack: SIGNATURE: .*"

come 5
runs "a good one, with a floor of 5" 5
check "  confirmed" grep -q '^test 5 is confirmed; floor 5' "$work/console"
come 1
runs "an old one again" 5
says "  refused" "refused test-1.stack: ROLLBACK: version 1 is below the floor 5 of the record"
status "refused        test-1.stack: ROLLBACK: version 1 is below the floor 5 of the record" \
	"floor          5 of the record" "next boot      test 5, confirmed" \
	"  not          test-2.stack: ROLLBACK: version 2 is below the floor 5 of the record"

come 6
sector=$(($(locate "$image" "$(layer_blob bad-sector)" 100000) / 512))
printf '[inject-error]\nevent = "read_aio"\nerrno = "5"\nsector = "%s"\nonce = "off"\n' $sector >"$work/rules"
cp "$work/device/initramfs" "$work/all/initramfs"
disk=(--qemu-arg -drive --qemu-arg "id=d,if=none,driver=raw,file.driver=blkdebug,file.config=$work/rules,file.image.filename=$image"
	--qemu-arg -device --qemu-arg "virtio-blk-pci,drive=d")
mkdir -p "$work/none"
ln -sf "$work/device/initramfs" "$work/none/initramfs"
boots "one bad sector in a layer: version 5 runs" "$work/none" "${disk[@]}"
reports "  as boot.json says" "r['version'] == 5"
tr -d '\r' <"$work/console" | sed -n '/^status:$/,/^status\.$/p' >"$work/status"
says "  the layer is named" "ERROR test-6.stack: IO: layer 2/2 sha256:" # the kernel's own words may fall into the rest
reports "  and the reason" \
	'[(f["file"], f["code"], f["reason"].endswith("I/O error")) for f in r["failed"]] == [("test-6.stack", "IO", True)]'
status "did not boot   test-6.stack: IO: .*" "running        test 5, confirmed"
as_json "  --json: the fallback, and why" '("failed", "test-6.stack", "IO") in [(f["what"], f["file"], f["code"]) for f in s["fallbacks"]]'

on_partition "$image" plyboot-layers "rm /stacks/test-6.stack"
come 7
# Without -no-reboot, so that the watchdog's resets are resets.
boots "one that hangs: the watchdog resets it three times, then version 5 runs" "$work/device" \
	--qemu-arg -action --qemu-arg watchdog=reset --qemu-arg -action --qemu-arg reboot=reset
reports "  as boot.json says" "r['version'] == 5 and r['watchdog']['reset']"
check "  it hung three times" [ "$(tr -d '\r' <"$work/console" | grep -c 'stack test 7, .* tr.* left$')" -eq 3 ]
says "  which is said" "WARNING: the watchdog reset this machine: what ran before did not feed it"
tr -d '\r' <"$work/console" | sed -n '/^status:$/,/^status\.$/p' >"$work/status"
status "last reset     by the watchdog: what ran before did not feed it" \
	"passed over    test-7.stack: its tries are used up, and it was never confirmed"

come 3
APPEND=gc runs "gc on the device" 5
check "  more room than there can be: the numbers are named, nothing goes" grep -Eq \
	'^plyboot gc: NOSPACE: 1099511627776 bytes are wanted on /dev/vda1, and [0-9]+ would be free: .*nothing was removed' "$work/console"
check "  with an exit status of 3" grep -q '^1T: 3' "$work/console"
for gone in 1 2 3; do
	check "  said before: version $gone" grep -q "^would remove test-$gone.stack: below the floor" "$work/console"
	check "  gone: version $gone" grep -q "^removed test-$gone.stack: below the floor" "$work/console"
done
check "  and only these" [ "$(grep -c '^removed test-' "$work/console")" -eq 3 ]
check "  with their blobs" grep -q "^removed sha256:$(basename "$(layer_blob silent)") " "$work/console"
check "  no other's" [ "$(grep -c "^removed sha256:$(basename "$(layer_blob good)")" "$work/console")" -eq 0 ]
check "  once more: nothing to do" grep -q '^again: 0' "$work/console"
status "next boot      test 5, confirmed" "  not          test-4.stack: SIGNATURE: .*"
partition_copy "$image" plyboot-layers "$work/layers"
mkdir -p "$work/out"
debugfs -R "rdump / $work/out" "$work/layers" >"$work/debugfs.log" 2>&1
check "  what is left passes plyboot verify" "$plyboot" verify --store "$work/out" --pub "$work/key.pub" test-5

device 1
runs "another device" 1
come 2
runs "version 2 is confirmed" 2
flip "$image" "$(layer_blob better)" 60
runs "and then damaged" 1
says "  which is said" "ERROR test-2.stack: DIGEST: layer 2/2 sha256:.*: piece 1 of"
reports "  the layer below was unpacked once" '[l["from"] for l in r["layers"]] == ["reused", "unpacked"]'
status "running        test 1, confirmed" "did not boot   test-2.stack: DIGEST: .*" "next boot      test 2, confirmed" \
	"  or else      test 1, confirmed"

device 1
APPEND=pulled runs "the disk is pulled out of a running device" 1
check "  status ends with 3" grep -q '^pulled\. 3' "$work/console"
check "  names the device" grep -q '^plyboot status: DEVICE: mount /dev/vda1: ' "$work/console"
check "  and says what to do" grep -q '^  the layers that run are in memory, but the next boot needs /dev/vda1: bring it back' "$work/console"
tr -d '\r' <"$work/console" | sed -n '/^pulled:$/,/^pulled\. /p' >"$work/status"
status "running        test 1, no record" "memory         [1-9][0-9]* KiB for the layers, .*" "upper          volatile" \
	"room           in the upper [1-9][0-9]* of .*" "next boot      not known, the layers partition can't be read: DEVICE: .*"
tr -d '\r' <"$work/console" | sed -n '/^pulled\. /,$p' >"$work/console.after"
mv "$work/console.after" "$work/console"
as_json "  --json: what is known, and what is not" '(s["stack"], s["next_boot"], s["layers_error"]["code"]) == ("test", None, "DEVICE")'
finish
