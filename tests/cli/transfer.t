#!/bin/bash
# A stack as an image for other tools; a stack through a registry and back, only what is lacking; and images that
# carry no stack as it must be.
# shellcheck disable=SC2016 # for another shell to expand
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/registry.sh
. "$here/registry.sh"
tree=$here/tree.py
tamper=$here/tamper.py

podman() {
	command podman --root "$work/podman" --runroot "$work/podman-run" --storage-driver vfs "$@"
}

# make_stack NAME VERSION LAYER...: signed
make_stack() {
	local name=$1 version=$2
	shift 2
	"$plyboot" stack --name "$name" --version "$version" --arch x86_64 --created 2026-11-23T15:06:12Z "$@" &&
		"$plyboot" sign --key k.key "store/stacks/$name-$version.stack"
} >"$work/stack.log" 2>&1

"$plyboot" keygen -o k >/dev/null
"$plyboot" keygen -o k2 >/dev/null

# --- export: three layers, with whiteouts, owners, times, hard links
"$tree" make 5 base
cp -a base middle
"$tree" change 6 middle
cp -a middle high
"$tree" change 7 high
rm -rf high/gone && mkdir -p high/new && echo new >high/new/file
"$plyboot" pack --compress gzip -o base.layer base >/dev/null
"$plyboot" diff --compress gzip -o middle.layer base middle >/dev/null
"$plyboot" diff --compress none -o high.layer middle high >/dev/null
make_stack tree 3 base.layer middle.layer high.layer

ok "export to a directory" "$plyboot" export tree-3 out
has "... says which image it is" "$work/out" '^sha256:[0-9a-f]{64}$'
digest=$(head -n 1 "$work/out")
is "... is an image layout and nothing more" "$(ls out)" $'blobs\nindex.json\noci-layout'
is "... with all blobs, under their digests" "$(cd out/blobs/sha256 && sha256sum -- * | awk '$1 != $2')" ""
for layer in base middle high; do
	ok "... the layer $layer bit for bit" cmp "$(blob $layer.layer)" "out/$(blob $layer.layer | cut -d/ -f2-)"
done
ok "skopeo inspects it" skopeo inspect oci:out:tree-3
is "... with the stack's layers" "$(skopeo inspect oci:out:tree-3 | grep -o 'sha256:[0-9a-f]*' | tail -n 3)" \
	"$(cat base.layer middle.layer high.layer | sed -n 's/^layer //p')"
has "... its architecture, as Go has it" "$work/out" '"Architecture": "amd64"'
has "... its time" "$work/out" '"Created": "2026-11-23T15:06:12Z"'
skopeo inspect --config oci:out:tree-3 >config.json
is "... the digests of the tars" "$(grep -o 'sha256:[0-9a-f]*' config.json)" \
	"$(for layer in base middle high; do plain $layer.layer | sha256sum | sed 's/^/sha256:/; s/ .*//'; done)"
is "... a history of as many" "$(grep -c created_by config.json)" 3
ok "skopeo copies it" skopeo copy --quiet oci:out:tree-3 dir:copied
ok "umoci unpacks it" umoci unpack --image out:tree-3 unpacked
is "... the tree is the top one" "$("$tree" manifest unpacked/rootfs)" "$("$tree" manifest high)"
ok "podman takes it" podman pull --quiet oci:out:tree-3
mounted=$(podman image mount "$(podman images --quiet | head -n 1)")
# It unpacks a layer over the one below, so that directories keep times and attributes that they should not; and takes
# 1970 for what is older.
but_directories() {
	"$tree" manifest "$1" | tail -n +2 | sed -E "s/^(b.*['\"] 4[0-7]{4} [0-9:]+) .*/\1/; s/ -[0-9]+ b/ 0 b/"
}
is "... the tree is the same" "$(but_directories "$mounted")" "$(but_directories high)"
podman image umount --all >/dev/null

ok "export to an archive" "$plyboot" export tree-3 out.tar
is "... it is the same image" "$(head -n 1 "$work/out")" "$digest"
ok "skopeo reads it" skopeo copy --quiet --preserve-digests oci-archive:out.tar:tree-3 oci:from-tar:x
is "... the same blobs" "$(ls from-tar/blobs/sha256)" "$(ls out/blobs/sha256)"
mv out.tar first.tar
"$plyboot" export tree-3 out.tar >/dev/null
ok "... and the same bytes again" cmp first.tar out.tar
rm -r from-tar copied unpacked

"$plyboot" pack --compress zstd --root-owned -o zstd.layer base >/dev/null
make_stack zstd 1 base.layer zstd.layer
ok "another image for the same layout" "$plyboot" export --ref other zstd-1 out
is "... is there beside the first" "$(umoci ls --layout out | sort)" $'other\ntree-3'
is "... with its own layers" "$(skopeo inspect --raw oci:out:other | grep -o 'tar+zstd' | wc -l)" 1
ok "... and skopeo reads it, zstd and all" skopeo copy --quiet oci:out:other dir:copied
cp out/index.json index.json
ok "the same one again" "$plyboot" export --ref other zstd-1 out
ok "... takes its own place" cmp index.json out/index.json
cp store/oci-layout x.tar
ok "a tar that is there" "$plyboot" export zstd-1 x.tar
ok "... is replaced" skopeo inspect oci-archive:x.tar
rm -r x.tar copied

mkdir something && echo file >something/file
refuses "export to a directory that is something else" 1 FORMAT "$plyboot" export tree-3 something
refuses "... to a file" 3 IO "$plyboot" export tree-3 k.pub
refuses "... to where there is no directory" 3 MISSING "$plyboot" export tree-3 not/there
refuses "... of a stack that is not there" 3 MISSING "$plyboot" export tree-4 new
refuses "... of a path" 2 USAGE "$plyboot" export store/stacks/tree-3.stack new
refuses "... under a name that none can have" 2 USAGE "$plyboot" export --ref 'a b' tree-3 new
refuses "... under no name" 2 USAGE "$plyboot" export --ref '' tree-3 new

cp "$(blob high.layer)" whole
flip "$(blob high.layer)" 700
refuses "export of a damaged layer, to a new directory" 1 DIGEST "$plyboot" export tree-3 new
refuses "... to a layout that is there" 1 DIGEST "$plyboot" export --ref third tree-3 out
refuses "... to an archive" 1 DIGEST "$plyboot" export tree-3 new.tar
refuses "push of one" 1 DIGEST "$plyboot" push tree-3 oci:new:x
cp whole "$(blob high.layer)"
ok "good again" "$plyboot" export tree-3 new
rm -r new

# --- the config of an image that the bottom layers came with
python3 - base.layer <<-'EOF'
	import hashlib, json, sys
	record = dict(line.split() for line in open(sys.argv[1]))
	def add(document):
	    data = json.dumps(document).encode()
	    digest = hashlib.sha256(data).hexdigest()
	    open("store/blobs/sha256/" + digest, "wb").write(data)
	    return {"digest": "sha256:" + digest, "size": len(data)}
	config = {"architecture": "amd64", "os": "linux", "author": "somebody",
	    "config": {"Entrypoint": ["/bin/serve"], "Cmd": ["--now"], "Env": ["A=b"], "WorkingDir": "/srv", "User": "7:8",
	               "Labels": {"org.example.x": "y"}},
	    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]},
	    "history": [{"created_by": "FROM base"}, {"created_by": "ENV A=b", "empty_layer": True}]}
	layer = {"mediaType": record["media-type"], "digest": record["layer"], "size": int(record["stored"])}
	manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
	    "config": add(config) | {"mediaType": "application/vnd.oci.image.config.v1+json"}, "layers": [layer]}
	entry = add(manifest) | {"mediaType": manifest["mediaType"],
	    "annotations": {"org.opencontainers.image.ref.name": "base"}}
	json.dump({"schemaVersion": 2, "manifests": [entry]}, open("store/index.json", "w"))
EOF
ok "export of layers on an imported image" "$plyboot" export tree-3 out
skopeo inspect --config oci:out:tree-3 >config.json
is "... keeps what its config says" "$(python3 -c 'import json; c = json.load(open("config.json"))
print(c["author"], c["config"]["Entrypoint"], c["config"]["Cmd"], c["config"]["Env"], c["config"]["WorkingDir"],
    c["config"]["User"], c["config"]["Labels"], [h["created_by"] for h in c["history"]], len(c["rootfs"]["diff_ids"]))')" \
	"somebody ['/bin/serve'] ['--now'] ['A=b'] /srv 7:8 {'org.example.x': 'y'} ['FROM base', 'ENV A=b', 'plyboot', 'plyboot'] 3"
"$plyboot" stack --name above --version 1 middle.layer >/dev/null
ok "... but not for other layers" "$plyboot" export above-1 out
is "... which have none" "$(skopeo inspect --config oci:out:above-1 | grep -c -e Entrypoint -e author)" 0
sed -i 's/"size": [0-9]*/"size": 3/' store/index.json
ok "an index.json with an image that is damaged" "$plyboot" export tree-3 out
has "... is a warning" "$work/err" 'warning: an image that index.json names is passed over'
echo '{"schemaVersion":2,"manifests":[]}' >store/index.json
rm store/stacks/above-1.stack
rm -r out

# --- push, and pull to a store that has nothing
registry_start || exit 1
image=docker://$registry/some/tree
ok "push" "$plyboot" push --insecure tree-3 "$image:3"
has "... says that skopeo is called" "$work/out" '^skopeo copies tree-3 to docker://'
sent=$(head -n 2 "$work/out" | tail -n 1)
is "... the registry has it under the digest" \
	"$(skopeo inspect --raw --tls-verify=false "$image:3" | sha256sum | sed 's/ .*//')" "${sent#sha256:}"
is "... an ordinary image: four layers" \
	"$(skopeo inspect --tls-verify=false "$image:3" | grep -c '^        "sha256:')" 4
registry_mark
ok "push again" "$plyboot" push --insecure tree-3 "$image:3"
is "... sends no layer" "$(registry_blobs PATCH)" "0 0"
is "... is the same image" "$(head -n 2 "$work/out" | tail -n 1)" "$sent"
skopeo copy --quiet --src-tls-verify=false "$image:3" oci:pulled:x
ok "umoci unpacks it, too" umoci unpack --image pulled:x unpacked
is "... with one directory more" \
	"$("$tree" manifest unpacked/rootfs | grep -v '\.plyboot' | tail -n +2)" "$("$tree" manifest high | tail -n +2)"
is "... for the stack file and the tables" "$(cd unpacked/rootfs/.plyboot && find . -type f -printf '%p %m %U:%G\n' | sort)" \
	"$(for layer in base middle high; do of $layer.layer pieces; done | sort | sed 's,sha256:\(.*\),./pieces/\1 644 0:0,')
./stacks/tree-3.stack 644 0:0"
rm -r pulled unpacked

ok "pull, to a store that is not there" "$plyboot" pull --insecure --store two --pub k.pub "$image:3"
has "... says that skopeo is called" "$work/out" '^skopeo fetches docker://'
has "... and that nothing was there" "$work/out" '^there already: 0 bytes in 0 blobs$'
ok "... the stack file is the same" cmp store/stacks/tree-3.stack two/stacks/tree-3.stack
ok "... verify likes it" "$plyboot" verify --store two --pub k.pub all
is "... nothing else is there" "$(find two -type f | sort)" "$(for layer in base middle high; do
	blob $layer.layer
	blob $layer.layer pieces
done | sed 's/^store/two/' | cat - <(printf 'two/%s\n' index.json oci-layout stacks/tree-3.stack) | sort)"

# --- one layer is another one
cp -a high higher
echo more >higher/new/more
"$plyboot" diff --compress gzip -o higher.layer middle higher >/dev/null
make_stack tree 4 base.layer middle.layer higher.layer
registry_mark
ok "push with one layer changed" "$plyboot" push --insecure tree-4 "$image:4"
is "... sends that, the small one and the config" "$(registry_blobs PATCH | cut -d' ' -f1)" 3
registry_mark
ok "pull to the store that has the others" "$plyboot" pull --insecure --store two --pub k.pub "$image:4"
skopeo inspect --raw --tls-verify=false "$image:4" >manifest.json
read -r expected small < <(python3 -c 'import json
m = json.load(open("manifest.json")); s = [l["size"] for l in m["layers"]]; print(s[2] + s[3] + m["config"]["size"], s[3])')
is "... moves the changed layer, the small one and the config" "$(registry_blobs GET)" "3 $expected"
is "... says so" "$(sed -n 's/^fetched: //p' "$work/out")" "$expected bytes in 3 blobs"
is "... and what was there" "$(sed -n 's/^there already: //p' "$work/out")" \
	"$(($(of base.layer stored) + $(of middle.layer stored))) bytes in 2 blobs"
ok "... which is less than a page of tables" test "$small" -lt 4096
ok "... verify likes both" "$plyboot" verify --store two --pub k.pub all
snapshot_of_two=$(find two -type f -exec sha256sum {} + | sort)
ok "pull it once more" "$plyboot" pull --insecure --store two --pub k.pub "$image:4"
is "... changes nothing" "$(find two -type f -exec sha256sum {} + | sort)" "$snapshot_of_two"

flip "two/$(blob base.layer | cut -d/ -f2-)" 200
ok "a blob of the store that has rotted" "$plyboot" pull --insecure --store two --pub k.pub "$image:4"
has "... was fetched" "$work/out" "^fetched: [0-9]+ bytes in 3 blobs"
is "... and is good again" "$(find two -type f -exec sha256sum {} + | sort)" "$snapshot_of_two"

# --- signatures
refuses "a key that did not sign" 1 KEY "$plyboot" pull --insecure --store new --pub k2.pub "$image:4"
refuses "two signatures where there is one" 1 SIGNATURE \
	"$plyboot" pull --insecure --store new --pub k.pub --pub k2.pub --signatures 2 "$image:4"
ok "without a key" "$plyboot" pull --insecure --store new "$image:4"
rm -r new
"$plyboot" sign --key k2.key two/stacks/tree-4.stack >/dev/null
ok "a stack that was signed here meanwhile" "$plyboot" pull --insecure --store two --pub k.pub "$image:4"
ok "... has both signatures" "$plyboot" verify --store two --signatures 2 --pub k.pub --pub k2.pub tree-4
"$plyboot" stack --name unsigned --version 1 base.layer >/dev/null
ok "push of an unsigned stack" "$plyboot" push unsigned-1 oci:unsigned:stack
has "... is a warning" "$work/err" 'warning: unsigned-1.stack is not signed'
ok "pull of one" "$plyboot" pull --store new oci:unsigned:stack
has "... is one, too" "$work/err" 'warning: the stack is not signed'
refuses "... and refused where there is a key" 1 SIGNATURE "$plyboot" pull --store new --pub k.pub oci:unsigned:stack
rm -r new unsigned store/stacks/unsigned-1.stack

cp store/stacks/tree-4.stack signed.stack
"$plyboot" stack --force --name tree --version 4 base.layer >/dev/null
"$plyboot" sign --key k.key store/stacks/tree-4.stack >/dev/null
refuses "a signed stack of that version that says otherwise" 2 USAGE "$plyboot" pull --insecure --pub k.pub "$image:4"
ok "... is replaced by force" "$plyboot" pull --force --insecure --pub k.pub "$image:4"
ok "... by the one that was pulled" cmp signed.stack store/stacks/tree-4.stack

# --- what goes wrong on the way
refuses "pull of what is not there" 3 IO "$plyboot" pull --insecure --store new "$image:5"
refuses "pull from nobody" 3 IO "$plyboot" pull --insecure --store new docker://127.0.0.1:1/x
refuses "push to nobody" 3 IO "$plyboot" push --insecure tree-4 docker://127.0.0.1:1/x
refuses "pull of a name that skopeo doesn't know" 3 IO "$plyboot" pull --store new nowhere:x
refuses "pull without skopeo" 3 MISSING env PATH=/nonexistent "$plyboot" pull --store new "$image:4"
refuses "push without skopeo" 3 MISSING env PATH=/nonexistent "$plyboot" push tree-4 "$image:4"
refuses "an operand that looks like an option is none of skopeo's" 3 IO "$plyboot" pull --store new -- --version

# A skopeo that copies, and then something happens.
mkdir bin
cat >bin/skopeo <<-END
	#!/bin/bash
	$(command -v skopeo) "\$@" || exit
	[ "\$1" != copy ] || eval "\$then"
END
chmod +x bin/skopeo
refuses "skopeo fails at the end" 3 IO env PATH="$PWD/bin:$PATH" then='exit 1' \
	"$plyboot" pull --insecure --store new --pub k.pub "$image:4"
before=$(snapshot)
env PATH="$PWD/bin:$PATH" then='kill -TERM $PPID; sleep 2' \
	"$plyboot" pull --insecure --store new --pub k.pub "$image:4" >"$work/out" 2>"$work/err"
is "a signal meanwhile ends it" $? 143
is "... and leaves nothing" "$(snapshot)" "$before"
refuses "another image got the name meanwhile" 1 DIGEST env PATH="$PWD/bin:$PATH" \
	then="rm new/.new-*/blobs/sha256/$(sha256sum manifest.json | cut -d' ' -f1)" \
	"$plyboot" pull --insecure --store new --pub k.pub "$image:4"
refuses "a layer that was exchanged" 1 DIGEST env PATH="$PWD/bin:$PATH" \
	then="python3 '$here/flip.py' \$(echo new/.new-*)/blobs/sha256/$(of base.layer layer | cut -d: -f2) 99" \
	"$plyboot" pull --insecure --store new --pub k.pub "$image:4"
ok "the next one finishes" "$plyboot" pull --insecure --store new --pub k.pub "$image:4"
rm -r new bin

# --- images that carry no stack as it must be
"$plyboot" push tree-4 oci:good:stack >/dev/null
mkdir colon:path
ok "a store with a colon in its path" "$plyboot" pull --store colon:path/store oci:good:stack
rm -r colon:path
for how in same text-changed; do
	"$tamper" $how good bad
	ok "its twin, made anew: $how" "$plyboot" pull --store new oci:bad:stack
	rm -r bad new
done
"$tamper" text-changed good bad
refuses "... but for the signature" 1 SIGNATURE "$plyboot" pull --pub k.pub --store new oci:bad:stack
rm -r bad
while read -r how status code; do
	"$tamper" "$how" good bad
	store=two
	case $how in layer-damaged | layer-gone) store=new ;; esac # two has that layer
	refuses "$how" "$status" "$code" "$plyboot" pull --store $store oci:bad:stack
	rm -r bad
done <<-END
	no-carrier 1 FORMAT
	other-name 1 FORMAT
	outside 1 FORMAT
	table-elsewhere 1 FORMAT
	two-stacks 1 FORMAT
	stack-renamed 1 FORMAT
	no-stack 1 FORMAT
	owned 1 FORMAT
	table-missing 1 FORMAT
	table-twice 1 FORMAT
	tables-swapped 1 FORMAT
	table-differs 1 DIGEST
	text-damaged 1 FORMAT
	layers-swapped 1 DIGEST
	layer-more 1 DIGEST
	layer-less 1 DIGEST
	layer-other 1 DIGEST
	layer-type 1 FORMAT
	layer-size 1 SIZE
	layer-damaged 3 IO
	layer-gone 3 IO
	not-gzip 1 STREAM
	cut-gzip 1 STREAM
	other-type 1 FORMAT
	bomb 1 LIMIT
	wrapped 1 FORMAT
END

# A stack that is signed and wrong: what verify would say.
for change in "entries LIMIT -1" "unpacked SIZE 4096"; do
	read -r key code by <<<"$change"
	sed "s/^$key .*/$key $(($(of base.layer "$key") + by))/" base.layer >wrong.layer
	make_stack wrong 1 wrong.layer
	"$plyboot" push wrong-1 oci:wrong:stack >/dev/null
	refuses "a signed stack with $by $key" 1 "$code" "$plyboot" pull --store new --pub k.pub oci:wrong:stack
	rm -r store/stacks/wrong-1.stack wrong
done
registry_stop
finish
