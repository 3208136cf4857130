#!/bin/bash
# FORMAT.md's own commands: a stack that openssl signed boots, and openssl verifies what plyboot signed.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# documented WORDS: the section's block of commands that has these
documented() {
	awk -v words="$1" 'function end() { if (index(block, words)) printf "%s", block; block = "" }
		/^#/ { on = /^### Signatures/ }
		on && /^    / { block = block substr($0, 5) "\n"; next }
		NF { end() }' "$top/layers/FORMAT.md"
}
documented "openssl dgst -sha256 -sign " >"$work/sign"
documented "openssl dgst -sha256 -verify " >"$work/verify"
check "FORMAT.md has the commands" [ "$(wc -l <"$work/sign") $(wc -l <"$work/verify")" = "4 5" ]

mkdir "$work/bin"
ln -s "$(realpath "$plyboot")" "$work/bin/plyboot"

# run BLOCK [DIR]: as a reader would, in a directory that has x.stack
run() {
	(cd "${2:-$work}" && PATH=$work/bin:$PATH sh -eu "$work/$1")
}

# unsigned VERSION: the stack file of that, in $work/x.stack
unsigned() {
	"$plyboot" stack --store "$work/store" --name test --version "$1" --force --on-failure reboot "$work/root.layer" \
		>"$work/stack.log"
	mv "$work/store/stacks/test-$1.stack" "$work/x.stack"
}

# verified NAME [DIR]
verified() {
	local said
	if said=$(run verify "${2:-$work}" 2>"$work/openssl.log") && [ "$said" = "Verified OK" ]; then
		pass "$1: $said"
	else
		fail "$1: ${said:-nothing}" "$work/openssl.log"
	fi
}

# --- signed by openssl

payload "$work/root"
pack root
unsigned 1
check "openssl signs" run sign
check "  one signature is in the file" [ "$(sed '1,/^---$/d' "$work/x.stack" | wc -l)" -eq 1 ]
verified "  openssl verifies it"
cp "$work/x.stack" "$work/store/stacks/test-1.stack"
check "  plyboot verifies it" "$plyboot" verify --store "$work/store" --pub "$work/key.pub" test-1
make_initramfs "$work/good"
make_image "$work/good"
boots "  it boots" "$work/good" --snapshot
id=$(openssl pkey -pubin -in "$work/key.pub" -outform DER | sha256sum | cut -d ' ' -f 1)
reports "  by that key" "r['keys'] == ['sha256:$id']"

# --- signed by plyboot

unsigned 2
"$plyboot" sign --key "$work/key.pem" "$work/x.stack" >"$work/sign.log"
verified "openssl verifies what plyboot signed with openssl's key"
mkdir "$work/other"
"$plyboot" keygen -o "$work/other/key" >"$work/keygen.log"
"$plyboot" sign --key "$work/other/key.key" "$work/x.stack" >"$work/sign.log"
cp "$work/x.stack" "$work/other/x.stack"
verified "  what it signed besides, with a key of its own" "$work/other"
verified "  still the first"
sed -i 's/^version 2$/version 3/' "$work/x.stack"
status=0
said=$(run verify 2>"$work/openssl.log") || status=$?
check "  and no other text" [ "$status:$said" = "1:Verification failure" ]

# Numbers of all lengths: r or s with a leading zero byte, one signature of 128.
for ((version = 10; version < 4000; version++)); do
	sed "s/^version .*/version $version/; /^---\$/q" "$work/other/x.stack" >"$work/x.stack"
	"$plyboot" sign --key "$work/key.pem" "$work/x.stack" >"$work/sign.log"
	numbers=$(tail -n 1 "$work/x.stack" | cut -d ' ' -f 3 | base64 -d | od -An -v -t x1 -w32)
	! grep -q '^ 00' <<<"$numbers" || break
done
check "a signature with a short r or s" grep -q '^ 00' <<<"$numbers"
verified "  openssl verifies it"

# --- by another key of openssl's

mv "$work/key.pub" "$work/trusted.pub"
unsigned 1
run sign >"$work/sign.log"
cp "$work/x.stack" "$work/store/stacks/test-1.stack"
make_image "$work/good"
refuses "signed by another key" "$work/good" KEY "and by no trusted key (there is 1)" --snapshot
finish
