#!/bin/bash
# Stack files, and what verify and inspect say of them and of what they name.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir src src2
head -c 300000 /dev/urandom >src/file
echo second >src2/file
"$plyboot" keygen -o k >/dev/null
"$plyboot" keygen -o k2 >/dev/null
"$plyboot" pack --piece-size 64K -o a.layer src >/dev/null
"$plyboot" pack --compress gzip -o b.layer src2 >/dev/null

is "stack prints its path" "$("$plyboot" stack --name demo --version 7 --floor 3 --arch x86_64 \
	--kernel 6.1.0-1 --created 2026-11-23T15:06:12Z --on-failure reboot a.layer b.layer)" \
	store/stacks/demo-7.stack
is "the stack file is what it should be" "$(cat store/stacks/demo-7.stack)" "plyboot stack 1
name demo
version 7
floor 3
created 2026-11-23T15:06:12Z
architecture x86_64
kernel 6.1.0-1
$(cat a.layer b.layer)
upper persistent
init /sbin/init
on-failure reboot
---"
ok "SOURCE_DATE_EPOCH is the time" env SOURCE_DATE_EPOCH=86400 "$plyboot" stack --name old --version 1 a.layer
is "... of its creation" "$(of store/stacks/old-1.stack created)" 1970-01-02T00:00:00Z
ok "upper volatile, persistent paths in any order" "$plyboot" stack --name vol --version 1 --upper volatile \
	--persist /var/lib:suid,dev --persist /etc a.layer
is "... are sorted" "$(of store/stacks/vol-1.stack persist)" $'/etc\n/var/lib:suid,dev'
"$plyboot" sign --key k.key store/stacks/vol-1.stack >/dev/null
ok "... verify takes them" "$plyboot" verify --pub k.pub vol-1
ok "... inspect shows them" "$plyboot" inspect vol-1
has "... with what is allowed there" "$work/out" '^persist  *\/var\/lib:suid,dev$'
ok "... and in JSON" "$plyboot" inspect --json vol-1
has "... as the file has it" "$work/out" '"persist":\["/etc","/var/lib:suid,dev"\]'
for upper in persistent none; do
	ok "persistent paths with --upper $upper" "$plyboot" stack --name "$upper" --version 1 --upper $upper --persist /x a.layer
	rm "store/stacks/$upper-1.stack"
done
is "the architecture is this machine's" "$(of store/stacks/vol-1.stack architecture)" "$(uname -m)"

refuses "a name with a slash" 1 FORMAT "$plyboot" stack --name a/b --version 1 a.layer
refuses "a version of 0" 2 USAGE "$plyboot" stack --name a --version 0 a.layer
refuses "a version of 2^63" 2 USAGE "$plyboot" stack --name a --version 9223372036854775808 a.layer
refuses "a floor above the version" 1 LIMIT "$plyboot" stack --name a --version 1 --floor 2 a.layer
for bad in x / /proc /dev/shm /sys /run/x /x/ /x//y /x/../y /x: /x:exec /x:dev,suid /x:suid,suid; do
	refuses "--persist $bad" 1 FORMAT "$plyboot" stack --name a --version 1 --persist $bad a.layer
done
refuses "--persist twice the same" 1 FORMAT "$plyboot" stack --name a --version 1 --persist /x --persist /x:dev a.layer
refuses "--persist within another" 1 FORMAT "$plyboot" stack --name a --version 1 --persist /x/y --persist /x-y --persist /x a.layer
refuses "--persist with a long path" 1 LIMIT "$plyboot" stack --name a --version 1 --persist "/$(printf %0252d 0)" a.layer
refuses "a relative init" 1 FORMAT "$plyboot" stack --name a --version 1 --init sbin/init a.layer
refuses "a time that is none" 1 FORMAT "$plyboot" stack --name a --version 1 --created 2026-02-30T00:00:00Z a.layer
refuses "no layer" 2 USAGE "$plyboot" stack --name a --version 1
refuses "a layer file that is not there" 3 MISSING "$plyboot" stack --name a --version 1 c.layer
refuses "a file that is no layer file" 1 FORMAT "$plyboot" stack --name a --version 1 k.pub
mkdir empty && "$plyboot" pack --store other -o other.layer empty >/dev/null
refuses "a layer whose blob is not in the store" 3 MISSING "$plyboot" stack --name a --version 1 other.layer
sed 's/^stored .*/stored 5/' a.layer >size.layer
refuses "a layer whose blob is of another size" 1 SIZE "$plyboot" stack --name a --version 1 size.layer

# --- replacing
rm store/stacks/vol-1.stack
"$plyboot" stack --name vol --version 1 a.layer >/dev/null
ok "an unsigned stack may be replaced" "$plyboot" stack --name vol --version 1 b.layer
ok "sign" "$plyboot" sign --key k.key store/stacks/vol-1.stack
refuses "a signed one may not" 2 USAGE "$plyboot" stack --name vol --version 1 a.layer
ok "... unless it is forced" "$plyboot" stack --force --name vol --version 1 a.layer
rm store/stacks/old-1.stack store/stacks/vol-1.stack

ok "sign" "$plyboot" sign --key k.key store/stacks/demo-7.stack
ok "the same stack again" "$plyboot" stack --name demo --version 7 --floor 3 --arch x86_64 --kernel 6.1.0-1 \
	--created 2026-11-23T15:06:12Z --on-failure reboot a.layer b.layer
ok "... keeps its signature" "$plyboot" verify --pub k.pub demo-7

# --- verify
has "verify names each layer" "$work/out" "^  layer 2 $(of b.layer layer): .*: ok\$"
ok "verify all" "$plyboot" verify --pub k.pub all
ok "verify a file" "$plyboot" verify --pub k2.pub --pub k.pub store/stacks/demo-7.stack
refuses "a key that did not sign" 1 KEY "$plyboot" verify --pub k2.pub demo-7
refuses "two signatures where there is one" 1 SIGNATURE \
	"$plyboot" verify --signatures 2 --pub k.pub --pub k2.pub demo-7
refuses "a stack that is not there" 1 MISSING "$plyboot" verify --pub k.pub demo-8
refuses "verify without a key" 2 USAGE "$plyboot" verify demo-7

# damage CODE WHAT FILE OFFSET: one bit, verify, and the bit back
damage() {
	flip "$3" "$4"
	refuses "a bit of $2" 1 "$1" "$plyboot" verify --pub k.pub demo-7
	flip "$3" "$4"
}
damage SIGNATURE "the stack file" store/stacks/demo-7.stack 22
damage DIGEST "the first piece" "$(blob a.layer)" 10
damage DIGEST "the last piece" "$(blob a.layer)" $(($(of a.layer stored) - 1))
damage DIGEST "the piece table" "$(blob a.layer pieces)" 60
damage DIGEST "the other layer" "$(blob b.layer)" 30
ok "unharmed again" "$plyboot" verify --pub k.pub demo-7
truncate -s -1 "$(blob b.layer)"
refuses "a blob that is cut" 1 SIZE "$plyboot" verify --pub k.pub demo-7
mv "$(blob b.layer)" gone
refuses "a blob that is gone" 1 MISSING "$plyboot" verify --pub k.pub demo-7
"$plyboot" pack --compress gzip -o b.layer src2 >/dev/null
ok "packed again" "$plyboot" verify --pub k.pub demo-7

# The numbers that the signature pins are what the layer has, not less and not more.
for change in "unpacked LIMIT -1" "unpacked SIZE 1" "entries LIMIT -1" "entries SIZE 1"; do
	read -r key code by <<<"$change"
	sed "s/^$key .*/$key $(($(of a.layer "$key") + by))/" a.layer >wrong.layer
	"$plyboot" stack --name wrong --version 1 wrong.layer >/dev/null
	"$plyboot" sign --key k.key store/stacks/wrong-1.stack >/dev/null
	refuses "$key of $by too many" 1 "$code" "$plyboot" verify --pub k.pub wrong-1
	rm store/stacks/wrong-1.stack
done
"$plyboot" stack --name unsigned --version 1 a.layer >/dev/null
refuses "all, one of them unsigned" 1 SIGNATURE "$plyboot" verify --pub k.pub
has "... says that the other is fine" "$work/out" '^demo-7.stack: ok$'

# --- inspect
ok "inspect a stack file" "$plyboot" inspect store/stacks/demo-7.stack
has "... says that it was not verified" "$work/out" 'UNVERIFIED'
has "... and whose signature it has" "$work/out" "^signature by   sha256:"
ok "inspect an unsigned one" "$plyboot" inspect store/stacks/unsigned-1.stack
has "... says so" "$work/out" 'not signed'
ok "inspect a layer" "$plyboot" inspect a.layer
has "... gives its digest" "$work/out" "$(of a.layer layer)"
ok "inspect a piece table" "$plyboot" inspect --pieces "$(blob a.layer pieces)"
is "... lists its pieces" "$(grep -c ' -> ' "$work/out")" 5
ok "inspect a public key" "$plyboot" inspect k.pub
printf 'log debug\nfloor 4\n' >init.conf
ok "inspect an init.conf" "$plyboot" inspect init.conf
has "... gives what it says" "$work/out" '^floor          4$'
printf 'log debug\n#%80s\n' x | head -c 90 >91.conf && echo >>91.conf
is "an init.conf that is as long as a key" "$(stat -c %s 91.conf)" 91
ok "... is an init.conf" "$plyboot" inspect 91.conf
openssl pkey -pubin -in k.pub -outform DER -out k.der
ok "inspect a public key in DER" "$plyboot" inspect k.der
has "... gives its id" "$work/out" '^  id +sha256:'
truncate -s 2M record
ok "inspect an empty record" "$plyboot" inspect record
has "... says so" "$work/out" 'nothing was ever written'
head -c 5000 /dev/urandom >noise
refuses "inspect something else" 1 CONFIG "$plyboot" inspect noise
refuses "inspect a directory" 2 USAGE "$plyboot" inspect src
finish
