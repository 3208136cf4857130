#!/usr/bin/env python3
"""The commands that a text tells its reader to type, and what it says that one sees then.

    text.py section FILE HEADING     the indented lines below "## HEADING", as they are
    text.py script FILE DIRECTORY    the ```sh blocks as one script for bash; what block N prints goes to DIRECTORY/N
    text.py compare FILE DIRECTORY   TAP, a line for each ```output block: its lines stand in that order in what the
                                     block before it printed; … is for any text
"""
import re
import sys


def blocks(path):
    """[(kind, text)] of the fenced blocks."""
    with open(path, encoding="utf-8") as file:
        return re.findall(r"^```(\w+)\n(.*?)^```$", file.read(), re.M | re.S)


def section(path, heading):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    if not found:
        sys.exit(f"{path}: no section {heading}")
    for line in found[1].splitlines():
        if line.startswith("    "):
            print(line[4:])


def script(path, directory):
    print("set -euo pipefail")
    number = 0
    for kind, text in blocks(path):
        if kind == "sh":
            number += 1
            # No subshell: the next block has this one's variables and functions.
            print(f"{{\n{text}}} >'{directory}/{number}' 2>&1")


def missing(wanted, got):
    """The first line of `wanted` that isn't there in its turn, or None."""
    lines = iter(got)
    for line in wanted:
        pattern = re.compile(".*".join(re.escape(part) for part in line.split("…")))
        if not any(pattern.fullmatch(one) for one in lines):
            return line
    return None


def read_output(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return [line.rstrip("\r\n") for line in file.read().split("\n")]


def compare(path, directory):
    number = count = failed = 0
    for kind, text in blocks(path):
        number += kind == "sh"
        if kind != "output":
            continue
        count += 1
        got = read_output(f"{directory}/{number}")
        lacking = missing(text.splitlines(), got)
        failed += lacking is not None
        print(f"{'not ' if lacking else ''}ok {count} - {path}: block {number} prints: {text.splitlines()[-1]}")
        if lacking:
            print(f"# not there: {lacking}")
            print("".join(f"# {line}\n" for line in got[-40:]), end="")
    print(f"1..{count}")
    sys.exit(failed > 0 or count == 0)


if __name__ == "__main__":
    {"section": section, "script": script, "compare": compare}[sys.argv[1]](*sys.argv[2:])
