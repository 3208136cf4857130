#!/bin/bash
# Going down: with each init, whatever was written until then is on the state partition afterwards, whose file system is
# clean. PLYBOOT_COUNT shutdowns of each (1). Each with a twin without what takes the mounts away: it is not.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

rounds=${PLYBOOT_COUNT:-1}
number=0

# goes_down NAME OUT HOW: it writes and goes down so, which the kernel says
goes_down() {
	local name=$1 out=$2 how=$3 status=0 words="Power down"
	case $how in off | poweroff) ;; halt) words="System halted" ;; *) words="Restarting system" ;; esac
	image=$out/disk
	number=$((number + 1))
	find_kernel
	find_watchdog
	[ "$how" != halt ] || at_words "System halted" quit
	"$plyboot" boot --kernel "$guest_image" --initrd "$out/initramfs" --image "$image" --memory 1024 --time-limit 300 \
		--log "$work/console" "${watchdog[@]}" "${monitor[@]}" --append "panic=-1 unknown_nmi_panic loglevel=4 \
		systemd.show_status=false test.number=$number test.gone=$((number - 2)) test.how=$how ${APPEND:-}" \
		>"$work/console.out" 2>&1 || status=$?
	scan "$work/console" || true
	tr -d '\r' <"$work/console" >"$work/lines"
	if [ "$status" -eq 0 ] && grep -q "wrote $number\$" "$work/lines" && grep -q "reboot: $words" "$work/lines"; then
		pass "$name"
	else
		fail "$name: status $status" "$work/console"
	fi
}

needs_recovery() {
	partition_copy "$image" plyboot-state "$work/state"
	dumpe2fs -h "$work/state" 2>/dev/null >"$work/superblock"
	grep '^Filesystem features:.* needs_recovery' "$work/superblock"
}
is_clean() {
	! needs_recovery && grep -q '^Filesystem state: *clean$' "$work/superblock" && e2fsck -fn "$work/state"
}
has_written() {
	debugfs -R "cat /plyboot/test/upper/var/lib/down/$number/$1" "$work/state" 2>/dev/null >"$work/found"
	seq "$2" "$3" | cmp - "$work/found"
}
complains() {
	grep '^plyboot: .*\(can.t\|not clean\|all the same\|does not\|not done\)' "$work/lines"
}
complains_not() {
	! complains
}

# clean NAME OUT HOW: as goes_down, and the file system has all, and is clean
clean() {
	goes_down "$@"
	check "  the file system is clean" is_clean
	check "  with what was written at last" has_written 8 8 5000
	check "  and with what was open" has_written open 1 30000
}

# ended NAME OUT HOW OTHER: PLYBOOT_COUNT times, in the one way and the other in turn
ended() {
	local round how
	for ((round = 1; round <= rounds; round++)); do
		time_is_left || break
		how=$3
		[ $((round % 2)) -eq 1 ] || how=$4
		clean "$1, shutdown $round: $how" "$2" "$how"
		check "  without a complaint" complains_not
	done
	echo "# $1: $((round - 1)) shutdowns"
}

# dirty NAME OUT: the journal would have to be replayed
dirty() {
	goes_down "$1" "$2" off
	check "  the file system is not clean" needs_recovery
}

# --- busybox

mkdir -p "$work"/busybox/{bin,sbin,etc,dev,proc,sys,run,tmp,usr/libexec,var/lib}
cp /bin/busybox "$work/busybox/bin/busybox"
for name in sh sed seq rm mkdir dmesg sleep ps grep poweroff reboot halt umount; do ln -s busybox "$work/busybox/bin/$name"; done
ln -s ../bin/busybox "$work/busybox/sbin/init"
cp "$top/tests/boot/down/writes" "$work/busybox/usr/libexec/writes"
cat >"$work/busybox/etc/inittab" <<'END'
::once:/usr/libexec/writes
::shutdown:/run/initramfs/shutdown stop
END
cat >"$work/busybox/sbin/script" <<'END'
#!/bin/sh
# An init that is a script.
/usr/libexec/writes &
while ! [ -e /run/wrote ]; do sleep 0.1; done
if ! grep -q test.way=busy /proc/cmdline; then
	kill -9 -1
	while ps | grep -q '[s]leep 1000'; do sleep 0.1; done
fi
exec /run/initramfs/shutdown "$(sed -n 's/.*test\.how=\([^ ]*\).*/\1/p' /proc/cmdline)"
END
chmod 755 "$work/busybox/sbin/script"
mkdir -p "$work/usual/etc"
sed 's,^::shutdown:.*,::shutdown:/bin/umount -a -r,' "$work/busybox/etc/inittab" >"$work/usual/etc/inittab"
# A shutdown script that itself has a file open for writing on the state partition, which so can't be made read-only. (A
# file of the root does not keep it from that: overlayfs opens the upper's unseen.)
mkdir -p "$work"/held/{etc,sbin,srv}
sed 's,^::shutdown:.*,::shutdown:/sbin/going,' "$work/busybox/etc/inittab" >"$work/held/etc/inittab"
cat >"$work/held/sbin/going" <<'END'
#!/bin/sh
exec 3>>/srv/held
! grep -q test.way=disarmed /proc/cmdline || busybox mount --bind /proc/version /proc/sysrq-trigger
/run/initramfs/shutdown stop
echo "stopped with $?" >/dev/console
END
chmod 755 "$work/held/sbin/going"
pack busybox
pack usual
pack held
make_stack test 1 -- "$work/busybox.layer"
make_initramfs "$work/busybox.boot" --set 'allow-init yes'
make_image "$work/busybox.boot"
make_stack test 2 -- "$work/busybox.layer" "$work/usual.layer"
twin "$work/busybox.boot"
rm "$work/twin/disk"
make_image "$work/twin" --stack test-2
ended "busybox init" "$work/busybox.boot" off reboot
dirty "busybox init with its usual umount -a -r" "$work/twin"

# What nobody can unmount or remount, the kernel's emergency remount does; and without that it is said.
make_stack test 3 --persist /srv -- "$work/busybox.layer" "$work/held.layer"
twin "$work/busybox.boot"
rm "$work/twin/disk"
make_image "$work/twin" --stack test-3
clean "a shutdown script that writes" "$work/twin" off
says "  a path on it is busy" "/srv can't be unmounted: Resource busy; nor made read-only: Resource busy\$"
says "  the state partition is made read-only" \
	"the state partition is still written to: Resource busy; it is made read-only all the same\$"
check "  the script is told that not all was well" grep -q '^stopped with 1$' "$work/lines"
check "  and nothing else is said" [ "$(complains | wc -l)" -eq 2 ]
APPEND=test.way=disarmed dirty "  without an emergency remount" "$work/twin"
says "  says so" "the state partition is not clean: I/O error; the next boot replays its journal\$"
check "  the script is told, too" grep -q '^stopped with 1$' "$work/lines"
clean "  and the next boot replays it" "$work/twin" reboot

# As process 1 from the start.
APPEND="init=/sbin/script test.way=exec" clean "a script that is the init: poweroff" "$work/busybox.boot" poweroff
check "  without a complaint" complains_not
says "  and says so" "powering off"
APPEND="init=/sbin/script test.way=exec" clean "halt" "$work/busybox.boot" halt
says "  and says so" "halted; switch off"
APPEND="init=/sbin/script test.way=exec" clean "a verb that there is not" "$work/busybox.boot" explode
says "  says so" "shutdown does not know explode: rebooting instead"
APPEND="init=/sbin/script test.way=busy" clean "kexec without a kernel, and a process still writes" "$work/busybox.boot" kexec
says "  the root is busy" "/oldroot can't be unmounted: Resource busy; nor made read-only: "
says "  there is no kernel to start" "the kernel does not: "
says "  so it reboots" "rebooting"

# --- sysvinit, and systemd

demo=$top/build/demo
KERNEL=cloud-amd64 "$top/qemu/demo/image" "$plyboot" "$demo" >"$work/demo.log" 2>&1
trees=$("$top/qemu/demo/trees")
sysvinit=$("$top/tests/boot/sysvinit_tree")
cp -r "$demo/store/blobs" "$work/store/"
"$plyboot" diff --store "$work/store" -o "$work/sysvinit.layer" "$trees/base" "$sysvinit" >"$work/diff.log" 2>&1

# What a user of sysvinit adds, in one line.
install -D "$sysvinit/etc/init.d/umountroot" "$work/sysv/etc/init.d/umountroot"
sed -i '/^do_stop () {/a exec /run/initramfs/shutdown stop' "$work/sysv/etc/init.d/umountroot"
install -D "$top/tests/boot/down/writes" "$work/sysv/usr/libexec/writes"
# All that Debian's scripts do at boot would take a minute here; the first mounts are /init's.
sed '/getty/d; /^si:/d; /^l2:/d' "$sysvinit/etc/inittab" >"$work/sysv/etc/inittab"
echo 'w:2:once:/usr/libexec/writes' >>"$work/sysv/etc/inittab"
pack sysv
make_stack test 1 -- "$demo/base.layer" "$work/sysvinit.layer" "$work/sysv.layer"
make_initramfs "$work/sysv.boot" --set 'watchdog none' # nobody feeds it there
make_image "$work/sysv.boot" --stack test-1
ended sysvinit "$work/sysv.boot" off reboot

mkdir -p "$work/sysv.usual/etc/init.d"
cp -p "$sysvinit/etc/init.d/umountroot" "$work/sysv.usual/etc/init.d/"
pack sysv.usual
make_stack test 2 -- "$demo/base.layer" "$work/sysvinit.layer" "$work/sysv.layer" "$work/sysv.usual.layer"
twin "$work/sysv.boot"
rm "$work/twin/disk"
make_image "$work/twin" --stack test-2
dirty "sysvinit with its usual umountroot" "$work/twin"

units=$work/sysd/etc/systemd/system
mkdir -p "$units"
install -D "$top/tests/boot/down/writes" "$work/sysd/usr/libexec/writes"
cat >"$units/writes.service" <<'END'
[Unit]
Description=Write, and shut down

[Service]
ExecStart=/usr/libexec/writes
StandardOutput=tty
StandardError=tty
TTYPath=/dev/console
END
cat >"$units/writes.target" <<'END'
[Unit]
Description=All that is needed for it
Requires=basic.target writes.service
After=basic.target writes.service
AllowIsolate=yes
END
ln -s writes.target "$units/default.target"
pack sysd
make_stack test 1 -- "$demo/base.layer" "$work/sysd.layer"
make_initramfs "$work/sysd.boot" --set 'watchdog none'
make_image "$work/sysd.boot" --stack test-1
ended systemd "$work/sysd.boot" reboot off
APPEND=test.way=without dirty "systemd without /run/initramfs/shutdown" "$work/sysd.boot"
finish
