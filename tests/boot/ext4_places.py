"""Where on a disk image the parts of an ext4 partition lie, by debugfs and dumpe2fs.

Usage: ext4_places.py DISK PARTITION-OFFSET PLACE...
prints the byte ranges of a place, "START SIZE", a line each, on the disk:

    superblock          the primary one
    group-descriptors   the primary ones
    bitmaps, inode-tables
    journal             but for a block that lies behind an inode table: ext4 reads one too far ahead, and QEMU fails
                        what was read together
    directory:PATH      a directory's blocks
    file:PATH           a file's content, all of it
    file:PATH@OFFSET    the block that this byte of it is in; below zero: from the end
    free                blocks that nothing lies in
"""
import re
import subprocess
import sys


class Partition:
    """An ext4 partition; places are (start, size) in bytes, on the disk."""

    def __init__(self, disk, base):
        self.disk, self.base = disk, base
        header = self._run("dumpe2fs", self._where())
        self.block_bytes = int(re.search(r"Block size: +(\d+)", header).group(1))
        self.block_count = int(re.search(r"Block count: +(\d+)", header).group(1))
        self._header = header

    def _where(self):
        return f"{self.disk}?offset={self.base}"

    @staticmethod
    def _run(*command, **options):
        return subprocess.run(command, check=True, capture_output=True, text=True, errors="replace",
                              **options).stdout

    def ask(self, *commands):
        """What debugfs says to each of these."""
        text = self._run("debugfs", "-f", "-", self._where(), input="".join(c + "\n" for c in commands))
        return [answer.partition("\n")[2] for answer in text.split("debugfs: ")[1:]]

    def change(self, *commands):
        self._run("debugfs", "-w", "-f", "-", self._where(), input="".join(c + "\n" for c in commands))

    def blocks(self, numbers):
        return [(self.base + number * self.block_bytes, self.block_bytes) for number in numbers]

    def _ranges(self, label):
        found = []
        for text in re.findall(rf"(?m)^  (?:Primary superblock.*, )?{label}(?: at|:) ([\d, -]*\d)", self._header):
            for first, last in re.findall(r"(\d+)(?:-(\d+))?", text):
                found += range(int(first), int(last or first) + 1)
        return self.blocks(found)

    def listing(self, path):
        """The names in a directory."""
        return [line.split("/")[5] for line in self.ask(f"ls -p {path}")[0].splitlines()
                if line.count("/") >= 6 and line.split("/")[5] not in (".", "..")]

    def size(self, path):
        return int(re.search(r"Size: (\d+)", self.ask(f"stat {path}")[0]).group(1))

    def contents(self, paths):
        """Of each file or directory, in the order of its bytes; the last one cut where it ends."""
        answers = self.ask(*(f"{verb} {path}" for path in paths for verb in ("stat", "blocks")))
        found = []
        for stat, numbers in zip(answers[::2], answers[1::2]):
            size = int(re.search(r"Size: (\d+)", stat).group(1))
            blocks = self.blocks([int(number) for number in numbers.split()])
            found.append([(start, min(length, size - i * self.block_bytes))
                          for i, (start, length) in enumerate(blocks)])
        return found

    def content(self, path):
        return self.contents([path])[0]

    def free(self):
        return self._ranges("Free blocks")

    def place(self, name):
        kind, _, argument = name.partition(":")
        if kind == "superblock":
            return [(self.base + 1024, 1024)]
        if kind == "group-descriptors":
            return self._ranges("Group descriptors")
        if kind == "bitmaps":
            return self._ranges("Block bitmap") + self._ranges("Inode bitmap")
        if kind == "inode-tables":
            return self._ranges("Inode table")
        if kind == "journal":
            tables = {start for start, _ in self._ranges("Inode table")}
            return [(start, size) for start, size in self.content("<8>") if start - self.block_bytes not in tables]
        if kind == "free":
            return self.free()
        path, _, offset = argument.partition("@")
        whole = self.content(path)
        if not offset:
            return whole
        at = int(offset) + (self.size(path) if int(offset) < 0 else 0)
        return [whole[at // self.block_bytes]]


def main():
    partition = Partition(sys.argv[1], int(sys.argv[2]))
    for name in sys.argv[3:]:
        found = partition.place(name)
        if not found:
            sys.exit(f"{name} is nowhere")
        for start, size in found:
            print(start, size)


if __name__ == "__main__":
    main()
