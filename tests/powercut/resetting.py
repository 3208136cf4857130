#!/usr/bin/env python3
"""Judge the state partitions that a power cut can leave of a boot that resets what was kept.

    resetting.py judge BASE LOG TOOL COUNT SEED    COUNT states, or two of each boundary if those are more
    resetting.py finished DISK BASE                whether DISK has what a reset leaves of BASE, and nothing else

Each of them is either as before, or has the new home; and once TOOL (the next boot's part) has run on it, what is kept is
there, as it was, and nothing else is. In a mount namespace of its own, as root, with TMPDIR in memory.
"""
import hashlib
import multiprocessing
import os
import random
import stat
import subprocess
import sys
import tempfile

import partitions
import states
from mounts import mounted
from recording import Recording
from writelog import SECTOR
from writelog import partitions as partitions_of

KEPT = ("/etc/kept", "/etc/link", "/do/first", "/old/new", "/.hidden", "/srv/tree/sub")
PATHS_KEPT, PATHS_GONE = "var-lib-y", "var-lib-x"
HOME = "plyboot/test"


def within(path, directory):
    return path == directory or path.startswith(directory + "/")


def describe(path):
    """What must not change: of a directory not its time, which new names in it change."""
    st = os.lstat(path)
    what = [stat.filemode(st.st_mode), st.st_uid, st.st_gid, st.st_rdev]
    if stat.S_ISREG(st.st_mode):
        with open(path, "rb") as file:
            what += [st.st_mtime_ns, hashlib.sha256(file.read()).hexdigest()]
    elif stat.S_ISLNK(st.st_mode):
        what += [os.readlink(path)]
    return tuple(what)


def tree(top):
    """{path below it: description}, or nothing where there is no such directory."""
    found = {}
    for directory, names, others in os.walk(top):
        for name in names + others:
            path = os.path.join(directory, name)
            found[path[len(top):]] = describe(path)
    return found


def home_of(at):
    """All of a home that a boot's own part has not to do with, and what lies beside it."""
    names = sorted(os.listdir(f"{at}/{HOME}")) if os.path.isdir(f"{at}/{HOME}") else []
    return {"beside": sorted(os.listdir(f"{at}/plyboot")), "names": [name for name in names if name not in ("work", "spare")],
            "upper": tree(f"{at}/{HOME}/upper"), "kept": tree(f"{at}/{HOME}/paths/{PATHS_KEPT}"),
            "gone": tree(f"{at}/{HOME}/paths/{PATHS_GONE}"), "archive": tree(f"{at}/{HOME}/archive")}


def split(upper):
    """The names that are kept, and those above them."""
    kept = {path for path in upper if any(within(path, keep) for keep in KEPT)}
    return kept, {path for path in upper if any(within(keep, path) for keep in KEPT)} - kept


def wrong_of(found, before):
    """What is wrong with a home that was reset; "" when nothing is."""
    kept, above = split(before["upper"])
    if found["beside"] != ["test"]:
        return f"beside it is {found['beside']}"
    if set(found["names"]) - {"made-for", "paths", "upper"} or not {"made-for", "paths", "upper"} <= set(found["names"]):
        return f"the home has {found['names']}"
    if set(found["upper"]) != kept | above:
        return f"the upper has {sorted(set(found['upper']) ^ (kept | above))}"
    for path in kept | above:
        if found["upper"][path] != before["upper"][path]:
            return f"{path} is {found['upper'][path]}, not {before['upper'][path]}"
    if found["kept"] != before["kept"]:
        return f"the persistent path that is kept has {found['kept']}"
    # it is absent, or begun anew with what the image has
    if "/file" in found["gone"] and found["gone"]["/file"] == before["gone"]["/file"]:
        return "the other persistent path is as it was"
    return ""


def begun(found, before):
    """As before (False), or the new home, maybe with its persistent path still to come (True); else a sentence."""
    if found["upper"] == before["upper"] and found["archive"] == before["archive"] and "asked" in found["names"]:
        return False
    if "asked" in found["names"] or found["archive"] or set(found["upper"]) - set().union(*split(before["upper"])):
        return f"neither as before nor reset: {found['names']}"
    return True


def seen(path, directory, tool):
    """(what it is at first, what once the next boot's part has run), or why not."""
    at = f"{directory}/mnt"
    os.makedirs(at, exist_ok=True)
    try:
        with mounted(path, at, False):
            first = home_of(at)
            if tool:
                subprocess.run([tool, f"{at}/plyboot", "test"], stderr=subprocess.DEVNULL, check=True)
            return first, home_of(at)
    except (OSError, subprocess.SubprocessError) as why:
        return str(why), None


def _views(job):
    recording, keys, tool = job
    part, found, done = recording.parts["state"], {}, 0
    with tempfile.TemporaryDirectory() as directory:
        whole = os.open(f"{directory}/whole", os.O_RDWR | os.O_CREAT)
        partitions.write_sparse(whole, recording.slice("state"))
        for key in keys:
            partitions.put(whole, part.pieces(done, key[0]))
            done = key[0]
            state = os.open(f"{directory}/state", os.O_RDWR | os.O_CREAT)
            partitions.copy_sparse(whole, state)
            partitions.put(state, part.rest(key))
            os.close(state)
            found[key] = seen(f"{directory}/state", directory, tool)
        os.close(whole)
    return found


def views(recording, keys, tool):
    keys, cpus, found = sorted(keys), os.cpu_count(), {}
    share = -(-len(keys) // (4 * cpus)) or 1
    jobs = [(recording, keys[i:i + share], tool) for i in range(0, len(keys), share)]
    with multiprocessing.get_context("fork").Pool(cpus) as pool:
        for part in pool.imap_unordered(_views, jobs):
            found.update(part)
    return found


def judge(base, log, tool, count, seed):
    recording = Recording(base, log)
    chosen = states.choose(recording.entries, int(count), random.Random(int(seed)), recording.superblocks)
    start, part = (0, ()), recording.parts["state"]
    keys = {part.key(state) for state in chosen} | {start}
    found = views(recording, keys, tool)
    before = found[start][0]
    kept, above = split(before["upper"])
    bad, how = 0, {False: 0, True: 0}
    for key, (first, then) in sorted(found.items()):
        step = begun(first, before) if then else first
        wrong = step if isinstance(step, str) else wrong_of(then, before)
        how[step] = how.get(step, 0) + 1
        bad += bool(wrong)
        if wrong and bad <= 10:
            print(f"{key}: {wrong}")
    print(f"kept: {' '.join(sorted(kept))}")
    print(f"above them: {' '.join(sorted(above))}")
    print(f"removed: {' '.join(sorted(set(before['upper']) - kept - above))}")
    print(f"persistent paths: kept {PATHS_KEPT} ({len(before['kept'])} names), removed {PATHS_GONE} ({len(before['gone'])})")
    print(f"{len(chosen)} states, {len(keys)} different, {len(part.indices)} writes: {how[False]} not begun, {how[True]} begun; "
          f"{len(kept)} names kept, {len(before['upper']) - len(kept) - len(above)} removed: {bad} bad")
    return bad != 0 or not how[False] or not how[True]


def finished(disk, base):
    found = []
    with tempfile.TemporaryDirectory() as directory:
        for path in (disk, base):
            with open(path, "rb") as file:
                first, sectors = partitions_of(file)["plyboot-state"]
                file.seek(first * SECTOR)
                content = file.read(sectors * SECTOR)
            copy = os.open(f"{directory}/state", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            partitions.write_sparse(copy, content)
            os.close(copy)
            found.append(seen(f"{directory}/state", directory, None)[0])
    wrong = wrong_of(*found)
    print(wrong)
    return wrong != ""


sys.exit({"judge": judge, "finished": finished}[sys.argv[1]](*sys.argv[2:]))
