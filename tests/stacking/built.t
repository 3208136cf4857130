#!/bin/bash
# An image that buildah built in three steps and a layer by hand that only implies directories (tests/stacking/image),
# through a registry: unpacked by umoci, and imported and composed by plyboot, it is the same tree. As root.
#
# In a mount namespace of its own, where all is in memory.
[ -n "${BUILT_INSIDE:-}" ] || BUILT_INSIDE=yes exec unshare --mount "$0"
image=$("$(dirname "$0")/image") || exit 1
mount -t tmpfs -o mode=1777 plyboot-built /mnt || exit 1
export TMPDIR=/mnt
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/cli/registry.sh
. "$top/tests/cli/registry.sh"
COMPOSE=$top/build/$(uname -m)/compose-stack
manifest=$top/tests/stacking/manifest.py

registry_start || exit 1
ok "buildah's image is pushed to a registry" skopeo copy --dest-tls-verify=false --dest-no-creds "oci:$image:built" \
	"docker://$registry/appliance:built"
ok "... and pulled from it" skopeo copy --src-tls-verify=false --src-no-creds "docker://$registry/appliance:built" \
	oci:pulled:built
skopeo inspect --raw --tls-verify=false --no-creds "docker://$registry/appliance:built" >raw.json
ok "... and imported from it" "$plyboot" import --insecure -o built.layer "docker://$registry/appliance:built"
registry_stop

is "there are five layers" "$(of built.layer layer | wc -l)" 5
is "all have the registry's digests" "$(of built.layer layer)" \
	"$(python3 -c 'import json, sys; print("\n".join(l["digest"] for l in json.load(sys.stdin)["layers"]))' <raw.json)"

"$plyboot" keygen -o key >"$work/out" 2>&1
openssl pkey -pubin -in key.pub -outform DER -out key.der
ok "a stack of them" "$plyboot" stack --name built --version 1 --init /usr/local/bin/answer --upper none built.layer
ok "... signed" "$plyboot" sign --key key.key store/stacks/built-1.stack

ok "umoci unpacks the image" umoci unpack --image pulled:built bundle
"$manifest" bundle/rootfs >by-umoci
ok "plyboot composes the stack" "$COMPOSE" store built key.der "$manifest" .
cp "$work/out" by-plyboot
ok "the trees are the same: $(wc -l <by-plyboot) names" diff by-umoci by-plyboot

# That is no comparison of nothing.
is "it is a Debian system" "$(($(wc -l <by-plyboot) > 3000))" 1
row() { # NAME: what a manifest has of it
	python3 -c 'import json, sys
for line in sys.stdin:
    name, kind, mode, uid, gid, mtime, what, xattrs, first, links = json.loads(line)
    if name == sys.argv[1]: print(f"{kind | mode:o} {uid}:{gid} {mtime} {links}", *sorted(xattrs))' "$1" <by-plyboot
}
has "the package is there" <(row usr/bin/hello) '^100755 0:0 [0-9]+ 1$'
is "a file is gone" "$(row etc/issue.net)" ""
is "... another by the last layer" "$(row etc/motd)" ""
is "a directory was replaced" "$(grep -c '^\["usr/share/base-files/' by-plyboot)" 3
has "... and is what its layer says, though the last one implies it" <(row usr/share/base-files) '^42751 0:50 [0-9]+ 1$'
has "... with hard links" <(row usr/share/base-files/again) '^100644 0:50 [0-9]+ 2$'
has "a capability" <(row opt/odd/capable) ' security\.capability$'
has "an ACL" <(row opt/odd/by-hand) ' system\.posix_acl_access$'
has "... a time with nanoseconds" <(row opt/odd/by-hand) " 981173106789000000 1 "
is "a user.* attribute, an owner, a time before 1970" "$(row opt/odd/tagged)" \
	"100644 1234:3000000000 -2000000000 1 user.colour" # buildah keeps no fractions

rm -rf store pulled bundle
finish
