#!/bin/bash
# With a real systemd: plyboot-confirm.service ends the trial when boot-complete.target is reached, and not before; and
# systemd takes over the watchdog that /init left armed.
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

# Every directory on the way is only implied.
root=$work/confirming
units=$root/etc/systemd/system
cp -r "$top/tests/boot/confirming" "$root"
install -D -m 755 "$plyboot" "$root/usr/bin/plyboot"
install -D -m 644 "$top/compose/plyboot-confirm.service" "$root/usr/lib/systemd/system/plyboot-confirm.service"

# enable UNIT: as `systemctl enable` does it, by what its file says
enable() {
	local file=$units/$1 key target
	[ -e "$file" ] || file=$root/usr/lib/systemd/system/$1
	IFS='= ' read -r key target < <(grep -E '^(WantedBy|RequiredBy)=' "$file")
	case $key in
	WantedBy) target=$target.wants ;;
	*) target=$target.requires ;;
	esac
	mkdir -p "$units/$target"
	ln -s "${file#"$root"}" "$units/$target/$1"
}
for unit in plyboot-confirm health report; do enable $unit.service; done
(cd "$root" && find . ! -type d -printf '%P\n' | sort |
	tar -cf "$work/confirming.tar" --owner=0 --group=0 --numeric-owner --no-recursion -T -)
"$plyboot" pack --store "$work/store" -o "$work/confirming.layer" "$work/confirming.tar" >"$work/pack.log" 2>&1
make_stack test 1 --floor 1 --upper volatile -- "$demo/base.layer" "$work/confirming.layer"
make_initramfs "$work/device" --set 'watchdog 30'
make_image "$work/device" --stack test-1

# tells NAME LINE...: the guest's own lines (basic regular expressions)
tells() {
	local name=$1
	shift
	tr -d '\r' <"$work/console" >"$work/lines"
	for line; do
		check "  $name: $line" grep -q "^$line\$" "$work/lines"
	done
}

APPEND="$quiet health=bad" boots "what should be up is not" "$work/device"
tells "no confirmation" "confirming: inactive" "running        test 1, on trial, 2 tries left" "floor          0"
APPEND=$quiet boots "all is up" "$work/device"
tells "confirmed" "confirming: active" "running        test 1, confirmed" "floor          1 of the record" \
	"next boot      test 1, confirmed"
APPEND="$quiet feeds health=bad" boots "it stays so, and systemd feeds the watchdog" "$work/device"
tells "still confirmed" "running        test 1, confirmed" "record         good; 1 boot since the last confirm"
tells "systemd's time" "watchdog: active 15"
finish
