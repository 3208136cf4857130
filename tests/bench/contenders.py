"""What unpacks what: the layers that are made of an input, and the command of each contender."""
import glob
import hashlib
import json
import os
import shutil
import subprocess

# Kind of blob: where it comes from, and how plyboot packs it.
KINDS = {
    "gzip": ("tar", "gzip"),
    "zstd": ("tar", "zstd"),
    "plain": ("tar", "none"),
    "foreign gzip": ("tar.gz", "as-is"),
    "foreign zstd": ("tar.zst", "as-is"),
}
KIND_NOTES = ("gzip, zstd: made by plyboot, a member or frame for each MiB of tar; foreign: `gzip -6`, `zstd -3`, one member or"
              " frame. Every contender of a kind unpacks the very same file")
GNU_TAR = ["tar", "--xattrs", "--xattrs-include=*", "--numeric-owner", "-xp"]
BSDTAR = ["bsdtar", "--numeric-owner", "-xp"]
VERIFIED = 'test "$(openssl dgst -sha256 -r "$0")" = "$1 *$0" && shift && exec "$@"'


class Contender:
    """A command that fills the empty directory `dest`; its tree is what `tree` (a pattern) matches there."""

    def __init__(self, name, kind, command, tree):
        self.name, self.kind, self.command, self.tree = name, kind, command, tree

    def label(self):
        return f"{self.name}, {self.kind}" if self.kind else self.name

    def root(self, dest):
        found = glob.glob(os.path.join(dest, self.tree))
        return found[0] if len(found) == 1 else None


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_layers(plyboot, source, out, environment):
    """Each kind's layer of the input in `source`, in the store `out`/store; and the OCI image that umoci takes."""
    for kind, (name, how) in KINDS.items():
        subprocess.run([plyboot, "pack", "--store", f"{out}/store", "--compress", how, "-o", f"{out}/{kind}.layer",
                        f"{source}/{name}"], check=True, stdout=subprocess.DEVNULL, env=environment)
    make_image(f"{source}/tar", f"{source}/tar.gz", f"{out}/image")


def make_image(tar, blob, out):
    """An OCI image layout with one image, `bench`, of one layer."""
    os.makedirs(f"{out}/blobs/sha256")

    def add(media, data):
        digest = hashlib.sha256(data).hexdigest()
        with open(f"{out}/blobs/sha256/{digest}", "wb") as file:
            file.write(data)
        return {"mediaType": f"application/vnd.oci.image.{media}", "digest": f"sha256:{digest}", "size": len(data)}

    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": f"sha256:{sha256(blob)}",
             "size": os.path.getsize(blob)}
    shutil.copyfile(blob, f"{out}/blobs/sha256/{layer['digest'][7:]}")
    config = add("config.v1+json", json.dumps({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(tar)}"]}}).encode())
    manifest = add("manifest.v1+json", json.dumps({"schemaVersion": 2, "config": config, "layers": [layer]}).encode())
    manifest["annotations"] = {"org.opencontainers.image.ref.name": "bench"}
    with open(f"{out}/index.json", "w", encoding="ascii") as file:
        json.dump({"schemaVersion": 2, "manifests": [manifest]}, file)
    with open(f"{out}/oci-layout", "w", encoding="ascii") as file:
        file.write('{"imageLayoutVersion":"1.0.0"}')


def blob_path(layers, kind):
    with open(f"{layers}/{kind}.layer", encoding="ascii") as record:
        digest = record.readline().split(":")[1].strip()
    return f"{layers}/store/blobs/sha256/{digest}", digest


def contenders(build, source, layers, dest):
    """In the order in which a round runs them."""
    result = []
    for kind in KINDS:
        blob, digest = blob_path(layers, kind)
        flag = {"gzip": ["-z"], "zstd": ["--zstd"], "plain": []}[kind.split()[-1]]
        verified = ["sh", "-c", VERIFIED, blob, digest]
        result += [
            Contender("plyboot", kind, [f"{build}/unpack", f"{layers}/store", dest, f"{layers}/{kind}.layer"], "*/root"),
            Contender("openssl + GNU tar", kind, verified + GNU_TAR + flag + ["-C", dest, "-f", blob], ""),
            Contender("openssl + bsdtar", kind, verified + BSDTAR + ["-C", dest, "-f", blob], ""),
        ]
        if kind == "foreign gzip":
            image = ["--image", f"{layers}/image:bench"]
            result += [
                Contender("umoci unpack", kind, ["umoci", "unpack", *image, f"{dest}/bundle"], "bundle/rootfs"),
                Contender("umoci raw unpack", kind, ["umoci", "raw", "unpack", *image, f"{dest}/rootfs"], "rootfs"),
            ]
    result.append(Contender("floor", "", [f"{build}/floor", f"{source}/names", dest], ""))
    return result
