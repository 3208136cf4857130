#!/bin/bash
# The floor, over a device's life: versions come, are confirmed or not, and go. Never again boots what is below the
# floor of a confirmed one; all others stay bootable.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

payload "$work/root"
pack root
floors=([1]=0 [2]=0 [3]=2 [4]=0 [5]=5)
for version in "${!floors[@]}"; do
	make_stack test "$version" --floor "${floors[version]}" --upper volatile -- "$work/root.layer"
done
make_initramfs "$work/device"
make_image "$work/device" --stack test-1
image=$work/device/disk

come() {
	for version; do
		on_partition "$image" plyboot-layers "write $work/store/stacks/test-$version.stack /stacks/test-$version.stack"
	done
}
go() {
	for version; do
		on_partition "$image" plyboot-layers "rm /stacks/test-$version.stack"
	done
}
confirm() {
	partition_copy "$image" plyboot-record "$work/record"
	python3 "$top/tests/boot/confirm.py" "$work/record" "$work/store/stacks/test-$1.stack"
	partition_put "$image" plyboot-record "$work/record"
	"$plyboot" inspect "$work/record" >"$work/record.txt"
	check "  it is confirmed: floor $2" grep -q "^name .*test: floor $2, 0 boots since" "$work/record.txt"
}

# runs NAME VERSION TRIAL FLOOR [REFUSED...]: this version boots, and exactly these are below the floor
runs() {
	local name=$1 version=$2 trial=$3 floor=$4 refused=
	shift 4
	for below; do
		refused+="('test-$below.stack', 'ROLLBACK', 'version $below is below the floor $floor of ${whose:-the record}'), "
	done
	boots "$name: version $version" "$work/device"
	says "  $trial" "stack test $version, 1 layer, .*, $trial\$"
	reports "  refused: ${*:-none}" \
		"r['version'] == $version and [(f['file'], f['code'], f['reason']) for f in r['refused']] == [$refused]"
}

# none NAME TEXT: nothing boots, for this first reason; nor is it a try
none() {
	local before
	before=$(partition_sha256 "$image" plyboot-record)
	refuses "$1" "$work/device" ROLLBACK "the first refusal: .*$2"
	check "  no try is counted" [ "$(partition_sha256 "$image" plyboot-record)" = "$before" ]
}

runs "a new device" 1 "2 tries left" 0
confirm 1 0
come 2 3
runs "two more come, the latter with a floor of 2" 3 "2 tries left" 0
go 2 3
runs "it is not confirmed, so its floor is none" 1 confirmed 0
come 2 3
runs "it is tried again" 3 "1 tr.* left" 0
confirm 3 2
runs "and now its floor counts" 3 confirmed 2 1
go 3
runs "a version at the floor boots" 2 "2 tries left" 2 1
go 2
none "one below it does not, though it was confirmed" "version 1 is below the floor 2"
come 2 3 4
runs "one comes that declares no floor" 4 "2 tries left" 2 1
confirm 4 2
go 3 4
runs "  that lowers nothing" 2 "1 tr.* left" 2 1
come 3 4 5
runs "one comes that forbids all before it" 5 "2 tries left" 2 1
confirm 5 5
go 5
none "once it is confirmed, none of them boots" "version 1 is below the floor 5"
says "  the confirmed ones neither" "refused test-4.stack: ROLLBACK: version 4 is below the floor 5"
come 5
runs "it does" 5 confirmed 5 1 2 3 4
make_initramfs "$work/device" --set 'floor 3'
runs "a lower floor in init.conf lowers nothing" 5 confirmed 5 1 2 3 4
make_initramfs "$work/device" --set 'floor 6'
none "a higher one counts" "version 1 is below the floor 6"
says "  for it, too" "refused test-5.stack: ROLLBACK: version 5 is below the floor 6"
truncate -s 2M "$work/zeros"
partition_put "$image" plyboot-record "$work/zeros"
make_initramfs "$work/device" --set 'floor 3'
whose=init.conf runs "and still does when the record is lost" 5 "2 tries left" 3 1 2
finish
