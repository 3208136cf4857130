#!/bin/bash
# The most layers that a stack can have: 499, and the synthetic one makes 500 lowers. 500 layers are refused.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# Layer 250 is the payload. The others are tars of files alone, so that all directories are only implied, but for the
# lowest one's /shared.
payload "$work/250"
cat >"$work/250/hook" <<'END'
is() { [ "$2" = "$3" ] || { echo "# $1 is $2, not $3"; return 1; }; }
is "the bottom's file" "$($bb cat /shared/001)" 001 && is "the top's file" "$($bb cat /shared/499)" 499 &&
	is "what all have" "$($bb cat /same)" 499 && is "files in /shared" "$($bb ls /shared | $bb wc -l)" 498 &&
	is "/shared" "$($bb stat -c '%a %u %Y' /shared)" "711 5 981173106" &&
	is "/own/way/to/300" "$($bb cat /own/way/to/300/file)" 300 || return 1
echo "store $($bb du -s /run/plyboot/store | $bb cut -f 1) KiB"
END
python3 - "$work" <<'END'
import io, sys, tarfile
for number in range(1, 500):
    if number == 250:
        continue
    text = b"%03d\n" % number
    with tarfile.open(f"{sys.argv[1]}/{number:03}", "w") as tar:
        if number == 1:
            shared = tarfile.TarInfo("shared")
            shared.type, shared.mode, shared.uid, shared.mtime = tarfile.DIRTYPE, 0o711, 5, 981173106
            tar.addfile(shared)
        for name in f"shared/{number:03}", f"own/way/to/{number:03}/file", "same":
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
END
pack 250
# Each waits for the disk several times: many at once wait together.
seq -w 499 | grep -v 250 | xargs -P 16 -I{} "$plyboot" pack --compress none --store "$work/store" \
	-o "$work/{}.layer" "$work/{}" >"$work/pack.log"
mapfile -t layers < <(seq -f "$work/%03g.layer" 499)
stack=$work/store/stacks/test-1.stack
check "the host command takes 499" make_stack test 1 --upper volatile -- "${layers[@]}"

# --- 500, by the host command

# host_refuses NAME TEXT COMMAND...: with status 1 and LIMIT, and no stack file comes of it
host_refuses() {
	local name=$1 text=$2 status=0 before
	shift 2
	before=$(cd "$work/store/stacks" && sha256sum -- *)
	"$plyboot" "$@" >"$work/refused.log" 2>&1 || status=$?
	check "$name" grep -qxF "plyboot $1: LIMIT: $text" "$work/refused.log"
	check "  with status 1, and nothing is written" [ "$status:$before" = "1:$(cd "$work/store/stacks" && sha256sum -- *)" ]
}
host_refuses "it refuses 500" "\`$work/001.layer\`: with it there are 500 layers; a stack has at most 499" \
	stack --store "$work/store" --name test --version 2 "${layers[@]}" "$work/001.layer"

# What it would not write: the same text with its first layer twice.
sed '/^---$/q; s/^version 1$/version 2/' "$stack" >"$work/text"
{ sed -n 1,14p "$work/text" && sed -n '7,$p' "$work/text"; } >"$work/test-2.stack"
check "a text with 500 layers is made by hand" [ "$(grep -c '^layer ' "$work/test-2.stack")" -eq 500 ]
reason='line 3999, layer: more than 499 layers'
host_refuses "sign refuses it" "\`$work/test-2.stack\`: $reason" \
	sign --key "$work/key.key" "$work/test-2.stack"

# sign_by_hand FILE: with openssl alone
sign_by_hand() {
	local id numbers
	id=$(openssl pkey -in "$work/key.key" -pubout -outform DER | sha256sum | cut -d ' ' -f 1)
	openssl dgst -sha256 -sign "$work/key.key" -out "$work/signature" "$1"
	numbers=$(openssl asn1parse -inform DER -in "$work/signature" | sed -n 's/.*INTEGER *://p' |
		while read -r number; do printf '%64s' "$number"; done | tr ' ' 0 | sed 's/../\\x&/g')
	printf 'sha256:%s ecdsa-p256-sha256 %s\n' "$id" "$(printf '%b' "$numbers" | base64 -w 0)" >>"$1"
}
sed -i '/^---$/q' "$stack"
sign_by_hand "$stack"
check "signed by hand, 499 layers are good" "$plyboot" verify --store "$work/store" --pub "$work/key.pub" test-1
sign_by_hand "$work/test-2.stack"
host_refuses "verify refuses 500" "$work/test-2.stack: $reason" \
	verify --store "$work/store" --pub "$work/key.pub" "$work/test-2.stack"

# --- and by /init

mkdir "$work/good"
make_image "$work/good"
on_partition "$work/good/disk" plyboot-layers "write $work/test-2.stack /stacks/test-2.stack"
for kernel in cloud-amd64 own-6.12 own-6.1; do
	on_kernel "$kernel"
	make_initramfs "$work/good"
	boots "$KERNEL: 500 layers are refused, and 499 boot" "$work/good" --snapshot
	says "  the one" "refused test-2.stack: LIMIT: $reason\$"
	reports "  in the report, too" '[(f["file"], f["code"], f["reason"]) for f in r["refused"]] == [("test-2.stack", "LIMIT", "'"$reason"'")]'
	reports "  the other" 'r["version"] == 1 and len(r["layers"]) == 499 and r["overlay"]["lowers"] == 500 and r["failed"] == []'
	# Each layer implies directories of its own: to look for each of them in all layers took a minute.
	reports "  the synthetic layer takes no time to speak of" '[s["ms"] < 5000 for s in r["steps"] if s["step"] == "synthetic layer"] == [True]'
	tr -d '\r' <"$work/console" | sed -n "s/^store /# $KERNEL: store /p; s/^  \"init_ms\": \(.*\),/# $KERNEL: \/init \1 ms/p"
done
on_partition "$work/good/disk" plyboot-layers "rm /stacks/test-1.stack"
refuses "500 layers alone" "$work/good" LIMIT "the first refusal: .*$reason"
says "  init.conf says how it ends" "rebooting"
finish
