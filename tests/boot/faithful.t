#!/bin/bash
# P17 in the kernels: random trees, packed by GNU tar, unpacked by /init and, on the host, by GNU tar: the same in all
# that a file is. (tests/unit/layers/test_faithful.c has more of them, on the host's kernel.)
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=running.sh
. "$top/tests/boot/running.sh"
trees=170

make build/x86_64/faithful >"$work/make.log" 2>&1
faithful=$top/build/x86_64/faithful
own_cache

# make_trees VERB FIRST: $trees of them in $work/layers, and what GNU tar makes of each in $work/root/expected, under
# its digest
tar_xattrs=(--xattrs "--xattrs-include=*" --numeric-owner)
make_trees() {
	local number digest
	rm -rf "$work/layers" "$work/root"
	mkdir -p "$work/layers"
	mkdir -p "$work/root/bin" "$work/root/expected"
	cp /bin/busybox "$faithful" "$work/root/bin/"
	for number in $(seq "$2" $(($2 + trees - 1))); do
		"$faithful" "$1" "$number" "$work/in"
		tar --format=posix "${tar_xattrs[@]}" -cf "$work/layers/$number" -C "$work/in" .
		mkdir "$work/unpacked"
		tar "${tar_xattrs[@]}" -xpf "$work/layers/$number" -C "$work/unpacked"
		"$faithful" list "$work/unpacked" >"$work/listing"
		digest=$(sha256sum <"$work/listing")
		mv "$work/listing" "$work/root/expected/${digest%% *}"
		rm -rf "$work/in" "$work/unpacked"
	done
} >"$work/trees.log" 2>&1

# The two layers that are no trees: the root above them, and what `plyboot run` adds.
# shellcheck disable=SC2016 # for the guest
look='bb=/bin/busybox good=0
for root in /run/plyboot/store/*/root; do
	[ ! -e $root/expected ] && [ ! -e $root/.plyboot/run ] || continue
	/bin/faithful list $root >/run/listing || exit 1
	digest=$($bb sha256sum /run/listing)
	if [ -e /expected/${digest%% *} ]; then
		good=$((good + 1))
		continue
	fi
	echo "$root is like no tree:"
	$bb cat /run/listing
done
echo "trees $good"
'

on=(cloud-amd64 make-plain 1 own-6.1 make-plain 1001 own-6.12 make 2001)
set -- "${on[@]}"
while [ $# -gt 0 ]; do
	on_kernel "$1"
	make_trees "$2" "$3"
	mapfile -t roots < <(printf -- '--root\n%s\n' "$work"/layers/* "$work/root")
	MEMORY=1024 runs "$1: $trees random trees boot" "${roots[@]}" --root-owned -- /bin/busybox sh -c "$look$show_report"
	run_reports "  each a layer, unpacked" "[l['from'] for l in r['layers']] == ['unpacked'] * $((trees + 2))"
	check "  and each is what GNU tar makes of it" grep -q "^trees $trees$" "$work/out"
	case $2 in
	make) check "  with user.* attributes among them" grep -rq ' user\.second=' "$work/root/expected" ;;
	esac
	# The last three: a setuid file, a time before 1970, a name that is no UTF-8.
	for what in posix_acl_access posix_acl_default security.capability 'same as' ' -> ' ' 104[0-7]* ' ' -1[.]' '[\]ff'; do
		check "  there is '$what' in one of them" grep -rq -- "$what" "$work/root/expected"
	done
	sed -n '/is like no tree/,/^trees/p' "$work/out" | head -40 | sed 's/^/# /'
	echo "# P17: $trees trees on $1"
	shift 3
done
finish
