#!/bin/bash
# What an overlay shows is what its lowers and the layer of its upper make; what no layer can say is refused; what belongs
# to one machine is left out, and said.
# shellcheck disable=SC2016 # for another shell to expand
if [ -z "${OWN_NAMESPACE:-}" ]; then
	OWN_NAMESPACE=yes exec unshare --mount --propagation private "$0"
fi
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
tree=$here/tree.py
mkdir state
mount -t tmpfs -o mode=755 state state
trap 'cd /; umount -l "$work/dir/state" "$work/live" 2>/dev/null; [ -n "${finished:-}" ] || echo "Bail out! $0 stopped"; rm -rf "$work"' EXIT

# begin OPTION...: an overlay at state/root, with these options, of a lower with some files
begin() {
	! mountpoint -q state/root || umount state/root
	rm -rf state/*
	mkdir state/{root,lower,upper,work}
	(
		cd state/lower || exit 1
		mkdir -p dir/sub etc/ssh var/log/journal/1 var/lib/systemd var/tmp home/a
		echo one >dir/file
		echo two >dir/sub/file
		echo three >file
		echo old >var/log/syslog
	)
	mount -t overlay -o "lowerdir=state/lower,upperdir=state/upper,workdir=state/work,$1" o state/root
}

# commit [OPTION...]: into c.layer
commit() {
	"$plyboot" commit --compress none -o c.layer "$@" state/upper
}

# has_entries NAME: the last layer's are those on standard input
has_entries() {
	is "$1" "$(tar --warning=none -tf "$(blob c.layer)" | grep -vx ./)" "$(cat)"
}

plain_mount=redirect_dir=nofollow,metacopy=off,index=off

begin "$plain_mount"
rm state/root/file && rm -r state/root/dir/sub && mkdir state/root/dir/sub && echo x >state/root/dir/sub/x
ln state/root/dir/sub/x state/root/dir/hard
ok "whiteouts, opaque directories, hard links" commit
has_entries "... are OCI's" <<-'EOF'
	dir/
	dir/hard
	dir/sub/
	dir/sub/.wh..wh..opq
	dir/sub/x
	.wh.file
EOF
is "... a link" "$(tar -tvf "$(blob c.layer)" dir/sub/x | cut -c1)" h
cp c.layer first.layer
touch -a state/upper/dir/sub/x
ok "again" commit
ok "... the same layer" cmp c.layer first.layer
ok "bookkeeping is there, and in no layer" sh -c '[ -n "$(getfattr -hm trusted.overlay.impure state/upper/dir)" ]'
is "... no overlay attribute at all" "$(grep -ac trusted "$(blob c.layer)")" 0

# --- what no layer can say

begin redirect_dir=on,metacopy=off
mv state/root/dir state/root/renamed
refuses "a renamed directory" 1 XATTR commit
has "... names it and the attribute" "$work/err" 'state/upper/renamed` has trusted.overlay.redirect: it was renamed'
has "... and says what to do" "$work/err" '^  .*redirect_dir=nofollow'
ok "... excluded it is none" commit --exclude renamed
cp -a state/root/renamed state/root/copy && rm -r state/root/renamed && mv state/root/copy state/root/renamed
ok "... what is advised helps" commit

begin metacopy=on,redirect_dir=on
chmod 700 state/root/dir/file
refuses "a file without its contents" 1 XATTR commit
has "... names it" "$work/err" 'state/upper/dir/file` has trusted.overlay.metacopy: its contents lie in a lower'
: >>state/root/dir/file
ok "... what is advised helps" commit
is "... contents and mode" "$(tar -xOf "$(blob c.layer)" dir/file) $(tar -tvf "$(blob c.layer)" dir/file | cut -c1-10)" "one -rwx------"

begin "$plain_mount"
mkdir state/upper/new
for name in overlay.opaque future; do
	setfattr -n "trusted.overlay.$name" -v y state/upper/new
	refuses "trusted.overlay.$name" 1 XATTR commit
	setfattr -x "trusted.overlay.$name" state/upper/new
done
setfattr -n trusted.overlay.opaque -v z state/upper/new
refuses "an opaque directory of an unknown kind" 1 XATTR commit
setfattr -n trusted.overlay.opaque -v x state/upper/new
touch state/upper/new/{gone,there}
setfattr -n trusted.overlay.whiteout -v "" state/upper/new/gone
ok "whiteouts that are files (Linux 6.7)" commit
has_entries "... are whiteouts" <<<$'new/\nnew/.wh.gone\nnew/there'
echo x >state/upper/new/gone
refuses "... but are empty" 1 XATTR commit
rm state/upper/new/gone
setfattr -n trusted.overlay.protattr -v i state/upper/new/there
ok "an immutable file" commit
has "... is warned of" "$work/err" 'warning: the extended attribute trusted.overlay.protattr is left out'
touch state/upper/.wh.dir
refuses "a name that would be a whiteout" 1 WHITEOUT commit
rm state/upper/.wh.dir

# --- userxattr

begin userxattr
rm -r state/root/dir && mkdir state/root/dir
refuses "user's marks count for nothing unless said" 1 XATTR commit
has "... with the option" "$work/err" '^  --marks user'
ok "--marks user" commit --marks user
has_entries "... opaque" <<<$'dir/\ndir/.wh..wh..opq'
ok "--marks trusted" commit --marks trusted
has_entries "... an attribute that no layer can hold" <<<"dir/"
has "... is warned of" "$work/err" 'warning: the extended attribute user.overlay.opaque'
chown -R nobody state/upper
mkdir -m 1777 state/out
refuses "without CAP_SYS_ADMIN, marks can't be seen" 3 IO \
	as_nobody "$plyboot" commit --store state/out/s -o state/out/c.layer state/upper
ok "... user's can" as_nobody "$plyboot" commit --marks user --store state/out/s -o state/out/c.layer state/upper

# --- what belongs to one machine

begin "$plain_mount"
(
	cd state/root || exit 1
	echo 0123 >etc/machine-id && chmod 444 etc/machine-id && ln etc/machine-id etc/id
	echo key | tee etc/ssh/ssh_host_rsa_key etc/ssh/ssh_host_rsa_key.pub >etc/ssh/sshd_config
	rm var/log/syslog && mkdir var/log/nginx && echo log >var/log/nginx/access.log
	echo log >var/log/journal/1/system.journal && mkdir var/log/journal/2
	echo x >var/lib/systemd/random-seed && mkdir -p var/tmp/a/b home/a/.cache/x && echo x >var/tmp/a/b/c
	echo x >home/a/.bash_history && echo x >home/a/kept
)
ok "a machine's own" commit
cp "$work/err" told
has_entries "... is not in the layer" <<-'EOF'
	etc/
	etc/id
	etc/machine-id
	etc/ssh/
	etc/ssh/sshd_config
	home/
	home/a/
	home/a/.cache/
	home/a/kept
	var/
	var/lib/
	var/lib/systemd/
	var/log/
	var/log/journal/
	var/log/nginx/
	var/tmp/
EOF
is "... machine-id is empty, by any name" "$(tar -xOf "$(blob c.layer)" etc/id etc/machine-id)" ""
is "... and what is left out is listed" "$(sed 's/^plyboot commit: //; s/ (.*//' told | sort)" "$(sort <<-'EOF'
	emptied: /etc/machine-id
	left out: /etc/ssh/ssh_host_rsa_key
	left out: /etc/ssh/ssh_host_rsa_key.pub
	left out: /home/a/.bash_history
	left out: /home/a/.cache/x
	left out: /var/lib/systemd/random-seed
	left out: /var/log/journal/1
	left out: /var/log/journal/2
	left out: /var/log/nginx/access.log
	left out: /var/log/syslog
	left out: /var/tmp/a
EOF
)"
ok "--include" commit --include /etc/machine-id --include 'var/tmp/*/b' --include '/etc/ssh/*key' --exclude /home
is "... takes it" "$(tar -xOf "$(blob c.layer)" etc/id)" 0123
ok "... with the directories above" sh -c 'tar -tf "$0" | grep -qx var/tmp/a/b/c && tar -tf "$0" | grep -qx var/tmp/a/ &&
	tar -tf "$0" | grep -qx etc/ssh/ssh_host_rsa_key && ! tar -tf "$0" | grep -q "pub$\|home"' "$(blob c.layer)"
ok "--include /" commit --include /
"$tree" manifest state/root | sed 's/ [^ ]*:[^ ]* .*//' >wanted
cp -a state/lower state/applied
"$tree" apply "$(blob c.layer)" state/applied
is "... takes everything" "$("$tree" manifest state/applied)" "$("$tree" manifest state/root)"
ok "--exclude counts for more than --include" commit --include / --exclude etc --exclude var --exclude home
has_entries "... " <<<""
commit --include nowhere 2>"$work/err" >"$work/out"
has "what names nothing is warned of" "$work/err" 'warning: --include nowhere names nothing'
for i in $(seq 30); do echo x >"state/root/var/log/$i"; done
ok "many" commit
is "... are told in short" "$(grep -c 'left out: /var/log/[0-9]' "$work/err") $(grep -o 'left out: 16 more (logs)' "$work/err")" "16 left out: 16 more (logs)"

# --- what changes meanwhile

begin "$plain_mount"
truncate -s 200M state/root/large
"$plyboot" commit -o c.layer --compress zstd state/upper >"$work/out" 2>"$work/err" &
pid=$!
for _ in $(seq 500); do
	echo x >>state/root/large
	kill -0 $pid 2>/dev/null || break
	sleep 0.01
done
wait $pid
is "a file that changes while it is read is an error" $? 3
has "... that names it" "$work/err" '^plyboot commit: IO: `large` was changed while it was read'
has "... and says what to do" "$work/err" '^  stop what writes there'
rm state/root/large

# --- usage

refuses "neither UPPER nor --live" 2 USAGE "$plyboot" commit -o x.layer
refuses "both" 2 USAGE "$plyboot" commit -o x.layer --live state/upper
refuses "--live with --marks" 2 USAGE "$plyboot" commit -o x.layer --live --marks user
refuses "an upper that is not there" 3 MISSING "$plyboot" commit -o x.layer nowhere
refuses "a store in the upper" 2 USAGE "$plyboot" commit -o x.layer --store state/upper state/upper/..

# --- a running system: this one's root under an overlay

umount state/root
live=$work/live # elsewhere: `refuses` looks at all that is here
mkdir "$live" && mount -t tmpfs live "$live"
mkdir -p "$live"/{root,upper,work,out}
mount -t overlay -o "lowerdir=/,upperdir=$live/upper,workdir=$live/work,$plain_mount" o "$live/root"
mkdir -p "$live/root$live" "$live/root/proc"
mount --bind "$live" "$live/root$live"
mount --bind /proc "$live/root/proc"
cp "$plyboot" "$live/out/plyboot"
echo written >"$live/root/written"
# in_root ARGUMENT...
in_root() {
	chroot "$live/root" env "TMPDIR=$live/out" "$live/out/plyboot" commit --compress none "$@"
}
refuses "--live: a store on the root itself" 2 USAGE in_root --live --store /store -o "$live/out/c.layer"
refuses "--live: a .layer on the root itself" 2 USAGE in_root --live --store "$live/out/store" -o /c.layer
ok "--live" in_root --live --store "$live/out/store" -o "$live/out/c.layer"
digest=$(of "$live/out/c.layer" layer)
is "... has what was written" "$(tar -xOf "$live/out/store/blobs/sha256/${digest#sha256:}" written)" written
echo kept >"$live/root/kept"
umount "$live/root/proc" "$live/root$live" "$live/root"

# ... and on trial: with an upper over that one, as boot.json says
mkdir -p "$live"/{trial,run/plyboot}
mount -t overlay -o "lowerdir=$live/upper:/,upperdir=$live/trial,workdir=$live/work,$plain_mount" o "$live/root"
for place in "$live" /proc "$live/run"; do
	mount --bind "$place" "$live/root${place/$live\/run//run}"
done
python3 - "$top/tests/data/reports/booted.json" "$live/run/plyboot/boot.json" "$live" <<'EOF'
import json, sys
report, live = json.load(open(sys.argv[1])), sys.argv[3]
report["upper"] = {"kind": "persistent", "why": None, "trial": True, "dirs": [live + "/trial", live + "/upper"]}
json.dump(report, open(sys.argv[2], "w"))
EOF
rm "$live/root/written" && echo later >"$live/root/later"
ok "--live of two uppers, one over the other" in_root --live --store "$live/out/store" -o "$live/out/two.layer"
digest=$(of "$live/out/two.layer" layer)
is "... has what both show" "$(tar -xOf "$live/out/store/blobs/sha256/${digest#sha256:}" kept later | xargs)" "kept later"
is "... and not what the upper one removed" \
	"$(tar -tf "$live/out/store/blobs/sha256/${digest#sha256:}" | grep -x '\(.wh.\)\?written')" .wh.written
umount "$live/root/run" "$live/root/proc" "$live/root$live" "$live/root" "$live"
refuses "--live where the root is no overlay with an upper" 3 MISSING "$plyboot" commit --live --store s -o x.layer

# --- random ones: the oracle is what the kernel shows
mkdir state/random
ok "60 random trees, two uppers each" sh -c 'cd state/random && "$0" commits "$1" 1 60' "$tree" "$plyboot"
finish
