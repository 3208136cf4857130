#!/bin/bash
# Another project's own tests, in a guest by `plyboot run`: busybox's say of the busybox there, on our kernel and a root
# of plyboot's layers, what they say of it in a chroot on this machine.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=running.sh
. "$top/tests/boot/running.sh"

tree=$("$top/tests/boot/suite/tree")
own_cache
find_kernel
# Not all of them: PLYBOOT_SUITE=all takes all but those that want other machines of the network, some minutes of an
# emulated CPU.
applets=(ar awk basename bunzip2 busybox bzcat cal cat cmp comm cp cpio cryptpw cut date dc dd diff dirname du
	echo expand expr false find fold grep gunzip gzip head hexdump hostid id install ln ls make mkdir mkfs.minix
	mount mv nl od parse paste patch pidof printf pwd readlink realpath rev rm rmdir rx sed seq sh start-stop-daemon
	strings sum tail tar tee test touch tr true ts tsort tty unexpand uniq unlzma unzip uptime uudecode uuencode wc which
	xargs xxd xzcat)
if [ "${PLYBOOT_SUITE:-}" = all ]; then
	mapfile -t applets < <(busybox --list | grep -vxE 'wget|hostname|taskset')
fi

# The same root, as a chroot whose changes go nowhere.
# shellcheck disable=SC2016 # the inner shell's
here=(unshare --mount --net -- sh -euc 'mount -t tmpfs tmpfs "$1"
	mkdir "$1/upper" "$1/work" "$1/root"
	mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
	mount -t proc proc "$1/root/proc"
	mount --bind /dev "$1/root/dev"
	root=$1/root
	shift 2
	exec chroot "$root" /suite/run "$@"' sh "$work/mount" "$tree")

mkdir "$work/mount"
timeout 300 "${here[@]}" "${applets[@]}" >"$work/here" || true
status=0
"$plyboot" run --kernel "$guest_image" --root "$tree" --memory 512 --time-limit 900 -- /suite/run "${applets[@]}" \
	>"$work/there" 2>"$work/there.log" || status=$?
check "the guest runs the suite to its end" [ "$status" -eq 0 ]
check "the suite has a word on more than 200 things" [ "$(grep -cE '^(PASS|FAIL)' "$work/there")" -gt 200 ]
check "each of them is what it is in a chroot" diff "$work/here" "$work/there"
echo "# $(cut -d : -f 1 "$work/there" | sort | uniq -c | sort -rn | xargs)"

finish
