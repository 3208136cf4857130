"""Partitions of many states, made and asked for facts in as many processes as there are CPUs."""
import multiprocessing
import os
import tempfile

import facts

ASK = {"layers": facts.layers, "state": facts.state}
PIECE = 1 << 20


def copy_sparse(source, target):
    """The file without its holes: most of a partition is one."""
    size = os.fstat(source).st_size
    os.ftruncate(target, 0)
    os.ftruncate(target, size)
    at = 0
    while at < size:
        try:
            at = os.lseek(source, at, os.SEEK_DATA)
        except OSError:
            break # nothing but a hole up to the end
        end = os.lseek(source, at, os.SEEK_HOLE)
        while at < end:
            data = os.pread(source, min(PIECE, end - at), at)
            os.pwrite(target, data, at)
            at += len(data)


def put(file, pieces):
    for at, data in pieces:
        os.pwrite(file, data, at)


def write_sparse(file, content):
    os.ftruncate(file, len(content))
    for at in range(0, len(content), 65536):
        data = bytes(content[at:at + 65536])
        if data.count(0) != len(data):
            os.pwrite(file, data, at)


def _facts(job):
    """Those of some keys of one partition, sorted: each begins with more of the writes than the one before."""
    recording, kind, keys, command, pub = job
    part, found, done = recording.parts[kind], {}, 0
    with tempfile.TemporaryDirectory() as directory:
        at, path = f"{directory}/mnt", f"{directory}/state"
        os.mkdir(at)
        whole = os.open(f"{directory}/whole", os.O_RDWR | os.O_CREAT)
        write_sparse(whole, recording.slice(kind))
        for key in keys:
            put(whole, part.pieces(done, key[0]))
            done = key[0]
            state = os.open(path, os.O_RDWR | os.O_CREAT)
            copy_sparse(whole, state)
            put(state, part.rest(key))
            os.close(state)
            found[key] = ASK[kind](path, at, command, pub)
        os.close(whole)
    return kind, found


def gather(recording, wanted, command, pub):
    """Facts of all keys in `wanted`: kind -> set of keys."""
    jobs, cpus = [], os.cpu_count()
    for kind, keys in wanted.items():
        keys = sorted(keys)
        share = -(-len(keys) // (2 * cpus)) or 1
        jobs += [(recording, kind, keys[i:i + share], command, pub) for i in range(0, len(keys), share)]
    found = {kind: {} for kind in wanted}
    with multiprocessing.get_context("fork").Pool(cpus) as pool:
        for kind, part in pool.imap_unordered(_facts, jobs):
            found[kind].update(part)
    return found
