# shellcheck shell=bash disable=SC2034,SC2154 # for those that source this; lib.sh's
# Sourced after lib.sh by the tests of `plyboot run`, and by those that look at a root with it.

# own_cache: roots that a test runs are kept in $work from here on, and not among its user's. Kernels are the user's, and so is what
# was found out of /dev/kvm, which takes three seconds.
users_cache=${PLYBOOT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/plyboot}
own_cache() {
	mkdir -p "$users_cache/kernels" "$work/cache/plyboot"
	ln -s "$users_cache/kernels" "$users_cache/kvm" "$work/cache/plyboot/"
	unset PLYBOOT_CACHE
	export XDG_CACHE_HOME=$work/cache
}

# make: builds with what is in the user's, which it would build anew elsewhere
make() {
	PLYBOOT_CACHE=$users_cache command make -s --no-print-directory -C "$top" "$@"
}

# run [OPTION...] -- COMMAND...: `plyboot run` on the kernel of the tests, with ${run_options[@]}
run_options=()
run() {
	find_kernel
	PLYBOOT_KERNEL=$guest_kernel timeout $((${LIMIT:-90} + 60)) \
		"$plyboot" run --memory "${MEMORY:-256}" --time-limit "${LIMIT:-90}" "${run_options[@]}" "$@"
}

# run_scanned [OPTION...] -- COMMAND...: the same without input; its output in $work/out, its errors in $work/err, its console in
# $work/console, which is scanned as that of any boot
run_scanned() {
	local status=0
	rm -f "$work/console"
	run --log "$work/console" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
	[ ! -e "$work/console" ] || scan "$work/console" || true # else there was no boot
	return "$status"
}

# run_ends NAME STATUS OUTPUT [OPTION...] -- COMMAND...: so, with this on standard output (a last newline aside)
run_ends() {
	local name=$1 wanted=$2 output=$3 status=0
	shift 3
	run_scanned "$@" || status=$?
	if [ "$status" -eq "$wanted" ] && [ "$(cat "$work/out")" = "$output" ]; then
		pass "$name"
	else
		{ echo "status $status, not $wanted; output:"; head -c 2000 "$work/out"; cat "$work/err"; } >"$work/ends"
		fail "$name" "$work/ends"
	fi
}

# run_says NAME PATTERN: the last run did (an extended regular expression), on standard error
run_says() {
	check "$1" grep -Eq "$2" "$work/err"
}

run_silent() {
	check "$1" test ! -s "$work/err"
}

# runs NAME [OPTION...] -- COMMAND...: it ends with 0
runs() {
	local name=$1
	shift
	if run_scanned "$@"; then
		pass "$name"
	else
		cat "$work/out" "$work/err" >"$work/ends"
		fail "$name" "$work/ends"
	fi
}

# run_reports NAME EXPRESSION: as `reports`, of a command that has said show_report
show_report='echo boot.json:; /bin/busybox cat /run/plyboot/boot.json; echo boot.json.'
run_reports() {
	check "$1" holds "$2" "$work/out"
}
