#!/usr/bin/env python3
"""What layers hold and what a stack of them is, by another program: the rules of OCI's layer.md and overlayfs on
dictionaries, applied one layer after the other; held against `plyboot ls`, `cat` and `inspect`.

    look_model.py random PLYBOOT FIRST LAST   for each seed: random tars, as layers of a stack
    look_model.py trees PLYBOOT FIRST LAST    for each seed: real trees, packed, changed, diffed
    look_model.py stack PLYBOOT TAR... -- NAME-VERSION   tars on disk, already packed as that stack's layers

Prints what is wrong, and nothing when all is as it must be.
"""

import base64
import io
import json
import os
import random
import re
import stat
import subprocess
import sys
import tarfile

import tree as trees

EPOCH = (0, 0)
TYPES = {tarfile.REGTYPE: "file", tarfile.SYMTYPE: "symlink", tarfile.CHRTYPE: "char", tarfile.BLKTYPE: "block",
         tarfile.DIRTYPE: "directory", tarfile.FIFOTYPE: "fifo"}


class Refused(Exception):
    pass


class Inode:
    def __init__(self, kind, metadata, size=0, target=None, device=None, data=b""):
        self.kind, self.metadata, self.size, self.target, self.device, self.data = kind, metadata, size, target, device, data
        self.implied = False


def default_metadata():
    return (0o755, 0, 0, EPOCH, ())


def timespec(text):
    """The whole seconds below, and what is left in ns."""
    match = re.fullmatch(r"(-?)(\d+)(?:\.(\d+))?", text)
    ns = int(match[2]) * 10**9 + int((match[3] or "").ljust(9, "0")[:9])
    return divmod(-ns if match[1] else ns, 10**9)


def metadata_of(member):
    prefix = "SCHILY.xattr."
    xattrs = sorted((key[len(prefix):], value.encode("utf-8", "surrogateescape"))
                    for key, value in member.pax_headers.items() if key.startswith(prefix))
    time = timespec(member.pax_headers["mtime"]) if "mtime" in member.pax_headers else (int(member.mtime), 0)
    mode = 0o777 if member.issym() else member.mode & 0o7777
    return (mode, member.uid, member.gid, time, tuple(xattrs))


def parents(path):
    parts = path.split("/")[:-1] if path else []
    return ([""] if path else []) + ["/".join(parts[:i + 1]) for i in range(len(parts))]


def normal(name):
    return "/".join(part for part in name.split("/") if part not in ("", "."))


class Layer:
    """One tar, entry by entry, as a file system would hold it."""

    def __init__(self):
        self.names = {"": self.new_implied()}
        self.whiteouts, self.removed, self.marked = set(), set(), set()

    @staticmethod
    def new_implied():
        inode = Inode("directory", default_metadata())
        inode.implied = True
        return inode

    def enter(self, directories):
        for path in directories:
            if path in self.whiteouts:
                self.whiteouts.discard(path)
                self.removed.add(path)
                self.names[path] = self.new_implied()
            elif path not in self.names:
                self.names[path] = self.new_implied()
            elif self.names[path].kind != "directory":
                raise Refused(path)

    def check_way(self, directories):
        for path in directories:
            if path in self.names and self.names[path].kind != "directory":
                raise Refused(path)

    def is_empty(self, path):
        return not any(other.startswith(path + "/") for other in list(self.names) + list(self.whiteouts))

    def put(self, path, inode):
        old = self.names.get(path)
        if path == "" and inode.kind != "directory":
            raise Refused(path)
        if old is not None and old.kind == "directory" and inode.kind != "directory" and not self.is_empty(path):
            raise Refused(path)
        if path in self.whiteouts:
            self.whiteouts.discard(path)
            self.removed.add(path)
        self.names[path] = inode

    def add(self, member, data):
        path = normal(member.name)
        base = path.rpartition("/")[2]
        if base == ".wh..wh..opq":
            directory = path.rpartition("/")[0]
            self.check_way(parents(directory) + [directory])
            self.enter(parents(directory) + [directory])
            self.marked.add(directory)
            return
        if base.startswith(".wh..wh."):
            return
        target = path
        if base.startswith(".wh."):
            target = normal(path.rpartition("/")[0] + "/" + base[4:])
        self.check_way(parents(target))
        if base.startswith(".wh."):
            self.enter(parents(target))
            if target in self.names or target in self.whiteouts:
                self.removed.add(target)
            else:
                self.whiteouts.add(target)
        elif member.islnk():
            first = self.names.get(normal(member.linkname))
            if first is None or first.kind == "directory" or normal(member.linkname) == path:
                raise Refused(path)
            self.enter(parents(path))
            self.put(path, first)
        else:
            self.enter(parents(path))
            self.put(path, Inode(TYPES[member.type], metadata_of(member), len(data), member.linkname if member.issym() else None,
                                 (member.devmajor, member.devminor) if member.isdev() and not member.isfifo() else None, data))

    def is_fresh(self, path):
        return self.names[path].implied and path in self.removed

    def opaque(self):
        return {path for path in self.marked | self.removed if path in self.names and self.names[path].kind == "directory"}


def read_layer(file):
    layer = Layer()
    with tarfile.open(file, errors="surrogateescape") as archive:
        for member in archive:
            layer.add(member, archive.extractfile(member).read() if member.isreg() else b"")
    return layer


def order(path):
    return [part.encode("utf-8", "surrogateescape") for part in path.split("/")] if path else []


class Shown:
    """A name in the tree of all layers so far."""

    def __init__(self, inode, layer, metadata, implied):
        self.inode, self.layer, self.metadata, self.implied = inode, layer, metadata, implied


def apply(shown, layer, number):
    gone = layer.whiteouts | {path for path, inode in layer.names.items() if inode.kind != "directory"}
    hiding = gone | layer.opaque()
    after = {path: old for path, old in shown.items()
             if path not in gone and not any(above in hiding for above in parents(path))}
    for path, inode in layer.names.items():
        old = after.get(path)
        if inode.implied and not layer.is_fresh(path) and old is not None and old.inode.kind == "directory":
            after[path] = Shown(inode, number, old.metadata, old.implied)
        else:
            after[path] = Shown(inode, number, inode.metadata, inode.implied)
    return after


def total(before, after, layer, number):
    """added, changed, removed, replaced; and what is hidden of which layer."""
    leaders = {}
    for path in sorted(layer.names, key=order):
        leaders.setdefault(id(layer.names[path]), path)
    sums = {key: [0, 0] for key in ("added", "changed", "removed", "replaced")}
    hides = {}

    def count_new(key, path, inode):
        sums[key][0] += 1
        sums[key][1] += inode.size if leaders[id(inode)] == path else 0

    ended = {}
    for path, new in after.items():
        old = before.get(path)
        if old is None:
            count_new("added", path, new.inode)
            continue
        both = old.inode.kind == "directory" == new.inode.kind
        if new.layer != number or (both and old.metadata == new.metadata):
            continue
        count_new("changed", path, new.inode)
        if not both:
            ended[path] = "replaced"
    ended.update({path: "removed" for path in before if path not in after})
    for path, how in ended.items():
        sums[how][0] += 1
        hides.setdefault(before[path].layer, [0, 0])[0] += 1
    alive = {id(s.inode) for s in after.values()}
    lost = {}
    for path, old in before.items():
        if id(old.inode) not in alive and path in ended:
            inode, layer_of, hows = lost.setdefault(id(old.inode), (old.inode, old.layer, set()))
            hows.add(ended[path])
    for inode, layer_of, hows in lost.values():
        sums["replaced" if "replaced" in hows else "removed"][1] += inode.size
        hides[layer_of][1] += inode.size
    return {key: {"entries": v[0], "bytes": v[1]} for key, v in sums.items()}, hides


def text_of(key, value):
    """As --json has names that are no UTF-8."""
    raw = value.encode("utf-8", "surrogateescape")
    try:
        return {key: raw.decode("utf-8")}
    except UnicodeDecodeError:
        shown = "".join(
            {"\n": "\\n", "\t": "\\t", "\\": "\\\\"}.get(c, c) if ord(c) < 0xdc80 or ord(c) > 0xdcff else f"\\x{ord(c) - 0xdc00:02x}"
            for c in value)
        return {key: shown, key + "_base64": base64.b64encode(raw).decode()}


def line(path, inode, layer, metadata, implied, opaque, names, hidden):
    mode, uid, gid, (seconds, ns), xattrs = metadata
    out = text_of("path", "/" + path)
    out.update(type=inode.kind, layer=layer + 1, mode=f"{mode:04o}", uid=uid, gid=gid, mtime=seconds, mtime_ns=ns, names=names)
    if implied:
        out["implied"] = True
    if xattrs:
        out["xattrs"] = {name: base64.b64encode(value).decode() for name, value in xattrs}
    if inode.kind == "file":
        out["size"] = inode.size
    if inode.kind == "symlink":
        out.update(text_of("target", inode.target))
    if inode.device:
        out["major"], out["minor"] = inode.device
    if opaque:
        out["opaque"] = True
    if hidden:
        out["hides"] = hidden
    return out


def listing_of_layer(layer):
    counts = {}
    for inode in layer.names.values():
        counts[id(inode)] = counts.get(id(inode), 0) + 1
    lines = []
    for path in sorted(set(layer.names) | layer.whiteouts, key=order):
        if path in layer.whiteouts:
            lines.append({**text_of("path", "/" + path), "type": "whiteout", "layer": 1})
        elif path:
            inode = layer.names[path]
            lines.append(line(path, inode, 0, inode.metadata, inode.implied, path in layer.opaque(),
                              1 if inode.kind == "directory" else counts[id(inode)], None))
    return lines


def compose(layers):
    shown, did, hides = {}, [], []
    for number, layer in enumerate(layers):
        after = apply(shown, layer, number)
        sums, hidden = total(shown, after, layer, number)
        did.append(sums)
        hides += [{"upper": number + 1, "lower": lower + 1, "entries": v[0], "bytes": v[1]} for lower, v in sorted(hidden.items())]
        shown = after
    return shown, did, hides


def listing_of_stack(layers, shown):
    counts = {}
    for one in shown.values():
        counts[id(one.inode)] = counts.get(id(one.inode), 0) + 1
    lines = []
    for path in sorted(shown, key=order):
        one = shown[path]
        below = [i for i in range(one.layer) if path in layers[i].names]
        hidden = [i + 1 for i in below if not (layers[i].names[path].kind == "directory" == one.inode.kind)]
        if path:
            lines.append(line(path, one.inode, one.layer, one.metadata, one.implied, path in layers[one.layer].opaque(),
                              1 if one.inode.kind == "directory" else counts[id(one.inode)], hidden))
    return lines


def contents_of(shown_names):
    """What inspect counts: {path: (inode, implied)}."""
    first = {}
    for path in sorted(shown_names, key=order):
        first.setdefault(id(shown_names[path][0]), path)
    kinds = [inode.kind for path, (inode, _) in shown_names.items() if first[id(inode)] == path]
    sizes = {path: inode.size for path, (inode, _) in shown_names.items() if first[id(inode)] == path and inode.kind == "file"}
    below = {}
    for path, size in sizes.items():
        for above in parents(path):
            if above:
                below[above] = below.get(above, 0) + size
    def biggest(items):
        return sorted(((size, path) for path, size in items.items() if size), key=lambda x: (-x[0], order(x[1])))[:10]
    return {
        "files": kinds.count("file"), "symlinks": kinds.count("symlink"), "fifos": kinds.count("fifo"),
        "devices": kinds.count("char") + kinds.count("block"), "directories": kinds.count("directory"),
        "links": len(shown_names) - len(kinds), "bytes": sum(sizes.values()),
        "implied": sum(implied for _, implied in shown_names.values()),
        "biggest_files": [("/" + path, size) for size, path in biggest(sizes)],
        "biggest_directories": [("/" + path, size) for size, path in biggest(below)],
    }


# --- against the command


def run(plyboot, *arguments):
    return subprocess.run([plyboot, *arguments], check=True, capture_output=True).stdout


def differences(what, got, wanted):
    if got == wanted:
        return []
    if isinstance(got, list) and isinstance(wanted, list):
        return [f"{what}: got    {x}" for x in got if x not in wanted][:5] + [
            f"{what}: wanted {x}" for x in wanted if x not in got][:5] + [f"{what}: differ"]
    return [f"{what}: got    {got}", f"{what}: wanted {wanted}"]


def listing(plyboot, target):
    return [json.loads(text) for text in run(plyboot, "ls", "-R", "--json", target).decode().splitlines()]


def named(items):
    return [(base64.b64decode(i["path_base64"]).decode("utf-8", "surrogateescape") if "path_base64" in i else i["path"], i["bytes"])
            for i in items]


def check_contents(got, wanted):
    for key in ("biggest_files", "biggest_directories"):
        got[key] = named(got[key])
    return [line for key, value in wanted.items() for line in differences(key, got[key], value)]


def check_stack(plyboot, layers, target, cat):
    shown, did, hides = compose(layers)
    wrong = differences("ls", listing(plyboot, target), listing_of_stack(layers, shown))
    said = json.loads(run(plyboot, "inspect", "--json", target))
    if len(layers) > 1:
        wrong += differences("did", [{key: one[key] for key in ("added", "changed", "removed", "replaced")} for one in said["layers"]], did)
        wrong += differences("hides", said["contents"]["hides"], hides)
        hidden = {key: sum(pair[key] for pair in hides) for key in ("entries", "bytes")}
        wrong += differences("hidden", said["contents"]["hidden"], hidden)
        held = [sum(path in layer.names and layer.names[path].kind != "directory" for layer in layers)
                for path in set().union(*(layer.names for layer in layers))]
        wrong += differences("shared", said["contents"]["shared_paths"], sum(count > 1 for count in held))
    wrong += check_contents(said["contents"], contents_of({path: (one.inode, one.implied) for path, one in shown.items()}))
    files = [path for path in sorted(shown, key=order) if shown[path].inode.kind == "file"]
    files = random.Random(len(files)).sample(files, min(cat, len(files)))
    if files:
        got = run(plyboot, "cat", target, *[os.fsencode(path) for path in files])
        wrong += differences(f"cat {files}", got, b"".join(shown[path].inode.data for path in files))
    return wrong


def check_layer(plyboot, layer, target):
    wrong = differences("ls of a layer", listing(plyboot, target), listing_of_layer(layer))
    said = json.loads(run(plyboot, "inspect", "--json", target))["contents"]
    wanted = contents_of({path: (inode, inode.implied) for path, inode in layer.names.items()})
    wanted["whiteouts"], wanted["opaque"] = len(layer.whiteouts), len(layer.opaque())
    return wrong + check_contents(said, wanted)


# --- random layers

NAMES = ["a", "b", "c", "a-", "a.b", "\u00e9", "x y", "n\nl", "back\\slash", os.fsdecode(b"raw\xff")]
TIMES = ["0", "1.5", "1700000000.000000007", "-1.25", "-86400", "1700000000"]


def random_path(rng):
    return "/".join(rng.choice(NAMES[:rng.choice([3, 3, len(NAMES)])]) for _ in range(rng.choice([1, 1, 2, 2, 3])))


def random_member(rng, layer):
    path = random_path(rng)
    kind = rng.randrange(14)
    data = b""
    member = tarfile.TarInfo(path)
    if kind < 4:
        data = bytes([rng.randrange(256)]) * rng.choice([0, 1, 600, 5000, 5000, 70000])
    elif kind < 7:
        member.type = tarfile.DIRTYPE
        if rng.randrange(6) == 0:
            member.name = "./"
    elif kind < 9:
        member.name = normal(os.path.dirname(path) + "/.wh." + os.path.basename(path))
        return member, data
    elif kind == 9:
        member.name = path + "/.wh..wh..opq" if rng.randrange(8) else ".wh..wh..opq"
        return member, data
    elif kind == 10:
        member.type, member.linkname = tarfile.SYMTYPE, rng.choice(["a", "../b", "/c/a", os.fsdecode(b"\xfe"), "x" * 150])
    elif kind == 11:
        member.type, member.linkname = tarfile.LNKTYPE, rng.choice([p for p in layer.names if p] or ["a"])
    elif kind == 12:
        member.type, member.devmajor, member.devminor = rng.choice([tarfile.CHRTYPE, tarfile.BLKTYPE]), 1, rng.randrange(3, 9)
    else:
        member.type = tarfile.FIFOTYPE
    member.mode, member.uid, member.gid = rng.choice([0o644, 0o755, 0o4711, 0o1777]), rng.choice([0, 33, 3000000000]), rng.choice([0, 7])
    member.pax_headers = {"mtime": rng.choice(TIMES)}
    if kind < 7 and rng.randrange(4) == 0:
        member.pax_headers["SCHILY.xattr.user.test"] = "v" * rng.randrange(0, 30)
    member.size = len(data)
    return member, data


def random_tar(rng, path):
    layer = Layer()
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT, errors="surrogateescape") as archive:
        for _ in range(rng.choice([0, 3, 10, 30])):
            member, data = random_member(rng, layer)
            try:
                layer.add(member, data)
            except Refused:
                continue
            archive.addfile(member, io.BytesIO(data))
    return layer


def trial_random(plyboot, seed):
    rng = random.Random(seed)
    layers = [random_tar(rng, f"{i}.tar") for i in range(rng.randrange(1, 6))]
    names = [f"{i}.layer" for i in range(len(layers))]
    for i, name in enumerate(names):
        run(plyboot, "pack", "--compress", rng.choice(["none", "gzip", "zstd"]), "-o", name, f"{i}.tar")
    run(plyboot, "stack", "--force", "--name", "r", "--version", "1", *names)
    wrong = check_stack(plyboot, layers, "r-1", 4)
    number = rng.randrange(len(layers))
    return wrong + check_layer(plyboot, layers[number], names[number])


def trial_trees(plyboot, seed):
    """The tree of a base and a diff is the changed tree, as lstat sees it."""
    for name in ("old", "new"):
        trees.remove(name)
    trees.make(random.Random(seed), b"old")
    subprocess.run(["cp", "-a", "old", "new"], check=True)
    trees.change(random.Random(seed), b"new")
    run(plyboot, "pack", "-o", "o.layer", "old")
    run(plyboot, "diff", "-o", "d.layer", "old", "new")
    run(plyboot, "stack", "--force", "--name", "t", "--version", "1", "o.layer", "d.layer")
    got = {}
    for one in listing(plyboot, "t-1"):
        path = base64.b64decode(one["path_base64"]) if "path_base64" in one else one["path"].encode()
        what = one.get("size", base64.b64decode(one["target_base64"]) if "target_base64" in one else one.get("target"))
        got[path] = (one["type"], one["mode"], one["uid"], one["gid"], one["mtime"] * 10**9 + one["mtime_ns"], what, one["names"],
                     one.get("major"), one.get("minor"), {k: base64.b64decode(v) for k, v in one.get("xattrs", {}).items()})
    wanted = {}
    kinds = {stat.S_IFREG: "file", stat.S_IFLNK: "symlink", stat.S_IFDIR: "directory", stat.S_IFIFO: "fifo", stat.S_IFCHR: "char"}
    for path in list(trees.walk(b"new"))[1:]:
        st = os.lstat(path)
        kind = kinds[stat.S_IFMT(st.st_mode)]
        what = {"file": st.st_size}.get(kind)
        if kind == "symlink":
            what = os.readlink(path).decode()
        device = (os.major(st.st_rdev), os.minor(st.st_rdev)) if kind == "char" else (None, None)
        wanted[path[len(b"new"):]] = (kind, f"{stat.S_IMODE(st.st_mode):04o}", st.st_uid, st.st_gid, st.st_mtime_ns, what,
                                      1 if kind == "directory" else st.st_nlink, *device, {os.fsdecode(k): v for k, v in trees.xattrs(path)})
    return differences("tree", sorted(got.items()), sorted(wanted.items()))


def main():
    verb, plyboot, *rest = sys.argv[1:]
    failed = False
    if verb == "stack":
        wrong = check_stack(plyboot, [read_layer(name) for name in rest[:-2]], rest[-1], 4)
        print("\n".join(wrong))
        sys.exit(bool(wrong))
    for seed in range(int(rest[0]), int(rest[1]) + 1):
        try:
            wrong = (trial_random if verb == "random" else trial_trees)(plyboot, seed)
        except subprocess.CalledProcessError as error:
            wrong = [f"{error} {error.stderr}"]
        for text in wrong:
            print(f"seed {seed}: {text}")
        failed = failed or bool(wrong)
    sys.exit(failed)


if __name__ == "__main__":
    main()
