#!/usr/bin/env python3
"""All that a layer keeps, of every name below a directory.

    manifest.py DIR     one JSON array a line, sorted by name:
                        [name, type, mode, uid, gid, mtime in ns, what, xattrs, first name of the same file, links]

`what` is a file's size and SHA-256, a symlink's target, a device's number. A directory's links are no part of it:
overlayfs says 1.
"""

import hashlib
import json
import os
import stat
import sys


def printable(raw):
    return os.fsencode(raw).decode("latin-1")


def walk(root):
    yield root
    for name in sorted(os.listdir(root)):
        path = root + b"/" + name
        if os.path.isdir(path) and not os.path.islink(path):
            yield from walk(path)
        else:
            yield path


def contents(path, st):
    kind = stat.S_IFMT(st.st_mode)
    if kind == stat.S_IFREG:
        with open(path, "rb") as file:
            return f"{st.st_size} {hashlib.file_digest(file, 'sha256').hexdigest()}"
    if kind == stat.S_IFLNK:
        return printable(os.readlink(path))
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        return f"{os.major(st.st_rdev)}:{os.minor(st.st_rdev)}"
    return ""


def xattrs(path):
    names = sorted(os.listxattr(path, follow_symlinks=False))
    return {name: printable(os.getxattr(path, name, follow_symlinks=False)) for name in names}


def manifest(root):
    root = os.fsencode(root)
    groups, rows = {}, []
    for path in walk(root):
        name = printable(path[len(root) + 1:] or b".")
        if not os.path.lexists(path):
            rows.append([name, "listed, but not there"])
            continue
        st = os.lstat(path)
        first = groups.setdefault((st.st_dev, st.st_ino), name)
        links = 1 if stat.S_ISDIR(st.st_mode) else st.st_nlink
        rows.append([name, stat.S_IFMT(st.st_mode), stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid,
                     st.st_mtime_ns, contents(path, st), xattrs(path), first, links])
    return rows


if __name__ == "__main__":
    for row in manifest(sys.argv[1]):
        print(json.dumps(row))
