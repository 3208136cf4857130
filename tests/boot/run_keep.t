#!/bin/bash
# `plyboot run --keep`: what the command changed becomes a layer, nothing else does, and nothing of a guest is believed.
# shellcheck disable=SC2016 # for the guest's shell
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/boot/running.sh
. "$top/tests/boot/running.sh"

find_kernel
cloud=$("$top/qemu/demo/kernel" cloud-amd64)
unset PLYBOOT_STORE
own_cache
export TMPDIR=$work/tmp PLYBOOT_KERNEL=$guest_kernel
mkdir -p "$TMPDIR" "$work/root"/{bin,etc,opt/old} "$work/shared"
cp /bin/busybox "$work/root/bin/busybox"
for name in sh cat ls chmod chown rm mkdir umount ln echo sleep stat find; do ln -s busybox "$work/root/bin/$name"; done
echo root:x:0:0::/:/bin/sh >"$work/root/etc/passwd"
echo gone >"$work/root/etc/gone"
echo same >"$work/root/etc/same"
echo old >"$work/root/opt/old/file"
"$top/build/x86_64/prefix/bin/musl-gcc" -static -Os -s -x c -o "$work/root/bin/capability" - <<'EOC'
#include <stdio.h>
#include <sys/xattr.h>
int main(int argc, char **argv)
{
	static const char name[] = "security.capability";
	char value[20] = "\1\0\0\2\0\4"; /* revision 2, effective: CAP_NET_BIND_SERVICE */
	if (argc == 3)
		return setxattr(argv[1], name, value, sizeof value, 0) != 0;
	ssize_t got = getxattr(argv[1], name, value, sizeof value);
	for (ssize_t i = 0; i < got; i++)
		printf("%02x", (unsigned char)value[i]);
	puts("");
	return got < 0;
}
EOC

run_options=(--store "$work/store")

nothing_is_left() {
	check "... nothing is left in TMPDIR" test -z "$(ls -A "$TMPDIR")"
}

# members RECORD: what its layer has
members() {
	local digest
	digest=$(sed -n 's/^layer sha256://p' "$1")
	zstd -dcq "$work/store/blobs/sha256/$digest" | tar -t
}

# --- what is kept

root=(--root "$work/root" --root-owned)
changes='echo new >/etc/new; chown 12:34 /etc/new; chmod 4750 /etc/new; capability /etc/new set; rm /etc/gone
	rm -r /opt/old; mkdir /opt/old; echo new >/opt/old/other; mkdir -p /var/log /tmp; echo log >/var/log/file; echo t >/tmp/file
	ls /mnt/deep/shared; cat /etc/resolv.conf; (trap "" TERM; sleep 1000) & exit 7'
echo shared >"$work/shared/file"
run_ends "changes, with status 7, and a process that stays" 7 "file
nameserver 10.0.2.3" "${root[@]}" --network --share "$work/shared:/mnt/deep/shared" \
	--keep "$work/kept.layer" -- sh -c "$changes"
check "... says nothing" test ! -s "$work/err"
nothing_is_left
check "... the log has what was left out" grep -q 'left out: /var/log/file' "$work/console"
members "$work/kept.layer" >"$work/members" 2>&1
check "the layer has that, and nothing of the run's own" diff - "$work/members" <<'EOL'
./
etc/
etc/.wh.gone
etc/new
opt/
opt/old/
opt/old/.wh..wh..opq
opt/old/other
tmp/
var/
var/log/
EOL
look='stat -c "%a %u %g" /etc/new; cat /etc/new; capability /etc/new; [ ! -e /etc/gone ] && cat /etc/same; cd /opt/old && ls'
seen="4750 12 34
new
0100000200040000000000000000000000000000
same
other"
run_ends "a second run over it sees all of it" 0 "$seen" "${root[@]}" --root "$work/kept.layer" -- sh -c "$look"
run_ends "nothing changed" 0 "" "${root[@]}" --root "$work/kept.layer" --keep "$work/none.layer" -- sh -c :
check "... is a layer of the root alone" test "$(members "$work/none.layer")" = ./
# A resolv.conf that only a service of the root would make: the command has one, and the layer nothing of it.
mkdir -p "$work/links/etc"
linked() { # TARGET OUTPUT MEMBERS: of the link
	ln -sfn "$1" "$work/links/etc/resolv.conf"
	run_ends "resolv.conf is a link to $1" 0 "$2" "${root[@]}" --root "$work/links" --network \
		--keep "$work/links.layer" -- sh -c 'cat /etc/resolv.conf 2>/dev/null || echo none'
	check "... and the layer has nothing of it" test "$(members "$work/links.layer" | xargs)" = "$3"
}
linked ../run/systemd/resolve/stub-resolv.conf "nameserver 10.0.2.3" ./
linked /run/../run/a/b/../c.conf "nameserver 10.0.2.3" ./
linked made.conf "nameserver 10.0.2.3" "./ etc/"
linked ../run/../opt/no/resolv.conf none ./
check "... which is said" grep -q 'warning: /etc/resolv.conf can.t be set' "$work/console"
check "plyboot stack takes it" "$plyboot" stack --store "$work/store" --name kept --version 1 --init /bin/sh "$work/kept.layer"
run_ends "... and a stack of a store with it runs" 0 "$seen" "${root[@]}" --root "$work/store:kept" -- sh -c "$look"

mkdir -m 777 "$work/theirs" "$work/theirs/cache" "$work/theirs/tmp"
chmod 755 "$work"
cp -r "$guest_kernel" "$work/theirs/kernel"
status=0
(cd "$work/theirs" && XDG_CACHE_HOME=$PWD/cache TMPDIR=$PWD/tmp HOME=$PWD timeout 120 setpriv --reuid 65534 --regid 65534 --clear-groups \
	"$plyboot" run --kernel kernel --root ../root --root-owned --memory 256 --keep kept.layer -- sh -c "$changes") \
	>"$work/out" 2>"$work/err" </dev/null || status=$?
members_as() {
	local digest
	digest=$(sed -n 's/^layer sha256://p' "$work/theirs/kept.layer")
	zstd -dcq "$work/theirs/store/blobs/sha256/$digest" | tar --numeric-owner -tv | grep etc/new
}
check "an ordinary user's run ends, too" test "$status" -eq 7
check "... owner and mode are the guest's" grep -Eq '^-rwsr-x--- 12/34 ' <(members_as)
check "... the file is the user's" test "$(stat -c %u "$work/theirs/kept.layer")" = 65534
check "... nothing is left in TMPDIR" test -z "$(ls -A "$work/theirs/tmp")"

# --- what is not

store_now() {
	find "$work/store" -type f -printf '%P %s %i\n' | sort
}
stored=$(store_now)
echo before >"$work/not.layer"

# keeping NAME STATUS PATTERN COMMAND...: said so, and the file and the store are what they were
keeping() {
	local name=$1 status=$2 pattern=$3
	shift 3
	run_ends "$name" "$status" "" "${root[@]}" --keep "$work/not.layer" -- "$@"
	run_says "... is said" "$pattern"
	check "... the file is as it was" test "$(cat "$work/not.layer")" = before
	check "... so is the store" test "$(store_now)" = "$stored"
	nothing_is_left
}

no_end='not.layer. was not written: the guest ended before there was anything to keep'
at=/run/plyboot-keep
own="TMPDIR=/run $at/program/plyboot commit --live --compress none --store $at/kept/store -o $at/kept/kept.layer \
	>/dev/null 2>&1 && umount $at/program"
FORESEEN='sysrq triggered crash' keeping "a panic" 121 "$no_end" sh -c 'echo new >/new; echo c >/proc/sysrq-trigger; sleep 60'
keeping "no such command" 127 "$no_end" /nosuch
keeping "a guest that can't keep" 125 "MISSING: .*not.layer. was not written: " sh -c "umount $at/program"
run_says "... its console says why" "^plyboot: ERROR what follows the command does not run: MISSING: "
keeping "a link instead of a record" 125 "TYPE: .*kept.layer. is no file" \
	sh -c "umount $at/program; ln -s /etc/passwd $at/kept/kept.layer"
keeping "nonsense instead of a record" 125 "FORMAT: .*not.layer. was not written" \
	sh -c "umount $at/program; echo x >$at/kept/kept.layer"
keeping "a layer that is not what its record says" 125 "DIGEST: .*the layer differs from its digest" \
	sh -c "$own; for blob in $at/kept/store/blobs/sha256/*; do echo x >>\$blob; done"
keeping "a layer that is no tar" 125 "TAR: .*not.layer. was not written" \
	sh -c "$own; cd $at/kept; busybox seq 1000 >store/blobs/sha256/new; sum=\$(busybox sha256sum store/blobs/sha256/new)
		sum=\${sum%% *}; busybox mv store/blobs/sha256/new store/blobs/sha256/\$sum
		busybox sed -i \"s/^layer .*/layer sha256:\$sum/\" kept.layer"

status=0
"$plyboot" run --kernel "$cloud" --root "$work/root" --keep "$work/not.layer" --store "$work/store" -- true \
	</dev/null >"$work/out" 2>"$work/err" || status=$?
check "a kernel without 9p: 125" test "$status" -eq 125
run_says "... with what to do" 'directories are shared by 9p, which .* lacks: take '
check "... the file is as it was" test "$(cat "$work/not.layer")" = before
nothing_is_left

"$plyboot" run "${root[@]}" --memory 256 --keep "$work/not.layer" --store "$work/store" -- sh -c 'echo up; sleep 1000' \
	</dev/null >"$work/out" 2>"$work/err" &
pid=$!
for _ in $(seq 300); do
	[ ! -s "$work/out" ] || break
	sleep 0.2
done
kill -TERM $pid
status=0
wait $pid || status=$?
check "SIGTERM: 143" test "$status" -eq 143
run_says "... is said" "$no_end"
check "... the file is as it was" test "$(cat "$work/not.layer")" = before
nothing_is_left

# --- at a terminal

echo "'$plyboot' run --terminal --root '$work/root' --root-owned --memory 256 --time-limit 90 --store '$work/store' \
	--keep '$work/terminal.layer' -- sh -c 'echo new >/new; exit 3'" >"$work/terminal"
status=0
SHELL=/bin/bash timeout 120 script -qefc "bash $work/terminal" "$work/typescript" </dev/null >/dev/null || status=$?
check "at a terminal: status 3" test "$status" -eq 3
check "... is kept as well" test "$(members "$work/terminal.layer" | xargs)" = "./ new"
status=0
run "${root[@]}" --keep "$work/full.layer" -- echo words >/dev/full 2>"$work/err" </dev/null || status=$?
check "output that has no room: 125" test "$status" -eq 125
run_says "... of which the layer is part" 'full[.]layer. was not written: .*No space left on device'
check "... and it is not there" test ! -e "$work/full.layer"
nothing_is_left

finish
