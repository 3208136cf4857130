#!/bin/bash
# A reset takes away what a device wrote, but for what is kept; a revert takes away one path of it; both at the next boot.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

payload "$work/root"
mkdir -p "$work/root"/{usr/bin,opt/tree,srv,var/lib/x,var/lib/y,etc/conf.d}
cp "$plyboot" "$work/root/usr/bin/"
echo image | tee "$work/root"/{etc/app.conf,etc/conf.d/part,opt/tree/a,srv/goes,var/lib/x/file,var/lib/y/file} >/dev/null
cat >"$work/root/hook" <<'EOS'
$bb mkdir -p /bin && $bb --install -s /tmp; export PATH=/tmp:/usr/bin
step=$(sed -n 's/.*test\.step=\([^ ]*\).*/\1/p' /proc/cmdline)
holds() { [ "$(cat "$1" 2>&1)" = "$2" ] || { echo "wrong: $1: $(cat "$1" 2>&1)"; return 1; }; }
gone() { [ ! -e "$1" ] || { echo "wrong: there is $1"; return 1; }; }
write() {
	echo mine >/etc/app.conf && echo id >/etc/machine-id && rm -f /srv/goes && echo x >/.dot && mkdir -p /.hidden &&
		echo y >/.hidden/.z && rm -r /etc/conf.d /opt/tree && mkdir -p /opt/tree/own && echo o >/opt/tree/own/o &&
		echo mine >/var/lib/x/file && echo mine >/var/lib/y/file && echo dot >/var/lib/y/.dot
}
case $step in
write) write ;;
ask) plyboot reset --keep /etc/machine-id --keep /.hidden --keep /opt/tree/own --keep /var/lib/y ;;
kept)
	holds /etc/app.conf image && holds /etc/machine-id id && holds /srv/goes image && gone /.dot && holds /.hidden/.z y &&
		holds /etc/conf.d/part image && holds /opt/tree/a image && holds /opt/tree/own/o o &&
		holds /var/lib/x/file image && holds /var/lib/y/file mine && holds /var/lib/y/.dot dot && write
	;;
mine) holds /etc/app.conf mine && holds /etc/machine-id id && gone /srv/goes && holds /var/lib/x/file mine ;;
conf-kept) holds /etc/app.conf image && holds /etc/machine-id id && gone /.hidden && holds /var/lib/y/file image ;;
revert) write; plyboot revert /etc/app.conf /srv/goes /opt/tree /.hidden ;;
reverted)
	holds /etc/app.conf image && holds /srv/goes image && holds /opt/tree/a image && gone /opt/tree/own && gone /.hidden &&
		gone /etc/conf.d && holds /.dot x && holds /var/lib/x/file mine
	;;
esac
EOS
pack root
make_stack test 1 --persist /var/lib/x --persist /var/lib/y -- "$work/root.layer"
make_initramfs "$work/device"
make_image "$work/device"
make_initramfs "$work/allowed" --set 'allow-reset yes' --set 'keep /etc/machine-id'
ln "$work/device/disk" "$work/allowed/disk"

# runs NAME STEP [DIRECTORY]
runs() {
	APPEND="test.step=$2 ${APPEND:-}" boots "$1" "${3:-$work/device}"
}
# none_left: of a reset, on the state partition
none_left() {
	partition_copy "$work/device/disk" plyboot-state "$work/state"
	debugfs -R 'ls -p /plyboot' "$work/state" >"$work/ls" 2>&1
	debugfs -R 'ls -p /plyboot/test' "$work/state" >>"$work/ls" 2>&1
	! grep -E '/(\.reset-test|unfinished|asked|dropped)/' "$work/ls" && grep -q /upper/ "$work/ls"
}

runs "a device is written to" write
runs "a reset is asked for" ask
says_it() {
	tr -d '\r' <"$work/console" | grep -qx "$1"
}
check "  it says what goes" grep -q '^goes   /var/lib/x, a persistent path: 1 name' "$work/console"
check "  and what stays" grep -q '^stays  /opt/tree/own: 1 name in it' "$work/console"
runs "the next boot does it: what was kept is there, and what the image has" kept
says "  it says so" "reset: /etc/machine-id is kept"
says "  of each" "reset: of /var/lib/y the upper had nothing"
says "  and in all" "warning: test was reset: 5 names of its upper and 1 persistent path are kept, [0-9]* inodes and [0-9]* KiB free again"
reports "  boot.json has it" 'any(re.match("test was reset: 5 names", w) for w in r["warnings"])'
reports "  the others are begun anew" '[(p["path"], p["seeded"]) for p in r["persist"]] == [("/var/lib/x", True), ("/var/lib/y", False)]'
check "  nothing of it is left" none_left
runs "once is enough" mine
reports "  nothing is said" 'r["warnings"] == [] and r["policy"]["keep"] == []'

APPEND=plyboot.reset runs "plyboot.reset where init.conf does not allow it" mine
says "  is not followed" "warning: command line: plyboot.reset is not followed: init.conf has no \`allow-reset yes\`"
APPEND="plyboot.reset plyboot.upper=volatile" runs "where it does, and nothing is kept" none "$work/allowed"
says "  it does nothing" "warning: plyboot.reset does nothing: nothing is kept in this boot"
APPEND=plyboot.reset runs "where it does" conf-kept "$work/allowed"
says "  it is reset, but for what init.conf keeps" "warning: test was reset: 1 name of its upper and 0 persistent paths are kept"
reports "  which boot.json has" 'r["policy"]["keep"] == ["/etc/machine-id"]'
APPEND=plyboot.reset runs "at each boot again" conf-kept "$work/allowed"
says "  as long as it is there" "warning: test was reset: 1 name "

runs "paths are to be reverted" revert
check "  it says so" says_it "/opt/tree: 3 differences, reverted by the next boot"
runs "at the next boot they are" reverted
says "  it says so" "warning: /srv/goes is reverted: it is what the image has"
reports "  and no more" 'len(r["warnings"]) == 4'
check "  nothing of it is left" none_left
finish
