#!/bin/bash
# Unit tests that depend on the kernel, in guests by `plyboot run --cases`: on both of our kernels, whatever the one of this
# machine is. What sets user.* attributes on a tmpfs is for 6.12, since 6.1 has none there.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=running.sh
. "$top/tests/boot/running.sh"
own_cache

root=$work/root
mkdir -p "$root/bin" "$root/etc" "$root/dev" "$root/proc" "$root/sys" "$root/run" "$root/tmp"
cp /bin/busybox "$root/bin/busybox"
for name in sh rm mkdir true cat grep; do
	ln -s busybox "$root/bin/$name"
done

# One that skips something is no success.
cat >"$root/unit-run" <<'EOF'
for test in "$@"; do
	/unit/$test >/tmp/said 2>&1 && ! grep "# SKIP" /tmp/said && continue
	cat /tmp/said
	exit 1
done
EOF

quick=(layers/test_owners layers/test_paths layers/test_signals layers/test_source_dir layers/test_jailed
	init/test_overlay_check init/test_spare init/test_store_mount init/test_trials init/test_devices down/test_mountinfo
	entry/test_entry)

# case_of NAME TEST...: all in one guest, as files of its tmpfs below the overlay
case_of() {
	local name=$1
	shift
	printf "case %s\n\tdirectory /tmp\n\trun sh /unit-run %s\n" "$name" "$*"
}

# units KERNEL TEST...: the quick ones together, each of these alone
units() {
	local kernel=$1 test status=0 said
	shift
	case_of "many" "${quick[@]}" >"$work/cases"
	for test in "$@"; do
		case_of "$test" "$test" >>"$work/cases"
	done
	on_kernel "$kernel"
	find_kernel
	"$plyboot" run --kernel "$guest_image" --root "$root" --root-owned --share "$top/build/unit:/unit" --memory 512 \
		--time-limit 240 --cases "$work/cases" --jobs 2 >"$work/said" 2>"$work/errors" || status=$?
	cat "$work/errors" >>"$work/said"
	if [ "$status" -eq 0 ]; then pass "unit tests on $kernel"; else fail "unit tests on $kernel: status $status" "$work/said"; fi
	said=$(grep -c '^ok ' "$work/said") || true
	check "  all $(($# + 1)) cases" test "$said" -eq $(($# + 1))
}

units own-6.1 layers/test_catalogue_paths layers/test_crew layers/test_parallel layers/test_unpack_implied \
	layers/test_unpack_names init/test_aside
units own-6.12 layers/test_catalogue_xattrs layers/test_store layers/test_unpack layers/test_unpack_xattrs

# A test that fails is seen to.
printf '#!/bin/sh\necho not ok 1\nexit 1\n' >"$work/fails"
chmod 755 "$work/fails"
status=0
"$plyboot" run --kernel "$guest_image" --root "$root" --root-owned --share "$work:/unit" -- /unit/fails \
	>"$work/said" 2>&1 || status=$?
check "a test that fails" test "$status" -eq 1
check "  says so" grep -qx 'not ok 1' "$work/said"

finish
