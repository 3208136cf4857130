#!/bin/bash
# The check of the state partition (plyboot initramfs --fsck): with e2fsck, what it finds costs nothing, a warning, or
# the persistent upper, loudly; and one that fails, in whatever way, is no reason to lose what is kept.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

e2fsck=$(command -v e2fsck.static)
fake=$top/build/$(uname -m)/fsck-fake
payload "$work/root"
mkdir "$work/root/srv"
cp "$fake" "$work/root/fsck-fake"
cat >"$work/root/hook" <<'EOS'
case $($bb sed -n 's/.*test\.step=\([^ ]*\).*/\1/p' /proc/cmdline) in
write)
	echo kept >/etc/written && echo kept >/srv/written && $bb mkdir /lost && echo deep >/lost/file && $bb sync
	;;
orphan) [ "$($bb cat /etc/written /srv/written)" = "kept
kept" ] && $bb cp $bb /orphan && $bb sync && exec 5</orphan && $bb rm /orphan && $bb sync ;;
read) [ "$($bb cat /etc/written /srv/written)" = "kept
kept" ] ;;
attack) ! /fsck-fake -p /dev/vda3 5</etc ;;
gone) [ ! -e /etc/written ] && [ ! -e /srv/written ] && ! $bb grep -q ' /run/plyboot/state ' /proc/mounts ;;
esac
EOS
pack root
make_stack test 1 --persist /srv -- "$work/root.layer"
make_initramfs "$work/good" --fsck "$e2fsck" --set 'log debug'
make_image "$work/good" --stack test-1
image=$work/good/disk

# is RESULT STATUS: what boot.json says of the check
is() {
	reports "  it is $1" "(lambda f: (f['result'], f['status']) == ('$1', $2) and 0 < f['ms'] < 60000)(r['fsck'])"
	reports "  it is made once" "[s['step'] for s in r['steps']].count('fsck') == 1"
}
kept() {
	reports "  what was written is there" 'r["upper"]["kind"] == r["persist"][0]["kind"] == "persistent"'
}
lost() {
	reports "  nothing is kept" '(lambda u, p: u["kind"] == p["kind"] == "volatile" and u["why"] == p["why"])(
		r["upper"], r["persist"][0])'
	says "  which is said" "WARNING: NOTHING WILL BE KEPT: the upper is volatile, not persistent: $1"
}
no_warning() {
	reports "  without a warning" 'r["warnings"] == []'
}

APPEND=test.step=write boots "a new one" "$work/good"
is clean 0
kept
no_warning
ms=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["fsck"]["ms"])' "$work/boot.json")
APPEND=test.step=orphan boots "the power went: its journal is replayed" "$work/good"
says "  by e2fsck" "e2fsck: .*: recovering journal"
is clean 0
kept
no_warning
APPEND=test.step=read boots "  and what was deleted while open" "$work/good" --qemu-arg -rtc --qemu-arg base=2001-01-01
says "  is cleared, whatever the clock says" "e2fsck: .*: Clearing orphaned inode"
is clean 0
kept
no_warning

# --- damage

partition_copy "$image" plyboot-state "$work/state"
# damage COMMAND...: debugfs's, of the state partition; the kernel has noticed, as it says in the superblock
damage() {
	twin "$work/good"
	on_state "$work/twin/disk" "$@" "ssv state 3"
}
# e2fsck_ends STATUS ARGUMENT...
e2fsck_ends() {
	local wanted=$1 status=0
	shift
	e2fsck "$@" || status=$?
	[ "$status" -eq "$wanted" ]
}
damage "freei /plyboot/test/upper/etc/written" "freeb 3000 9"
APPEND=test.step=read boots "damage that can be mended" "$work/twin"
is corrected 1
kept
says "  is said" "warning: /dev/vda3 was damaged, and is corrected: e2fsck: status 1: .*files"
reports "  and noted" 'len(r["warnings"]) == 1'
APPEND=test.step=read boots "  the next boot" "$work/twin"
is clean 0
no_warning

damage "unlink /plyboot/test/upper/lost"
cp "$work/state" "$work/damaged"
APPEND=test.step=gone boots "damage that a person has to decide about" "$work/twin"
is uncorrected 4
lost "/dev/vda3 has damage that nobody mends unasked, so it is not mounted; .e2fsck -y /dev/vda3. does, and removes what can't be saved: e2fsck: status 4: .*RUN fsck MANUALLY"
partition_copy "$work/twin/disk" plyboot-state "$work/after"
check "  the same check ends so here" e2fsck_ends 4 -p "$work/damaged"
check "  and has written all that was, but for times in the superblock" cmp -i 2048 "$work/damaged" "$work/after"
cp "$work/after" "$work/state"
check "  e2fsck -y" e2fsck_ends 1 -fy "$work/state"
partition_put "$work/twin/disk" plyboot-state "$work/state"
APPEND=test.step=read boots "  brings it back" "$work/twin"
is clean 0
kept
no_warning

all_work() {
	grep '^it can ' "$work/console"
	[ "$(grep -c '^it can ' "$work/console")" -eq 16 ]
}

# --- what is not e2fsck, or does not work

make_initramfs "$work/fake" --fsck "$fake" --set 'fsck 2' --set 'log debug' --set 'jail whole'
# faked LABEL [COMMAND...]
faked() {
	local label=$1
	shift
	twin "$work/good"
	on_state "$work/twin/disk" "ssv volume_name $label" "$@"
	ln -f "$work/fake/initramfs" "$work/twin/initramfs"
}
faked attack
APPEND=test.step=read boots "the checker attacks: nothing works" "$work/twin"
is clean 0
no_warning
APPEND="test.step=attack plyboot.state=none" boots "  outside of its jail" "$work/twin"
check "  each of the 16 does" all_work
reports "  and nothing is checked that is not used" 'r["fsck"] is None'
faked 8
APPEND=test.step=read boots "it fails" "$work/twin"
is failed 8
kept
says "  which is said" 'WARNING: /dev/vda3 is mounted unchecked: e2fsck: status 8$'
faked 8 "ssv state 3"
APPEND=test.step=gone boots "it fails, and the kernel has seen damage" "$work/twin"
is failed 8
lost "/dev/vda3 has errors, as its superblock says, and can't be checked, so it is not mounted: e2fsck: status 8\$"
faked crash
APPEND=test.step=read boots "it crashes" "$work/twin"
is failed None
kept
says "  which is said" 'WARNING: /dev/vda3 is mounted unchecked: e2fsck: killed by signal 11: here$'
faked flood
APPEND=test.step=read boots "it prints 10 MB" "$work/twin"
is corrected 1
kept
says "  of which the end is said" 'warning: /dev/vda3 was damaged, and is corrected: e2fsck: status 1: [0-9]* 0*99999 that was all$'
check "  and no more" [ "$(grep -c 'e2fsck: 0' "$work/console")" -lt 12 ]
faked hang
APPEND=test.step=read boots "it hangs" "$work/twin"
is failed None
kept
says "  which is said" 'WARNING: /dev/vda3 is mounted unchecked: e2fsck: not done after 2 s: halfway$'
faked slow
make_initramfs "$work/slow" --fsck "$fake" --set 'watchdog 5' --set 'fsck 60'
ln -f "$work/slow/initramfs" "$work/twin/initramfs"
APPEND=test.step=read boots "it takes longer than the watchdog's time" "$work/twin"
is clean 0
kept
reports "  which was armed" 'r["watchdog"]["seconds"] == 5 and r["fsck"]["ms"] > 8000 and r["warnings"] == []'
says "  and says how long it may" '/dev/vda3 is being checked, which may take 60 s$'
twin "$work/good" --fsck "$fake" --set 'fsck none'
APPEND=test.step=read boots "init.conf: fsck none" "$work/twin"
reports "  there is no check" 'r["fsck"] is None and "fsck" not in [s["step"] for s in r["steps"]]'
kept
echo "# e2fsck -p of a clean file system: $ms ms"
finish
