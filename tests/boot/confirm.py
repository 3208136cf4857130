"""Confirm a stack in a record partition, from what layers/FORMAT.md says of it and with nothing of plyboot's.

Usage: confirm.py RECORD STACK-FILE     (RECORD is a copy of the partition; the stack has been tried)
"""
import hashlib
import re
import struct
import sys
import zlib

DISTANCE, SIZE = 1048576, 4096
STACKS, STACK, NAMES, NAME = 64, 128, 2112, 96


def crc(copy):
    return zlib.crc32(copy[:16] + bytes(4) + copy[20:])


def sequence(copy):
    good = copy[:16] == b"plyboot record 1" and struct.unpack_from("<I", copy, 16)[0] == crc(copy)
    return struct.unpack_from("<Q", copy, 24)[0] if good else 0


path, stack_file = sys.argv[1:]
with open(stack_file, "rb") as file:
    signed = file.read()
signed = signed[:signed.index(b"\n---\n") + 5]
name = re.search(rb"^name (.*)$", signed, re.M).group(1).ljust(64, b"\0")
floor = int(re.search(rb"^floor (.*)$", signed, re.M).group(1))

with open(path, "r+b") as file:
    content = file.read()
    copy = bytearray(max((content[at:at + SIZE] for at in (0, DISTANCE)), key=sequence))
    number = sequence(copy) + 1
    stacks, names = struct.unpack_from("<II", copy, 32)
    at = [at for at in range(STACKS, STACKS + STACK * stacks, STACK)
          if copy[at:at + 32] == hashlib.sha256(signed).digest()][0]
    confirmed, reconfirmed, boots = struct.unpack_from("<BBxI", copy, at + 41)
    struct.pack_into("<BBBxI", copy, at + 40, 3, 1, reconfirmed or (confirmed and boots == 1), 0)
    at = [at for at in range(NAMES, NAMES + NAME * names, NAME) if copy[at:at + 64] == name][0]
    struct.pack_into("<QI", copy, at + 64, max(floor, struct.unpack_from("<Q", copy, at + 64)[0]), 0)
    struct.pack_into("<Q", copy, 24, number)
    struct.pack_into("<I", copy, 16, crc(copy))
    file.seek(number % 2 * DISTANCE)
    file.write(copy)
