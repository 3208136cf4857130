#!/bin/bash
# Layers in a stack: what each hides of those below, how they are stored, what they need.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# files_of NAME: a tar of the files of the tree $work/NAME alone, so that its directories are only implied
files_of() {
	(cd "$work/$1" && find . ! -type d -printf '%P\n' | sort |
		tar -cf "$work/$1.tar" --owner=0 --group=0 --numeric-owner --no-recursion -T -)
	rm -r "${work:?}/$1"
	mv "$work/$1.tar" "$work/$1"
}

# --- three layers, stored in three ways

payload "$work/base"
mkdir -p "$work/base/etc/dir" "$work/base/opaque" "$work/base/fresh" "$work/base/implied/deep"
for name in etc/gone etc/again etc/dir/a etc/dir/b opaque/a fresh/a implied/low implied/deep/low kept; do
	echo base >"$work/base/$name"
done
chmod 0711 "$work/base/implied"
chmod 1777 "$work/base/implied/deep"
touch -d '2001-02-03 04:05:06.123456789 UTC' "$work/base/implied"
cat >"$work/base/hook" <<'END'
is() { [ "$($bb cat "/$1")" = "$2" ] || { echo "# /$1 is not $2"; false; }; }
no() { [ ! -e "/$1" ] || { echo "# /$1 is there"; false; }; }
stat_is() { [ "$($bb stat -c "$2" "/$1")" = "$3" ] || { echo "# /$1 has $($bb stat -c "$2" "/$1"), not $3"; false; }; }
list() { [ "$($bb ls -A "/$1" | $bb tr '\n' ' ')" = "$2" ] || { echo "# /$1 has $($bb ls -A "/$1")"; false; }; }
no etc/gone && is etc/again top &&
	is etc/dir/b middle && no etc/dir/a && list etc/dir "b c " &&
	list opaque "new " && list fresh "new " && stat_is fresh %a 750 &&
	list implied "deep high low " && is implied/low base && is implied/high middle && is implied/deep/high top &&
	stat_is implied %a:%u:%g 711:0:0 && stat_is implied %y "2001-02-03 04:05:06.123456789 +0000" &&
	stat_is implied/deep %a 1777 &&
	is links/one linked && stat_is links/one %h 3 && stat_is links/two %i "$($bb stat -c %i /links/three)" &&
	is kept base && is top top &&
	echo more >/links/two && is links/two "more" &&
	[ "$($bb ls /run/plyboot/store | $bb wc -l)" = 5 ]
END
mkdir -p "$work/middle/etc/dir" "$work/middle/opaque" "$work/middle/fresh" "$work/middle/links"
touch "$work/middle/etc/.wh.gone" "$work/middle/etc/.wh.again" "$work/middle/.wh.fresh"
touch "$work/middle/opaque/.wh..wh..opq"
echo middle >"$work/middle/etc/dir/b"
touch "$work/middle/etc/dir/.wh.a" "$work/middle/opaque/new" "$work/middle/fresh/new"
chmod 750 "$work/middle/fresh"
echo linked >"$work/middle/links/one"
ln "$work/middle/links/one" "$work/middle/links/two"
ln "$work/middle/links/one" "$work/middle/links/three"
mkdir -p "$work/high/implied"
echo middle >"$work/high/implied/high"
mkdir -p "$work/top/etc/dir" "$work/top/implied/deep"
echo top | tee "$work/top/etc/again" "$work/top/etc/dir/c" "$work/top/implied/deep/high" >"$work/top/top"
files_of high
files_of top
pack base --compress gzip
pack middle --compress zstd
pack high --compress zstd
pack top --compress none
build_image "$work/three" --upper volatile -- "$work/base.layer" "$work/middle.layer" "$work/high.layer" "$work/top.layer"
for media in tar+gzip tar+zstd 'tar$'; do
	check "a layer that is stored as ${media%$}" grep -q "^media-type application/vnd.oci.image.layer.v1.$media" \
		"$work/store/stacks/test-1.stack"
done
boots "whiteouts, opaque and implied directories, hard links" "$work/three"
reports "  all unpacked" '[l["from"] for l in r["layers"]] == ["unpacked"] * 4 and r["overlay"]["lowers"] == 5'

# --- a layer that hides all below it

for name in one two; do
	payload "$work/$name"
	touch "$work/$name/.wh..wh..opq" "$work/$name/$name"
	cat >"$work/$name/hook" <<-END
		[ -e /$name ] && [ "\$(\$bb ls -d /one /two /kept /top /etc/again)" = /$name ]
	END
	pack "$name"
done
rm "$work"/store/stacks/*
make_stack test 1 --upper volatile -- "$work/base.layer" "$work/one.layer" "$work/two.layer"
make_stack other 1 --upper volatile -- "$work/base.layer" "$work/two.layer" "$work/one.layer"
make_initramfs "$work/hidden"
make_image "$work/hidden"
APPEND=plyboot.stack=test boots "a layer with an opaque root hides all below it" "$work/hidden"
reports "  it is the only lower beside the synthetic one" 'r["overlay"]["lowers"] == 2 and len(r["layers"]) == 3'
APPEND=plyboot.stack=other boots "the other way round, the other one" "$work/hidden"

# --- user.* attributes, which tmpfs has from Linux 6.6

python3 - "$work/attributes" <<'END'
import io, sys, tarfile
with tarfile.open(sys.argv[1], "w", format=tarfile.PAX_FORMAT) as tar:
    member = tarfile.TarInfo("attributes")
    member.pax_headers = {"SCHILY.xattr.user.test": "value"}
    tar.addfile(member, io.BytesIO())
END
cp "$work/attributes" "$work/required"
rm "$work"/store/stacks/*
pack required --user-xattrs required
pack attributes --user-xattrs optional
payload "$work/root"
pack root
make_stack test 1 -- "$work/root.layer" "$work/attributes.layer"
make_stack test 2 -- "$work/root.layer" "$work/required.layer"
make_initramfs "$work/xattrs"
make_image "$work/xattrs"
on_kernel own-6.1
boots "a layer that asks for user.* attributes is refused, one that can do without boots" "$work/xattrs" --snapshot
reports "  the one" '[(f["file"], f["code"]) for f in r["failed"]] == [("test-2.stack", "KERNEL")] and "user." in r["failed"][0]["reason"]'
reports "  and the other" \
	'r["version"] == 1 and any("1 user.* attribute left out" in w for w in r["warnings"])'
on_kernel own-6.12
make_initramfs "$work/xattrs"
boots "the same on Linux 6.12" "$work/xattrs" --snapshot
reports "  the one boots" 'r["version"] == 2 and r["warnings"] == []'
on_kernel own-6.1

# --- memory

for name in big large broken; do
	mkdir "$work/$name"
done
truncate -s 600M "$work/big/zeros"
truncate -s 120M "$work/large/zeros"
head -c 4000000 /dev/urandom >"$work/broken/zzz"
rm "$work"/store/stacks/*
for name in big large broken; do pack "$name"; done
make_stack test 1 -- "$work/root.layer"
make_stack test 2 -- "$work/root.layer" "$work/big.layer"
make_initramfs "$work/memory"
make_image "$work/memory"
MEMORY=256 boots "more than there is memory for: the next stack" "$work/memory"
reports "  with both numbers, before anything was unpacked" \
	'r["version"] == 1 and r["failed"][0]["code"] == "NOSPACE" and r["layers"][0]["from"] == "unpacked"'
says "  on the console" "NOSPACE: the layers need 6[0-9][0-9] MiB of memory, [0-9]* MiB are available"
MEMORY=1024 boots "with more memory it boots" "$work/memory"
reports "  version 2" 'r["version"] == 2'

cat >"$work/root/hook" <<'END'
[ "$($bb ls /run/plyboot/store | $bb wc -l)" = 3 ]
END
pack root
rm "$work"/store/stacks/*
mkdir "$work/another"
truncate -s 120M "$work/another/ones"
pack another
make_stack test 1 -- "$work/root.layer" "$work/another.layer"
make_stack test 2 -- "$work/root.layer" "$work/large.layer" "$work/broken.layer"
make_image "$work/memory"
flip "$work/memory/disk" "$(layer_blob broken)" -100
MEMORY=240 APPEND=plyboot.log=debug boots "what a failed stack left in the store makes room" "$work/memory"
reports "  for the next one" 'r["version"] == 1 and r["failed"][0]["code"] == "DIGEST" and r["layers"][0]["from"] == "reused"'
says "  which would not have fitted beside it" "store: 13[0-9] MiB wanted, [0-9][0-9] MiB of memory available"
finish
