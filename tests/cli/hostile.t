#!/bin/bash
# Trees and stores that somebody else made, or changes meanwhile.
# shellcheck disable=SC2016 # for another shell to expand
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
tree=$here/tree.py

mkdir src && echo hello >src/file
"$plyboot" keygen -o k >/dev/null
"$plyboot" pack -o a.layer src >/dev/null
"$plyboot" stack --name t --version 1 a.layer >/dev/null
"$plyboot" sign --key k.key store/stacks/t-1.stack >/dev/null

# --- a file that changes while it is packed: its size, or only its contents
head -c 30000000 /dev/zero >src/file
for how in "same r+b" "larger ab"; do
	read -r name mode <<<"$how"
	rm -f changing
	python3 -c '
import sys
while True:
    with open("src/file", sys.argv[1]) as file:
        file.write(b"x")
    open("changing", "w").close()' "$mode" &
	for _ in $(seq 200); do # 20 s for it to begin
		[ ! -e changing ] || break
		sleep 0.1
	done
	"$plyboot" pack -o x.layer src >"$work/out" 2>"$work/err"
	is "a file that changes ($name): status" $? 3
	has "... is said" "$work/err" '^plyboot pack: IO: .*`file` was changed while it was read'
	kill $! && wait $! 2>/dev/null
	is "... no layer" "$(ls x.layer 2>/dev/null)" ""
done
rm src/file && echo hello >src/file

# --- a directory that becomes a symlink and back while it is walked
mkdir -p swap/dir outside && echo secret >outside/secret && echo mine >swap/dir/secret
python3 -c '
import os
os.symlink("../outside", "swap/.link")
while True:
    os.rename("swap/dir", "swap/.dir"); os.rename("swap/.link", "swap/dir")
    os.rename("swap/dir", "swap/.link"); os.rename("swap/.dir", "swap/dir")' &
swapper=$!
for _ in $(seq 100); do
	"$plyboot" pack --compress none --store swapped -o swap.layer swap >/dev/null 2>&1
done
kill $swapper && wait $swapper 2>/dev/null
leaked=$(cat swapped/blobs/sha256/* | grep -ac '^secret$')
is "nothing from where a symlink leads, in 100 tries" "$leaked" 0

# --- as deep as a path can be
python3 -c '
import os
os.mkdir("deep")
fd = os.open("deep", os.O_RDONLY)
for _ in range(2000):
    os.mkdir("d", dir_fd=fd)
    below = os.open("d", os.O_RDONLY, dir_fd=fd)
    os.close(fd)
    fd = below
os.close(os.open("file", os.O_CREAT, dir_fd=fd))'
ok "2000 directories deep, with 64 descriptors" bash -c 'ulimit -n 64; "$0" pack --compress none -o deep.layer deep' "$plyboot"
is "... all of them" "$(of deep.layer entries)" 2002

# --- hard links to what is no file
mkdir links && mkfifo links/a && mknod links/c c 1 3 && ln -s nowhere links/e
ln links/a links/b && ln links/c links/d && ln links/e links/f
ok "hard links of a FIFO, a device and a symlink" "$plyboot" pack --compress none -o links.layer links
mkdir unpacked && tar --warning=none -C unpacked -xpf "$(blob links.layer)"
is "... are what they were" "$("$tree" manifest unpacked)" "$("$tree" manifest links)"

# --- names that are no text
mkdir odd && python3 -c '
import socket
socket.socket(socket.AF_UNIX).bind("odd/\x1b[2Jsocket\nplyboot pack: all is well")'
ok "a socket with a dangerous name" "$plyboot" pack -o odd.layer odd
is "... cannot say a line of its own" "$(wc -l <"$work/err")" 1
is "... nor control the terminal" "$(tr -d '\n[:print:]' <"$work/err" | wc -c)" 0

# --- more than a piece table holds is refused before all of it was read
truncate -s 1G sparse.tar
refuses "a tar with too many pieces" 1 LIMIT "$plyboot" pack --piece-size 4K --compress none -o x.layer sparse.tar
has "... says what would help" "$work/err" 'a larger --piece-size'

# --- stores
cp -a store bad
mv bad/stacks/t-1.stack bad/stacks/$'x\ncd ..\ndump index.json stolen\n.stack'
refuses "a stack file whose name is a script" 1 FORMAT "$plyboot" image --store bad -o x.img
cp store/stacks/t-1.stack bad/stacks/t-2.stack && rm bad/stacks/x*
refuses "a stack file with another one's name" 1 FORMAT "$plyboot" image --store bad --stack t-2 -o x.img
refuses "... is refused as /init would" 1 FORMAT "$plyboot" verify --store bad --pub k.pub t-2
ok "... but may lie elsewhere" "$plyboot" verify --store bad --pub k.pub bad/stacks/t-2.stack
mkfifo bad/stacks/t-3.stack
refuses "a FIFO for a stack file" 1 FORMAT "$plyboot" verify --store bad --pub k.pub t-3
rm bad/stacks/t-[23].stack && cp store/stacks/t-1.stack bad/stacks/
echo secret >secret && ln -sf "$PWD/secret" bad/index.json
refuses "an index.json that leads elsewhere" 3 IO "$plyboot" image --store bad -o x.img
rm bad/index.json && mkfifo bad/index.json
refuses "... or is a FIFO" 1 FORMAT "$plyboot" image --store bad -o x.img
rm -r bad/stacks && ln -s "$PWD/src" bad/stacks
refuses "stacks/ that leads elsewhere" 3 IO "$plyboot" stack --store bad --name u --version 1 a.layer
rm bad/stacks && mkdir bad/stacks && mv bad/blobs/sha256 elsewhere && ln -s "$PWD/elsewhere" bad/blobs/sha256
refuses "blobs/ that lead elsewhere" 3 IO "$plyboot" pack --store bad -o x.layer src
finish
