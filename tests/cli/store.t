#!/bin/bash
# What a store's stacks and images share; gc removes what none of them names, and nothing else, whatever happens.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# layer NAME TEXT
layer() {
	rm -rf tree && mkdir tree && echo "$2" >tree/file
	"$plyboot" pack -o "$1.layer" tree >/dev/null 2>&1
}

# stack NAME VERSION LAYER...: written and signed
stack() {
	local name=$1 version=$2
	shift 2
	"$plyboot" stack --name "$name" --version "$version" --created 2026-01-01T00:00:00Z "$@" &&
		"$plyboot" sign --key key.key "store/stacks/$name-$version.stack"
} >/dev/null 2>&1

blobs() {
	find store/blobs/sha256 -type f | wc -l
}

# json EXPRESSION: of what `plyboot store --json` says, which is s
json() {
	"$plyboot" store --json | python3 -c 'import json, sys
s = json.load(sys.stdin)
o = {x["name"]: x for x in s["owners"]}
print(eval(sys.argv[1]))' "$1"
}

# put_blob FILE: prints the digest's digits
put_blob() {
	local hex
	hex=$(sha256sum <"$1" | cut -c1-64)
	cp "$1" "store/blobs/sha256/$hex"
	echo "$hex"
}

# descriptor TYPE HEX [MORE]
descriptor() {
	printf '{"mediaType":"%s","digest":"sha256:%s","size":%s%s}' "$1" "$2" "$(stat -c %s "store/blobs/sha256/$2" 2>/dev/null || echo 1)" "${3:-}"
}
manifest_type=application/vnd.oci.image.manifest.v1+json
index_type=application/vnd.oci.image.index.v1+json

"$plyboot" keygen -o key >/dev/null
for name in a b c d e; do layer "$name" "$name"; done
stack one 1 a.layer b.layer
stack two 1 a.layer c.layer
is "five layers, five piece tables" "$(blobs)" 10

# --- store
ok "store" "$plyboot" store
has "... says what is shared" "$work/out" "^  $(of a.layer layer) [0-9]+ bytes, shared with two-1$"
has "... and what nothing names" "$work/out" '^4 that nothing names, [0-9]+ bytes'
is "--json: bytes of a stack" "$(json 'o["one-1"]["bytes"] == sum(b["bytes"] for b in o["one-1"]["blobs"])')" True
size() { stat -c %s "$(blob "$1" "$2")"; }
is "... of its own" "$(json 'o["one-1"]["own_bytes"]')" $(($(size b.layer layer) + $(size b.layer pieces)))
is "... what sharing saves" "$(json 's["saved_bytes"]')" $(($(size a.layer layer) + $(size a.layer pieces)))
is "... unnamed" "$(json 's["unnamed"]["count"], s["blobs"]["count"]')" "(4, 10)"

# --- gc
ok "gc of young blobs" "$plyboot" gc
has "... says why they stay" "$work/out" '^4 kept that nothing names, .*younger than 60 minutes'
is "... all are there" "$(blobs)" 10
touch -d '2 hours ago' store/blobs/sha256/*
touch "$(blob e.layer)"
ok "--dry-run" "$plyboot" gc --dry-run
has "... says what it would remove" "$work/out" "^would remove $(of d.layer layer) "
is "... and does not" "$(blobs)" 10
ok "gc" "$plyboot" gc
is "... takes what is old and not named" "$(blobs)" 7
ok "... and not what is named" "$plyboot" verify --pub key.pub
layer e e
touch -d '2 hours ago' store/blobs/sha256/*
layer e e
ok "gc when a layer was packed again" "$plyboot" gc
is "... keeps it" "$(blobs)" 8
ok "--grace 0" "$plyboot" gc --grace 0
is "... takes all that nothing names" "$(blobs)" 6
rm store/stacks/two-1.stack
mkdir -p store/.new-0123456789abcdef/blobs/sha256 store/.new-ours && touch store/.new-0123456789abcdef/blobs/sha256/half
touch store/stacks/.two-1.stack.123-0 store/blobs/sha256/.blob.99-12 store/.index.json.7-0 store/blobs/sha256/readme store/stacks/.hidden
ok "a stack is deleted, commands were killed" "$plyboot" gc --grace 0
is "... what they left is gone" "$(find store -name '.*[0-9f]' | wc -l) $(grep -c '^4 left by commands that were killed, removed$' "$work/out")" "0 1"
is "... what it does not know stays" "$(find store/stacks/.hidden store/blobs/sha256/readme store/.new-ours | wc -l)" 3
rm -r store/stacks/.hidden store/blobs/sha256/readme store/.new-ours
ok "... the other stack verifies" "$plyboot" verify --pub key.pub
is "... and is all" "$(blobs)" 4

# --- images
layer d d && layer e e && layer b b
echo '{"architecture":"amd64","os":"linux"}' >config
config=$(put_blob config)
of d.layer layer >bottom
hex=$(sed s/sha256:// bottom)
printf '{"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[%s]}' "$manifest_type" \
	"$(descriptor application/vnd.oci.image.config.v1+json "$config")" \
	"$(descriptor application/vnd.oci.image.layer.v1.tar+zstd "$hex")" >manifest
manifest=$(put_blob manifest)
printf '{"schemaVersion":2,"mediaType":"%s","manifests":[%s,%s]}' "$index_type" "$(descriptor "$manifest_type" "$manifest")" \
	"$(descriptor "$manifest_type" "$(printf '%064d' 0)")" >nested
nested=$(put_blob nested)
# write_index DESCRIPTOR...
write_index() {
	local IFS=,
	printf '{"schemaVersion":2,"manifests":[%s]}' "$*" >store/index.json
}
write_index "$(descriptor "$index_type" "$nested" ',"annotations":{"org.opencontainers.image.ref.name":"app:1"}')"
ok "gc with an image, by an index in the index" "$plyboot" gc --grace 0
has "... a manifest that is not there is said" "$work/err" 'warning: app:1 names sha256:0*, which is not in the store'
is "... keeps index, manifest, config, layer and its piece table" "$(blobs)" $((4 + 5))
is "store has it" "$(json 'o["app:1"]["kind"], len(o["app:1"]["blobs"])')" "('image', 5)"

# --- what can't be known: nothing is removed
layer e e
good=$(cat store/index.json)
# keeps NAME CODE STATUS
keeps() {
	refuses "$1: nothing is removed" "${3:-1}" "$2" "$plyboot" gc --grace 0
}
echo rubbish >store/stacks/x-1.stack
keeps "a stack file that is none" SIGNATURE
rm store/stacks/x-1.stack && ln -s one-1.stack store/stacks/x-1.stack
keeps "a stack file that is a symlink" IO 3
rm store/stacks/x-1.stack && head -c 600000 /dev/zero >store/stacks/x-1.stack
keeps "one too large" LIMIT
head -c 400 store/stacks/one-1.stack >store/stacks/x-1.stack
keeps "one that was cut" FORMAT
rm store/stacks/x-1.stack
for text in '' '{' '[]' '{"schemaVersion":2,"manifests":[{}]}' '{"schemaVersion":2,"manifests":[],"manifests":[]}'; do
	printf %s "$text" >store/index.json
	keeps "index.json '$text'" FORMAT
done
head -c 5000000 /dev/zero >store/index.json
keeps "one of 5 MB" LIMIT
rm store/index.json
keeps "none" MISSING 3
write_index "$(descriptor application/x-other "$manifest")"
keeps "something in the index that is no manifest" TYPE
write_index "$(descriptor "$manifest_type" "$config")"
keeps "a manifest that is none" FORMAT
inner=$nested
for _ in $(seq 8); do
	printf '{"schemaVersion":2,"manifests":[%s]}' "$(descriptor "$index_type" "$inner")" >nested
	inner=$(put_blob nested)
done
write_index "$(descriptor "$index_type" "$inner")"
keeps "indexes in indexes" LIMIT
echo "$good" >store/index.json
cp "store/blobs/sha256/$manifest" saved && echo >>"store/blobs/sha256/$manifest"
keeps "a manifest of other bytes" DIGEST
cp saved "store/blobs/sha256/$manifest"
mv store/stacks elsewhere
keeps "no stacks/" MISSING 3
mv elsewhere store/stacks
ok "once all is well again" "$plyboot" gc --grace 0
is "... it does" "$(blobs)" 9

# --- beside others
flock store -c 'sleep 3; echo done >order' &
sleep 0.5
"$plyboot" gc >"$work/out" 2>"$work/err"
is "gc waits for who has the store open" "$(cat order)" "done"
has "... and says so" "$work/err" 'waiting for another plyboot with the store'
wait

# --- several begin with one that is not there
mkdir fresh fresh/tree && echo x >fresh/tree/file && mkfifo fresh/pipe
for round in 1 2 3; do
	rm -rf fresh/store
	for i in 1 2 3 4 5 6; do
		("$plyboot" pack --store fresh/store -o "fresh/$i.layer" fresh/tree >/dev/null 2>"fresh/$i.err"; echo $? >"fresh/$i.status") &
	done
	wait
	is "six make a store at once, $round" "$(cat fresh/?.status | xargs)" "0 0 0 0 0 0"
	is "... which is whole" "$(find fresh/store -type f | grep -vc blobs/) $(find fresh/store/blobs -type f | wc -l)" "2 2"
done
rm -rf fresh/store
"$plyboot" pack --store fresh/store -o fresh/bad.layer fresh/pipe >/dev/null 2>&1 &
pid=$!
exec 9>fresh/pipe
for _ in $(seq 200); do [ ! -e fresh/store/oci-layout ] || break; sleep 0.05; done
ok "one that is made by who has not ended yet is used" "$plyboot" pack --store fresh/store -o fresh/good.layer fresh/tree
echo no tar >&9
exec 9>&-
status=0
wait $pid || status=$?
is "... who then fails" $status 1
ok "... and leaves it to the other" "$plyboot" inspect --store fresh/store fresh/good.layer
ok "... who can go on with it" "$plyboot" pack --store fresh/store -o fresh/more.layer fresh/tree
rm -rf fresh/store
echo no tar >no.tar
"$plyboot" pack --store fresh/store -o fresh/bad.layer no.tar >/dev/null 2>&1
ok "one that nobody else uses goes again with who made it" test ! -e fresh/store

# --- killed at any moment
for name in $(seq 20); do layer "k$name" "$name"; done
cp -a store full
began=${EPOCHREALTIME/./}
"$plyboot" gc --grace 0 >/dev/null 2>&1
took_us=$((${EPOCHREALTIME/./} - began))
wrong=0
for _ in $(seq 50); do
	rm -rf store && cp -a full store
	"$plyboot" gc --grace 0 >/dev/null 2>&1 &
	pid=$!
	sleep "$(us=$((RANDOM * RANDOM % took_us)); printf '%d.%06d' $((us / 1000000)) $((us % 1000000)))"
	kill -KILL $pid 2>/dev/null
	wait $pid 2>/dev/null
	"$plyboot" verify --pub key.pub >/dev/null 2>&1 && [ -e "store/blobs/sha256/$hex" ] || wrong=$((wrong + 1))
	[ "$(blobs)" -lt 49 ] && touch less
done
is "killed 50 times: all that is named verifies" "$wrong" 0
ok "... and some were killed when they had begun" test -e less
ok "the next one ends it" "$plyboot" gc --grace 0
is "... all is gone that nothing names" "$(blobs)" 9
finish
