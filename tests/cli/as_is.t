#!/bin/bash
# A tar, tar.gz or tar.zst that stays as it is: the blob is the file, so that it keeps the digest a registry knows
# it by, and its pieces end where gzip members and zstd frames do, or go on where one is too long.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p src/bin
head -c 3500000 /dev/urandom | base64 -w0 >src/big # 4.6 MB that shrink by a quarter
head -c 300000 /dev/zero >src/zero
seq 20000 >src/bin/numbers
ln src/bin/numbers src/bin/again
chmod 4755 src/bin/numbers
setfattr -n user.test -v value src/bin/numbers
tar -C src --format=pax --xattrs -cf in.none .
gzip -6 -c in.none >in.gzip
zstd -q -3 -c in.none >in.zstd
tar_size=$(stat -c %s in.none)

# as_is FILE [OPTIONS]: into FILE.layer
as_is() {
	"$plyboot" pack --compress as-is "${@:2}" -o "$1.layer" "$1"
}

# pieces LAYER: a line for each piece: bytes stored, bytes decoded, OK if they have the SHA-256 of the table
pieces() {
	python3 - "$(blob "$1")" "$(blob "$1" pieces)" <<-'EOT'
		import hashlib, struct, sys
		blob, table = (open(path, "rb").read() for path in sys.argv[1:])
		at = 0
		for record in range(24, len(table), 48):
		    stored, decoded, digest = struct.unpack_from("<QQ32s", table, record)
		    print(stored, decoded, "OK" if hashlib.sha256(blob[at:at + stored]).digest() == digest else "differs")
		    at += stored
		print(len(blob) - at, "left")
	EOT
}

# kept NAME FILE MEDIA: the layer of FILE is what FILE is
kept() {
	is "$1: the blob is the file" "$(of "$2.layer" layer)" "sha256:$(sha256sum "$2" | cut -d' ' -f1)"
	ok "... to the byte" cmp "$2" "$(blob "$2.layer")"
	is "... of that kind" "$(of "$2.layer" media-type)" "application/vnd.oci.image.layer.v1.tar$3"
	is "... and all of it is in pieces" "$(pieces "$2.layer" | grep -v OK)" "0 left"
	ok "... decoded, it is the same tar" cmp in.none <(plain "$2.layer")
}

ok "the layer packed anew" "$plyboot" pack --compress none -o packed.layer in.none
for how in none gzip zstd; do
	[ $how = none ] && media='' || media=+$how
	ok "pack --compress as-is ($how)" as_is in.$how
	has "... says how it is stored" "$work/out" "^in.$how.layer: $how, $(stat -c %s in.$how) bytes stored"
	kept "$how" in.$how "$media"
	for key in unpacked entries user-xattrs; do
		is "... $key: as of the one packed anew" "$(of in.$how.layer $key)" "$(of packed.layer $key)"
	done
done
ok "a tar as it is is the one packed anew" cmp in.none.layer packed.layer

# --- one long member or frame is a run
for how in gzip zstd; do
	pieces in.$how.layer >list
	size=$(stat -c %s in.$how)
	is "$how: cut at each piece size" "$(sed '$d' list | awk '{ print $1 }' | xargs)" \
		"1048576 1048576 1048576 $((size - 3 * 1048576))"
	is "... one run, whose length is at its end" "$(sed '$d' list | awk '{ print $2 }' | xargs)" "0 0 0 $tar_size"
	is "... the largest piece is in the record" "$(of in.$how.layer largest-piece)" 1048576
	ok "smaller pieces" as_is in.$how --piece-size 4K
	is "... are cut like that, too" "$(pieces in.$how.layer | grep ' 0 OK' | uniq)" "4096 0 OK"
done

# --- many members or frames
for how in gzip zstd none; do
	for size in 4K 1M; do
		"$plyboot" pack --compress $how --piece-size $size -o ours.layer in.none >"$work/out" 2>&1
		cp "$(blob ours.layer)" ours.blob
		ok "what plyboot made with pieces of $size ($how)" as_is ours.blob --piece-size $size
		ok "... is cut where it was" cmp ours.layer ours.blob.layer
	done
done
split -b 100000 in.none part.
for name in gzip zstd; do
	for part in part.*; do $name -qc "$part"; done >many.$name
	ok "many small ones ($name)" as_is many.$name
	kept "... " many.$name +$name
	is "... share pieces of 1 MiB of tar" "$(pieces many.$name.layer | awk '/OK/ { print $2 }' | xargs)" \
		"$(for ((left = tar_size; left > 0; left -= 1000000)); do
			echo $((left < 1000000 ? left : 1000000))
		done | xargs)"
	{
		head -c 50000 in.none | $name -qc
		tail -c +50001 in.none | head -c 3000000 | $name -qc
		tail -c +3050001 in.none | $name -qc
	} >mixed.$name
	ok "small, large, small ($name)" as_is mixed.$name --piece-size 512K
	kept "... " mixed.$name +$name
	is "... the large one is a run of its own" \
		"$(pieces mixed.$name.layer | awk '$2 > 0 && /OK/ { print $2 }' | head -n 2 | xargs)" "50000 3000000"
done

# --- what decodes to nothing: gzip of nothing, and zstd's skippable frames (pzstd begins with one, zstd:chunked ends with
# one)
skippable() { # BYTES
	python3 -c 'import os, sys; size = int(sys.argv[1])
sys.stdout.buffer.write(b"\x50\x2a\x4d\x18" + size.to_bytes(4, "little") + os.urandom(size))' "$1"
}
for row in "10 10" "10 20000" "20000 10" "20000 20000"; do
	read -r before behind <<<"$row"
	{ skippable "$before"; zstd -qc in.none; skippable "$behind"; } >skip.zst
	ok "frames that decode to nothing, $before bytes before, $behind behind" as_is skip.zst --piece-size 4K
	kept "... " skip.zst +zstd
	is "... the last piece ends the run" "$(pieces skip.zst.layer | awk '$2 > 0 && /OK/ { print NR, $2 }')" \
		"$(pieces skip.zst.layer | grep -c OK) $tar_size"
done
{ gzip -c </dev/null; gzip -c in.none; gzip -c </dev/null; } >empties.gz
ok "members that decode to nothing" as_is empties.gz
kept "... " empties.gz +gzip

# --- it boots: the stack with such layers is verified
"$plyboot" keygen -o key >"$work/out" 2>&1
ok "a stack of them" "$plyboot" stack --name site --version 1 in.gzip.layer in.zstd.layer in.none.layer many.gzip.layer \
	mixed.zstd.layer skip.zst.layer empties.gz.layer
ok "... signed" "$plyboot" sign --key key.key store/stacks/site-1.stack
ok "... is verified" "$plyboot" verify --pub key.pub
bash -c 'cat "$0" | "$1" pack --compress as-is -o stdin.layer -' in.gzip "$plyboot" >"$work/out" 2>"$work/err"
ok "the same from a pipe" as_is in.gzip
ok "... is the same" cmp stdin.layer in.gzip.layer

# --- refused, with nothing left
refused() { # NAME CODE FILE [STORE]
	refuses "$1" 1 "$2" "$plyboot" pack --store "${4:-store}" --compress as-is -o x.layer "$3"
}
: >nothing
refused "an empty file" TAR nothing
gzip -c nothing >nothing.gz
refused "gzip of an empty file" TAR nothing.gz
skippable 10 >nothing.zst
refused "a skippable frame and nothing else" TAR nothing.zst
head -c 100000 /dev/urandom >noise
refused "no tar at all" TAR noise
gzip -c noise >noise.gz
refused "gzip of no tar" TAR noise.gz
xz -c in.none >in.xz
refused "xz" TAR in.xz
for how in gzip zstd; do
	for bytes in 6 100000 3300000 $(($(stat -c %s in.$how) - 1)); do
		head -c "$bytes" in.$how >in.cut
		refused "$how cut at $bytes" STREAM in.cut
	done
	{ cat in.$how; echo more; } >in.tail
	refused "$how with a tail" STREAM in.tail
	refused "... in a store that is not there yet" STREAM in.tail new
	python3 -c 'import sys; b = bytearray(sys.stdin.buffer.read()); b[-6 if b[0] == 0x1f else -2] ^= 1
sys.stdout.buffer.write(b)' <in.$how >in.wrong
	refused "$how with a wrong checksum" STREAM in.wrong
done
zstd -q --zstd=wlog=24 -c <in.none >in.window
refused "zstd with a window of 16 MiB" LIMIT in.window
head -c 2000 in.none >in.cut
refused "a tar that is cut" TAR in.cut
refuses "of a directory" 2 USAGE "$plyboot" pack --compress as-is -o x.layer src
refuses "with a level" 2 USAGE "$plyboot" pack --compress as-is --level 3 -o x.layer in.gzip
refuses "with --root-owned" 2 USAGE "$plyboot" pack --compress as-is --root-owned -o x.layer in.gzip
refuses "of a difference" 2 USAGE "$plyboot" diff --compress as-is -o x.layer src src
finish
