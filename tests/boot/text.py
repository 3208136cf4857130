#!/usr/bin/env python3
"""The commands that a text tells its reader to type, and what it says that one sees then.

    text.py section FILE HEADING [N] the indented lines below "## HEADING", as they are; of the Nth block alone
    text.py script FILE DIRECTORY    the ```sh blocks as one script for bash; what block N prints goes to DIRECTORY/N
    text.py compare FILE DIRECTORY   TAP, a line for each ```output block: its lines stand in that order in what the
                                     block before it printed; … is for any text
    text.py words FILE PLYBOOT MAKEFILE
                                     TAP, a line for each verb of `plyboot` that the text shows, with the options that it
                                     shows, and one for the targets of make
"""
import re
import subprocess
import sys


def blocks(path):
    """[(kind, text)] of the fenced blocks."""
    with open(path, encoding="utf-8") as file:
        return re.findall(r"^```(\w+)\n(.*?)^```$", file.read(), re.M | re.S)


def section(path, heading, number=None):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    if not found:
        sys.exit(f"{path}: no section {heading}")
    # Empty lines are within a block, any other line ends it.
    indented = re.findall(r"^ {4}.*\n(?:\n*^ {4}.*\n)*", found[1], re.M)
    if number:
        indented = indented[int(number) - 1 : int(number)]
    for block in indented:
        print(re.sub(r"^ {4}", "", block, flags=re.M), end="")


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


def words(path, plyboot, makefile):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    code = [re.sub(r"\s# .*", "", line) for line in re.findall(r"^ {4}.*", text, re.M)] + re.findall(r"`([^`]+)`", text)
    shown, targets, option = {}, set(), r"(?<=\s)--?[a-zA-Z][a-z-]*"
    for piece in code:
        for verb, rest in re.findall(r"\bplyboot ([a-z]+)\b(.*?)(?= -- | && | \| |$)", piece, re.S):
            shown.setdefault(verb, set()).update(re.findall(option, rest))
        targets.update(re.findall(r"\bmake ([a-z-]+)(?![\w/=.-])", piece))
    count = failed = 0
    shown.pop("help")  # it tells of the others, not of itself
    for verb, options in sorted(shown.items()):
        said = subprocess.run([plyboot, "help", verb], capture_output=True, text=True)
        known = set(re.findall(option, said.stdout)) | {"--help"}
        lacking = sorted(options - known) if said.returncode == 0 else ["the verb"]
        count += 1
        failed += len(lacking) > 0
        print(f"{'not ' if lacking else ''}ok {count} - plyboot {verb} {' '.join(sorted(options))}")
        print("".join(f"# there is not: {one}\n" for one in lacking), end="")
    with open(makefile, encoding="utf-8") as file:
        lacking = sorted(targets - set(re.findall(r"^([a-z-]+):", file.read(), re.M)))
    print(f"{'not ' if lacking else ''}ok {count + 1} - make {' '.join(sorted(targets))}")
    print("".join(f"# there is not: {one}\n" for one in lacking), end="")
    print(f"1..{count + 1}")
    sys.exit(failed > 0 or len(lacking) > 0 or count == 0)


if __name__ == "__main__":
    {"section": section, "script": script, "compare": compare, "words": words}[sys.argv[1]](*sys.argv[2:])
