"""The disks that a power cut can leave.

What was written before the last flush is durable, and so is a write with FUA. Every later one has arrived, or not, or some
of its sectors have: a disk with a volatile cache promises no more, whatever the order was. Of writes to one sector the
last that arrived counts.

A state is the number of entries that were complete when the power went, and for each write that was not durable by then
which of its sectors arrived: a bit mask, 0 for none. Mask ALL stands for all, so that equal states look equal.
"""
import itertools
from collections import namedtuple

from writelog import FLUSH, FUA, SECTOR

ALL = -1
State = namedtuple("State", "cut arrived")  # arrived: ((entry's index, mask), ...) in the log's order


def pending(entries, cut):
    """The indices of the writes that are complete, but not durable, when `cut` entries are."""
    found = []
    for index in range(cut - 1, -1, -1):
        if entries[index].flags & FLUSH:
            break
        if not entries[index].flags & FUA:
            found.append(index)
    return found[::-1]


def extremes(entries):
    """At each boundary: all arrived, and nothing."""
    for cut in range(len(entries) + 1):
        waiting = pending(entries, cut)
        yield State(cut, tuple((index, ALL) for index in waiting))
        if waiting:
            yield State(cut, ())


def torn(rng, entry):
    """A mask of some sectors: from the front, from the back, or any."""
    sectors = len(entry.data) // SECTOR
    kept, how = rng.randrange(sectors + 1), rng.randrange(3)
    mask = (1 << kept) - 1
    if how == 1:
        mask <<= sectors - kept
    elif how == 2:
        mask = rng.getrandbits(sectors)
    return ALL if mask == (1 << sectors) - 1 else mask


def _masks(rng, entries, waiting):
    """One of the ways to lose some: any mix, all but one, one alone, one torn, all up to one."""
    how, one = rng.randrange(5), rng.choice(waiting)
    for index in waiting:
        if how == 0:
            yield rng.choice((0, 0, ALL, ALL, torn(rng, entries[index])))
        elif how == 1:
            yield 0 if index == one else ALL
        elif how == 2:
            yield ALL if index == one else 0
        elif how == 3:
            yield torn(rng, entries[index]) if index == one else ALL
        else:
            yield ALL if index <= one else 0


def mixes(entries, rng):
    """Random ones, without end; a boundary is as likely as it has writes that may be lost."""
    cuts = [cut for cut in range(len(entries) + 1) if pending(entries, cut)]
    weights = [len(pending(entries, cut)) for cut in cuts]
    while cuts:
        cut = rng.choices(cuts, weights)[0]
        waiting = pending(entries, cut)
        masks = zip(waiting, _masks(rng, entries, waiting))
        yield State(cut, tuple((index, mask) for index, mask in masks if mask))


def tears(entries, pairs):
    """Each write of one of these sectors and the next one, cut in two between them, all before it having arrived."""
    for index, entry in enumerate(entries):
        for first in pairs:
            at = first - entry.sector
            if entry.data is not None and 0 <= at < len(entry.data) // SECTOR - 1:
                before = tuple((other, ALL) for other in pending(entries, index + 1) if other != index)
                front = (2 << at) - 1
                yield State(index + 1, before + ((index, front),))
                yield State(index + 1, before + ((index, (1 << len(entry.data) // SECTOR) - 1 - front),))


def choose(entries, count, rng, pairs=()):
    """All extremes, all tears of `pairs`, and mixes until there are so many different ones; few writes may not give so
    many."""
    found = dict.fromkeys(itertools.chain(extremes(entries), tears(entries, pairs)))
    mixed = mixes(entries, rng)
    for _ in range(20 * count):
        if len(found) >= count:
            break
        found.update(dict.fromkeys(itertools.islice(mixed, 1)))
    return list(found)


def runs(entry, mask):
    """The pieces of a write that arrived: (sector, bytes)."""
    if mask == ALL:
        yield entry.sector, entry.data
        return
    for i in range(len(entry.data) // SECTOR):
        if mask >> i & 1:
            yield entry.sector + i, entry.data[i * SECTOR:(i + 1) * SECTOR]


class Part:
    """The writes of one region of the disk, and what a state means there."""

    def __init__(self, entries, first, sectors):
        self.entries, self.first, self.sectors = entries, first, sectors
        self.indices = [i for i, entry in enumerate(entries) if entry.data is not None and
                        first <= entry.sector < first + sectors]
        for i in self.indices:
            if entries[i].sector + len(entries[i].data) // SECTOR > first + sectors:
                raise ValueError(f"write {i} goes over the end of its partition")

    def key(self, state):
        """What of a state is in here: how many of its writes are there one after another, and of the later ones which
        pieces. States with one key are the same in here."""
        arrived = dict(state.arrived)
        waiting = set(pending(self.entries, state.cut))
        rest, whole = [], 0
        for position, index in enumerate(self.indices):
            if index >= state.cut:
                break
            mask = arrived.get(index, 0) if index in waiting else ALL
            if mask == ALL and whole == position:
                whole += 1
            elif mask:
                rest.append((index, mask))
        return whole, tuple(rest)

    def pieces(self, begin, end):
        """(byte offset in here, bytes) of the writes begin..end-1 of this part."""
        for index in self.indices[begin:end]:
            yield (self.entries[index].sector - self.first) * SECTOR, self.entries[index].data

    def rest(self, key):
        for index, mask in key[1]:
            for sector, data in runs(self.entries[index], mask):
                yield (sector - self.first) * SECTOR, data
