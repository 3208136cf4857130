#!/bin/bash
# What a running demo wrote becomes one more layer, made on it; booted with an empty upper, the system is as it was.
# shellcheck disable=SC2016,SC2054 # for another shell to expand; QEMU's commas
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

demo=$top/build/demo
KERNEL=cloud-amd64 "$top/qemu/demo/image" "$plyboot" "$demo" >"$work/demo.log" 2>&1
cp -r "$demo/store" "$work/store"
rm -f "$work"/store/stacks/*
key=$demo/demo.key
cp "$demo/demo.pub" "$work/key.pub"
touch "$work/key.key"
MEMORY=1024
TIME_LIMIT=300
quiet="loglevel=4 systemd.show_status=false"

probe=$work/probe
cp -r "$top/tests/boot/probe" "$probe"
mkdir -p "$probe/etc/systemd/system/multi-user.target.wants"
ln -s ../probe.service "$probe/etc/systemd/system/multi-user.target.wants/probe.service"
cp "$plyboot" "$probe/usr/libexec/plyboot"
# A tar of files alone: every directory on the way is only implied.
(cd "$probe" && find . ! -type d -printf '%P\n' | sort |
	tar -cf "$work/probe.tar" --owner=0 --group=0 --numeric-owner --no-recursion -T -)
"$plyboot" pack --store "$work/store" -o "$work/probe.layer" "$work/probe.tar" >"$work/pack.log" 2>&1
layers=("$demo/base.layer" "$demo/app.layer" "$demo/site.layer" "$work/probe.layer")

build_image "$work/running" -- "${layers[@]}"
truncate -s 64M "$work/out.tar"
second=(--qemu-arg -drive --qemu-arg "id=out,if=none,format=raw,file=$work/out.tar"
	--qemu-arg -device --qemu-arg virtio-blk-pci,drive=out)
APPEND="$quiet probe.step=commit" boots "a running demo writes, and commits what it wrote" "$work/running" "${second[@]}"
mkdir "$work/out"
check "  the layer" tar -xf "$work/out.tar" -C "$work/out"
tr -d '\r' <"$work/console" | sed -n 's/.*\(plyboot commit: .*\)/# \1/p'
cp "$work"/out/store/blobs/sha256/* "$work/store/blobs/sha256/"
zstd -dcq "$work/store$(sed -n 's,^layer sha256:,/blobs/sha256/,p' "$work/out/live.layer")" >"$work/live.tar"
check "  has what was written" [ "$(tar -xOf "$work/live.tar" etc/written)" = new ]
check "  and removed" sh -c 'tar -tf "$0" | grep -qx etc/.wh.hosts' "$work/live.tar"
check "  and nothing of the machine" sh -c '[ -z "$(tar -xOf "$0" etc/machine-id)" ] &&
	! tar -tf "$0" | grep -q "random-seed\|^var/log/.*[^/]$\|^run/.\|^tmp/."' "$work/live.tar"

build_image "$work/committed" -- "${layers[@]}" "$work/out/live.layer"
APPEND="$quiet probe.step=read" boots "one more layer, an empty upper: the system is as it was" "$work/committed"
says "  of five layers" "test 1: 5 layers, upper persistent"
finish
