#!/usr/bin/env python3
"""flip.py FILE OFFSET: change one bit of the byte there.

A byte that is written over what nobody chose, a digest, a signature or something compressed, is the one that is there in 1 of 256
runs, and then nothing is spoiled.
"""

import sys

with open(sys.argv[1], "r+b") as file:
    file.seek(int(sys.argv[2]))
    byte = file.read(1)[0]
    file.seek(-1, 1)
    file.write(bytes([byte ^ 1]))
