# shellcheck shell=bash
# Sourced by the boot tests: TAP, small payloads, images, and boots that must or must not succeed.
#
# A boot counts as good only when the payload in the new root printed this boot's nonce to the verdict port.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
plyboot=${PLYBOOT:-$top/build/plyboot}
PATH=$PATH:/usr/sbin:/sbin
work=$(mktemp -d "${TMPDIR:-/tmp}/plyboot-boot.XXXXXX")
exec 9>&2 # where a failing step inside a redirected function can still be heard
trap 'status=$?; [ -n "${finished:-}" ] || { echo "Bail out! $0: stopped with status $status"; cat "$work"/*.log; } >&9
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
	echo "1..$count"
	[ "$failed" -eq 0 ]
}

new_nonce() {
	od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}

debian_kernel() {
	"$top/qemu/demo/kernel"
}

# payload DIR: a root of busybox whose init gives the verdict and powers off; with a file /hook, that first
payload() {
	mkdir -p "$1/bin" "$1/sbin" "$1/etc" "$1/dev" "$1/proc" "$1/sys" "$1/run" "$1/tmp"
	cp /bin/busybox "$1/bin/busybox"
	ln -s busybox "$1/bin/sh"
	cat >"$1/sbin/init" <<-'EOF'
		#!/bin/sh
		bb=/bin/busybox
		nonce=$($bb sed -n 's/.*demo\.nonce=\([^ ]*\).*/\1/p' /proc/cmdline)
		status=0
		if [ -e /hook ]; then
			/bin/sh /hook || status=1
		fi
		echo "plyboot-verdict $status $nonce" >/dev/ttyS1
		$bb sync
		$bb poweroff -f
	EOF
	chmod 755 "$1/sbin/init"
}

# build_image OUT STACK-OPTIONS... -- LAYER...: stack, sign with $work/key.key, initramfs, image, all in OUT
build_image() {
	local out=$1 options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	mkdir -p "$out"
	[ -e "$work/key.key" ] || "$plyboot" keygen -o "$work/key"
	"$plyboot" stack --store "$work/store" --force --name test --version 1 \
		--on-failure reboot "${options[@]}" "$@"
	"$plyboot" sign --key "${key:-$work/key.key}" "$work/store/stacks/test-1.stack"
	"$plyboot" initramfs --pub "$work/key.pub" --modules "$(debian_kernel)" \
		--set 'on-failure reboot' -o "$out/initramfs"
	"$plyboot" image --store "$work/store" --stack test-1 --state-size 16M -o "$out/disk"
} >"$work/build.log" 2>&1

# boot OUT LOG [OPTION...]: status of the guest's verdict for a fresh nonce; APPEND has more command line
boot() {
	local out=$1 log=$2 nonce
	shift 2
	nonce=$(new_nonce)
	"$plyboot" boot --kernel "$(debian_kernel)/vmlinuz" --initrd "$out/initramfs" --image "$out/disk" \
		--memory "${MEMORY:-512}" --time-limit 120 --expect-verdict --nonce "$nonce" --log "$log" \
		--append "panic=-1 demo.nonce=$nonce ${APPEND:-}" "$@" >"$log.out" 2>&1
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
	elif ! said=$(tr -d '\r' <"$work/console" | grep -om 1 "$code: .*$text.*"); then
		fail "$name: the console does not say $code: $text" "$work/console"
	else
		pass "$name: $said"
	fi
}

# partition_offset DISK LABEL / partition_size DISK LABEL, in bytes
partition_field() {
	sfdisk --json "$1" | python3 -c '
import json, sys
for p in json.load(sys.stdin)["partitiontable"]["partitions"]:
    if p["name"] == sys.argv[1]:
        print(p[sys.argv[2]] * 512)' "$2" "$3"
}

partition_sha256() {
	dd if="$1" bs=1M iflag=skip_bytes,count_bytes status=none \
		skip="$(partition_field "$1" "$2" start)" count="$(partition_field "$1" "$2" size)" | sha256sum
}

# flip DISK PATH OFFSET [BIT]: one bit of a file on the layers partition (offset may be negative: from the end)
flip() {
	local disk=$1 path=$2 offset=$3 bit=${4:-0} base
	base=$(partition_field "$disk" plyboot-layers start)
	python3 "$top/tests/boot/flip.py" "$disk" "$base" "$path" "$offset" "$bit"
}
