#!/bin/bash
# The examples in tests/data are what layers/FORMAT.md says, to a reader that has nothing of ours, and the
# host command writes the same bytes today.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
data=$top/tests/data

ok "Python and openssl read the examples" python3 "$data/check.py"
is "and find nothing wrong" "$(grep -c '^not ok' "$work/out")" 0
ok "plyboot believes them" "$plyboot" verify --store "$data/store" --pub "$data/example.pub" example-7
has "... the signature is good" "$work/out" '^  signed by sha256:'

mkdir -p root/etc
echo hello >root/etc/hello
ln -s hello root/etc/link
chmod 755 root root/etc
chmod 644 root/etc/hello
touch -h -d '2024-01-01 00:00:00.5 UTC' root/etc/link root/etc/hello root/etc root
export SOURCE_DATE_EPOCH=1700000000
for compress in zstd gzip none; do
	"$plyboot" pack --root-owned --compress $compress --piece-size 4096 -o $compress.layer root >/dev/null
done
"$plyboot" stack --name example --version 7 --floor 3 --arch x86_64 --kernel 6.1.0-1-example --upper volatile \
	--persist /var/lib/example zstd.layer gzip.layer none.layer >/dev/null
"$plyboot" sign --key "$data/example.key" store/stacks/example-7.stack >/dev/null
ok "packed, stacked and signed again: the same bytes" diff -r store "$data/store"
finish
