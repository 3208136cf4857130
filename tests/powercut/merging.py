#!/usr/bin/env python3
"""Judge the state partitions that a power cut can leave of a boot that merges a confirmed trial into the upper.

    merging.py judge BASE LOG LAYERS COUNT SEED    COUNT states, or two of each boundary if those are more
    merging.py shows DISK BASE LAYERS              whether DISK shows what BASE does, and has no trial any more

In each of them the kernel's overlayfs must show over LAYERS (a directory) what it shows of BASE, whatever part of the merge
was done; and while there is a trial, that is the one that was. In a mount namespace of its own, as root, with TMPDIR in memory.
"""
import ctypes
import multiprocessing
import os
import random
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../boot"))
import manifest  # noqa: E402
import partitions  # noqa: E402
import states  # noqa: E402
from mounts import mounted  # noqa: E402
from recording import Recording  # noqa: E402
from writelog import SECTOR  # noqa: E402
from writelog import partitions as partitions_of  # noqa: E402

LIBC = ctypes.CDLL(None, use_errno=True)
OPTIONS = "metacopy=off,redirect_dir=nofollow,index=off,nfs_export=off,xino=off"


def trials(home):
    return sorted(name for name in os.listdir(f"{home}/trials") if len(name) == 64) if os.path.isdir(f"{home}/trials") else []


def overlay(home, layers, at):
    """What /init would mount: (the number of trials, lines of the manifest)."""
    found = trials(home)
    base = f"{home}/upper"
    lowers, upper = ([base, layers], f"{home}/trials/{found[0]}/upper") if found else ([layers], base)
    os.makedirs(f"{home}/judged-work", exist_ok=True)
    options = f"lowerdir={':'.join(lowers)},upperdir={upper},workdir={home}/judged-work,{OPTIONS}"
    if LIBC.mount(b"judged", at.encode(), b"overlay", 0, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), f"mount {options}: {os.strerror(ctypes.get_errno())}")
    try:
        return len(found), manifest.lines(at)
    finally:
        LIBC.umount2(at.encode(), 0)


def seen(path, layers, directory):
    """Of a state partition in a file: (how many trials, lines), or why not."""
    for name in ("mnt", "root"):
        os.makedirs(f"{directory}/{name}", exist_ok=True)
    try:
        with mounted(path, f"{directory}/mnt", False):
            return overlay(f"{directory}/mnt/plyboot/test", layers, f"{directory}/root")
    except OSError as why:
        return -1, [str(why)]


def _views(job):
    recording, keys, layers = job
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
            found[key] = seen(f"{directory}/state", layers, directory)
        os.close(whole)
    return found


def views(recording, keys, layers):
    keys, cpus, found = sorted(keys), os.cpu_count(), {}
    share = -(-len(keys) // (4 * cpus)) or 1
    jobs = [(recording, keys[i:i + share], layers) for i in range(0, len(keys), share)]
    with multiprocessing.get_context("fork").Pool(cpus) as pool:
        for part in pool.imap_unordered(_views, jobs):
            found.update(part)
    return found


def judge(base, log, layers, count, seed):
    recording = Recording(base, log)
    chosen = states.choose(recording.entries, int(count), random.Random(int(seed)), recording.superblocks)
    start = (0, ())
    part = recording.parts["state"]
    keys = {part.key(state) for state in chosen} | {start}
    found = views(recording, keys, layers)
    if found[start][0] != 1:
        sys.exit(f"there is no trial to be merged: {found[start]}")
    bad = 0
    for key, (count_of_trials, lines) in sorted(found.items()):
        if count_of_trials in (0, 1) and lines == found[start][1]:
            continue
        bad += 1
        if bad <= 10:
            print(f"{key}: {count_of_trials} trials, not as before:")
            print("\n".join(sorted(set(lines) ^ set(found[start][1]))[:6]))
    merged = sum(number == 0 for number, _ in found.values())
    print(f"{len(chosen)} states, {len(keys)} different uppers, {len(part.indices)} writes, in {merged} the trial is over: {bad} bad")
    return bad != 0 or merged == 0


def shows(disk, base, layers):
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
            found.append(seen(f"{directory}/state", layers, directory))
    (trials_left, lines), (_, wanted) = found
    print(f"{trials_left} trials")
    print("\n".join(sorted(set(lines) ^ set(wanted))[:20]))
    return trials_left != 0 or lines != wanted


sys.exit({"judge": judge, "shows": shows}[sys.argv[1]](*sys.argv[2:]))
