#!/bin/bash
# `plyboot run`: what comes back of a command in a guest, and that nothing stays, however it ends.
# shellcheck disable=SC2016 # for the guest's shell
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/boot/running.sh
. "$top/tests/boot/running.sh"

find_kernel
cloud=$("$top/qemu/demo/kernel" cloud-amd64)
own_cache
export TMPDIR=$work/tmp PLYBOOT_KERNEL=$guest_kernel
mkdir -p "$TMPDIR" "$work/root/bin" "$work/root/etc"
cp /bin/busybox "$work/root/bin/busybox"
for name in sh cat head sha256sum sleep yes env id pwd sync; do ln -s busybox "$work/root/bin/$name"; done
echo root:x:0:0::/:/bin/sh >"$work/root/etc/passwd"
echo other:x:7:8::/:/bin/sh >>"$work/root/etc/passwd"

run_options=(--root "$work/root")

# --- statuses and streams

run_ends "the first run" 0 hello -- busybox echo hello
run_silent "... says nothing of its own"
kept() { find "$XDG_CACHE_HOME/plyboot/run" -name disk -printf '%p %i\n'; }
before=$(kept)
root_disk=${before% *}
run_ends "status 7, and two streams" 7 out -- sh -c 'echo out; echo err >&2; exit 7'
check "... apart" test "$(cat "$work/err")" = err
check "the second run had the first one's root" test "$(kept)" = "$before"
run_ends "a signal" 137 "" -- sh -c 'kill -9 $$'
run_ends "no such command" 127 "" -- nosuch
run_says "... is said" 'nosuch. is in no directory of its PATH'
run_ends "one that can't be executed" 126 "" -- /etc/passwd
run_ends "environment, directory, user" 0 "x y /bin 7 8" --env "A=x y" --directory /bin --user other -- \
	sh -c 'echo "$A $(pwd) $(id -u) $(id -g)"'
run_ends "what it changes is gone" 0 "no" -- sh -c '[ -e /here ] && echo yes || echo no; : >/here'
run_ends "... in the next run, too" 0 "no" -- sh -c '[ -e /here ] && echo yes || echo no'

head -c 1000003 /dev/urandom >"$work/binary"
sum=$(sha256sum <"$work/binary")
status=0
run -- cat <"$work/binary" >"$work/out" 2>"$work/err" || status=$?
check "a megabyte of binary input comes back" cmp "$work/binary" "$work/out"
check "... with status 0" test "$status" -eq 0
run_ends "--stdin" 0 "$sum" --stdin "$work/binary" -- sha256sum
run_ends "input that nobody reads" 3 "" --stdin "$work/binary" -- sh -c 'exit 3'
many=100000000
wanted=$( (yes 'a line of output' || true) | head -c $many | sha256sum)
got=$(run -- sh -c "yes 'a line of output' | head -c $many" </dev/null | sha256sum)
check "100 MB of output" test "$got" = "$wanted"
status=0
run -- yes </dev/null 2>"$work/err" | head -c 10 >"$work/out" || status=${PIPESTATUS[0]}
check "a reader that goes away" test "$(cat "$work/out")" = "$(printf 'y\ny\ny\ny\ny')"
check "... ends it by SIGPIPE" test "$status" -eq 141
status=0
run -- sh -c "echo out" </dev/null 2>"$work/err" >/dev/full || status=$?
check "output that can't be written is no success" test "$status" -eq 125
run_says "... which is said" 'NOSPACE: .*No space left'
status=0
run --stdin "$work" -- cat </dev/null 2>"$work/err" >"$work/out" || status=$?
check "nor input that can't be read" test "$status" -eq 125

# --- directories

mkdir "$work/ro" "$work/rw"
echo given >"$work/ro/file"
run_ends "shares" 0 given --share "$work/ro:/mnt/ro" --share-rw "$work/rw:/mnt/rw" -- \
	sh -c 'cat /mnt/ro/file; echo made >/mnt/rw/file; ! (echo no >/mnt/ro/other) 2>/dev/null'
check "... what was written is here" test "$(cat "$work/rw/file")" = made
check "... and not where it was read-only" test ! -e "$work/ro/other"
run_ends "--out" 0 "" --out "$work/collected" -- sh -c 'echo result >/run/plyboot-out/file'
check "... has it" test "$(cat "$work/collected/file")" = result

# --- disks

truncate -s 1M "$work/disk"
write='echo new | busybox dd of=/dev/vdb conv=notrunc 2>/dev/null; sync; head -c 3 /dev/vdb'
run_ends "--disk, --snapshot" 0 new --disk "$work/disk" --snapshot -- sh -c "$write" </dev/null
check "... leaves it as it was" cmp -n 3 "$work/disk" /dev/zero
run_ends "--disk" 0 new --disk "$work/disk" -- sh -c "$write" </dev/null
check "... is written" test "$(head -c 3 "$work/disk")" = new

# --- bad ends

FORESEEN='sysrq triggered crash' run_ends "a panic" 121 "" -- sh -c 'echo c >/proc/sysrq-trigger; sleep 60'
run_says "... is said" 'Kernel panic - not syncing: sysrq triggered crash'
LIMIT=8 run_ends "a hang" 122 "" -- sleep 1000
run_says "... is said" 'time limit of 8 s'

# having UNIQUE: the processes that have this word in their arguments (grep has it in a file)
having() {
	echo "$1" >"$work/word"
	grep -alf "$work/word" /proc/[0-9]*/cmdline 2>/dev/null || true
}

# left UNIQUE: no such process, no file in TMPDIR
left() {
	local processes
	sleep 0.5
	processes=$(having "$1")
	echo "$processes"
	ls -A "$TMPDIR"
	[ -z "$processes$(ls -A "$TMPDIR")" ]
}

# signalled NAME SIGNAL STATUS
signalled() {
	local name=$1 signal=$2 wanted=$3 status=0 unique=only-$2-$$ pid
	: >"$work/out"
	"$plyboot" run --root "$work/root" --memory 256 --append "$unique" -- sh -c 'echo up; sleep 1000' \
		</dev/null >"$work/out" 2>"$work/err" &
	pid=$!
	for _ in $(seq 300); do
		[ ! -s "$work/out" ] || break
		sleep 0.2
	done
	check "$name: it runs" grep -q up "$work/out"
	check "... two processes" test "$(having "$unique" | wc -l)" -ge 2
	kill "-$signal" $pid
	wait $pid || status=$?
	check "... ends with $wanted" test "$status" -eq "$wanted"
	check "... nothing is left" left "$unique"
}

trap - INT
signalled "SIGTERM" TERM 143
signalled "SIGHUP" HUP 129
signalled "SIGKILL" KILL 137

# A background job of a script ignores SIGINT: so by way of a program that doesn't.
sigint() {
	python3 - "$plyboot" "$work/root" "$1" <<-'EOF'
		import signal, subprocess, sys
		p = subprocess.Popen([sys.argv[1], "run", "--root", sys.argv[2], "--append", sys.argv[3], "--",
		                      "sh", "-c", "echo up; sleep 1000"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
		                     preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
		assert p.stdout.readline() == b"up\n"
		p.send_signal(signal.SIGINT)
		sys.exit(p.wait(20))
	EOF
}
status=0
sigint only-INT-$$ 2>"$work/err" || status=$?
check "SIGINT: ends with 130" test "$status" -eq 130
check "... nothing is left" left only-INT-$$

# --- kernels: a directory with modules, and a Debian package

release=$(basename "$cloud"/lib/modules/*)
run_ends "a kernel with modules beside it" 0 "$release" --kernel "$cloud" -- busybox uname -r
mkdir -p "$work/deb/DEBIAN" "$work/deb/boot" "$work/deb/lib/modules"
cp "$cloud/vmlinuz" "$work/deb/boot/vmlinuz-$release"
cp -r "$cloud/lib/modules/$release" "$work/deb/lib/modules/"
rm "$work/deb/lib/modules/$release"/modules.dep*
printf '%s\n' "Package: linux-image-test" "Version: 1" "Architecture: amd64" "Maintainer: t <t@t>" "Description: t" \
	>"$work/deb/DEBIAN/control"
dpkg-deb -Znone -b "$work/deb" "$work/kernel.deb" >/dev/null
run_ends "a Debian package" 0 "$release" --kernel "$work/kernel.deb" -- busybox uname -r
kept_kernels() {
	find "$XDG_CACHE_HOME/plyboot/run" -mindepth 2 -name vmlinuz -printf '%i ' 2>/dev/null
}
before=$(kept_kernels)
check "... is kept" test -n "$before"
run_ends "... and booted again" 0 "$release" --kernel "$work/kernel.deb" -- busybox uname -r
check "... as it was kept" test "$(kept_kernels)" = "$before"
run_ends "... and nothing kept of it" 0 "$release" --no-cache --kernel "$work/kernel.deb" -- busybox uname -r
run_ends "shares where the kernel has no 9p" 125 "" --kernel "$cloud" --share "$work/ro:/mnt" -- busybox true
run_says "... say so" 'shared by 9p, which'

# --- a root of the cache that rotted: /init sees it, and the next run has a good one

entry=${root_disk%/*}
python3 - "$entry" <<'EOF'
import os, sys
os.chdir(sys.argv[1])
before = os.stat("disk")
data = open("disk", "rb").read()
at = data.rindex(b"\x28\xb5\x2f\xfd")  # a zstd frame: of a layer
with open("disk", "r+b") as f:
    f.seek(at + 40)
    f.write(bytes([data[at + 40] ^ 1]))
os.utime("disk", ns=(before.st_atime_ns, before.st_mtime_ns))
# The time of change can't be set: as rot would have it, `whole` knows of nothing.
now = os.stat("disk")
stamp = lambda ns: "%d.%09d" % divmod(ns, 10**9)
text = open("whole").read()
assert stamp(before.st_ctime_ns) in text
open("whole", "w").write(text.replace(stamp(before.st_ctime_ns), stamp(now.st_ctime_ns), 1))
EOF
damaged=$(stat -c %i "$root_disk")
run_ends "a root that rotted in the cache is refused" 125 "" -- busybox echo hello
run_says "... by its digest" 'DIGEST'
run_says "... and given up" 'it will be made anew by the next'
run_ends "the next run has a good one" 0 hello -- busybox echo hello
check "... that is another" test "$(stat -c %i "$root_disk")" != "$damaged"

# --- too little memory: the same root does with more

head -c 20000000 /dev/urandom >"$work/root/large"
run_ends "a larger root" 0 hello -- busybox echo hello </dev/null
before=$(kept)
status=0
timeout 120 "$plyboot" run --root "$work/root" --memory 48 -- true </dev/null >"$work/out" 2>"$work/err" || status=$?
check "... with too little memory" test "$status" -eq 125
run_says "... says so" 'NOSPACE: the layers need [0-9]+ MiB of memory'
check "... which is no fault of the root" test "$(grep -c 'made anew' "$work/err")" -eq 0
run_ends "... and has it again with more" 0 hello -- busybox echo hello </dev/null
check "... as it was" test "$(kept)" = "$before"
rm "$work/root/large"

# --- cases

cat >"$work/cases" <<'EOF'
case good
    run sh -c 'exit 0'
case bad
    run sh -c 'echo why; exit 3'
case as it should be
    run sh -c 'echo $A; [ "$A" = x ] && exit 3'
    status 3
    env A=x
case panics
    run sh -c 'echo c >/proc/sysrq-trigger; sleep 60'
    status 121
EOF
status=0
run --cases "$work/cases" --jobs 2 </dev/null >"$work/tap" 2>"$work/err" || status=$?
check "cases: one is bad" test "$status" -eq 1
printf '%s\n' '1..4' 'ok 1 - good' 'not ok 2 - bad' '# line 3: status 3, not 0' '# why' 'ok 3 - as it should be' 'ok 4 - panics' >"$work/wanted"
check "cases: TAP" diff "$work/wanted" "$work/tap"
sed -i '/^case bad/,/exit 3/d' "$work/cases"
check "cases: all good" run --cases "$work/cases" --jobs 2
cat >"$work/cases" <<'EOF'
case writes a lot
    run sh -c "yes 'a line of output' | head -c 102000000; echo the last; exit 3"
EOF
status=0
TMPDIR=$work/nowhere run --cases "$work/cases" </dev/null >"$work/tap" 2>"$work/err" || status=$?
check "cases: of 102 MB of output the end is shown" test "$(grep -vx '# a line of output' "$work/tap")" = "1..1
not ok 1 - writes a lot
# line 1: status 3, not 0
# ... 101934473 bytes before this
# f output
# the last"
check "... which is a failed case" test "$status" -eq 1
printf 'case long\nrun sleep 1000\ncase longer\nrun sleep 1000\n' >"$work/cases"
"$plyboot" run --root "$work/root" --append only-cases-$$ --cases "$work/cases" --jobs 2 </dev/null >"$work/tap" 2>&1 &
pid=$!
for _ in $(seq 100); do
	[ "$(having only-cases-$$ | wc -l)" -lt 5 ] || break
	sleep 0.2
done
kill -TERM $pid
status=0
wait $pid || status=$?
check "cases: SIGTERM ends all" test "$status" -eq 143
check "... nothing is left" left only-cases-$$
check "TMPDIR is empty at the end" test -z "$(ls -A "$TMPDIR")"
finish
