#!/bin/bash
# P4: a changed layer never boots. Random damage to the layers partition: a bit, a sector of garbage or of zeros, a file
# cut, two blobs swapped, bytes of a stack file. Whatever boots then is, name by name and byte by byte, one of the roots
# that were signed; damage to files costs exactly the stacks that need them, and where nothing lies it costs nothing.
#
# PLYBOOT_COUNT boots (60), of PLYBOOT_SEED on.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=root_digest.sh
. "$top/tests/boot/root_digest.sh"
bb=/bin/busybox

wanted=${PLYBOOT_COUNT:-60}
first=${PLYBOOT_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
echo "# PLYBOOT_COUNT=$wanted PLYBOOT_SEED=$first"

# The same seed damages the same bytes: no name, time or key is another one in the next run.
export SOURCE_DATE_EPOCH=1700000000
cp "$top/tests/data/example.key" "$work/key.key"
cp "$top/tests/data/example.pub" "$work/key.pub"

# Three stacks that share nothing, each with its way to store a layer.
compress=([1]=none [2]=gzip [3]=zstd)
roots=([0]=none)
for version in 1 2 3; do
	payload "$work/base-$version"
	cp "$top/tests/boot/root_digest.sh" "$work/base-$version/root_digest.sh"
	cat >"$work/base-$version/hook" <<-'END'
		. /root_digest.sh
		cd / && echo "root $(root_digest)"
	END
	mkdir -p "$work/base-$version/etc" "$work/top-$version/etc"
	echo "$version" >"$work/base-$version/etc/base"
	echo "$version" >"$work/top-$version/etc/top"
	find "$work/base-$version" "$work/top-$version" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
	pack "base-$version" --compress "${compress[version]}"
	pack "top-$version" --compress "${compress[version]}"
	make_stack test "$version" --upper volatile -- "$work/base-$version.layer" "$work/top-$version.layer"
	cp -a "$work/base-$version" "$work/root-$version"
	cp -a "$work/top-$version/etc/top" "$work/root-$version/etc/top"
	roots[version]=$(cd "$work/root-$version" && root_digest)
done
make_initramfs "$work/good"
make_image "$work/good"
start=$(partition_field "$work/good/disk" plyboot-layers start)

# booted: the version that the console's report has, and the root's digest
booted() {
	tr -d '\r' <"$work/console" |
		sed -n 's/^root \([0-9a-f]*\)$/\1/; t keep; s/^  "version": \([0-9]*\),$/\1/; t print; d; :keep; h; d; :print; G; s/\n/ /p'
}

# judge EXPECTED STATUS: whether that may come of it, said in $outcome
judge() {
	local version
	if [ "$2" -eq 120 ]; then
		outcome="no verdict, and no end of /init's"
		grep -q '^plyboot: ERROR this system does not boot: ' "$work/console" || return 1
		outcome="no stack boots"
		[ "$1" = 0 ] || [ "$1" = any ]
		return
	fi
	outcome="status $2"
	[ "$2" -eq 0 ] || return 1
	for version in 1 2 3; do
		[ "$(booted)" = "$version ${roots[version]}" ] || continue
		outcome="version $version boots"
		[ "$1" = "$version" ] || [ "$1" = any ]
		return
	done
	outcome="what boots is no root that was signed: $(booted)"
	return 1
}

failures=0
for ((seed = first; seed < first + wanted; seed++)); do
	time_is_left || break
	twin "$work/good"
	damage=$(python3 "$top/tests/boot/damage.py" "$work/twin/disk" "$start" "$seed")
	status=0
	boot "$work/twin" "$work/console" || status=$?
	if judge "${damage%%	*}" "$status"; then
		pass "seed $seed: ${damage#*	}: $outcome"
	else
		failures=$((failures + 1))
		fail "seed $seed: ${damage#*	}: $outcome; expected: ${damage%%	*}" "$work/console"
	fi
done
twin "$work/good"
boots "undamaged, it boots" "$work/twin"
check "  the newest" [ "$(booted)" = "3 ${roots[3]}" ]
echo "# P4: $((seed - first)) boots, $failures failures"
finish
