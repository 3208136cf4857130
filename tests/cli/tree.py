#!/usr/bin/env python3
"""Trees for the tests: make one, change one, describe one, apply a layer's tar to one.

    tree.py make SEED DIR            a random tree
    tree.py change SEED DIR          random changes to it
    tree.py manifest DIR             one line a name, with all that a layer keeps
    tree.py apply TAR DIR            what OCI's rules make of DIR under the layer TAR
    tree.py trial PLYBOOT FROM TO    for each seed: make, change, diff, apply, compare; prints what is wrong
    tree.py commits PLYBOOT FROM TO  the same of overlays: mount, change, commit, apply; as root, in a
                                     mount namespace and a directory of its own
    tree.py lives PLYBOOT FROM TO    the same of what `diff --live` lists, with one upper and with two
    tree.py conflicts PLYBOOT FROM TO
                                     the same of what `status --conflicts` lists of a random update
"""

import base64
import errno
import hashlib
import json
import os
import random
import shutil
import stat
import subprocess
import sys
import tarfile


def is_directory(path):
    return os.path.isdir(path) and not os.path.islink(path)


def remove(path):
    if is_directory(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


# --- manifest


def walk(root):
    yield root
    for name in sorted(os.listdir(root)):
        path = root + b"/" + name
        if is_directory(path):
            yield from walk(path)
        else:
            yield path


def xattrs(path):
    return [
        (name, os.getxattr(path, name, follow_symlinks=False))
        for name in sorted(os.listxattr(path, follow_symlinks=False))
    ]


def manifest(root):
    groups, lines = {}, []
    for path in walk(root):
        st = os.lstat(path)
        kind = stat.S_IFMT(st.st_mode)
        first = groups.setdefault((st.st_dev, st.st_ino), path[len(root):])
        what = ""
        if kind == stat.S_IFREG:
            with open(path, "rb") as file:
                what = f"{st.st_size} {hashlib.file_digest(file, 'sha256').hexdigest()}"
        elif kind == stat.S_IFLNK:
            what = repr(os.readlink(path))
        elif kind in (stat.S_IFCHR, stat.S_IFBLK):
            what = f"{os.major(st.st_rdev)}:{os.minor(st.st_rdev)}"
        lines.append(
            f"{path[len(root):]!r} {st.st_mode:o} {st.st_uid}:{st.st_gid} {st.st_mtime_ns} "
            f"{first!r} {what} {xattrs(path)}"
        )
    return lines


# --- apply


def apply(tar, root):
    """Whiteouts first, then the rest by GNU tar; a directory without an entry keeps what it had."""
    times, members = {}, []
    with tarfile.open(tar, errors="surrogateescape") as archive:
        members = [(m.name.rstrip("/"), m.isdir()) for m in archive]
    for path in walk(os.fsencode(root)):
        if is_directory(path):
            st = os.lstat(path)
            times[path] = (st.st_atime_ns, st.st_mtime_ns)
    for name, is_dir in members:
        path = os.path.join(root, name)
        base = os.path.basename(name)
        if base == ".wh..wh..opq":
            for child in os.listdir(os.path.dirname(path)) if is_directory(os.path.dirname(path)) else ():
                remove(os.path.join(os.path.dirname(path), child))
        elif base.startswith(".wh."):
            remove(os.path.join(os.path.dirname(path), base[4:]))
        elif is_dir and is_directory(path):
            for attribute, _ in xattrs(path):  # the entry says all there is; GNU tar only adds
                os.removexattr(path, attribute)
        elif os.path.lexists(path):
            remove(path)
    subprocess.run(
        ["tar", "--extract", "--file", tar, "--directory", root, "--numeric-owner", "--same-owner",
         "--preserve-permissions", "--xattrs", "--xattrs-include=*", "--warning=none",
         "--exclude=.wh.*"],
        check=True,
    )
    own = {os.path.normpath(os.path.join(root, name)) for name, is_dir in members if is_dir}
    for path, ns in times.items():
        if is_directory(path) and os.path.normpath(os.fsdecode(path)) not in own:
            os.utime(path, ns=ns)


# --- make and change

NAMES = ["a", "b", "a.b", "a-", "B", "\u00e9t\u00e9", "x y", "z" * 90, "q'uote", "n\nl", b"raw\xff"]


def names(rng, directory):
    name = rng.choice(NAMES)
    return os.path.join(directory, os.fsencode(name))


def touch(rng, path):
    ns = rng.choice([0, 1, 123456789, 1700000000000000000, -86400 * 10**9 + 5, 1700000000 * 10**9 + 7])
    os.utime(path, ns=(ns, ns), follow_symlinks=False)


def put(rng, path, files):
    kind = rng.randrange(12)
    if kind < 5 or (kind == 5 and not files):
        with open(path, "wb") as file:
            file.write(bytes([rng.randrange(256)]) * rng.choice([0, 1, 4096, 5000, 300000]))
        files.append(path)
    elif kind == 5:
        os.link(rng.choice(files), path, follow_symlinks=False)
        return
    elif kind == 6:
        os.symlink(rng.choice(["a", "../b", "/nowhere", "l" * 150]), path)
    elif kind == 7:
        os.mkfifo(path)
    elif kind == 8:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, rng.randrange(3, 9)))
    else:
        os.mkdir(path)
    change_metadata(rng, path)


def change_metadata(rng, path):
    os.chown(path, rng.choice([0, 33, 1000]), rng.choice([0, 33, 3000000000]), follow_symlinks=False)
    if not os.path.islink(path):
        os.chmod(path, rng.choice([0o644, 0o755, 0o4755, 0o1777, 0o2750]))
    if rng.randrange(4) == 0 and (os.path.isfile(path) or is_directory(path)) and not os.path.islink(path):
        os.setxattr(path, "user.test", bytes([rng.randrange(256)]) * rng.randrange(1, 40))
    touch(rng, path)


def inside(root):
    everything = list(walk(root))
    return everything, [p for p in everything if is_directory(p)]


def make(rng, root):
    os.makedirs(root, exist_ok=True)
    files = []
    for _ in range(rng.randrange(5, 60)):
        _, directories = inside(root)
        path = names(rng, rng.choice(directories))
        if not os.path.lexists(path):
            put(rng, path, files)
    settle(rng, root)


def change(rng, root):
    for _ in range(rng.randrange(0, 12)):
        everything, directories = inside(root)
        files = [p for p in everything if os.path.isfile(p) and not os.path.islink(p)]
        path = rng.choice(everything[1:] or everything)
        what = rng.randrange(6)
        if what == 0 and path != root:
            remove(path)
        elif what == 1 and path != root:
            remove(path)
            put(rng, path, [f for f in files if os.path.lexists(f)])
        elif what == 2:
            change_metadata(rng, path)
        elif what == 3 and files:
            with open(rng.choice(files), "r+b") as file:
                before = os.fstat(file.fileno())
                file.write(b"changed")
                if rng.randrange(2):
                    file.flush()
                    os.utime(file.fileno(), ns=(before.st_mtime_ns, before.st_mtime_ns))
        else:
            new = names(rng, rng.choice(directories))
            if not os.path.lexists(new):
                put(rng, new, files)


def settle(rng, root):
    for path in walk(root):
        if is_directory(path):
            touch(rng, path)


# --- trials


def trial(plyboot, seed):
    for name in ("old", "new", "applied"):
        remove(name)
    make(random.Random(seed), b"old")
    subprocess.run(["cp", "-a", "old", "new"], check=True)
    change(random.Random(seed), b"new")
    subprocess.run(["cp", "-a", "old", "applied"], check=True)
    subprocess.run(
        [plyboot, "diff", "--compress", "none", "-o", "d.layer", "old", "new"],
        check=True, capture_output=True,
    )
    blob = layer_blob("d.layer")
    apply(blob, "applied")
    wrong = differences(seed, b"applied", b"new")
    os.unlink(blob)
    subprocess.run(
        [plyboot, "diff", "--compress", "none", "-o", "again.layer", "old", "new"],
        check=True, capture_output=True,
    )
    if layer_blob("again.layer") != blob:
        wrong.append(f"seed {seed}: other bytes the second time")
    os.unlink(layer_blob("again.layer"))
    return wrong


def layer_blob(path):
    with open(path, encoding="ascii") as file:
        digest = file.readline().split(":")[1].strip()
    return f"store/blobs/sha256/{digest}"


def differences(seed, made, wanted):
    made, wanted = set(manifest(made)), set(manifest(wanted))
    return [f"seed {seed}: made   {line}" for line in made - wanted] + [
        f"seed {seed}: wanted {line}" for line in wanted - made
    ]


def rename_some(rng, root):
    """overlayfs refuses to rename a directory of a lower layer; one that is new moves."""
    for _ in range(rng.randrange(0, 6)):
        everything, directories = inside(root)
        path, to = rng.choice(everything), names(rng, rng.choice(directories))
        if path != root and not os.path.lexists(to) and not to.startswith(path + b"/"):
            try:
                os.rename(path, to)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise


def commit_trial(plyboot, seed):
    """Two uppers, one over the other, on what `make` made."""
    rng = random.Random(seed)
    user = rng.randrange(4) == 0
    for name in ("lower", "applied", "mounted", "upper1", "upper2", "work1", "work2"):
        remove(name)
        os.mkdir(name)
    make(rng, b"lower")
    subprocess.run(["cp", "-aT", "lower", "applied"], check=True)
    wrong, lowers = [], "lower"
    for upper, work in (("upper1", "work1"), ("upper2", "work2")):
        marks = "userxattr" if user else "redirect_dir=nofollow,metacopy=off"
        options = f"lowerdir={lowers},upperdir={upper},workdir={work},index=off,{marks}"
        subprocess.run(["mount", "-t", "overlay", "-o", options, "o", "mounted"], check=True)
        try:
            change(rng, b"mounted")
            rename_some(rng, b"mounted")
            change(rng, b"mounted")
            subprocess.run(
                [plyboot, "commit", "--compress", "none", "--marks", "user" if user else "trusted",
                 "-o", "c.layer", upper],
                check=True, capture_output=True,
            )
            apply(layer_blob("c.layer"), "applied")
            wrong += differences(seed, b"applied", b"mounted")
        finally:
            subprocess.run(["umount", "mounted"], check=True)
        os.unlink(layer_blob("c.layer"))
        lowers = f"{upper}:{lowers}"
    return wrong


def as_booted(lowers, uppers, version=1, text="33" * 32):
    """run/, as /init leaves it: boot.json, and the lowers (bottom first) below store/."""
    remove("run")
    os.makedirs("run/store")
    reports = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data/reports")
    with open(os.path.join(reports, "booted.json"), encoding="ascii") as file:
        report = json.load(file)
    template, report["layers"] = report["layers"][0], []
    os.mkdir(f"run/store/top-{text}")
    shutil.copystat(lowers[-1], f"run/store/top-{text}")
    st = os.stat(lowers[-1])
    os.chown(f"run/store/top-{text}", st.st_uid, st.st_gid)
    for i, lower in enumerate(lowers):
        name = f"{i + 1:064x}"
        report["layers"].append({**template, "id": f"sha256:{name}"})
        os.makedirs(f"run/store/{name}")
        os.rename(lower, f"run/store/{name}/root")
    report["overlay"]["lowers"] = len(lowers) + 1
    report.update(version=version, text=f"sha256:{text}")
    report["upper"] = {"kind": "persistent", "why": None, "trial": len(uppers) > 1, "dirs": uppers}
    with open("run/boot.json", "w", encoding="ascii") as file:
        json.dump(report, file)
    return [f"run/store/top-{text}"] + [f"run/store/{i + 1:064x}/root" for i in range(len(lowers))][::-1]


def overlay(lowers, upper, at):
    """Lowers and uppers top first."""
    options = f"lowerdir={':'.join(lowers)},redirect_dir=nofollow,metacopy=off,index=off"
    if upper is not None:
        options += f",upperdir={upper},workdir={upper}.work"
    subprocess.run(["mount", "-t", "overlay", "-o", options, "o", at], check=True)


def by_path(root):
    """Of each path what a change of it can be told by, the time last; a directory's is none."""
    found = {}
    for path in walk(root):
        st = os.lstat(path)
        kind, what = stat.S_IFMT(st.st_mode), None
        if kind == stat.S_IFREG:
            with open(path, "rb") as file:
                what = file.read()
        elif kind == stat.S_IFLNK:
            what = os.readlink(path)
        elif kind in (stat.S_IFCHR, stat.S_IFBLK):
            what = st.st_rdev
        found[path[len(root):] or b"/"] = (
            kind, what, st.st_mode, st.st_uid, st.st_gid, xattrs(path),
            None if kind == stat.S_IFDIR else st.st_mtime_ns,
        )
    return found


def listed(plyboot, *arguments):
    done = subprocess.run([plyboot, *arguments, "--run", "run"], check=True, capture_output=True)
    for line in done.stdout.splitlines():
        line = json.loads(line)
        path = line.get("path_base64")
        yield (base64.b64decode(path) if path is not None else os.fsencode(line["path"])), line


def unequal(seed, got, wanted):
    got, wanted = set(got), set(wanted)
    return [f"seed {seed}: listed {line}" for line in got - wanted] + [
        f"seed {seed}: wanted {line}" for line in wanted - got
    ]


def live_changes(old, new):
    for path in old.keys() | new.keys():
        if path not in old:
            yield path, "added"
        elif path not in new:
            parent = os.path.dirname(path)
            if parent in new and new[parent][0] == stat.S_IFDIR:
                yield path, "removed"
        elif old[path][0] != new[path][0]:
            yield path, "type"
        elif old[path] != new[path]:
            yield path, "modified"


def live_trial(plyboot, seed):
    """Two layers, an upper, and one of a stack on trial over it: the oracle is what is mounted."""
    rng = random.Random(seed)
    names_of = ("one", "two", "base", "trial")
    for name in ("pristine", "mounted", *names_of, *(f"{name}.work" for name in names_of)):
        remove(name)
        os.mkdir(name)
    make(rng, b"one")
    overlay(["one"], "two", "mounted")
    try:
        change(rng, b"mounted")
    finally:
        subprocess.run(["umount", "mounted"], check=True)
    wrong, uppers = [], []
    lowers = as_booted(["one", "two"], [])
    overlay(lowers, None, "pristine")
    try:
        old = by_path(b"pristine")
        for upper in ("base", "trial"):
            overlay(uppers + lowers, upper, "mounted")
            try:
                change(rng, b"mounted")
                rename_some(rng, b"mounted")
                change(rng, b"mounted")
                uppers.insert(0, upper)
                with open("run/boot.json", encoding="ascii") as file:
                    report = json.load(file)
                report["upper"]["dirs"] = [os.path.abspath(upper) for upper in uppers]
                with open("run/boot.json", "w", encoding="ascii") as file:
                    json.dump(report, file)
                got = [(path, line["change"]) for path, line in listed(plyboot, "diff", "--live", "--json")]
                wrong += unequal(seed, got, live_changes(old, by_path(b"mounted")))
                if len(got) != len(set(got)):
                    wrong.append(f"seed {seed}: a path twice")
            finally:
                subprocess.run(["umount", "mounted"], check=True)
    finally:
        subprocess.run(["umount", "pristine"], check=True)
    return wrong


def make_stack(plyboot, version, tree):
    """The digest of its text."""
    subprocess.run(
        [plyboot, "pack", "--compress", "none", "-o", f"{version}.layer", tree],
        check=True, capture_output=True,
    )
    subprocess.run(
        [plyboot, "stack", "--force", "--name", "demo", "--version", str(version), f"{version}.layer"],
        check=True, capture_output=True,
    )
    with open(f"store/stacks/demo-{version}.stack", "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def conflict_trial(plyboot, seed):
    """An upper of one stack over another: hidden is where that differs from both."""
    rng = random.Random(seed)
    remove("store")
    for name in ("old", "new", "mounted", "upper", "upper.work"):
        remove(name)
    for name in ("old", "mounted", "upper", "upper.work"):
        os.mkdir(name)
    make(rng, b"old")
    subprocess.run(["cp", "-a", "old", "new"], check=True)
    change(rng, b"new")
    texts = [make_stack(plyboot, version, tree) for version, tree in ((1, "old"), (2, "new"))]
    with open("made-for", "w", encoding="ascii") as file:
        file.write(f"demo 1 sha256:{texts[0]}\n")
    overlay(["old"], "upper", "mounted")
    try:
        change(rng, b"mounted")
        change(rng, b"mounted")
    finally:
        subprocess.run(["umount", "mounted"], check=True)
    was = by_path(b"old")
    lowers = as_booted(["new"], [os.path.abspath("upper")], 2, texts[1])
    becomes = by_path(os.fsencode(lowers[-1]))
    overlay(lowers, "upper", "mounted")
    try:
        shows = by_path(b"mounted")
    finally:
        subprocess.run(["umount", "mounted"], check=True)

    def differs(one, other):
        return (one or [])[:-1] != (other or [])[:-1]

    got = [path for path, line in listed(plyboot, "status", "--conflicts", "--json", "--store", "store")]
    return unequal(seed, got, [
        path for path in was.keys() | becomes.keys()
        if differs(was.get(path), becomes.get(path)) and differs(shows.get(path), becomes.get(path))
    ])


def trials(trial, plyboot, first, last):
    failed = False
    for seed in range(first, last + 1):
        try:
            wrong = trial(plyboot, seed)
        except subprocess.CalledProcessError as error:
            wrong = [f"seed {seed}: {error} {error.stderr}"]
        print("\n".join(wrong), end="\n" if wrong else "")
        failed = failed or bool(wrong)
    sys.exit(1 if failed else 0)


def main():
    verb, args = sys.argv[1], sys.argv[2:]
    if verb == "make":
        make(random.Random(int(args[0])), os.fsencode(args[1]))
    elif verb == "change":
        change(random.Random(int(args[0])), os.fsencode(args[1]))
    elif verb == "manifest":
        print("\n".join(manifest(os.fsencode(args[0]))))
    elif verb == "apply":
        apply(args[0], args[1])
    elif verb == "trial":
        trials(trial, args[0], int(args[1]), int(args[2]))
    elif verb == "commits":
        trials(commit_trial, args[0], int(args[1]), int(args[2]))
    elif verb == "lives":
        trials(live_trial, args[0], int(args[1]), int(args[2]))
    elif verb == "conflicts":
        trials(conflict_trial, args[0], int(args[1]), int(args[2]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
