#!/bin/bash
# What the command line can have and what init.conf keeps, whose signatures count, and what the real init gets.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

payload "$work/root"
mkdir -p "$work/root/real"
ln -s ../bin/busybox "$work/root/real/init" # busybox's init, which runs the payload's as the first thing
echo '::sysinit:/sbin/init' >"$work/root/etc/inittab"
cp -p "$work/root/sbin/init" "$work/root/sbin/other"
sed -i '2a echo "this is /sbin/other"' "$work/root/sbin/other"
cat >"$work/root/hook" <<'END'
$bb grep -q test.step=handover /proc/cmdline || return 0
is() { [ "$2" = "$3" ] || { echo "# $1 is $2, not $3"; return 1; }; }
is "the environment" "$($bb tr '\0' ' ' </proc/1/environ)" \
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/ TERM=linux " &&
	is "the size of the arguments (busybox changes what they say)" "$($bb wc -c </proc/1/cmdline)" 11 &&
	is "descriptors" "$($bb ls /proc/1/fd | $bb tr '\n' ' ')" "0 1 2 " &&
	is "what they are" "$(for fd in 0 1 2; do $bb readlink /proc/1/fd/$fd; done | $bb uniq)" /dev/console &&
	is umask "$(umask)" 0022 &&
	is "the working directory" "$($bb readlink /proc/1/cwd)" / &&
	is mounts "$($bb cut -d ' ' -f 1-3 /proc/mounts | $bb tr '\n' ',')" "devtmpfs /dev devtmpfs,\
proc /proc proc,sysfs /sys sysfs,tmpfs /run tmpfs,plyboot-shutdown /run/initramfs tmpfs,\
plyboot-store /run/plyboot/store tmpfs,\
/dev/vda3 /run/plyboot/state ext4,plyboot / overlay," || return 1
mounted() { $bb grep -q "^[^ ]* $1 [^ ]* $2" /proc/mounts || { $bb grep " $1 " /proc/mounts; return 1; }; }
mounted / rw, && mounted /dev rw,nosuid && mounted /proc rw,nosuid,nodev,noexec && mounted /sys rw,nosuid,nodev,noexec &&
	mounted /run rw,nosuid,nodev && mounted /run/initramfs rw,nosuid,nodev && mounted /run/plyboot/store ro,nosuid,nodev && mounted /run/plyboot/state rw,nosuid,nodev &&
	! $bb touch /run/plyboot/store/x && is "the store's mode" "$($bb stat -c %a /run/plyboot/store)" 700 &&
	[ -e /sys/fs/ext4/vda3 ] && [ ! -e /sys/fs/ext4/vda1 ] || return 1 # so the layers partition is not mounted anywhere
# Of the initramfs, with 48 MiB of ballast in it, nothing is left: neither as tmpfs nor as ramfs.
[ ! -e /etc/plyboot ] && [ ! -e /lib/modules ] &&
	$bb awk '/^(Shmem|Unevictable):/ { if ($2 > 24576) { print "# " $0; exit 1 } }' /proc/meminfo
END
pack root
make_stack test 1 -- "$work/root.layer"
make_stack other 1 -- "$work/root.layer"
make_initramfs "$work/free" --set 'default layers LABEL=nowhere' --set 'default wait 1' --set 'default stack other'
make_image "$work/free"

# warned SETTING WHY: the report has it
warned() {
	reports "  $1 is not followed: $2" "\"command line: $1 is not followed: $2\" in r['warnings']"
}

# --- what is a default, and what is fixed

APPEND=plyboot.stack=test refuses "init.conf's defaults count" "$work/free" DEVICE "no block device is LABEL=nowhere"
more="plyboot.layers=PARTLABEL=plyboot-layers"
APPEND="$more plyboot.stack=test" boots "the command line may choose otherwise" "$work/free" --snapshot
reports "  and did" 'r["stack"] == "test" and r["warnings"] == []'
APPEND="$more plyboot.stack=test plyboot.stack=other plyboot.wait= plyboot.log=loud plyboot.shell=yes plyboot.lairs=x \
	plyboot.upper=persistent init=/sbin/other plyboot.state" boots "what it says wrongly is left" "$work/free" --snapshot
reports "  the default stack boots" 'r["stack"] == "other" and r["init"] == "/sbin/init" and len(r["warnings"]) == 8'
warned plyboot.stack "given more than once"
warned plyboot.wait "it has no value"
warned plyboot.state "it has no value"
warned plyboot.log "no such value"
warned plyboot.shell "it takes no value"
warned plyboot.lairs "no such setting"
warned plyboot.upper "only \`volatile\` can be asked for here"
warned init "init.conf has no \`allow-init yes\`"

twin "$work/free" --set 'layers PARTLABEL=plyboot-layers' --set 'record PARTLABEL=plyboot-record' \
	--set 'state PARTLABEL=plyboot-state' --set 'wait 7' --set 'log normal' --set 'stack test' --set 'upper volatile'
APPEND="plyboot.layers=LABEL=nowhere plyboot.record=none plyboot.state=LABEL=nowhere plyboot.wait=0 plyboot.log=debug \
	plyboot.stack=other plyboot.shell quiet" boots "init.conf fixes everything" "$work/twin" --snapshot
reports "  and so it is" \
	'r["stack"] == "test" and r["record"] == "new" and r["upper"]["kind"] == "volatile" and len(r["warnings"]) == 7'
for word in layers record state wait log stack; do
	warned plyboot.$word "init.conf fixes it"
done
warned plyboot.shell "this initramfs has no shell"
says "  and is said, whatever quiet would have" "warning: command line: plyboot.log is not followed"

# --- init=

APPEND="$more init=/sbin/other" boots "init= without allow-init" "$work/free" --snapshot
check "  is not run" [ "$(grep -c 'this is /sbin/other' "$work/console")" -eq 0 ]
twin "$work/free" --set 'allow-init yes' --set 'stack test'
APPEND="init=/sbin/other" boots "init= with it" "$work/twin" --snapshot
check "  is run" grep -q 'this is /sbin/other' "$work/console"
APPEND="init=sbin/other" boots "init= that is no path" "$work/twin" --snapshot
warned init "not an absolute path"
APPEND="init=/sbin/../sbin/none" boots "init= that is not normal" "$work/twin" --snapshot
warned init "not an absolute path"
APPEND="init=/sbin/none" refuses "init= that isn't there" "$work/twin" MISSING "the root's init /sbin/none" --snapshot

# --- how much is said

APPEND="quiet" boots "quiet" "$work/twin" --snapshot
check "  nothing is said" [ "$(grep -c '^plyboot: ' "$work/console")" -eq 0 ]
APPEND="quiet plyboot.log=debug" boots "plyboot.log counts for more" "$work/twin" --snapshot
says "  each step is named" "mounts and configuration: [0-9.]* ms"

# --- whose signature counts

rm "$work"/store/stacks/*
make_stack test 1 -- "$work/root.layer"
"$plyboot" keygen -o "$work/second" >"$work/keygen.log" 2>&1
make_initramfs "$work/keys" --set 'signatures 2' --pub "$work/second.pub"
make_image "$work/keys"
refuses "two signatures are needed, one is there" "$work/keys" SIGNATURE \
	"signed by 1 trusted key, and 2 different ones are needed" --snapshot
"$plyboot" sign --key "$work/second.key" "$work/store/stacks/test-1.stack" >"$work/sign.log" 2>&1
make_image "$work/keys"
boots "both are there" "$work/keys" --snapshot
reports "  both keys are named" 'len(r["keys"]) == 2'
id=$(openssl pkey -pubin -in "$work/second.pub" -outform DER | sha256sum | cut -d ' ' -f 1)
"$plyboot" keygen -o "$work/third" >"$work/keygen.log" 2>&1
twin "$work/keys" --set 'signatures 2' --pub "$work/second.pub" --pub "$work/third.pub" --set "revoked sha256:$id"
refuses "one of them is revoked" "$work/twin" SIGNATURE "signed by 1 trusted key, and 2 different ones" --snapshot
twin "$work/keys" --pub "$work/second.pub" --set "revoked sha256:$id"
boots "one is enough, and the other not revoked" "$work/twin" --snapshot
reports "  it alone is named" 'len(r["keys"]) == 1'
make_stack test 1 -- "$work/root.layer"
sed -i '/^---$/q' "$work/store/stacks/test-1.stack"
"$plyboot" sign --key "$work/second.key" "$work/store/stacks/test-1.stack" >"$work/sign.log" 2>&1
make_image "$work/twin"
refuses "signed by the revoked key alone" "$work/twin" KEY "(revoked)" --snapshot

# --- what the real init gets

rm "$work"/store/stacks/*
make_stack test 1 --init /real/init -- "$work/root.layer"
head -c 48M /dev/urandom >"$work/ballast"
make_initramfs "$work/handover" --add "$work/ballast:/ballast" --add /bin/busybox:/deep/er/busybox
make_image "$work/handover"
APPEND="test.step=handover EVIL=1 LD_PRELOAD=/evil evil single -- last" boots "the real init gets what is ours, and no more" \
	"$work/handover"
[ "$failed" -eq 0 ] || sed -n '/^# /p' "$work/console"
finish
