#!/bin/bash
# P7: when the preferred stack is bad, the next one boots; when all are, the boot ends as the one that was tried first
# says, or init.conf where none was. Three stacks on one device, and for each kind of damage one goes bad after the other.
#
# PLYBOOT_COUNT boots: the 24 of that table, and beyond them each stack is bad in a random way, or good, by PLYBOOT_SEED.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

wanted=${PLYBOOT_COUNT:-24}
seed=${PLYBOOT_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
echo "# PLYBOOT_COUNT=$wanted PLYBOOT_SEED=$seed"

# What can be wrong, the code that it gives, and what the stack file says for the end.
kinds=(signature blob piece table cut init architecture memory good)
declare -A code=([signature]=SIGNATURE [blob]=MISSING [piece]=DIGEST [table]=DIGEST [cut]=SIZE [init]=MISSING
	[architecture]=TARGET [memory]=NOSPACE)
declare -A end=([signature]=shell [blob]=halt [piece]=shell [table]=reboot [cut]=halt [init]=shell
	[architecture]=halt [memory]=reboot [good]=reboot)

payload "$work/root"
pack root
python3 "$top/tests/boot/bad_layers.py" layer "$work/store" NOSPACE "$work/memory.layer"
for version in 1 2 3; do
	mkdir -p "$work/top-$version/etc"
	echo "$version" >"$work/top-$version/etc/top"
	pack "top-$version"
	for kind in "${kinds[@]}"; do
		options=() layers=("$work/root.layer" "$work/top-$version.layer")
		case $kind in
		init) options=(--init /sbin/none) ;;
		architecture) options=(--arch aarch64) ;;
		memory) layers+=("$work/memory.layer") ;;
		esac
		make_stack test "$version" --on-failure "${end[$kind]}" "${options[@]}" -- "${layers[@]}"
		cp "$work/store/stacks/test-$version.stack" "$work/$kind-$version.stack"
	done
	"$plyboot" stack --store "$work/store" --name test --version $((version + 10)) "$work/memory.layer" >"$work/stack.log"
done
printf '#!/bin/busybox sh\necho "shell: here"\n' >"$work/shell"
chmod 755 "$work/shell"
make_initramfs "$work/good" --set 'shell /bin/shell' --add "$work/shell:/bin/shell" --add /bin/busybox:/bin/busybox
for version in 11 12 13; do "$plyboot" sign --key "$work/key.key" "$work/store/stacks/test-$version.stack"; done >"$work/sign.log"
make_image "$work/good"
on_partition "$work/good/disk" plyboot-layers "rm /stacks/test-11.stack" "rm /stacks/test-12.stack" "rm /stacks/test-13.stack"

# put KIND VERSION: this version's stack on the twin becomes one of this kind
put() {
	local image=$work/twin/disk file=/stacks/test-$2.stack blob
	blob=$(layer_blob "top-$2")
	on_partition "$image" plyboot-layers "rm $file" "write $work/$1-$2.stack $file"
	case $1 in
	signature) flip "$image" "$file" $(($(grep -abo '^created 2' "$work/$1-$2.stack" | cut -d : -f 1) + 8)) ;;
	blob) on_partition "$image" plyboot-layers "rm $blob" ;;
	piece) flip "$image" "$blob" 60 ;;
	table) flip "$image" "/blobs/sha256/$(sed -n 's/^pieces sha256://p' "$work/top-$2.layer")" 60 ;;
	cut) on_partition "$image" plyboot-layers "sif $blob size 100" ;;
	esac
}

# predict KIND-OF-3 KIND-OF-2 KIND-OF-1: what must come of it, in $boots (a version, or 0), $tried and $refused (lists for
# Python), $last (the code of the end) and $ending
predict() {
	local version kind entry failed=() of_refused=()
	boots=0 last='' ending=
	for version in 3 2 1; do
		kind=$1
		shift
		entry="('test-$version.stack', '${code[$kind]:-}'), "
		case $kind in
		good) boots=$version ;;
		signature | architecture) of_refused=("$entry" "${of_refused[@]}") ;;
		*) failed+=("$entry") last=${code[$kind]} ;;
		esac
		case $kind in
		signature | architecture) ;;
		*) ending=${ending:-${end[$kind]}} ;;
		esac
		[ "$boots" -eq 0 ] || break
	done
	# All files are looked at, also those of stacks that are not needed.
	for ((version = boots - 1; version > 0; version--)); do
		case $1 in
		signature | architecture) of_refused=("('test-$version.stack', '${code[$1]}'), " "${of_refused[@]}") ;;
		esac
		shift
	done
	tried="[${failed[*]}]" refused="[${of_refused[*]}]"
	ending=${ending:-reboot}
	last=${last:-${code[$kind]:-}} # where none was tried, that of the first one by name
}

declare -A words=([reboot]='rebooting' [halt]='halted; switch off or reset this machine' [shell]='a shell (/bin/shell)')

# as_predicted STATUS: whether the last boot was so, and why not in $reason
as_predicted() {
	local lists='[[(f["file"], f["code"]) for f in r[k]] for k in ("failed", "refused")]'
	reason=
	if [ "$boots" -ne 0 ]; then
		[ "$1" -eq 0 ] || reason="status $1"
		holds "r['version'] == $boots and $lists == [$tried, $refused]" >"$work/holds.log" 2>&1 || reason+=" $(head -n 1 "$work/holds.log")"
	else
		[ "$1" -eq 120 ] || reason="status $1"
		tr -d '\r' <"$work/console" >"$work/said"
		grep -q "^plyboot: ERROR this system does not boot: $last: " "$work/said" || reason+=" not the end for $last"
		grep -qF "plyboot: ${words[$ending]}" "$work/said" || reason+=" no $ending"
		[ "$ending" != shell ] || grep -q '^shell: here' "$work/said" || reason+=" no shell"
	fi
	[ -z "$reason" ]
}

done_boots=0 failures=0
# try KIND-OF-3 KIND-OF-2 KIND-OF-1: boot the twin, whose stacks are so
try() {
	local status=0 what="3 $1, 2 $2, 1 $3"
	predict "$@"
	[ "$boots:$ending" != 0:halt ] || at_words "System halted" quit
	boot "$work/twin" "$work/console" "${monitor[@]}" || status=$?
	done_boots=$((done_boots + 1))
	if as_predicted "$status"; then
		[ "$boots" -ne 0 ] && what+=": version $boots boots" || what+=": $last, $ending"
		pass "$what"
	else
		failures=$((failures + 1))
		fail "$what: $reason" "$work/console"
	fi
}

# device KIND-OF-3 KIND-OF-2 KIND-OF-1: the twin is a new one
device() {
	twin "$work/good"
	put "$1" 3
	put "$2" 2
	put "$3" 1
}

for kind in "${kinds[@]}"; do
	[ "$kind" != good ] || continue
	if [ "$done_boots" -ge "$wanted" ] || ! time_is_left; then break; fi
	device "$kind" good good
	try "$kind" good good
	put "$kind" 2
	try "$kind" "$kind" good
	put "$kind" 1
	try "$kind" "$kind" "$kind"
done
RANDOM=$((seed % 32768))
while [ "$done_boots" -lt "$wanted" ] && time_is_left; do
	picked=()
	for _ in 3 2 1; do picked+=("${kinds[RANDOM % ${#kinds[@]}]}"); done
	device "${picked[@]}"
	try "${picked[@]}"
done
echo "# P7: $done_boots boots, $failures failures"
finish
