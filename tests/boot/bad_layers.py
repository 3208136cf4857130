"""Layers and stack files that the host command would not make, signed all the same.

    bad_layers.py layer STORE KIND OUT.layer     a layer that /init must refuse with the code KIND
    bad_layers.py stack KEY.key FROM TO KIND     the stack file FROM, changed so that it is KIND, signed again
"""
import base64
import gzip
import hashlib
import io
import re
import struct
import subprocess
import sys
import tarfile

MEDIA = "application/vnd.oci.image.layer.v1.tar"


def tar(*members):
    """Of (name, attributes, PAX headers, content)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, attributes, headers, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.pax_headers = headers
            for key, value in attributes.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def file(name, content=b"", **attributes):
    return name, attributes, {}, content


def plain(bytes_, **claims):
    return bytes_, MEDIA, len(bytes_), claims


def bad_checksum():
    whole = bytearray(tar(file("file", b"x")))
    whole[0] ^= 1
    return bytes(whole)


def bad_stream():
    stored = bytearray(gzip.compress(tar(file("file", b"x")), mtime=0))
    stored[-8] ^= 1  # the CRC
    return bytes(stored), MEDIA + "+gzip", len(tar(file("file", b"x"))), {}


KINDS = {
    "TAR": lambda: plain(bad_checksum()),
    "TYPE": lambda: plain(tar(file("device", type=tarfile.CHRTYPE, devmajor=0, devminor=0))),
    "PATH": lambda: plain(tar(file("a/../../b"))),
    "WHITEOUT": lambda: plain(tar(file(".wh.name", b"not empty")), unpacked=4096),
    "XATTR": lambda: plain(tar(("file", {}, {"SCHILY.xattr.trusted.overlay.opaque": "y"}, b""))),
    "STREAM": bad_stream,
    "SIZE": lambda: plain(tar(file("file")), entries=2),
    "LIMIT": lambda: plain(tar(file("file"), file("one too many"))),
    "NOSPACE": lambda: plain(tar(file("file")), unpacked=1 << 36),
}


def put(store, blob):
    digest = hashlib.sha256(blob).hexdigest()
    with open(f"{store}/blobs/sha256/{digest}", "wb") as out:
        out.write(blob)
    return "sha256:" + digest


def write_layer(store, kind, out):
    stored, media, decoded, claims = KINDS[kind]()
    piece = struct.pack("<QQ", len(stored), decoded) + hashlib.sha256(stored).digest()
    table = b"plyboot pieces 1" + struct.pack("<Q", 1) + piece
    with open(out, "w", encoding="ascii") as layer:
        layer.write(f"layer {put(store, stored)}\nmedia-type {media}\nstored {len(stored)}\n"
                    f"unpacked {claims.get('unpacked', 0)}\nentries {claims.get('entries', 1)}\n"
                    f"largest-piece {len(stored)}\nuser-xattrs none\npieces {put(store, table)}\n")


def raw_signature(key, text):
    der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text, stdout=subprocess.PIPE,
                         check=True).stdout
    at, numbers = 2, b""
    for _ in range(2):  # SEQUENCE of two INTEGERs, each below 2^256
        length = der[at + 1]
        numbers += int.from_bytes(der[at + 2:at + 2 + length], "big").to_bytes(32, "big")
        at += 2 + length
    return numbers


def write_stack(key, source, out, kind):
    with open(source, "rb") as file_:
        text, _, signature = file_.read().partition(b"---\n")
    key_id = signature.split(b" ")[0]
    if kind == "FORMAT":
        text += b"unknown key\n"
    elif kind == "LIMIT":
        text = re.sub(rb"(?m)^floor .*$", b"floor 9223372036854775807", text)
    else:
        sys.exit(f"no kind of stack file: {kind}")
    text += b"---\n"
    with open(out, "wb") as file_:
        file_.write(text + key_id + b" ecdsa-p256-sha256 " + base64.b64encode(raw_signature(key, text)) + b"\n")


if sys.argv[1] == "layer":
    write_layer(*sys.argv[2:])
else:
    write_stack(*sys.argv[2:])
