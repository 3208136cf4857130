#!/bin/bash
# Where the sources of the libraries come from: SOURCES=, which asks nobody; the cache; apt. The tarballs and apt are
# made up here, so that nothing is fetched or compiled: where all is well, it is musl's bogus tarball that fails.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
unset SOURCES REFRESH
export PLYBOOT_CACHE=$work/cache
arch=$(uname -m)
kept=$PLYBOOT_CACHE/deps/sources

mkdir archive dir bin
cp -r "$top/layers/deps" deps
echo "# what is pinned" >deps/sources

# A revision of a package, in the archive that our apt serves. Upstream's tarball is the same for all of them.
publish() { # NAME VERSION
	local revision=${2#*:} file
	echo "upstream $1" >"archive/$1_${revision%-*}.orig.tar.gz"
	echo "patches of $1 $2" >"archive/$1_$revision.debian.tar.xz"
	{
		printf 'Version: %s\nChecksums-Sha256:\n' "$2"
		for file in "$1_${revision%-*}.orig.tar.gz" "$1_$revision.debian.tar.xz"; do
			echo " $(sha256sum <"archive/$file" | cut -d' ' -f1) $(stat -c %s "archive/$file") $file"
		done
		echo "Files:"
	} >"archive/$1_$revision.dsc"
	echo "$2" >>"archive/$1.versions"
}

rows() { # NAME VERSION
	local revision=${2#*:} file
	for file in "$1_${revision%-*}.orig.tar.gz" "$1_$revision.debian.tar.xz"; do
		printf '%-12s %-17s %-44s %s\n' "$1" "$2" "$file" "$(sha256sum <"archive/$file" | cut -d' ' -f1)"
	done
}

publish musl 1.0-1
publish zlib 1:2.0.dfsg-1
{ rows musl 1.0-1; rows zlib 1:2.0.dfsg-1; } >>deps/sources
cp deps/sources pinned
zlib_sum=$(sha256sum <archive/zlib_2.0.dfsg-1.debian.tar.xz | cut -d' ' -f1)

cat >bin/apt-config <<'END2'
#!/bin/sh
echo "LIST='/dev/null' PARTS='/nowhere'"
END2
cat >bin/apt-cache <<END2
#!/bin/sh
for name; do :; done # the last word
sed 's/^/Version: /' "$PWD/archive/\$name.versions"
END2
cat >bin/apt-get <<END2
#!/bin/sh
echo "\$*" >>"$PWD/asked"
for word; do :; done
case \$word in
*=*)
	name=\${word%%=*} version=\${word#*=}
	cp "$PWD/archive/\${name}_"*.orig.tar.gz "$PWD/archive/\${name}_\${version#*:}".* .
	;;
esac
END2
chmod +x bin/*
PATH=$PWD/bin:$PATH

# run STATUS NAME COMMAND...: it must end with that status
run() {
	local wanted=$1 name=$2 status=0
	shift 2
	"$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
	if [ "$status" -eq "$wanted" ]; then pass "$name"; else fail "$name ($status)" "$work/err"; fi
}
build() { "$PWD/deps/build" "$arch"; }
fetch() { deps/fetch "$@"; }
built() { find "$PLYBOOT_CACHE/deps" -maxdepth 1 -name "*$arch-*"; }

# --- SOURCES
export SOURCES=dir
cp archive/*.tar.* dir/
rm dir/zlib_2.0.dfsg-1.debian.tar.xz
run 1 "a file is missing in SOURCES" build
has "... which" "$work/err" "^deps: missing: $PWD/dir/zlib_2.0.dfsg-1.debian.tar.xz  \(of zlib 1:2.0.dfsg-1\)\$"
has "... the digest that it must have" "$work/err" "^  expected SHA-256 $zlib_sum\$"
has "... how many" "$work/err" '^deps: 1 of 4 files '
has "... what to do" "$work/err" '^  what to do: .*make sources SOURCES=dir'
echo other >dir/musl_1.0.orig.tar.gz
run 1 "another one has the wrong bytes" build
has "... which" "$work/err" "^deps: wrong: $PWD/dir/musl_1.0.orig.tar.gz  \(of musl 1.0-1\)\$"
has "... the digest that it must have" "$work/err" "^  expected SHA-256 $(sha256sum <archive/musl_1.0.orig.tar.gz | cut -d' ' -f1)\$"
has "... the one that it has" "$work/err" "^  got              $(sha256sum <dir/musl_1.0.orig.tar.gz | cut -d' ' -f1)\$"
has "... and the missing one as well" "$work/err" '^deps: missing: .*zlib'
has "... how many" "$work/err" '^deps: 2 of 4 files '
is "nothing was begun" "$(built)" ""
SOURCES=nowhere run 1 "no such directory" build
has "... which" "$work/err" '^deps: SOURCES: no directory nowhere$'
REFRESH=1 run 1 "SOURCES and REFRESH" build
has "... what to do instead" "$work/err" 'make sources REFRESH=1 SOURCES=dir'
mkdir few
for program in bash sh cat cut dirname gcc as mkdir sed sha256sum uname; do ln -s "$(type -P $program)" few/; done
PATH=$PWD/few run 1 "a program is missing" build
has "... which" "$work/err" '^deps: the program [a-z0-9-]+ is missing'
cp archive/*.tar.* dir/
run 1 "all files are there: the build begins" build
has "... with musl" "$work/err" '^deps: musl failed'
is "... and leaves nothing" "$(built)" ""
ok "apt was never asked" [ ! -e asked ]

# --- apt
unset SOURCES
run 0 "an empty directory is filled" fetch deps/sources new/dir
is "... by apt, with what is pinned" "$(grep -c -- '--only-source' asked) $(cd new/dir && sha256sum -- * | awk '{ print $2, $1 }')" \
	"2 $(grep -v '#' pinned | awk '{ print $3, $4 }' | sort)"
rm asked
echo other >new/dir/musl_1.0.orig.tar.gz
run 0 "a wrong file" fetch deps/sources new/dir
has "... is replaced, and that is said" "$work/err" 'replacing .*/new/dir/musl_1.0.orig.tar.gz'
ok "... by the right one" cmp new/dir/musl_1.0.orig.tar.gz archive/musl_1.0.orig.tar.gz
ok "... from the cache" [ ! -e asked ]
run 1 "no directory" fetch deps/sources ""
has "... how it is called" "$work/err" 'make sources SOURCES=dir'

rm -r "$kept" new
echo other >archive/zlib_2.0.dfsg.orig.tar.gz
run 1 "apt fetches other bytes than those that are pinned" fetch deps/sources new
has "... refused" "$work/err" '^sources: wrong SHA-256: zlib_2.0.dfsg.orig.tar.gz as apt fetched it$'
publish zlib 1:2.0.dfsg-1

# --- a newer revision
rm -r "$kept" asked
publish zlib 1:2.0.dfsg-1+deb12u1
publish zlib 1:2.1.dfsg-1
run 0 "there is a newer revision: what is pinned is taken" fetch deps/sources new
ok "... and not the newer one" [ ! -e "new/zlib_2.0.dfsg-1+deb12u1.debian.tar.xz" ]
run 0 "--newest takes it" fetch --newest deps/sources newest
ok "... with its patches" cmp "newest/zlib_2.0.dfsg-1+deb12u1.debian.tar.xz" "archive/zlib_2.0.dfsg-1+deb12u1.debian.tar.xz"
is "... and the list says so, of the same upstream version" "$(cat deps/sources)" \
	"$(head -n 3 pinned; rows zlib 1:2.0.dfsg-1+deb12u1)"
cp pinned deps/sources
REFRESH=1 run 1 "REFRESH" build
is "... changes the list" "$(cat deps/sources)" "$(head -n 3 pinned; rows zlib 1:2.0.dfsg-1+deb12u1)"

# --- the revision that is pinned is gone
cp pinned deps/sources
rm -r "$kept" new
printf '%s\n' 1:2.0.dfsg-1+deb12u1 1:2.0.dfsg-1+deb12u2~1 >archive/zlib.versions
publish zlib 1:2.0.dfsg-1+deb12u2
run 3 "what is pinned is gone" fetch deps/sources new
has "... what, and what there is" "$work/err" \
	"^sources: zlib 1:2.0.dfsg-1 is pinned; Debian's archive has 1:2.0.dfsg-1\+deb12u2 instead\$"
run 1 "a build without SOURCES goes on" build
has "... and says with what" "$work/err" "^deps: zlib 1:2.0.dfsg-1 is pinned; Debian's archive has 1:2.0.dfsg-1\+deb12u2 instead\$"
has "... and what that means" "$work/err" '^deps: taking that: .*make REFRESH=1'
has "... to the end" "$work/err" '^deps: musl failed'
ok "... but the list stays" cmp deps/sources pinned
echo 1:2.0.dfsg-0 >archive/zlib.versions
rm -r "$kept"
run 1 "there are only older ones" fetch deps/sources new
has "... not taken" "$work/err" "only 1:2.0.dfsg-0, which is older: its sources must have Debian's security updates\$"
: >archive/zlib.versions
run 1 "there is none" fetch deps/sources new
has "... which" "$work/err" '^sources: apt knows no zlib 2.0.dfsg;'
ln -s "$(type -P flock)" "$(type -P realpath)" "$(type -P uniq)" few/
PATH=$PWD/few run 1 "no apt" fetch deps/sources new
has "... said" "$work/err" '^sources: no apt-get here: .*README.md$'
finish
