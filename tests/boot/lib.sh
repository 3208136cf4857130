# shellcheck shell=bash
# Sourced by the boot tests: TAP, small payloads, images, and boots that must or must not succeed.
#
# A boot counts as good only when the payload in the new root printed this boot's nonce to the verdict port.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
plyboot=${PLYBOOT:-$top/build/plyboot}
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH # first: a pyenv's python3 takes a second to start
work=$(mktemp -d "${TMPDIR:-/tmp}/plyboot-boot.XXXXXX")
exec 9>&2 # where a failing step inside a redirected function can still be heard
trap 'status=$?; [ -n "${finished:-}" ] || { echo "Bail out! $0: stopped with status $status"; cat "$work"/*.log || true; } >&9
	rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

count=0
failed=0

# pass NAME / fail NAME [LOG]
pass() {
	count=$((count + 1))
	echo "ok $count - $1"
}

fail() {
	count=$((count + 1))
	failed=$((failed + 1))
	echo "not ok $count - $1"
	if [ -n "${2:-}" ] && [ -e "$2" ]; then
		tail -n 40 "$2" | tr -d '\r' | sed 's/^/# /'
	fi
}

# check NAME COMMAND...: passes when the command does
check() {
	local name=$1
	shift
	if "$@" >"$work/check.log" 2>&1; then pass "$name"; else fail "$name" "$work/check.log"; fi
}

finish() {
	finished=yes
	[ ! -s "$work/scanned" ] || check_scans
	echo "1..$count"
	[ "$failed" -eq 0 ]
}

# time_is_left: before PLYBOOT_UNTIL (seconds since 1970), if there is one. Tests with a count end early when it has passed.
time_is_left() {
	[ -z "${PLYBOOT_UNTIL:-}" ] || [ "$EPOCHSECONDS" -lt "$PLYBOOT_UNTIL" ]
}

new_nonce() {
	od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}

# The kernel that the tests boot, as qemu/demo/kernel names it: our own, which starts in half the time of Debian's,
# unless KERNEL in the environment names another one.
: "${KERNEL:=own-6.1}"

# on_kernel NAME: from here on this one, whatever the environment says
on_kernel() {
	KERNEL=$1
}

# find_kernel: the directory that holds it, in $guest_kernel, and what QEMU starts of it, in $guest_image
find_kernel() {
	[ "${found_kernel:-}" != "$KERNEL" ] || return 0
	guest_kernel=$("$top/qemu/demo/kernel" "$KERNEL")
	guest_image=$guest_kernel/vmlinux
	[ -e "$guest_image" ] || guest_image=$guest_kernel/vmlinuz
	found_kernel=$KERNEL
}

# payload DIR: a root of busybox whose init shows boot.json, gives the verdict and powers off; with a file /hook,
# that first
payload() {
	mkdir -p "$1/bin" "$1/sbin" "$1/etc" "$1/dev" "$1/proc" "$1/sys" "$1/run" "$1/tmp"
	cp /bin/busybox "$1/bin/busybox"
	ln -s busybox "$1/bin/sh"
	cat >"$1/sbin/init" <<-'EOF'
		#!/bin/sh
		bb=/bin/busybox
		nonce=$($bb sed -n 's/.*demo\.nonce=\([^ ]*\).*/\1/p' /proc/cmdline)
		status=0
		$bb dmesg -n 1 # its lines would fall among ours
		if [ -e /hook ]; then
			. /hook || status=1
		fi
		echo "boot.json:"
		$bb cat /run/plyboot/boot.json
		echo "boot.json."
		$bb stty -echo # which waits until all that is out: the kernel's last words would fall into it
		echo "plyboot-verdict $status $nonce" >/dev/ttyS1
		$bb sync
		$bb poweroff -f
	EOF
	chmod 755 "$1/sbin/init"
}

# pack NAME [OPTION...]: the tree or tar $work/NAME becomes $work/NAME.layer
pack() {
	local name=$1 owner=()
	shift
	[ ! -d "$work/$name" ] || owner=(--root-owned)
	"$plyboot" pack --store "$work/store" "${owner[@]}" -o "$work/$name.layer" "$@" "$work/$name"
} >"$work/pack.log" 2>&1

# layer_blob NAME: the path on the layers partition of the blob of $work/NAME.layer
layer_blob() {
	echo "/blobs/sha256/$(sed -n 's/^layer sha256://p' "$work/$1.layer")"
}

# make_stack NAME VERSION STACK-OPTION... -- LAYER...: written and signed with ${key:-$work/key.key}
make_stack() {
	local name=$1 version=$2 end=(--on-failure reboot)
	shift 2
	case " $* " in *" --on-failure "*) end=() ;; esac
	[ -e "$work/key.key" ] || "$plyboot" keygen -o "$work/key"
	"$plyboot" stack --store "$work/store" --force --name "$name" --version "$version" "${end[@]}" "$@"
	"$plyboot" sign --key "${key:-$work/key.key}" "$work/store/stacks/$name-$version.stack"
} >"$work/stack.log" 2>&1

# make_initramfs OUT [OPTION...]
make_initramfs() {
	local out=$1 modules=()
	shift
	mkdir -p "$out"
	find_kernel
	[ ! -d "$guest_kernel/lib/modules" ] || modules=(--modules "$guest_kernel")
	"$plyboot" initramfs --pub "$work/key.pub" "${modules[@]}" --set 'on-failure reboot' -o "$out/initramfs" "$@"
} >"$work/initramfs.log" 2>&1

# make_image OUT [OPTION...]
make_image() {
	local out=$1
	shift
	mkdir -p "$out"
	"$plyboot" image --store "$work/store" --state-size 16M -o "$out/disk" "$@"
} >"$work/image.log" 2>&1

# build_image OUT STACK-OPTION... -- LAYER...: stack test-1 alone, initramfs and image, all in OUT
build_image() {
	local out=$1
	shift
	make_stack test 1 "$@"
	make_initramfs "$out"
	make_image "$out" --stack test-1
}

# twin OUT [INITRAMFS-OPTION...]: $work/twin is OUT again, to be damaged, or with another initramfs
twin() {
	local out=$1
	shift
	rm -rf "$work/twin"
	mkdir "$work/twin"
	cp --sparse=always "$out/disk" "$work/twin/disk"
	if [ $# -gt 0 ]; then make_initramfs "$work/twin" "$@"; else ln "$out/initramfs" "$work/twin/initramfs"; fi
}

# --- what no boot may show (PROMISES, P14)

# The kernel's words for a process 1 that died, hung, or did the kernel harm; whatever else is wrong with a boot, these
# are never its defined end. (A stalled RCU is not among them: a busy host is enough for one.)
forbidden='Kernel panic - not syncing|Attempted to kill init|Oops: |BUG: |kernel BUG at|general protection fault'
forbidden+='|soft lockup|hard LOCKUP|blocked for more than [0-9]+ seconds|NMI received for unknown reason'
forbidden+='|[Oo]ut of memory: Killed process 1 '

# scan CONSOLE: whether a boot showed none of it. What it showed is kept for finish(), so that no test can overlook it;
# but for the words (an extended regular expression) that FORESEEN has because the test is about them.
scan() {
	echo "$1" >>"$work/scanned"
	! grep -aE "$forbidden" "$1" | tr -d '\r' | grep -aEv "${FORESEEN:-^\$}" >>"$work/forbidden"
}

check_scans() {
	local boots
	boots=$(wc -l <"$work/scanned")
	check "$boots boots without a panic, an oops, a hang, or a kill of process 1" cat_if_any "$work/forbidden"
	echo "# P14: $boots boots, $(wc -l <"$work/forbidden") failures"
}

cat_if_any() {
	cat "$1" && [ ! -s "$1" ]
}

# find_watchdog: QEMU's, in ${watchdog[@]}, for kernels that have its driver; what it bites panics with a trace of where
# it hung, and so is recognized by the scan, as a reset would not be.
find_watchdog() {
	watchdog=()
	case $KERNEL in
	own*) watchdog=(--qemu-arg -device --qemu-arg i6300esb --qemu-arg -action --qemu-arg watchdog=inject-nmi) ;;
	esac
}

# boot OUT LOG [OPTION...]: status of the guest's verdict for a fresh nonce; APPEND has more command line. The disk
# is OUT/disk; where there is none, an empty one. Of the kernel's messages only errors are shown: others would now and
# then fall into a line of ours.
boot() {
	local out=$1 log=$2 disk=$1/disk nonce status=0 watchdog
	shift 2
	nonce=$(new_nonce)
	if [ ! -e "$disk" ]; then
		disk=$work/empty
		truncate -s 1M "$disk"
	fi
	find_kernel
	find_watchdog
	"$plyboot" boot --kernel "$guest_image" --initrd "$out/initramfs" --image "$disk" \
		--memory "${MEMORY:-512}" --time-limit "${TIME_LIMIT:-120}" --expect-verdict --nonce "$nonce" --log "$log" \
		--append "panic=-1 unknown_nmi_panic loglevel=4 demo.nonce=$nonce ${APPEND:-}" "${watchdog[@]}" "$@" \
		>"$log.out" 2>&1 || status=$?
	scan "$log" || true
	return "$status"
}

# boots NAME OUT [OPTION...]
boots() {
	local name=$1 out=$2
	shift 2
	if boot "$out" "$work/console" "$@"; then pass "$name"; else fail "$name" "$work/console.out"; fi
}

# refuses NAME OUT CODE TEXT [OPTION...]: no verdict came, and the console gives exactly this reason
refuses() {
	local name=$1 out=$2 code=$3 text=$4 status=0 said
	shift 4
	boot "$out" "$work/console" "$@" || status=$?
	if [ "$status" -ne 120 ]; then
		fail "$name: status $status instead of 120 (no verdict)" "$work/console.out"
	elif ! said=$(grep -om 1 "$code: .*$text.*" < <(tr -d '\r' <"$work/console")); then
		fail "$name: the console does not say $code: $text" "$work/console"
	else
		pass "$name: $said"
	fi
}

# halted: the kernel's last word comes after ours, which is on a line of its own
halted() {
	tr -d '\r' <"$work/console" | sed -n '/^plyboot: halted; switch off or reset this machine$/,$p' | grep -q 'System halted'
}

# halts NAME OUT CODE TEXT [OPTION...]: as refuses, by a guest that ends halted
halts() {
	at_words "System halted" quit
	refuses "$@" "${monitor[@]}"
	check "  and it halts, having said all" halted
}

# at_words WORDS COMMAND...: when the next guest's console has said WORDS, give QEMU's monitor these commands. The guest
# must be booted with "${monitor[@]}".
monitor=(--qemu-arg -monitor --qemu-arg "unix:$work/monitor,server=on,wait=off")
at_words() {
	rm -f "$work/console"
	python3 "$top/tests/boot/at_words.py" "$work/console" "$work/monitor" "$@" >"$work/monitor.log" 2>&1 &
}

# raw_disk FILE OPTIONS: QEMU's own arguments for the only disk, with these, in ${disk[@]}. Without werror=report a full
# disk would stop the guest instead of telling it.
raw_disk() {
	disk=(--qemu-arg -drive --qemu-arg "id=d,if=none,format=raw,file=$1$2"
		--qemu-arg -device --qemu-arg "virtio-blk-pci,drive=d,id=late,werror=report")
}

# says NAME TEXT: the last boot's console has a line of ours with this (a basic regular expression) in it
says() {
	if grep -q "^plyboot: .*$2" < <(tr -d '\r' <"$work/console"); then pass "$1"; else fail "$1: no '$2'" "$work/console"; fi
}

# ends NAME OUT off|reboot SAID...: without a verdict, with these lines of ours (basic regular expressions)
ends() {
	local name=$1 out=$2 how=$3 status=0 words=powering\ off kernel='reboot: Power down'
	shift 3
	[ "$how" = off ] || words=rebooting kernel='reboot: Restarting system'
	boot "$out" "$work/console" || status=$?
	if [ "$status" -ne 120 ]; then
		fail "$name: status $status instead of 120 (no verdict)" "$work/console.out"
		return
	fi
	pass "$name"
	while [ $# -gt 0 ]; do
		says "  says: $1" "$1"
		shift
	done
	says "  says: $words" "$words\$"
	check "  and does it" grep -q "$kernel" "$work/console"
}

# holds EXPRESSION [FILE]: Python's, true of the last boot's boot.json, which is r? It is shown on the console, or in FILE.
holds() {
	tr -d '\r' <"${2:-$work/console}" | sed -n '/^boot.json:$/,/^boot.json\.$/p' | sed '1d;$d' >"$work/boot.json"
	python3 -c '
import json, re, sys
r = json.load(open(sys.argv[1]))
if not eval(sys.argv[2]):
    sys.exit("not so: " + sys.argv[2] + "\n" + json.dumps(r, indent=1))' "$work/boot.json" "$1"
}

# reports NAME EXPRESSION: it does
reports() {
	check "$1" holds "$2"
}

# partition_field DISK LABEL start|size: in bytes
partition_field() {
	sfdisk --json "$1" | python3 -c '
import json, re, sys
for p in json.load(sys.stdin)["partitiontable"]["partitions"]:
    if p["name"] == sys.argv[1]:
        print(p[sys.argv[2]] * 512)' "$2" "$3"
}

partition_sha256() {
	dd if="$1" bs=1M iflag=skip_bytes,count_bytes status=none \
		skip="$(partition_field "$1" "$2" start)" count="$(partition_field "$1" "$2" size)" | sha256sum
}

# partition_copy DISK LABEL OUT / partition_put DISK LABEL IN
partition_copy() {
	dd if="$1" of="$3" bs=1M iflag=skip_bytes,count_bytes status=none \
		skip="$(partition_field "$1" "$2" start)" count="$(partition_field "$1" "$2" size)"
}

partition_put() {
	dd if="$3" of="$1" bs=1M oflag=seek_bytes conv=notrunc status=none seek="$(partition_field "$1" "$2" start)"
}

# on_partition DISK LABEL COMMAND...: each one debugfs's, on this partition
on_partition() {
	local image=$1 base
	base=$(partition_field "$image" "$2" start)
	shift 2
	printf '%s\n' "$@" >"$work/debugfs"
	debugfs -w -f "$work/debugfs" "$image?offset=$base"
} >"$work/debugfs.log" 2>&1

# on_state DISK COMMAND...: the same of the state partition, once its journal has been replayed
on_state() {
	local image=$1
	shift
	partition_copy "$image" plyboot-state "$work/state"
	e2fsck -fy "$work/state" || [ $? -lt 4 ]
	printf '%s\n' "$@" >"$work/debugfs"
	debugfs -w -f "$work/debugfs" "$work/state"
	partition_put "$image" plyboot-state "$work/state"
} >"$work/debugfs.log" 2>&1

# locate DISK PATH OFFSET: where on the disk this byte of a file on the layers partition is (a negative offset counts
# from the end)
locate() {
	python3 "$top/tests/boot/locate.py" "$1" "$(partition_field "$1" plyboot-layers start)" "$2" "$3"
}

# flip DISK PATH OFFSET [BIT]: one bit of a file on the layers partition
flip() {
	python3 -c '
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2]))
    byte = f.read(1)[0]
    f.seek(-1, 1)
    f.write(bytes([byte ^ 1 << int(sys.argv[3])]))' "$1" "$(locate "$1" "$2" "$3")" "${4:-0}"
}
