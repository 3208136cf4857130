#!/bin/bash
# Images of the container world become layers: whatever they come in, the blobs stay what they were, and others read
# the store's index.json. Made by python, skopeo, umoci and buildah; fetched from Debian's docker-registry.
# shellcheck disable=SC2016 # for another shell, and what is quoted in messages
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/registry.sh
. "$here/registry.sh"
export PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1

# digests LAYER: of all its layers, a line for each
digests() { sed -n 's/^layer //p' "$1"; }

# --- what python makes
python3 <<'EOT'
from oci_images import *
bottom = tar_of({"etc/": None, "etc/name": "bottom\n", "bin/sh": "x" * 100000}, "gzip")
middle = tar_of({"etc/name": "middle\n", "etc/.wh.gone": ""})
top = tar_of({"deep/down/file": "top\n"}, "gzip")
config = {"Entrypoint": ["/bin/sh", "-c"], "Cmd": ["run it"], "Env": ["PATH=/bin", "A=b c"], "WorkingDir": "/srv",
          "User": "7:8", "Labels": {"org.example.x": "y\x1b[2J"}, "ExposedPorts": {"80/tcp": {}}}
layout = Layout("one")
layout.add(layout.image([bottom, middle, top], config=config), "app:1")
layout = Layout("two")
layout.add(layout.image([bottom]), "first").add(layout.image([top]), "second:2")
layout = Layout("many")
for name in "abcdefghijkl":
    layout.add(layout.image([bottom], config={"Env": ["NAME=" + name]}), name)
layout = Layout("multi")
layout.add(layout.index([
    layout.image([top], "arm64", platform={"architecture": "arm64", "os": "linux"}),
    layout.image([bottom], "amd64", platform={"architecture": "amd64", "os": "linux"}),
    layout.image([middle], "amd64", platform={"architecture": "amd64", "os": "windows"})]), "multi")
layout = Layout("nested")
entry = layout.image([bottom], platform={"architecture": "amd64", "os": "linux"})
for _ in range(4):
    entry = layout.index([entry])
layout.add(entry, "nested")
layout = Layout("repeated")
layout.add(layout.image([top, middle, top, bottom, top]), "repeated")
plain = [gzip.decompress(bottom), middle]
docker_archive("docker.tar", plain, config=config)
docker_archive("old.tar", [middle, plain[0]], names=["a/layer.tar", "b/layer.tar"], tags=("old:1", "old:latest"),
               extra={"c/layer.tar": ("link", "../a/layer.tar"), "a/VERSION": "1.0"},
               change=lambda entry, members: entry.update(Layers=["c/layer.tar", "b/layer.tar"]))
EOT
import_it() { "$plyboot" import -o "$@"; }

ok "an OCI layout" import_it one.layer one
has "... says what comes next" "$work/out" '^next: plyboot stack --store store --name one .* one.layer$'
is "... three records, the bottom one first" "$(digests one.layer)" \
	"$(skopeo inspect oci:one:app:1 | python3 -c 'import json, sys; print("\n".join(json.load(sys.stdin)["Layers"]))')"
for digest in $(digests one.layer); do
	cmp -s "one/blobs/sha256/${digest#sha256:}" "store/blobs/sha256/${digest#sha256:}" || fail "$digest differs"
done
is "... media types as they are" "$(of one.layer media-type | sed 's/.*v1.//' | xargs)" "tar+gzip tar tar+gzip"
ok "... the store has manifest and config" skopeo inspect --config oci:store:app:1
ok "... its manifest is the source's" cmp <(skopeo inspect --raw oci:store:app:1) <(skopeo inspect --raw oci:one:app:1)
ok "... umoci lists it" grep -qx app:1 <(umoci ls --layout store)
ok "... the stack command that was printed" "$plyboot" stack --name one --version 1 --init /bin/sh one.layer
is "... has all three" "$(grep -c '^layer ' store/stacks/one-1.stack)" 3
"$plyboot" keygen -o k >/dev/null
ok "... signs" "$plyboot" sign --key k.key store/stacks/one-1.stack
ok "... and verifies" "$plyboot" verify --pub k.pub
ok "inspect shows each record" "$plyboot" inspect one.layer
is "... " "$(grep -c '^layer . of 3' "$work/out")" 3
cp -r store store.before && cp one.layer one.before
ok "once more" import_it one.layer oci:one:app:1
ok "... the same records" cmp one.layer one.before
ok "... the same store" diff -r store store.before

# --- its config
ok "inspect --image shows the image" "$plyboot" inspect --image --store store app:1
for line in 'platform +linux/amd64' 'entrypoint +/bin/sh' 'cmd +run it' 'env +PATH=/bin' ' +A=b c' 'working dir +/srv' \
	'user +7:8' 'ports +80/tcp' 'layer 3 of 3' "  digest +$(digests one.layer | tail -n 1)"; do
	has "... $line" "$work/out" "^$line\$"
done
ok "... without what a terminal obeys" bash -c '! grep -q "$(printf "\033")" "$0"' "$work/out"
ok "... as JSON" "$plyboot" inspect --image --json --store store app:1
is "... has the same config and layers" "$(python3 -c 'import json, sys
image = json.load(sys.stdin)
print(image["kind"], image["name"], image["manifest"] == sys.argv[1], len(image["layers"]),
      [layer["diff_id"] for layer in image["layers"]] == image["config"]["rootfs"]["diff_ids"],
      [layer["digest"] for layer in image["layers"]] == sys.argv[2].split())' \
	"sha256:$(skopeo inspect --raw oci:one:app:1 | sha256sum | cut -d ' ' -f 1)" "$(digests one.layer)" <"$work/out")" "image app:1 True 3 True True"
refuses "a name that is not there" 3 MISSING "$plyboot" inspect --image --store store none
has "... the names that are" "$work/err" 'no image is named `none`; there are: app:1$'

# --- archives of it
tar -C one -cf one.tar . && gzip -k one.tar && zstd -q one.tar
for name in one.tar one.tar.gz one.tar.zst oci-archive:one.tar; do
	ok "$name" import_it x.layer --store other "$name"
	ok "... the same records" cmp x.layer one.layer
	rm -r other
done

# --- several images, several architectures
refuses "two images and no name" 2 USAGE import_it x.layer two
has "... names them" "$work/err" 'there are 2 images: first, second:2$'
refuses "a name that none has" 3 MISSING import_it x.layer --image third two
ok "a name behind the source" import_it x.layer two:second:2
is "... that one" "$(digests x.layer)" "$(digests one.layer | tail -n 1)"
ok "--image" import_it x.layer --image first two
is "... that one" "$(digests x.layer)" "$(digests one.layer | head -n 1)"
for name in a b c d e f g h i j k l; do
	("$plyboot" import --store at-once -o "at-once.$name" "many:$name" >/dev/null 2>"at-once.err.$name"; echo $? >"at-once.status.$name") &
done
wait
is "twelve at once" "$(cat at-once.status.* | sort | uniq -c | xargs)" "12 0"
is "... none takes another one's name away" "$(umoci ls --layout at-once | sort | xargs)" "a b c d e f g h i j k l"
ok "this architecture" import_it x.layer --arch x86_64 multi
is "... its layer" "$(digests x.layer)" "$(digests one.layer | head -n 1)"
ok "another" import_it x.layer --arch aarch64 --name arm multi
is "... its layer" "$(digests x.layer)" "$(digests one.layer | tail -n 1)"
ok "by OCI's name" import_it x.layer --arch arm64 --name arm multi
refuses "one that is not there" 1 TARGET import_it x.layer --arch riscv64 multi
has "... names those that are" "$work/err" 'no image for linux/riscv64; there are: linux/arm64, linux/amd64, windows/amd64$'
refuses "an image of another architecture" 1 TARGET import_it x.layer --arch s390x one
ok "indexes in indexes" import_it x.layer nested

# --- the same layer again
ok "a layer three times" import_it repeated.layer repeated
is "... its uppermost stays" "$(digests repeated.layer)" "$(for n in 2 1 3; do digests one.layer | sed -n ${n}p; done)"
has "... that is said" "$work/out" '^  the same comes again above it: left out$'
ok "... the stack takes it" "$plyboot" stack --name r --version 1 --init /x repeated.layer
refuses "a stack with a layer twice" 2 USAGE "$plyboot" stack --name r --version 2 one.layer repeated.layer
has "... which" "$work/err" 'layer 4 is layer 2 again: sha256:'

# --- docker-archives
ok "a docker-archive" import_it docker.layer docker.tar
is "... its layers are the plain tars" "$(digests docker.layer | head -n 1)" \
	"sha256:$(tar -xOf docker.tar 0/layer.tar | sha256sum | cut -d' ' -f1)"
ok "... skopeo reads the manifest that was made" skopeo inspect oci:store:demo:1
ok "one of an old docker, with links" import_it old.layer --store oldstore old.tar
is "... the same layers, the other way round" "$(digests old.layer)" "$(digests docker.layer | tac)"
ok "docker-archive:PATH:NAME" import_it x.layer --store oldstore docker-archive:old.tar:old:latest
refuses "a name that it has not" 3 MISSING import_it x.layer --image none:1 old.tar

# --- skopeo's and umoci's own
skopeo copy -q --override-arch amd64 oci:one:app:1 docker-archive:skopeo.tar:made/by:skopeo >/dev/null
ok "skopeo's docker-archive" import_it x.layer skopeo.tar
is "... as many layers" "$(digests x.layer | wc -l)" 3
umoci init --layout umoci && umoci new --image umoci:u && umoci unpack --image umoci:u bundle >/dev/null
mkdir bundle/rootfs/etc && echo u >bundle/rootfs/etc/u && setcap cap_net_raw+ep bundle/rootfs/etc/u
umoci repack --image umoci:u bundle >/dev/null
ok "umoci's layout" import_it x.layer umoci:u

# --- buildah's
buildah_() { buildah --storage-driver vfs --root "$work/buildah" --runroot "$work/buildah.run" "$@"; }
container=$(buildah_ from scratch) && mkdir -p made/bin && cp "$(type -P busybox)" made/bin/sh &&
	buildah_ copy "$container" made / >/dev/null &&
	buildah_ config --entrypoint '["/bin/sh"]' --author somebody "$container" &&
	buildah_ commit -q "$container" "oci:$work/dir/built:b" >/dev/null &&
	buildah_ commit -q "$container" "docker-archive:$work/dir/built.tar:b:1" >/dev/null
ok "buildah's layout" import_it b.layer built
ok "... its entrypoint" grep -qE '^entrypoint +/bin/sh$' <("$plyboot" inspect --image --store store b)
ok "buildah's docker-archive" import_it x.layer built.tar
ok "... of another store, umoci unpacks it" umoci unpack --rootless --image store:b unpacked

# --- a registry
ok "a registry" registry_start
skopeo copy -q --dest-tls-verify=false oci:one:app:1 "docker://$registry/app:1"
registry_mark
ok "docker://" import_it r.layer --store pulled --insecure "docker://$registry/app:1"
has "... says that skopeo is called" "$work/out" "^calling skopeo copy docker://$registry/app:1\$"
is "... the registry's digests" "$(digests r.layer)" \
	"$(skopeo inspect --tls-verify=false "docker://$registry/app:1" |
		python3 -c 'import json, sys; print("\n".join(json.load(sys.stdin)["Layers"]))')"
ok "... in the index by that name" skopeo inspect "oci:pulled:$registry/app:1"
is "... fetches every layer" "$(($(registry_blobs GET | cut -d' ' -f1) > $(digests r.layer | wc -l)))" 1
registry_mark
ok "again, into a store that has it" import_it r.layer --store pulled --insecure "docker://$registry/app:1"
is "... fetches no layer, only the config" "$(($(registry_blobs GET | cut -d' ' -f1) <= 1))" 1
rotten=$(digests r.layer | tail -n 1)
rotten=pulled/blobs/sha256/${rotten#sha256:}
cp "$rotten" right && flip "$rotten" 20
registry_mark
ok "again, where a layer has rotted" import_it r.layer --store pulled --insecure "docker://$registry/app:1"
is "... it alone is fetched" "$(($(registry_blobs GET | cut -d' ' -f1) <= 3))" 1
ok "... and is right again" cmp "$rotten" right
truncate -s 0 "$rotten"
ok "again, where one is cut to nothing" import_it r.layer --store pulled --insecure "docker://$registry/app:1"
ok "... it is right again" cmp "$rotten" right
is "... blobs with one name each" "$(find pulled -type f -links +1)" ""
ok "... leaves nothing of its own" [ -z "$(find pulled -mindepth 1 -maxdepth 1 -name '.*')" ]
refuses "a registry without TLS" 3 IO import_it x.layer "docker://$registry/app:1"
refuses "an image that it has not" 3 IO import_it x.layer --insecure "docker://$registry/none:1"
mkdir path && ln -s "$(type -P bash)" path/
refuses "no skopeo" 3 MISSING env PATH="$work/dir/path" "$plyboot" import -o x.layer docker://localhost/x
registry_stop

as_nobody "$plyboot" import --store "$work/tmp/nobody" -o "$work/tmp/n.layer" one.tar >"$work/out" 2>"$work/err"
is "an ordinary user" $? 0
ok "... has the same" cmp "$work/tmp/n.layer" one.layer
rm -rf "$work/tmp/nobody" "$work/tmp/n.layer"
finish
