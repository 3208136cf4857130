#!/bin/bash
# OLD with the difference applied is NEW, exactly, and nothing is in it that need not be.
# shellcheck disable=SC2016 # for another shell to expand
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
tree=$here/tree.py

# holds NAME: diff old new; what is in it is on standard input; and it makes new of old
holds() {
	"$plyboot" diff --compress none -o d.layer old new >"$work/out" 2>"$work/err" || fail "$1" "$work/err"
	is "$1" "$(tar --warning=none --quoting-style=escape -tf "$(blob d.layer)")" "$(cat)"
	rm -rf applied
	cp -a old applied
	"$tree" apply "$(blob d.layer)" applied
	is "... makes new of old" "$("$tree" manifest applied)" "$("$tree" manifest new)"
}

# begin: old and new are the same
begin() {
	rm -rf old new
	mkdir -p old/dir/sub old/other
	echo one >old/dir/file
	echo two >old/dir/sub/file
	echo three >old/other/file
	ln -s file old/other/link
	ln old/dir/file old/dir/hard
	touch -d @1000000000.5 old/dir/file old/dir/sub/file old/other/file old/dir/sub old/dir old/other old
	touch -hd @1000000000.5 old/other/link
	cp -a old new
}

# still DIR...: as if nobody had touched them
still() {
	touch -d @1000000000.5 "$@"
}

begin
holds "nothing" <<<""
has "... which is a warning" "$work/err" 'warning: the two are the same'

begin
rm new/other/file && still new/other
holds "a file is gone" <<<"other/.wh.file"

begin
rm -r new/dir && still new
holds "a directory is gone: only the topmost is said" <<<".wh.dir"

begin
echo four >new/other/more && still new/other
holds "a file is new" <<<"other/more"

begin
echo four >new/other/more
holds "a directory with another time is there itself" <<<$'other/\nother/more'

begin
chmod 700 new/dir/sub
holds "a directory with another mode is there, and not what is in it" <<<"dir/sub/"

begin
echo TWO >new/dir/sub/file && still new/dir/sub/file
holds "contents changed, size and time did not" <<<"dir/sub/file"

begin
still new/other && touch -d @1000000000.6 new/other/file
holds "a time changed in its fraction" <<<"other/file"

begin
chown 5:6 new/other/file
holds "an owner changed" <<<"other/file"

begin
setfattr -n user.test -v x new/other/file
holds "an attribute is new" <<<"other/file"

begin
ln -sfn elsewhere new/other/link && touch -hd @1000000000.5 new/other/link && still new/other
holds "a symlink leads elsewhere" <<<"other/link"

begin
rm -r new/dir/sub && echo now >new/dir/sub && still new/dir
holds "a directory became a file" <<<"dir/sub"

begin
rm new/other/file && mkdir new/other/file && echo x >new/other/file/x && still new/other
holds "a file became a directory" <<<$'other/file/\nother/file/x'

begin
rm -r new/dir/sub && mkdir new/dir/sub && echo x >new/dir/sub/x && still new/dir/sub new/dir
holds "a directory was replaced" <<<$'dir/sub/.wh.file\ndir/sub/x'

begin
echo ONE >new/dir/file && still new/dir/file
holds "a hard linked file changed: all its names are there" <<<$'dir/file\ndir/hard'
is "... as links" "$(tar -tvf "$(blob d.layer)" | cut -c1 | tr -d '\n')" -h

begin
ln new/dir/file new/other/third && still new/other
holds "a hard linked file has one more name" <<<$'dir/file\ndir/hard\nother/third'

begin
cp -p new/dir/file new/dir/copy && mv new/dir/copy new/dir/hard && still new/dir
holds "two names are two files now" <<<$'dir/file\ndir/hard'

begin
ln -f new/dir/file new/other/file && still new/other
holds "two files are one now" <<<$'dir/file\ndir/hard\nother/file'

begin
rm new/dir/hard && still new/dir
holds "a hard linked file has one name less" <<<"dir/.wh.hard"

begin
rm new/other/file && mknod new/other/file c 1 5 && still new/other new/other/file
holds "a file became a device" <<<"other/file"

begin
echo x >"new/other/a-" && echo x >new/other/a.b && mkdir new/other/a && echo x >new/other/a/x && still new/other
holds "what lies in a directory follows it" <<<$'other/a/\nother/a/x\nother/a-\nother/a.b'

begin
touch new/dir/.wh.file
refuses "a name that would be a whiteout" 1 WHITEOUT "$plyboot" diff -o x.layer old new
refuses "a directory that is not there" 3 MISSING "$plyboot" diff -o x.layer old nowhere
refuses "a file is no directory" 3 IO "$plyboot" diff -o x.layer old old/dir/file
ln -s "$(printf 'l%.0s' $(seq 10))" "old/$(printf 'n%.0s' $(seq 253))"
rm new/dir/.wh.file
refuses "a name too long for a whiteout" 1 LIMIT "$plyboot" diff -o x.layer old new

begin
echo x >>new/other/file
ok "diff" "$plyboot" diff --compress zstd -o d1.layer old new
ok "diff again" "$plyboot" diff --compress zstd -o d2.layer old new
ok "the same layer" cmp d1.layer d2.layer
chown -R 1000:1000 new
ok "--root-owned" "$plyboot" diff --root-owned -o d3.layer old new
is "... sees no owners" "$(plain d3.layer | tar -tf -)" "other/file"

# --- random trees: the oracle is GNU tar and OCI's rules in tree.py
case ${PLYBOOT:-} in
*/asan/*) half=30 ;; # which is slow
*) half=150 ;;
esac
mkdir half other
(cd half && "$tree" trial "$plyboot" 1 $half) >"$work/half" 2>&1 &
ok "$half random trees, and the same bytes a second time" \
	sh -c 'cd other && "$0" trial "$1" "$2" "$3"' "$tree" "$plyboot" $((half + 1)) $((2 * half))
if wait $!; then pass "and $half more beside them"; else fail "and $half more beside them" "$work/half"; fi
finish
