"""Pack random trees twice: each tree, and the same one made again in another order and elsewhere.

    again.py PLYBOOT FROM TO     for each seed; prints what is wrong, and how many were the same
"""

import os
import random
import shutil
import stat
import subprocess
import sys

sys.dont_write_bytecode = True
import tree  # noqa: E402

HOW = [["--compress", "zstd"], ["--compress", "gzip"], ["--compress", "none"], ["--piece-size", "64K"]]


def adorn(rng, root):
    """More of what has an order of its own: several attributes, ACLs, capabilities, links, a directory of many."""
    files = [p for p in tree.walk(root) if stat.S_ISREG(os.lstat(p).st_mode)]
    for path in files:
        for name in rng.sample(["user.b", "user.a", "user.z.y", "user.A"], rng.randrange(4)):
            os.setxattr(path, name, bytes([rng.randrange(256)]) * rng.randrange(1, 300))
    crowd = root + b"/crowd"
    os.mkdir(crowd)
    for number in rng.sample(range(1000), 40):
        with open(crowd + b"/%d" % number, "wb") as file:
            file.write(b"%d" % number * rng.randrange(3000))
    names = sorted(os.listdir(crowd))
    subprocess.run(["setcap", "cap_net_raw+ep", crowd + b"/" + rng.choice(names)], check=True)
    for number, target in enumerate(rng.sample(names, 5)):
        os.link(crowd + b"/" + target, rng.choice([root, crowd]) + b"/link%d" % number)
    subprocess.run(["setfacl", "-m", "u:55:r,g:66:rx", "-d", "-m", "u:7:rwx", crowd], check=True)
    tree.settle(rng, root)


def copy_metadata(rng, old, new):
    st = os.lstat(old)
    os.chown(new, st.st_uid, st.st_gid, follow_symlinks=False)
    names = os.listxattr(old, follow_symlinks=False)
    rng.shuffle(names)
    for name in names:
        os.setxattr(new, name, os.getxattr(old, name, follow_symlinks=False), follow_symlinks=False)
    if not stat.S_ISLNK(st.st_mode):
        os.chmod(new, stat.S_IMODE(st.st_mode))
    os.utime(new, ns=(rng.randrange(10**18), st.st_mtime_ns), follow_symlinks=False)


def make_one(old, new, first):
    st = os.lstat(old)
    if stat.S_ISDIR(st.st_mode):
        os.mkdir(new)
    elif (st.st_dev, st.st_ino) in first:
        os.link(first[st.st_dev, st.st_ino], new, follow_symlinks=False)
    elif stat.S_ISREG(st.st_mode):
        shutil.copyfile(old, new)
    elif stat.S_ISLNK(st.st_mode):
        os.symlink(os.readlink(old), new)
    else:
        os.mknod(new, st.st_mode, st.st_rdev)
    first.setdefault((st.st_dev, st.st_ino), new)


def again(rng, old, new):
    """The same tree: in any order that makes a directory before what is in it; other names of links come first."""
    made, waiting, first = [], [b""], {}
    while waiting:
        path = waiting.pop(rng.randrange(len(waiting)))
        make_one(old + path, new + path, first)
        made.append(path)
        if tree.is_directory(old + path):
            waiting += [path + b"/" + name for name in os.listdir(old + path)]
    for path in reversed(made):
        copy_metadata(rng, old + path, new + path)


def pack(plyboot, how, store, layer, root, **process):
    subprocess.run([plyboot, "pack", *how, "--store", store, "-o", layer, root], check=True, capture_output=True, **process)
    with open(layer, "rb") as file:
        text = file.read()
    blobs = [line.split(b":")[1] for line in text.splitlines() if line.split(b" ")[0] in (b"layer", b"pieces")]
    for name in blobs:
        with open(os.path.join(os.fsencode(store), b"blobs/sha256", name), "rb") as file:
            text += file.read()
    return text


def trial(plyboot, seed):
    rng = random.Random(seed)
    here = os.getcwd()
    for name in ("old", "new", "one", "two"):
        tree.remove(name)
    tree.make(rng, b"old")
    adorn(rng, b"old")
    again(rng, b"old", b"new")
    if tree.manifest(b"old") != tree.manifest(b"new"):
        return "the two trees are not the same: the test is wrong"
    how = HOW[seed % len(HOW)]
    one = pack(plyboot, how, "one", "one.layer", "old")
    two = pack(plyboot, how, f"{here}/two", f"{here}/two.layer", f"{here}/new", cwd="/", umask=0o77,
               env={"TZ": "Asia/Kathmandu", "LC_ALL": "C", "TMPDIR": os.environ["TMPDIR"]})
    return None if one == two else "the layers differ"


def main():
    plyboot, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    wrong = 0
    for seed in range(first, last + 1):
        said = trial(plyboot, seed)
        if said is not None:
            wrong += 1
            print(f"seed {seed}: {said}")
    print(f"{last + 1 - first} trees packed twice, {wrong} times with other bytes")
    sys.exit(1 if wrong else 0)


main()
