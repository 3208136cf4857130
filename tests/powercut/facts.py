"""What a partition says after a power cut, by those who read it then: the kernel, the host command, and the record's format
as layers/FORMAT.md gives it."""
import hashlib
import os
import re
import stat
import struct
import subprocess
import tempfile
import zlib
from collections import namedtuple

from mounts import mounted

# --- the record

DISTANCE, SIZE = 1048576, 4096
STACKS, STACK, NAMES, NAME = 64, 128, 2112, 96
Record = namedtuple("Record", "sequence stacks floors")  # stacks: digest of the text -> (name, version, tries, confirmed)


def decode_copy(copy, place):
    """None when it is not valid."""
    if copy[:16] != b"plyboot record 1":
        return None
    if struct.unpack_from("<I", copy, 16)[0] != zlib.crc32(copy[:16] + bytes(4) + copy[20:]):
        return None
    sequence, stacks, names = struct.unpack_from("<QII", copy, 24)
    if sequence % 2 != place or sequence == 0:
        return None
    found, floors = {}, {}
    for at in range(STACKS, STACKS + STACK * stacks, STACK):
        version, tries, confirmed = struct.unpack_from("<QBB", copy, at + 32)
        name = copy[at + 64:at + 128].rstrip(b"\0").decode()
        found[copy[at:at + 32].hex()] = (name, version, tries, bool(confirmed))
    for at in range(NAMES, NAMES + NAME * names, NAME):
        floors[copy[at:at + 64].rstrip(b"\0").decode()] = struct.unpack_from("<Q", copy, at + 64)[0]
    return Record(sequence, found, floors)


def record(content):
    """The one that counts; None when there is no valid one, but something was written; sequence 0 when nothing was."""
    copies = [content[at:at + SIZE] for at in (0, DISTANCE)]
    valid = [found for place, copy in enumerate(copies) if (found := decode_copy(copy, place))]
    if valid:
        return max(valid, key=lambda found: found.sequence)
    return None if any(map(any, copies)) else Record(0, {}, {})


# --- file systems: (what is wrong or None, {what is there: what it is})

Facts = namedtuple("Facts", "wrong there")


def text_digest(content):
    """The SHA-256 of a stack file's signed text, by which the record knows it."""
    end = content.find(b"\n---\n")
    return hashlib.sha256(content[:end + 5]).hexdigest() if end >= 0 else None


def layers(path, at, command, pub):
    """Every stack file is there as NAME: digest of its text if `plyboot verify` says ok, else its complaint."""
    try:
        with mounted(path, at, True):
            names = sorted(name for name in os.listdir(f"{at}/stacks") if name.endswith(".stack"))
            done = subprocess.run([command, "verify", "--store", at, "--pub", pub], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, check=False)
            said, complaint = done.stdout.decode(), done.stderr.decode()
            if done.returncode not in (0, 1) or (done.returncode == 0) != all(f"{name}: ok\n" in said for name in names):
                return Facts(f"verify: status {done.returncode}: {said}{complaint}", {})
            there = {}
            for name in names:
                with open(f"{at}/stacks/{name}", "rb") as file:
                    content = file.read()
                good = re.search(f"^{re.escape(name)}: ok$", said, re.M)
                there[name] = text_digest(content) if good else "refused: " + " ".join(
                    line for line in complaint.splitlines() if name in line)
            return Facts(None, there)
    except OSError as why:
        return Facts(f"layers: {why}", {})


def state(path, at, _command, _pub):
    """The upper and what is in it: an upper that is there is whole, and says for what it was made."""
    try:
        with mounted(path, at, False):
            there = {}
            homes = os.listdir(f"{at}/plyboot") if os.path.isdir(f"{at}/plyboot") else []
            for home in homes:
                upper = f"{at}/plyboot/{home}/upper"
                if not os.path.lexists(upper):
                    continue
                with open(f"{at}/plyboot/{home}/made-for", encoding="ascii") as file:
                    if not re.fullmatch(rf"(?:{home} \d+ sha256:[0-9a-f]{{64}}\n)+", file.read()):
                        return Facts(f"state: the upper of {home} does not say what it was made for", {})
                if stat.S_IMODE(os.lstat(upper).st_mode) != 0o755:
                    return Facts(f"state: the upper of {home} has not its root's mode", {})
                for name in os.listdir(upper):
                    if stat.S_ISREG(os.lstat(f"{upper}/{name}").st_mode):
                        with open(f"{upper}/{name}", "rb") as file:
                            there[name] = file.read().decode(errors="replace").strip()
            probe = tempfile.TemporaryFile(dir=at)
            probe.write(b"still writable")
            probe.close()
            return Facts(None, there)
    except OSError as why:
        return Facts(f"state: {why}", {})
