"""What the OCI image specification makes of layers: its layer.md, in words that run.

Written from the specification, not from plyboot. Where it is silent, the comment says so and what is taken for
meant. `Umoci` is what umoci 0.4.7 makes of the same layers, with each of its ways under a name of its own.
"""

import hashlib
import stat
from dataclasses import dataclass, field, replace

DIRECTORY = stat.S_IFDIR
ANY = None  # a time that cannot be foretold


@dataclass
class Entry:
    """One member of a layer's tar. `kind`: a file type of stat(2), or "link", "whiteout" (path: what it
    removes), "opaque" (path: the directory)."""

    path: tuple
    kind: object
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    content: bytes = b""
    target: object = ""  # a symlink's text; a hard link's path
    xattrs: dict = field(default_factory=dict)


class Node:
    """What a name stands for. Two names of one file share it."""

    def __init__(self, entry=None):
        self.children = {}
        self.names_in_layer = 1
        self.set(entry)

    def set(self, entry):
        # Nobody described it. The specification is silent; plyboot's answer is 0755, root's, 1970.
        self.kind = entry.kind if entry else DIRECTORY
        self.mode = entry.mode if entry else 0o755
        self.uid, self.gid = (entry.uid, entry.gid) if entry else (0, 0)
        self.mtime = entry.mtime if entry else 0
        self.content = entry.content if entry else b""
        self.target = entry.target if entry else ""
        self.xattrs = entry.xattrs if entry else {}

    @property
    def is_directory(self):
        return self.kind == DIRECTORY

    def what(self):
        if self.kind == stat.S_IFREG:
            return f"{len(self.content)} {hashlib.sha256(self.content).hexdigest()}"
        return self.target if self.kind == stat.S_IFLNK else ""


def printable(path):
    return "/".join(path).encode().decode("latin-1") or "."


class Model:
    def __init__(self):
        self.root = Node()

    # --- where things are

    def find(self, path):
        node = self.root
        for name in path:
            node = node.children.get(name) if node.is_directory else None
            if node is None:
                return None
        return node

    def remove(self, path):
        parent = self.find(path[:-1])
        if parent is not None and parent.is_directory:
            parent.children.pop(path[-1], None)

    def imply(self, path):
        """A member of a tar needs the directories that it lies in. ("In the absence of any whiteout files in a
        layer changeset, the archive is extracted like a regular tar archive.") One that is there stays what it
        is. The specification does not say what becomes of something else that is there: it goes, since the layer
        has a directory of that name. Nor whether a whiteout needs its directory too: it does, here."""
        node = self.root
        for name in path:
            if name not in node.children or not node.children[name].is_directory:
                node.children[name] = Node()
            node = node.children[name]
        return node

    # --- "Applying Changesets"

    def apply(self, layer):
        # "Whiteout files MUST only apply to resources in lower/parent layers." "When processing the second layer,
        # `a/.wh..wh..opq` is applied first, before creating the new version of `a/b`, regardless of the ordering
        # in which the whiteout file was encountered."
        for entry in layer:
            if entry.kind == "whiteout":
                self.remove(entry.path)
            elif entry.kind == "opaque":
                # "indicating that all siblings are hidden in the lower layer"
                directory = self.find(entry.path)
                if directory is not None and directory.is_directory:
                    directory.children.clear()
        for entry in layer:
            self.add(entry)

    def add(self, entry):
        if entry.kind == "opaque":
            self.imply(entry.path)
            return
        parent = self.imply(entry.path[:-1])
        if entry.kind == "whiteout":
            return  # "Once a whiteout is applied, the whiteout itself MUST also be hidden."
        self.put(parent, entry)

    def put(self, parent, entry):
        if not entry.path:
            self.root.set(entry)
            return
        name = entry.path[-1]
        old = parent.children.get(name)
        if entry.kind == "link":
            node = self.find(entry.target)
            node.names_in_layer += 1
            parent.children[name] = node
        elif entry.kind == DIRECTORY and old is not None and old.is_directory:
            # "If the entry and the existing path are both directories, then the existing path's attributes MUST be
            # replaced by those of the entry in the changeset."
            old.set(entry)
        else:
            # "In all other cases, [...] removing the file path (e.g. unlink(2) on Linux systems), recreating the
            # file path, based on the contents and attributes of the changeset entry"
            parent.children[name] = Node(entry)

    # --- as manifest.py says it

    def walk(self, node=None, path=()):
        node = node or self.root
        yield path, node
        if node.is_directory:
            for name in sorted(node.children, key=lambda name: name.encode()):
                yield from self.walk(node.children[name], path + (name,))

    def manifest(self, links):
        """`links`: "visible", the names that are there; "layer", the names that its layer gave it."""
        first, visible, rows = {}, {}, []
        for path, node in self.walk():
            first.setdefault(id(node), printable(path))
            visible[id(node)] = visible.get(id(node), 0) + 1
        for path, node in self.walk():
            count = visible[id(node)] if links == "visible" else node.names_in_layer
            rows.append([printable(path), node.kind, node.mode, node.uid, node.gid, node.mtime,
                         node.what().encode().decode("latin-1"),
                         {name: node.xattrs[name].decode("latin-1") for name in sorted(node.xattrs)},
                         first[id(node)], count])
        return rows

    def leads_through(self, layer):
        """Does a member's path lead through what is no directory below, and by then has no entry of its own?"""
        made, removed = set(), set()
        for entry in layer:
            way = entry.path if entry.kind == "opaque" else entry.path[:-1]
            for i in range(1, len(way) + 1):
                below = self.find(way[:i])
                if below is None or way[:i] in removed:
                    break
                if not below.is_directory and way[:i] in made:
                    break
                if not below.is_directory:
                    return True
            if entry.kind == DIRECTORY:
                made.add(entry.path)
            elif entry.kind == "whiteout":
                removed.add(entry.path)
        return False


# umoci's ways, and why each is no fault of plyboot's.
WAYS = {
    "time": "A directory that no layer describes has the time at which umoci made it. layer.md names no attributes "
            "for it, since it names those of \"Additions and Modifications\" alone.",
    "group": "umoci's mkdir(2) of such a directory inherits the group and the set-group-ID bit. The same silence.",
    "touch": "A directory in which umoci makes such a directory, or removes what a whiteout above it hides, gets the "
             "time of that, though no entry is about it. "
             "layer.md: \"If the entry and the existing path are both directories, then the existing path's attributes "
             "MUST be replaced by those of the entry\"; without an entry nothing replaces them. A fault of umoci's.",
    "late": "A directory that the layer removes and has something in keeps its old attributes when the whiteout comes "
            "after what is in it. layer.md: \"applied first, before creating the new version [...] regardless of the "
            "ordering in which the whiteout file was encountered\". A fault of umoci's.",
    "parent": "A whiteout alone makes no directory. layer.md: \"Whiteout files MUST only apply to resources in "
              "lower/parent layers\", and is silent on the directories they lie in. Who unpacks for an overlay, "
              "without those below it, makes them.",
    "empty": "An extended attribute without a value is left out, as Go's archive/tar does: for POSIX an empty value in "
             "a pax header deletes one that was given before. layer.md lists xattrs among what MUST be included.",
}


class Umoci(Model):
    """One entry after the other. `ways`: which of WAYS are followed; without any it is the Model."""

    def __init__(self, ways):
        super().__init__()
        self.ways = ways
        if "time" in ways:
            self.root.mtime = ANY

    def imply(self, path):
        node, whole = self.root, True
        for name in path:
            if name not in node.children or not node.children[name].is_directory:
                made = node.children[name] = Node()
                if "time" in self.ways:
                    made.mtime = ANY
                if "group" in self.ways and node.mode & stat.S_ISGID:
                    made.gid, made.mode = node.gid, made.mode | stat.S_ISGID
                if "touch" in self.ways and whole:
                    node.mtime = ANY
                whole = False
            node = node.children[name]
        return node

    def apply(self, layer):
        if "late" not in self.ways:
            for entry in layer:
                self.whiteout(entry, set())
        upper = set()  # what the layer has brought so far, and all that it lies in
        for entry in layer:
            if "late" in self.ways:
                self.whiteout(entry, upper)
            if entry.kind not in ("whiteout", "opaque"):
                upper.update(entry.path[:i] for i in range(1, len(entry.path) + 1))
            elif "parent" in self.ways:
                continue
            self.add(entry)

    def put(self, parent, entry):
        if "empty" in self.ways:
            entry = replace(entry, xattrs={name: value for name, value in entry.xattrs.items() if value})
        super().put(parent, entry)

    def whiteout(self, entry, upper):
        node = self.find(entry.path)
        if node is None or entry.kind not in ("whiteout", "opaque"):
            return
        if entry.kind == "opaque":
            mtime = node.mtime
            self.purge(node, entry.path, upper)
            node.mtime = mtime
        elif entry.path in upper:
            self.purge(node, entry.path, upper)
        else:
            self.remove(entry.path)

    def purge(self, node, path, upper):
        for name in list(node.children):
            if path + (name,) in upper:
                self.purge(node.children[name], path + (name,), upper)
            else:
                del node.children[name]
                if "touch" in self.ways:
                    node.mtime = ANY
