#!/bin/bash
# The layer that runs one program: what is in it, the same bytes each time, exact refusals.
# shellcheck disable=SC2016 # backquotes that are printed
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# conf LAYER: its entry.conf
conf() {
	plain "$1" | tar -xO .plyboot/entry.conf
}

ok "a program and its arguments" "$plyboot" entry -o a.layer -- /bin/app --flag 'two words' ''
is "... digest, numbers, and the next command are printed" "$(cat "$work/out")" "$(of a.layer layer)
a.layer: $(of a.layer stored) bytes stored, $(of a.layer unpacked) unpacked, 3 entries; next, with this layer on top:
  plyboot stack --name NAME --version 1 --init /.plyboot/entry LAYER... a.layer"
is "... all that is in it" "$(plain a.layer | tar -tvf - | awk '{ print $1, $2, $4, $6 }')" \
	"drwxr-xr-x 0/0 1970-01-01 .plyboot/
-rwxr-xr-x 0/0 1970-01-01 .plyboot/entry
-rw-r--r-- 0/0 1970-01-01 .plyboot/entry.conf"
plain a.layer | tar -x -O .plyboot/entry >entry
ok "... the program is the one that was built" cmp entry "$top/build/$(uname -m)/entry"
is "... and what it reads" "$(conf a.layer)" 'plyboot entry 1
argument "/bin/app"
argument "--flag"
argument "two words"
argument ""
directory "/"
user "0"
stop-signal SIGTERM
on-exit status'
ok "everything given" "$plyboot" entry -o b.layer --env A=1 --env $'B=\n\t"\\\x7f\xc3\xa9' --env AB= --env A=2=3 \
	--directory 'srv//./x y/../data/' --user app:600 --stop-signal rtmin+3 --on-exit poweroff -- app
is "... is in it" "$(conf b.layer)" 'plyboot entry 1
argument "app"
environment "A=2=3"
environment "B=\x0a\x09\"\\\x7f\xc3\xa9"
environment "AB="
directory "/srv/data"
user "app:600"
stop-signal SIGRTMIN+3
on-exit poweroff'

# --- the same bytes
ok "again, elsewhere" "$plyboot" entry --store other -o again.layer -- /bin/app --flag 'two words' ''
ok "... is the same layer" cmp a.layer again.layer
ok "another argument" "$plyboot" entry -o c.layer -- /bin/app --flag 'two  words' ''
ok "... is another" test "$(of a.layer layer)" != "$(of c.layer layer)"
ok "SOURCE_DATE_EPOCH" env SOURCE_DATE_EPOCH=86400 "$plyboot" entry -o dated.layer -- app
is "... is the time of its files" "$(plain dated.layer | tar -tvf - | awk '{ print $4 }' | sort -u)" 1970-01-02
for directory in "" / /.. . ../..; do
	ok "--directory '$directory'" "$plyboot" entry -o d.layer --directory "$directory" -- app
	is "... is /" "$(conf d.layer | grep ^directory)" 'directory "/"'
done

# --- a stack with it
mkdir -p root/bin
"$plyboot" pack --root-owned -o root.layer root >"$work/log"
ok "plyboot stack takes it" "$plyboot" stack --name s --version 1 --init /.plyboot/entry root.layer a.layer
ok "a key" "$plyboot" keygen -o key
ok "it is signed" "$plyboot" sign --key key.key store/stacks/s-1.stack
ok "plyboot verify finds all of it good" "$plyboot" verify --pub key.pub s-1
has "... with its init" store/stacks/s-1.stack '^init /\.plyboot/entry$'
ok "an ordinary user can do it" as_nobody env TMPDIR="$TMPDIR" sh -c 'cd "$1" && "$2" entry --store mine -o mine.layer -- /bin/app --flag "two words" ""' \
	sh "$(mkdir -m 777 nobody && realpath nobody)" "$plyboot"
ok "... and gets the same" cmp a.layer nobody/mine.layer

# --- refused, and nothing left behind
refuses "no program" 2 USAGE "$plyboot" entry -o x.layer --store new
refuses "no output" 2 USAGE "$plyboot" entry -- app
refuses "an option of the program without --" 2 USAGE "$plyboot" entry -o x.layer app --its-own
refuses "an empty program" 1 FORMAT "$plyboot" entry -o x.layer --store new -- ''
refuses "... in a store that is there" 1 FORMAT "$plyboot" entry -o x.layer -- ''
has "... which says where" "$work/err" 'entry.conf would say: line 2: '
refuses "a variable that is none" 2 USAGE "$plyboot" entry -o x.layer --env A -- app
refuses "a variable without a name" 2 USAGE "$plyboot" entry -o x.layer --env =1 -- app
refuses "an unknown signal" 2 USAGE "$plyboot" entry -o x.layer --stop-signal SIGSTOPIT -- app
has "... which is named" "$work/err" 'there is no signal `SIGSTOPIT`'
refuses "another end" 2 USAGE "$plyboot" entry -o x.layer --on-exit halt -- app
refuses "a user without a name" 1 FORMAT "$plyboot" entry -o x.layer --user :600 -- app
refuses "an empty user" 1 FORMAT "$plyboot" entry -o x.layer --user '' -- app
refuses "too long a directory" 1 LIMIT "$plyboot" entry -o x.layer --directory "$(printf '%0256d' 0)" -- app
refuses "too many arguments" 1 LIMIT "$plyboot" entry -o x.layer -- $(seq 4097)
ok "... one less is fine" "$plyboot" entry -o many.layer -- $(seq 4096)
refuses "an architecture without a program" 3 MISSING "$plyboot" entry -o x.layer --arch sparc -- app
refuses "SOURCE_DATE_EPOCH that is no number" 2 USAGE env SOURCE_DATE_EPOCH=x "$plyboot" entry -o x.layer -- app
refuses "an output in a directory that is not there" 3 MISSING "$plyboot" entry -o nowhere/x.layer -- app
mkdir full && touch full/file
refuses "a store that is another directory" 1 FORMAT "$plyboot" entry --store full -o x.layer -- app

# --- from an image's config in the store

# image NAME CONFIG [BREAK]: its documents into ./images, as plyboot import leaves them
image() {
	python3 - "$@" <<'END'
import hashlib, json, os, sys
name, config = sys.argv[1], sys.argv[2].encode()
how = sys.argv[3] if len(sys.argv) > 3 else ""
def put(data, broken=False):
    digest = hashlib.sha256(data).hexdigest()
    with open(f"images/blobs/sha256/{digest}", "wb") as f:
        f.write(data.replace(b"app", b"ppa") if broken else data)
    return {"digest": "sha256:" + digest, "size": len(data)}
manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **put(config, how == "rotten")}, "layers": []}
entry = {"mediaType": manifest["mediaType"], **put(json.dumps(manifest).encode()),
         "annotations": {"org.opencontainers.image.ref.name": name}}
if how == "index":
    entry["mediaType"] = "application/vnd.oci.image.index.v1+json"
with open("images/index.json") as f:
    index = json.load(f)
index["manifests"].append(entry)
with open("images/index.json", "w") as f:
    json.dump(index, f)
if how == "gone":
    os.unlink("images/blobs/sha256/" + entry["digest"][7:])
END
}
"$plyboot" entry --store images -o images.layer -- x >"$work/log"
rootfs='"rootfs":{"type":"layers","diff_ids":[]}'
image app:1 '{"architecture":"amd64","os":"linux","config":{"Entrypoint":["/bin/app","-v"],"Cmd":["serve","a b"],
	"Env":["PATH=/opt","A=1"],"WorkingDir":"srv/","User":"app","StopSignal":"SIGQUIT"},'"$rootfs}"
ok "--image" "$plyboot" entry --store images --image app:1 -o i.layer
mkdir -p store && mv store store.kept && ln -s images store
is "... takes all of it" "$(conf i.layer)" 'plyboot entry 1
argument "/bin/app"
argument "-v"
argument "serve"
argument "a b"
environment "PATH=/opt"
environment "A=1"
directory "/srv"
user "app"
stop-signal SIGQUIT
on-exit status'
ok "--image and options" "$plyboot" entry --store images --image app:1 -o i.layer --env A=2 --env B=3 --directory /else \
	--user 0 --stop-signal 2 --on-exit reboot -- other
is "... which count for more" "$(conf i.layer)" 'plyboot entry 1
argument "other"
environment "PATH=/opt"
environment "A=2"
environment "B=3"
directory "/else"
user "0"
stop-signal SIGINT
on-exit reboot'
image bare:1 '{"architecture":"amd64","os":"linux","config":{"Cmd":["sh"],"User":"","WorkingDir":""},'"$rootfs}"
ok "an image that says little" "$plyboot" entry --store images --image bare:1 -o i.layer
is "... gets what container engines give it" "$(conf i.layer)" 'plyboot entry 1
argument "sh"
directory "/"
user "0"
stop-signal SIGTERM
on-exit status'
rm store && mv store.kept store
image none:1 '{"architecture":"amd64","os":"linux",'"$rootfs}"
refuses "an image without a program" 2 USAGE "$plyboot" entry --store images --image none:1 -o x.layer
ok "... gets one" "$plyboot" entry --store images --image none:1 -o i.layer -- sh
image env:1 '{"architecture":"amd64","os":"linux","config":{"Cmd":["sh"],"Env":["A"]},'"$rootfs}"
refuses "an Env that is none" 1 FORMAT "$plyboot" entry --store images --image env:1 -o x.layer
image signal:1 '{"architecture":"amd64","os":"linux","config":{"Cmd":["sh"],"StopSignal":"SIGX"},'"$rootfs}"
refuses "a StopSignal that is none" 1 FORMAT "$plyboot" entry --store images --image signal:1 -o x.layer
ok "... unless another is given" "$plyboot" entry --store images --image signal:1 --stop-signal TERM -o i.layer
image mips:1 '{"architecture":"mips64le","os":"linux","config":{"Cmd":["sh"]},'"$rootfs}"
refuses "an image for another machine" 3 MISSING "$plyboot" entry --store images --image mips:1 -o x.layer
image text:1 'no JSON'
refuses "a config that is no JSON" 1 FORMAT "$plyboot" entry --store images --image text:1 -o x.layer
image rotten:1 '{"architecture":"amd64","os":"linux","config":{"Cmd":["app"]},'"$rootfs}" rotten
refuses "a config that is not its digest's" 1 DIGEST "$plyboot" entry --store images --image rotten:1 -o x.layer
image index:1 '{"architecture":"amd64","os":"linux","config":{"Cmd":["index"]},'"$rootfs}" index
refuses "an index of images" 1 TYPE "$plyboot" entry --store images --image index:1 -o x.layer
image gone:1 '{"architecture":"amd64","os":"linux","config":{"Cmd":["gone"]},'"$rootfs}" gone
refuses "a manifest that is not there" 3 MISSING "$plyboot" entry --store images --image gone:1 -o x.layer
image twice:1 '{"architecture":"amd64","os":"linux","config":{"Cmd":["sh"]},'"$rootfs}"
image twice:1 '{"architecture":"amd64","os":"linux","config":{"Cmd":["bash"]},'"$rootfs}"
refuses "a name that two images have" 2 USAGE "$plyboot" entry --store images --image twice:1 -o x.layer
refuses "an image that is not there" 3 MISSING "$plyboot" entry --store images --image app:2 -o x.layer
refuses "a store that is not there" 3 MISSING "$plyboot" entry --store nowhere --image app:1 -o x.layer

# --- the program is no command
ok "it is made for this machine" test -s entry
chmod +x entry
./entry >"$work/out" 2>"$work/err"
is "called by a person, it does nothing" $? 1
has "... and says why" "$work/err" 'is the first process of a root, not a command'
finish
