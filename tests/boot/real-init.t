#!/bin/bash
# What the real init gets: all of it, as init/BOOT.md says. cmdline.t has the mounts.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$work"/root/{sbin,dev,proc,sys,run}
"$top/build/x86_64/prefix/bin/musl-gcc" -static -Os -s -D_GNU_SOURCE -o "$work/root/sbin/real-init" "$top/tests/boot/real-init.c"
pack root
make_stack test 1 --init /sbin/real-init --upper volatile -- "$work/root.layer"
make_initramfs "$work/good"
make_image "$work/good"
cat >"$work/expected" <<'END'
arguments: </sbin/real-init>
environment: <PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin> <HOME=/> <TERM=linux>
descriptor 0: /dev/console, read and write
descriptor 1: /dev/console, read and write
descriptor 2: /dev/console, read and write
controlling terminal: No such device or address
process 1, parent 0, sid 0, pgid 0
signals blocked, ignored or caught: 0
capabilities: all
umask 022, directory /, nice 0
limit of descriptors 1024, 4096
/run: initramfs 755 plyboot 755
/run/plyboot: boot.json 644 keys 755 store 700 volatile 700
END
APPEND="EVIL=1 LD_PRELOAD=/evil evil single -- last" boots "a real init that says what it got" "$work/good" --snapshot
tr -d '\r' <"$work/console" | sed -n 's/^got //p' >"$work/got"
if grep -q '^kernel \([1-5]\.\|6\.[0-7]\.\)' "$work/console"; then # mount(2) mounts the overlay, by short links
	sed -i 's,keys 755,& lower 700,' "$work/expected"
fi
check "is what it should get, and no more" diff "$work/expected" "$work/got"
finish
