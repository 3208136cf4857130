#!/bin/bash
# Keys and signatures, with openssl as the second opinion.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# raw_to_der BASE64: r || s as openssl wants it
raw_to_der() {
	python3 -c '
import base64, sys
raw = base64.b64decode(sys.argv[1])
def integer(b):
    b = b.lstrip(b"\0") or b"\0"
    b = (b"\0" if b[0] & 0x80 else b"") + b
    return b"\x02" + bytes([len(b)]) + b
body = integer(raw[:32]) + integer(raw[32:])
sys.stdout.buffer.write(b"\x30" + bytes([len(body)]) + body)' "$1"
}

# openssl_verifies FILE PUB LINE: the file's LINE-th signature
openssl_verifies() {
	sed '/^---$/q' "$1" >text
	raw_to_der "$(sed '1,/^---$/d' "$1" | sed -n "$3p" | cut -d' ' -f3)" >signature.der
	openssl dgst -sha256 -verify "$2" -signature signature.der text
}

s_is_low() {
	python3 -c '
import base64, sys
n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
s = int.from_bytes(base64.b64decode(sys.argv[1])[32:], "big")
sys.exit(0 if 0 < s <= n // 2 else 1)' "$(sed '1,/^---$/d' "$1" | sed -n "$2p" | cut -d' ' -f3)"
}

signatures() {
	sed '1,/^---$/d' "$1" | wc -l
}

# --- keygen
id=$("$plyboot" keygen -o k)
is "keygen prints the key's id" "$id" \
	"sha256:$(openssl pkey -pubin -in k.pub -outform DER | sha256sum | cut -d' ' -f1)"
is "the private key is its owner's only" "$(stat -c %a k.key)" 600
is "the public key is anybody's" "$(stat -c %a k.pub)" 644
ok "openssl takes the private key" openssl pkey -in k.key -check -noout
is "both halves belong together" "$(openssl pkey -in k.key -pubout)" "$(cat k.pub)"
refuses "keygen overwrites nothing" 2 USAGE "$plyboot" keygen -o k
cp k.key l.key
refuses "... not even one half" 2 USAGE "$plyboot" keygen -o l
cp k.pub m.pub
refuses "... nor the other" 2 USAGE "$plyboot" keygen -o m
refuses "keygen in a directory that is not there" 3 MISSING "$plyboot" keygen -o no/k
"$plyboot" keygen -o k2 >/dev/null
ok "two keys differ" test "$(cat k.key)" != "$(cat k2.key)"

# --- a stack to sign
mkdir src && echo hello >src/file
"$plyboot" pack -o a.layer src >/dev/null
"$plyboot" stack --name t --version 1 a.layer >/dev/null
stack=store/stacks/t-1.stack
cp $stack fresh

ok "sign" "$plyboot" sign --key k.key $stack
ok "openssl verifies it" openssl_verifies $stack k.pub 1
ok "s is low" s_is_low $stack 1
ok "verify" "$plyboot" verify --pub k.pub t-1
ok "sign again" "$plyboot" sign --key k.key $stack
is "a signature by the same key is replaced" "$(signatures $stack)" 1
ok "sign with a second key" "$plyboot" sign --key k2.key $stack
is "one by another key is added" "$(signatures $stack)" 2
ok "openssl verifies the first" openssl_verifies $stack k.pub 1
ok "... and the second" openssl_verifies $stack k2.pub 2
ok "verify with two needed" "$plyboot" verify --signatures 2 --pub k.pub --pub k2.pub t-1
is "signing leaves the text alone" "$(sed '/^---$/q' $stack)" "$(cat fresh)"

# --- keys of openssl
openssl ecparam -name prime256v1 -genkey -out sec1.key 2>/dev/null
openssl ec -in sec1.key -pubout -out sec1.pub 2>/dev/null
openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out pkcs8.key
openssl pkey -in pkcs8.key -pubout -out pkcs8.pub
openssl pkey -in pkcs8.key -pubout -outform DER -out pkcs8.der
for kind in sec1 pkcs8; do
	cp fresh $stack
	ok "sign with openssl's $kind key" "$plyboot" sign --key $kind.key $stack
	ok "openssl verifies it" openssl_verifies $stack $kind.pub 1
	ok "so does verify" "$plyboot" verify --pub $kind.pub t-1
done
ok "a public key may be DER" "$plyboot" verify --pub pkcs8.der t-1
for _ in $(seq 20); do
	openssl ecparam -name prime256v1 -genkey -noout -out many.key
	cp fresh $stack
	if ! { "$plyboot" sign --key many.key $stack && openssl pkey -in many.key -pubout -out many.pub &&
		openssl_verifies $stack many.pub 1 && s_is_low $stack 1; } >/dev/null; then
		rm -f many.pub
		break
	fi
done
ok "20 more keys" openssl_verifies $stack many.pub 1

# --- keys that are refused
cp fresh $stack
openssl ecparam -name secp384r1 -genkey -noout -out p384.key
openssl ec -in p384.key -pubout -out p384.pub 2>/dev/null
openssl ecparam -name secp256k1 -genkey -noout -out k1.key
openssl ec -in k1.key -pubout -out k1.pub 2>/dev/null
openssl genrsa -out rsa.key 2048 2>/dev/null
openssl genpkey -algorithm ed25519 -out ed.key 2>/dev/null
openssl ec -in sec1.key -aes128 -passout pass:x -out old.key 2>/dev/null
openssl pkcs8 -topk8 -in sec1.key -passout pass:x -out new.key
sed 's/^M/-/' k.key >broken.key
head -n 2 k.key >cut.key
: >empty.key
for key in p384 k1 rsa ed broken cut empty; do
	refuses "sign with the key $key" 1 KEY "$plyboot" sign --key $key.key $stack
done
refuses "sign with an encrypted key (PKCS #8)" 1 KEY "$plyboot" sign --key new.key $stack
has "... says what to do" "$work/err" '^  .*openssl pkcs8 -in new.key -out '
refuses "sign with an encrypted key (RFC 1421)" 1 KEY "$plyboot" sign --key old.key $stack
has "... says what to do" "$work/err" '^  .*openssl ec -in old.key -out '
refuses "sign with a public key" 1 KEY "$plyboot" sign --key k.pub $stack
refuses "sign with a key that is not there" 3 MISSING "$plyboot" sign --key no.key $stack
for key in p384 k1; do
	refuses "verify with the key $key" 1 KEY "$plyboot" verify --pub $key.pub t-1
done
refuses "verify with a private key" 1 KEY "$plyboot" verify --pub k.key t-1
refuses "the same key twice" 1 KEY "$plyboot" verify --pub k.pub --pub m.pub t-1
head -c 91 /dev/zero >zero.der
refuses "a key of zeros" 1 KEY "$plyboot" verify --pub zero.der t-1

# --- what is signed
refuses "an unsigned stack" 1 SIGNATURE "$plyboot" verify --pub k.pub t-1
refuses "sign what is no stack file" 1 SIGNATURE "$plyboot" sign --key k.key a.layer
printf 'plyboot stack 1\nname t\n---\n' >short.stack
refuses "sign a stack file that says too little" 1 FORMAT "$plyboot" sign --key k.key short.stack
refuses "sign needs a key or a signature" 2 USAGE "$plyboot" sign $stack
refuses "... and not both" 2 USAGE "$plyboot" sign --key k.key --attach x --pub k.pub $stack
refuses "--attach needs --pub" 2 USAGE "$plyboot" sign --attach x $stack

# --- signatures made elsewhere
sed '/^---$/q' $stack | openssl dgst -sha256 -sign k.key -out k.sig
ok "attach openssl's signature" "$plyboot" sign --attach k.sig --pub k.pub $stack
ok "verify takes it" "$plyboot" verify --pub k.pub t-1
ok "s is low" s_is_low $stack 1
sed '1,/^---$/d' $stack | cut -d' ' -f3 | base64 -d >k.raw
cp fresh $stack
ok "attach 64 raw bytes" "$plyboot" sign --attach k.raw --pub k.pub $stack
ok "verify takes it" "$plyboot" verify --pub k.pub t-1
for _ in $(seq 20); do # r and s of all lengths, s high and low
	cp fresh $stack
	openssl dgst -sha256 -sign k.key -out k.sig fresh
	if ! { "$plyboot" sign --attach k.sig --pub k.pub $stack && s_is_low $stack 1; } >/dev/null; then
		cp fresh $stack
		break
	fi
done
ok "20 more of them" "$plyboot" verify --pub k.pub t-1
cp fresh $stack
refuses "attach a signature by another key" 1 SIGNATURE "$plyboot" sign --attach k.sig --pub k2.pub $stack
openssl dgst -sha256 -sign k.key -out wrong.sig k.pub
refuses "attach a signature over another text" 1 SIGNATURE \
	"$plyboot" sign --attach wrong.sig --pub k.pub $stack
head -c 63 k.raw >short.raw
refuses "attach 63 bytes" 1 SIGNATURE "$plyboot" sign --attach short.raw --pub k.pub $stack
head -c 64 /dev/zero >zero.raw
refuses "attach zeros" 1 SIGNATURE "$plyboot" sign --attach zero.raw --pub k.pub $stack
: >empty.sig
refuses "attach nothing" 1 SIGNATURE "$plyboot" sign --attach empty.sig --pub k.pub $stack
{ cat k.sig; echo x; } >long.sig
refuses "attach DER with a tail" 1 SIGNATURE "$plyboot" sign --attach long.sig --pub k.pub $stack

for i in 1 2 3 4 5 6 7 8 9; do "$plyboot" keygen -o n$i >/dev/null; done
for i in 1 2 3 4 5 6 7 8; do "$plyboot" sign --key n$i.key $stack >/dev/null; done
is "eight signatures" "$(signatures $stack)" 8
refuses "not a ninth" 1 LIMIT "$plyboot" sign --key n9.key $stack
finish
