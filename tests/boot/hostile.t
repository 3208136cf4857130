#!/bin/bash
# A parser that was taken over by its layer: whatever it does is stopped, the layer is refused, the next stack boots.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# A layer for each attack of hostile.c, and a stack with it; version 1 is good. The highest is tried first.
attacks=(fill memory open device chroot socket mount ptrace signal fork)
payload "$work/root"
pack root
make_stack test 1 -- "$work/root.layer"
version=2
declare -A version_of
for attack in spin "${attacks[@]}"; do
	mkdir "$work/attack-$attack"
	ln -s "$attack" "$work/attack-$attack/.hostile"
	pack "attack-$attack"
	make_stack test $version -- "$work/root.layer" "$work/attack-$attack.layer"
	version_of[$attack]=$version
	version=$((version + 1))
done
make -s -C "$top" build/x86_64/init-hostile >"$work/make.log" 2>&1
make_initramfs "$work/hostile" --init "$top/build/x86_64/init-hostile"
make_image "$work/hostile"
cp --sparse=always "$work/hostile/disk" "$work/untried"

# went ATTACK CODE TEXT: how the last boot's attack ended
went() {
	reports "  $1: $3" "[(f['code'], f['reason'].startswith('layer 2/2 sha256:'), '$3' in f['reason'])
		for f in r['failed'] if f['file'] == 'test-${version_of[$1]}.stack'] == [('$2', True, True)]"
}

boots "each is stopped, and the good stack boots" "$work/hostile"
reports "  version 1, and all others were tried" 'r["version"] == 1 and len(r["failed"]) == 11'
reports "  its layer was unpacked once, before the first attack" '[l["from"] for l in r["layers"]] == ["reused"]'
reports "  the jail was whole" 'r["jail"] == {"missing": []}'
for attack in chroot socket mount ptrace signal fork; do
	went $attack JAIL "what unpacks the layer was stopped: a system call that unpacking never makes"
done
went open TYPE "hostile open: No such file or directory"
went device TYPE "hostile device: Permission denied"
went memory TYPE "hostile memory: Out of memory"
went fill TYPE "hostile fill: No space left on device"
went spin JAIL "what unpacks the layer used 10000 ms of CPU time and got nowhere"
says "  the console, too" "ERROR test-12.stack: JAIL: layer 2/2 sha256:.*: what unpacks the layer was stopped: a system call"
says "  and what to do" "what to do: make the layer again with plyboot pack; report this layer: it attacked or crashed what unpacks it"

# without JAIL: boots with that left out, and without what has other bounds than the jail
without() {
	cp --sparse=always "$work/untried" "$work/hostile/disk"
	on_partition "$work/hostile/disk" plyboot-layers "rm /stacks/test-2.stack" "rm /stacks/test-3.stack"
	APPEND="HOSTILE_JAIL=$1" boots "$2" "$work/hostile"
	reports "  version 1" 'r["version"] == 1 and len(r["failed"]) == 9'
}

# The same layers, on kernels without seccomp: the other parts stop them.
without seccomp "without seccomp, too"
reports "  the report says what is missing" 'r["jail"] == {"missing": ["seccomp"]}'
reports "  and warns of it once" 'r["warnings"].count("layers were unpacked without a part of the jail: seccomp") == 1'
says "  as the console does" "warning: layers were unpacked without a part of the jail: seccomp"
went open TYPE "hostile open: No such file or directory"
went device TYPE "hostile device: Permission denied"
for attack in chroot socket mount ptrace signal; do went $attack TYPE "hostile $attack: Operation not permitted"; done
went fork TYPE "hostile fork: Resource temporarily unavailable"
went memory TYPE "hostile memory: Out of memory"

twin "$work/hostile" --init "$top/build/x86_64/init-hostile" --set "jail whole"
APPEND="HOSTILE_JAIL=seccomp" refuses "unless init.conf demands it" "$work/twin" KERNEL \
	"no stack booted; the last one: test-1.stack: layer 1/1 sha256:[0-9a-f]*: the jail lacks \`seccomp\`, which is demanded"

# And without any jail each attack works: they are what they seem to be.
without none "without a jail"
for attack in "${attacks[@]:1}"; do went "$attack" USAGE "hostile $attack: it works"; done
finish
