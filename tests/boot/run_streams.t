#!/bin/bash
# A command in a guest of `plyboot run`: its bytes, its statuses and its streams are those that it would have here, and whatever
# becomes of the guest or of the runner, nothing of either is left.
# shellcheck disable=SC2016 # the guest's shell is to expand them
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=running.sh
. "$top/tests/boot/running.sh"

mkdir -p "$work"/root/{bin,etc,dev,proc,sys,run,tmp,root}
cp /bin/busybox "$work/root/bin/busybox"
for name in sh cat dd env grep head id ip ls mount poweroff ps pwd seq sha256sum sleep stty tail true tty; do
	ln -s busybox "$work/root/bin/$name"
done
printf 'root:x:0:0::/root:/bin/sh\nguy:x:500:600::/home/guy:/bin/sh\n' >"$work/root/etc/passwd"
printf 'root:x:0:\nguy:x:600:\naudio:x:601:guy\n' >"$work/root/etc/group"
echo data >"$work/root/etc/data"
mkdir "$work/tmp"
export TMPDIR=$work/tmp # to see what is left there
own_cache

runner=("$plyboot" run --root "$work/root" --root-owned --kernel "$("$top/qemu/demo/kernel" "$KERNEL")/vmlinux" --memory 256
	--append "run_streams=$$")

# guest STATUS NAME WANTED [OPTION...] -- COMMAND...: standard output is exactly that, and so is the status.
guest() {
	local status=0 wanted_status=$1 name=$2
	printf '%b' "$3" >"$work/wanted"
	shift 3
	timeout 120 "${runner[@]}" "$@" >"$work/got" 2>"$work/err" </dev/null || status=$?
	if [ "$status" = "$wanted_status" ] && cmp -s "$work/wanted" "$work/got"; then
		pass "$name"
	else
		{
			echo "status $status, wanted $wanted_status"
			diff "$work/wanted" "$work/got"
			cat "$work/err"
		} >"$work/guest.log" 2>&1 || true
		fail "$name" "$work/guest.log"
	fi
}

# --- statuses

guest 0 "exit with 0" '' -- true
run_silent "... of which nothing is said"
guest 7 "exit with 7, with output" 'out\n' -- sh -c 'echo out; echo err >&2; exit 7'
check "... and errors" test "$(cat "$work/err")" = err
guest 255 "exit with 255" '' -- sh -c 'exit 255'
guest 137 "killed by SIGKILL" '' -- sh -c 'kill -9 $$'
guest 143 "killed by SIGTERM" '' -- sh -c 'kill $$'
guest 127 "no such program" '' -- nonesuch
run_says "... is said" '^plyboot run: the command was not started: the program .nonesuch. is in no directory of its PATH'
guest 127 "no such path" '' -- /bin/nonesuch
guest 126 "a file that is no program" '' -- /etc/data
guest 126 "a directory" '' -- /etc
guest 125 "no such user" '' --user nobody -- true
run_says "... is said" 'the user `nobody` is not in /etc/passwd'
guest 120 "power cut off by the command" '' -- poweroff -f
run_says "... is said" 'the guest ended .* before the command did'
guest 143 "poweroff from within ends the command" '' -- sh -c 'poweroff; sleep 60'
guest 121 "a panic" 'before\n' -- sh -c 'echo before; sleep 1; echo c >/proc/sysrq-trigger; sleep 60'
run_says "... is said" 'kernel panicked: `.*sysrq triggered crash`'
guest 122 "a command that hangs" 'before\n' --time-limit 15 -- sh -c 'echo before; sleep 600'
guest 122 "a guest that does not get as far" '' --time-limit 3 --qemu-arg -S -- true

# --- what it gets

guest 0 "arguments as they are" '<a b><><*><é>' -- sh -c "printf '<%s>' \"\$@\"" x 'a b' '' '*' é
guest 0 "user, groups, directory, environment" \
	'uid=500(guy) gid=600(guy) groups=600(guy),601(audio)\n/a/b\nHOME=/home/guy\nV=w x\nthrough\n' \
	--user guy --directory /a/b --env 'V=w x' -- sh -c 'id; pwd; env | grep -E "^(HOME|V)="; echo through >/dev/stdout'
guest 0 "no card without --network" '0\n' -- sh -c 'ip link | grep -c eth0; exit 0'
guest 0 "the network's addresses" '10.0.2.15/24\ndefault via 10.0.2.2 dev eth0 \nnameserver 10.0.2.3\n' --network -- \
	sh -c 'ip -o addr show eth0 | grep -o 10.0.2.15/24; ip route | grep default; cat /etc/resolv.conf'
# Wherever it is measured in the guest, its clock is right: here is another one.
{ read -r _ && a=$EPOCHREALTIME && read -r _ && b=$EPOCHREALTIME; } < <(
	timeout 120 "${runner[@]}" -- sh -c 'echo a; sleep 5; echo b' </dev/null
)
check "a clock that runs as this one" awk "BEGIN { d = $b - $a; exit !(d > 4.5 && d < 9) }"

# --- streams

head -c 3000000 /dev/urandom >"$work/in"
timeout 120 "${runner[@]}" -- cat <"$work/in" >"$work/out" || true
check "3 MB of random bytes in and out" cmp "$work/in" "$work/out"
head -c 104857600 /dev/zero | sha256sum >"$work/wanted"
timeout 300 "${runner[@]}" -- dd if=/dev/zero bs=65536 count=1600 2>"$work/err" </dev/null | sha256sum >"$work/got" || true
check "100 MiB of output" cmp "$work/wanted" "$work/got"
seq 1 300000 | sha256sum >"$work/wanted"
timeout 120 "${runner[@]}" -- seq 1 300000 </dev/null | (sleep 5 && sha256sum) >"$work/got" || true
check "a reader that is slow loses nothing" cmp "$work/wanted" "$work/got"
yes | timeout 120 "${runner[@]}" -- sh -c 'seq 1 30000; sleep 1' >"$work/got" || true
check "input that nobody reads holds no output up" cmp <(seq 1 30000) "$work/got"
timeout 120 "${runner[@]}" -- sh -c 'for i in 1 2 3 4 5; do echo o$i; echo e$i >&2; done' >"$work/got" 2>&1 </dev/null || true
check "both outputs in one file keep their order" cmp <(printf 'o%d\ne%d\n' 1 1 2 2 3 3 4 4 5 5) "$work/got"
set +e
timeout 120 "${runner[@]}" -- sh -c 'while :; do echo y; done' 2>"$work/err" </dev/null | head -n 1 >"$work/got"
ended=${PIPESTATUS[0]}
set -e
check "a reader that goes: SIGPIPE" test "$ended $(cat "$work/got")" = "141 y"
started=$EPOCHSECONDS
guest 0 "a child that holds the output open" 'done\n' -- sh -c 'sleep 600 & echo done'
check "... does not hold up the end" test $((EPOCHSECONDS - started)) -lt 30
# It writes when the command has ended and been waited for, which is when the time for that begins, however busy the machine is.
guest 0 "what a helper writes at once after the end" 'late\n' -- sh -c '(while kill -0 $$ 2>/dev/null; do :; done; echo late) &'

# --- a terminal

cat >"$work/terminal" <<END
$(printf '%q ' "${runner[@]}") -- sh -c 'tty; stty size; read a; echo "got \$a"; exit 5'
END
ended=0
(
	for _ in $(seq 100); do
		sleep 0.2
		grep -q pts "$work/typescript" 2>/dev/null && break
	done
	echo hello
	sleep 5
) | SHELL=/bin/bash timeout 120 script -qefc "stty rows 33 cols 99; bash $work/terminal" "$work/typescript" >/dev/null || ended=$?
check "a terminal's status" test "$ended" = 5
check "it is one there" grep -q '^/dev/pts/0' "$work/typescript"
check "of the same size" grep -q '^33 99' "$work/typescript"
check "with its keys" grep -q '^got hello' "$work/typescript"

# --- nothing is left

# left: how many QEMUs of this test run
left() {
	local one count=0
	for one in /proc/[0-9]*/cmdline; do
		if { tr "\0" " " <"$one"; } 2>/dev/null | grep -q "^qemu-system.* run_streams=$$ "; then count=$((count + 1)); fi
	done
	echo "$count"
}
for signal in INT TERM HUP KILL; do
	log=$work/$signal.log
	# What a script has in the background ignores SIGINT, and so would plyboot.
	setsid env --default-signal=INT "${runner[@]}" -- sh -c 'echo up; sleep 600' >"$log" 2>&1 </dev/null &
	pid=$!
	for _ in $(seq 300); do
		grep -q up "$log" && break
		sleep 0.1
	done
	check "SIG$signal: it ran" grep -q up "$log"
	check "SIG$signal: in one QEMU" test "$(left)" = 1
	ended=0
	kill -"$signal" "$pid"
	wait "$pid" 2>/dev/null || ended=$?
	check "SIG$signal: its status" test "$ended" = $((128 + $(kill -l "$signal")))
	for _ in $(seq 50); do
		[ "$(left)" != 0 ] || break
		sleep 0.1
	done
	check "SIG$signal: no QEMU is left" test "$(left)" = 0
	[ "$signal" = KILL ] || check "SIG$signal: no file is left" test -z "$(ls -A "$work/tmp")"
done

# As nohup does with the one, and a script with the others: QEMU, too, which is of the same process group, lives on.
log=$work/ignored.log
(trap '' HUP INT QUIT && exec setsid "${runner[@]}" -- sh -c 'echo up; sleep 4; exit 9') >"$log" 2>&1 </dev/null &
pid=$!
for _ in $(seq 300); do
	! grep -q up "$log" || break
	sleep 0.1
done
check "QEMU is in a sandbox" grep -Eq '^Seccomp:[[:space:]]2$' "/proc/$(xargs <"/proc/$pid/task/$pid/children")/status"
for signal in HUP INT QUIT; do kill "-$signal" -- "-$pid"; done
ended=0
wait "$pid" || ended=$?
check "signals that were ignored when it began end nothing" test "$ended" = 9
check "... nor is anything said" test "$(cat "$log")" = up

# A kernel without seccomp's filters, as far as QEMU can tell: it asks for the flag first, then loads.
ended=0
timeout 120 strace -f --seccomp-bpf -qq -o "$work/trace" -e trace=seccomp -e inject=seccomp:error=EPERM:when=2+ \
	"${runner[@]}" -- sh -c 'echo up; exit 7' >"$work/got" 2>"$work/errors" </dev/null || ended=$?
check "where QEMU can't have a sandbox, it runs without" test "$ended $(cat "$work/got")" = "7 up"
check "... of which nothing is said" test ! -s "$work/errors"

finish
