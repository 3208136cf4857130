#!/bin/bash
# P17 in the kernels: random trees, packed by GNU tar, unpacked by /init and, on the host, by GNU tar: the same in all
# that a file is. (tests/unit/layers/test_faithful.c has more of them, on the host's kernel.)
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
trees=170

make -s -C "$top" build/x86_64/faithful >"$work/make.log" 2>&1
faithful=$top/build/x86_64/faithful

# make_trees VERB FIRST: $trees of them in $work/layers, and what GNU tar makes of each in $work/root/expected, under
# its digest
tar_xattrs=(--xattrs "--xattrs-include=*" --numeric-owner)
make_trees() {
	local number digest
	rm -rf "$work/layers" "$work/root"
	mkdir -p "$work/layers"
	payload "$work/root"
	mkdir "$work/root/expected"
	cp "$faithful" "$work/root/bin/faithful"
	for number in $(seq "$2" $(($2 + trees - 1))); do
		"$faithful" "$1" "$number" "$work/in"
		tar --format=posix "${tar_xattrs[@]}" -cf "$work/layers/$number" -C "$work/in" .
		mkdir "$work/out"
		tar "${tar_xattrs[@]}" -xpf "$work/layers/$number" -C "$work/out"
		"$faithful" list "$work/out" >"$work/listing"
		digest=$(sha256sum <"$work/listing")
		mv "$work/listing" "$work/root/expected/${digest%% *}"
		rm -rf "$work/in" "$work/out"
	done
} >"$work/trees.log" 2>&1

cat >"$work/hook" <<'END'
good=0
for root in /run/plyboot/store/*/root; do
	[ ! -e $root/expected ] || continue
	/bin/faithful list $root >/run/listing || return 1
	digest=$($bb sha256sum /run/listing)
	if [ -e /expected/${digest%% *} ]; then
		good=$((good + 1))
		continue
	fi
	echo "$root is like no tree:"
	$bb cat /run/listing
done
echo "trees $good"
END

on=(cloud-amd64 make-plain 1 own-6.1 make-plain 1001 own-6.12 make 2001)
set -- "${on[@]}"
while [ $# -gt 0 ]; do
	on_kernel "$1"
	make_trees "$2" "$3"
	cp "$work/hook" "$work/root/hook"
	rm -rf "$work/store"
	pack root
	(cd "$work/layers" && printf '%s\n' *) | xargs -P 8 -I{} "$plyboot" pack --store "$work/store" \
		-o "$work/layers/{}.layer" "$work/layers/{}" >"$work/pack.log" 2>&1
	build_image "$work/$1" --upper volatile -- "$work"/layers/*.layer "$work/root.layer"
	MEMORY=1024 boots "$1: $trees random trees boot" "$work/$1" --snapshot
	reports "  each a layer, unpacked" "[l['from'] for l in r['layers']] == ['unpacked'] * $((trees + 1))"
	check "  and each is what GNU tar makes of it" grep -q "^trees $trees"$'\r*$' "$work/console"
	case $2 in
	make) check "  with user.* attributes among them" grep -rq ' user\.second=' "$work/root/expected" ;;
	esac
	# The last three: a setuid file, a time before 1970, a name that is no UTF-8.
	for what in posix_acl_access posix_acl_default security.capability 'same as' ' -> ' ' 104[0-7]* ' ' -1[.]' '[\]ff'; do
		check "  there is '$what' in one of them" grep -rq -- "$what" "$work/root/expected"
	done
	sed -n '/is like no tree/,/^trees/p' "$work/console" | tr -d '\r' | head -40 | sed 's/^/# /'
	echo "# P17: $trees trees on $1"
	shift 3
done
finish
