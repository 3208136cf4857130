#!/bin/bash
# A root without an init of its own: /.plyboot/entry is the first process, runs its one program, and ends the machine's work.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$work"/root/{bin,etc,dev,proc,sys,run,tmp,usr/local/bin,app}
cp /bin/busybox "$work/root/bin/busybox"
for name in sh sleep; do ln -s busybox "$work/root/bin/$name"; done
cat >"$work/root/etc/passwd" <<'END'
root:x:0:0::/root:/bin/sh
app:x:500:600:of the image:/home/app:/bin/sh
END
cat >"$work/root/etc/group" <<'END'
root:x:0:
app:x:600:
audio:x:601:other,app
video:x:602:app
spare:x:603:
END
echo appliance >"$work/root/etc/hostname"
cat >"$work/root/app/lib" <<'END'
bb=/bin/busybox
$bb dmesg -n 1 # the kernel's lines would fall among ours
verdict() {
	nonce=$($bb sed -n 's/.*demo\.nonce=\([^ ]*\).*/\1/p' /proc/cmdline)
	echo "plyboot-verdict $1 $nonce" >/dev/ttyS1
}
END
cat >"$work/root/usr/local/bin/show" <<'END'
#!/bin/sh
bb=/bin/busybox
printf 'got argument <%s>\n' "$@"
echo "got parent $PPID, session $($bb ps -o pid,sid | $bb awk -v p=$$ '$1 == p { print ($2 == p ? "its own" : $2) }')"
echo "got directory $($bb pwd)"
echo "got id $($bb id)"
$bb env | $bb sort | $bb sed 's/^/got environment /'
echo "through /dev/stdout" >/dev/stdout
[ -t 0 ] && : </dev/tty && echo "got a terminal"
END
cat >"$work/root/app/surroundings" <<'END'
#!/bin/sh
. /app/lib
status=0
is() { # NAME GOT WANTED
	[ "$2" = "$3" ] || { echo "$1: $2 instead of $3"; status=1; }
}
mounted() { $bb awk -v p="$1" '$2 == p { print $3 }' /proc/mounts; }
is "the host name" "$($bb hostname)" appliance
is "/dev" "$(mounted /dev)" devtmpfs
is "/proc" "$(mounted /proc)" proc
is "/sys" "$(mounted /sys)" sysfs
is "/run" "$(mounted /run)" tmpfs
is "/dev/pts" "$(mounted /dev/pts)" devpts
is "/dev/shm" "$(mounted /dev/shm)" tmpfs
is "its mode" "$($bb stat -c %a /dev/shm)" 1777
is "what Ctrl-Alt-Del does: SIGINT to process 1" "$($bb cat /proc/sys/kernel/ctrl-alt-del)" 0
is "/dev/fd" "$(echo words | $bb cat /dev/fd/0)" words
[ ! -e /sys/class/net/lo ] || is "the loopback interface" "$($bb ip -o addr show lo | $bb grep -c 127.0.0.1)" 1
[ -e /run/plyboot/boot.json ] || status=1
echo kept >/kept
verdict $status
END
# Orphans that end while the program runs, and one that does not want to.
cat >"$work/root/app/orphans" <<'END'
#!/bin/sh
. /app/lib
for i in 1 2 3 4 5; do ($bb sh -c '/bin/sleep 0.1' &); done
($bb sh -c 'trap "" TERM HUP; while :; do /bin/sleep 1; done' &)
$bb sleep 2
echo "got zombies $($bb ps -o stat | $bb grep -c Z)"
exit 3
END
cat >"$work/root/app/crash" <<'END'
#!/bin/sh
kill -SEGV $$
END
cat >"$work/root/app/stops" <<'END'
#!/bin/sh
. /app/lib
trap 'echo got the stop signal; exit 7' USR1
kill -"$1" 1
while :; do $bb sleep 0.1; done
END
cat >"$work/root/app/ignores" <<'END'
#!/bin/sh
trap '' TERM
kill -TERM 1
while :; do /bin/sleep 1; done
END
printf '#!/bin/nowhere\n' >"$work/root/app/no-interpreter"
printf 'just text\n' >"$work/root/app/no-program"
echo text >"$work/root/app/no-mode"
chmod 755 "$work"/root/usr/local/bin/show "$work"/root/app/{surroundings,orphans,crash,stops,ignores,no-interpreter,no-program}
pack root

# entry NAME [OPTION...] -- PROGRAM...: $work/NAME boots it
entry() {
	local name=$1
	shift
	"$plyboot" entry --store "$work/store" -o "$work/$name.layer" "$@"
	make_stack test 1 --init /.plyboot/entry ${stack[@]+"${stack[@]}"} -- "$work/root.layer" "$work/$name.layer" \
		${more[@]+"${more[@]}"}
	mkdir -p "$work/$name"
	[ -e "$work/initramfs" ] || { make_initramfs "$work/common" && ln "$work/common/initramfs" "$work/initramfs"; }
	ln "$work/initramfs" "$work/$name/initramfs"
	make_image "$work/$name" --stack test-1
} >"$work/entry.log" 2>&1

# got NAME: what the program printed is what stands on standard input
got() {
	cat >"$work/expected"
	tr -d '\r' <"$work/console" | sed -n 's/^got //p' >"$work/got"
	check "$1" diff "$work/expected" "$work/got"
}

# --- what the program gets

entry show --env 'GREETING=a b' --env BYTES=$'x\\"\t' --directory srv/./new/ --user app -- show one 'two words' ''
ends "a program of the PATH as a user" "$work/show" off "show exited with status 0"
got "  gets what it should" <<'END'
argument <one>
argument <two words>
argument <>
parent 1, session its own
directory /srv/new
id uid=500(app) gid=600(app) groups=600(app),601(audio),602(video)
environment BYTES=x\"	
environment GREETING=a b
environment HOME=/home/app
environment PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
environment PWD=/srv/new
environment SHLVL=1
environment TERM=linux
a terminal
END
check "  /dev/stdout is its own" grep -q '^through /dev/stdout' "$work/console"

entry group --user app:spare --env HOME=/elsewhere --env PATH=/nowhere:/usr/local/bin -- show
ends "with a group" "$work/group" off "exited with status 0"
check "  it is in that one alone" grep -q '^got id uid=500(app) gid=603(spare) groups=603(spare).$' "$work/console"
check "  its variables count" grep -q '^got environment HOME=/elsewhere' "$work/console"
entry number --user 1234 -- /usr/local/bin/show
ends "a number without an entry" "$work/number" off "exited with status 0"
check "  it has group 0" grep -q '^got id uid=1234 gid=0(root)' "$work/console"
check "  and the home /" grep -q '^got environment HOME=/.$' "$work/console"

entry surroundings -- /app/surroundings
boots "what is around it is what containers expect" "$work/surroundings"
partition_copy "$work/surroundings/disk" plyboot-state "$work/state"
check "  the state partition is clean afterwards" e2fsck -fn "$work/state"
check "  its journal need not be replayed" bash -c "! dumpe2fs -h '$work/state' 2>/dev/null | grep -q needs_recovery"
check "  and has what was written" bash -c "debugfs -R 'cat /plyboot/test/upper/kept' '$work/state' 2>/dev/null | grep -qx kept"

# --- how it ends

entry orphans --directory /tmp -- /app/orphans
ends "an exit with 3, orphans left" "$work/orphans" reboot "/app/orphans exited with status 3" "rebooting in 5 s"
got "  all that ended were reaped" <<<"zombies 0"
partition_copy "$work/orphans/disk" plyboot-state "$work/state"
check "  the state partition is clean all the same" e2fsck -fn "$work/state"
entry off --on-exit poweroff -- sh -c 'exit 3'
ends "on-exit poweroff" "$work/off" off "sh exited with status 3"
entry again --on-exit reboot -- sh -c 'exit 0'
ends "on-exit reboot" "$work/again" reboot "sh exited with status 0" "rebooting in 5 s"
entry crash -- /app/crash
ends "a signal" "$work/crash" reboot "/app/crash was killed by SIGSEGV"

# --- asked to stop

for signal in TERM PWR USR2; do
	entry "stop-$signal" --stop-signal usr1 -- /app/stops $signal
	ends "SIG$signal to process 1" "$work/stop-$signal" off "stopping /app/stops: SIGUSR1" "/app/stops exited with status 7"
	got "  the program gets its stop signal" <<<"the stop signal"
done
entry stop-INT --stop-signal SIGUSR1 -- /app/stops INT
ends "SIGINT to process 1" "$work/stop-INT" reboot "stopping /app/stops: SIGUSR1" "exited with status 7"
entry ignores -- /app/ignores
ends "a program that does not stop" "$work/ignores" off "/app/ignores did not end within 10 s of SIGTERM: killed" \
	"/app/ignores was killed by SIGKILL"

# --- what does not start

# unstarted NAME CODE TEXT ENTRY-OPTION...
unstarted() {
	local name=$1 code=$2 text=$3
	shift 3
	rm -rf "$work/bad"
	entry bad --on-exit poweroff "$@"
	ends "$name" "$work/bad" off "ERROR the program does not start: $code: $text" "  what to do: "
}
unstarted "no such program" MISSING "the program \`/app/nothing\` is not there" -- /app/nothing
unstarted "no such program in PATH" MISSING "the program \`nothing\` is in no directory of its PATH, /bin:/sbin" \
	--env PATH=/bin:/sbin -- nothing
unstarted "no interpreter" MISSING "run \`/app/no-interpreter\`: the interpreter that it needs" -- /app/no-interpreter
unstarted "not executable" TYPE "the program \`/app/no-mode\` is not executable" -- /app/no-mode
unstarted "a directory" TYPE "the program \`/app\` is no file" -- /app
unstarted "no program" TYPE "the program \`/app/no-program\` is made for another machine" -- /app/no-program
unstarted "an unknown user" CONFIG "the user .nobody. is not in /etc/passwd" --user nobody -- sh
unstarted "an unknown group" CONFIG "the group .nobody. is not in /etc/group" --user app:nobody -- sh
unstarted "a directory that is a file" TYPE "/etc/passwd must be a directory" --directory /etc/passwd -- sh
mkdir -p "$work/garbage/.plyboot"
echo "plyboot entry 2" >"$work/garbage/.plyboot/entry.conf"
pack garbage
more=("$work/garbage.layer")
entry unread -- sh
ends "an entry.conf that is none" "$work/unread" reboot "ERROR the program does not start: FORMAT: /.plyboot/entry.conf: line 1: " \
	"  what to do: " "rebooting in 5 s"
more=()
stack=(--upper none)
unstarted "a directory that can't be made" IO "make the directory /srv: Read-only file system" --directory /srv/new -- sh
entry read-only -- /usr/local/bin/show
ends "a read-only root" "$work/read-only" off "exited with status 0"
check "  without a complaint" bash -c "! grep -q warning '$work/console'"
finish
