#!/bin/bash
# A confirmed stack that stops coming up because of what is in its upper: how many boots until it is back, with what on
# the console; how the old upper comes back; and a device that nobody confirms any more, whose upper is not to blame.
# Longer histories: tests/unit/init/test_aside.c.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

payload "$work/root"
mkdir -p "$work/root/usr/bin" "$work/root/var"
cp "$plyboot" "$work/root/usr/bin/"
echo good >"$work/root/etc/health"
cat >"$work/root/hook" <<'EOS'
$bb mkdir -p /bin && $bb --install -s /tmp; export PATH=/tmp:/usr/bin
step=$(sed -n 's/.*test\.step=\([^ ]*\).*/\1/p' /proc/cmdline)
upper=/run/plyboot/state/plyboot/test
echo "letter: $(cat /var/letter 2>/dev/null)"
if ! grep -q good /etc/health; then # as it would be with an /etc that nothing can be done with
	echo "it does not come up"
	[ $step != hang ] || while :; do :; done
	reboot -f
fi
case $step in
write) echo "$(cat /var/letter 2>/dev/null)A" >/var/letter ;;
fresh) echo B >/var/letter ;;
mend) echo good >$upper/archive/1/upper/etc/health && plyboot gc --device --uppers --dry-run && plyboot upper restore 1 ;;
repair) echo good >$upper/archive/1/upper/etc/health ;;
esac
[ $step = silent ] || [ $step = repair ] || plyboot confirm
[ $step != break ] || echo bad >/etc/health
plyboot upper list | sed 's/^/list: /'
plyboot status | sed -n 's/^\(set aside\|archive\|confirm\|asked for\)  */&/p'
EOS
pack root
make_stack test 1 -- "$work/root.layer"
make_initramfs "$work/five"
make_image "$work/five"
make_initramfs "$work/two" --set 'upper-tries 2' --set 'watchdog 4'

runs() { # NAME DEVICE STEP LETTERS
	APPEND=test.step=$3 boots "$1" "$work/$2"
	check "  its upper" grep -q "^letter: $4.\?$" "$work/console"
}
fails() { # NAME DEVICE
	local status=0
	APPEND=test.step=look boot "$work/$2" "$work/console" || status=$?
	check "$1" [ "$status" -eq 120 ]
	check "  it does not come up" grep -q '^it does not come up' "$work/console"
}
tells() { # NAME LINE (a basic regular expression)
	check "  $1" grep -q "^$2.\?$" "$work/console"
}
# --- /etc is broken

runs "a device" five write ''
runs "is confirmed at two boots in a row, and then breaks its /etc" five break A
cp --sparse=always "$work/five/disk" "$work/two/disk"
for boot in 1 2 3 4 5; do fails "boot $boot of those that follow" five; done
APPEND='test.step=fresh quiet' boots "the sixth comes up" "$work/five"
says "  and says why, even with quiet" "WARNING: THE UPPER IS SET ASIDE: 5 boots of test 1 without a confirm; it is number 1 of the archive, and\
 a fresh one in its place: plyboot upper restore 1 brings it back"
reports "  as boot.json does" 'r["upper"]["aside"] == {"archive": 1, "why": "unconfirmed"} and any("ASIDE" in w for w in r["warnings"])'
reports "  with an upper that is kept" 'r["upper"]["dirs"] == ["/run/plyboot/state/plyboot/test/upper"]'
tells "with a fresh upper" 'letter: '
tells "the verb lists it" 'list: 1  test 1, archived 20.* UTC, [0-9]* files, [0-9]* bytes; set aside after 5 boots without a confirm'
tells "status names it" 'set aside      archived upper 1: plyboot upper restore 1 brings it back'
runs "it was confirmed: the next boot" five mend B
says "  leaves the old one in the archive" "number 1 of the archive is not set aside any more, but stays there"
reports "  and has nothing set aside" 'r["upper"]["aside"] is None and r["warnings"] == []'
tells "gc would remove it, if it was told to" 'archived upper 1 would be removed'
tells "it is mended, and asked for" 'number 1 is the upper from the next boot on; .*'
tells "status says so" 'asked for      archived upper 1, from the next boot on'
runs "the old upper is brought back" five look A
says "  as was asked" "number 1 of the archive is the upper, as was asked"
tells "and the one that was in its place archived" 'list: 2  test 1, .*; another one was asked for: .*'

# --- other hands, and other reasons: init.conf says 2, the watchdog resets the machine, and the fresh upper is no help

status=0
APPEND=test.step=hang FORESEEN='.' boot "$work/two" "$work/console" || status=$?
check "it hangs: the watchdog" [ "$status" -eq 121 ]
fails "it fails in another way" two
runs "with upper-tries 2 that was it" two silent ''
says "  said loudly" "WARNING: THE UPPER IS SET ASIDE: 2 boots of test 1"
runs "nobody confirms it" two repair ''
says "  which is said at each boot" "warning: an upper is set aside as number 1 of the archive: plyboot upper restore 1 brings it back"
tells "status counts" 'confirm        none for 4 boots: an upper is set aside after 2'
runs "so the old one is back" two look A
says "  said loudly" "WARNING: AN UPPER THAT WAS SET ASIDE IS BACK: 4 boots of test 1 without a confirm, and another one did not help; that is\
 number 2 of the archive"
tells "the fresh one is archived" 'list: 2  test 1, .*; set aside after 4 boots without a confirm'
tells "and it is confirmed" 'test 1 is confirmed.*'
finish
