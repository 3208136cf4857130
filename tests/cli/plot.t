#!/bin/bash
# plyboot plot: a boot report as a picture, whatever the report says.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
reports=$top/tests/data/reports

for report in booted hostile not-booted nothing-read; do
	ok "$report" "$plyboot" plot -o $report.svg "$reports/$report.json"
	ok "... is well-formed" xmllint --noout --nonet $report.svg
	is "... all of it is SVG" "$(xmllint --xpath 'count(//*[namespace-uri()!="http://www.w3.org/2000/svg"])' $report.svg)" 0
	is "... without script or links" "$(grep -ciE '<script|href|@import|<image|onload' $report.svg)" 0
	is "... the same again" "$("$plyboot" plot "$reports/$report.json" | sha256sum)" "$(sha256sum <$report.svg)"
done
texts() { xmllint --xpath '//*[local-name()="text"]' "$1"; }
texts booted.svg >lines
has "its title" lines '>demo 3: hand-over to /sbin/init after 1 min 02 s<'
has "the kernel's time" lines '>988 ms<'
has "a step" lines '>1 min 01 s<'
has "a layer, with what it took" lines '>1.23 s; read 1.95 KiB \(1.58 KiB/s\), wrote 64.0 GiB'
has "a layer that was there" lines '>reused: 64.0 GiB in 1 entry were in memory already<'
has "what did not boot, and why" lines '>demo-4.stack: DIGEST: layer 1/1: piece 1 of 8 differs<'
has "what was refused" lines '>demo-5.stack: SIGNATURE: signature 1 by key'
has "what was passed over" lines '>demo-6.stack: its tries are used up'
has "why the upper is what it is" lines '>volatile: mount: /dev/vda3: busy<'
has "both palettes" booted.svg 'prefers-color-scheme:dark'
texts not-booted.svg >lines
has "one that came to nothing" lines '>demo did not boot: the end after 30.0 s<'

# --- more than a page has lines for
python3 - "$reports/booted.json" <<'END'
import json, sys
report = json.load(open(sys.argv[1]))
one = report["layers"][1]
report["layers"] = [dict(one, start_ms=1000 + i, ms=100 if i in (7, 300) else 1) for i in range(499)]
report["steps"] = [{"step": f"step {i}", "ms": 10 + i % 3} for i in range(64)]
report["failed"] = [{"file": f"x-{i}.stack", "code": "DIGEST", "reason": "</text></svg><script>&" * 20} for i in range(64)]
json.dump(report, open("many.json", "w"))
for name, change in (("negative", {"uptime_ms": -1}), ("text", {"init_ms": "1"}), ("early", {"init_ms": 1e9}),
                     ("layer", {"layers": [dict(one, ms=[]), one]}), ("step", {"steps": [{"step": "x", "ms": {}}]})):
    json.dump(dict(json.load(open(sys.argv[1])), **change), open(name + ".json", "w"))
END
sed -i 's/"lowers": 3/"lowers": 0/' many.json
ok "499 layers, 64 steps, 64 stacks that failed" "$plyboot" plot -o many.svg many.json
ok "... is well-formed" xmllint --noout --nonet many.svg
texts many.svg >lines
has "... the longest layer has its line" lines '>layer 8 0202'
has "... others share one" lines '>layers 9–300<'
is "... all lie on the page" "$(xmllint --xpath 'count(//*[local-name()="rect" or local-name()="text"][@y>794 or @x>1123 or @x+@width>1123])' many.svg)" 0
has "... more reasons are counted" lines '>and 60 more, in the report<'

for report in negative text early layer step; do
	refuses "a time that is none: $report" 1 FORMAT "$plyboot" plot -o wrong.svg $report.json
done
refuses "no report" 1 FORMAT "$plyboot" plot -o wrong.svg "$top/compose/svg.h"
refuses "a report that is not there" 3 MISSING "$plyboot" plot -o wrong.svg nowhere.json
[ -e /run/plyboot/boot.json ] || refuses "none on a machine that plyboot did not boot" 3 MISSING "$plyboot" plot -o wrong.svg
refuses "two reports" 2 USAGE "$plyboot" plot many.json many.json
"$plyboot" plot "$reports/booted.json" >/dev/full 2>"$work/err"
is "to a full disk" $? 3
finish
