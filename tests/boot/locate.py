"""Print where on a disk image a byte of a file in one of its ext4 partitions lies, by debugfs's block map.

Usage: locate.py DISK PARTITION-OFFSET PATH OFFSET     (an offset below zero counts from the end)
"""
import re
import subprocess
import sys

disk, base, path, offset = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])


def debugfs(command):
    return subprocess.run(["debugfs", "-R", command, f"{disk}?offset={base}"], check=True,
                          capture_output=True, text=True).stdout


size = int(re.search(r"Size: (\d+)", debugfs(f"stat {path}")).group(1))
if offset < 0:
    offset += size
assert 0 <= offset < size, f"{path} has {size} bytes"
block_size = int(re.search(r"Block size: +(\d+)", debugfs("stats -h")).group(1))
block = int(debugfs(f"bmap {path} {offset // block_size}").split()[0])
print(base + block * block_size + offset % block_size)
