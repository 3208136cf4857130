#!/bin/bash
# The README's own commands, as its reader would type them: from an empty directory to a root of the reader's own that boots, what it
# shows of that one, and a command in a guest. What the README says that one sees is what one sees.
# shellcheck disable=SC2016 # for the reader's shell
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=running.sh
. "$top/tests/boot/running.sh"
# shellcheck source=tests/cli/registry.sh
. "$top/tests/cli/registry.sh"
unset PLYBOOT_KERNEL PLYBOOT_STORE
own_cache

# readme HEADING [N]: the commands of that section, of its Nth block alone
readme() {
	python3 "$top/tests/boot/text.py" section "$top/README.md" "$@"
}

reader=$work/reader
mkdir -p "$reader/build" "$work/home"
ln -s "$(realpath "$plyboot")" "$reader/build/plyboot"
ln -s "$top/qemu" "$reader/qemu"
ln -s "$XDG_CACHE_HOME" "$work/home/.cache"

# follow NAME COMMANDS [DIRECTORY]: they work there, by default in the reader's directory, where `make` is that of this tree; they print
# to $work/said
follow() {
	if [ -n "$2" ] && (cd "${3:-$reader}" && env -u XDG_CACHE_HOME HOME="$work/home" PATH="$reader/build:$PATH" timeout 300 \
		bash -euo pipefail -c \
		"$(declare -f make); top='$top' users_cache='$users_cache'
		kernel=$("$top/qemu/demo/kernel")
		$2") </dev/null >"$work/said" 2>"$work/said.errors"; then
		pass "$1"
	else
		cat "$work/said.errors" >>"$work/said"
		fail "$1" "$work/said"
	fi
}

# shape: of standard input each line with any number, digest and name
shape() {
	tr -d '\r' | sed -E 's/sha256:[0-9a-f]+…?/DIGEST/; s/\b[0-9a-f]{12}\b/ID/g; s/[0-9]+(\.[0-9]+)?/N/g; s/\b(demo|mine)\b/NAME/g
		s/layers,/layer,/' | sort -u
}

# shows N: the last boot's console has the lines of the Nth block of "What one sees"; one that is too long goes on below
shows() {
	readme 'What one sees' "$1" | sed -E ':a; N; $!ba; s/\n {2,}/ /g' | shape >"$work/wanted"
	check "  one sees what the README shows" [ -s "$work/wanted" ]
	check "  all $(wc -l <"$work/wanted") lines of it" diff /dev/null <(comm -23 "$work/wanted" <(shape <"$work/console"))
}

# --- Boot your own directory: without what installs and builds

commands=$(readme 'Boot your own directory' | grep -vE '^(apt-get|make)\b')
boot=$(grep '^build/plyboot boot ' <<<"$commands") || true
check "the README has the commands" [ "$boot" = "$(tail -n 1 <<<"$commands")" ]

# Nobody is at the terminal: the guest's shell would wait for ever.
unwatched="--time-limit 60 --log $work/console ${monitor[*]} || true"
at_words "hello from my own root" quit
follow "the reader's own root is made and booted" "$commands $unwatched"
check "  it says hello" grep -q '^hello from my own root' "$work/console"
shows 1

# --- What would go wrong, Look inside

follow "doctor looks at it" "$(readme 'What would go wrong')"
check "  and finds nothing wrong" grep -q '^doctor: 0 faults, 0 warnings;' "$work/said"
follow "it is looked into" "$(readme 'Look inside')"
check "  its /bin" grep -q ' busybox$' "$work/said"
check "  its init" grep -qx 'echo hello from my own root' "$work/said"
check "  the layer" grep -qx 'sbin/init' "$work/said"
check "  the stack" grep -Eqx 'name +mine' "$work/said"

# --- What one sees, if a bit of the layer is another one

flip "$reader/mine.img" "/blobs/sha256/$(sed -n 's/^layer sha256://p' "$reader/mine.layer")" 100
at_words "System halted" quit
follow "a damaged layer" "$boot $unwatched"
shows 2

# --- Run one command in a guest

commands=$(readme 'Run one command in a guest' 1)
"$top/qemu/demo/kernel" amd64 >"$work/fetched" 2>&1 # the first time it says what it does
check "the README has commands for plyboot run" [ "$(grep -c '^build/plyboot run ' <<<"$commands")" -ge 4 ]
follow "they work" "$commands"
check "  and print what they should" diff - <(sed -E '1s/^Linux .* [0-9]+\.[0-9].* x86_64 GNU.Linux$/Linux/' "$work/said") <<-'END'
	Linux
	it ended with 7
	more
END
check "  and nothing else" diff /dev/null "$work/said.errors"
check "  what it wrote to its directory came out" grep -q 'Linux version' "$reader/results/log"
check "  roots are kept where the README says" test -n "$(ls "$work"/home/.cache/plyboot/run/*/disk)"

cd "$reader"
printf 'prog:\n\techo data >prog\n' >Makefile
readme 'Run one command in a guest' 2 >>Makefile
echo 'busybox cat /src/prog' >test.sh
follow "its Makefile works" 'command make -s test'
check "  what the test prints is there" grep -qx data "$work/said"
echo 'exit 3' >>test.sh
follow "  and fails when the test does" '! LC_ALL=C command make -s test'
check "  with its status" grep -q 'test\] Error 3' "$work/said.errors"

# --- Distribute it through a registry, and what of an update is done elsewhere

# at_registry: the test's own, which has no certificate
registry_start
at_registry() {
	sed "s,registry\.example,$registry,g; s/^plyboot [a-z]*/& --insecure/"
}
mkdir "$work/elsewhere"
cp mykey.key release.key
cp mykey.pub "$work/elsewhere/release.pub"
for version in 1 2; do
	echo "plyboot stack --name demo --version $version mine.layer; plyboot sign --key release.key store/stacks/demo-$version.stack"
done >"$work/commands"
follow "two versions for a registry" "$(cat "$work/commands")"
follow "push" "$(readme 'Distribute it through a registry' | grep ' push ' | at_registry)"
follow "  and pull, elsewhere" "$(readme 'Distribute it through a registry' | grep ' pull ' | at_registry)" "$work/elsewhere"
check "  it has come" cmp store/stacks/demo-1.stack "$work/elsewhere/store/stacks/demo-1.stack"
follow "the next version" "$(readme 'Distribute it through a registry' | grep ' push ' | sed 's/demo-1/demo-2/; s/demo:1/demo:2/' | at_registry)"
follow "  comes to a device" "$(readme 'Update a device' 1 | grep ' pull ' | at_registry)" "$work/elsewhere"
check "  it has come, too" cmp store/stacks/demo-2.stack "$work/elsewhere/store/stacks/demo-2.stack"
follow "a stick's file" "$(readme 'Update a device' 1 | grep ' export ')"
check "  has the stack file" grep -qx 'stacks/demo-2.stack' <(tar -tf demo-2.tar)
registry_stop

# --- pictures

follow "a boot.json" 'plyboot run --root small --out . -- busybox cp /run/plyboot/boot.json /run/plyboot-out'
follow "pictures of it, and of a stack" "$(readme 'Update a device' 2 | grep -E 'plot -o boot.svg boot.json|inspect --plot')"
check "  of the boot" grep -q '^<svg' boot.svg
check "  of the room" grep -q '^<svg' room.svg

# --- Install it

install=$(readme 'Install it' | grep DESTDIR | sed "s#/tmp/x#$work/x#g")
follow "make install, to a DESTDIR" "${install%%&&*}"
check "  the command is there" cmp "$top/build/plyboot" "$work/x/usr/bin/plyboot"
follow "  and make uninstall" "$install"
check "  leaves nothing" [ -z "$(find "$work/x" -type f)" ]
rm -f "$top"/build/plyboot_*.deb
follow "make deb" "$(readme 'Install it' | grep '^make deb')"
check "  the package is there" test -s "$top/build/plyboot_$("$plyboot" --version | sed 's/.* //')_amd64.deb"

# --- all of its commands, whatever runs them: the words that they use are there

python3 "$top/tests/boot/text.py" words "$top/README.md" "$plyboot" "$top/Makefile" >"$work/words" || true
check "the README has words" grep -q '^1\.\.[1-9]' "$work/words"
while IFS= read -r line; do
	case $line in
	ok*) pass "  ${line#ok * - }" ;;
	'not ok'*) fail "  ${line#not ok * - }" ;;
	'#'*) echo "$line" ;;
	esac
done <"$work/words"
finish
