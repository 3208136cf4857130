#!/bin/bash
# What `make install` and `make deb` make: the files, their modes, the same bytes twice; and the package on a Debian in which there
# is nothing of ours: installed, used, removed.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"

make() { command make -s --no-print-directory -C "$top" "$@"; }
ok "what is installed is built" make installable

# --- make install: into a DESTDIR, by an ordinary user with a strict umask

mkdir "$work/tree" && chmod 755 "$work/tree"
(cd "$top" && cp --parents compose/installed compose/version.h "$work/tree" &&
	compose/installed list '' /usr | while read -r _ source _; do cp --parents "$source" "$work/tree"; done)
chmod -R a+rX "$work/tree"
chmod 1777 "$work/dir"
as_user() { as_nobody sh -c 'umask 077; exec "$@"' sh "$work/tree/compose/installed" "$@"; }
ok "installed by an ordinary user" as_user install "$PWD/dest dir" /opt/ply
listing() { find "$1" -type f -printf '%m /%P\n' | LC_ALL=C sort -k 2; }
is "every file is there, with its mode, and no other" "$(listing "dest dir")" \
	"$("$top/compose/installed" list '' /opt/ply | awk '{ print $1, $3 }' | LC_ALL=C sort -k 2)"
is "every directory is everybody's to read" "$(find "dest dir" -mindepth 1 -type d ! -perm 755)" ""
is "the installed command runs" "$("dest dir/opt/ply/bin/plyboot" --version)" "$("$plyboot" --version)"
for verb in $("$plyboot" help | sed -n 's/^  \([a-z]\{2,\}\) .*/\1/p' | grep -v '^plyboot$'); do
	ok "... with a page for $verb" test -s "dest dir/opt/ply/share/man/man1/plyboot-$verb.1"
done
for page in "dest dir"/opt/ply/share/man/man[58]/*; do
	is "${page##*/}: mandoc has nothing to say" "$(mandoc -T lint -W warning "$page" 2>&1)" ""
	is "... nor groff" "$(MANWIDTH=80 man --warnings -E UTF-8 -l "$page" 2>&1 >/dev/null)" ""
	is "... whose locale is C" "$(LC_ALL=C MANWIDTH=80 man --warnings -l "$page" 2>&1 >/dev/null)" ""
	is "... whatis finds it" "$(lexgrog "$page" | sed 's/.*: "\(.*\) - .*/\1/')" "$(basename "${page%.[58]}")"
done
# What the code knows, the pages say: settings of init.conf, words of the command line, keys of a stack.
page_has() { # NAME PAGE WORD
	has "$1 has $3" <(MANWIDTH=80 man -E UTF-8 -l "dest dir/opt/ply/share/man/man$2/$1.$2" | col -bx) "(^|[[:space:]])$3"
}
settings=$(sed -n '/^const struct initconf_key initconf_keys\[\] = {/,/^};/s/^\t{"\([a-z-]*\)",.*/\1/p' "$top/layers/initconf_keys.c")
keys=$(sed -n 's/.*\.key = "\([a-z-]*\)".*/\1/p' "$top"/layers/stack_fields.c "$top"/layers/stack_persist.c)
ok "the code has settings and keys" test "$(wc -w <<<"$settings")" -gt 20 -a "$(wc -w <<<"$keys")" -gt 15
for key in $settings; do
	page_has plyboot-init.conf 5 "$key"
done
for key in $keys; do
	page_has plyboot.stack 5 "\\[?$key\\]?"
done
touch "dest dir/opt/ply/share/doc/other"
ok "uninstalled" as_user uninstall "$PWD/dest dir" /opt/ply
is "... and nothing of ours is left" "$(find "dest dir" -type f -o -name plyboot)" "dest dir/opt/ply/share/doc/other"
as_user install "$PWD/x" relative >"$work/out" 2>"$work/err"
is "a PREFIX that is not absolute: status" $? 2
for part in musl zlib bearssl libzstd libarchive jansson; do
	has "NOTICES has $part" "$top/build/NOTICES" "^$part [0-9]"
done

# --- the package

mkdir one two
ok "make deb" "$top/compose/debian/build" "$PWD/one"
deb=$(echo one/*.deb)
(umask 077 && TZ=Asia/Tokyo LC_ALL=C "$top/compose/debian/build" "$PWD/two" >/dev/null)
ok "the same bytes, at another time, in another zone, with another umask" cmp "$deb" "two/${deb##*/}"
ok "lintian looks at it" env TMPDIR="$work" lintian --allow-root --fail-on none --tag-display-limit 0 "$deb"
is "... and finds no error" "$(grep -h '^[EW]:' "$work/out" "$work/err")" ""

tree=$("$top/tests/boot/package-tree") || exit 1
mkdir root
cp -a "$tree/." root
inside() {
	# shellcheck disable=SC2016 # for the shell inside
	unshare --mount --pid --fork sh -c 'mount -t proc proc root/proc && exec chroot root env -i \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"' sh "$@"
}
mknod -m 666 root/dev/null c 1 3
ln -s /proc/self/fd root/dev/fd
state() { (cd root && find . -path ./var -prune -o -path ./tmp -prune -o \
	-type d -printf '%p %m %U\n' -o -printf '%p %m %U %s %l\n' | LC_ALL=C sort); }
state >"$work/before"
cp "$deb" root/tmp/plyboot.deb
ok "it installs with nothing else there" inside dpkg -i /tmp/plyboot.deb
is "dpkg finds all of it whole" "$(inside dpkg --verify plyboot)" ""
is "plyboot --version" "$(inside plyboot --version)" "$("$plyboot" --version)"
is "plyboot help" "$(inside plyboot help)" "$("$plyboot" help)"
inside env MANPAGER=cat MANWIDTH=80 man plyboot >page 2>"$work/err"
has "man plyboot" page '^PLYBOOT\(1\)'
inside env MANPAGER=cat MANWIDTH=80 man 5 plyboot-init.conf >page 2>"$work/err"
has "man plyboot-init.conf" page '^PLYBOOT-INIT.CONF\(5\)'
has "whatis plyboot-pack" <(inside mandb -q; inside whatis plyboot-pack) '^plyboot-pack \(1\) +- make a layer'
# shellcheck disable=SC2016 # for the bash inside
is "its bash completes" "$(inside bash -c '. /usr/share/bash-completion/completions/plyboot
	COMP_WORDS=(plyboot verif) COMP_CWORD=1; _plyboot; echo "${COMPREPLY[*]}"')" verify
inside dpkg -L plyboot | LC_ALL=C sort >listed
is "nothing lies below /usr/local" "$(grep /usr/local listed)" ""
has "dpkg -L has the unit" listed '/systemd/system/plyboot-confirm.service$'

# --- its unit: enabled by who wants it, known to Debian's deb-systemd-helper, and gone with a purge

wants=root/etc/systemd/system/multi-user.target.wants
link=$wants/plyboot-confirm.service
is "its unit is not enabled by itself" "$(find root/etc/systemd -name 'plyboot*')" ""
ok "it is removed while the unit is not enabled" inside dpkg --purge plyboot
state >"$work/after"
is "... and leaves nothing" "$(diff "$work/before" "$work/after")" ""

enable() { mkdir -p "$wants" && ln -s /lib/systemd/system/plyboot-confirm.service "$link"; } # as systemctl enable does
install_it() { inside dpkg -i "/tmp/$1.deb"; }
ok "installed again" install_it plyboot
enable
ok "removed, with its unit enabled" inside dpkg --remove plyboot
ok "... which it stays for the next time" test -h "$link"
ok "installed once more" install_it plyboot
ok "... it is enabled" test -e "root$(readlink "$link")"
rm "$link"
ok "installed over itself, with its unit disabled" install_it plyboot
is "... which it stays" "$(find root/etc/systemd -name 'plyboot*')" ""

# A version whose unit another target wants: enabled, there too.
dpkg-deb -R "$deb" next
sed -i '/^WantedBy=/s/$/ rescue.target/' next/lib/systemd/system/plyboot-confirm.service
sed -i 's/^Version:.*/&+next/' next/DEBIAN/control
sed -i '/plyboot-confirm.service$/d' next/DEBIAN/md5sums
dpkg-deb --root-owner-group --build next root/tmp/next.deb >/dev/null
ok "updated, with its unit disabled" install_it next
is "... which it stays" "$(find root/etc/systemd -name 'plyboot*')" ""
ok "back again" install_it plyboot
enable
ok "updated, with its unit enabled" install_it next
ok "... and with what is new of it" test -h root/etc/systemd/system/rescue.target.wants/plyboot-confirm.service

# Where systemd runs it hears of that; what it is told is written down here.
mkdir -p root/run/systemd/system
printf '#!/bin/sh\necho "$@" >>/tmp/told\n' >root/usr/bin/systemctl
chmod 755 root/usr/bin/systemctl
ok "updated where systemd runs" install_it next
has "... which reads its units again" root/tmp/told 'daemon-reload$'
rm root/tmp/told
ok "removed where systemd runs" inside dpkg --remove plyboot
has "... which reads its units again" root/tmp/told 'daemon-reload$'
rm -r root/usr/bin/systemctl root/run/systemd
ok "purged, with its unit enabled" inside dpkg --purge plyboot
is "... no link of it dangles" "$(find root/etc/systemd -name 'plyboot*')" ""
is "... dpkg knows nothing of it" "$(inside dpkg-query -W plyboot 2>&1)" "dpkg-query: no packages found matching plyboot"
is "... nor does deb-systemd-helper" "$(find root/var/lib -name '*plyboot*')" ""
state >"$work/after"
is "... and nothing is left" "$(diff "$work/before" "$work/after")" ""
finish
