#!/bin/bash
# The upper of a device over updates: what a stack on trial writes is dropped with it, or kept once it is confirmed; and
# what the stacks' policies make of an upper that was another's.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# What the layers bring, and a real database.
payload "$work/root"
mkdir -p "$work/root"/{usr/bin,opt/tree/deep,srv,var,lib64,etc/conf.d}
cp "$plyboot" "$(command -v sqlite3)" "$work/root/usr/bin/"
ldd "$(command -v sqlite3)" | sed -n 's/.* \(\/[^ ]*\) (0x.*/\1/p; s/^\t\(\/[^ ]*\) (0x.*/\1/p' | while read -r library; do
	install -D -m 755 "$library" "$work/root$library"
done
echo shipped >"$work/root/etc/app.conf"
echo part >"$work/root/etc/conf.d/part"
for name in a b deep/c; do echo "$name" >"$work/root/opt/tree/$name"; done
echo stays >"$work/root/srv/stays"
echo goes >"$work/root/srv/goes"
cat >"$work/root/hook" <<'EOS'
$bb mkdir -p /bin && $bb --install -s /tmp; export PATH=/tmp:/usr/bin
step=$(sed -n 's/.*test\.step=\([^ ]*\).*/\1/p' /proc/cmdline)
view() {
	echo "view:"
	find /etc /opt /srv /var -xdev | sort | while read -r name; do stat -c '%n %f %u %g %s %Y %t' "$name"; done
	find /etc /opt /srv -xdev -type f | sort | xargs md5sum
	[ ! -e /var/app.db ] || sqlite3 /var/app.db .dump
	echo "view."
}
write() {
	echo mine >/etc/app.conf && echo new >/srv/new && rm /srv/goes && mkdir /opt/own /opt/own/sub &&
		echo x >/opt/own/sub/x && chmod 750 /opt/tree/deep && rm -r /etc/conf.d && echo file >/etc/conf.d &&
		sqlite3 /var/app.db 'create table t(a integer primary key); insert into t values (1), (2), (3);'
}
spoil() {
	sqlite3 /var/app.db 'alter table t add column b text; update t set b = a * 2; insert into t values (4, "four"); vacuum;' &&
		echo other >/etc/app.conf && rm -r /opt/own/sub && echo file >/opt/own/sub && rm -r /opt/tree && mkdir /opt/tree &&
		echo fresh >/opt/tree/a && rm /etc/conf.d && mkdir /etc/conf.d && echo two >/etc/conf.d/two &&
		mv /srv/new /srv/renamed && ln /srv/renamed /srv/also && chown 1:2 /srv && ln -s renamed /srv/link && touch /srv/goes
}
case $step in
write | spoil) $step || echo "the step failed" ;;
esac
view
! grep -q test.confirm /proc/cmdline || plyboot confirm
plyboot status | sed -n 's/^upper  */upper: /p'
if grep -q test.doctor /proc/cmdline; then
	plyboot doctor -v; echo "doctor: $?"
	dd if=/dev/vda of=/dev/vdb bs=1M count=1 2>/dev/null
	echo "second disk:"; plyboot doctor; echo "doctor: $?"
fi
[ $step != fill ] || dd if=/dev/zero of=/fill bs=64k
true
EOS
pack root
version() {
	local version=$1
	shift
	make_stack test "$version" "$@" -- "$work/root.layer"
}
for version in 2 3 4; do version $version; done
version 5 --upper-change fresh
version 6 --upper-change refuse
make_initramfs "$work/device"
make_image "$work/device"
image=$work/device/disk
on_partition "$image" plyboot-layers "rm /stacks/test-3.stack" "rm /stacks/test-4.stack" "rm /stacks/test-5.stack" \
	"rm /stacks/test-6.stack"
come() {
	on_partition "$image" plyboot-layers "write $work/store/stacks/test-$1.stack /stacks/test-$1.stack"
}

# runs NAME VERSION STEP [BOOT-OPTION...]: and what is to be seen there goes to $work/view
runs() {
	APPEND="test.step=$3" boots "$1: version $2 runs" "$work/device" "${@:4}"
	reports "  as boot.json says" "r['version'] == $2"
	check "  its step is done" [ "$(grep -c 'the step failed' "$work/console")" -eq 0 ]
	tr -d '\r' <"$work/console" | sed -n '/^view:$/,/^view\.$/p' >"$work/view"
}
# on_home COMMAND...: in plyboot/test of the state partition, its journal replayed
on_home() {
	partition_copy "$image" plyboot-state "$work/state"
	mkdir -p "$work/m"
	# shellcheck disable=SC2016 # for the inner shell
	unshare -m bash -c 'mount -o loop "$1/state" "$1/m" && cd "$1/m/plyboot/test" && shift && "$@"' - "$work" "$@"
}
manifest() {
	on_home python3 "$top/tests/boot/manifest.py" "$1"
}
# base_is FILE: the base, byte for byte
base_is() {
	manifest upper | diff "$work/$1" -
}
has_only() {
	diff <(printf '%s\n' "$@" | sort) <(on_home ls -A | sort)
}

APPEND=test.confirm runs "a new device" 2 "write test.confirm"
check "  it is confirmed" grep -q '^test 2 is confirmed' "$work/console"
reports "  nothing is on trial: there is no other" 'r["upper"] == {"kind": "persistent", "why": None, "trial": False, "aside": None,
	"dirs": ["/run/plyboot/state/plyboot/test/upper"]}'
cp "$work/view" "$work/view.2"
manifest upper >"$work/base.2"
check "  what it wrote is in the upper" grep -q '^etc/app.conf ' "$work/base.2"

# --- a trial that fails

come 3
runs "an update rewrites all" 3 spoil
says "  on trial" "test 3: 1 layer, upper persistent (on trial); /sbin/init after"
reports "  over the upper that was there" '(lambda u: u["trial"] and len(u["dirs"]) == 2 and
	u["dirs"][0].startswith("/run/plyboot/state/plyboot/test/trials/") and
	u["dirs"][1] == "/run/plyboot/state/plyboot/test/upper")(r["upper"])'
check "  status says so" grep -q '^upper: persistent, on trial: dropped unless it is confirmed' "$work/console"
check "  it sees what it did" grep -q "INSERT INTO t VALUES(4,'four')" "$work/view"
cp "$work/view" "$work/view.3"
check "  the upper is as it was" base_is base.2
for _ in 1 0; do
	runs "its next try" 3 look
	check "  finds its changes" diff "$work/view.3" "$work/view"
done
runs "its tries are used up" 2 look
says "  the trial is dropped" "a trial that was never confirmed ([0-9a-f]*) is dropped"
check "  and all is as version 2 left it" diff "$work/view.2" "$work/view"
check "  byte for byte" base_is base.2
check "  nothing else is left" has_only made-for spare trials upper work
check "  no trial" [ -z "$(on_home ls -A trials)" ]

# --- a trial that is confirmed

come 4
runs "an update does the same" 4 "spoil test.confirm"
check "  and is confirmed" grep -q '^test 4 is confirmed' "$work/console"
check "  the upper is as it was, so far" base_is base.2
cp "$work/view" "$work/view.4"
truncate -s "$(stat -Lc %s "$image")" "$work/second"
runs "the next boot" 4 "look test.doctor" --qemu-arg -drive --qemu-arg "id=second,if=none,format=raw,file=$work/second" \
	--qemu-arg -device --qemu-arg virtio-blk-pci,drive=second
tr -d '\r' <"$work/console" | sed -n '/^doctor: note: no --initrd/,/^second disk:$/p' >"$work/doctor"
tr -d '\r' <"$work/console" | sed -n '/^second disk:$/,$p' >"$work/doctor.second"
check "  plyboot doctor there finds no fault" grep -q '^doctor: 0 faults, 0 warnings; ' "$work/doctor"
for good in 'layers partition: ./dev/vda1.' 'record partition: ./dev/vda2.' 'state partition: ./dev/vda3.' 'test-4.stack: signature, ' \
	'state: [0-9]* MiB free' 'kernel: its options'; do
	check "  but that is good: $good" grep -q "^doctor: good: $good" "$work/doctor"
done
check "  the trial that failed is a note" grep -q '^doctor: note: test-3 comes behind any confirmed stack: its tries are used up' "$work/doctor"
check "  its state partition is mounted, which is a note" grep -q '^doctor: note: state on ./dev/vda3.: its journal was not replayed' "$work/doctor"
check "  with a copy of its partition table on a second disk" grep -q '^doctor: 0 faults, 3 warnings; ' "$work/doctor.second"
check "  it has two partitions of one name" grep -q \
	'^doctor: WARN DEVICE: ./dev/vda1. and partition 1 of ./dev/vdb. are both PARTLABEL=plyboot-layers' "$work/doctor.second"
says "  merges it" "the trial of test 4 is over: its changes are kept"
reports "  and nothing is on trial" 'not r["upper"]["trial"] and r["warnings"] == []'
check "  what it saw is there" diff "$work/view.4" "$work/view"
check "  it owns the upper, version 2 did before" [ "$(on_home cut -d' ' -f1,2 made-for | tr '\n' ,)" = "test 4,test 2," ]
check "  nothing else is left" has_only made-for spare trials upper work
check "  no trial" [ -z "$(on_home ls -A trials)" ]
manifest upper >"$work/base.4"

# --- an upper that was another's

come 6
APPEND=test.step=look boots "one that refuses it: UPPER" "$work/device"
reports "  is left" '[(f["file"], f["code"]) for f in r["failed"]] == [("test-6.stack", "UPPER")] and r["version"] == 4'
says "  with the reason" "ERROR test-6.stack: UPPER: the upper on the state partition is that of test 4, and test 6 refuses any but its own"
on_partition "$image" plyboot-layers "rm /stacks/test-6.stack"
come 5
runs "one that wants a fresh one" 5 write
reports "  has nothing below its trial" 'r["upper"]["trial"] and len(r["upper"]["dirs"]) == 1'
cp "$work/view" "$work/view.5"
check "  sees what the layers have, and what it did" diff <(sed -n '/CREATE/,$p' "$work/view.2") <(sed -n '/CREATE/,$p' "$work/view")
check "  the upper is as it was" base_is base.4
runs "it is confirmed" 5 "look test.confirm"
runs "the next boot" 5 look
check "  finds what it wrote" diff "$work/view.5" "$work/view"
check "  what was there before is in the archive" diff "$work/base.4" <(manifest archive/1/upper)
check "  with its owners" [ "$(on_home cut -d' ' -f1,2 archive/1/made-for | tr '\n' ,)" = "test 4,test 2," ]
check "  the fresh one has one" [ "$(on_home cut -d' ' -f1,2 made-for)" = "test 5" ]
on_partition "$image" plyboot-layers "rm /stacks/test-5.stack"
runs "version 4 comes back" 4 look
says "  to the upper of another" "warning: the upper was made for test 5; it is kept for test 4"
check "  which it sees" diff "$work/view.5" "$work/view"

# --- no room for a trial

runs "the partition is filled" 4 fill
version 7
come 7
runs "an update finds no room for its trial" 7 look
says "  says what there is, and makes do with what is kept for that" \
	"warning: state: make room there: .*: the state partition has [0-9]* KiB and [0-9]* inodes free: .*: No space left on device"
reports "  on trial" 'r["upper"]["trial"]'
check "  nothing is lost" [ "$(on_home stat -c %s upper/etc/app.conf)" = 5 ]
finish
