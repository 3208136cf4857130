#!/bin/bash
# How `boot` is called; what it does is tested in tests/boot.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

touch kernel initrd
truncate -s 1M disk
refuses "no kernel given" 2 USAGE "$plyboot" boot --initrd initrd --image disk
refuses "a kernel that is not there" 3 MISSING "$plyboot" boot --kernel no --initrd initrd --image disk
refuses "an initrd that is not there" 3 MISSING "$plyboot" boot --kernel kernel --initrd no --image disk
refuses "an image that is not there" 3 MISSING "$plyboot" boot --kernel kernel --initrd initrd --image no
refuses "a disk that is not there" 3 MISSING "$plyboot" boot --kernel kernel --initrd initrd --image disk --disk no
refuses "an architecture that is not in the table" 2 USAGE \
	"$plyboot" boot --arch vax --kernel kernel --initrd initrd --image disk
refuses "--nonce alone" 2 USAGE "$plyboot" boot --nonce x --kernel kernel --initrd initrd --image disk
refuses "a nonce of two words" 2 USAGE \
	"$plyboot" boot --expect-verdict --nonce 'x y' --kernel kernel --initrd initrd --image disk
refuses "--forward without --network" 2 USAGE \
	"$plyboot" boot --forward tcp::1-:1 --kernel kernel --initrd initrd --image disk
refuses "no memory" 2 USAGE "$plyboot" boot --memory 0 --kernel kernel --initrd initrd --image disk
finish
