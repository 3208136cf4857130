"""Holds init/BOOT.md and compose/EXIT.md against the code, the tests' own texts, and the host command. Prints TAP.

Each list is compared as a whole, so that what only one side has fails.
"""
import collections
import json
import os
import pathlib
import re
import subprocess
import tarfile
import tempfile

top = pathlib.Path(__file__).resolve().parents[2]
plyboot = os.environ.get("PLYBOOT", top / "build/plyboot")
count = failed = 0


def same(got, wanted, name):
    """Lists: their order counts. Dictionaries and sets: it does not."""
    global count, failed
    count += 1
    print(f"{'ok' if got == wanted else 'not ok'} {count} - {name}")
    if got == wanted:
        return
    failed += 1
    if isinstance(got, dict):
        got, wanted = list(got.items()), list(wanted.items())
    for what, one, other in (("only in the code", got, wanted), ("only in the document", wanted, got)):
        for item in one if isinstance(one, (list, set)) else [one]:
            if not isinstance(other, (list, set)) or item not in other:
                print(f"# {what}: {item}")


def text(path):
    return (top / path).read_text()


def code(path):
    """C without its comments."""
    return re.sub(r"/\*.*?\*/", "", text(path), flags=re.S)


def tables(path):
    """By the heading above it, the rows of each table: lists of cells."""
    found, heading, header = collections.defaultdict(list), "", None
    for line in text(path).splitlines():
        if line.startswith("## "):
            heading = line[3:]
        if not line.startswith("|"):
            header = None
            continue
        cells = [cell[1:-1] if cell.startswith(" ") else cell for cell in line[1:-1].split("|")]
        if header is None:
            header = cells
            found[heading].append([])
        elif set(line) - set("|-"):
            assert len(cells) == len(header), f"{path}: {line}"
            found[heading][-1].append(cells)
    return found


def bare(cell):
    """Without backquotes; blanks in front of the words count."""
    return cell.replace("`", "")


def literal(source):
    """The first C string literal, and what stands directly behind it, as one."""
    source = re.sub(r'"\s*CLOCK_MS\s*"', "s", source)
    run_of_them = re.search(r'(?:"(?:[^"\\]|\\.)*"\s*)+', source)
    parts = re.findall(r'"((?:[^"\\]|\\.)*)"', run_of_them.group(0)) if run_of_them else []
    return "".join(parts).replace(r"\"", '"').replace(r"\n", "\n")


def calls(source, names):
    """Each call of one of the functions: name, arguments as they stand."""
    for match in re.finditer(rf"\b({names})\(", source):
        depth, at, quoted = 1, match.end(), False
        while depth > 0:
            if source[at] == "\\":
                at += 1
            elif source[at] == '"':
                quoted = not quoted
            elif not quoted:
                depth += {"(": 1, ")": -1}.get(source[at], 0)
            at += 1
        yield match.group(1), source[match.end():at - 1]


boot, leave = tables("init/BOOT.md"), tables("compose/EXIT.md")
init_sources = sorted(str(p.relative_to(top)) for p in (top / "init").glob("*.[ch]"))

# --- error codes

rows = boot["Error codes"][0]
documented = [bare(row[0]) for row in rows]
enum = re.search(r"enum error_code \{(.*?)ERROR_CODES", text("layers/error.h"), re.S).group(1)
meanings = re.findall(r"ERROR_(\w+),\s*/\*\s*(.*?)\s*\*/", enum, re.S)
same([name for name, _ in meanings], documented, "codes: those of layers/error.h, in their order")
same(re.findall(r"\bERROR_(\w+)\b", re.sub(r"/\*.*?\*/", "", enum, flags=re.S)), ["NONE"] + documented,
     "codes: each has its meaning there")
same([re.sub(r"\s+\*?\s*", " ", meaning) for _, meaning in meanings], [bare(row[1]) for row in rows], "codes: their meanings")
names = re.findall(r'\[ERROR_(\w+)\] = "(\w+)"', text("layers/error.c"))
same(names, [(name, name) for name in ["NONE"] + documented], "codes: their words")

transcript = re.findall(r"^plyboot: ERROR what: (\w+): why\n(?:plyboot:   what to do: (.*)\n)?", text("tests/data/errors.txt"), re.M)
same(transcript, [(bare(row[0]), bare(row[3]).strip()) for row in rows], "codes: what the console says is to be done")

# What /init then does, and the test that shows it: a file, and a regular expression for its line.
SHOWN = {"next": ("tests/boot/codes.t", r'tried=\(.*\b{0}\b|^codes=.*\b{0}\b|"{0}"')}
SHOWN_BY = {
    ("JAIL", "next"): ("tests/boot/hostile.t", r"went spin JAIL "),
    ("IO", "next"): ("tests/boot/devices.t", r'\("test-2\.stack", "IO"\)'),
    ("KERNEL", "next"): ("tests/boot/layers.t", r'\("test-2\.stack", "KERNEL"\)'),
    ("KEY", "end"): ("tests/boot/codes.t", r"refuses \"end: .* KEY "),
    ("DEVICE", "end"): ("tests/boot/devices.t", r'refuses "no such device" .* DEVICE '),
    ("IO", "end"): ("tests/boot/codes.t", r"refuses \"end: .* IO "),
    ("MISSING", "end"): ("tests/boot/ladder.t", r"refuses .* MISSING "),
    ("KERNEL", "end"): ("tests/boot/codes.t", r"refuses \"end: .* KERNEL "),
    ("CONFIG", "end"): ("tests/boot/ladder.t", r"refuses .* CONFIG "),
    ("NOSPACE", "volatile"): ("tests/boot/codes.t", r'"volatile" and .*inodes free: make '),
    ("DEVICE", "volatile"): ("tests/boot/state.t", r'costs "all zero" "holds no ext4 file system"'),
    ("IO", "volatile"): ("tests/boot/state.t", r'costs "a damaged directory'),
    ("KERNEL", "volatile"): ("tests/boot/state.t", r'costs "no journal" "mount: "'),
    ("UPPER", "next"): ("tests/boot/upper.t", r"boots .* UPPER"),
    ("DEVICE", "on"): ("tests/boot/devices.t", r"/dev/vdb9:no block device is /dev/vdb9"),
    ("IO", "on"): ("tests/boot/devices.t", r"copy 0 is unreadable, the other counts"),
}
for row in rows:
    word = bare(row[0])
    for outcome in [part.split(",")[0].strip() for part in row[2].split(";")]:
        if (word, outcome) == ("USAGE", "never said by /init"):
            used = [path for path in init_sources if "ERROR_USAGE" in code(path)]
            same(used, [], "USAGE is never said by /init")
            continue
        path, pattern = SHOWN_BY.pop((word, outcome), SHOWN.get(outcome, ("tests/boot/codes.t", "no such test")))
        same(bool(re.search(pattern.format(word), text(path), re.M)), True, f"{word}, {outcome}: {path} shows it")
same(SHOWN_BY, {}, "no other test shows what the document does not say")

# --- exit statuses

statuses = dict(re.findall(r"STATUS_(\w+) = (\d+)", text("compose/report.h")))
mapped = {name: statuses[status] for name, status in
          re.findall(r"\[ERROR_(\w+)\] = STATUS_(\w+)", text("compose/report.c"))}
same(mapped, {bare(row[0]): row[4].strip() for row in rows}, "exit statuses: of each code")
general, guest = leave[""]
same(sorted(statuses.values()), [row[0] for row in general], "exit statuses: those that there are")
same([(status, [name for name in documented if mapped[name] == status]) for status in sorted(statuses.values()) if status != "0"],
     [(row[0], row[2].split()) for row in general[1:]], "exit statuses: which codes have them")
numbers = dict(re.findall(r"QEMU_STATUS_(\w+) = (\d+)", text("qemu/boot.h")))
same([f"0–{numbers.pop('VERDICT_MAX')}", f"{numbers.pop('SIGNAL')}+N"], [guest[0][0], guest[-1][0]], "boot: verdicts and signals")
(of_run,) = leave["plyboot run"]
of_commands = {name: numbers.pop(name) for name in ("NOT_RUN", "NOT_EXECUTABLE", "NOT_FOUND")}
same(numbers, {bare(row[1]): row[0] for row in guest[1:-1]}, "boot: its other statuses")
same({**numbers, **of_commands},
     {bare(row[1]): row[0] for row in of_run[1:-1]}, "run: its statuses")
rows = {bare(row[0]) for row in tables("compose/CASES.md")[""][0]}
keys = re.search(r'it is one of (.*?)",', literal(re.search(r'"there is no key .*?key\);', text("compose/case_file.c"), re.S).group(0)) + '",')
same(set(keys.group(1).split(", ")), rows, "run: the keys of a case")


def run(*arguments, **more):
    return subprocess.run([plyboot, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False, **more)


ends = " ".join(run("--help").stdout.split()).split("It ends with ")[1].split(".")[0]
same(re.findall(r"\b([0-9]):", ends), sorted(statuses.values()), "exit statuses: --help has them")
ends = " ".join(run("boot", "--help").stdout.split()).split("It ends with ")[1]
same(set(re.findall(r"(\d+):", ends)), set(numbers.values()), "boot: --help has its own")

directory = tempfile.TemporaryDirectory()
with tarfile.open(f"{directory.name}/xattr.tar", "w", format=tarfile.PAX_FORMAT) as archive:
    member = tarfile.TarInfo("file")
    member.pax_headers = {"SCHILY.xattr.trusted.overlay.opaque": "y"}
    archive.addfile(member)
done = run("pack", "-o", "a.layer", "xattr.tar", cwd=directory.name)
same((done.returncode, done.stderr.split(":")[1].strip()), (1, "XATTR"), "XATTR of a tar")

# Each refusal that a test of the host command demands.
demanded = set()
for path in (top / "tests/cli").glob("*.t"):
    for line in path.read_text().replace("\\\n", " ").splitlines():
        demand = re.match(r'\s*(?:refuses|on_full \S+) "[^"]*" (\d) ([A-Z]+) (.*)', line)
        if demand and not ("verify" in demand.group(3) and demand.group(2) == "MISSING" and demand.group(1) == "1"):
            demanded.add((demand.group(2), demand.group(1)))
same({pair for pair in demanded if mapped.get(pair[0]) != pair[1]}, set(), "exit statuses: the command's tests demand no other")
same({name for name in documented if (name, mapped[name]) not in demanded}, {"JAIL", "UPPER"},
     "exit statuses: they demand each that the host command can give")

# --- boot.json

reports = {name: json.loads(text(f"tests/data/reports/{name}.json")) for name in
           ("booted", "not-booted", "nothing-read", "hostile")}
TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null", list: "array", dict: "object"}


def walk(value, key, seen):
    if key and not (key.endswith("[]") and isinstance(value, dict)):
        seen.setdefault(key, set()).add(TYPES[type(value)])
    if isinstance(value, dict):
        for name, inner in value.items():
            walk(inner, f"{key}.{name}" if key else name, seen)
    if isinstance(value, list):
        for inner in value:
            walk(inner, key + "[]", seen)
    return seen


rows = boot["boot.json"][0]
seen = walk(reports["booted"], "", {})
same(list(seen), [bare(row[0]) for row in rows], "boot.json: the keys, in their order")
for name in ("not-booted", "nothing-read", "hostile"):
    walk(reports[name], "", seen)
same({key: " or ".join(sorted(types, key=lambda t: (t == "null", t))) for key, types in seen.items()},
     {bare(row[0]): row[1] for row in rows}, "boot.json: their types")
for when, name in (("always", "nothing-read"), ("always a stack was tried", "not-booted")):
    same([key for key in reports[name]], [bare(row[0]) for row in rows if row[2] and row[2] in when], f"boot.json: keys there {when}")
same([key for key in reports["not-booted"]], [key for key in reports["booted"]], "boot.json: the same keys, booted or not")
same(reports["booted"]["plyboot_boot"], 1, "boot.json: version 1")
same("As long as `plyboot_boot` is 1:" in text("init/BOOT.md"), True, "... which is what the document is about")
wrong = []
for row in rows:
    if "…" not in row[4]:
        value = json.loads(bare(row[4]))
        if TYPES[type(value)] not in row[1].split(" or "):
            wrong.append(row)
same(wrong, [], "boot.json: the examples have their types")

# --- the console


def pattern_of_format(format_):
    format_ = re.sub(r"%[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|z|j|t)?[a-zA-Z]", "*", format_)
    return format_.replace("%%", "%")


def pattern_of_row(cell):
    """What stands between ` and `; or between `` and ``, where it has backquotes itself."""
    inner = cell[3:-3] if cell.startswith("`` ") else cell[1:-1]
    return re.sub(r"<[^>]*>", "*", inner)


said = {}
for path in init_sources:
    source = code(path)
    if path in ("init/console.h", "init/report.h"):
        continue
    for name, arguments in calls(source, "console_alert|console_say|console_debug|console_print|report_warn|report_alarm"):
        format_ = literal(arguments)
        if not format_ or format_ in ("%s", "%s: %s"):
            continue  # definitions, and what passes on a line that another call has made
        level = {"console_alert": "quiet", "report_alarm": "quiet", "console_debug": "debug"}.get(name, "normal")
        if name == "console_print":
            level = "quiet" if "INITCONF_LOG_QUIET" in arguments else "normal"
        if "WARNING" in format_ or name == "report_alarm":
            level = "quiet"
        prefix = {"report_warn": "warning: ", "report_alarm": "WARNING: "}.get(name, "")
        said[prefix + pattern_of_format(format_)] = level
    if path in ("init/cmdline.c", "init/modules.c"):  # they hand over a line
        for _, arguments in calls(source, "snprintf"):
            if arguments.startswith("line,"):
                said["warning: " + pattern_of_format(literal(arguments))] = "normal"
rows = boot["The console"][0]
same(said, {pattern_of_row(row[0]): row[1] for row in rows}, "the console: each line, with its level")
same([row[0] for row in rows if not row[2]], [], "the console: each is explained")
same(len(said) > 40, True, "the console: this test finds them")
for _, arguments in calls(code("init/main.c"), "fputs"):
    same(f"`{literal(arguments).strip()}`" in " ".join(text("init/BOOT.md").split()), True, "what /init says as a command")

# --- going down

said = {literal(line) for line in re.findall(r'\{"[a-z]+", ("[^"]+")', code("init/down/verb.c"))}
for path in (top / "init/down").glob("*.c"):
    said |= {literal(arguments) for _, arguments in calls(path.read_text(), "say")}
rows = boot["Going down"]
same({pattern_of_format(format_) for format_ in said if format_ != "%s"}, {pattern_of_row(row[0]) for row in rows[2]},
     "going down: each line")
words = re.findall(r'\{"([a-z]+)", (?:"|NULL)', code("init/down/verb.c"))
same(words, [bare(row[0]) for row in rows[1]], "going down: the words")
usage = re.search(r"usage: shutdown (\S+)\\n", code("init/down/main.c")).group(1)
same(usage.split("|"), words, "going down: what it says of itself")
for row in rows[0]:
    same(bare(row[2]).split("shutdown ")[0] in text("tests/boot/down.t"), True, f"going down: tests/boot/down.t has the line for {row[0]}")

# --- settings

rows = boot["Kernel command line"][0]
words = re.findall(r'\{"([a-z.]+)", WORD_(\w+), take_\w+\}', code("init/cmdline.c"))
same({name + ("=" if kind == "VALUE" else "") for name, kind in words}, {bare(row[0]) for row in rows}, "command line: the words")

rows = boot["init.conf"][0]
keys = re.findall(r'\{"([a-z-]+)", set_\w+, (true|false), (true|false)\}', code("layers/initconf_keys.c"))
same([(name, {"true": "yes", "false": "no"}[may]) for name, may, _ in keys], [(bare(row[0]), row[1]) for row in rows],
     "init.conf: the keys, and which can be a default")
help_ = run("initramfs", "--help").stdout
same([name for name, _, _ in keys if not re.search(rf"\b{name}\b", help_)], [], "init.conf: `plyboot initramfs --help` has them all")

conf = pathlib.Path(directory.name) / "init.conf"


def inspect(lines):
    """What the host command says of an init.conf: its status, and what it prints."""
    conf.write_text("# init.conf\n" + lines + "\n")
    result = run("inspect", conf)
    return result.returncode, result.stdout


accepted, as_default = [], []
for row in rows:
    key, example = bare(row[0]), bare(row[4])
    if example.split()[0] == key and inspect(example)[0] == 0:
        accepted.append(key)
    if inspect("default " + example)[0] != 1:
        as_default.append(key)
same(accepted, [bare(row[0]) for row in rows], "init.conf: the examples are accepted")
same(as_default, [bare(row[0]) for row in rows if row[1] == "yes"], "init.conf: and as defaults, those that can be")
defaults = dict(re.findall(r"^(on failure|\S+) +(\S+)", inspect("")[1], re.M))
without = {bare(row[0]): bare(row[3]) for row in rows}
for key, shown in (("layers", "layers"), ("state", "state"), ("record", "record"), ("wait", "wait"), ("log", "log"),
                   ("floor", "floor"), ("signatures", "signatures"), ("on-failure", "on failure")):
    same(defaults[shown], without[key], f"init.conf: without {key}")
zeros = "revoked sha256:" + "0" * 64 + "\n"
for name, most, more in (("seconds", "wait 3600", "wait 3601"), ("signatures", "signatures 8", "signatures 9"),
                         ("revoked keys", zeros * 16, zeros * 17),
                         ("modules", "module /lib/modules/m\n" * 256, "module /lib/modules/m\n" * 257),
                         ("bytes", "#" * (65536 - 13), "#" * (65537 - 13))):
    same((inspect(most)[0], inspect(more)[0]), (0, 1), f"init.conf: as many {name} as the document says, and no more")

# --- what the real init gets

rows = boot["What the real init gets"]
got = re.search(r"^environment: (.*)$", text("tests/boot/real-init.t"), re.M).group(1)
environment = next(row[1] for row in rows[0] if row[0] == "environment")
same(re.findall(r"<(.*?)>", got), re.findall(r"`(\w+=.*?)`", environment), "environment: as tests/boot/real-init.t finds it")
same(re.findall(r'"(\w+=[^"]*)"', re.search(r"static int run\(.*?\n\}", code("init/handover.c"), re.S).group(0)),
     re.findall(r"`(\w+=.*?)`", environment), "environment: as init/handover.c makes it")
paths = {"boot.json"}
for path in init_sources:
    paths |= set(re.findall(r'"/run/plyboot/(\w+)"', code(path)))
same(paths, {bare(row[0]).removeprefix("plyboot/").rstrip("/") for row in rows[1]} - {"initramfs"}, "/run/plyboot: what is in it")

# --- where a reader looks

for path in ("init/BOOT.md", "compose/EXIT.md"):
    same(f"`{path}`" in text("README.md"), True, f"README.md names {path}")
print(f"1..{count}")
raise SystemExit(failed > 0)
