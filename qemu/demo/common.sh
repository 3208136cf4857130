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

# One line for each source of bookworm that apt here has. Without any (another release's apt)
# mmdebstrap takes Debian's own.
bookworm_sources() {
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ ! -e "$keyring" ] && option='' || option="[signed-by=$keyring] "
    # shellcheck disable=SC2016 # apt's own $()
    apt-get indextargets --format '$(CODENAME) $(SITE) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' |
        sed -n "s,^bookworm[a-z-]* \(.* main\)\$,deb $option\1,p" | sort -u
}

# mmdebstrap does not read this machine's apt.conf, but a proxy there has its reason.
apt_proxies() {
    apt-config dump | grep '^Acquire::https\?::Proxy' || true
}
