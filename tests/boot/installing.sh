# shellcheck shell=bash disable=SC2034,SC2054,SC2154 # for those that source this; QEMU's commas; lib.sh's
# Sourced by the tests of `plyboot install`: a device with version 1 on its disk, and a stick with version 2. What the
# guest does is named by test.step= on its command line (at boot: APPEND), and lies in /steps of its root.

# device KIB: version 1 in $work/device; version 2, whose own layers have so many KiB, on $work/stick as a tar and as
# a directory
device() {
	payload "$work/base"
	mkdir -p "$work/base/usb" "$work/base/layers" "$work/base/steps" "$work/base/etc"
	cp "$plyboot" "$work/base/bin/plyboot"
	cat >"$work/base/hook" <<-'EOT'
		export PATH=/bin
		$bb --install -s /bin
		step=$(sed -n 's/.*test\.step=\([^ ]*\).*/\1/p' /proc/cmdline)
		mount -t ext4 -o ro /dev/vdb /usb || exit 1
		layers_partition() {
			mount -t ext4 /dev/vda1 /layers
		}
		echo "version $(cat /version)"
		[ -z "$step" ] || . /steps/$step
	EOT
	cat >"$work/base/steps/install" <<-'EOT'
		echo installing
		plyboot install /usb/test-2.tar
		status=$?
		echo "installed: $status"
	EOT
	cat >"$work/base/steps/again" <<-'EOT'
		plyboot install /usb/store/
		status=$?
	EOT
	# Both leave nothing of what they filled the partition with.
	cat >"$work/base/steps/full" <<-'EOT'
		layers_partition
		ls -lR /layers/blobs /layers/stacks >/tmp/before
		dd if=/dev/zero of=/layers/filler bs=1024 2>/dev/null
		truncate -s -200000 /layers/filler
		umount /layers
		plyboot install /usb/test-2.tar
		[ $? = 3 ] || status=5
		layers_partition
		ls -lR /layers/blobs /layers/stacks | cmp - /tmp/before || status=6
		umount /layers
	EOT
	cat >"$work/base/steps/inodes" <<-'EOT'
		layers_partition
		rm /layers/filler
		ls -lR /layers/blobs /layers/stacks >/tmp/before
		i=0
		mkdir /layers/many
		while touch /layers/many/$i 2>/dev/null; do i=$((i + 1)); done
		rm /layers/many/0 /layers/many/1
		umount /layers
		plyboot install /usb/test-2.tar
		[ $? = 3 ] || status=5
		layers_partition
		ls -lR /layers/blobs /layers/stacks | cmp - /tmp/before || status=6
		umount /layers
	EOT
	cat >"$work/base/steps/emptied" <<-'EOT'
		layers_partition
		rm -r /layers/many
		umount /layers
		plyboot install /usb/test-2.tar || status=5
	EOT
	pack base
	local version
	for version in 1 2; do
		mkdir "$work/app$version"
		echo $version >"$work/app$version/version"
	done
	head -c "$1K" /dev/urandom >"$work/app2/noise"
	pack app1
	pack app2 --compress none
	mkdir "$work/more"
	echo more >"$work/more/more"
	pack more
	make_stack test 1 "$work/base.layer" "$work/app1.layer"
	make_stack test 2 "$work/base.layer" "$work/more.layer" "$work/app2.layer"
	make_initramfs "$work/device"
	make_image "$work/device" --stack test-1
	mkdir "$work/usb"
	"$plyboot" export --store "$work/store" --with-stack test-2 "$work/usb/test-2.tar" >/dev/null
	"$plyboot" export --store "$work/store" --with-stack test-2 "$work/usb/store" >/dev/null
	mke2fs -q -F -t ext4 -d "$work/usb" "$work/stick" $(($1 * 5 / 2 + 6000)) >/dev/null
	stick=(--qemu-arg -drive --qemu-arg "id=stick,if=none,format=raw,readonly=on,file=$work/stick"
		--qemu-arg -device --qemu-arg virtio-blk-pci,drive=stick)
}
