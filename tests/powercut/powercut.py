#!/usr/bin/env python3
"""Judge the disks that a power cut can leave of a recorded operation.

    powercut.py judge BASE LOG FINAL PLYBOOT PUB COUNT SEED
                                                                COUNT states, or two of each boundary if those are more
    powercut.py pick BASE LOG PLYBOOT PUB COUNT SEED DIRECTORY  DIRECTORY/N/disk, to be booted: N, the version, which state
    powercut.py marks BASE LOG                                  what the guest said
    powercut.py look DISK PLYBOOT PUB                           what is on a disk: stacks that are good, record, state

BASE is the disk before, LOG what it wrote, FINAL the disk as QEMU left it. `judge` prints what is wrong, up to 20 of it,
and ends with a line "N states, L distinct, W writes, F flushes: B bad"; its status is 1 when one was bad.

In a mount namespace of its own, as root, with TMPDIR in memory.
"""
import os
import random
import sys
import tempfile
from collections import Counter

import facts
import partitions
import states
from recording import KINDS, Recording
from writelog import FLUSH, SECTOR
from writelog import partitions as partitions_of


def same_as_qemu(recording, final):
    """The replayer's own test: all of the log on the disk before gives what QEMU left."""
    with open(recording.base, "rb") as file:
        disk = bytearray(file.read())
    for entry in recording.entries:
        if entry.data is not None:
            disk[entry.sector * SECTOR:entry.sector * SECTOR + len(entry.data)] = entry.data
    with open(final, "rb") as file:
        if file.read() != disk:
            sys.exit("the log does not give the disk that QEMU left")


def spell(state):
    """So that one can be looked at again: where the power went, and what of the last writes had not arrived."""
    return f"cut after {state.cut}, arrived " + (" ".join(
        str(index) if mask == states.ALL else f"{index}/{mask:x}" for index, mask in state.arrived) or "nothing")


def gathered(recording, chosen, command, pub):
    """The facts of each state, and how many of the states differ anywhere."""
    keys = [{kind: recording.parts[kind].key(state) for kind in KINDS} for state in chosen]
    start = (0, ())
    wanted = {kind: {key[kind] for key in keys} | {start} for kind in partitions.ASK}
    found = partitions.gather(recording, wanted, command, pub)
    found["record"] = {key: facts.record(recording.content("record", key)) for key in {key["record"] for key in keys}}
    recording.at_first = {kind: found[kind][start] for kind in partitions.ASK}
    distinct = len({tuple(key[kind] for kind in KINDS) for key in keys})
    return [{kind: found[kind][key[kind]] for kind in KINDS} for key in keys], distinct


def judge(base, log, final, command, pub, count, seed):
    recording = Recording(base, log)
    same_as_qemu(recording, final)
    chosen = states.choose(recording.entries, int(count), random.Random(int(seed)), recording.superblocks)
    found, distinct = gathered(recording, chosen, command, pub)
    bad, kinds = 0, Counter()
    for state, fact in zip(chosen, found):
        wrong = list(recording.judge(state.cut, fact))
        bad += bool(wrong)
        for what in wrong:
            kinds[what] += 1
            if kinds[what] == 1 and len(kinds) <= 20:
                print(f"{what}: {spell(state)}")
    flushes = sum(bool(entry.flags & FLUSH) for entry in recording.entries)
    writes = sum(entry.data is not None for entry in recording.entries)
    print(f"{len(chosen)} states, {distinct} distinct, {writes} writes, {flushes} flushes: {bad} bad")
    return bad != 0


def boots(layers, record):
    """The version that is to boot: the newest that is confirmed or has tries left, else the one tried longest ago, which
    of two versions tried one after the other is the lower one."""
    def known(digest):
        return record.stacks.get(digest, ("", 0, 1, False)) if record else ("", 0, 1, False)
    versions = {digest: int(name.removesuffix(".stack").rpartition("-")[2]) for name, digest in layers.there.items()}
    ready = [digest for digest in versions if known(digest)[3] or known(digest)[2] > 0]
    return max(versions[digest] for digest in ready) if ready else min(versions.values())


def pick(base, log, command, pub, count, seed, directory):
    recording, rng = Recording(base, log), random.Random(int(seed))
    chosen = rng.sample(states.choose(recording.entries, 50 * int(count), rng, recording.superblocks), int(count))
    found, _ = gathered(recording, chosen, command, pub)
    source = os.open(base, os.O_RDONLY)
    for number, (state, fact) in enumerate(zip(chosen, found)):
        os.mkdir(f"{directory}/{number}")
        disk = os.open(f"{directory}/{number}/disk", os.O_RDWR | os.O_CREAT | os.O_EXCL)
        partitions.copy_sparse(source, disk)
        for part in recording.parts.values():
            key = part.key(state)
            partitions.put(disk, ((part.first * SECTOR + at, data) for at, data in part.pieces(0, key[0])))
            partitions.put(disk, ((part.first * SECTOR + at, data) for at, data in part.rest(key)))
        os.close(disk)
        print(number, boots(fact["layers"], fact["record"]), spell(state))
    return False


def marks(base, log):
    for index, words in Recording(base, log).marks:
        print(index, *words)
    return False


def look(path, command, pub):
    """A disk that was written by a guest that is gone, which is left as it is."""
    with open(path, "rb") as disk, tempfile.TemporaryDirectory() as directory:
        content = {}
        for label, (first, sectors) in partitions_of(disk).items():
            disk.seek(first * SECTOR)
            content[label] = disk.read(sectors * SECTOR)
        record = facts.record(content["plyboot-record"])
        os.mkdir(f"{directory}/mnt")
        found = {}
        for kind, ask in partitions.ASK.items():
            file = os.open(f"{directory}/{kind}", os.O_RDWR | os.O_CREAT)
            partitions.write_sparse(file, content[f"plyboot-{kind}"])
            os.close(file)
            found[kind] = ask(f"{directory}/{kind}", f"{directory}/mnt", command, pub)
    stacks = sorted(name for name, digest in found["layers"].there.items() if not digest.startswith("refused"))
    print("layers", found["layers"].wrong or " ".join(stacks))
    if len(stacks) < len(found["layers"].there):
        print("refused", found["layers"].there)
    print("state", found["state"].wrong or "good")
    print("record", record.sequence if record else "invalid")
    for name, version, tries, confirmed in sorted(record.stacks.values() if record else []):
        print(f"{name}-{version}", "confirmed" if confirmed else f"{tries} left")
    return False


sys.exit({"judge": judge, "pick": pick, "marks": marks, "look": look}[sys.argv[1]](*sys.argv[2:]))
