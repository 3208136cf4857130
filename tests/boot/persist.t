#!/bin/bash
# Persistent paths: kept on the state partition itself, begun once with what the image has, and never the reason why a
# device does not boot.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# --- an image with something in each of them, and a second version with something else

payload "$work/root"
x=$work/root/var/lib/x
mkdir -p "$x/private" "$work/root/var/lib/y" "$work/root/srv/a-b" "$work/root/elsewhere"
ln -s ../../elsewhere "$work/root/var/lib/link"
echo image >"$x/file"
ln "$x/file" "$x/private/hard"
ln -s file "$x/soft"
"$top/build/x86_64/prefix/bin/musl-gcc" -static -Os -s -x c -o "$x/id" - <<'EOF'
#include <stdio.h>
#include <unistd.h>
int main(void) { return printf("%d\n", (int)geteuid()) < 0; }
EOF
chmod 4755 "$x/id"
echo user:x:1000:1000::/:/bin/sh >"$work/root/etc/passwd"
mknod -m 666 "$x/null" c 1 3
mkfifo "$x/fifo"
truncate -s 1M "$x/holes"
chown 5:6 "$x/private"
chmod 2750 "$x/private"
touch -h -d '2001-02-03 04:05:06.123456789 UTC' "$x/soft" "$x/file" "$x/fifo"
touch -d '1969-12-31 23:59:58.5 UTC' "$x/private"
cp -a "$x/id" "$x/null" "$work/root/var/lib/y"
echo image >"$work/root/srv/a-b/file"
cat >"$work/root/hook" <<'EOF'
step=$($bb sed -n 's/.*test\.step=\([^ ]*\).*/\1/p' /proc/cmdline)
is_mount() { $bb grep "^/dev/[^ ]* $1 ext4 rw,$2," /proc/mounts; }
is_none() { ! $bb grep " $1 " /proc/mounts; }
as_user() { $bb su user -c "$1"; }
holds() { [ "$($bb cat "$1")" = "$2" ]; }
whole() {
	[ "$1/file" -ef "$1/private/hard" ] && [ "$($bb readlink "$1/soft")" = file ] && [ -p "$1/fifo" ] &&
		[ "$($bb stat -c '%u:%g %a' "$1/private")" = "5:6 2750" ] &&
		[ "$($bb stat -c '%a %t %T' "$1/null")" = "666 1 3" ] &&
		[ "$($bb stat -c '%s' "$1/holes")" = 1048576 ] &&
		[ "$($bb stat -c '%Y' "$1/file" "$1/soft" "$1/fifo" | $bb sort -u)" = 981173106 ] &&
		[ "$($bb stat -c '%Y' "$1/private")" = -2 ] && $bb cmp "$1/id" /var/lib/y/id
}
case $step in
first)
	is_mount /var/lib/x nosuid,nodev && is_mount /var/lib/new/deep nosuid,nodev && is_none /var/lib/link &&
		! is_mount /var/lib/y '.*no\(suid\|dev\)' && is_mount /var/lib/y relatime && whole /var/lib/x &&
		[ "$(as_user /var/lib/x/id)" = 1000 ] && [ "$(as_user /var/lib/y/id)" = 0 ] &&
		! echo x >/var/lib/x/null && echo x >/var/lib/y/null && [ -z "$($bb ls -A /var/lib/new/deep)" ] &&
		echo kept >/var/lib/x/file && echo kept >/var/lib/new/deep/file && echo kept >/srv/a-b/file &&
		$bb rm /var/lib/x/soft && echo lost >/lost && echo lost >/elsewhere/lost
	;;
kept)
	holds /var/lib/x/file kept && holds /var/lib/x/private/hard kept && [ ! -L /var/lib/x/soft ] &&
		holds /var/lib/new/deep/file kept && holds /srv/a-b/file kept && [ ! -e /lost ] && [ ! -e /elsewhere/lost ]
	;;
x-as-in-image) is_none /var/lib/x && holds /var/lib/x/file image && whole /var/lib/x && echo more >/var/lib/x/more && holds /srv/a-b/file kept ;;
x-anew) is_mount /var/lib/x nosuid,nodev && whole /var/lib/x && holds /srv/a-b/file image && [ ! -e /var/lib/x/junk ] ;;
none-kept) is_none /var/lib/x && is_none /srv/a-b && whole /var/lib/x && holds /srv/a-b/file image ;;
read-only)
	! echo x >/x && is_mount /var/lib/x nosuid,nodev && is_none /var/lib/new/deep && [ ! -e /var/lib/new ] &&
		echo kept >/var/lib/x/file
	;;
read-only-kept) ! echo x >/x && holds /var/lib/x/file kept ;;
upper) is_mount /var/lib/x nosuid,nodev && is_mount /etc nosuid,nodev && echo kept >/var/lib/x/file && echo kept >/other && echo kept >/etc/kept ;;
upper-kept) holds /var/lib/x/file kept && holds /other kept && holds /etc/kept kept ;;
init) is_mount /sbin nosuid,nodev && $bb cmp /sbin/init /sbin/copy ;;
init-lost) is_none /sbin ;;
big) is_none /big && [ "$($bb stat -c %s /big/file)" = 12582912 ] && is_mount /srv/a-b nosuid,nodev ;;
esac
EOF
cp "$work/root/sbin/init" "$work/root/sbin/copy"
"$plyboot" pack --store "$work/store" -o "$work/root.layer" "$work/root" >"$work/pack.log" 2>&1 # owners as they are
mkdir -p "$work/second/var/lib/x" "$work/big/big"
echo second >"$work/second/var/lib/x/file"
echo second >"$work/second/var/lib/x/second"
pack second
head -c 12M /dev/urandom >"$work/big/big/file"
pack big

# state_of DISK PATH: what is in this directory of the state partition
state_of() {
	partition_copy "$1" plyboot-state "$work/state"
	e2fsck -fy "$work/state" >"$work/debugfs.log" 2>&1 || [ $? -lt 4 ]
	debugfs -R "ls -p $2" "$work/state" 2>/dev/null | cut -d / -f 6 | grep -v '^\.*$' | sort | tr '\n' ' '
}

paths=(--persist /var/lib/x --persist "/var/lib/y:suid,dev" --persist /var/lib/new/deep --persist /srv/a-b)
home=/plyboot/test/paths

# --- with a volatile upper

build_image "$work/good" --upper volatile "${paths[@]}" --persist /var/lib/link -- "$work/root.layer"
good=$work/good/disk
APPEND=test.step=first boots "persistent paths: begun with the image's content, nosuid and nodev where nothing else is signed" "$work/good"
reports "  in the report" '[(p["path"], p["kind"], p["seeded"], p["why"] is None) for p in r["persist"]] == [
	("/srv/a-b", "persistent", True, True), ("/var/lib/link", "volatile", False, False),
	("/var/lib/new/deep", "persistent", True, True), ("/var/lib/x", "persistent", True, True),
	("/var/lib/y", "persistent", True, True)] and r["upper"]["kind"] == "volatile"'
says "  a link in the root is not followed, loudly" \
	"WARNING: NOTHING WILL BE KEPT in /var/lib/link: in the root it must be a directory, and reached through no link"
says "  what is begun is said" "/var/lib/x is kept from now on: [0-9]* inodes, [0-9]* KiB of the image"
check "  on the state is nothing else" [ "$(state_of "$good" $home)" = 'srv-a%2db var-lib-new-deep var-lib-x var-lib-y ' ]
APPEND=test.step=kept boots "  kept after a reboot" "$work/good"
reports "  and begun once" '[p["seeded"] for p in r["persist"]] == [False] * 5'

make_stack test 2 --upper volatile "${paths[@]}" -- "$work/root.layer" "$work/second.layer"
twin "$work/good"
make_image "$work/twin" --stack test-2
on_state "$good" ""
partition_put "$work/twin/disk" plyboot-state "$work/state"
APPEND=test.step=kept boots "what the next version has there does not come over it" "$work/twin"
reports "  which this one is" 'r["version"] == 2 and len(r["persist"]) == 4 and r["warnings"] == []'

APPEND="test.step=none-kept plyboot.upper=volatile" boots "plyboot.upper=volatile: none of them" "$work/good"
reports "  as was asked for" 'all(p["kind"] == "volatile" and "asks for it" in p["why"] for p in r["persist"]) and r["warnings"] == []'

# --- what is on the state partition

# costs_x NAME TEXT
costs_x() {
	APPEND=test.step=x-as-in-image boots "$1: as the image has it" "$work/twin"
	says "  loudly" "WARNING: NOTHING WILL BE KEPT in /var/lib/x: $2"
	reports "  this one alone" '[p["path"] for p in r["persist"] if p["kind"] != "persistent"] == ["/var/lib/link", "/var/lib/x"]'
}
twin "$work/good"
on_state "$work/twin/disk" "cd $home" "mkdir elsewhere" "unlink var-lib-x" "symlink var-lib-x elsewhere"
costs_x "a link" "open var-lib-x on the state partition: "
twin "$work/good"
on_state "$work/twin/disk" "cd $home" "unlink var-lib-x" "write /etc/hostname var-lib-x"
costs_x "a file" "open var-lib-x on the state partition: Not a directory"

make_image "$work/good" --stack test-1
twin "$work/good"
on_state "$work/twin/disk" "mkdir /plyboot" "mkdir /plyboot/test" "mkdir $home" "mkdir $home/var-lib-x%new" "cd $home/var-lib-x%new" \
	"mkdir tree" "mkdir links" "write /etc/hostname tree/junk" "write /etc/hostname links/1-2"
check "the rest of a copy that a power cut ended" [ "$(state_of "$work/twin/disk" $home)" = 'var-lib-x%new ' ]
APPEND=test.step=x-anew boots "  is removed, and all of it made again" "$work/twin"
check "  nothing is left of it" [ "$(state_of "$work/twin/disk" $home)" = 'srv-a%2db var-lib-new-deep var-lib-x var-lib-y ' ]

dd if=/dev/urandom of="$work/twin/disk" bs=1M count=1 conv=notrunc oflag=seek_bytes status=none \
	seek="$(partition_field "$work/twin/disk" plyboot-state start)"
APPEND=test.step=none-kept boots "no file system there: none of them" "$work/twin"
says "  loudly" "WARNING: NOTHING WILL BE KEPT in /var/lib/x: .*holds no ext4 file system"
reports "  each with the reason" 'all(p["kind"] == "volatile" and "ext4" in p["why"] for p in r["persist"])'

# --- other uppers, no room, and the real init

build_image "$work/none" --upper none "${paths[@]}" -- "$work/root.layer"
APPEND=test.step=read-only boots "a read-only root with persistent paths" "$work/none"
says "  one that it has no directory for" "WARNING: NOTHING WILL BE KEPT in /var/lib/new/deep: the root has no directory /var/lib/new: Read-only"
APPEND=test.step=read-only-kept boots "  keeps them" "$work/none"

build_image "$work/upper" --upper persistent "${paths[@]}" --persist /etc --persist /sbin -- "$work/root.layer"
APPEND=test.step=upper boots "a persistent upper with persistent paths" "$work/upper"
APPEND=test.step=upper-kept boots "  keeps both" "$work/upper"
APPEND=test.step=init boots "  the real init may be in one" "$work/upper"
on_state "$work/upper/disk" "cd $home" "unlink sbin/init"
APPEND=test.step=init-lost boots "  as long as it is there" "$work/upper"
says "  else the image's is run, loudly" "WARNING: NOTHING WILL BE KEPT in /sbin: the root's init /sbin/init"

build_image "$work/full" --upper volatile --persist /big --persist /srv/a-b -- "$work/root.layer" "$work/big.layer"
head -c 4M /dev/zero | tr '\0' x >"$work/ballast"
on_state "$work/full/disk" "write $work/ballast ballast"
APPEND=test.step=big boots "no room for one of them: it stays as the image has it" "$work/full"
says "  in numbers" "NOTHING WILL BE KEPT in /big: what the image has there takes 123[0-9]* KiB and [0-9]* inodes, [0-9]* KiB and [0-9]* are free"
check "  and nothing of it is there" [ "$(state_of "$work/full/disk" $home)" = 'srv-a%2db ' ]

# --- begun by a stack on trial

payload "$work/app"
mkdir -p "$work/app/usr/bin" "$work/app/var/lib/db"
cp "$plyboot" "$work/app/usr/bin/"
echo shipped >"$work/app/var/lib/db/file"
cat >"$work/app/hook" <<'EOS'
step=$($bb sed -n 's/.*test\.step=\([^ ]*\).*/\1/p' /proc/cmdline)
want=${step%%,*} write=${step##*,}
echo "found: $($bb cat /var/lib/db/file)"
[ "$($bb cat /var/lib/db/file)" = "$want" ] && echo "$write" >/var/lib/db/file && $bb sync || status=1
if $bb grep -q test.confirm /proc/cmdline; then /usr/bin/plyboot confirm || status=1; fi
EOS
pack app
for version in 2 3 4; do
	named=(--persist /var/lib/db)
	[ $version != 2 ] || named=()
	make_stack test $version --upper persistent "${named[@]}" -- "$work/app.layer"
done
make_initramfs "$work/app.out" --set 'tries 1'
make_image "$work/app.out"
on_partition "$work/app.out/disk" plyboot-layers "rm /stacks/test-3.stack" "rm /stacks/test-4.stack"
# comes OUT VERSION: its stack file is put onto the layers partition
comes() {
	on_partition "$1/disk" plyboot-layers "write $work/store/stacks/test-$2.stack /stacks/test-$2.stack"
}
# steps NAME OUT VERSION FINDS,WRITES
steps() {
	APPEND="test.step=$4" boots "$1" "$2"
	reports "  by version $3" "r['version'] == $3"
}
# kept_file OUT NAME: what lies there of the database
kept_file() {
	partition_copy "$1/disk" plyboot-state "$work/state"
	debugfs -R "cat $home/$2/file" "$work/state" 2>/dev/null
}

steps "version 2 keeps its data in the upper" "$work/app.out" 2 "shipped,two test.confirm"
comes "$work/app.out" 3
twin "$work/app.out"
steps "version 3, on trial, names a path: it is begun with them" "$work/app.out" 3 two,three
reports "  in the report" 'r["persist"] == [{"path": "/var/lib/db", "kind": "persistent", "why": None, "seeded": True}] and r["warnings"] == []'
steps "it failed: version 2 finds what it left, and goes on" "$work/app.out" 2 two,later
comes "$work/app.out" 4
steps "version 4 names the path: it finds what version 2 left" "$work/app.out" 4 "later,four test.confirm"
reports "  begun anew" 'r["persist"][0]["seeded"] and len(r["warnings"]) == 1'
says "  what the trial wrote is put away, and where is said" \
	"warning: what a trial that is over ([0-9a-f]\{12\}) wrote is in /run/plyboot/state$home/var-lib-db%x1 now, and /var/lib/db is begun anew"
check "  it is there" [ "$(kept_file "$work/app.out" var-lib-db%x1)" = three ]
check "  until the next boot the path is noted as begun on trial" [ "$(state_of "$work/app.out/disk" $home)" = 'var-lib-db var-lib-db%by var-lib-db%x1 ' ]
steps "it was confirmed, and goes on" "$work/app.out" 4 four,more
reports "  without a word" 'not r["persist"][0]["seeded"] and r["warnings"] == []'
check "  the path is the device's own" [ "$(state_of "$work/app.out/disk" $home)" = 'var-lib-db var-lib-db%x1 ' ]

steps "version 3 is confirmed instead" "$work/twin" 3 "two,three test.confirm"
comes "$work/twin" 4
steps "  then version 4 finds what it wrote" "$work/twin" 4 three,four
reports "  without a word" 'not r["persist"][0]["seeded"] and r["warnings"] == []'
check "  and nothing else is there" [ "$(state_of "$work/twin/disk" $home)" = 'var-lib-db ' ]
finish
