#!/bin/bash
# The cpio that the kernel starts: what must be in it, in which order modules come, and what is refused when it
# is made rather than on the device.
# shellcheck disable=SC2016 # for another shell to expand
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

conf() { # FILE
	cpio -i --quiet --to-stdout etc/plyboot/init.conf <"$1"
}

names() { # FILE
	cpio -t --quiet <"$1"
}

id=$("$plyboot" keygen -o k)
"$plyboot" keygen -o k2 >/dev/null
ok "initramfs" "$plyboot" initramfs --pub k.pub --set 'log debug' -o a.cpio
is "what is in it" "$(names a.cpio)" "dev
dev/console
dev/null
etc
etc/plyboot
etc/plyboot/init.conf
etc/plyboot/keys
etc/plyboot/keys/${id#sha256:}.der
init
proc
run
shutdown
sys"
cpio -tv --quiet <a.cpio >list
has "/dev/console" list '^crw------- .* root +root +5, +1 .* dev/console$'
has "/dev/null" list '^crw-rw-rw- .* root +root +1, +3 .* dev/null$'
has "/init is a program" list '^-rwxr-xr-x .* init$'
has "so is what /run/initramfs/shutdown becomes" list '^-rwxr-xr-x .* shutdown$'
is "no times" "$(TZ=UTC awk '{ print $(NF - 3), $(NF - 2), $(NF - 1) }' list | sort -u)" "Jan 1 1970"
mkdir x && (cd x && cpio -id --quiet --no-absolute-filenames <../a.cpio)
is "the key is in it as its DER" "$(sha256sum <"x/etc/plyboot/keys/${id#sha256:}.der" | cut -d' ' -f1)" "${id#sha256:}"
is "... static, too" "$(readelf -lW x/shutdown 2>/dev/null | grep -c INTERP)" 0
has "... for this machine" <(readelf -h x/shutdown) 'Machine:.*X86-64'
is "/init is static" "$(readelf -lW x/init 2>/dev/null | grep -c INTERP)" 0
has "/init is a program for this machine" <(readelf -h x/init) 'Machine:.*X86-64'
is "init.conf is what was set" "$(conf a.cpio)" "log debug"
sleep 1
ok "again" "$plyboot" initramfs --pub k.pub --set 'log debug' -o b.cpio
ok "... gives the same bytes" cmp a.cpio b.cpio
ok "SOURCE_DATE_EPOCH" env SOURCE_DATE_EPOCH=1000000000 "$plyboot" initramfs --pub k.pub -o c.cpio
has "... is the time of all" <(cpio -tv --quiet <c.cpio) 'Sep +9 +2001 init$'
for how in "gzip gzip" "zstd zstd"; do
	read -r how tool <<<"$how"
	ok "--compress $how" "$plyboot" initramfs --pub k.pub --set 'log debug' --compress "$how" -o c.cpio
	$tool -dc <c.cpio >d.cpio
	ok "... is the same cpio" cmp a.cpio d.cpio
done

# --- the check of the state partition
ok "--fsck" "$plyboot" initramfs --pub k.pub --fsck /sbin/e2fsck.static -o f.cpio
has "... is said, with its size" "$work/out" "^  /sbin/e2fsck of $(stat -c %s /sbin/e2fsck.static) bytes\$"
is "... adds it, and nothing else" "$(names f.cpio | comm -23 - <(names a.cpio) | xargs)" "sbin sbin/e2fsck"
has "... as a program" <(cpio -tv --quiet <f.cpio) '^-rwxr-xr-x .* root +root .* sbin/e2fsck$'
ok "... as it is" cmp <(cpio -i --quiet --to-stdout sbin/e2fsck <f.cpio) /sbin/e2fsck.static
ok "... again" "$plyboot" initramfs --pub k.pub --fsck /sbin/e2fsck.static -o g.cpio
ok "... gives the same bytes" cmp f.cpio g.cpio
ok "init.conf may have a time for it" "$plyboot" initramfs --pub k.pub --set 'fsck 5' -o c.cpio
conf c.cpio >c.conf
has "... which inspect shows" <("$plyboot" inspect c.conf) '^fsck +5 s at most'
echo 'fsck none' >c.conf
has "... or none" <("$plyboot" inspect c.conf) '^fsck +none$'
ok "init.conf may say how progress is shown" "$plyboot" initramfs --pub k.pub --set 'progress lines' -o c.cpio
conf c.cpio >c.conf
has "... which inspect shows" <("$plyboot" inspect c.conf) '^progress +lines$'
refuses "... in one of four ways" 1 CONFIG "$plyboot" initramfs --pub k.pub --set 'progress spinner' -o x.cpio
refuses "one that is not static" 1 TYPE "$plyboot" initramfs --pub k.pub --fsck /bin/cat -o x.cpio
has "... names what it needs" "$work/err" 'TYPE: `/bin/cat`: it is not static: it needs /lib64/ld-linux-x86-64.so.2, '
has "... and where there is one" "$work/err" 'e2fsck-static'
refuses "one that is no program" 1 TYPE "$plyboot" initramfs --pub k.pub --fsck k.pub -o x.cpio
refuses "one that is not there" 3 MISSING "$plyboot" initramfs --pub k.pub --fsck nowhere -o x.cpio
refuses "a directory" 2 USAGE "$plyboot" initramfs --pub k.pub --fsck . -o x.cpio
# patched OFFSET BYTES [FILE]: FILE (busybox) with other bytes there, as `other`
patched() {
	cp "${3:-/bin/busybox}" other
	printf %b "$2" | dd of=other bs=1 seek="$1" conv=notrunc status=none
}
patched 18 '\xb7\x00'
refuses "one for another machine" 1 TARGET "$plyboot" initramfs --pub k.pub --fsck other -o x.cpio
has "... says which" "$work/err" 'it is for aarch64, not for x86_64$'
ok "... is right there" "$plyboot" initramfs --pub k.pub --fsck other --arch aarch64 --init /bin/busybox -o c.cpio
patched 18 '\x00\x40'
refuses "one for nobody knows which" 1 TARGET "$plyboot" initramfs --pub k.pub --fsck other -o x.cpio
refuses "for a machine that nobody knows" 1 TARGET "$plyboot" initramfs --pub k.pub --fsck /bin/busybox --arch vax \
	--init /bin/busybox -o x.cpio
patched 4 '\x01'
refuses "one of 32 bits" 1 TARGET "$plyboot" initramfs --pub k.pub --fsck other -o x.cpio
patched 16 '\x01'
refuses "an object file" 1 TYPE "$plyboot" initramfs --pub k.pub --fsck other -o x.cpio
patched 56 '\x00\x00'
refuses "one with nothing in it" 1 TYPE "$plyboot" initramfs --pub k.pub --fsck other -o x.cpio
patched 32 '\xff\xff\xff\xff'
refuses "one whose table is outside" 1 TYPE "$plyboot" initramfs --pub k.pub --fsck other -o x.cpio
head -c 63 /bin/busybox >other
refuses "one that is cut" 1 TYPE "$plyboot" initramfs --pub k.pub --fsck other -o x.cpio
refuses "something else in its place" 2 USAGE "$plyboot" initramfs --pub k.pub --fsck /bin/busybox \
	--add /bin/busybox:/sbin/e2fsck -o x.cpio
rm other

# --- settings
printf '# ours\ndefault log normal\nwait 5' >my.conf
ok "--config and --set" "$plyboot" initramfs --pub k.pub --config my.conf --set 'floor 3' -o c.cpio
is "... are one file" "$(conf c.cpio)" $'# ours\ndefault log normal\nwait 5\nfloor 3'
ok "inspect takes it" bash -c 'cpio -i --quiet --to-stdout etc/plyboot/init.conf <c.cpio >c.conf && "$0" inspect c.conf' "$plyboot"
refuses "a setting that there is not" 1 CONFIG "$plyboot" initramfs --pub k.pub --set 'colour red' -o x.cpio
refuses "a setting given twice" 1 CONFIG "$plyboot" initramfs --pub k.pub --config my.conf --set 'wait 6' -o x.cpio
refuses "a value that can't be" 1 CONFIG "$plyboot" initramfs --pub k.pub --set 'wait -1' -o x.cpio
refuses "more signatures than keys" 1 CONFIG "$plyboot" initramfs --pub k.pub --set 'signatures 2' -o x.cpio
ok "as many signatures as keys" "$plyboot" initramfs --pub k.pub --pub k2.pub --set 'signatures 2' -o c.cpio
refuses "more signatures than keys that are not revoked" 1 CONFIG \
	"$plyboot" initramfs --pub k.pub --set "revoked $id" -o x.cpio
ok "one of two keys revoked" "$plyboot" initramfs --pub k.pub --pub k2.pub --set "revoked $id" -o c.cpio
refuses "a shell that is not there" 1 CONFIG "$plyboot" initramfs --pub k.pub --set 'shell /bin/sh' -o x.cpio
ok "a shell that is" "$plyboot" initramfs --pub k.pub --set 'shell /bin/sh' --add /bin/busybox:/bin/sh -o c.cpio
refuses "a module that is not there" 1 CONFIG "$plyboot" initramfs --pub k.pub --set 'module /lib/modules/x.ko' -o x.cpio
refuses "no key" 2 USAGE "$plyboot" initramfs -o x.cpio
refuses "a bad key" 1 KEY "$plyboot" initramfs --pub my.conf -o x.cpio
refuses "a private key" 1 KEY "$plyboot" initramfs --pub k.key -o x.cpio
refuses "another architecture" 3 MISSING "$plyboot" initramfs --pub k.pub --arch vax -o x.cpio
ok "... with its /init" "$plyboot" initramfs --pub k.pub --arch vax --init my.conf -o c.cpio
is "... and without another machine's shutdown" "$(names c.cpio | grep -c shutdown)" 0
ok "another /init for this one" "$plyboot" initramfs --pub k.pub --init my.conf -o c.cpio
is "... which has it" "$(names c.cpio | grep -c shutdown)" 1
refuses "an /init that is not there" 3 MISSING "$plyboot" initramfs --pub k.pub --init nowhere -o x.cpio

# --- more files
mkdir -p add/sub && echo f >add/sub/file && ln -s sub/file add/link && chmod 640 add/sub/file && chown -R 5:5 add
ok "--add" "$plyboot" initramfs --pub k.pub --add add:/opt/add --add my.conf:/etc/deep/er/my.conf --add add/link:/l -o c.cpio
cpio -tv --quiet <c.cpio >list
has "... a directory's files, as root's" list '^-rw-r----- .* root +root .* opt/add/sub/file$'
has "... a symlink as one" list '^l.* opt/add/link -> sub/file$'
has "... directories above" list '^drwxr-xr-x .* etc/deep/er$'
has "... a symlink by itself" list '^l.* l -> sub/file$'
refuses "--add over /init" 2 USAGE "$plyboot" initramfs --pub k.pub --add my.conf:/init -o x.cpio
refuses "--add over /shutdown" 2 USAGE "$plyboot" initramfs --pub k.pub --add my.conf:/shutdown -o x.cpio
refuses "--add below a file" 2 USAGE "$plyboot" initramfs --pub k.pub --add my.conf:/init/file -o x.cpio
refuses "--add out of the root" 1 PATH "$plyboot" initramfs --pub k.pub --add my.conf:/../file -o x.cpio
refuses "--add without a place" 2 USAGE "$plyboot" initramfs --pub k.pub --add my.conf -o x.cpio
refuses "--add of nothing" 3 MISSING "$plyboot" initramfs --pub k.pub --add nowhere:/x -o x.cpio

# --- modules: a kernel of ours, whose modules are texts
m=root/lib/modules/6.9.9-test
mkdir -p $m/kernel/fs $m/kernel/drv $m/kernel/crypto
for name in fs/ext4 fs/jbd2 fs/overlay drv/virtio drv/virtio_ring drv/virtio_pci drv/virtio-blk drv/odd-one \
	crypto/crc32c_generic crypto/crc32c-intel crypto/late; do
	echo "module $name" >$m/kernel/$name.ko
done
gzip $m/kernel/drv/virtio_pci.ko
zstd -q --rm $m/kernel/drv/virtio_ring.ko
cat >$m/modules.dep <<'EOF'
kernel/fs/jbd2.ko:
kernel/fs/ext4.ko: kernel/fs/jbd2.ko
kernel/drv/virtio.ko: kernel/drv/virtio_ring.ko.zst
kernel/drv/virtio_ring.ko.zst:
kernel/drv/virtio_pci.ko.gz: kernel/drv/virtio.ko kernel/drv/virtio_ring.ko.zst
kernel/drv/virtio-blk.ko: kernel/drv/virtio.ko kernel/drv/virtio_ring.ko.zst
kernel/drv/odd-one.ko: kernel/drv/gone.ko
kernel/crypto/crc32c_generic.ko:
kernel/crypto/crc32c-intel.ko:
kernel/crypto/late.ko:
EOF
echo kernel/fs/overlay.ko >$m/modules.builtin
cat >$m/modules.softdep <<'EOF'
# Soft dependencies extracted from modules themselves.
softdep ext4 pre: crc32c post: late
softdep jbd2 pre: never_heard_of
EOF
cat >$m/modules.alias <<'EOF'
alias crc32c crc32c_intel
alias crc32c crc32c_generic
alias fs-ext4 ext4
EOF
loads() { # FILE: the names, in order
	conf "$1" | sed -n 's|^module /lib/modules/6.9.9-test/kernel/.*/\(.*\)\.ko$|\1|p' | tr '\n' ' '
}
ok "the modules that disks need" "$plyboot" initramfs --pub k.pub --modules root -o m.cpio
is "... each after what it needs" "$(loads m.cpio)" \
	"virtio_ring virtio virtio_pci virtio-blk crc32c_generic jbd2 ext4 late "
is "... and are in it, not compressed" \
	"$(cpio -i --quiet --to-stdout '*/virtio_ring.ko' '*/virtio_pci.ko' <m.cpio)" $'module drv/virtio_pci\nmodule drv/virtio_ring'
ok "a lib/modules/RELEASE will do" "$plyboot" initramfs --pub k.pub --modules $m/ -o n.cpio
ok "... as well" cmp m.cpio n.cpio
ok "--module, however it is written" "$plyboot" initramfs --pub k.pub --modules root --module virtio_blk \
	--module overlay --module fs-ext4 -o n.cpio
is "... an alias, one that is built in" "$(loads n.cpio)" "virtio_ring virtio virtio-blk crc32c_generic jbd2 ext4 late "
refuses "a module that there is not" 3 MISSING "$plyboot" initramfs --pub k.pub --modules root --module virtio_bkl -o x.cpio
has "... names that look alike" "$work/err" '^  there is: .*virtio_blk'
refuses "a module whose need is gone" 3 MISSING "$plyboot" initramfs --pub k.pub --modules root --module odd_one -o x.cpio
refuses "no modules there" 3 MISSING "$plyboot" initramfs --pub k.pub --modules add -o x.cpio
refuses "--module without --modules" 2 USAGE "$plyboot" initramfs --pub k.pub --module ext4 -o x.cpio
cp -a $m root/lib/modules/6.9.10
refuses "two kernels" 2 USAGE "$plyboot" initramfs --pub k.pub --modules root -o x.cpio
rm $m/kernel/fs/jbd2.ko
refuses "a module whose file is gone" 3 MISSING "$plyboot" initramfs --pub k.pub --modules $m -o x.cpio
finish
