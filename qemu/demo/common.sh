# shellcheck shell=sh
# Sourced by the scripts beside it.

cache=${PLYBOOT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/plyboot}
case $cache in /*) ;; *) cache=$PWD/$cache ;; esac
program=demo/${0##*/}
PATH=$PATH:/usr/sbin:/sbin # a plain user's PATH lacks where Debian keeps depmod

say() {
    echo "$program: $*" >&2
}

die() {
    say "$*"
    exit 1
}

# need PROGRAM PACKAGE
need() {
    command -v "$1" >/dev/null 2>&1 || die "$1 is missing: install Debian's package $2"
}

# quietly COMMAND...: its output is shown only if it fails. Needs $work, the script's own directory.
quietly() {
    # shellcheck disable=SC2154
    "$@" >"$work/log" 2>&1 </dev/null || {
        status=$?
        cat "$work/log" >&2
        return "$status"
    }
}

apt_update() {
    [ "$(id -u)" -eq 0 ] || die "apt's package lists are missing or old: run \`apt-get update\` as root"
    say "apt-get update"
    quietly apt-get update
}
