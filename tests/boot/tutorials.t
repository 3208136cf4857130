#!/bin/bash
# tutorials.t [NUMBER]: each part of the tutorial, or this one, from its own text: its commands in a fresh directory, and
# what it says that one sees.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=running.sh
. "$top/tests/boot/running.sh"
own_cache

text=$top/tests/boot/text.py
mkdir "$work/bin"
ln -s "$plyboot" "$work/bin/plyboot"

for part in "$top"/qemu/tutorial/[0-9]*.md; do
	name=$(basename "$part" .md)
	[ "${1:-${name%%-*}}" = "${name%%-*}" ] || continue
	mkdir "$work/$name" "$work/$name.said"
	python3 "$text" script "$part" "$work/$name.said" >"$work/$name.sh"
	status=0
	(cd "$work/$name" && PLYBOOT_TREE=$top PATH=$work/bin:$PATH timeout 300 bash "$work/$name.sh") \
		</dev/null >"$work/$name.log" 2>&1 || status=$?
	last=$(find "$work/$name.said" -type f -printf '%f\n' | sort -n | tail -n 1)
	if [ $status -eq 0 ]; then
		pass "$name: its commands work"
	else
		fail "$name: status $status in its block $last" "$work/$name.said/$last"
	fi
	python3 "$text" compare "$part" "$work/$name.said" >"$work/compared" || true
	check "$name: it says what one sees" grep -q '^1\.\.[1-9]' "$work/compared"
	while IFS= read -r line; do
		case $line in
		ok*) pass "  ${line#ok * - "$top"/qemu/tutorial/}" ;;
		'not ok'*) fail "  ${line#not ok * - "$top"/qemu/tutorial/}" ;;
		'#'*) echo "$line" ;;
		esac
	done <"$work/compared"
done
finish
