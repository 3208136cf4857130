#!/bin/bash
# A stack comes into another store: from a directory, a tar, or the store that `pull` fills. Only what is missing is
# written, nothing is there by halves, and what was there stays.
# PLYBOOT_COUNT: how often it is ended by each of three signals at a random moment (3).
# shellcheck disable=SC2016 # for another shell to expand
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
kills=${PLYBOOT_COUNT:-3}

# layer NAME KIB: of noise, that nothing compresses
layer() {
	mkdir -p "t/$1"
	head -c "$2"K /dev/urandom >"t/$1/$1"
	"$plyboot" pack --compress none --root-owned -o "$1.layer" "t/$1" >/dev/null
}
# stack NAME VERSION OPTION... LAYER...: signed
stack() {
	local name=$1 version=$2
	shift 2
	"$plyboot" stack --force --name "$name" --version "$version" --created 2026-11-23T15:06:12Z "$@" >/dev/null &&
		"$plyboot" sign --key "${key:-k.key}" "store/stacks/$name-$version.stack" >/dev/null
}
install() {
	"$plyboot" install --to dev --pub k.pub "$@"
}
dev_state() {
	(cd "$1" && find . -type f -exec sha256sum {} + | sort)
}
is_whole() {
	"$plyboot" verify --store dev --pub k.pub "$@"
}

"$plyboot" keygen -o k >/dev/null
"$plyboot" keygen -o k2 >/dev/null
layer base 900
layer one 10
layer two 20
stack d 1 base.layer one.layer
stack d 2 base.layer two.layer
stack other 7 one.layer
blobs_of() { # VERSION: bytes of its layers and tables, and how many
	local layer
	for layer in base.layer "$1.layer"; do
		stat -c %s "$(blob "$layer")" "$(blob "$layer" pieces)"
	done | awk '{ sum += $1 } END { print sum " bytes in " NR " blobs" }'
}

# --- from the store that pull fills
refuses "a path of a stack file is none" 1 TAR install store/stacks/d-1.stack
refuses "no such stack" 3 MISSING install d-9
refuses "nor such a store" 3 MISSING install --store nowhere d-1
refuses "no key" 2 USAGE "$plyboot" install --to dev d-1
ok "a dry run" install --dry-run d-1
has "... says what would be written" "$work/out" "^to write: $(blobs_of one)\$"
has "... and the room" "$work/out" '^room: [0-9]+ bytes needed, [0-9]+ free'
ok "... and writes nothing" test ! -e dev
ok "install NAME-VERSION of the store" install d-1
has "... says what it wrote" "$work/out" "^written: $(blobs_of one)\$"
has "... and what was there" "$work/out" '^there already: 0 bytes in 0 blobs$'
has "... and what boots next" "$work/out" '^next boot: d version 1$'
ok "... it verifies" is_whole d-1
ok "... the stack file is the same" cmp store/stacks/d-1.stack dev/stacks/d-1.stack
is "... there is nothing else" "$(find dev -type f | wc -l)" 7
does_nothing() { # NAME COMMAND...: it succeeds, and says that there is nothing to do, and changes nothing
	local before name=$1
	shift
	before=$(snapshot)
	ok "$name" "$@"
	has "... there is nothing to do" "$work/out" '^nothing to do: .* is there, whole$'
	is "... and nothing is done" "$(snapshot)" "$before"
}
does_nothing "once more" install d-1
ok "the next version" install d-2
has "... brings what is new" "$work/out" "^written: $(($(stat -c %s "$(blob two.layer)") + $(stat -c %s "$(blob two.layer pieces)"))) bytes in 2 blobs\$"
has "... and that is what boots next" "$work/out" '^next boot: d version 2$'
ok "an older one again" install --force d-1
has "... is nothing to do" "$work/out" '^nothing to do'
ok "... both verify" is_whole

# --- from a directory, and from tars
"$plyboot" export --with-stack d-2 d-2.tar >/dev/null
"$plyboot" export --with-stack d-2 usb >/dev/null
tar -C store -cf all.tar .
tar -C usb --format=posix -cf usb.tar .
tar -C usb -cf bare.tar oci-layout blobs stacks
wanted=$(cd dev && rm -f stacks/d-1.stack && "$plyboot" gc --store . --grace 0 >/dev/null && dev_state .)
for source in usb usb/ d-2.tar ./d-2.tar usb.tar "$PWD/bare.tar"; do
	case $source in usb) source=./usb ;; esac
	rm -rf dev
	ok "from $source" install "$source"
	is "... is the same store" "$(cd dev && dev_state .)" "$wanted"
done
ok "the export is an image, too" skopeo inspect oci-archive:d-2.tar:d-2
ok "... the same in a directory" skopeo inspect oci:usb:d-2
"$plyboot" export --with-stack d-2 again.tar >/dev/null
ok "... the same bytes again" cmp d-2.tar again.tar
ok "export of a second stack into the directory" "$plyboot" export --with-stack d-1 usb
rm -r dev
ok "... the newest version is the one" install ./usb
is "... alone" "$(ls dev/stacks)" d-2.stack
refuses "of two names none is the one" 2 USAGE install all.tar
has "... it lists them" "$work/err" 'USAGE: `all.tar` has stacks of several names:( (d-1|d-2|other-7)){3}$'
has "... and says how" "$work/err" 'plyboot install --store all.tar NAME-VERSION'
ok "... that way" install --store all.tar other-7
has "... of what is there already nothing" "$work/out" "^there already: 0 bytes"
ok "from a tar, what was there is not written" install --store all.tar d-1
has "... but what is missing" "$work/out" "^there already: [0-9]+ bytes in 4 blobs\$"
refuses "to where it comes from" 2 USAGE "$plyboot" install --to usb --pub k.pub ./usb
refuses "a directory that is no store" 1 FORMAT install ./t
mkdir something && touch something/file
refuses "to one that is something else" 1 FORMAT "$plyboot" install --to something --pub k.pub d-2.tar
"$plyboot" stack --force --name d --version 2 one.layer >/dev/null
cp store/stacks/d-2.stack unsigned
refuses "export into a directory with a signed one that says otherwise" 2 USAGE "$plyboot" export --with-stack d-2 usb
stack d 2 base.layer two.layer
rm -r something

# --- what /init would refuse
refuses "a key that did not sign" 1 KEY "$plyboot" install --to new --pub k2.pub d-2
refuses "two signatures where there is one" 1 SIGNATURE \
	"$plyboot" install --to new --pub k.pub --pub k2.pub --signatures 2 d-2
"$plyboot" stack --name plain --version 1 one.layer >/dev/null
refuses "an unsigned one" 1 SIGNATURE install plain-1
cp store/stacks/d-2.stack store/stacks/d-3.stack
refuses "in a file of another name" 1 FORMAT install d-3
sed 's/^version 2/version 3/' store/stacks/d-2.stack >store/stacks/d-3.stack
refuses "a text that was not signed" 1 SIGNATURE install d-3
rm store/stacks/d-3.stack store/stacks/plain-1.stack

# --- for the system that runs, by what its /init left
# booted FLOOR REVOKED: run/, of a machine that trusts k and has booted d-1
booted() {
	mkdir -p run/keys
	python3 - "$top/tests/data/reports/booted.json" "$1" "$2" <<-'END'
		import json, sys
		r = json.load(open(sys.argv[1]))
		r.update(stack="d", version=1, floor=0, record="none")
		r["devices"] = {"layers": None, "record": None, "state": None}
		r["policy"] = {"name": None, "floor": int(sys.argv[2]), "signatures": 1, "tries": 3,
		               "revoked": [sys.argv[3]] if sys.argv[3] else []}
		json.dump(r, open("run/boot.json", "w"))
	END
	key_id=$(openssl pkey -pubin -in k.pub -outform DER | tee run/keys/key.der | sha256sum | cut -d' ' -f1)
	mv run/keys/key.der "run/keys/$key_id.der"
}
here_install() {
	"$plyboot" install --to here --run run "$@"
}
booted 0 ''
ok "with the keys of the running system" here_install d-2
has "... says what boots next" "$work/out" '^next boot: d version 2, not confirmed$'
key=k2.key stack d 3 one.layer
refuses "a key that it doesn't trust" 1 KEY here_install d-3
ok "... unless that one is given" here_install --pub k2.pub d-3
rm here/stacks/d-3.stack
refuses "a stack of another name: it would take none then" 1 TARGET here_install other-7
stack d 3 --arch riscv64 one.layer
refuses "for another architecture" 1 TARGET here_install d-3
ok "... is for another machine" "$plyboot" install --to there --pub k.pub d-3
has "... of which the newest boots next" "$work/out" '^next boot: d version 3$'
stack d 3 --kernel 1.2.3 one.layer
refuses "for another kernel" 1 TARGET here_install d-3
booted 3 ''
refuses "below the floor" 1 ROLLBACK here_install d-2
has "... which says both numbers" "$work/err" 'version 2 is below the floor 3'
booted 2 ''
ok "at the floor" here_install d-2
sed -i 's/^architecture x86_64/architecture x86_65/' here/stacks/d-2.stack
ok "a stack file that has rotted there" here_install d-2
ok "... is replaced" cmp store/stacks/d-2.stack here/stacks/d-2.stack
sed -i 's/^architecture x86_64/architecture x86_65/' here/stacks/d-2.stack
refuses "... not where only a key is known" 2 USAGE "$plyboot" install --to here --pub k.pub d-2
refuses "to a layers partition that is not known" 3 DEVICE "$plyboot" install --run run d-2
booted 0 "sha256:$key_id"
refuses "a key that was revoked" 1 KEY here_install d-2
refuses "... also when it is given" 1 KEY here_install --pub k.pub d-2
refuses "a system that plyboot did not boot" 3 MISSING "$plyboot" install --run nowhere d-2
rm run/keys/*
booted 0 '' && rm -r run/keys
refuses "no keys at all" 1 KEY here_install d-2
rm -r here there run store/stacks/d-3.stack

# --- what is there, and says otherwise
stack d 1 base.layer two.layer
refuses "a signed one of that version that says something else" 2 USAGE install d-1
ok "... is replaced by force" install --force d-1
ok "... by the other" cmp store/stacks/d-1.stack dev/stacks/d-1.stack
"$plyboot" sign --key k2.key dev/stacks/d-1.stack >/dev/null
does_nothing "one that was signed once more here" install d-1
"$plyboot" sign --key k2.key store/stacks/d-1.stack >/dev/null
sed -i '$d' dev/stacks/d-1.stack
ok "one that was signed once more there" install d-1
has "... its blobs are there" "$work/out" '^written: 0 bytes in 0 blobs$'
ok "... has both signatures then" "$plyboot" verify --store dev --pub k.pub --pub k2.pub --signatures 2 d-1
sed -i '$d' store/stacks/d-1.stack
# The last line's signature, of the key k2, becomes another one that decodes.
sed -i '$s/ A\([^ ]*\)$/ B\1/; t; $s/ .\([^ ]*\)$/ A\1/' dev/stacks/d-1.stack
ok "a further signature that has rotted" "$plyboot" install --to dev --pub k.pub --pub k2.pub d-1
ok "... goes, since it would refuse the stack" "$plyboot" verify --store dev --pub k.pub --pub k2.pub d-1

# --- blobs that are not what they should be
state=$(dev_state dev)
flip "dev/$(blob base.layer | cut -d/ -f2-)" 5000
ok "a layer that has rotted" install d-2
has "... is said" "$work/out" "^written: [0-9]+ bytes in 1 blob, 1 in place of what has rotted\$"
is "... and is good again" "$(dev_state dev)" "$state"
truncate -s -1 "dev/$(blob two.layer pieces | cut -d/ -f2-)"
truncate -s +1 "dev/$(blob two.layer | cut -d/ -f2-)"
ok "a table that was cut, a layer that has grown" install d-2
has "... are said" "$work/out" ", 2 in place of what has rotted\$"
is "... and good again" "$(dev_state dev)" "$state"
rm -r usb
"$plyboot" export --with-stack d-2 usb >/dev/null
rm "usb/$(blob base.layer | cut -d/ -f2-)"
ok "a source that lacks what is there" install ./usb
rm -rf dev
refuses "... but nothing can do without" 3 MISSING install ./usb
cp "$(blob base.layer)" "usb/$(blob base.layer | cut -d/ -f2-)"
flip "usb/$(blob base.layer | cut -d/ -f2-)" 5000
refuses "a source that is damaged" 1 DIGEST install ./usb
has "... which names the blob" "$work/err" "DIGEST: the blob $(of base.layer layer): .*its bytes differ"
truncate -s -1 "usb/$(blob base.layer | cut -d/ -f2-)"
refuses "a layer that is cut" 1 SIZE install ./usb
head -c 5000000 /dev/zero >"usb/$(blob base.layer pieces | cut -d/ -f2-)"
cp "$(blob base.layer)" "usb/$(blob base.layer | cut -d/ -f2-)"
refuses "a table as large as none is" 1 LIMIT install ./usb
cp "$(blob base.layer pieces)" "usb/$(blob base.layer pieces | cut -d/ -f2-)"
flip "usb/$(blob two.layer | cut -d/ -f2-)" 5000
"$plyboot" install --to dev --pub k.pub ./usb >"$work/out" 2>"$work/err"
is "a damaged layer behind a good one: status" $? 1
is "... no stack file is there" "$(ls dev/stacks)" ""
cp "$(blob two.layer)" "usb/$(blob two.layer | cut -d/ -f2-)"
ok "... from a good source" install ./usb
has "... it goes on where it was" "$work/out" '^there already: [0-9]+ bytes in 2 blobs$'
ok "... and verifies" is_whole

# --- tars that somebody else made
python3 - <<'END'
import io, os, tarfile
good = tarfile.open("d-2.tar")
files = {m.name: good.extractfile(m).read() for m in good.getmembers() if m.isfile()}
layer = max(files, key=lambda n: len(files[n]))
stack = "stacks/d-2.stack"
def write(name, entries, format=tarfile.USTAR_FORMAT):
    with tarfile.open(name, "w", format=format) as tar:
        for entry in entries:
            path, data, kind, link = (*entry, None, None)[:4]
            info = tarfile.TarInfo(path)
            info.size = len(data or b"")
            if kind:
                info.type, info.linkname = kind, link or ""
            tar.addfile(info, io.BytesIO(data or b""))
whole = list(files.items())
write("good.tar", whole)
write("up.tar", whole + [("../x", b"x")])
write("absolute.tar", whole + [("/etc/x", b"x")])
write("twice.tar", whole + [("./" + stack, files[stack])])
write("symlink.tar", whole + [("stacks/e-1.stack", b"", tarfile.SYMTYPE, "d-2.stack")])
write("hardlink.tar", whole + [("stacks/e-1.stack", b"", tarfile.LNKTYPE, stack)])
write("device.tar", whole + [("null", b"", tarfile.CHRTYPE)])
write("nolayout.tar", [e for e in whole if e[0] != "oci-layout"])
write("nostack.tar", [e for e in whole if e[0] != stack])
write("nolayer.tar", [e for e in whole if e[0] != layer])
write("short.tar", [(n, d[:-1] if n == layer else d) for n, d in whole])
write("long.tar", [(n, d + b"x" if n == layer else d) for n, d in whole])
write("other.tar", [(n, d[:-1] + bytes([d[-1] ^ 1]) if n == layer else d) for n, d in whole])
write("stack.tar", [(n, b"x" * 600000 if n == stack else d) for n, d in whole])
write("many.tar", [(f"f{i}", b"") for i in range(10001)] + whole)
data = open("good.tar", "rb").read()
at = data.index(files[layer])
open("cut.tar", "wb").write(data[:at + 10000])
open("header.tar", "wb").write(data[:at - 512] + b"\xff" * 512 + data[at:])
huge = data[at - 512:at - 512 + 124] + b"77777777777\0" + data[at - 512 + 136:at]
total = sum(huge[:148] + b" " * 8 + huge[156:])
open("huge.tar", "wb").write(data[:at - 512] + huge[:148] + b"%06o\0 " % total + huge[156:] + data[at:])
open("empty.tar", "wb").write(bytes(10240))
open("nothing.tar", "wb").close()
open("noise.tar", "wb").write(os.urandom(20000))
END
gzip -c good.tar >gzip.tar
mkfifo fifo.tar
truncate -s 1M t/hole && tar -C t --sparse -rf hole.tar hole
rm -r dev t/hole
refuse_tar() { # NAME STATUS CODE TAR TEXT
	refuses "$1" "$2" "$3" timeout 20 "$plyboot" install --to dev --pub k.pub "$4"
	has "... says so" "$work/err" "$3: .*$5"
}
refuse_tar "a name that leaves the tar" 1 PATH up.tar '\.\./x'
refuse_tar "an absolute one" 1 PATH absolute.tar '/etc/x'
refuse_tar "a member twice" 1 FORMAT twice.tar 'there twice'
refuse_tar "a symbolic link" 1 TYPE symlink.tar 'neither a file nor a directory'
refuse_tar "a hard link" 1 TYPE hardlink.tar 'neither a file nor a directory'
refuse_tar "a device" 1 TYPE device.tar 'neither a file nor a directory'
refuse_tar "a file with holes" 1 TYPE hole.tar 'has holes'
refuse_tar "no oci-layout" 1 FORMAT nolayout.tar 'is no store'
refuse_tar "no stack" 3 MISSING nostack.tar 'has no stacks'
refuse_tar "a layer is missing" 3 MISSING nolayer.tar 'has no blobs/sha256/'
refuse_tar "a layer is short" 1 SIZE short.tar 'instead of'
refuse_tar "a layer is long" 1 SIZE long.tar 'instead of'
refuse_tar "a layer is another" 1 DIGEST other.tar 'differ from its digest'
refuse_tar "a stack file too large for one" 1 LIMIT stack.tar 'at most'
refuse_tar "too many members" 1 LIMIT many.tar 'more than 10000 members'
refuse_tar "a tar that is cut" 1 SIZE cut.tar 'ends within it'
refuse_tar "a header that is none" 1 TAR header.tar ''
refuse_tar "a size beyond all" 1 SIZE huge.tar 'ends within it'
refuse_tar "a tar of nothing" 1 FORMAT empty.tar 'is no store'
refuse_tar "an empty file" 1 TAR nothing.tar ''
refuse_tar "noise" 1 TAR noise.tar ''
refuse_tar "a compressed one" 1 TAR gzip.tar ''
refuse_tar "a FIFO" 1 FORMAT fifo.tar 'neither a directory nor a regular file'
ok "and the good one" install good.tar
ok "... verifies" is_whole d-2

# --- no room: ext4, as on a device
layer large 6000
stack d 5 base.layer large.layer
for name in $(seq 12); do layer "l$name" 1; done
stack d 6 base.layer l{1..12}.layer
mkdir m
# on_ext4 SIZE INODES SCRIPT: with version 1 installed in m
on_ext4() {
	truncate -s "$1" ext4 && mke2fs -q -F -t "${type:-ext4}" -m 0 -b 1024 -N "$2" ext4 || return
	unshare -m bash -c 'mount -o loop ext4 m && "$0" install --to m --pub k.pub d-2 >/dev/null || exit 99
		eval "$1"; status=$?
		"$0" verify --store m --pub k.pub all >m.verified 2>&1 || exit 98
		find m -type f | grep -v "^m/lost" | sort >m.files; umount m; exit $status' "$plyboot" "$3"
}
# full NAME SCRIPT FILL TEXT: it is refused with that text, and m is as after the first install
full() {
	on_ext4 8M 32 "${3:-true}" >"$work/out" 2>"$work/err" || fail "$1: ext4" "$work/err"
	cp m.files before
	on_ext4 8M 32 "$2" >"$work/out" 2>"$work/err"
	is "$1: status" $? 3
	has "... says the numbers" "$work/err" "$4"
	has "... and what to do" "$work/err" 'plyboot gc'
	is "... all is there that was, and nothing else" "$(cat m.files)" "$(cat before)"
}
full "no room" 'head -c 2000000 /dev/zero >m/filler; "$0" install --to m --pub k.pub d-5' \
	'head -c 2000000 /dev/zero >m/filler' \
	'NOSPACE: d-5.stack needs [0-9]+ bytes on the store.s file system, and there are [0-9]+ free'
full "no inodes" '"$0" install --to m --pub k.pub d-6' '' \
	'NOSPACE: d-6.stack needs [0-9]+ inodes on the store.s file system, and there are [0-9]+ free'
on_ext4 8M 64 '"$0" install --to m --pub k.pub d-6' >"$work/out" 2>"$work/err"
is "with more of them: status" $? 0
on_ext4 16M 32 '"$0" install --to m --pub k.pub d-5' >"$work/out" 2>"$work/err"
is "with more room: status" $? 0
# What it says that it needs is enough, to the block: a file takes all the rest.
tight() { # BYTES TYPE: beside what it asks for
	type=$2 on_ext4 16M 32 'need=$("$0" install --dry-run --to m --pub k.pub d-5 | sed -n "s/^room: \([0-9]*\) bytes.*/\1/p")
		free() { sync m; echo $(($(stat -f -c "%a * %S" m))); }
		head -c $(($(free) - need - 200000)) /dev/zero >m/filler
		head -c $(($(free) - need - '"$1"')) /dev/zero >>m/filler
		while [ $(free) -gt $((need + '"$1"')) ]; do head -c 1024 /dev/zero >>m/filler; done
		echo "$(free) free, $need needed"
		"$0" install --to m --pub k.pub d-5' >"$work/out" 2>"$work/err"
	echo $?
}
for type in ext4 ext2; do
	is "$type with just the room that it asks for" "$(tight 0 $type)" 0
	is "... with a block less" "$(tight -1 $type)" 3
done
# The layer rots: the new one takes the place of the old one, for which there is no room beside it twice.
on_ext4 8M 32 'python3 "'"$here"'/flip.py" m/'"$(blob base.layer | cut -d/ -f2-)"' 5000
	"$0" install --dry-run --to m --pub k.pub d-2 && "$0" install --to m --pub k.pub d-2' >"$work/out" 2>"$work/err"
is "a layer that has rotted there: status" $? 0

# --- ended and killed at any moment
layer big 12000
stack d 8 base.layer big.layer l{1..6}.layer
"$plyboot" export --with-stack d-8 d-8.tar >/dev/null
rm -rf dev
install d-2 >/dev/null
cp -a dev dev.before
before=$(dev_state dev.before)
started=${EPOCHREALTIME/./}
install d-8.tar >/dev/null
took_ms=$(((${EPOCHREALTIME/./} - started) / 1000))
wanted=$(dev_state dev)
echo "# an install takes $took_ms ms"
# after SIGNAL: is what was there whole, no stack file without its blobs, and does a second run finish it?
wrong=0 ended=0
after() {
	local left
	left=$(dev_state dev)
	[ -z "$(comm -23 <(echo "$before") <(echo "$left"))" ] || { echo "$1: something is lost" && wrong=$((wrong + 1)); }
	is_whole all >"$work/verified" 2>&1 || { echo "$1: does not verify" && cat "$work/verified" && wrong=$((wrong + 1)); }
	[ -e dev/stacks/d-8.stack ] || ended=$((ended + 1))
	install d-8.tar >"$work/second" 2>&1 || { echo "$1: not finished" && cat "$work/second" && wrong=$((wrong + 1)); }
	"$plyboot" gc --store dev --grace 0 >/dev/null 2>&1 || wrong=$((wrong + 1))
	[ "$(dev_state dev)" = "$wanted" ] || { echo "$1: is not as it should be" && wrong=$((wrong + 1)); }
}
for _ in $(seq "$kills"); do
	for signal in INT TERM KILL; do
		rm -rf dev && cp -a dev.before dev
		(
			trap - INT
			exec "$plyboot" install --to dev --pub k.pub d-8.tar
		) >"$work/first" 2>&1 &
		pid=$!
		sleep "$(printf '%d.%03d' $((RANDOM % took_ms / 1000)) $((RANDOM % took_ms % 1000)))"
		kill -$signal $pid 2>/dev/null
		wait $pid 2>/dev/null
		status=$?
		case $status in
		0 | $((128 + $(kill -l $signal)))) ;;
		*) echo "$signal: status $status" && cat "$work/first" && wrong=$((wrong + 1)) ;;
		esac
		[ $signal = KILL ] || [ -z "$(find dev "$TMPDIR" -name '.*' -o -path "$TMPDIR/*")" ] ||
			{ echo "$signal: left $(find dev "$TMPDIR" -name '.*')" && wrong=$((wrong + 1)); }
		find "$TMPDIR" -mindepth 1 -delete
		after $signal
	done
done >"$work/log" 2>&1
is "ended $kills times by each of INT, TERM, KILL, at any moment: a second run finishes it" "$wrong" 0
[ "$wrong" -eq 0 ] || tail -n 30 "$work/log" | sed 's/^/# /'
ok "... some of them in the midst of it ($ended)" test "$ended" -gt 0
finish
