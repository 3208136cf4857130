"""Damage a layers partition at random, and say what may boot then.

Usage: damage.py DISK PARTITION-OFFSET SEED     (prints WHAT-MAY-BOOT, a tab, and what was done)

WHAT-MAY-BOOT is a version when the damage is to the content of files, or where nothing lies: then the newest stack that
is whole must boot. It is "any" when the file system itself was hit: then any whole stack may, or none.
"""
import hashlib
import random
import re
import sys

from ext4_places import Partition

SECTOR = 512


class Layers:
    """The stacks of a partition, and which of them are whole."""

    def __init__(self, disk, base):
        self.disk, self.partition = disk, Partition(disk, base)
        self.paths = ["/stacks/" + name for name in self.partition.listing("/stacks")]
        self.paths += ["/blobs/sha256/" + name for name in self.partition.listing("/blobs/sha256")]
        self.places = dict(zip(self.paths, self.partition.contents(self.paths)))
        self.signed = {path: self.read(path) for path in self.paths}

    def read(self, path):
        with open(self.disk, "rb") as disk:
            parts = []
            for start, size in self.places[path]:
                disk.seek(start)
                parts.append(disk.read(size))
        return b"".join(parts)

    def newest_whole(self, lost=()):
        """The version to boot, 0 for none. Files in `lost` are not as they were, whatever their blocks say."""
        whole = {path for path in self.paths if path not in lost and self.read(path) == self.signed[path]}
        versions = [0]
        for path in whole:
            if path.startswith("/stacks/"):
                needed = re.findall(rb"(?m)^(?:layer|pieces) sha256:(.*)$", self.signed[path])
                if all("/blobs/sha256/" + name.decode() in whole for name in needed):
                    versions.append(int(re.search(rb"(?m)^version (\d+)$", self.signed[path]).group(1)))
        return max(versions)

    def needed(self):
        """The blobs that a stack file names; others are not read."""
        text = b"".join(content for path, content in self.signed.items() if path.startswith("/stacks/"))
        return [path for path in self.paths if path.rpartition("/")[2].encode() in text]

    def any_place(self, chance):
        """A range of bytes: half of them in files, a third in what ext4 needs, the others in free blocks."""
        kind = chance.random()
        if kind < 0.5:
            path = chance.choice(self.needed() + [path for path in self.paths if path.startswith("/stacks/")])
            return path, chance.choice(self.places[path]), True
        if kind < 0.85:
            name = chance.choice(["superblock", "group-descriptors", "bitmaps", "inode-tables", "journal",
                                  "directory:/", "directory:/stacks", "directory:/blobs", "directory:/blobs/sha256"])
            # What the first blocks of these hold is in use; the others are mostly empty.
            return name, chance.choice(self.partition.place(name)[:2]), False
        return "a free block", chance.choice(self.partition.free()), True


def overwrite(disk, at, new):
    with open(disk, "r+b") as file:
        file.seek(at)
        old = file.read(len(new))
        file.seek(at)
        file.write(new)
    return old != new


def flip_bit(layers, chance):
    name, (start, size), content = layers.any_place(chance)
    at, bit = start + chance.randrange(size), chance.randrange(8)
    with open(layers.disk, "rb") as file:
        file.seek(at)
        byte = file.read(1)[0]
    overwrite(layers.disk, at, bytes([byte ^ 1 << bit]))
    return content, f"bit {bit} of byte {at} ({name})"


def damage_sector(layers, chance, what):
    name, (start, size), content = layers.any_place(chance)
    at = (start + chance.randrange(size)) // SECTOR * SECTOR
    overwrite(layers.disk, at, bytes(SECTOR) if what == "zeroed" else chance.randbytes(SECTOR))
    return content, f"sector {at // SECTOR} {what} ({name})"


def truncate(layers, chance):
    path = chance.choice(layers.needed() + [path for path in layers.paths if path.startswith("/stacks/")])
    size = chance.randrange(layers.partition.size(path))
    layers.partition.change(f"sif {path} size {size}")
    return [path], f"{path} cut to {size} bytes"


def swap(layers, chance):
    a, b = chance.sample(layers.needed(), 2)
    layers.partition.change(f"ln {a} /swap", f"unlink {a}", f"ln {b} {a}", f"unlink {b}", f"ln /swap {b}",
                            "unlink /swap")
    return [a, b], f"{a} and {b} swapped"


def damage_stack_file(layers, chance):
    path = chance.choice([path for path in layers.paths if path.startswith("/stacks/")])
    start, size = chance.choice(layers.places[path])
    length = chance.randrange(1, 65)
    at = chance.randrange(max(1, size - length))
    overwrite(layers.disk, start + at, chance.randbytes(min(length, size - at)))
    return True, f"{length} bytes at {at} of {path}"


KINDS = [
    flip_bit,
    lambda layers, chance: damage_sector(layers, chance, "of garbage"),
    lambda layers, chance: damage_sector(layers, chance, "zeroed"),
    truncate,
    swap,
    damage_stack_file,
]


def main():
    disk, base, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    digest = hashlib.sha256(b"damage %d" % seed).digest()
    chance = random.Random(int.from_bytes(digest, "big"))
    layers = Layers(disk, base)
    kind = KINDS[seed % len(KINDS)]
    content, what = kind(layers, chance)
    if isinstance(content, list):
        version = layers.newest_whole(content)
    else:
        version = layers.newest_whole() if content else "any"
    print(f"{version}\t{what}")


main()
