#!/bin/bash
# An image that buildah built in three steps from a Debian base (tests/stacking/image), pushed to a registry: imported
# from there, signed and booted, its entrypoint answers. As root.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/registry.sh
. "$top/tests/cli/registry.sh"
on_kernel own-6.12 # whose tmpfs has user.* attributes

image=$("$top/tests/stacking/image")
registry_start
reference=$registry/app:1
check "buildah's image is pushed to a registry" skopeo copy --dest-tls-verify=false --dest-no-creds "oci:$image:built" \
	"docker://$reference"
skopeo inspect --raw --tls-verify=false --no-creds "docker://$reference" >"$work/manifest.json"

# The README's commands, at a registry that has no certificate, and only the first one needs.
unset PLYBOOT_STORE
cd "$work"
mkdir build
ln -s "$(realpath "$plyboot")" build/plyboot
python3 "$top/tests/boot/text.py" section "$top/README.md" 'A container image' >"$work/commands"
for verb in import entry stack; do
	command=$(grep "^build/plyboot $verb " "$work/commands") || command=false
	name="the README: $command"
	command=${command//registry.example\/app:1/$reference}
	check "$name" sh -c "${command/ import / import --insecure }"
	[ $verb != import ] || registry_stop
done
check "  it has no other" [ "$(wc -l <"$work/commands")" -eq 3 ]
"$plyboot" keygen -o "$work/key" >"$work/keygen.log" 2>&1
stack=$work/store/stacks/app-1.stack
check "plyboot sign" "$plyboot" sign --key "$work/key.key" "$stack"
check "plyboot verify" "$plyboot" verify --pub "$work/key.pub" app-1

python3 -c 'import json, sys
for layer in json.load(sys.stdin)["layers"]: print(layer["digest"])' <"$work/manifest.json" >"$work/registrys"
sed -n 's/^layer //p' "$stack" >"$work/stacks"
check "the registry's image has five layers" [ "$(wc -l <"$work/registrys")" -eq 5 ]
check "  the stack has them by its digests, and one more on top: the entry" \
	diff <(cat "$work/registrys" <(sed -n 's/^layer //p' "$work/entry.layer")) "$work/stacks"

make_initramfs "$work/out"
make_image "$work/out" --stack app-1
MEMORY=1024 ends "the image boots" "$work/out" off "app 1: 6 layers" "/usr/local/bin/answer exited with status 0"

# answers NAME WANTED: the only such line that the entrypoint said
answers() {
	check "  $1: $2" diff <(echo "$2") <(tr -d '\r' <"$work/console" | sed -n "s/^answer: $1: //p")
}
answers package 'Hello, world!'
answers removed gone
answers replaced 'README again more 2751'
answers capability '/opt/odd/capable cap_net_raw=ep'
answers acl 'user::rw- user:1000:r-- group::r-- mask::r-- other::r--'
answers xattr green
answers time -2.000000000
check "  where its config says, not as process 1" grep -q "^answer: from /opt, process \([2-9]\|[1-9][0-9]\+\)"$'\r*$' "$work/console"
finish
