#!/bin/bash
# What a running system asks of its next boot: a reset, with what stays, and paths to be reverted. In a mount namespace
# of its own, with what /init leaves in /run/plyboot made by hand in run/.
# shellcheck disable=SC2016 # backquotes that are printed
if [ -z "${OWN_NAMESPACE:-}" ]; then
	OWN_NAMESPACE=yes exec unshare --mount --propagation private "$0"
fi
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
base=$work/base
mkdir "$base"
mount -t tmpfs -o mode=755 base "$base"
trap 'cd /; umount -l "$base/root" "$base" 2>/dev/null; [ -n "${finished:-}" ] || echo "Bail out! $0 stopped"; rm -rf "$work"' EXIT
zeros=$(printf '%064d' 0)
home=$base/run/state/plyboot/d

# report EXPRESSION: boot.json, of which Python changes r
report() {
	python3 - "$top/tests/data/reports/booted.json" "$base/run/boot.json" "$zeros" "$1" <<-'END'
		import json, sys
		r = json.load(open(sys.argv[1]))
		r.update(stack="d", version=1, text="sha256:" + sys.argv[3])
		r["layers"] = [{"id": "sha256:" + sys.argv[3]}]
		r["overlay"]["lowers"] = 2
		r["persist"] = [{"path": p, "kind": "persistent", "why": None, "seeded": False} for p in ("/var/lib/a", "/var/lib/b-b")]
		r["upper"] = {"kind": "persistent", "why": None, "trial": False,
			"dirs": [sys.argv[2].removesuffix("boot.json") + "state/plyboot/d/upper"]}
		r["policy"]["keep"] = []
		exec(sys.argv[4])
		json.dump(r, open(sys.argv[2], "w"))
	END
}
reset() {
	"$plyboot" reset --run "$base/run" "$@"
}
revert() {
	"$plyboot" revert --run "$base/run" "$@"
}
prints() {
	is "$1" "$(cat "$work/out")" "$(cat)"
}
# asks NAME: `asked` is what standard input has
asks() {
	is "$1" "$(cat "$home/asked")" "$(cat)"
}
asks_nothing() {
	ok "$1" test ! -e "$home/asked"
	is "... nothing beside it" "$(find "$home" -maxdepth 1 -name "*asked*")" ""
}
# refused NAME STATUS CODE COMMAND...: and what is asked for is what it was
refused() {
	local before name=$1
	before=$(cat "$home/asked" 2>&1)
	refuses "$@"
	is "... $name: asked for is what was" "$(cat "$home/asked" 2>&1)" "$before"
}

# --- a device

mkdir -p "$base/run/store/top-$zeros" "$base/run/store/$zeros/root"
(
	cd "$base/run/store/$zeros/root" || exit 1
	mkdir -p etc/conf srv opt/tree
	echo image | tee etc/one etc/conf/two srv/gone opt/tree/x etc/same >/dev/null
)
refuses "a system that plyboot did not boot" 3 MISSING reset
refuses "... revert" 3 MISSING revert /etc/one
report ''
refuses "one that keeps nothing" 3 MISSING reset
has "... is told so" "$work/err" 'nothing of d is kept on this device'
refuses "... nor is there anything to revert" 3 MISSING revert /etc/one
refuses "... or to cancel" 3 MISSING reset --cancel
mkdir -p "$home"/{upper,work,trials,archive/1/upper,paths/var-lib-a/.x} "$home/paths/var-lib-b%2db"
echo x | tee "$home/archive/1/upper/x" "$home/paths/var-lib-a/.x/y" "$home/paths/var-lib-b%2db/z" >/dev/null
mkdir "$base/root"
mount -t overlay -o "lowerdir=$base/run/store/top-$zeros:$base/run/store/$zeros/root,upperdir=$home/upper,workdir=$home/work,redirect_dir=nofollow,metacopy=off,index=off" o "$base/root"
(
	cd "$base/root" || exit 1
	echo mine | tee etc/one etc/machine-id etc/conf/new 'etc/a name' >/dev/null
	rm -r srv/gone opt/tree && mkdir -p opt/tree/sub opt/own/sub && echo mine | tee opt/tree/sub/x opt/own/x >/dev/null
	ln -s etc link && chown 0:0 etc/same
)

# --- a reset

ok "a reset" reset
asks "... is asked for" <<<"reset"
is "... by a file for nobody else" "$(stat -c %a "$home/asked")" 600
sed -i 's/ [0-9]* KiB$/ N KiB/' "$work/out"
prints "... and says what goes" <<'END'
the next boot resets d
goes   the upper: 17 names, N KiB
goes   archived uppers: 3 names, N KiB
goes   /var/lib/a, a persistent path: 2 names, N KiB
goes   /var/lib/b-b, a persistent path: 1 name, N KiB
END
report 'r["policy"]["keep"] = ["/etc/machine-id"]'
ok "a reset that keeps some" reset --keep /etc/conf/ --keep '//etc/./a name' --keep /srv/gone --keep /none --keep /link/one \
	--keep /var/lib/b-b/z --keep /opt/tree/x
asks "... takes the place of what was asked for" <<'END'
reset
keep /etc/a%20name
keep /etc/conf
keep /link/one
keep /none
keep /opt/tree/x
keep /srv/gone
keep /var/lib/b-b/z
END
sed -i 's/ [0-9]* KiB$/ N KiB/' "$work/out"
prints "... and says what stays, with what init.conf keeps" <<'END'
the next boot resets d
goes   the upper: 17 names, N KiB
goes   archived uppers: 3 names, N KiB
goes   /var/lib/a, a persistent path: 2 names, N KiB
stays  /var/lib/b-b, a persistent path: 1 name, N KiB
stays  /etc/a name
stays  /etc/conf: 1 name in it
stays  /etc/machine-id
stays  /link/one: the upper has nothing there
stays  /none: the upper has nothing there
stays  /opt/tree/x: the upper has nothing there
stays  /srv/gone
stays  /var/lib/b-b/z: the upper has nothing there
END
refused "a path that is not absolute" 1 PATH reset --keep etc
refused "... that is empty" 1 PATH reset --keep ''
refused "... the root" 1 PATH reset --keep /
refused "... the root by another name" 1 PATH reset --keep /./
refused "... with a .." 1 PATH reset --keep /etc/../srv
refused "... that is too long" 1 PATH reset --keep "/$(printf '%0200d/' 1 2 3 4 5 6)"
mapfile -t many < <(seq -f '--keep=/%02g' 65)
refused "65 paths" 1 LIMIT reset "${many[@]}"
ok "64 paths" reset "${many[@]:1}"
refused "a keep of what is cancelled" 2 USAGE reset --cancel --keep /etc
refused "a revert, where all is reset" 2 USAGE revert /etc/one
has "... says so" "$work/err" 'the next boot resets all, which was asked for before'
refused "... as its cancelling" 2 USAGE revert --cancel
ok "a reset is cancelled" reset --cancel
asks_nothing "... and not asked for any more"
refused "... again" 3 MISSING reset --cancel
refused "who may not" 3 IO as_nobody "$plyboot" reset --run "$base/run"

# --- a trial

report 'r["upper"]["trial"] = True; r["upper"]["dirs"] = [r["upper"]["dirs"][0].replace("upper", "trials/x/upper")] + r["upper"]["dirs"]'
ok "a reset on trial" reset --keep /etc/one
has "... is told what does not stay" "$work/err" 'warning: this system is on trial: of what it wrote itself nothing stays unless'
ok "... and is cancelled" reset --cancel
refused "a revert on trial" 2 USAGE revert /etc/one
has "... is told what to do" "$work/err" '^  `plyboot confirm`, and once it has booted again, revert'
report 'r["upper"].update(kind="volatile", dirs=[])'
refused "a revert of a volatile upper" 3 MISSING revert /etc/one
ok "... where a reset can be asked for" reset
ok "... and be cancelled" reset --cancel
report ''

# --- reverted

ok "paths to be reverted" revert /etc/one/ /srv/gone
prints "... each with what differs" <<'END'
/etc/one: 1 difference, reverted by the next boot
/srv/gone: 1 difference, reverted by the next boot
END
ok "... and more of them" revert /opt/own /opt/tree '/etc/a name'
prints "... all that is below one" <<'END'
/opt/own: 3 differences, reverted by the next boot
/opt/tree: 3 differences, reverted by the next boot
/etc/a name: 1 difference, reverted by the next boot
END
asks "... are asked for together" <<'END'
revert /etc/a%20name
revert /etc/one
revert /opt/own
revert /opt/tree
revert /srv/gone
END
refused "what does not differ" 3 MISSING revert /etc/same
has "... is told where to look" "$work/err" '^  `plyboot diff --live` lists what does'
refused "... what is not there" 3 MISSING revert /no/such/thing
refused "... one of several" 3 MISSING revert /etc/conf /no
refused "below what was removed" 2 USAGE revert /srv/gone/x
has "... is told of it" "$work/err" '`/srv/gone` was removed as a whole'
refused "below what was made anew" 2 USAGE revert /opt/tree/sub/x
has "... is told of it" "$work/err" '`/opt/tree` was made on this device, and hides all that the image has there'
has "... and what to do" "$work/err" '^  revert `/opt/tree`, or mend `/opt/tree/sub/x` by hand'
refused "below what the image has not" 2 USAGE revert /opt/own/x
refused "in a persistent path" 2 USAGE revert /var/lib/a/.x
has "... is told of it" "$work/err" '`/var/lib/a` is a persistent path, and no part of the upper'
refused "the root" 1 PATH revert /
refused "a path that is not absolute" 1 PATH revert etc/one
refused "no path" 2 USAGE revert
ok "one is taken back" revert --cancel /etc/one
ok "... two more" revert --cancel /opt/own /opt/tree
refused "... one that was not asked for" 3 MISSING revert --cancel /etc/one
asks "... and the rest stays" <<'END'
revert /etc/a%20name
revert /srv/gone
END
ok "... the last ones" revert --cancel /srv/gone '/etc/a name'
asks_nothing "... and nothing is asked for"
refused "... again" 3 MISSING revert --cancel
ok "one more" revert /etc/one
ok "... all are taken back" revert --cancel
asks_nothing "... and nothing is asked for"
ok "a reset takes the place of reverts" eval 'revert /etc/one && reset'
asks "... whole" <<<reset

# --- something else in its place

for bad in 'echo nonsense >asked' ': >asked' 'echo reset x >asked' 'printf "revert /a" >asked'; do
	(cd "$home" && rm -rf asked && eval "$bad")
	refused "revert over: $bad" 1 FORMAT revert /etc/one
	has "... is told what to do" "$work/err" '^  `plyboot reset --cancel` takes it back, whatever it is'
done
rm "$home/asked" && mkfifo "$home/asked"
refuses "... over a pipe" 1 FORMAT revert /etc/one
refuses "... nor does a reset replace it" 2 USAGE reset
ok "... but it is taken away" reset --cancel
asks_nothing "... for good"
ln -sf /etc/passwd "$home/asked"
refuses "... over a link" 3 IO revert /etc/one
ok "... which is taken away" reset --cancel
ok "... and nothing else is" test -s /etc/passwd
mv "$home" "$home.real" && ln -s d.real "$home"
refuses "a link instead of the whole" 3 IO reset
rm "$home" && mv "$home.real" "$home"
umount "$base/root"

# --- no room

mount -t tmpfs -o size=16k,nr_inodes=8 full "$home"
mkdir "$home/upper"
head -c 16k /dev/zero >"$home/upper/fill" 2>/dev/null
refuses "no room for what is asked" 3 NOSPACE reset --keep /etc
is "... which leaves nothing" "$(find "$home" -mindepth 1 -maxdepth 1 ! -name upper)" ""
umount "$home"
finish
