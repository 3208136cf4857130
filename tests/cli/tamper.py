#!/usr/bin/env python3
"""An image that `plyboot push` made, with something changed, for pull to refuse.

    tamper.py HOW LAYOUT OUT     LAYOUT and OUT are OCI layouts with one image; OUT is made

The manifest and its digests are made anew, so that only what HOW says is wrong.
"""

import gzip
import hashlib
import io
import json
import os
import sys
import tarfile

GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
INDEX = "application/vnd.oci.image.index.v1+json"


class Image:
    def __init__(self, layout):
        self.layout = layout
        self.blobs = {}
        with open(f"{layout}/index.json") as file:
            self.manifest = json.loads(self.read(json.load(file)["manifests"][0]["digest"]))
        self.layers = self.manifest["layers"]
        for descriptor in self.layers + [self.manifest["config"]]:
            self.blobs[descriptor["digest"]] = self.read(descriptor["digest"])
        self.config = json.loads(self.read(self.manifest["config"]["digest"]))
        self.wrapped = False

    def read(self, digest):
        with open(f"{self.layout}/blobs/sha256/{digest[7:]}", "rb") as file:
            return file.read()

    def add(self, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return {"digest": digest, "size": len(data)}

    def members(self):
        """Of the top layer: (name, contents), directories' contents are None."""
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(self.blobs[self.layers[-1]["digest"]]))) as tar:
            return [(m.name, tar.extractfile(m).read() if m.isfile() else None) for m in tar]

    def set_tar(self, data, pack=gzip.compress):
        self.config["rootfs"]["diff_ids"][-1] = "sha256:" + hashlib.sha256(data).hexdigest()
        self.layers[-1].update(self.add(pack(data)))

    def set_members(self, members, **fields):
        self.set_tar(make_tar(members, **fields))

    def write(self, out):
        os.makedirs(f"{out}/blobs/sha256")
        self.manifest["config"].update(self.add(json.dumps(self.config).encode()))
        top = self.add(json.dumps(self.manifest).encode()) | {"mediaType": self.manifest["mediaType"]}
        if self.wrapped:
            top |= {"platform": {"architecture": "amd64", "os": "linux"}}
            index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [top]}
            top = self.add(json.dumps(index).encode()) | {"mediaType": INDEX}
        top["annotations"] = {"org.opencontainers.image.ref.name": "stack"}
        for digest, data in self.blobs.items():
            with open(f"{out}/blobs/sha256/{digest[7:]}", "wb") as file:
                file.write(data)
        with open(f"{out}/index.json", "w") as file:
            json.dump({"schemaVersion": 2, "manifests": [top]}, file)
        with open(f"{out}/oci-layout", "w") as file:
            file.write('{"imageLayoutVersion":"1.0.0"}')


def octal(value, size):
    return b"%0*o\0" % (size - 1, value)


def make_tar(members, **changed):
    """As plyboot writes it, each field by itself; `changed` has other ones."""
    out = b""
    for name, data in members:
        directory = data is None
        prefix, _, base = ("", "", name + "/") if directory else name.rpartition("/")
        fields = {
            "name": base.encode().ljust(100, b"\0"),
            "mode": octal(0o755 if directory else 0o644, 8),
            "owner": octal(0, 8) + octal(0, 8),
            "size": octal(0 if directory else len(data), 12),
            "time": octal(0, 12),
        } | ({} if directory else changed)
        head = b"".join(fields.values())
        tail = (b"5" if directory else b"0") + bytes(100) + b"ustar\x0000" + bytes(64)
        tail += octal(0, 8) * 2 + prefix.encode().ljust(155, b"\0") + bytes(12)
        total = sum(head) + sum(tail) + 8 * ord(" ")
        out += head + b"%06o\0 " % total + tail
        out += (data or b"") + bytes(-len(data or b"") % 512)
    return out + bytes(1024)


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def is_table(member):
    return member[0].startswith(".plyboot/pieces/")


def is_stack(member):
    return member[0].endswith(".stack")


# --- what may be wrong


def same(image):
    image.set_members(image.members())


def no_carrier(image):
    image.layers.pop()
    image.config["rootfs"]["diff_ids"].pop()
    image.config["history"].pop()


def other_name(image):
    image.set_members(image.members() + [(".plyboot/other", b"x")])


def outside(image):
    image.set_members(image.members() + [("etc/passwd", b"x")])


def table_elsewhere(image):
    image.set_members([("../" + n if is_table((n, d)) else n, d) for n, d in image.members()])


def two_stacks(image):
    members = image.members()
    at = next(i for i, m in enumerate(members) if is_stack(m))
    members.insert(at, (".plyboot/stacks/other-1.stack", members[at][1]))
    image.set_members(members)


def stack_renamed(image):
    image.set_members([(".plyboot/stacks/demo-9.stack" if is_stack((n, d)) else n, d) for n, d in image.members()])


def no_stack(image):
    image.set_members([m for m in image.members() if not is_stack(m)])


def owned(image):
    image.set_members(image.members(), owner=octal(1, 8) + octal(0, 8))


def table_missing(image):
    image.set_members(image.members()[:-1])


def table_twice(image):
    image.set_members(image.members() + image.members()[-1:])


def table_differs(image):
    members = image.members()
    members[-1] = (members[-1][0], flip(members[-1][1], 40))
    image.set_members(members)


def tables_swapped(image):
    members = image.members()
    members[-2:] = reversed(members[-2:])
    image.set_members(members)


def text_changed(image):
    image.set_members(
        [(n, d.replace(b"on-failure halt", b"on-failure shell") if is_stack((n, d)) else d) for n, d in image.members()]
    )


def text_damaged(image):
    image.set_members([(n, flip(d, 2) if is_stack((n, d)) else d) for n, d in image.members()])


def layers_swapped(image):
    for items in (image.layers, image.config["rootfs"]["diff_ids"]):
        items[0], items[1] = items[1], items[0]


def layer_more(image):
    for items in (image.layers, image.config["rootfs"]["diff_ids"], image.config["history"]):
        items.insert(1, items[0])


def layer_less(image):
    for items in (image.layers, image.config["rootfs"]["diff_ids"], image.config["history"]):
        del items[0]


def layer_other(image):
    tar = make_tar([("evil", b"evil")])
    image.layers[0].update(image.add(gzip.compress(tar)))
    image.config["rootfs"]["diff_ids"][0] = "sha256:" + hashlib.sha256(tar).hexdigest()


def layer_type(image):
    image.layers[0]["mediaType"] = GZIP.replace("gzip", "zstd")


def layer_size(image):
    image.layers[0]["size"] += 1


def layer_damaged(image):
    digest = image.layers[0]["digest"]
    image.blobs[digest] = flip(image.blobs[digest], 100)


def layer_gone(image):
    del image.blobs[image.layers[0]["digest"]]


def not_gzip(image):
    image.set_tar(make_tar(image.members()), pack=bytes)


def cut_gzip(image):
    image.set_tar(make_tar(image.members()), pack=lambda data: gzip.compress(data)[:-9])


def other_type(image):
    not_gzip(image)
    image.layers[-1]["mediaType"] = GZIP[: -len("+gzip")]


def bomb(image):
    image.set_tar(bytes(65 << 20))


def wrapped(image):
    image.wrapped = True


def main():
    how, layout, out = sys.argv[1:]
    image = Image(layout)
    globals()[how.replace("-", "_")](image)
    image.write(out)


main()
