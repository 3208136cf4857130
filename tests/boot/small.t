#!/bin/bash
# A small signed layer boots; what was changed on the way there does not.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

payload "$work/root"
"$plyboot" pack --store "$work/store" --piece-size 262144 -o "$work/root.layer" "$work/root" >"$work/pack.log" 2>&1
build_image "$work/good" -- "$work/root.layer"

digest_of() {
	sed -n "s/^$1 sha256://p" "$work/root.layer"
}
layer=/blobs/sha256/$(digest_of layer)
pieces=/blobs/sha256/$(digest_of pieces)
stored=$(sed -n 's/^stored //p' "$work/root.layer")
stack=/stacks/test-1.stack

# damaged NAME: a copy of the good image
damaged() {
	rm -rf "$work/bad"
	mkdir "$work/bad"
	cp --sparse=always "$work/good/disk" "$work/bad/disk"
	ln -s "$work/good/initramfs" "$work/bad/initramfs"
}

boots "the untouched twin boots" "$work/good" --snapshot

damaged
flip "$work/bad/disk" "$stack" 20
refuses "a bit of the stack file" "$work/bad" SIGNATURE "signature"

damaged
signature_end=$(($(stat -c %s "$work/store$stack") - 10))
for bit in 0 1 2; do # a bit that leaves a character of the base64 alphabet
	char=$(tail -c +"$((signature_end + 1))" "$work/store$stack" | head -c 1)
	flipped=$(python3 -c 'import sys; print(chr(ord(sys.argv[1]) ^ 1 << int(sys.argv[2])))' "$char" "$bit")
	case $flipped in [A-Za-z0-9+/]) break ;; esac
done
flip "$work/bad/disk" "$stack" "$signature_end" "$bit"
refuses "a bit of its signature" "$work/bad" SIGNATURE "signature"

damaged
flip "$work/bad/disk" "$pieces" 60
refuses "a bit of the piece table" "$work/bad" DIGEST "piece table"

damaged
flip "$work/bad/disk" "$layer" 100
refuses "a bit of the layer's first piece" "$work/bad" DIGEST "piece 1 of"

damaged
flip "$work/bad/disk" "$layer" $((stored / 2))
refuses "a bit of a piece in the middle" "$work/bad" DIGEST "piece [2-9][0-9]* of"

damaged
flip "$work/bad/disk" "$layer" -1 7
count_pieces=$("$plyboot" inspect "$work/store$pieces" | grep -c '')
refuses "a bit of the last piece" "$work/bad" DIGEST "piece \([0-9]*\) of \1 "
check "the layer has more than three pieces" [ "$count_pieces" -gt 3 ]

"$plyboot" keygen -o "$work/stranger" >/dev/null
cp -r "$work/store" "$work/store.good"
key=$work/stranger.key
build_image "$work/stranger" -- "$work/root.layer"
key=
refuses "a stack signed by another key" "$work/stranger" KEY "key"

rm -rf "$work/store"
mv "$work/store.good" "$work/store"
boots "the untouched twin still boots" "$work/good" --snapshot

finish
