#!/bin/bash
# On a device: what it wrote under one version is listed, and under the next one where that hides what came; and what the
# system then has, by what that version says of an upper that was another's.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

payload "$work/root"
mkdir -p "$work/root/usr/bin"
cp "$plyboot" "$work/root/usr/bin/plyboot"
cat >"$work/root/hook" <<'EOF'
bb=/bin/busybox
if $bb grep -q test.step=write /proc/cmdline; then
	echo mine | $bb tee /etc/changed /etc/removed /srv/place/own >/dev/null && $bb rm -r /opt/gone /etc/only &&
		echo new >/etc/written
	/usr/bin/plyboot confirm >/dev/null || return 1
fi
$bb chown 1 /etc/same && $bb chown 0 /etc/same
echo has:
for name in /etc/changed /etc/untouched /etc/removed /etc/only /etc/written /opt/gone/* /srv/place /srv/place/*; do
	if [ -d "$name" ]; then
		echo "$name/"
	elif [ -e "$name" ]; then
		read -r line <"$name"
		echo "$name${line:+ $line}"
	fi
done
echo has.
echo "diff:" && /usr/bin/plyboot diff --live && echo "diff." || return 1
echo "conflicts:" && /usr/bin/plyboot status --conflicts 2>&1 && echo "conflicts." || return 1
EOF
for version in one two; do
	mkdir -p "$work/$version"/{etc,srv,opt/gone}
	echo $version | tee "$work/$version"/{etc/changed,etc/untouched,opt/gone/file} >/dev/null
	echo same | tee "$work/$version"/etc/{same,only} >/dev/null
done
echo one >"$work/one/etc/removed"
mkdir "$work/one/srv/place" && touch "$work/one/srv/place/inside"
touch -d 2026-01-01 "$work"/{one,two}/etc/same
echo two | tee "$work/two/srv/place" "$work/two/opt/gone/more" >/dev/null
for name in root one two; do pack $name; done
make_stack test 1 -- "$work/root.layer" "$work/one.layer"
make_stack test 2 -- "$work/root.layer" "$work/two.layer"
make_stack test 3 --upper-change fresh -- "$work/root.layer" "$work/two.layer"
make_stack test 4 --upper-change refuse -- "$work/root.layer" "$work/two.layer"
make_initramfs "$work/device"
make_image "$work/device"
on_partition "$work/device/disk" plyboot-layers "rm /stacks/test-2.stack" "rm /stacks/test-3.stack" "rm /stacks/test-4.stack"
come() {
	on_partition "$work/device/disk" plyboot-layers "write $work/store/stacks/test-$1.stack /stacks/test-$1.stack"
}

# lists NAME WORD: between "WORD:" and "WORD." the console had what standard input has
lists() {
	tr -d '\r' <"$work/console" | sed -n "/^$2:\$/,/^$2\\.\$/p" | sed '1d;$d' >"$work/listed"
	check "$1" diff - "$work/listed"
}

APPEND=test.step=write boots "a first version, on which something is written" "$work/device"
lists "  what it has" has <<'EOF'
/etc/changed mine
/etc/untouched one
/etc/removed mine
/etc/written new
/srv/place/
/srv/place/inside
/srv/place/own mine
EOF
lists "  what it differs in" diff <<'EOF'
M /etc/changed
D /etc/only
M /etc/removed
A /etc/written
D /opt/gone
A /srv/place/own
EOF
lists "  and nothing is hidden" conflicts <<<"the upper hides nothing: it was made for the stack that runs"

come 2
boots "a second version, which keeps the upper" "$work/device"
says "  is what runs" "test 2: 2 layers, upper persistent"
lists "  what it has" has <<'EOF'
/etc/changed mine
/etc/untouched two
/etc/removed mine
/etc/written new
/srv/place/
/srv/place/own mine
EOF
lists "  what it differs in" diff <<'EOF'
M /etc/changed
D /etc/only
A /etc/removed
A /etc/written
D /opt/gone
T /srv/place
A /srv/place/own
EOF
lists "  and what that hides" conflicts <<'EOF'
since test 1, the upper hides:
  /etc/changed: the stack changed it; the upper has its own file
  /etc/removed: the stack removed it; the upper has its own file
  /opt/gone/file: the stack changed it; the upper has a whiteout of /opt/gone
  /opt/gone/more: the stack added it; the upper has a whiteout of /opt/gone
  /srv/place: the stack made a file of a directory; the upper has its own directory
EOF

come 3
boots "a third one, with the same layers, which wants a fresh upper" "$work/device"
says "  is what runs" "test 3: 2 layers, upper persistent"
cat >"$work/fresh" <<'EOF'
/etc/changed two
/etc/untouched two
/etc/only same
/opt/gone/file two
/opt/gone/more two
/srv/place two
EOF
lists "  what it has is what was shipped" has <"$work/fresh"
lists "  and differs in nothing" diff </dev/null
lists "  nothing is hidden" conflicts <<<"the upper hides nothing: it was made for the stack that runs"

come 4
boots "a fourth one, which refuses it" "$work/device"
reports "  is left, and the third one runs" '[(f["file"], f["code"]) for f in r["failed"]] == [("test-4.stack", "UPPER")] and \
	r["version"] == 3'
lists "  as before" has <"$work/fresh"
finish
