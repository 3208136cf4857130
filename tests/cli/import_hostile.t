#!/bin/bash
# Images that lie, or that are damaged: the exact word for each, and the store as it was, to the byte.
# shellcheck disable=SC2016 # for another shell to expand
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
export PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1
python3 <<'EOT'
import bz2
import lzma
import os
import re
from oci_images import *

bottom = tar_of({"etc/": None, "etc/name": "bottom\n"}, "gzip")
top = tar_of({"deep/file": "top\n" * 1000}, "gzip")
LAYERS = [bottom, top]


def layout(name, change=None, layers=LAYERS, descriptor=None, **more):
    it = Layout(name)
    entry = it.image(layers, change=change, **more)
    it.add({**entry, **(descriptor or {})}, "it")
    return it


def damage(it, data_digest, change):
    path = f"{it.path}/blobs/sha256/{data_digest[7:]}"
    data = open(path, "rb").read()
    open(path, "wb").write(change(data))


def flip(data):
    return data[:-1] + bytes([data[-1] ^ 1])


def in_layer(**values):
    return lambda manifest: manifest["layers"][1].update(values)


layout("good")
damage(layout("layer-digest"), digest(top), flip)
damage(layout("layer-short"), digest(top), lambda data: data[:-10])
it = layout("config-digest")
damage(it, json.load(open("config-digest/blobs/sha256/" + it.entries[0]["digest"][7:]))["config"]["digest"], lambda d: d.replace(b"linux", b"linuy"))
damage(layout("manifest-digest"), json.load(open("manifest-digest/index.json"))["manifests"][0]["digest"],
       lambda data: data.replace(b"layers", b"Layers"))
layout("layer-size", in_layer(size=len(top) + 1))
layout("layer-zero", in_layer(size=0))
layout("layer-huge", in_layer(size=1 << 40))
layout("layer-negative", in_layer(size=-1))
layout("manifest-size", descriptor={"size": 1})
it = layout("layer-missing")
os.unlink("layer-missing/blobs/sha256/" + digest(top)[7:])
it = layout("manifest-missing")
os.unlink("manifest-missing/blobs/sha256/" + it.entries[0]["digest"][7:])
layout("sha512", in_layer(digest="sha512:" + "0" * 128))
layout("digest-path", in_layer(digest="sha256:../../../../etc/passwd"))
layout("foreign", in_layer(mediaType="application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", urls=["http://x/"]))
layout("encrypted", in_layer(mediaType=LAYER + "+gzip+encrypted"))
layout("unknown", in_layer(mediaType="application/octet-stream"))
layout("media-lies", in_layer(mediaType=LAYER))
layout("artifact", lambda manifest: manifest["config"].update(mediaType="application/vnd.oci.empty.v1+json"))
layout("no-layers", lambda manifest: manifest.update(layers=[]))
layout("fewer", lambda manifest: manifest["layers"].pop())
layout("many", lambda manifest: manifest.update(layers=manifest["layers"] * 250))
layout("schema-1", lambda manifest: manifest.update(schemaVersion=1))
layout("type-of-entry", descriptor={"mediaType": "application/x-thing"})


def with_config(name, data):
    it = Layout(name)
    config = it.blob(data, CONFIG)
    it.add(it.image(LAYERS, change=lambda manifest: manifest.update(config=config)), "it")


ids = b'"rootfs":{"type":"layers","diff_ids":["%s","%s"]}' % tuple(
    digest(gzip.decompress(data)).encode() for data in LAYERS)
with_config("config-good", b"{" + ids + b"}")
with_config("config-text", b"no JSON")
with_config("config-empty", b"")
with_config("config-list", b"[]")
with_config("config-deep", b'{"a":' + b"[" * 10_000_000)
with_config("config-deep-3m", b'{"a":' + b"[" * 3_000_000)
with_config("config-twice", b"{" + ids + b"," + ids + b"}")
with_config("config-binary", b"{\xff\x00}")
with_config("config-number", b"{" + ids + b',"os":1}')
with_config("diff-id", b"{" + ids.replace(digest(gzip.decompress(top)).encode(), digest(b"").encode()) + b"}")
with_config("windows", b"{" + ids + b',"os":"windows"}')
with_config("arm", b"{" + ids + b',"os":"linux","architecture":"arm64"}')

# What /init refuses
layout("traversal", layers=[bottom, tar_of({"../out": "x"})])
layout("cut-gzip", layers=[bottom], change=None)
layout("no-tar", layers=[b"this is no tar" * 100])
layout("empty-layer", layers=[b""])
for name, compress in ("bzip2", bz2.compress), ("xz", lzma.compress):
    it = Layout(name)
    data = compress(gzip.decompress(top))
    it.add(it.image(LAYERS, change=lambda m: m["layers"].__setitem__(1, it.blob(data, LAYER + "+" + name))), "it")
    it = Layout(name + "-hidden")
    it.add(it.image(LAYERS, change=lambda m: m["layers"].__setitem__(1, it.blob(data, LAYER))), "it")

# Indexes
it = Layout("self")
it.write("blobs/sha256/" + "0" * 64, dump({"schemaVersion": 2, "manifests": [
    {"mediaType": INDEX, "digest": "sha256:" + "0" * 64, "size": 0}]}))
size = os.path.getsize("self/blobs/sha256/" + "0" * 64)
it.add({"mediaType": INDEX, "digest": "sha256:" + "0" * 64, "size": size}, "it")
it = Layout("nested")
entry = it.image(LAYERS)
for _ in range(5):
    entry = it.index([entry])
it.add(entry, "it")
it = layout("index-deep")
it.write("index.json", b"[" * 10_000_000)
layout("index-text").write("index.json", b"not JSON")
os.unlink(layout("index-missing").path + "/index.json")
layout("version").write("oci-layout", dump({"imageLayoutVersion": "2.0.0"}))
Layout("none")
os.mkdir("neither")
it = layout("blob-link")
os.rename("blob-link/blobs/sha256/" + digest(top)[7:], "elsewhere")
os.symlink("../../../elsewhere", "blob-link/blobs/sha256/" + digest(top)[7:])
it = layout("blob-fifo")
os.unlink("blob-fifo/blobs/sha256/" + digest(top)[7:])
os.mkfifo("blob-fifo/blobs/sha256/" + digest(top)[7:])

# Archives
plain = [gzip.decompress(data) for data in LAYERS]
docker_archive("good.tar", plain)
docker_archive("member-up.tar", plain, extra={"../out": "x"})
docker_archive("member-absolute.tar", plain, extra={"/tmp/plyboot-out": "x"})
docker_archive("member-fifo.tar", plain, extra={"pipe": ("fifo", "")})
docker_archive("link-up.tar", plain, extra={"a/b": ("link", "../../etc/passwd")})
docker_archive("link-absolute.tar", plain, extra={"a/b": ("link", "/etc/passwd")})
docker_archive("hard-up.tar", plain, extra={"a/b": ("hard", "../etc/passwd")})
docker_archive("entry-up.tar", plain, change=lambda e, m: e.update(Layers=["../../etc/passwd", "1/layer.tar"]))
docker_archive("entry-absolute.tar", plain, change=lambda e, m: e.update(Layers=["/etc/passwd", "1/layer.tar"]))
docker_archive("config-up.tar", plain, change=lambda e, m: e.update(Config="../../etc/passwd"))
docker_archive("circle.tar", plain, extra={"0/x": ("link", "y"), "0/y": ("link", "x")},
               change=lambda e, m: e.update(Layers=["0/x", "1/layer.tar"]))
docker_archive("entry-missing.tar", plain, change=lambda e, m: e.update(Layers=["0/layer.tar", "2/layer.tar"]))
docker_archive("entry-number.tar", plain, change=lambda e, m: e.update(Layers=["0/layer.tar", 7]))
docker_archive("entry-none.tar", plain, change=lambda e, m: e.pop("Config"))
docker_archive("other-layer.tar", plain, change=lambda e, m: m.update({"1/layer.tar": tar_of({"x": "y"})}))


def other_config(entry, members):
    members[entry["Config"]] = members[entry["Config"]].replace(b"linux", b"linuy")


docker_archive("other-config.tar", plain, change=other_config)
docker_archive("list-text.tar", plain, extra={"manifest.json": "no JSON"})
docker_archive("list-object.tar", plain, extra={"manifest.json": "{}"})
docker_archive("list-deep.tar", plain, extra={"manifest.json": "[" * 3_000_000})
docker_archive("list-empty.tar", plain, extra={"manifest.json": "[]"})
good = open("good.tar", "rb").read()
open("cut.tar", "wb").write(good[:1500])
open("cut-data.tar", "wb").write(good[:len(tar_of({"a": plain[0]})) - 9000])
open("cut.tar.gz", "wb").write(gzip.compress(good)[:-20])
open("text.tar", "wb").write(b"nothing of the kind\n" * 100)
open("empty.tar", "wb").write(b"")
with tarfile.open("twice.tar", "w") as tar:
    for _ in range(2):
        tar.addfile(tarfile.TarInfo("manifest.json"))
with tarfile.open("members.tar", "w") as tar:
    for i in range(10001):
        tar.addfile(tarfile.TarInfo(str(i)))
sparse = tarfile.TarInfo("big")
sparse.size = 1 << 40
open("big.tar", "wb").write(sparse.tobuf() + b"x" * 1024)
EOT

import_it() { timeout 60 "$plyboot" import -o x.layer "$@"; }
# Of a layer that is there, nothing may change either.
ok "a store with one of the layers" "$plyboot" import -o good.layer good
mkdir empty && "$plyboot" import --store once -o once.layer good >/dev/null

# The same into a store that has one of the layers, and into none.
expect() { # STATUS CODE SOURCE [WORDS]
	refuses "$3: $2" "$1" "$2" import_it --arch amd64 "$3"
	[ -z "${4-}" ] || has "... $4" "$work/err" "$4"
	refuses "... into no store" "$1" "$2" import_it --arch amd64 --store fresh "$3"
}
top=$(sed -n 's/^layer //p' good.layer | tail -n 1)
expect 1 DIGEST layer-digest "layer 2 \($top\)"
expect 1 SIZE layer-short "layer 2 "
expect 1 DIGEST config-digest 'the config [0-9a-f]{64}: '
expect 1 DIGEST manifest-digest 'the manifest [0-9a-f]{64}: '
expect 1 SIZE layer-size 'layer 2 .*instead of'
expect 1 SIZE layer-zero
expect 1 LIMIT layer-huge 'entry 2 of `layers`'
expect 1 FORMAT layer-negative
expect 1 SIZE manifest-size 'the manifest '
expect 3 MISSING layer-missing 'layer 2 '
expect 3 MISSING manifest-missing
expect 1 FORMAT sha512
expect 1 FORMAT digest-path
expect 1 TYPE foreign 'not distributed with the image'
expect 1 TYPE encrypted 'it is encrypted'
expect 1 TYPE unknown
expect 1 TYPE media-lies 'stored as gzip, and its media type says tar'
expect 1 TYPE artifact 'no image of a root file system'
expect 1 FORMAT no-layers
expect 1 FORMAT fewer
expect 1 LIMIT many
expect 1 FORMAT schema-1
expect 1 TYPE type-of-entry
for name in text empty list deep-3m twice binary number; do expect 1 FORMAT config-$name; done
expect 1 LIMIT config-deep
expect 1 DIGEST diff-id 'layer 2 .*uncompressed'
expect 1 TARGET windows
expect 1 TARGET arm 'for arm64, not for amd64'
expect 1 PATH traversal '/init would refuse it'
expect 1 TAR no-tar
expect 1 TAR empty-layer
for name in bzip2 xz; do
	expect 1 TYPE $name "$name is not what /init can read"
	expect 1 TYPE $name-hidden "compressed by $name"
done
expect 1 DIGEST self
expect 1 LIMIT nested
expect 1 LIMIT index-deep
expect 1 FORMAT index-text
expect 3 MISSING index-missing
expect 1 FORMAT version
expect 3 MISSING none
expect 1 FORMAT neither
expect 1 PATH blob-link
expect 1 TYPE blob-fifo
for name in member-up member-absolute link-up link-absolute hard-up entry-up entry-absolute config-up circle; do
	expect 1 PATH $name.tar
done
expect 1 TYPE member-fifo.tar
expect 3 MISSING entry-missing.tar
expect 1 FORMAT entry-number.tar
expect 1 FORMAT entry-none.tar
expect 1 DIGEST other-layer.tar
expect 1 DIGEST other-config.tar
for name in list-text list-object list-deep twice; do expect 1 FORMAT $name.tar; done
expect 3 MISSING list-empty.tar
expect 1 TAR empty.tar
expect 1 TAR cut.tar
expect 1 TAR cut-data.tar
expect 1 STREAM cut.tar.gz
expect 1 TAR text.tar
expect 1 LIMIT members.tar
expect 1 LIMIT big.tar
refuses "a name that is none" 2 USAGE import_it --name '-x' good
refuses "nor one with blanks" 2 USAGE import_it --name 'a b' good
refuses "nothing there" 3 MISSING import_it nowhere

# --- a store that is damaged
# A blob that has rotted is not believed, and is put right.
rotten=store/blobs/sha256/${top#sha256:}
flip "$rotten" 20
ok "a blob of the store that has rotted" import_it good
ok "... is good again" cmp "$rotten" "good/blobs/sha256/${top#sha256:}"
echo '{"schemaVersion":2}' >store/index.json
refuses "a store whose index is none" 1 FORMAT import_it good

# --- no room, and signals
python3 -c '
from oci_images import *
import os
layout = Layout("large")
data = tar_of({"zero": b"\0" * 60_000_000, "noise": os.urandom(8_000_000)}, "gzip")
layout.add(layout.image([data]), "it")'
tar -C large -cf large.tar .
mkdir full
for source in large large.tar; do
	within() {
		unshare -m bash -c 'mount -t tmpfs -o size=4m none full; "$@"; status=$?
			find full -mindepth 1 >"$0"; exit $status' "$work/left" "$@"
	}
	refuses "no room: $source" 3 NOSPACE within "$plyboot" import --store full/store -o x.layer $source
	is "... leaves nothing there" "$(cat "$work/left")" ""
	for signal in TERM INT HUP; do
		before=$(snapshot) seen=
		for delay in 0.05 0.2 0.6; do
			(
				trap - INT
				exec "$plyboot" import --store new -o x.layer $source
			) >"$work/out" 2>"$work/err" &
			sleep $delay
			kill -$signal $! 2>/dev/null
			wait $!
			status=$?
			if [ $status -eq 0 ]; then
				rm -rf new x.layer
				continue
			fi
			if [ "$before" != "$(snapshot)" ] || [ -n "$(find "$TMPDIR" -mindepth 1)" ]; then
				find new >"$work/left"
				fail "$source: SIG$signal after $delay s leaves something" "$work/left"
				rm -rf new x.layer
			fi
			seen="$seen $delay"
		done
		if [ -n "$seen" ]; then pass "$source: SIG$signal (after$seen s)"; else fail "SIG$signal: it was too fast"; fi
	done
done
for name in good config-good good.tar; do
	rm -f x.layer
	ok "and what is good, is: $name" import_it --store fresh --name ok $name
done
finish
