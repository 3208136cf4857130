#!/usr/bin/env python3
"""Judge the state partitions that a power cut can leave of a boot in which one upper takes the place of another.

    uppers.py judge BASE LOG COUNT SEED    COUNT states, or two of each boundary if those are more
    uppers.py has DISK BASE N              whether DISK has every upper that BASE has, and a base; N of them in the archive

Each upper that was there before must be there in each of them, byte for byte, once, and what takes the place of another
must be whole. In a mount namespace of its own, as root, with TMPDIR in memory.
"""
import collections
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


def uppers(home):
    """(the base or None, how many are in the archive, each upper with something in it: how often)."""
    archive = f"{home}/archive"
    places = [f"{archive}/{name}/upper" for name in sorted(os.listdir(archive))] if os.path.isdir(archive) else []
    places = [place for place in places if os.path.isdir(place)]
    found = collections.Counter()
    base = None
    for place in [f"{home}/upper", *places]:
        if not os.path.isdir(place):
            continue
        tree = "\n".join(manifest.lines(place)[1:])  # not its own line, the root's metadata
        if place == f"{home}/upper":
            base = tree
        if tree:
            found[tree] += 1
    return base, len(places), found


def seen(path, directory):
    """Of a state partition in a file, or why not."""
    os.makedirs(f"{directory}/mnt", exist_ok=True)
    try:
        with mounted(path, f"{directory}/mnt", False):
            return uppers(f"{directory}/mnt/plyboot/test")
    except OSError as why:
        return None, 0, collections.Counter([str(why)])


def _views(job):
    recording, keys = job
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
            found[key] = seen(f"{directory}/state", directory)
        os.close(whole)
    return found


def views(recording, keys):
    keys, cpus, found = sorted(keys), os.cpu_count(), {}
    share = -(-len(keys) // (4 * cpus)) or 1
    jobs = [(recording, keys[i:i + share]) for i in range(0, len(keys), share)]
    with multiprocessing.get_context("fork").Pool(cpus) as pool:
        for part in pool.imap_unordered(_views, jobs):
            found.update(part)
    return found


def keeps(wanted, got):
    """Whether all that was there is there, once: what is new may be there as well."""
    return all(got[tree] == count for tree, count in wanted.items())


def judge(base, log, count, seed):
    recording = Recording(base, log)
    chosen = states.choose(recording.entries, int(count), random.Random(int(seed)), recording.superblocks)
    start = (0, ())
    part = recording.parts["state"]
    keys = {part.key(state) for state in chosen} | {start}
    found = views(recording, keys)
    if not found[start][0]:
        sys.exit(f"there is no upper to be lost: {found[start]}")
    bad = 0
    for key, (_, _, trees) in sorted(found.items()):
        if keeps(found[start][2], trees):
            continue
        bad += 1
        if bad <= 10:
            print(f"{key}: not all that was there: {list(trees)}"[:2000])
    moved = sum(base != found[start][0] for base, _, _ in found.values())
    without = sum(base is None for base, _, _ in found.values())
    print(f"{len(chosen)} states, {len(keys)} different archives, {len(part.indices)} writes; another base in {moved}, none in {without}: {bad} bad")
    return bad != 0 or moved == 0


def has(disk, base, number):
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
            found.append(seen(f"{directory}/state", directory))
    print(found)
    return found[0][0] is None or found[0][1] != int(number) or not keeps(found[1][2], found[0][2])


sys.exit({"judge": judge, "has": has}[sys.argv[1]](*sys.argv[2:]))
