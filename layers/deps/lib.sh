# shellcheck shell=bash
# Sourced by the scripts beside it, which say who they are: $program.
export LC_ALL=C TZ=UTC
umask 022

# shellcheck disable=SC2154
say() { echo "$program: $*" >&2; }
die() {
    say "$*"
    exit 1
}

cache=${PLYBOOT_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/plyboot}
case $cache in
/*) ;;
*) die "the cache's path must be absolute: $cache" ;;
esac
case $cache in
# Neither gcc's specs nor libtool can quote these.
*[!A-Za-z0-9/._+@~,-]*) die "characters in the cache's path that compilers can't take: $cache" ;;
esac
# shellcheck disable=SC2034 # by those that source this
deps=$cache/deps

# The rows of a list like `sources`: package, version, file, SHA-256.
pin_rows() { sed 's/#.*//; /^[[:space:]]*$/d' "$1"; }

digest_of() { sha256sum <"$1" | cut -d ' ' -f 1; }
