#!/bin/bash
# plyboot inspect --plot: what takes the room as a picture, whatever the layers hold; and nothing written when
# it can't be drawn.
# shellcheck disable=SC2016 # for another shell to expand
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

python3 - <<'END'
import io, tarfile
def add(archive, name, size=None, **more):
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.mtime = b"5" if size is None else b"0", 0o755, 1700000000
    member.size = size or 0
    for key, value in more.items():
        setattr(member, key, value)
    archive.addfile(member, io.BytesIO(bytes(member.size)))
with tarfile.open("low.tar", "w") as a:
    for directory in "usr", "usr/lib", "usr/lib/deep", "usr/lib/deep/er", "usr/lib/deep/er/st", "var":
        add(a, directory)
    add(a, "usr/tool", 100000)
    add(a, "usr/lib/libbig", 500000)
    add(a, "usr/lib/deep/file", 50000)
    add(a, "usr/lib/deep/er/st/file", 250000)
    add(a, "var/old", 98304)
    add(a, "var/gone", 1)
    add(a, "usr/twin", 0, type=b"1", linkname="usr/tool")
    add(a, "null", 0, type=b"3", devmajor=1, devminor=3)
with tarfile.open("high.tar", "w") as a:
    add(a, "var/old", 100000)
    add(a, "var/.wh.gone", 0)
with tarfile.open("hostile.tar", "w", format=tarfile.PAX_FORMAT) as a:
    for i, name in enumerate(["</text></svg><script>alert(1)<", "&amp;\"'<!--]]>", "\x1b[2J\nnew\tline", "\u202egnp.exe", "\ufffe\uffff",
                              "%s%n%d", "x" * 255, "\u00e4" * 127, "\U0001f600" * 60, "  ", "..."]):
        add(a, name)
        add(a, name + "/" + name.strip("/ ")[:80] + "!", 200000 - i)
    add(a, "/".join(["d" * 100] * 30))
    add(a, "/".join(["d" * 100] * 30) + "/file", 190000)
with tarfile.open("many.tar", "w") as a:
    for i in range(3000):
        add(a, f"d{i % 60}/e{i // 60}/file", 1 + i * 37 % 5000)
with tarfile.open("none.tar", "w") as a:
    add(a, "directory")
    add(a, "file", 0)
for i in range(20):
    with tarfile.open(f"l{i}.tar", "w") as a:
        add(a, "same", 40000 if i == 10 else 4096)
        add(a, f"own/{i}", 100)
END
# Of a picture: areas are beside or within each other, texts on none of each other, all on the page.
cat >check.py <<'END'
import re, sys
import xml.etree.ElementTree as tree
svg = "{http://www.w3.org/2000/svg}"
root = tree.parse(sys.argv[1]).getroot()
def box(e): return tuple(float(e.get(k)) for k in ("x", "y", "width", "height"))
def letters(e): return (e.text or "") + "".join(c.tail or "" for c in e)
rects = [box(e) for e in root.iter(svg + "rect") if (e.get("class") or "").startswith("a")]
texts = []
for e in root.iter(svg + "text"):
    px, x, text = float(e.get("font-size")), float(e.get("x")), letters(e)
    width = sum(1 if ord(c) > 0x2fff else .58 for c in text) * px
    if e.get("text-anchor") == "end": x -= width
    texts.append((x, float(e.get("y")) - px * .75, width, px, text))
def on(a, b): return min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0]) > .03 and min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1]) > .03
def within(a, b): return a[0] >= b[0] - .03 and a[1] >= b[1] - .03 and a[0] + a[2] <= b[0] + b[2] + .03 and a[1] + a[3] <= b[1] + b[3] + .03
page = (0, 0, 1123, 794)
for what in rects + texts:
    if not within(what, page): print("not on the page:", what)
for i, a in enumerate(rects):
    for b in rects[:i]:
        if on(a, b) and not within(a, b): print("partly on another:", a, b)
for i, a in enumerate(texts):
    for b in texts[:i]:
        if on(a, b): print("text on text:", a, b)
if len(rects) < 8 or len(texts) < 12: print("hardly anything is there")
END

# draws NAME SVG OPERAND...
draws() {
	local name=$1 svg=$2
	shift 2
	ok "$name" "$plyboot" inspect --plot "$svg" "$@"
	is "... says nothing" "$(cat "$work/out" "$work/err")" ""
	ok "... is well-formed" xmllint --noout --nonet "$svg"
	is "... all of it is SVG" "$(xmllint --xpath 'count(//*[namespace-uri()!="http://www.w3.org/2000/svg"])' "$svg")" 0
	is "... without script or links" "$(xmllint --xpath 'count(//*[local-name()="script" or local-name()="a" or local-name()="image" or @href or @onload])' "$svg")" 0
	is "... nothing is on anything else" "$(python3 check.py "$svg" | head -n 3)" ""
	"$plyboot" inspect --plot again.svg "$@" >/dev/null 2>&1
	ok "... the same again" cmp "$svg" again.svg
}
texts() { xmllint --xpath '//*[local-name()="text"]' "$1"; }

for name in low high hostile many none l{0..19}; do
	"$plyboot" pack -o "$name.layer" "$name.tar" >/dev/null || echo "Bail out! pack $name"
done
"$plyboot" keygen -o k >/dev/null
"$plyboot" stack --name s --version 7 low.layer high.layer >/dev/null
cat l{0..19}.layer >twenty.layer

draws "a stack" s.svg s-7
texts s.svg >lines
has "its title" lines '>s 7: what takes the room<'
has "what layers take together" lines '>2 layers: .* stored, 1\.07 MiB unpacked, in 17 entries\.'
has "a layer" lines ">layer 1  $(of low.layer layer | cut -c 8-19)<"
has "... what of it is hidden, in pages" lines '>100 KiB in 2 entries<'
has "... and of the top one none" lines '>none<'
has "the tree" lines '>the tree of all layers: 977 KiB of files, [0-9]+ names<'
has "a large directory" lines '>/usr/lib/deep/er/st<'
has "... its share" lines '>25\.0 %<'
has "a name in the tree" lines '>lib<'
has "... at the fourth level" lines '>er<'
is "... and no deeper" "$(grep -c '>st<' lines)" 0
has "whoever points at an area is told" s.svg '<title>/usr/lib/deep/er: 244 KiB, 25\.0 %</title>'
has "... a directory's own files, also with several names" s.svg '<title>/usr: 2 files of its own, 97\.7 KiB, 10\.0 %</title>'
has "both palettes" s.svg 'prefers-color-scheme:dark'
# The largest area of each name: of the table's bars and the tree's areas, the tree's.
is "areas are as the bytes" "$(python3 - <<'END'
import xml.etree.ElementTree as tree
sizes = {}
for e in tree.parse("s.svg").getroot().iter("{http://www.w3.org/2000/svg}rect"):
    for title in e.iter("{http://www.w3.org/2000/svg}title"):
        name = title.text.split(":")[0]
        sizes[name] = max(sizes.get(name, 0), float(e.get("width")) * float(e.get("height")))
print(round(sizes["/usr"] / sizes["/var"]))
END
)" 9

draws "a layer" layer.svg low.layer
has "... has its digest for a title" <(texts layer.svg) ">layer sha256:$(of low.layer layer | cut -c 8-19): what takes the room<"
draws "a stack file by its path" path.svg store/stacks/s-7.stack
ok "... is the stack" cmp path.svg s.svg
draws "hostile names" hostile.svg hostile.layer
has "... escaped" hostile.svg '/&lt;/text&gt;&lt;/svg&gt;&lt;script&gt;alert\(1\)&lt;'
has "... controls are written out" hostile.svg '/\\x1b\[2J\\nnew\\tline'
draws "3,000 directories" many.svg many.layer
has "... small ones are together, and counted" many.svg '<title>/d[0-9]+: [0-9]+ more directories, '
draws "no byte" none.svg none.layer
has "... is said" <(texts none.svg) '>no file holds a byte<'
draws "a layer with nothing but a whiteout and a file" high.svg high.layer
draws "20 layers" twenty.svg twenty.layer
texts twenty.svg >lines
has "... the largest has its line" lines '>layer 11  '
has "... others share one" lines '>layers 12–20<'
is "... not too many lines" "$(grep -cE '>layers? [0-9–]+( |<)' lines)" 7

# --- what can't be drawn
for what in k.pub ./check.py "$(blob low.layer pieces)"; do
	refuses "no layers: $what" 2 USAGE "$plyboot" inspect --plot wrong.svg "$what"
done
has "... is told what it is for" "$work/err" 'plot is for layers and stacks'
refuses "with --json" 2 USAGE "$plyboot" inspect --json --plot wrong.svg s-7
refuses "with --image" 2 USAGE "$plyboot" inspect --image --plot wrong.svg app:1
refuses "a stack that is not there" 3 MISSING "$plyboot" inspect --plot wrong.svg none-1
refuses "a store that is not there" 3 MISSING "$plyboot" inspect --store nowhere --plot wrong.svg low.layer
has "... is told of --store" "$work/err" '^  .*--store'
"$plyboot" pack --store other -o other.layer none.tar >/dev/null
refuses "a store without the blobs" 3 MISSING "$plyboot" inspect --store other --plot wrong.svg low.layer
has "... is told of --store" "$work/err" '^  .*--store'
refuses "a directory that is not there" 3 MISSING "$plyboot" inspect --plot nowhere/wrong.svg s-7
refuses "no name for a file" 2 USAGE "$plyboot" inspect --plot . s-7
refuses "what is no regular file" 2 USAGE "$plyboot" inspect --plot /dev/full s-7
mkdir closed && chmod 555 closed
refuses "an ordinary user, where it may not write" 3 IO as_nobody "$plyboot" inspect --plot closed/wrong.svg s-7
refuses "a limit on the size of files" 3 IO bash -c 'ulimit -f 1; trap "" XFSZ; "$0" inspect --plot s.svg low.layer' "$plyboot"
mkdir full
if unshare -m true 2>/dev/null; then
	within() {
		unshare -m bash -c 'mount -t tmpfs -o size=4k none full && echo old >full/s.svg; "$@"; status=$?
			cat full/* >"$0"; exit $status' "$work/left" "$@"
	}
	refuses "no room" 3 NOSPACE within "$plyboot" inspect --plot full/s.svg s-7
	is "... and what was there is as it was" "$(cat "$work/left")" old
fi
ok "an ordinary user" bash -c 'mkdir open && chmod 777 open && "$@"' - setpriv --reuid 65534 --regid 65534 --clear-groups \
	env HOME=/ "$plyboot" inspect --plot open/s.svg s-7
ok "... draws the same" cmp open/s.svg s.svg
cp s.svg before.svg
flip "$(blob high.layer)" 20
refuses "a bit of a blob" 1 DIGEST "$plyboot" inspect --plot s.svg s-7
ok "... and the picture that was there is as it was" cmp s.svg before.svg
finish
