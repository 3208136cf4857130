"""Read the examples as layers/FORMAT.md describes them, with nothing of plyboot's.

Prints TAP. Needs Python's standard library, openssl for the signature, and zstd for one layer.
"""
import base64
import gzip
import hashlib
import io
import pathlib
import re
import struct
import subprocess
import tarfile
import tempfile
import zlib

here = pathlib.Path(__file__).parent
blobs = here / "store/blobs/sha256"
count = 0


def ok(good, name):
    global count
    count += 1
    print(f"{'ok' if good else 'not ok'} {count} - {name}")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def blob(digest):
    return (blobs / digest.removeprefix("sha256:")).read_bytes()


def number(text):
    assert re.fullmatch("0|[1-9][0-9]*", text), text
    return int(text)


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=False, capture_output=True)


def der_integer(value):
    raw = value.to_bytes(33, "big").lstrip(b"\0")
    raw = (b"\0" if raw[0] & 0x80 else b"") + raw
    return b"\x02" + bytes([len(raw)]) + raw


# --- the stack file ------------------------------------------------------------------------------------

stack = (here / "store/stacks/example-7.stack").read_bytes()
end = stack.index(b"\n---\n") + 5
signed, lines = stack[:end], stack[end:].decode().splitlines()
ok(stack.isascii() and all(b == 10 or 32 <= b < 127 for b in stack), "printable ASCII and line feeds")

key_id, algorithm, signature = lines[0].split(" ")
raw = base64.b64decode(signature, validate=True)
spki = openssl("pkey", "-pubin", "-in", str(here / "example.pub"), "-outform", "DER").stdout
ok(len(spki) == 91 and key_id == "sha256:" + sha256(spki), "key id is the SHA-256 of the public key's DER")
ok(algorithm == "ecdsa-p256-sha256" and len(raw) == 64, "the signature is r and s, 64 bytes")
body = b"".join(der_integer(int.from_bytes(raw[i:i + 32], "big")) for i in (0, 32))
with tempfile.TemporaryDirectory() as work:
    for changed, wanted in ((signed, 0), (signed.replace(b"floor 3", b"floor 2"), 1)):
        (pathlib.Path(work) / "text").write_bytes(changed)
        (pathlib.Path(work) / "sig").write_bytes(b"\x30" + bytes([len(body)]) + body)
        status = openssl("dgst", "-sha256", "-verify", str(here / "example.pub"), "-signature", f"{work}/sig",
                         f"{work}/text").returncode
        ok(status == wanted, "openssl verifies it" if wanted == 0 else "and not another text")

fields = [line.split(" ", 1) for line in signed.decode().splitlines()]
names = [field[0] for field in fields]
layer_names = ["layer", "media-type", "stored", "unpacked", "entries", "largest-piece", "user-xattrs", "pieces"]
ok(names == ["plyboot", "name", "version", "floor", "created", "architecture", "kernel"] + layer_names * 3 +
   ["upper", "persist", "init", "on-failure", "---"], "the keys in their order")
ok((here / "example.layer").read_bytes() == b"\n".join(signed.split(b"\n")[7:15]) + b"\n",
   "a .layer file is the eight lines")

# --- layers and their piece tables ----------------------------------------------------------------------

decoders = {"tar": lambda b: b, "tar+gzip": gzip.decompress,
            "tar+zstd": lambda b: subprocess.run(["zstd", "-dcq"], input=b, check=True, capture_output=True).stdout}
tars = []
for first in (7, 15, 23):
    layer = dict(fields[first:first + 8])
    kind = layer["media-type"].rsplit(".", 1)[1]
    stored, table = blob(layer["layer"]), blob(layer["pieces"])
    ok("sha256:" + sha256(stored) == layer["layer"] and len(stored) == number(layer["stored"]), f"{kind}: the blob")
    ok("sha256:" + sha256(table) == layer["pieces"] and table[:16] == b"plyboot pieces 1", f"{kind}: the piece table")
    pieces = list(struct.iter_unpack("<QQ32s", table[24:]))
    ok(struct.unpack("<Q", table[16:24])[0] == len(pieces), f"{kind}: as many pieces as it says")
    at, decoded = 0, b""
    for length, decoded_length, digest in pieces:
        piece = stored[at:at + length]
        at += length
        good = hashlib.sha256(piece).digest() == digest and len(decoders[kind](piece)) == decoded_length
        decoded += decoders[kind](piece)
        ok(good, f"{kind}: a piece of {length} bytes, decoded by itself")
    ok(at == len(stored) and max(p[0] for p in pieces) == number(layer["largest-piece"]), f"{kind}: they cover the blob")
    charge = sum((m.size + 4095) // 4096 * 4096 if m.isreg() else len(m.linkname) if m.issym() else 0
                 for m in tarfile.open(fileobj=io.BytesIO(decoded)))
    entries = len(tarfile.open(fileobj=io.BytesIO(decoded)).getmembers())
    ok((charge, entries) == (number(layer["unpacked"]), number(layer["entries"])), f"{kind}: unpacked and entries")
    tars.append(decoded)
ok(tars[0] == tars[1] == tars[2], "the three layers hold one tar")

# --- the record ------------------------------------------------------------------------------------------

for copy in (0, 1):
    data = (here / f"record.{copy}").read_bytes()
    crc, zero, sequence, stacks, names_used = struct.unpack_from("<IIQII", data, 16)
    ok(data[:16] == b"plyboot record 1" and len(data) == 4096 and zero == 0, f"record {copy}: its header")
    ok(zlib.crc32(data[:16] + bytes(4) + data[20:]) == crc, f"record {copy}: its CRC")
    ok(sequence == 2 - copy and stacks == 1 and names_used == 1, f"record {copy}: sequence number and counts")
    _, version, tries, confirmed, last, name = struct.unpack_from("<32sQBB6xQ8x64s", data, 64)
    ok((version, tries, confirmed, last, name.rstrip(b"\0")) == (1, 1 + copy, 0, sequence, b"test"), f"record {copy}: its stack")
    name, floor, boots = struct.unpack_from("<64sQI", data, 2112)
    ok((name.rstrip(b"\0"), floor, boots) == (b"test", 0, 2 - copy), f"record {copy}: its name")
    ok(not any(data[40:64]) and not any(data[2208:]), f"record {copy}: the rest is zero")
print(f"1..{count}")
