#!/bin/bash
# Layers that a stack has in common with one that was tried before: not unpacked again, their blobs not opened again.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
on_kernel cloud-amd64 # it can trace: each file that is opened, by whatever system call

payload "$work/base"
cat >"$work/base/hook" <<'END'
$bb mount -t tracefs none /sys/kernel/tracing
echo "opened:"
$bb sed -n 's/.*path="\(.*\)"$/\1/p' /sys/kernel/tracing/trace
echo "opened."
END
for name in many large bad good; do mkdir -p "$work/$name/etc"; done
(cd "$work/many" && seq -f 'file-%g' 500 | xargs touch)
head -c 3000000 /dev/urandom >"$work/large/large"
echo bad >"$work/bad/etc/bad"
echo good >"$work/good/etc/good"
for name in base many large bad good; do pack $name; done
common=("$work/base.layer" "$work/many.layer" "$work/large.layer")
make_stack test 2 -- "${common[@]}" "$work/bad.layer"
make_stack test 1 -- "${common[@]}" "$work/good.layer"
make_initramfs "$work/reuse"
make_image "$work/reuse"
flip "$work/reuse/disk" "$(layer_blob bad)" 60

export APPEND="ftrace=nop kprobe_event=p:opened,do_filp_open,path=+0(+0(\$arg2)):string"
boots "the second stack boots, which has three layers in common with the first" "$work/reuse"
reports "  the first failed by the other one" '[(f["file"], f["code"]) for f in r["failed"]] == [("test-2.stack", "DIGEST")]'
reports "  those three are reused" '[l["from"] for l in r["layers"]] == ["reused"] * 3 + ["unpacked"]'
for i in 1 2 3; do says "  the console: layer $i" "layer $i/4 [0-9a-f]* reused"; done
says "  and the other one" "layer 4/4 [0-9a-f]* [0-9]* bytes stored, [0-9]* unpacked"

# A busy machine takes the guest's CPU away for longer than that now and then: one of three boots has to show it.
in_time='[s["ms"] for s in r["steps"] if s["step"] == "layers"][-1] - r["layers"][3]["ms"] < 10'
for _ in 2 3; do
	holds "$in_time" 2>/dev/null || boot "$work/reuse" "$work/console" || true
done
reports "  in less than 10 ms, all of them: what the other one leaves of the step" "$in_time"

# opened KEY NAME: how often the blob with this digest was, in all the boot
tr -d '\r' <"$work/console" | sed -n '/^opened:$/,/^opened\.$/p' >"$work/opened"
opened() {
	grep -c "blobs/sha256/$(sed -n "s/^$1 sha256://p" "$work/$2.layer")\$" "$work/opened" || true
}
for name in base many large bad good; do
	check "  the blob of $name is opened once" [ "$(opened layer $name)" -eq 1 ]
	check "  so is its piece table" [ "$(opened pieces $name)" -eq 1 ]
done
finish
