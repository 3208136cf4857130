#!/bin/bash
# qemu/examples as they are: the Makefile, and each `run:` of the workflow as its runner would start it.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=running.sh
. "$top/tests/boot/running.sh"
own_cache

# A tree with just the command: no step may need more of it.
mkdir -p "$work/tree/build" "$work/out"
ln -s "$plyboot" "$work/tree/build/plyboot"
examples=$work/examples
cp -R "$top/qemu/examples" "$examples"

status=0
PATH=$work/tree/build:$PATH timeout 200 make -C "$examples" --no-print-directory check >"$work/make.log" 2>"$work/errors.log" </dev/null || status=$?
cat "$work/errors.log" >>"$work/make.log"
if [ $status -eq 0 ]; then pass "make check"; else fail "make check: status $status" "$work/make.log"; fi
check "  all cases are in its TAP" grep -qx "1\.\.$(grep -c '^case ' "$examples/cases")" "$work/make.log"
check "  and pass" test "$(grep -c '^ok ' "$work/make.log")" -eq "$(grep -c '^case ' "$examples/cases")"

# The program forgets that a disk can be full: what the cases are there for.
sed -i 's/if (fclose(out) != 0 || !written)/if (fclose(out) != 0 \&\& !written \&\& argc == 0)/' "$examples/words.c"
status=0
PATH=$work/tree/build:$PATH timeout 200 make -C "$examples" --no-print-directory check >"$work/make.log" 2>&1 </dev/null || status=$?
check "with a bug in the program it fails" test $status -ne 0
check "  in the case that is about it" grep -q '^not ok 3 - a full disk is an error' "$work/make.log"
cp "$top/qemu/examples/words.c" "$examples/words.c"

# What is no shell's, such as checkout, is not run.
cat >"$work/steps.py" <<'EOF2'
import sys
import yaml
flow = yaml.safe_load(open(sys.argv[1], encoding="utf-8"))
number = 0
for job in flow["jobs"].values():
    for step in job["steps"]:
        if "run" in step:
            number += 1
            with open(f"{sys.argv[2]}/{number}", "w", encoding="utf-8") as file:
                file.write(step["run"])
print(number)
EOF2
steps=$(/usr/bin/python3 "$work/steps.py" "$examples/ci.yml" "$work/out")
check "the workflow has three steps for a shell" test "$steps" -eq 3
path=$PATH
: >"$work/github-path"
for number in $(seq "$steps"); do
	while IFS= read -r line; do path=$line:$path; done <"$work/github-path"
	: >"$work/github-path"
	status=0
	(cd "$examples" && PATH=$path PLYBOOT=$work/tree GITHUB_PATH=$work/github-path timeout 200 \
		bash --noprofile --norc -eo pipefail "$work/out/$number") >"$work/step.log" 2>&1 </dev/null || status=$?
	if [ $status -eq 0 ]; then pass "step $number"; else fail "step $number: status $status" "$work/step.log"; fi
done
check "the last one has run all cases" test "$(grep -c '^ok ' "$work/step.log")" -eq "$(grep -c '^case ' "$examples/cases")"
finish
