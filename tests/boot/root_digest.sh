# shellcheck shell=sh
# shellcheck disable=SC2046,SC2154 # names are words; $bb is who sources this
# Sourced by the payload in a guest and by tests: one digest over all that is in the root that is the current directory:
# names, types, modes, owners, targets, contents, and the times of all but directories. Without what /init mounts.
root_digest() {
	{
		$bb find $(root_names) | $bb sort | $bb xargs "$bb" stat -c '%N %f %u:%g %t:%T'
		$bb find $(root_names) ! -type d | $bb sort | $bb xargs "$bb" stat -c '%n %Y'
		$bb find $(root_names) -type f | $bb sort | $bb xargs "$bb" sha256sum
	} | $bb sha256sum | $bb cut -d ' ' -f 1
}

root_names() {
	$bb ls -A | $bb grep -vxE 'dev|proc|sys|run'
}
