"""Usage: manifest.py DIRECTORY

All that is below it, a line each: name, kind and mode, owner, device, time, attributes, and what a file or link holds.
Names of one file give the first of them. Inode numbers, and the times that reading changes, are not of it.
"""
import hashlib
import os
import stat
import sys


def line(top, path, files):
    st = os.lstat(path)
    words = [os.path.relpath(path, top), f"{st.st_mode:o}", f"{st.st_uid}:{st.st_gid}", f"{st.st_rdev:x}", str(st.st_mtime_ns)]
    if stat.S_ISREG(st.st_mode):
        with open(path, "rb") as file:
            words.append(hashlib.sha256(file.read()).hexdigest())
    if stat.S_ISLNK(st.st_mode):
        words.append(os.readlink(path))
    if not stat.S_ISDIR(st.st_mode):
        words.append("is " + files.setdefault(st.st_ino, words[0]))
    for name in sorted(os.listxattr(path, follow_symlinks=False)):
        words.append(f"{name}={os.getxattr(path, name, follow_symlinks=False).hex()}")
    return " ".join(words)


def lines(top):
    files, found = {}, [line(top, top, {})]
    for directory, names, others in os.walk(top):
        names.sort()
        found += [line(top, os.path.join(directory, name), files) for name in sorted(names + others)]
    return found


if __name__ == "__main__":
    print("\n".join(lines(sys.argv[1])))
