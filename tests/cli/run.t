#!/bin/bash
# How `run` is called, what its roots may be, and what it keeps in its cache. QEMU is one that only says what it was
# given; guests are in tests/boot/run.t.
# shellcheck disable=SC2016 # what is printed
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

export XDG_CACHE_HOME=$work/cache PLYBOOT_ACCEL=tcg
unset PLYBOOT_CACHE PLYBOOT_KERNEL
mkdir -p root/bin bin "$work/cache"
echo program >root/bin/program
echo kernel >kernel
cache=$work/cache/plyboot/run
none="--kernel kernel --root"

# --- usage: each has status 125, so that it is never taken for the command's

# shellcheck disable=SC2086 # words
{
	refuses "no command" 125 USAGE "$plyboot" run $none root
	refuses "no root" 125 USAGE "$plyboot" run --kernel kernel -- x
	refuses "--cases with a command" 125 USAGE "$plyboot" run $none root --cases c -- x
	refuses "--jobs without --cases" 125 USAGE "$plyboot" run $none root --jobs 2 -- x
	refuses "--cases with --stdin" 125 USAGE "$plyboot" run $none root --cases c --stdin kernel
	refuses "--cases with --keep" 125 USAGE "$plyboot" run $none root --cases c --keep k.layer
	refuses "--forward without --network" 125 USAGE "$plyboot" run $none root --forward x -- x
	refuses "--terminal where there is none" 125 USAGE "$plyboot" run $none root --terminal -- x
	refuses "--env without =" 125 USAGE "$plyboot" run $none root --env A -- x
	refuses "--share without a guest's path" 125 USAGE "$plyboot" run $none root --share a -- x
	refuses "a relative path in the guest" 125 USAGE "$plyboot" run $none root --share a:b -- x
	refuses "--share-rw without a path here" 125 USAGE "$plyboot" run $none root --share-rw :/b -- x
	refuses "a relative working directory" 125 USAGE "$plyboot" run $none root --directory a -- x
	refuses "a root that is not there" 125 MISSING "$plyboot" run $none nowhere -- x
	refuses "a root that is neither" 125 TYPE "$plyboot" run $none /dev/null -- x
	refuses "a name behind a directory that is no store" 125 FORMAT "$plyboot" run $none root:x -- x
	refuses "a kernel that is not there" 125 MISSING "$plyboot" run --kernel nowhere --root root -- x
	refuses "a directory without a kernel" 125 MISSING "$plyboot" run --kernel root --root root -- x
	refuses "no kernel anywhere" 125 MISSING "$plyboot" run --root root -- x
	has "... says how to get one" "$work/err" '^  --kernel takes a bzImage'
	refuses "PLYBOOT_KERNEL that is not there" 125 MISSING env PLYBOOT_KERNEL=nowhere "$plyboot" run --root root -- x
	refuses "a file of cases that is not there" 125 MISSING "$plyboot" run $none root --cases nowhere
	printf 'case a\nrun x | y\n' >bad
	refuses "a file of cases that is none" 125 FORMAT "$plyboot" run $none root --cases bad
	has "... is told its line" "$work/err" '`bad`: line 2: a bare `\|` is for a shell'
	is "none of them made a root" "$(find "$cache" -mindepth 1 -type d 2>&1 | grep -c '')" 0
}

# --- which kernel, with a QEMU that fails at once, and shows that

elf() { # FILE [NOTE]: an x86 program with that note, of Xen's, and no more
	python3 -c '
import struct, sys
note = struct.pack("<III", 4, 8, int(sys.argv[2])) + b"Xen\0" + bytes(8) if len(sys.argv) > 2 else b""
head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
table = struct.pack("<IIQQQQQQ", 4, 4, 120, 0, 0, len(note), len(note), 4)
open(sys.argv[1], "wb").write(head + table + note)' "$@"
}

mkdir kernels
cat >kernels/qemu-system-x86_64 <<'EOF'
#!/bin/sh
while [ "$1" != -kernel ]; do shift; done
echo "${2#"$PWD"/}" >&3
exit 1
EOF
chmod 755 kernels/qemu-system-x86_64

boots() { # NAME KERNEL DIRECTORY: of that directory
	is "$1" "$(PATH=$PWD/kernels:$PATH "$plyboot" run --no-cache --kernel "$3" --root root -- x 3>&1 >/dev/null 2>&1 </dev/null)" "$2"
}

mkdir -p tree/arch/x86/boot
elf tree/vmlinux
boots "a vmlinux that QEMU can't boot, alone" tree/vmlinux tree
echo kernel >tree/arch/x86/boot/bzImage
boots "... in a tree with a bzImage" tree/arch/x86/boot/bzImage tree
elf tree/vmlinux 17
boots "... with a note of another kind" tree/arch/x86/boot/bzImage tree
elf tree/vmlinux 18
boots "a vmlinux with CONFIG_PVH" tree/vmlinux tree

# --- what is made, with a QEMU that fails at once, and shows the disk that it got

cat >bin/qemu-system-x86_64 <<'EOF'
#!/bin/sh
echo "$*" >>"$SEEN.calls"
case ${NO_SANDBOX:+no}$* in
no*-sandbox*) echo "qemu: -sandbox on: $NO_SANDBOX" >&2 && exit 1 ;;
esac
case $* in
*-M\ none*) exit 0 ;;
esac
[ -z "${LIES-}" ] || echo "$LIES" >&2
for word; do
	case $word in *id=disk0*) echo "$word" >"$SEEN" ;; esac
done
[ -z "${LASTS-}" ] || exec sleep "$LASTS"
exit 1
EOF
chmod 755 bin/qemu-system-x86_64
PATH=$PWD/bin:$PATH
export SEEN=$work/seen

# run_with NAME WORDS...: QEMU was started, so all that is ours went well
run_with() {
	local name=$1 status=0
	shift
	rm -f "$SEEN"
	"$plyboot" run --kernel "${kernel:-kernel}" "$@" -- x >"$work/out" 2>"$work/err" </dev/null || status=$?
	is "$name" "$status $([ -e "$SEEN" ] && echo started)" "123 started"
	disk=$(sed 's/.*file=\([^,]*\),.*/\1/' "$SEEN")
}

entries() {
	find "$cache" -mindepth 1 -maxdepth 1 -type d -name '????????????????????????????????????????????????????????????????' | wc -l
}

run_with "a directory" --root root
first=$disk inode=$(stat -c %i "$disk")
is "it lies in the cache" "${disk%/*/disk}" "$cache"
has "... and is only read" "$SEEN" 'read-only=on'
is "nobody else can read it" "$(stat -c %a "$cache" "${disk%/*}" "$disk" "${disk%/*}/initramfs" | xargs)" "700 700 600 600"
is "nothing else is left there" "$(find "$cache" -mindepth 1 -printf '%P\n' | sed "s|^[0-9a-f]*||" | sort | xargs)" \
	"/disk /initramfs /whole lock"
run_with "the same again" --root root
is "... is not made again" "$disk $(stat -c %i "$disk")" "$first $inode"
run_with "with memory, a share and a variable of its own" --memory 64 --env A=b --root root
is "... it is the same root" "$disk" "$first"
echo other >root/bin/program
run_with "a file that changed" --root root
ok "... makes another root" test "$disk" != "$first"
second=$disk
touch -d '2020-01-01' root/bin/program
run_with "one whose time was set" --root root
ok "... does, too" test "$disk" != "$second"
touch -r kernel root/bin/program
for i in 1 2 3; do
	printf '%s' "change$i" >root/bin/program
	run_with "a change at once after the last, $i" --root root
	debugfs -R 'ls -l /blobs/sha256' "$disk?offset=1048576" 2>/dev/null >"$work/blobs"
	sed -n 's/.* \([0-9a-f]\{64\}\)$/\1/p' "$work/blobs" | sort | sha256sum >>"$work/all"
done
is "... is always seen" "$(sort -u "$work/all" | wc -l)" 3

n=$(entries)
printf x >>"$disk"
inode=$(stat -c %i "$disk")
run_with "a disk of the cache that somebody changed" --root root
ok "... is made anew" test "$(stat -c %i "$disk")" != "$inode"
is "... in its place" "$(entries)" "$n"
rm "${disk%/*}/initramfs"
run_with "one without its initramfs" --root root
ok "... has it again" test -s "${disk%/*}/initramfs"
chmod 755 "${disk%/*}"
run_with "one that others could enter" --root root
is "... is made anew" "$(stat -c %a "${disk%/*}")" 700
rm -rf "${disk%/*}"
ln -s "$work" "${disk%/*}"
run_with "a symlink in its place" --root root
ok "... gives way" test ! -L "${disk%/*}" -a -d "${disk%/*}"
mkdir "$cache/.new-0123456789abcdef"
echo x >"$cache/.new-0123456789abcdef/disk"
echo once >root/bin/program
run_with "where a killed run left something" --root root
ok "... it is swept" test ! -e "$cache/.new-0123456789abcdef"

# --- killed, with a QEMU that stays

mkdir stays
cat >stays/qemu-system-x86_64 <<'EOF'
#!/bin/sh
echo $$ >"$SEEN"
exec sleep 1000
EOF
chmod 755 stays/qemu-system-x86_64

# killed NAME DIRECTORIES OPTION...: once QEMU runs, when so many are in TMPDIR
killed() {
	local name=$1 wanted=$2 pid before
	shift 2
	rm -f "$SEEN"
	PATH=$PWD/stays:$PATH "$plyboot" run --kernel kernel --root root "$@" -- x >"$work/out" 2>"$work/err" </dev/null &
	pid=$!
	for _ in $(seq 200); do
		[ ! -s "$SEEN" ] || break
		sleep 0.1
	done
	before=$(find "$TMPDIR" -mindepth 1 -maxdepth 1 | wc -l)
	kill -KILL $pid
	wait $pid 2>"$work/err"
	for _ in $(seq 50); do
		[ -n "$(ls -A "$TMPDIR")" ] || break
		sleep 0.1
	done
	is "$name: what lay in TMPDIR is gone" "$before $(ls -A "$TMPDIR")" "$wanted "
	for _ in $(seq 50); do
		kill -0 "$(cat "$SEEN")" 2>"$work/err" || break
		sleep 0.1
	done
	ok "... QEMU, too" test ! -e "/proc/$(cat "$SEEN")/fd/0"
}
killed "SIGKILL with --no-cache" 1 --no-cache
killed "... and --keep" 3 --no-cache --keep killed.layer
killed "SIGKILL with --keep alone" 2 --keep killed.layer

n=$(entries)
run_with "--no-cache" --no-cache --root root --root bin
is "... keeps nothing" "$(entries)" "$n"
is "... is in TMPDIR" "${disk%/plyboot-*/disk}" "$TMPDIR"
chmod 755 "$cache"
run_with "a cache that others could read" --root root
has "... is warned of" "$work/err" 'warning: .*nothing is kept there'
chmod 700 "$cache"

# Another build of the same version may pack otherwise.
build=$plyboot
plyboot=$work/other
cp "$build" "$plyboot"
printf x >>"$plyboot"
run_with "another build of this command" --root root
before=$disk
ok "... makes a root of its own" test "${disk%/*}" != "$cache" -a "$n" -lt "$(entries)"
run_with "... again" --root root
is "... and keeps it" "$disk" "$before"
plyboot=$build

# Modules of a kernel that is built again in place: modules.dep may be as it was.
modules=built/lib/modules/6.1.0
mkdir -p $modules/kernel
echo kernel >built/vmlinuz
printf 'kernel/%s.ko:\n' ext4 9p 9pnet_virtio >$modules/modules.dep
printf 'kernel/%s.ko\n' virtio_pci virtio_blk virtio_console overlay virtio_net >$modules/modules.builtin
for module in ext4 9p 9pnet_virtio; do echo $module >$modules/kernel/$module.ko; done
kernel=built
run_with "a kernel with modules" --root root
before=$disk
echo 'kernel/other.ko:' >>$modules/modules.dep
run_with "... and one more that is not needed" --root root
is "... is the same root" "$disk" "$before"
run_with "... as with a network card that is built in" --network --root root
is "... is, too" "$disk" "$before"
run_with "... but one with shares" --share root:/mnt --root root
ok "... is another" test "$disk" != "$before"
echo again >$modules/kernel/ext4.ko
run_with "a module that was built again" --root root
ok "... makes another root" test "$disk" != "$before"
before=$disk
echo again >$modules/kernel/9p.ko
run_with "... but not one that is not needed" --root root
is "... which is kept" "$disk" "$before"
rm $modules/kernel/ext4.ko
refuses "a module that is gone" 125 MISSING "$plyboot" run --kernel built --root root -- x
kernel=

# An entry comes while nobody sweeps.
cat >bin/mke2fs <<'EOF'
#!/bin/sh
flock -x "$XDG_CACHE_HOME/plyboot/run/lock" sh -c ': >"$SEEN.held" && sleep 2 && : >"$SEEN.released"' >/dev/null 2>&1 &
until [ -e "$SEEN.held" ]; do sleep 0.05; done
exec /sbin/mke2fs "$@"
EOF
chmod 755 bin/mke2fs
echo alone >root/bin/program
run_with "a root that is made while another run sweeps" --root root
rm bin/mke2fs
ok "... waits for that" test -e "$SEEN.released" -a "$SEEN" -nt "$SEEN.released"

# --keep: what can't be is said before there is a guest, and without a guest's end nothing is written.
keep_refuses() {
	local before
	rm -f "$SEEN"
	echo "$1" >root/another
	before=$(entries)
	refuses "$1" 125 "$2" "$plyboot" run --kernel kernel --root root "${@:3}" -- x
	ok "... before there is a guest" test ! -e "$SEEN"
	is "... or a root for it" "$(entries)" "$before"
}
keep_refuses "--keep in a directory that is not there" MISSING --keep nowhere/k.layer
keep_refuses "--keep in a guest of another architecture" USAGE --keep k.layer --arch riscv64
mkdir full
echo other >full/file
keep_refuses "--keep with a directory as the store that is none" FORMAT --keep k.layer --store full
printf 'as it was\n' >k.layer
run_with "--keep, where QEMU fails" --root root --keep k.layer --store fresh
has "... is said" "$work/err" '`k.layer` was not written: the guest ended before there was anything to keep'
is "... the file is as it was" "$(cat k.layer)" "as it was"
ok "... no store was made" test ! -e fresh
is "... nothing is left in TMPDIR" "$(find "$TMPDIR" -mindepth 1 -name 'plyboot-*' | wc -l)" 0

# Two at once make one: both have it.
rm -rf "$cache"
for i in 1 2 3; do
	(SEEN=$work/seen.$i "$plyboot" run --kernel kernel --root root -- x >"$work/out.$i" 2>&1 </dev/null
		echo $? >"$work/status.$i") &
done
wait
is "three at once" "$(cat "$work"/status.? | xargs)" "123 123 123"
is "... keep one" "$(entries)" 1
is "... that all had" "$(sed 's/.*file=\([^,]*\),.*/\1/' "$work"/seen.? | sort -u | wc -l)" 1

# --- a QEMU that was built without seccomp, or whose kernel has none for it

calls() {
	grep -c -- "$1" "$SEEN.calls"
}
rm "$SEEN.calls"
run_with "a QEMU with a sandbox" --root root
is "... gets it" "$(calls '-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny ') $(calls .)" "1 1"
for says in "-sandbox support is not enabled in this QEMU binary" "There is no option group 'sandbox'" \
	"failed to load seccomp syscall filter in kernel: Operation not permitted"; do
	rm "$SEEN.calls"
	export NO_SANDBOX=$says
	run_with "a QEMU that says $says" --root root
	is "... is asked again, without a guest" "$(calls '-sandbox on') $(calls '-sandbox on.*-M none')" "2 1"
	is "... and then started without" "$(tail -n 1 "$SEEN.calls" | grep -c -- -sandbox) $(calls .)" "0 3"
done
unset NO_SANDBOX

# Its guest may have taken it over.
rm "$SEEN.calls"
LIES="qemu: -sandbox support is not enabled in this QEMU binary" run_with "a QEMU that has one and denies it" --root root
is "... gets no second guest" "$(calls 'id=disk0') $(calls .)" "1 2"

# --- signals

# ignoring SIGNAL OPTION...: one that was ignored when the command began is ignored by it, too
ignoring() {
	local signal=$1 pid status=0
	shift
	rm -f "$SEEN"
	(
		trap '' "$signal"
		LASTS=99.$$ exec env --default-signal=QUIT "$plyboot" run --kernel kernel --root root "$@" </dev/null >"$work/out" 2>"$work/err"
	) &
	pid=$!
	for _ in $(seq 100); do
		[ ! -e "$SEEN" ] || break
		sleep 0.1
	done
	sleep 0.3
	kill "-$signal" $pid
	sleep 2.5 # so long QEMU has to end
	ok "$signal, ignored by our caller: $*" kill -0 $pid
	kill -QUIT $pid
	wait $pid || status=$?
	is "... by SIGQUIT it ends" $status 131
}
printf 'case one\nrun x\ncase two\nrun x\n' >two
for signal in HUP INT TERM; do
	ignoring $signal -- x
	ignoring $signal --cases two --jobs 2
done
echo "99.$$" >"$work/word"
is "... and with it its QEMUs" "$(grep -alf "$work/word" /proc/[0-9]*/cmdline 2>/dev/null)" ""

# --- sources

tar -cf root.tar -C root .
gzip -k root.tar
zstd -q root.tar
run_with "a tar" --root root.tar
run_with "a tar.gz" --root root.tar.gz
run_with "a tar.zst, over a directory" --root root --root root.tar.zst
ok "a layer" "$plyboot" pack --root-owned -o root.layer root
run_with "a .layer file" --root root.layer
refuses "... whose store is not there" 125 MISSING "$plyboot" run --no-cache --kernel kernel --store no --root root.layer -- x
for v in 1 2 10; do
	"$plyboot" stack --name demo --version $v root.layer >/dev/null
done
run_with "a stack of a store" --root store:demo
highest=$disk
run_with "... that is the highest" --root store:demo:10
is "... one" "$disk" "$highest"
run_with "... by its file's name" --root store:demo-2
run_with "a store with stacks of one name" --root store
refuses "a stack that is not there" 125 MISSING "$plyboot" run --kernel kernel --root store:other -- x
"$plyboot" stack --name other --version 1 root.layer >/dev/null
refuses "a store with stacks of two names" 125 USAGE "$plyboot" run --kernel kernel --root store -- x
printf 'not a tar' >junk
refuses "a file that is no tar" 125 TAR "$plyboot" run --kernel kernel --root junk -- x
is "... leaves nothing" "$(find "$cache" -name '.new-*' | wc -l)" 0
finish
