# shellcheck shell=bash
# Sourced by the tests of the host command: TAP, a directory of its own for each, and refusals that must be
# exact: the status, the word, and nothing created.
set -uo pipefail
export LC_ALL=C.UTF-8 TZ=UTC
unset SOURCE_DATE_EPOCH PLYBOOT_STORE
umask 022

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH # first: a pyenv's python3 takes a second to start
work=$(mktemp -d "${TMPDIR:-/tmp}/plyboot-cli.XXXXXX")
trap 'cd /; [ -n "${finished:-}" ] || echo "Bail out! $0 stopped"; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# A copy, so that an ordinary user can run it wherever the tree is.
cp "$(realpath "${PLYBOOT:-$top/build/plyboot}")" "$work/plyboot"
# shellcheck disable=SC2034 # by those that source this
plyboot=$work/plyboot
mkdir -m 1777 "$work/tmp" "$work/dir"
chmod 755 "$work"
export TMPDIR=$work/tmp # where nothing may stay behind: see finish
cd "$work/dir" || exit 1

count=0
failed=0

pass() {
	count=$((count + 1))
	echo "ok $count - $1"
}

fail() { # NAME [FILE...]
	count=$((count + 1))
	failed=$((failed + 1))
	echo "not ok $count - $1"
	shift
	[ $# -eq 0 ] || tail -n 30 "$@" | sed 's/^/# /'
}

# ok NAME COMMAND...: it must succeed
ok() {
	local name=$1
	shift
	if "$@" >"$work/out" 2>"$work/err"; then pass "$name"; else fail "$name ($?)" "$work/out" "$work/err"; fi
}

# is NAME GOT WANTED
is() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		printf 'got:    %s\nwanted: %s\n' "$2" "$3" >"$work/is"
		fail "$1" "$work/is"
	fi
}

# has NAME FILE PATTERN: a line of the file matches
has() {
	if grep -qE -- "$3" "$2"; then pass "$1"; else fail "$1: no line like: $3" "$2"; fi
}

# Not of directories' times: a file that came and went is none of the result.
snapshot() {
	find . -type d -printf '%p %y\n' -o -printf '%p %y %s %T@ %i\n' | sort
}

# refuses NAME STATUS CODE COMMAND...: exactly that status and word, and nothing created or changed
refuses() {
	local name=$1 wanted=$2 code=$3 before status
	shift 3
	before=$(snapshot)
	"$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
	if [ "$status" -ne "$wanted" ]; then
		fail "$name: status $status instead of $wanted" "$work/err"
	elif ! grep -qE "^plyboot( [a-z]+)?: $code: " "$work/err"; then
		fail "$name: no word $code" "$work/err"
	elif [ "$before" != "$(snapshot)" ]; then
		diff <(echo "$before") <(snapshot) >"$work/changed"
		fail "$name: something was created or changed" "$work/changed"
	else
		pass "$name"
	fi
}

# of LAYER KEY: a field of a .layer file
of() {
	sed -n "s/^$2 //p" "$1"
}

# blob LAYER [KEY]: the path of its blob in ./store
blob() {
	local digest
	digest=$(of "$1" "${2:-layer}")
	echo "store/blobs/sha256/${digest#sha256:}"
}

# plain LAYER: its tar
plain() {
	case $(of "$1" media-type) in
	*+zstd) zstd -dcq "$(blob "$1")" ;;
	*+gzip) gzip -dc <"$(blob "$1")" ;;
	*) cat "$(blob "$1")" ;;
	esac
}

# flip FILE OFFSET: spoil the byte there, whatever it is
flip() {
	python3 "$here/flip.py" "$@"
}

as_nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/ "$@"
}

finish() {
	is "no temporary file stays behind" "$(find "$TMPDIR" -mindepth 1 | head -n 3)" ""
	finished=yes
	echo "1..$count"
	[ "$failed" -eq 0 ]
}
