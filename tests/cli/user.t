#!/bin/bash
# From a directory to an image without privileges: an ordinary user can do all but keep owners and devices.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

chown 65534:65534 .
id=$(as_nobody id -u)
is "an ordinary user" "$id" 65534
as_nobody mkdir -p src/bin src/closed
as_nobody bash -c 'echo hello >src/bin/file; ln src/bin/file src/bin/link; ln -s file src/bin/sym; mkfifo src/fifo
	chmod 0 src/closed; chmod 755 src/closed; touch src/.wh.gone; chmod 4755 src/bin/file'
ok "keygen" as_nobody "$plyboot" keygen -o k
ok "pack" as_nobody "$plyboot" pack --root-owned -o a.layer src
is "... all root's" "$(plain a.layer | tar -tvf - | awk '{ print $2 }' | sort -u)" 0/0
ok "root packs the same" "$plyboot" pack --root-owned --store s -o root.layer src
ok "... layer" cmp a.layer root.layer
as_nobody cp -r src src2
as_nobody bash -c 'echo more >src2/bin/more; rm src2/.wh.gone src/.wh.gone; rm src2/bin/sym'
ok "diff" as_nobody "$plyboot" diff --root-owned -o b.layer src src2
mknod null c 1 3
tar -cf device.tar null --owner=0 --group=0
ok "pack a tar with a device in it" as_nobody "$plyboot" pack -o c.layer device.tar
ok "stack" as_nobody "$plyboot" stack --name mine --version 1 a.layer b.layer c.layer
ok "sign" as_nobody "$plyboot" sign --key k.key store/stacks/mine-1.stack
ok "verify" as_nobody "$plyboot" verify --pub k.pub
ok "inspect" as_nobody "$plyboot" inspect store/stacks/mine-1.stack
ok "initramfs" as_nobody "$plyboot" initramfs --pub k.pub -o a.cpio
ok "image" as_nobody "$plyboot" image -o a.img
ok "root makes the same initramfs" "$plyboot" initramfs --pub k.pub -o b.cpio
ok "... bytes" cmp a.cpio b.cpio
ok "root makes the same image" "$plyboot" image -o b.img
ok "... bytes" cmp a.img b.img

as_nobody mkdir src/private
chown 0:0 src/private
chmod 700 src/private
refuses "a directory that can't be read" 3 IO as_nobody "$plyboot" pack -o x.layer src
mkdir -m 755 foreign
refuses "a place that can't be written to" 3 IO as_nobody "$plyboot" initramfs --pub k.pub -o foreign/x.cpio
"$plyboot" keygen -o root >/dev/null
refuses "a key that can't be read" 3 IO as_nobody "$plyboot" sign --key root.key store/stacks/mine-1.stack
finish
