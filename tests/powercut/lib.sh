# shellcheck shell=bash
# Sourced by the tests of power cuts: a device of small layers, operations on it, and what the guest writes meanwhile.
#
# In a mount namespace of its own, where all is in memory: copies are quick, and nothing stays behind. As root.
[ -n "${POWERCUT_INSIDE:-}" ] || POWERCUT_INSIDE=yes exec unshare --mount "$0" "$@"
mount -t tmpfs -o mode=1777 plyboot-powercut /mnt || exit 1
export TMPDIR=/mnt PYTHONDONTWRITEBYTECODE=1
# shellcheck source=tests/boot/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../boot/lib.sh"
powercut=$top/tests/powercut/powercut.py
seed=${PLYBOOT_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}

# What the guest does is named by powercut.do; PLANTED is the test variant's (planted.c).
guest_hook() {
	cat <<-'EOT'
		word() { $bb sed -n "s/.*powercut\.$1=\([^ ]*\).*/\1/p" /proc/cmdline; }
		for partition in /sys/block/vd*/vd*3; do
			disk=/dev/${partition#/sys/block/}
			disk=${disk%/*}
		done
		for source in /dev/vd?; do # the other one with a file system
			[ "$source" = "$disk" ] || [ "$($bb blockdev --getsz "$source")" -le 2048 ] || break
		done
		export PATH=/bin PLANTED="$(word planted)"
		marks=0
		# past every cache, and without a flush: it must not help what comes before it
		mark() {
			marks=$((marks + 1))
			printf '%-4095s\n' "plyboot mark $*" |
				$bb dd of="$disk" bs=4096 iflag=fullblock oflag=direct seek=$((7 + marks)) conv=notrunc 2>/dev/null
		}
		# without a cache that can be lost the guest would never flush it
		[ -z "$(word do)" ] || [ "$($bb cat "/sys/block/${disk#/dev/}/queue/write_cache")" = "write back" ] || return 1
		[ -z "$(word do)" ] || mark up "$($bb cat /version)" || return 1
		[ -z "$(word do)" ] || . "/do/$(word do)"
	EOT
}

# device: versions 1 and 2 of a stack that share their largest layer, with the host command in it; the initramfs is made
# with ${initramfs_options[@]}, the stacks with ${stack_options[@]}
initramfs_options=() stack_options=()
device() {
	local version
	payload "$work/base"
	mkdir "$work/base/do" "$work/base/source"
	guest_hook >"$work/base/hook"
	"$plyboot" keygen -o "$work/key" >"$work/keygen.log"
	cp "${guest_plyboot:-$plyboot}" "$work/base/bin/plyboot"
	cp "$top"/tests/powercut/do/* "$work/base/do/"
	pack base
	for version in 1 2; do
		mkdir "$work/app$version" "$work/more$version"
		echo "$version" >"$work/app$version/version"
		head -c 200000 /dev/urandom >"$work/app$version/data"
		head -c 30000 /dev/urandom >"$work/more$version/more"
		pack "app$version"
		pack "more$version"
		make_stack test "$version" "${stack_options[@]}" -- "$work/base.layer" "$work/app$version.layer" "$work/more$version.layer"
	done
	make_initramfs "$work/device" "${initramfs_options[@]}"
	make_image "$work/device" --stack test-1
	truncate -s 8M "$work/source"
	mke2fs -q -t ext4 -O ^has_journal -d "$work/store" "$work/source"
}

# record_operation NAME BASE [OPTION...]: boots a copy of BASE and does it; leaves $work/NAME.base, .writes and .disk
record_operation() {
	local name=$1 do=$1
	cp --sparse=always "$2" "$work/$name.base"
	cp --sparse=always "$2" "$work/$name.disk"
	shift 2
	: >"$work/$name.writes"
	raw_logged "$work/$name.disk" "$work/$name.writes"
	rm -rf "$work/logged"
	mkdir "$work/logged"
	ln -s "../device/initramfs" "$work/logged/initramfs"
	APPEND="powercut.do=$do ${APPEND:-}" boot "$work/logged" "$work/console" "${disk[@]}" --disk "$work/source" "$@"
}

# raw_logged DISK LOG: QEMU's arguments for a disk whose writes go to the log, too, in ${disk[@]}
raw_logged() {
	local file=driver=raw,file.driver=file,file.filename
	disk=(--qemu-arg -drive --qemu-arg "id=d,if=none,driver=blklogwrites,$(prefixed file "$file=$1"),$(prefixed log "$file=$2")"
		--qemu-arg -device --qemu-arg "virtio-blk-pci,drive=d")
}

# prefixed NAME A=B,C=D: NAME.A=B,NAME.C=D
prefixed() {
	echo "$1.${2//,/,$1.}"
}

# judged NAME: of a recorded operation, in $work/judged
judged() {
	python3 "$powercut" judge "$work/$1.base" "$work/$1.writes" "${left:-$work/$1.disk}" "$plyboot" "$work/key.pub" \
		"${states:-300}" "$seed" >"$work/judged" 2>&1
}

# holds_up NAME WHAT: no state of it is bad
holds_up() {
	local status=0
	judged "$1" || status=$?
	if [ "$status" -eq 0 ]; then pass "$2: $(tail -n 1 "$work/judged")"; else fail "$2 (seed $seed)" "$work/judged"; fi
}

# confirm_on DISK STACK: as `plyboot confirm` does it, by the format alone
confirm_on() {
	partition_copy "$1" plyboot-record "$work/record"
	python3 "$top/tests/boot/confirm.py" "$work/record" "$work/store/stacks/$2.stack"
	partition_put "$1" plyboot-record "$work/record"
}

# booted_version LOG: that the payload showed
booted_version() {
	tr -d '\r' <"$1" | sed -n '/^boot.json:$/,/^boot.json\.$/p' | sed '1d;$d' |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["version"])'
}

# look_at DISK: in $work/look
look_at() {
	python3 "$powercut" look "$1" "$plyboot" "$work/key.pub" >"$work/look" 2>&1
}

# sees TEXT: a line of the last look
sees() {
	grep -qx -- "$1" "$work/look" || { cat "$work/look"; return 1; }
}

# child_of PID: the first one, or nothing
child_of() {
	local child=
	[ -z "$1" ] || read -r child _ <"/proc/$1/task/$1/children" 2>/dev/null || true
	echo "$child"
}

# cut_boot DIRECTORY SECONDS LOG [OPTION...]: DIRECTORY/disk is booted, and its QEMU killed then; false when it had ended
# before
cut_boot() {
	local here=$1 after=$2 log=$3 shell qemu
	shift 3
	boot "$here" "$log" "$@" &
	shell=$!
	sleep "$after"
	qemu=$(child_of "$(child_of "$shell")")
	[ -z "$qemu" ] || kill -KILL "$qemu" || qemu=
	wait "$shell" || true
	[ -n "$qemu" ]
} 2>/dev/null

# seconds_of DIRECTORY: how long a boot of it takes, by the clock
seconds_of() {
	local before=$EPOCHREALTIME
	boot "$1" "$work/console" "${@:2}" || return 1
	awk -v a="$before" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
}

# random_below SECONDS
random_below() {
	awk -v most="$1" -v at="$SRANDOM" 'BEGIN { printf "%.3f", most * at / 4294967296 }'
}
