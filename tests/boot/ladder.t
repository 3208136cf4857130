#!/bin/bash
# The ladder: what is bad is passed over, with its reason; nothing below the floor boots; and how it ends.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

payload "$work/root"
for name in extra broken lost; do
	mkdir -p "$work/$name/etc"
	echo "$name" >"$work/$name/etc/$name"
done
for name in root extra broken lost; do pack "$name"; done

# --- many stacks, one below the other

make_stack test 3 -- "$work/root.layer"
make_stack test 4 -- "$work/root.layer"
make_stack test 5 -- "$work/root.layer" "$work/extra.layer"
make_stack test 6 -- "$work/root.layer" "$work/broken.layer"
make_stack test 7 --init /sbin/none -- "$work/root.layer"
make_stack test 8 --on-failure halt -- "$work/root.layer" "$work/lost.layer"
make_stack test 9 -- "$work/root.layer"
make_initramfs "$work/many" --set 'floor 4'
make_image "$work/many"
flip "$work/many/disk" /stacks/test-9.stack 30
flip "$work/many/disk" "$(layer_blob broken)" 60
on_partition "$work/many/disk" plyboot-layers "rm $(layer_blob lost)" \
	"write $work/store/stacks/test-5.stack /stacks/test-10.stack"
cp --sparse=always "$work/many/disk" "$work/many.untried"

boots "the first stack that is whole boots" "$work/many"
reports "  version 5" 'r["stack"] == "test" and r["version"] == 5'
reports "  refused: a file that is named as another one" \
	'any(f["file"] == "test-10.stack" and f["code"] == "FORMAT" and "but is test-5.stack" in f["reason"] for f in r["refused"])'
reports "  refused: a flipped bit" \
	'any(f["file"] == "test-9.stack" and f["code"] == "SIGNATURE" for f in r["refused"])'
reports "  refused: below the floor of init.conf" \
	'any(f["file"] == "test-3.stack" and f["code"] == "ROLLBACK" and "version 3 is below the floor 4" in f["reason"] for f in r["refused"])'
reports "  refused: no other" 'len(r["refused"]) == 3'
reports "  tried in order: a blob missing, no init, a damaged layer" \
	'[(f["file"], f["code"]) for f in r["failed"]] == [("test-8.stack", "MISSING"), ("test-7.stack", "MISSING"), ("test-6.stack", "DIGEST")]'
reports "  the layer they have in common was unpacked once" \
	'[l["from"] for l in r["layers"]] == ["reused", "unpacked"] and r["overlay"]["lowers"] == 3'
says "  the console, too: the blob" "ERROR test-8.stack: MISSING: layer 2/2 sha256:.*No such file"
says "  the init" "ERROR test-7.stack: MISSING: the root's init /sbin/none"
says "  the layer" "ERROR test-6.stack: DIGEST: layer 2/2 sha256:.*piece 1 of"
says "  the file refused" "refused test-9.stack: SIGNATURE"
says "  and what to do" "what to do: the bytes on the disk are not those that were signed"
partition_copy "$work/many/disk" plyboot-record "$work/record"
check "  each try was counted" [ "$("$plyboot" inspect "$work/record" | grep -c '2 tries left')" -eq 4 ]

cp --sparse=always "$work/many.untried" "$work/many/disk"
APPEND=quiet boots "with quiet, the same" "$work/many"
says "  errors are said" "ERROR test-6.stack: DIGEST"
says "  a refused file is one" "refused test-9.stack: SIGNATURE"
check "  an old stack is none" [ "$(grep -c 'ROLLBACK' "$work/console")" -eq 1 ] # in boot.json
check "  nor is a step" [ "$(grep -c 'plyboot: layer 1/' "$work/console")" -eq 0 ]

cp --sparse=always "$work/many.untried" "$work/many/disk"
make_initramfs "$work/many" --set 'floor 6'
halts "never below the floor, even when nothing else is left" "$work/many" DIGEST "no stack booted; the last one: test-6.stack: layer 2/2"
says "  version 5 is whole, but refused" "refused test-5.stack: ROLLBACK: version 5 is below the floor 6"
says "  and the end is that of the stack tried first" "halted; switch off or reset this machine"

# --- stacks of several names

rm "$work"/store/stacks/*
make_stack one 1 -- "$work/root.layer"
make_stack two 2 -- "$work/root.layer"
make_initramfs "$work/names"
make_image "$work/names"
refuses "stacks of two names, none chosen" "$work/names" CONFIG \
	"there are stacks named one and two: choose with plyboot.stack= or \`stack\` in init.conf"
says "  init.conf says how it ends" "rebooting"
APPEND=plyboot.stack=two boots "the command line chooses" "$work/names"
reports "  two" 'r["stack"] == "two" and r["refused"] == []'
twin "$work/names" --set 'stack one'
APPEND=plyboot.stack=two boots "init.conf chooses, and the command line can't" "$work/twin"
reports "  one" 'r["stack"] == "one"'
says "  it is told so" "warning: command line: plyboot.stack is not followed: init.conf fixes it"
APPEND=plyboot.stack=three refuses "a name that isn't there" "$work/names" MISSING "no stack file of three"

# --- the end: shell, only where the initramfs has one

rm "$work"/store/stacks/*
make_stack test 1 --on-failure shell --init /sbin/none -- "$work/root.layer"
make_initramfs "$work/end"
make_image "$work/end"
halts "a shell is asked for, init.conf allows none" "$work/end" MISSING "the root's init /sbin/none"
says "  said so" "a shell is asked for, but init.conf allows none"
cat >"$work/shell" <<'END'
#!/bin/busybox sh
/bin/busybox grep -q '"code": "MISSING"' /run/plyboot/boot.json && echo "shell: the report is here"
END
chmod 755 "$work/shell"
twin "$work/end" --set 'shell /bin/shell' --add "$work/shell:/bin/shell" --add /bin/busybox:/bin/busybox
refuses "the same, with a shell that init.conf allows" "$work/twin" MISSING "the root's init /sbin/none"
check "  it runs, and has the report" grep -q 'shell: the report is here' "$work/console"
says "  leaving it reboots" "rebooting"

# --- an init that passes for one, and can't be run

mkdir -p "$work/script/sbin"
printf '#!/bin/none\n' >"$work/script/sbin/script"
chmod 755 "$work/script/sbin/script"
mkdir -p "$work/script/etc/init"
pack script
rm "$work"/store/stacks/*
make_stack test 2 --init /sbin/script -- "$work/root.layer" "$work/script.layer"
make_stack test 3 --init /etc/init -- "$work/root.layer" "$work/script.layer"
make_stack test 1 -- "$work/root.layer"
make_initramfs "$work/interpreter"
make_image "$work/interpreter"
for tries in 2 1 0; do
	refuses "an init without its interpreter ($tries tries left)" "$work/interpreter" MISSING \
		"run /sbin/script: the root lacks the interpreter that it needs"
done
says "an init that is a directory" "ERROR test-3.stack: TYPE: the root's init /etc/init is no executable file"
boots "after three tries the next stack boots" "$work/interpreter"
reports "  version 1" 'r["version"] == 1'
finish
