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

# --- what came before /init and behind it
times=$top/tests/data/times
plot_times() { "$plyboot" plot --systemd "$times/systemd.txt" --kernel-log "$times/dmesg.txt" "$times/boot.json"; }
# No two bars or texts of a page may lie over each other; the text of a bar may lie in it.
overlaps() {
	python3 - "$1" <<'END'
import sys
import xml.etree.ElementTree as tree
ns = "{http://www.w3.org/2000/svg}"
top = [e for e in tree.parse(sys.argv[1]).getroot() if e.tag in (ns + "rect", ns + "text")]
texts, bars = [], []
for e in top:
    x, y = float(e.get("x", 0)), float(e.get("y", 0))
    if e.tag == ns + "rect":
        if e.get("class") != "paper":
            bars.append((x, y, x + float(e.get("width")), y + float(e.get("height"))))
        continue
    px, title = float(e.get("font-size")), e.find(ns + "title")
    said = (e.text if title is None else title.tail) or ""
    # Narrower than it may be shown: what is written over something is far wider than that.
    width = 0.45 * px * len(said)
    left = x - {"middle": width / 2, "end": width}.get(e.get("text-anchor"), 0)
    texts.append((left, y - 0.7 * px, left + width, y))
cross = lambda a, b: a[0] < b[2] - 0.01 and b[0] < a[2] - 0.01 and a[1] < b[3] - 0.01 and b[1] < a[3] - 0.01
inside = lambda a, b: a[0] >= b[0] and a[1] >= b[1] and a[2] <= b[2] and a[3] <= b[3]
found = sum(cross(a, b) for group in (texts, bars) for i, a in enumerate(group) for b in group[:i])
print(found + sum(cross(t, b) and not inside(t, b) for t in texts for b in bars), len(bars) > 5)
END
}
ok "with systemd's times and the kernel's log" plot_times
cp "$work/out" times.svg
ok "... is well-formed" xmllint --noout --nonet times.svg
is "... the same again" "$(plot_times | sha256sum)" "$(sha256sum <times.svg)"
is "... nothing lies over anything" "$(overlaps times.svg)" "0 True"
texts times.svg >lines
has "... the title has the time of the whole" lines ">demo 1: 14.9 s from the kernel's start to systemd's (\"|&quot;)startup finished(\"|&quot;)<"
has "... below it that of the hand-over, and whose clock it is" lines ">hand-over to /sbin/init after 5\.[0-9]+ s; systemd's clock is that of /init as long as the machine did not sleep"
has "... systemd until it had finished" lines '>8.97 s<'
has "... a phase of it" lines '>systemd: generators<'
has "... the unit that took longest" lines '>systemd-udev-trigger.service<'
has "... what that took" lines '>3.27 s<'
has "... the others are counted" lines '>and [0-9]+ units more, none over 1.00 ms<'
has "... what the kernel took long for" lines '>328 ms until it said: Freeing SMP alternatives memory: 36K<'
is "... in at most 8 lines" "$(grep -c '>kernel, at ' lines)" 8
is "... and nothing of what was printed after /init began" "$(grep -c 'until it said: .*plyboot' lines)" 0

# The three forms of one log.
sed 's/^/<6>/' "$times/dmesg.txt" >dmesg-r.txt
sed 's/^\(\[[^]]*\] \)/\1a-host kernel: /' "$times/dmesg.txt" >journal.txt
for log in dmesg-r journal; do
	is "the same of $log" "$("$plyboot" plot --systemd "$times/systemd.txt" --kernel-log $log.txt "$times/boot.json" | sha256sum)" "$(sha256sum <times.svg)"
done
sed 's/^FinishTimestampMonotonic=.*/FinishTimestampMonotonic=0/' "$times/systemd.txt" >unfinished.txt
ok "systemd that had not finished" "$plyboot" plot --systemd unfinished.txt -o unfinished.svg "$times/boot.json"
texts unfinished.svg >lines
has "... is said to be that" lines '>had not finished when it was asked<'
has "... the title is that of the hand-over" lines '>demo 1: hand-over to /sbin/init after'
sed '/^$/,$d' "$times/systemd.txt" >manager.txt
ok "systemd alone, without units" "$plyboot" plot --systemd manager.txt -o alone.svg "$times/boot.json"
is "... counts none" "$(grep -c 'units more' alone.svg)" 0
ok "the kernel's log alone" "$plyboot" plot --kernel-log "$times/dmesg.txt" -o kernel.svg "$times/boot.json"
is "... which goes back far enough" "$(cat "$work/err")" ""
echo '[ 9000.000000] usb 1-1: new device' >late-log.txt
ok "a kernel's log whose beginning is gone" "$plyboot" plot --kernel-log late-log.txt -o late.svg "$times/boot.json"
has "... is said" "$work/err" '^plyboot plot: .late-log.txt. begins when /init ran already'
has "... says whose clock it is" kernel.svg "the clock of the kernel's log may differ"

# More than there are lines for, with names and messages that want to be more than text.
python3 - <<'END'
manager = b"UserspaceTimestampMonotonic=63000000\nFinishTimestampMonotonic=93000000\nGeneratorsStartTimestampMonotonic=63100000\nGeneratorsFinishTimestampMonotonic=64100000\n"
units = b"".join(b"\nId=%d</text></svg><script>&\x1b[31m\xff\\x2d%s.service\nInactiveExitTimestampMonotonic=%d\nActiveEnterTimestampMonotonic=%d\n" % (i, b"W" * 200, 64000000 + i, 65000000 + 13 * i) for i in range(2000))
open("hostile.txt", "wb").write(manager + units)
open("hostile-log.txt", "wb").write(b"".join(b"[    0.%06d] </text></svg><script>&\x1b[31m\xff\xe2\x80\xae%s\n" % (i * 20000 + i, b"W" * 900) for i in range(49)))
for name, old, new in (("no-end", b"FinishTimestampMonotonic=93000000\n", b""), ("sign", b"=63000000", b"=+63000000"), ("huge", b"=93000000", b"=99999999999999999999"),
                       ("nul", b"=93000000", b"=93000000\0"), ("twice", b"Generators", b"FinishTimestampMonotonic=1\nGenerators"),
                       ("before", b"63000000", b"62000000")):
    open("wrong-" + name + ".txt", "wb").write((manager + units).replace(old, new, 1))
open("wrong-log.txt", "wb").write(b"[Thu Nov 26 23:02:37 2026] it\n")
open("nul-log.txt", "wb").write(b"[    0.000000] it\0\n")
with open("large.txt", "wb") as large:
    large.truncate(16 * 1024 * 1024 + 1)
END
for report in many.json "$reports/booted.json"; do
	ok "2,000 units and 49 gaps beside ${report##*/}" "$plyboot" plot --systemd hostile.txt --kernel-log hostile-log.txt -o hostile.svg "$report"
	ok "... is well-formed" xmllint --noout --nonet hostile.svg
	is "... all of it is SVG" "$(xmllint --xpath 'count(//*[namespace-uri()!="http://www.w3.org/2000/svg"])' hostile.svg)" 0
	is "... without script" "$(grep -ciE '<script|onload' hostile.svg)" 0
	is "... all lie on the page" "$(xmllint --xpath 'count(//*[local-name()="rect" or local-name()="text"][@y>794 or @x>1123 or @x+@width>1123])' hostile.svg)" 0
	is "... nothing lies over anything" "$(overlaps hostile.svg)" "0 True"
	ok "... units have lines of their own" test "$(grep -cE '^<text x="24.00".*>[0-9]+&lt;/text' hostile.svg)" -ge 6
	has "... the others are counted" hostile.svg '>and 1,9[0-9]+ units more, none over 1.02 s<'
done
for wrong in no-end sign huge nul twice before; do
	refuses "systemd's times that are none: $wrong" 1 FORMAT "$plyboot" plot --systemd wrong-$wrong.txt -o wrong.svg "$reports/booted.json"
	has "... names the file" "$work/err" "wrong-$wrong.txt"
done
refuses "systemd's times, of a boot that came to nothing" 1 FORMAT "$plyboot" plot --systemd hostile.txt -o wrong.svg "$reports/not-booted.json"
refuses "a log without times that we read" 1 FORMAT "$plyboot" plot --kernel-log wrong-log.txt -o wrong.svg "$reports/booted.json"
has "... is told what to take" "$work/err" 'must be the output of'
refuses "a log with a NUL" 1 FORMAT "$plyboot" plot --kernel-log nul-log.txt -o wrong.svg "$reports/booted.json"
for option in --systemd --kernel-log; do
	refuses "$option: a file too large" 1 LIMIT "$plyboot" plot $option large.txt -o wrong.svg "$reports/booted.json"
	refuses "$option: a file that is not there" 3 MISSING "$plyboot" plot $option nowhere.txt -o wrong.svg "$reports/booted.json"
done

# --- on a running system, whose systemctl is one of ours
mkdir bin
cat >bin/systemctl <<'END'
#!/bin/sh
case $FAKE in
fails) echo "Failed to connect to bus: Host is down" >&2 && exit 1 ;;
hangs | closes)
	echo $$ >systemctl.pid
	[ "$FAKE" = hangs ] || exec >&- 2>&-
	exec sleep 3600
	;;
floods) exec cat /dev/zero ;;
other) echo "UserspaceTimestampMonotonic=1" && echo "FinishTimestampMonotonic=2" && exit 0 ;;
esac
for word; do
	if [ "$word" = "*" ]; then
		exec sed '1,/^$/d' "$TIMES/systemd.txt"
	fi
done
exec sed '/^$/,$d' "$TIMES/systemd.txt"
END
chmod +x bin/systemctl
# on_device FAKE [ARGUMENT...]: plot, where plyboot seems to have booted, and systemd if SYSTEMD is not empty. Its limit is more than
# any machine is busy for, and less than a systemctl that hangs takes.
# shellcheck disable=SC2016 # variables of the shell in there
on_device() {
	FAKE=$1 TIMES=$times PATH=$work/dir/bin:$PATH timeout 900 unshare -m bash -c \
		'mount -t tmpfs none /run && mkdir -p /run/plyboot "/run/${SYSTEMD-systemd/system}" && cp "$TIMES/boot.json" /run/plyboot/ && exec "$@"' \
		bash "$plyboot" plot "${@:2}"
}
if unshare -m mount -t tmpfs none /run 2>/dev/null; then
	ok "the running system: systemd is asked" on_device answers -o asked.svg
	is "... without a word" "$(cat "$work/err")" ""
	is "... as if its answer had been given" "$(sha256sum <asked.svg)" "$("$plyboot" plot --systemd "$times/systemd.txt" "$times/boot.json" | sha256sum)"
	"$plyboot" plot -o without.svg "$times/boot.json"
	for fake in fails other floods hangs closes; do
		ok "systemctl $fake" on_device $fake -o asked.svg
		is "... and the picture is one without it" "$(sha256sum <asked.svg)" "$(sha256sum <without.svg)"
		has "... with a note" "$work/err" "^plyboot plot: without systemd's times: "
		case $fake in
		hangs | closes) ;;
		*) continue ;;
		esac
		has "... that says how long" "$work/err" ': systemctl took longer than 10 s$'
		is "... and it is gone" "$(kill -0 "$(cat systemctl.pid)" 2>&1 | grep -c 'No such process')" 1
		rm systemctl.pid
	done
	export SYSTEMD=
	ok "where no systemd runs" on_device fails -o asked.svg
	unset SYSTEMD
	is "... nobody is asked" "$(cat "$work/err")" ""
	ok "a file instead" on_device fails --systemd "$times/systemd.txt" -o asked.svg
	is "... nobody is asked either" "$(cat "$work/err")" ""
fi

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
