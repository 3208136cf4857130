#!/bin/bash
# The completion of bash: by its function, and by the Tab key of an interactive bash on a terminal.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

"$plyboot" help --bash >script
ok "the script has nothing for shellcheck to say" shellcheck script
# shellcheck source=/dev/null
. ./script

# Outside of a completion there is none; it says what would be asked of readline.
compopt() { asked="$asked $2"; }

# completes NAME WANTED WORD...: the last word is the one at the cursor
completes() {
	local name=$1 wanted=$2 COMP_WORDS COMP_CWORD COMPREPLY asked=
	shift 2
	COMP_WORDS=(plyboot "$@")
	COMP_CWORD=$#
	_plyboot
	is "$name" "${COMPREPLY[*]-}$asked" "$wanted"
}

verbs=$("$plyboot" help | sed -n 's/^  \([a-z]\{2,\}\) .*/\1/p' | grep -v '^plyboot$' | xargs)
completes "the verbs" "$verbs help --help --version" ""
completes "a verb" "verify" ver
completes "help VERB" "stack store status" help st
completes "help --man, --bash" "--man --bash" help --
for verb in $verbs; do
	options=$("$plyboot" help "$verb" | sed -n 's/^  \(--*[a-zA-Z][a-z-]*\).*/\1/p' | xargs)
	completes "$verb: every option" "$options --help" "$verb" -
done
completes "choices" "zstd gzip none as-is" pack --compress ""
completes "choices of --option=value in three words" "zstd" pack --compress = z
completes "... with nothing behind the sign" "zstd gzip none as-is" pack --compress =
completes "... in one word" "--compress=zstd" pack --compress=z
completes "a number is nobody's" "" pack --level ""
completes "a directory" " dirnames" pack --store ""
completes "a file" " default" boot --kernel ""
completes "a directory in front of a colon" " dirnames" run --share ""
completes "a report" " default" plot ""
completes "words of operands" "restore" upper rest
completes "a verb without operands" "" status ""
completes "an unknown verb" "" nosuch ""
touch mine.pub mine.key a.layer b.layer "with blank.layer"
completes "keys" "mine.pub filenames plusdirs default" verify --pub mi
completes "layers" "a.layer filenames plusdirs default" stack a
mkdir -p store/stacks other/stacks
touch store/stacks/demo-1.stack store/stacks/demo-2.stack other/stacks/else-7.stack
# shellcheck disable=SC2016 # a name that a shell would run
touch 'store/stacks/$(touch ran)-1.stack' 'store/stacks/`touch ran`-1.stack'
completes "stacks of the store" "demo-1 demo-2 default" verify demo
ok "  whose names are not run" test ! -e ran
completes "... of --store" "else-7 default" verify --store other e
completes "... of --store=" "else-7 default" verify --store = other e
PLYBOOT_STORE=other completes "... of PLYBOOT_STORE" "else-7 default" verify e

# The Tab key. What bash writes is its own line as it completes it.
cat >tab.py <<'PYTHON'
import os, pty, select, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.environ.update(TERM="dumb", PS1="$ ", INPUTRC="/dev/null", PATH=os.environ["PATH"])
    os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
def until(text):
    got, end = b"", time.time() + 20
    while text not in got and time.time() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            got += os.read(terminal, 65536)
    return got
until(b"$ ")
os.write(terminal, b"plyboot() { printf '<%s>' \"$@\"; }; . ./script; echo rea''dy\n")
until(b"ready")
for line in sys.argv[1:]:
    os.write(terminal, line.replace("TAB", "\t").encode() + b"; echo en''d\n")
    got = until(b"end").decode()
    print(got[got.find("\n<") + 1:].replace("end", "").splitlines()[0].strip() if "\n<" in got else "nothing")
os.write(terminal, b"exit\n")
PYTHON
tab() { # NAME WANTED LINE
	is "$1" "$(python3 tab.py "$3")" "$2"
}
tab "Tab: a verb" "<keygen>" "plyboot keTAB"
tab "Tab: an option and a choice" "<pack><--compress><zstd>" "plyboot pack --compTABzsTAB"
tab "Tab: --option=" "<pack><--compress=gzip>" "plyboot pack --compress=gTAB"
tab "Tab: a file with a blank in its name" "<stack><with blank.layer>" "plyboot stack wTAB"
tab "Tab: a directory" "<pack><--store><other/>" "plyboot pack --store oTAB"
rm store/stacks/demo-2.stack
tab "Tab: a stack" "<verify><demo-1>" "plyboot verify deTAB"
finish
