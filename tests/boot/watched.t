#!/bin/bash
# P14: what no boot may show is found in every boot (lib.sh): a panic, an oops, a hang, the death of process 1; and
# QEMU's watchdog makes a panic of a hang, so that it is seen at all. Here both happen.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

payload "$work/root"
cat >"$work/root/hook" <<'END'
case $($bb sed -n 's/.*test\.step=\([^ ]*\).*/\1/p' /proc/cmdline) in
crash) echo c >/proc/sysrq-trigger ;;
exit) exit 3 ;;
hang) while :; do :; done ;; # /init has armed the watchdog, and nobody feeds it
esac
END
pack root
build_image "$work/good" --upper volatile -- "$work/root.layer"
make_initramfs "$work/good" --set 'watchdog 4'


# What a test prints that looks at nothing else.
cat >"$work/child.t" <<END
. "$top/tests/boot/lib.sh"
scan "\$1" || true
finish
END
passes_a_test() {
	bash "$work/child.t" "$1"
}
fails_a_test() {
	! passes_a_test "$1" >"$work/child" && cat "$work/child" && grep -q '^not ok 1 - 1 boots without a panic' "$work/child"
}

# panics NAME STEP WORDS
panics() {
	local status=0
	APPEND=test.step=$2 FORESEEN='.' boot "$work/good" "$work/console" || status=$?
	check "$1: a panic" [ "$status" -eq 121 ]
	check "  the console says so" grep -q "$3" "$work/console"
	check "  the scan fails by it" fails_a_test "$work/console"
}
boots "a good boot" "$work/good"
check "  the scan lets it pass" passes_a_test "$work/console"
panics "the kernel crashes" crash 'Kernel panic - not syncing: sysrq triggered crash'
panics "process 1 exits" exit 'Kernel panic - not syncing: Attempted to kill init'
panics "process 1 hangs" hang 'Kernel panic - not syncing: NMI: Not continuing'
# Mostly in process 1, but the interrupt may come while the kernel does something else.
check "  which says where" grep -q 'PID: [0-9]* Comm: ' "$work/console"

# What other kernels say, one at a time; and what is no harm.
while IFS= read -r line; do
	printf '%s\r\n' "plyboot: layers on /dev/vda1" "$line" >"$work/said"
	check "found: ${line#*] }" fails_a_test "$work/said"
done <<'END'
[    2.104211] BUG: kernel NULL pointer dereference, address: 0000000000000000
[    2.104212] Oops: 0002 [#1] PREEMPT SMP NOPTI
[    2.104213] kernel BUG at fs/ext4/inode.c:2721!
[    2.104214] general protection fault, probably for non-canonical address 0xdead000000000100: 0000 [#1]
[   26.104215] watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [init:1]
[   26.104216] watchdog: Watchdog detected hard LOCKUP on cpu 0
[  242.104217] INFO: task init:1 blocked for more than 120 seconds.
[    2.104218] Out of memory: Killed process 1 (init) total-vm:1044kB, anon-rss:56kB, file-rss:4kB
plyboot: unpacking: 30 %[    2.104219] Oops: 0000 [#1]
END
cat >"$work/said" <<'END'
[    2.104218] Out of memory: Killed process 57 (nginx) total-vm:1044kB, anon-rss:56kB, file-rss:4kB
[    2.104219] EXT4-fs error (device vdb1): __ext4_find_entry:1685: inode #2: comm init: reading directory lblock 0
plyboot: ERROR this system does not boot: MISSING: the root's init /sbin/none: No such file or directory
END
check "what else goes wrong is not its business" passes_a_test "$work/said"
finish
