#!/bin/bash
# A directory or a tar becomes a layer: the same bytes each time, readable by everybody, and refused exactly
# where /init would refuse it.
# shellcheck disable=SC2016 # for another shell to expand
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
tree=$here/tree.py

mkdir -p src/usr/bin src/etc/déjà src/deep
echo hi >src/usr/bin/a
ln src/usr/bin/a src/usr/bin/b
ln -s a src/usr/bin/c
mknod src/null c 1 3
mkfifo src/fifo
touch src/etc/$'bad\xff' "src/deep/$(printf 'n%.0s' $(seq 255))"
head -c 3000000 /dev/urandom >src/big
chown 1000:3000000000 src/big
setfattr -n user.test -v value src/usr/bin/a
chmod 4755 src/usr/bin/a
setcap cap_net_raw+ep src/usr/bin/a
setfacl -m u:55:r src/etc
setfacl -d -m g:66:rwx src/etc
touch -d 1950-02-03T04:05:06.123456789Z src/etc
touch -d 2026-01-02T03:04:05.999999999Z src/usr/bin

# --- the same bytes each time, however they are stored
for how in zstd gzip none; do
	ok "pack --compress $how" "$plyboot" pack --store first --compress $how -o $how.layer src
	sleep 0.1
	ok "... again" "$plyboot" pack --compress $how -o again.layer src
	ok "... gives the same layer" cmp $how.layer again.layer
	plain $how.layer >$how.tar
	is "... named by its SHA-256" "sha256:$(sha256sum "$(blob $how.layer)" | cut -d' ' -f1)" \
		"$(of $how.layer layer)"
	is "... of the size it says" "$(stat -c %s "$(blob $how.layer)")" "$(of $how.layer stored)"
done
is "the blobs are the same" "$(cd store && find blobs -type f | sort)" \
	"$(cd first && find blobs -type f | sort)"
ok "gzip holds the same tar" cmp gzip.tar none.tar
ok "zstd holds the same tar" cmp zstd.tar none.tar
cp -a src copy
ok "a copy of the tree gives the same layer" "$plyboot" pack --compress none -o copy.layer copy
ok "... byte for byte" cmp copy.layer none.layer
is "entries are counted" "$(of none.layer entries)" "$(find src | wc -l)"
is "user.* attributes are demanded" "$(of none.layer user-xattrs)" required
ok "... unless they need not be" "$plyboot" pack --user-xattrs optional -o optional.layer src
is "... which is said" "$(of optional.layer user-xattrs)" optional
is "no times but mtime, nothing of libarchive's" \
	"$(strings -n 5 none.tar | grep -cE 'atime|ctime|creationtime|LIBARCHIVE')" 0
is "no names of users" "$(tar --warning=none -tvf none.tar | awk '$2 !~ /^[0-9]+\/[0-9]+$/' | wc -l)" 0
is "pieces are as large as wanted" "$("$plyboot" inspect "$(blob optional.layer pieces)" |
	sed -n 's/ *pieces *\([0-9]*\),.*/\1/p')" 3
ok "smaller pieces" "$plyboot" pack --piece-size 64K -o small.layer src
is "... are more" "$("$plyboot" inspect "$(blob small.layer pieces)" |
	sed -n 's/ *pieces *\([0-9]*\),.*/\1/p')" 47

# --- GNU tar unpacks what was packed
mkdir unpacked
tar --warning=none --xattrs --xattrs-include='*' --numeric-owner -C unpacked -xpf none.tar
is "GNU tar makes the same tree of it" "$("$tree" manifest unpacked)" "$("$tree" manifest src)"

# --- what is left out
mkdir odd
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("odd/socket")'
touch odd/file
setfattr -n trusted.test -v x odd/file
setfattr -n user.overlay.opaque -v y odd/file
ok "what a layer can't hold is left out" "$plyboot" pack --compress none -o odd.layer odd
has "... a socket with a warning" "$work/err" 'warning: the socket `socket` is left out'
has "... trusted.* with a warning" "$work/err" 'warning: .* trusted.test is left out'
has "... user.overlay.* with a warning" "$work/err" 'warning: .* user.overlay.opaque is left out'
is "... and not there" "$(tar -tf "$(blob odd.layer)")" $'./\nfile'
is "... so that there are no user.* attributes" "$(of odd.layer user-xattrs)" none

mkdir mine && touch mine/file && chown -R 1000:1000 mine
ok "--root-owned" "$plyboot" pack --root-owned --compress none -o mine.layer mine
is "... makes all of it root's" "$(tar -tvf "$(blob mine.layer)" | awk '{ print $2 }' | sort -u)" 0/0

# --- whiteouts
mkdir -p wh/dir
touch wh/.wh.gone wh/dir/.wh..wh..opq
ok "whiteouts pass through" "$plyboot" pack --compress none -o wh.layer wh
is "... by name" "$(tar -tf "$(blob wh.layer)")" $'./\n.wh.gone\ndir/\ndir/.wh..wh..opq'
echo x >wh/.wh.gone
refuses "a whiteout with a body" 1 WHITEOUT "$plyboot" pack -o x.layer wh
mkdir zero && mknod zero/file c 0 0
refuses "a character device 0/0" 1 TYPE "$plyboot" pack -o x.layer zero

# --- tars
tar -C src --format=pax --xattrs -cf gnu.tar .
for how in cat gzip "zstd -q"; do
	$how <gnu.tar >in.tar
	ok "pack a tar ($how)" "$plyboot" pack --compress none -o tar.layer in.tar
	ok "... keeps its bytes" cmp "$(blob tar.layer)" gnu.tar
done
ok "a tar on standard input" bash -c '"$0" pack --compress none -o stdin.layer - <gnu.tar' "$plyboot"
ok "... is the same" cmp stdin.layer tar.layer
{ head -c 1000000 gnu.tar | gzip; tail -c +1000001 gnu.tar | gzip; } >two.tar.gz
ok "two gzip members" "$plyboot" pack --compress none -o two.layer two.tar.gz
ok "... are one tar" cmp two.layer tar.layer
refuses "--root-owned of a tar" 2 USAGE "$plyboot" pack --root-owned -o x.layer gnu.tar

# hostile KIND: a tar that a layer may not be
hostile() {
	python3 - "$1" <<-'EOF'
		import io, sys, tarfile
		archive = tarfile.open("hostile.tar", "w", format=tarfile.PAX_FORMAT)
		entry = tarfile.TarInfo("file")
		kind = sys.argv[1]
		if kind == "parent":
		    entry.name = "../file"
		elif kind == "absolute":
		    entry.name = "/file"
		elif kind == "through":
		    link = tarfile.TarInfo("link")
		    link.type, link.linkname = tarfile.SYMTYPE, "/tmp"
		    archive.addfile(link)
		    entry.name = "link/file"
		elif kind == "hardlink":
		    entry.type, entry.linkname = tarfile.LNKTYPE, "../../etc/passwd"
		elif kind == "overlay":
		    entry.pax_headers = {"SCHILY.xattr.trusted.overlay.opaque": "y"}
		elif kind == "whiteout":
		    entry.type, entry.devmajor, entry.devminor = tarfile.CHRTYPE, 0, 0
		elif kind == "unnamed":
		    entry.name = ".wh."
		archive.addfile(entry)
		archive.close()
	EOF
}
mkdir canary
for row in "good -" "parent PATH" "absolute PATH" "through PATH" "hardlink PATH" "overlay XATTR" \
	"whiteout TYPE" "unnamed WHITEOUT"; do
	read -r kind code <<<"$row"
	hostile "$kind"
	if [ "$code" = - ]; then
		ok "a tar of that making that is good" "$plyboot" pack -o good.layer hostile.tar
	else
		refuses "a hostile tar: $kind" 1 "$code" "$plyboot" pack -o x.layer hostile.tar
		refuses "... in a store that is not there yet" 1 "$code" \
			"$plyboot" pack --store new -o x.layer hostile.tar
	fi
done
: >empty.tar
refuses "an empty file" 1 TAR "$plyboot" pack -o x.layer empty.tar
head -c 2000 gnu.tar >cut.tar
refuses "a tar that is cut" 1 TAR "$plyboot" pack -o x.layer cut.tar
{ cat gnu.tar; echo more; } >tail.tar
refuses "a tar with a tail" 1 TAR "$plyboot" pack -o x.layer tail.tar
head -c 100000 /dev/urandom >noise.tar
refuses "no tar at all" 1 TAR "$plyboot" pack -o x.layer noise.tar
gzip -c gnu.tar | head -c 100000 >cut.tar.gz
refuses "gzip that is cut" 1 STREAM "$plyboot" pack -o x.layer cut.tar.gz
gzip -c gnu.tar | python3 -c 'import sys; b = bytearray(sys.stdin.buffer.read()); b[-6] ^= 1
sys.stdout.buffer.write(b)' >crc.tar.gz
refuses "gzip with a wrong CRC" 1 STREAM "$plyboot" pack -o x.layer crc.tar.gz
{ gzip -c gnu.tar; echo more; } >tail.tar.gz
refuses "gzip with a tail" 1 STREAM "$plyboot" pack -o x.layer tail.tar.gz
zstd -qc gnu.tar | head -c 100000 >cut.tar.zst
refuses "zstd that is cut" 1 STREAM "$plyboot" pack -o x.layer cut.tar.zst
{ zstd -qc gnu.tar; echo more; } >tail.tar.zst
refuses "zstd with a tail" 1 STREAM "$plyboot" pack -o x.layer tail.tar.zst

# --- a refused layer takes nothing away
before=$(snapshot)
hostile parent
"$plyboot" pack --compress none -o good.layer hostile.tar >"$work/out" 2>&1
is "what was there before a refusal is there after it" "$(snapshot | grep -av hostile)" \
	"$(echo "$before" | grep -av hostile)"
ok "a blob that rotted" bash -c 'printf x >"$0"' "$(blob good.layer)"
hostile good
ok "... is made good by packing again" "$plyboot" pack -o good.layer hostile.tar
is "... its SHA-256" "sha256:$(sha256sum "$(blob good.layer)" | cut -d' ' -f1)" \
	"$(of good.layer layer)"
finish
