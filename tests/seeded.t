#!/bin/bash
# tests/seeded takes a result that it has kept only for the same program in the same surroundings, and keeps no other
# than "caught". In a copy of what it reads, with bugs and a cache of its own; needs `make coverage-binaries`.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/plyboot-seeded.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
export PLYBOOT_CACHE=$work/cache
unset SEEDED_FRESH

tree=$work/tree
object=build/coverage/obj/tests/unit/layers/test_digest.o
mkdir -p "$tree/tests/data" "$tree/${object%/*}"
cp -R "$top/layers" "$tree/"
cp -R "$top/tests/unit" "$top/tests/seeded" "$tree/tests/"
cp "$top"/build/coverage/lib{layers,qemu}.a "$tree/build/coverage/"
cd "$tree"
echo one >tests/data/file

# compile_test: as the tree's own is, but for the counts
compile_test() {
	gcc -std=c11 -D_GNU_SOURCE -w -O0 -iquote layers -iquote tests/unit -iquote . -c -o $object tests/unit/layers/test_digest.c
}
compile_test

bugs() { # SEARCH REPLACEMENT
	printf '%s\n' "bug: digests are compared otherwise" "file: layers/digest.c" "tests: layers/test_digest" \
		"- return memcmp(a->bytes, b->bytes, DIGEST_BYTES) == 0;" "+ $1" >tests/seeded.bugs
}
caught='return memcmp(a->bytes, b->bytes, DIGEST_BYTES - 1) == 0;'
bugs "$caught"

count=0
failed=0
# says NAME STATUS EXPRESSION: the next run ends so, and says that
says() {
	local status=0 good='not '
	tests/seeded >"$work/log" 2>&1 || status=$?
	if [ $status -eq "$2" ] && grep -qE "$3" "$work/log"; then good=; else failed=$((failed + 1)); fi
	count=$((count + 1))
	echo "${good}ok $count - $1"
	[ -z "$good" ] || sed 's/^/# /' "$work/log"
}
anew() { says "$1" 0 '^# 0 of 1 were caught before'; }
reused() { says "$1" 0 '^# 1 of 1 were caught before'; }

anew "the first time it is run"
reused "the second time it is not"
SEEDED_FRESH=1 anew "unless that is asked for"

cp layers/digest.h "$work/digest.h"
# shellcheck disable=SC2016 # C
echo 'static const char changed[] __attribute__((used)) = "a";' >>layers/digest.h
anew "a header with more in it: run again"
reused "  and kept"
sed -i '$s/"a"/"b"/' layers/digest.h
anew "one byte of the header is another: run again"
cp "$work/digest.h" layers/digest.h
reused "the header as it was: what was kept for it holds"
echo '/* a word */' >>layers/digest.h
reused "a comment changes no byte of the program"

sed -i '0,/ok(/s/ok(/ok(1 + /' tests/unit/layers/test_digest.c
compile_test
anew "one expression of the test is another: run again"
reused "  and kept"

echo two >tests/data/file
anew "one file that tests read is another: run again"
echo '# a line' >>tests/seeded
anew "so it is by another tests/seeded"
find "$PLYBOOT_CACHE" -type f -exec touch -d '8 days ago' {} +
anew "what was caught eight days ago does not count"
reused "  and is made anew"

bugs "return memcmp(b->bytes, a->bytes, DIGEST_BYTES) == 0;"
says "a bug that no test catches" 1 'NOT caught by layers/test_digest'
says "  is not caught the next time either" 1 'NOT caught by layers/test_digest'
bugs "abort();"
anew "a test that dies without a word has caught it"
anew "  but that is not kept"
echo "1..$count"
[ $failed -eq 0 ]
