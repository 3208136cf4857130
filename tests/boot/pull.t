#!/bin/bash
# A stack through a registry to another store: only the layer that changed is moved, and what came boots.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/registry.sh
. "$top/tests/cli/registry.sh"

payload "$work/base"
pack base --compress gzip
mkdir "$work/app1" "$work/app2"
echo one >"$work/app1/version"
echo two >"$work/app2/version"
# shellcheck disable=SC2016 # for the guest
echo '[ "$($bb cat /version)" = two ]' >"$work/app2/hook"
pack app1 --compress gzip
pack app2 --compress gzip
make_stack test 1 "$work/base.layer" "$work/app1.layer"
make_stack test 2 "$work/base.layer" "$work/app2.layer"
registry_start
image=docker://$registry/test

check "push" "$plyboot" push --insecure --store "$work/store" test-1 "$image:1"
check "pull to another store" "$plyboot" pull --insecure --store "$work/other" --pub "$work/key.pub" "$image:1"
check "push with one layer changed" "$plyboot" push --insecure --store "$work/store" test-2 "$image:2"
registry_mark
check "pull it" "$plyboot" pull --insecure --store "$work/other" --pub "$work/key.pub" "$image:2"
read -r moved bytes < <(registry_blobs GET)
stored=$(sed -n 's/^stored //p' "$work/base.layer")
check "the changed layer was moved, the small one and the config: $bytes of $((stored + bytes)) bytes" \
	test "$moved" -eq 3 -a "$bytes" -lt 4096 -a "$stored" -gt 500000
registry_stop

rm -r "$work/store"
mv "$work/other" "$work/store"
make_initramfs "$work/pulled"
make_image "$work/pulled"
boots "what was pulled boots" "$work/pulled"
reports "... the new stack, both layers unpacked" "r['stack'] == 'test' and r['version'] == 2 and len(r['layers']) == 2"
finish
