#!/usr/bin/env python3
"""OCI layouts and docker-archives for the tests, whole ones and damaged ones. As a module for what a test makes up."""
import gzip
import hashlib
import io
import json
import os
import tarfile

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
REF = "org.opencontainers.image.ref.name"


def tar_of(files, compress=None):
    """A tar of {name: content}; content None is a directory, ("link", target) a symlink."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.mtime = 1700000000
            if content is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info)
            elif isinstance(content, tuple):
                info.type = {"link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "fifo": tarfile.FIFOTYPE}[content[0]]
                info.linkname = content[1]
                tar.addfile(info)
            else:
                data = content.encode() if isinstance(content, str) else content
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue(), mtime=0) if compress == "gzip" else out.getvalue()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def dump(value):
    return json.dumps(value).encode()


class Layout:
    """An OCI layout in a directory."""

    def __init__(self, path):
        self.path = path
        self.entries = []
        os.makedirs(f"{path}/blobs/sha256")
        self.write("oci-layout", dump({"imageLayoutVersion": "1.0.0"}))
        self.write("index.json", dump({"schemaVersion": 2, "manifests": []}))

    def write(self, name, data):
        with open(f"{self.path}/{name}", "wb") as file:
            file.write(data)

    def blob(self, data, media_type, **more):
        self.write("blobs/sha256/" + digest(data)[7:], data)
        return {"mediaType": media_type, "digest": digest(data), "size": len(data), **more}

    def image(self, layers, architecture="amd64", config=None, change=None, **more):
        """`layers` are tars, plain or gzip. `change` may change the manifest. The descriptor of the manifest."""
        plain = [gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data for data in layers]
        body = {"architecture": architecture, "os": "linux",
                "config": config or {},
                "rootfs": {"type": "layers", "diff_ids": [digest(data) for data in plain]}}
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": self.blob(dump(body), CONFIG),
                    "layers": [self.blob(data, LAYER + ("+gzip" if data[:2] == b"\x1f\x8b" else ""))
                               for data in layers]}
        if change:
            change(manifest)
        return self.blob(dump(manifest), MANIFEST, **more)

    def index(self, entries):
        return self.blob(dump({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}), INDEX)

    def add(self, descriptor, name=None):
        if name:
            descriptor = {**descriptor, "annotations": {REF: name}}
        self.entries.append(descriptor)
        self.write("index.json", dump({"schemaVersion": 2, "manifests": self.entries}))
        return self


def docker_archive(path, layers, tags=("demo:1",), config=None, names=None, extra=None, change=None):
    """An archive as `docker save` writes it: layers in directories of their own."""
    body = dump({"architecture": "amd64", "os": "linux", "config": config or {},
                 "rootfs": {"type": "layers", "diff_ids": [digest(data) for data in layers]}})
    names = names or [f"{i}/layer.tar" for i in range(len(layers))]
    members = dict(zip(names, layers))
    members[digest(body)[7:] + ".json"] = body
    entry = {"Config": digest(body)[7:] + ".json", "RepoTags": list(tags), "Layers": names}
    if change:
        change(entry, members)
    members["manifest.json"] = dump([entry])
    members.update(extra or {})
    with open(path, "wb") as file:
        file.write(tar_of(members))
