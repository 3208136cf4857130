#!/bin/bash
# A container engine on the demo's Debian, with /var/lib/containers as a persistent path: podman's overlays lie on the state
# partition's ext4, not on the root's overlay. Without a network. As root.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
on_kernel own-6.12
MEMORY=1024

demo=$top/build/demo
KERNEL=cloud-amd64 "$top/qemu/demo/image" "$plyboot" "$demo" >"$work/demo.log" 2>&1
cp -r "$demo/store" "$work/store"
rm -f "$work"/store/stacks/*
ln -s "$("$top/tests/boot/podman-tree")" "$work/podman-tree"

mkdir -p "$work/container/bin" "$work/container/proc" "$work/container/dev" "$work/container/sys" "$work/container/etc"
cp /bin/busybox "$work/container/bin"
cp -r "$top/tests/boot/podman" "$work/check"
mkdir -p "$work/check/usr/share/podman-check" "$work/check/etc/systemd/system/multi-user.target.wants"
ln -s ../podman-check.service "$work/check/etc/systemd/system/multi-user.target.wants/podman-check.service"
tar -C "$work/container" -cf "$work/check/usr/share/podman-check/root.tar" --owner=0 --group=0 .
# A tar of files alone: every directory on the way is only implied, and stays as the base has it.
(cd "$work/check" && find . ! -type d -printf '%P\n' | sort |
	tar -cf "$work/check.tar" --owner=0 --group=0 --numeric-owner --no-recursion -T -)
"$plyboot" pack --store "$work/store" -o "$work/podman.layer" "$work/podman-tree/" >"$work/pack.log" 2>&1
"$plyboot" pack --store "$work/store" -o "$work/check.layer" "$work/check.tar" >"$work/pack.log" 2>&1

make_stack test 1 --upper volatile --persist /var/lib/containers -- "$demo/base.layer" "$work/podman.layer" "$work/check.layer"
mkdir "$work/out"
make_initramfs "$work/out"
"$plyboot" image --store "$work/store" --state-size 64M --stack test-1 -o "$work/out/disk" >"$work/image.log" 2>&1

quiet="loglevel=4 systemd.show_status=false"
# shows TEXT: the last boot's console has this line
shows() {
	check "  $1" grep -q "^$1"$'\r*$' "$work/console"
}
APPEND="$quiet podman.step=first" boots "podman takes an image and runs a container" "$work/out"
grep -a '^podman: ' "$work/console" | tr -d '\r' | sed 's/^/# /' || true
shows 'podman: mount ext4 *rw,nosuid,nodev,relatime,.*'
shows 'podman: storage overlay extfs'
shows 'podman: container: Linux, process 1, 0'
shows 'podman: one localhost/box:1 Exited (7).*'
reports "  /var/lib/containers is begun" 'r["persist"] == [{"path": "/var/lib/containers", "kind": "persistent", "why": None, "seeded": True}]'

APPEND="$quiet podman.step=second" boots "both are there after a reboot, and can be removed" "$work/out"
reports "  with a volatile upper" 'r["persist"][0]["seeded"] == False and r["upper"]["kind"] == "volatile"'
finish
