#!/bin/bash
# The same small payload on each kernel: how the overlay is mounted there, and that the jail is whole.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

payload "$work/root"
cat >"$work/root/hook" <<'END'
echo "kernel $($bb uname -r)"
$bb grep '^plyboot / overlay rw,' /proc/mounts | $bb grep -o '[,:]lowerdir[^,]*' | $bb sed 's/^/shows /'
END
pack root
mkdir -p "$work/top/etc"
echo top >"$work/top/etc/top"
pack top
make_stack test 1 -- "$work/root.layer" "$work/top.layer"
mkdir "$work/good"
make_image "$work/good"

# on NAME RELEASE METHOD LOWERS: what the report says, and what /proc/mounts shows of it (a regular expression)
on() {
	on_kernel "$1"
	make_initramfs "$work/good" --set "jail whole"
	boots "$1" "$work/good" --snapshot
	check "  is Linux $2" grep -q "^kernel $2" "$work/console"
	reports "  mounts the overlay by $3" \
		"r['overlay'] == {'method': '$3', 'lowers': 3} and [l['from'] for l in r['layers']] == ['unpacked'] * 2"
	check "  and shows so" [ "$(tr -d '\r' <"$work/console" | grep -c "^shows $4\$")" -eq "$5" ]
	reports "  unpacks in a jail that lacks nothing" 'r["jail"] == {"missing": []}'
	reports "  without a warning" 'r["warnings"] == []'
}

on own-6.1 '6\.1\.[0-9]*-plyboot' 'mount(2)' ',lowerdir=0:1:2' 1
on own-6.12 '6\.12\.[0-9]*-plyboot' 'lowerdir+' ',lowerdir+=/run/plyboot/store/.*' 3
on cloud-amd64 '6\.1\.0-[0-9]*-cloud-amd64' 'mount(2)' ',lowerdir=0:1:2' 1
finish
