"""Wait for words on a guest's console, then give QEMU's monitor commands.

Usage: at_words.py LOG MONITOR-SOCKET WORDS COMMAND...     (gives up after two minutes)
"""
import socket
import sys
import time

log, monitor, words, commands = sys.argv[1], sys.argv[2], sys.argv[3].encode(), sys.argv[4:]
for _ in range(1200):
    try:
        with open(log, "rb") as f:
            if words in f.read():
                break
    except FileNotFoundError:
        pass
    time.sleep(0.1)
else:
    sys.exit(f"the console never said {words}")
with socket.socket(socket.AF_UNIX) as s:
    s.connect(monitor)
    s.settimeout(5)
    for command in commands:
        seen = b""
        while not seen.endswith(b"(qemu) "):
            got = s.recv(4096)
            if not got:
                sys.exit(0)
            seen += got
        print(seen.decode(errors="replace"))
        s.sendall(command.encode() + b"\n")
    time.sleep(0.2)
