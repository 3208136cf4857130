#!/usr/bin/env python3
"""P18: random stacks, by the OCI specification (model.py), by plyboot, and by umoci.

    stacks.py FIRST COUNT      those of seeds FIRST, FIRST + 1, ...

In a directory of its own, as root, with $PLYBOOT, $COMPOSE and the key pair key.key, key.der. Prints what differs, and
in the end how many stacks each of umoci's ways showed in: name and number, `stacks`, and `differ`.
"""

import gzip
import hashlib
import json
import os
import random
import shutil
import stat
import subprocess
import sys
from collections import Counter

from layers import random_layer, tar
from manifest import manifest
from model import ANY, WAYS, Model, Umoci

HERE = os.path.dirname(os.path.abspath(__file__))
MEDIA = "application/vnd.oci.image.layer.v1.tar"


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stdout.decode()}{done.stderr.decode()}")
    return done.stdout


# --- three judges


def plyboot(rng, files):
    """Packed, signed, composed by /init's code, and looked at where it is mounted."""
    command = os.environ["PLYBOOT"]
    names = []
    for i, file in enumerate(files):
        names.append(f"{i}.layer")
        run(command, "pack", "--compress", "as-is", "-o", names[-1], file)
    run(command, "stack", "--name", "random", "--version", "1", "--init", "/init", "--upper",
        rng.choice(["none", "volatile"]), *names)
    run(command, "sign", "--key", "../key.key", "store/stacks/random-1.stack")
    out = run(os.environ["COMPOSE"], "store", "random", "../key.der", sys.executable, "-SE", f"{HERE}/manifest.py", ".")
    return [json.loads(line) for line in out.splitlines()]


def blob(data, media):
    digest = hashlib.sha256(data).hexdigest()
    with open(f"store/blobs/sha256/{digest}", "wb") as file:
        file.write(data)
    return {"mediaType": media, "digest": f"sha256:{digest}", "size": len(data)}


def umoci(tars, files):
    """From the very store that plyboot has, which is an OCI layout."""
    config = {"architecture": "amd64", "os": "linux", "config": {},
              "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest() for tar in tars]}}
    layers = []
    for file in files:
        with open(file, "rb") as stream:
            layers.append(blob(stream.read(), MEDIA + ("+gzip" if file.endswith("gz") else "")))
    image = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
             "config": blob(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"), "layers": layers}
    image = blob(json.dumps(image).encode(), image["mediaType"])
    image["annotations"] = {"org.opencontainers.image.ref.name": "random"}
    with open("store/index.json", "w", encoding="ascii") as file:
        json.dump({"schemaVersion": 2, "manifests": [image]}, file)
    run("umoci", "unpack", "--image", "store:random", "bundle")
    return manifest("bundle/rootfs")


def by_umoci(layers, ways):
    model = Umoci(ways)
    for layer in layers:
        model.apply(layer)
    return model.manifest("visible")


# --- what differs


def agrees(row, wanted):
    return all(w == r or (w is ANY and i == 5) for i, (r, w) in enumerate(zip(row, wanted)))


def differences(got, wanted):
    got, wanted = {row[0]: row for row in got}, {row[0]: row for row in wanted}
    for name in sorted(set(got) | set(wanted)):
        if name not in got or name not in wanted or not agrees(got[name], wanted[name]):
            yield f"  got    {got.get(name)}"
            yield f"  wanted {wanted.get(name)}"


def describe(layers):
    for i, layer in enumerate(layers):
        for entry in layer:
            kind = stat.filemode(entry.kind)[0] if isinstance(entry.kind, int) else entry.kind
            yield f"  layer {i}: {kind} {'/'.join(entry.path)} {entry.target}"


def report(seed, who, lines, layers, counts):
    lines = list(lines)
    if not lines:
        return
    counts["differ"] += 1
    print(f"seed {seed}: {who} differs")
    print("\n".join(lines[:20] + list(describe(layers))))


# --- one stack


def draw(rng):
    model, layers = Model(), []
    through, count = False, rng.randrange(1, 6)
    for i in range(count):
        layers.append(random_layer(rng, model, i == count - 1))
        through = through or model.leads_through(layers[-1])
        model.apply(layers[-1])
    return model, layers, through


def store(rng, layers):
    tars, files = [tar(layer) for layer in layers], []
    for i, data in enumerate(tars):
        files.append(f"{i}.tar" + rng.choice(["", ".gz"]))
        with open(files[-1], "wb") as file:
            file.write(gzip.compress(data, 1, mtime=0) if files[-1].endswith("gz") else data)
    return tars, files


def trial(seed, counts):
    rng = random.Random(seed)
    model, layers, through = draw(rng)
    tars, files = store(rng, layers)
    counts["stacks"] += 1
    for kind in {entry.kind for layer in layers for entry in layer}:
        counts["with " + {stat.S_IFIFO: "fifo", stat.S_IFLNK: "symlink", stat.S_IFREG: "file",
                          stat.S_IFDIR: "directory"}.get(kind, kind)] += 1
    # overlayfs shows a lower file's link count as it is, whichever of its names are hidden. layer.md: "Union
    # filesystem implementations may have limited or no support for hardlinks".
    wanted = model.manifest("layer")
    counts["links"] += wanted != model.manifest("visible")
    report(seed, "plyboot", differences(plyboot(rng, files), wanted), layers, counts)
    if through:
        # layer.md does not say what becomes of a path that leads through another layer's symlink or file. umoci
        # follows the first and fails at the second; in plyboot, as in all that unpack layers for an overlay, the
        # layer's own directory hides it.
        counts["through"] += 1
        return
    usual = by_umoci(layers, set(WAYS))
    report(seed, "umoci", differences(umoci(tars, files), usual), layers, counts)
    for way in WAYS:
        counts[way] += by_umoci(layers, set(WAYS) - {way}) != usual
    if by_umoci(layers, set()) != model.manifest("visible"):
        raise RuntimeError(f"seed {seed}: without its ways, umoci's model is not the model")


def main():
    first, count = int(sys.argv[1]), int(sys.argv[2])
    counts = Counter()
    for seed in range(first, first + count):
        os.mkdir("trial")
        os.chdir("trial")
        try:
            trial(seed, counts)
        except RuntimeError as why:
            print(f"seed {seed}: {why}")
            counts["differ"] += 1
        os.chdir("..")
        shutil.rmtree("trial")
    for name in sorted(counts):
        print(name, counts[name])
    return 1 if counts["differ"] else 0


if __name__ == "__main__":
    sys.exit(main())
