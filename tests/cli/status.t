#!/bin/bash
# What `plyboot status` says where the layers partition is not there, can't be read, or is: all else, what is wrong, what to do.
# With what /init leaves in /run/plyboot made by hand in run/. (On a device: tests/boot/trial.t.)
# shellcheck disable=SC2016 # backquotes that are printed
if [ -z "${OWN_NAMESPACE:-}" ]; then
	OWN_NAMESPACE=yes exec unshare --mount --propagation private "$0"
fi
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
chmod 755 .

# runs DEVICE: a report of a system whose layers partition is that (JSON)
runs() {
	rm -rf run && mkdir -p run/store
	python3 -c '
import json, sys
r = json.load(open(sys.argv[1]))
r["devices"] = {"layers": json.loads(sys.argv[2]), "record": None, "state": None}
r["upper"].update(kind="volatile", dirs=[sys.argv[3]])
json.dump(r, open("run/boot.json", "w"))' "$top/tests/data/reports/booted.json" "$1" "$PWD/run"
	chmod -R a+rX run
}
# partly NAME CODE COMMAND...: status 3 with that word, and yet the status is printed
partly() {
	local name=$1
	refuses "$name" 3 "$2" "${@:3}"
	has "... what runs" "$work/out" '^running        demo 3, no record$'
	has "... its layers" "$work/out" '^layers         1 010101010101 reused, 1000 bytes stored'
	has "... the memory that they hold" "$work/out" '^memory         [0-9]+ KiB for the layers'
	has "... its upper" "$work/out" '^upper          volatile'
	has "... the room there" "$work/out" '^room           in the upper [0-9]+ of [0-9]+ KiB'
	has "... the watchdog" "$work/out" '^watchdog '
	has "... what did not boot" "$work/out" '^did not boot   demo-4.stack: DIGEST: '
	has "... the floor" "$work/out" '^floor          [0-9]'
	has "... that the next boot is not known, and why" "$work/out" "^next boot      not known, the layers partition can't be read: $2: "
	is "... and not that there is no stack" "$(grep -c 'nothing: no stack' "$work/out")" 0
	has "... what to do" "$work/err" '^  .'
}
# as_json NAME EXPRESSION: Python's, true of what was printed, s
as_json() {
	ok "$1" python3 -c 'import json, sys; s = json.load(open(sys.argv[1])); sys.exit(0 if eval(sys.argv[2]) else json.dumps(s, indent=1))' json "$2"
}
status() { "$plyboot" status --run run "$@"; }

runs '"/dev/plyboot-gone"'
partly "the layers partition is gone" DEVICE status
has "... which device it was" "$work/err" '^plyboot status: DEVICE: mount /dev/plyboot-gone: '
has "... that the system goes on" "$work/err" '^  the layers that run are in memory, but the next boot needs /dev/plyboot-gone: bring it back, then `plyboot doctor` looks at it$'
refuses "--json of that" 3 DEVICE status --json
cp "$work/out" json
as_json "... is one object that says so" 's["plyboot_status"] == 1 and s["layers_error"]["code"] == "DEVICE" and "/dev/plyboot-gone" in s["layers_error"]["reason"]'
as_json "... does not know the next boot" 's["next_boot"] is None and s["next_refused"] is None'
as_json "... and has all else" '(s["stack"], s["version"], s["upper_kind"]) == ("demo", 3, "volatile") and s["store"]["total_bytes"] > 0 and s["upper_room"]["total_bytes"] > 0 and len(s["fallbacks"]) > 2'
partly "an ordinary user" KERNEL as_nobody "$plyboot" status --run "$PWD/run"
has "... may not see the stacks" "$work/err" '^plyboot status: KERNEL: mount /dev/plyboot-gone: it takes root: '
has "... is told to ask root" "$work/err" '^  run it as root'

runs null
partly "no layers partition in the report" DEVICE status

# --- on a disk of its own, of which the stacks are none
mkdir -p fs/blobs/sha256 fs/stacks
echo '{"imageLayoutVersion": "1.0.0"}' >fs/oci-layout
echo '{"schemaVersion":2,"manifests":[]}' >fs/index.json
echo nothing >fs/stacks/demo-9.stack
truncate -s 4M disk
mke2fs -q -t ext4 -d fs disk
loop=$(losetup --find --show "$PWD/disk") || { echo "Bail out! no loop device"; exit 1; }
trap 'cd /; losetup -d "$loop" 2>/dev/null; [ -n "${finished:-}" ] || echo "Bail out! $0 stopped"; rm -rf "$work"' EXIT
runs "\"$loop\""
ok "a layers partition that is there" status
has "... its stacks are looked at" "$work/out" '^  not          demo-9.stack: SIGNATURE: '
has "... and none is taken" "$work/out" '^next boot      nothing: no stack on the layers partition is accepted$'
ok "--json of that" status --json
cp "$work/out" json
as_json "... has no error" 's["layers_error"] is None and s["next_boot"] == [] and [r["file"] for r in s["next_refused"]] == ["demo-9.stack"]'
losetup -d "$loop"
head -c 4M /dev/zero >disk
loop=$(losetup --find --show "$PWD/disk") || { echo "Bail out! no loop device"; exit 1; }
runs "\"$loop\""
partly "a layers partition without a file system" KERNEL status
losetup -d "$loop"
finish
