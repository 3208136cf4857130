#!/bin/bash
# What init/BOOT.md and compose/EXIT.md say is what the code says, and the other way round.
exec python3 "$(dirname "$0")/words.py"
