#!/bin/bash
# The demo on Debian's kernel and on ours: the root is what it was packed from, and keeps what is written to it.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=running.sh
. "$top/tests/boot/running.sh"

demo=$top/build/demo
KERNEL=cloud-amd64 "$top/qemu/demo/image" "$plyboot" "$demo" >"$work/demo.log" 2>&1
trees=$("$top/qemu/demo/trees")
cp -r "$demo/store" "$work/store"
rm -f "$work"/store/stacks/*
key=$demo/demo.key
cp "$demo/demo.pub" "$work/key.pub"
touch "$work/key.key"
MEMORY=1024
kernels=(cloud-amd64 own-6.1)

check "doctor finds nothing wrong with the demo" "$plyboot" doctor --image "$demo/demo.img" --initrd "$demo/demo.cpio" \
	--kernel-config "$("$top/qemu/demo/kernel" cloud-amd64)/config" --memory "$MEMORY"

# --- the whole tree, as systemd would find it --------------------------------------------------------

# What app with site on top must be: whiteouts by hand, then GNU tar. Directories that site has no entry for
# keep the time they had.
expected=$work/expected
cp -a "$trees/app" "$expected"
tar -tf "$trees/site.tar" | sed 's,^\./,,; s,/$,,' | sort >"$work/site.names"
while IFS= read -r name; do
	case ${name##*/} in
	.wh..wh..opq) find "$expected/${name%/*}" -mindepth 1 -delete ;;
	.wh.*) rm -rf "${expected:?}/${name%/*}/${name##*/.wh.}" ;;
	esac
done <"$work/site.names"
tar -xpf "$trees/site.tar" -C "$expected" --exclude='.wh.*' --numeric-owner --same-owner \
	--xattrs --xattrs-include='*'
(cd "$expected" && find . -type d -printf '%P\n' | sort) | comm -23 - "$work/site.names" |
	while IFS= read -r name; do
		[ ! -d "$trees/app/$name" ] || touch -r "$trees/app/$name" "$expected/$name"
	done

probe=$work/probe
cp -r "$top/tests/boot/probe" "$probe"
mkdir -p "$probe/etc/systemd/system/multi-user.target.wants"
ln -s ../probe.service "$probe/etc/systemd/system/multi-user.target.wants/probe.service"
"$probe/usr/libexec/probe-manifest" "$expected" >"$work/manifest"
# A tar of files alone: every directory on the way, the root included, is only implied.
(cd "$probe" && find . ! -type d -printf '%P\n' | sort |
	tar -cf "$work/probe.tar" --owner=0 --group=0 --numeric-owner --no-recursion -T -)
"$plyboot" pack --store "$work/store" -o "$work/probe.layer" "$work/probe.tar" >"$work/pack.log" 2>&1

layers=("$demo/base.layer" "$demo/app.layer" "$demo/site.layer" "$work/probe.layer")
check "the manifest has what is to be compared" grep -q 'security.capability' "$work/manifest"
for what in 'posix_acl_access' 'posix_acl_default' 'same file as' 'device 1:3' ' 4755 ' \
	'981173106\.1234567890' 'NetLock_Arany.*F.*tan' '^./var/lib/demo/private.d 700 5:5'; do
	check "  $what" grep -aq "$what" "$work/manifest"
done
mapfile -t roots < <(printf -- '--root\n%s\n' "${layers[@]}")
run_options=(--store "$work/store")
own_cache
for kernel in "${kernels[@]}"; do
	on_kernel "$kernel"
	LIMIT=300 runs "$KERNEL: the demo's layers are a root" "${roots[@]}" -- /usr/libexec/probe-manifest /
	check "$KERNEL: it is the tree that it was packed from" diff "$work/manifest" "$work/out"
	echo "# $(wc -l <"$work/out") lines of the manifest"
done

# --- what the running system writes -----------------------------------------------------------------

rm -f "$work"/store/stacks/*
build_image "$work/running" --init /sbin/init --upper persistent -- "${layers[@]}"
quiet="loglevel=4 systemd.show_status=false"
for kernel in "${kernels[@]}"; do
	on_kernel "$kernel"
	twin "$work/running"
	make_initramfs "$work/twin"
	before=$(partition_sha256 "$work/twin/disk" plyboot-layers)
	APPEND="$quiet probe.step=write" boots "$KERNEL: write a file, change one of base, remove one" "$work/twin"
	APPEND="$quiet probe.step=read" boots "$KERNEL: all three are so after a clean reboot, and nginx runs" "$work/twin"
	after=$(partition_sha256 "$work/twin/disk" plyboot-layers)
	check "$KERNEL: the layers partition is the same, bit for bit" [ "$before" = "$after" ]
	echo "# layers partition before ${before%% *}"
	echo "# layers partition after  ${after%% *}"
done
finish
