"""What a guest wrote to its disk, in the order in which QEMU's blklogwrites completed it.

The log has the format of Linux's dm-log-writes (Documentation/admin-guide/device-mapper/log-writes.rst), little-endian,
in sectors of the size that its first one names: a superblock of u64 magic, u64 version, u64 entries, u32 sector size; then
for each entry one sector with u64 sector, u64 sectors, u64 flags, u64 length of a mark's text, and behind it the data,
which a discard has none of. QEMU 7.2 writes the superblock at each flush, the last time when it closes the disk.
"""
import struct
import uuid
from collections import namedtuple

SECTOR = 512
MAGIC = 0x6A736677736872
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8

# `data` is None for a flush; a discard's is zeros, as QEMU and a disk with deterministic reads give them back.
Entry = namedtuple("Entry", "sector data flags")

# A guest says how far it is by writing a sector of text here, in the gap before the first partition.
MARKS = range(64, 2048)
MARK_TEXT = b"plyboot mark "


class BadLog(Exception):
    pass


def _superblock(content):
    if len(content) < SECTOR:
        raise BadLog("no superblock")
    magic, version, count, size = struct.unpack_from("<QQQI", content)
    if magic != MAGIC or version != 1:
        raise BadLog(f"magic {magic:x}, version {version}")
    if size != SECTOR:
        raise BadLog(f"sectors of {size} bytes")
    return count


def parse(content):
    """All entries; the whole log must be used up by as many as the superblock counts."""
    count, at, entries = _superblock(content), SECTOR, []
    for _ in range(count):
        if at + SECTOR > len(content):
            raise BadLog(f"entry {len(entries)} is behind the end")
        sector, sectors, flags, _ = struct.unpack_from("<QQQQ", content, at)
        at += SECTOR
        if flags & ~(FLUSH | FUA | DISCARD):
            raise BadLog(f"entry {len(entries)} has flags {flags:x}")
        size = sectors * SECTOR
        if flags & DISCARD:
            data = bytes(size)
        else:
            data = content[at:at + size] if sectors else None
            at += size
        if at > len(content) or (data is None and not flags & FLUSH):
            raise BadLog(f"entry {len(entries)} is cut short, or empty")
        entries.append(Entry(sector, data, flags))
    if at != len(content):
        raise BadLog(f"{len(content) - at} bytes behind the last entry")
    return entries


def read(path):
    with open(path, "rb") as file:
        return parse(file.read())


def mark_of(entry):
    """The words of a mark, or None."""
    if entry.data is None or entry.sector not in MARKS:
        return None
    if not entry.data.startswith(MARK_TEXT):
        raise BadLog(f"something else than a mark is written to sector {entry.sector}")
    return entry.data[len(MARK_TEXT):].decode().split()


def partitions(disk):
    """By label: the first sector and how many, from the GPT of an open file."""
    disk.seek(SECTOR)
    header = disk.read(92)
    if header[:8] != b"EFI PART":
        raise BadLog("the disk has no GPT")
    table, count, size = struct.unpack_from("<QII", header, 72)
    disk.seek(table * SECTOR)
    found = {}
    for _ in range(count):
        entry = disk.read(size)
        if uuid.UUID(bytes_le=entry[:16]).int:
            first, last = struct.unpack_from("<QQ", entry, 32)
            found[entry[56:128].decode("utf-16-le").rstrip("\0")] = (first, last - first + 1)
    return found
