"""The table of `make bench`, what it must show, and its plot."""
import re

import measuring
from contenders import KIND_NOTES, KINDS

TITLES = {"debian": "Debian root", "tiny": "100,000 tiny files", "file": "one file of 1 GiB"}
TAR, BSDTAR, UMOCI, RAW, FLOOR = "openssl + GNU tar", "openssl + bsdtar", "umoci unpack", "umoci raw unpack", "floor"
# Wall time of plyboot, by the contender's of the same kind, for the Debian root: at most.
LIMITS = (("gzip", TAR, 0.35), ("zstd", TAR, 0.50), ("plain", TAR, 0.45), ("foreign gzip", TAR, 0.52),
          ("foreign gzip", UMOCI, 0.22))
MEMORY_LIMIT_MIB, MEMORY_SPREAD = 24, 1.10
MIB = 1024 * 1024


def find(data, name, kind):
    return next(c for c in data["contenders"] if c["name"] == name and c["kind"] == kind)


# --- the table


def row(data, contender):
    floor = find(data, FLOOR, "")["wall_ms"]
    beside_tar = f"{contender['wall_ms'] / find(data, TAR, contender['kind'])['wall_ms']:6.2f}" if contender["kind"] else ""
    differences = contender["differences"]
    tree = "" if differences is None else "differs" if differences else "same"
    return (f"  {contender['name']:18} {contender['wall_ms']:8.0f} {1e3 * min(contender['wall']):7.0f} "
            f"{1e3 * max(contender['wall']):7.0f} {contender['cpu_ms']:8.0f} {contender['peak_bytes'] / MIB:8.1f} "
            f"{beside_tar:>9} {contender['wall_ms'] / floor:8.1f}  {tree}")


def input_table(name, data):
    lines = [f"{TITLES[name]}: {data['names']:,} names, {data['tar_bytes'] / 1e6:,.0f} MB of tar",
             f"  {'':18} {'wall ms':>8} {'least':>7} {'most':>7} {'CPU ms':>8} {'peak MiB':>8} {'by tar':>9} {'by floor':>8}  tree"]
    for kind in [*KINDS, ""]:
        lines += [f" {kind}"] if kind else []
        lines += [row(data, c) for c in data["contenders"] if c["kind"] == kind]
    return lines + [""]


def name_of(line):
    """Of a line of compare_tree(): the name that tests/cli/tree.py begins it with, as Python writes bytes."""
    return re.match(r"[-+] b('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")", line).group(1)


def differing(data):
    """For each contender the names that differ, whatever the kind, and the last of them in full."""
    lines = []
    for name in CLASSES:
        found = [line for c in data["contenders"] if c["name"] == name for line in c["differences"] or ()]
        names = sorted({name_of(line) for line in found})
        if names:
            lines.append(f"  {name}: {len(names)} names: {' '.join(names[:5])}{' ...' if len(names) > 5 else ''}")
            for sign in "-+":
                lines += [f"    {line[:200]}" for line in found if line[0] == sign and name_of(line) == names[-1]][:1]
    return lines


def verdicts(figures):
    """(what, value, limit, unit, reached) of all that must be shown and can be with these inputs."""
    inputs, result = figures["inputs"], []
    if "debian" in inputs:
        for kind, other, limit in LIMITS:
            value = find(inputs["debian"], "plyboot", kind)["wall_ms"] / find(inputs["debian"], other, kind)["wall_ms"]
            result.append((f"Debian root, {kind}: wall time by {other}", value, limit, ""))
    peaks = {kind: [find(data, "plyboot", kind)["peak_bytes"] for data in inputs.values()] for kind in KINDS}
    result.append(("peak memory, the most of any", max(max(p) for p in peaks.values()) / MIB, MEMORY_LIMIT_MIB, " MiB"))
    if len(inputs) == len(TITLES):
        for kind, values in peaks.items():
            result.append((f"peak memory, {kind}: most by least of the inputs", max(values) / min(values), MEMORY_SPREAD, ""))
    return [(*r, r[1] <= r[2]) for r in result]


def table(figures):
    machine, lines = figures["machine"], []
    lines += [f"{machine['date']}, {machine['commit']}: {machine['cpu']}, Linux {machine['kernel']}",
              ", ".join(machine["versions"]), "",
              f"Medians of {figures['rounds']} interleaved rounds, page cache warm, each into a fresh tmpfs ({figures['mount']}).",
              KIND_NOTES + ".",
              measuring.MEMORY_METHOD + ".",
              "by tar: wall time by that of openssl + GNU tar of the same kind; by floor: by that of creating and writing the"
              " same names and sizes.",
              "umoci unpack writes an mtree manifest of the tree as well, umoci raw unpack doesn't.", ""]
    for name, data in figures["inputs"].items():
        lines += input_table(name, data)
    lines += ["plyboot must show"]
    for what, value, limit, unit, reached in verdicts(figures):
        lines.append(f"  {what:58} {value:6.2f}{unit}, at most {limit:.2f}{unit}: {'reached' if reached else 'NOT REACHED'}")
    for name, data in figures["inputs"].items():
        found = differing(data)
        lines += ["", f"Trees that differ from what was packed ({TITLES[name]}): - packed, + unpacked", *found] if found else []
    return "\n".join(lines) + "\n"


# --- the plot

STYLE = """
text { font: 12px sans-serif; fill: #24292f }
.title { font-size: 14px; font-weight: bold }
.note { fill: #57606a }
.plyboot { fill: #0969da } .tar { fill: #8c959f } .bsdtar { fill: #b6bec7 } .umoci { fill: #d4a72c } .floor { fill: #57606a }
line { stroke: #57606a; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .note { fill: #9198a1 } .plyboot { fill: #4493f8 } .tar { fill: #7d8590 } .bsdtar { fill: #545d68 }
  .floor { fill: #9198a1 } line { stroke: #9198a1 }
}
@media print { text, .note { fill: #000 } }
"""
CLASSES = {"plyboot": "plyboot", TAR: "tar", BSDTAR: "bsdtar", UMOCI: "umoci", RAW: "umoci", FLOOR: "floor"}
WIDTH, LEFT, RIGHT, BAR, STEP, GAP = 760, 230, 90, 12, 15, 9


def text(x, y, words, css="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{css and f" class={chr(34)}{css}{chr(34)}"}>{words}</text>'


def seconds(ms):
    return f"{ms / 1e3:.2f} s"


def panel(name, data, y):
    """The bars of one input, from y on, and where they end."""
    out = [text(0, y + 14, f"{TITLES[name]}: {data['names']:,} names, {data['tar_bytes'] / 1e6:,.0f} MB of tar", "title")]
    y, scale = y + 24, (WIDTH - LEFT - RIGHT) / max(c["wall_ms"] for c in data["contenders"])
    floor, top = find(data, FLOOR, "")["wall_ms"], y
    for kind in ["", *KINDS]:
        for i, contender in enumerate(c for c in data["contenders"] if c["kind"] == kind):
            width = contender["wall_ms"] * scale
            out += [text(0, y + BAR - 2, kind, "note") if kind and i == 0 else "",
                    text(LEFT - 8, y + BAR - 2, contender["name"], "", "end"),
                    f'<rect class="{CLASSES[contender["name"]]}" x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}"/>',
                    text(LEFT + width + 5, y + BAR - 2,
                         seconds(contender["wall_ms"]) + (" *" if contender["differences"] else ""))]
            y += STEP
        y += GAP
    x = LEFT + floor * scale
    out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top + STEP}" y2="{y - GAP}"/>')
    return out, y + 12


def plot(figures):
    out, y = [], 0
    for name, data in figures["inputs"].items():
        part, y = panel(name, data, y)
        out += part
    machine = figures["machine"]
    notes = [f"Wall time until the tree is there and what was unpacked is verified; medians of {figures['rounds']} rounds. Dashed: the floor,",
             "which only creates and writes the same names and sizes. * a tree that differs from what was packed.",
             f"{machine['cpu']}, Linux {machine['kernel']}, {machine['date']}."]
    for note in notes:
        out.append(text(0, y + 12, note, "note"))
        y += 16
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 -4 {WIDTH + 16} {y + 12}" width="{WIDTH + 16}" role="img"'
            f' aria-label="Time to verify and unpack">\n<style>{STYLE}</style>\n' + "\n".join(filter(None, out)) + "\n</svg>\n")
