"""Random layers, and their tars. The tar is written here, byte by byte, so that no library has a say in it."""

import stat
import struct

from model import DIRECTORY, Entry

NAMES = ["a", "b", "c", "d.e", "\u00e9"]  # few, so that they meet
SKELETON = ["dev", "proc", "run", "sys"]  # without which /init boots nothing
TIMES = [0, 1, 999999999, 1700000000 * 10**9 + 7, 1234567890123456789, -1, -86400 * 10**9 + 5, -2 * 10**18 + 1]

# --- a tar


def octal(value, size):
    return b"%0*o\0" % (size - 1, value)


def header(name, kind, size, entry):
    out = bytearray(512)
    out[0:len(name)] = name
    out[100:108] = octal(entry.mode, 8)
    out[108:116] = octal(min(entry.uid, 0o7777777), 8)
    out[116:124] = octal(min(entry.gid, 0o7777777), 8)
    out[124:136] = octal(size, 12)
    out[136:148] = octal(max(entry.mtime // 10**9, 0), 12)
    out[148:156] = b" " * 8
    out[156:157] = kind
    out[257:265] = b"ustar\x0000"
    out[148:156] = b"%06o\0 " % sum(out)
    return bytes(out)


def padded(data):
    return data + b"\0" * (-len(data) % 512)


def record(key, value):
    body = b" " + key + b"=" + value + b"\n"
    size = len(body)
    while len(b"%d" % size) + len(body) != size:
        size = len(b"%d" % size) + len(body)
    return b"%d" % size + body


def seconds(ns):
    sign, ns = ("-", -ns) if ns < 0 else ("", ns)
    return f"{sign}{ns // 10**9}.{ns % 10**9:09}".encode()


KINDS = {DIRECTORY: b"5", stat.S_IFREG: b"0", stat.S_IFLNK: b"2", stat.S_IFIFO: b"6", "link": b"1"}


def member(entry):
    name = "/".join(entry.path)
    kind = KINDS.get(entry.kind, b"0")
    if entry.kind == "whiteout":
        name = "/".join(entry.path[:-1] + (".wh." + entry.path[-1],))
    elif entry.kind == "opaque":
        name = "/".join(entry.path + (".wh..wh..opq",))
    elif entry.kind == DIRECTORY:
        name = f"./{name}/" if name else "./"
    pax = record(b"path", name.encode())
    pax += record(b"uid", b"%d" % entry.uid) + record(b"gid", b"%d" % entry.gid)
    pax += record(b"mtime", seconds(entry.mtime))
    if entry.target:
        target = entry.target if isinstance(entry.target, str) else "/".join(entry.target)
        pax += record(b"linkpath", target.encode())
    for key, value in entry.xattrs.items():
        pax += record(b"SCHILY.xattr." + key.encode(), value)
    return (header(b"PaxHeaders/x", b"x", len(pax), Entry((), "pax")) + padded(pax) +
            header(b"x", kind, len(entry.content), entry) + padded(entry.content))


def tar(layer):
    return b"".join(member(entry) for entry in layer) + b"\0" * 1024


# --- a layer


def acl():
    def item(tag, perm, ident=0xFFFFFFFF):
        return struct.pack("<HHI", tag, perm, ident)

    # u::rw- u:1000:r-- g::r-- m::r-- o::---: what the mode 0640 says, and a user more
    return struct.pack("<I", 2) + item(1, 6) + item(2, 4, 1000) + item(4, 4) + item(16, 4) + item(32, 0)


def describe(rng, entry):
    entry.uid = rng.choice([0, 0, 33, 1000, 3000000000])
    entry.gid = rng.choice([0, 0, 50, 4000000000])
    entry.mtime = rng.choice(TIMES)
    if entry.kind == stat.S_IFLNK:
        entry.mode = 0o777
        entry.target = rng.choice(["a", "../b", "/c", "nowhere", "\u00e9/x"])
        return entry
    if entry.kind == DIRECTORY:
        entry.mode = rng.choice([0o755, 0o700, 0o1777, 0o2775, 0o500, 0])
    else:
        entry.mode = rng.choice([0o644, 0o600, 0o4755, 0o2711, 0o6777, 0])
    if entry.kind == stat.S_IFREG:
        entry.content = bytes([rng.randrange(256)]) * rng.choice([0, 1, 512, 5000])
    if entry.kind != stat.S_IFIFO and rng.randrange(3) == 0:
        entry.xattrs["user." + rng.choice("xy")] = bytes(rng.randrange(256) for _ in range(rng.randrange(20)))
    if entry.kind == stat.S_IFREG and rng.randrange(6) == 0:
        entry.xattrs["security.capability"] = struct.pack("<5I", 0x02000001, 1 << rng.randrange(20), 0, 0, 0)
    if entry.kind != stat.S_IFIFO and rng.randrange(8) == 0:
        entry.mode, entry.xattrs["system.posix_acl_access"] = 0o640, acl()
    return entry


class Drawing:
    """A layer while it is drawn: what it has where, so that it does not contradict itself."""

    def __init__(self, rng, below):
        self.rng = rng
        self.known = [path for path, _ in below.walk() if path and path[0] in NAMES]
        self.below = below
        self.entries, self.marks = {}, set()
        # One layer in a few may lead through what is no directory below.
        self.may_lead_through = rng.randrange(25) == 0

    def path(self):
        rng = self.rng
        if self.known and rng.randrange(2):
            path = rng.choice(self.known)
            return path + (rng.choice(NAMES),) if rng.randrange(3) == 0 and len(path) < 4 else path
        return tuple(rng.choice(NAMES) for _ in range(rng.randrange(1, 4)))

    def is_possible(self, way):
        """May these be directories?"""
        for i in range(1, len(way) + 1):
            entry = self.entries.get(way[:i])
            if entry is not None and entry.kind != DIRECTORY:
                return False
            below = self.below.find(way[:i])
            if below is not None and not below.is_directory and entry is None and not self.may_lead_through:
                return False
        return True

    def has_below(self, path):
        everything = list(self.entries) + [mark.path + ("",) for mark in self.marks_of("opaque")]
        everything += [mark.path for mark in self.marks_of("whiteout")]
        return any(len(other) > len(path) and other[:len(path)] == path for other in everything)

    def marks_of(self, kind):
        return [Entry(path, mark) for path, mark in self.marks if mark == kind]

    def draw(self):
        rng = self.rng
        kind = rng.choice([stat.S_IFREG] * 4 + [DIRECTORY] * 4 + [stat.S_IFLNK, stat.S_IFIFO, "link"] +
                          ["whiteout"] * 3 + ["opaque"])
        path = self.path()
        if kind == "opaque":
            path = path[:-1] if rng.randrange(3) == 0 else path
            if self.is_possible(path):
                self.marks.add((path, kind))
        elif not self.is_possible(path[:-1]):
            pass
        elif kind == "whiteout":
            self.marks.add((path, kind))
        elif path not in self.entries and (kind == DIRECTORY or not self.has_below(path)):
            self.entries[path] = self.entry(path, kind)

    def entry(self, path, kind):
        if kind == "link":
            files = [p for p, other in self.entries.items() if other.kind not in (DIRECTORY, "link")]
            if files:
                return Entry(path, kind, target=self.rng.choice(files))
            kind = stat.S_IFREG
        return describe(self.rng, Entry(path, kind))

    def layer(self):
        """Shuffled, but that a hard link comes after its file, and most directories before what is in them."""
        rng = self.rng
        out = list(self.entries.values()) + [Entry(path, kind) for path, kind in self.marks]
        rng.shuffle(out)
        if rng.randrange(4):
            out.sort(key=lambda entry: entry.kind != DIRECTORY)
        out.sort(key=lambda entry: entry.kind == "link")
        if rng.randrange(2):
            out.insert(rng.randrange(len(out) + 1), describe(rng, Entry((), DIRECTORY)))
        return out


def random_layer(rng, below, is_top):
    drawing = Drawing(rng, below)
    for _ in range(rng.randrange(1, 16)):
        drawing.draw()
    layer = drawing.layer()
    if is_top:
        layer += [Entry((name,), DIRECTORY, 0o755) for name in SKELETON]
        layer.append(Entry(("init",), stat.S_IFREG, 0o755, content=b"#!"))
    return layer
