#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# The tree's own rules in .ci/lint: what they find, each seen in a small tree that is
# clean before.
# shellcheck disable=SC1091,SC2016,SC2154
set -u
. "${0%/*}/tap.sh"

ci=$PWD/.ci
cd "$work" || exit
mkdir -p devices harness/files harness/run harness/guest
cp -R "$ci" .ci
cat >.ci/arrows <<'END_ARROWS'
devices:
harness/files: devices
harness/guest: harness/files
harness/run: harness/guest
END_ARROWS
: >devices/device.h
printf '#include "devices/device.h"\n' >harness/files/input.h
printf '#include "harness/files/input.h"\n' >harness/guest/guest.h
printf '#include "devices/device.h"\n#include "guest.h"\n#include <stdio.h>\n' >harness/guest/guest.c
printf '#include "harness/guest/guest.h"\n#include "harness/files/input.h"\n' >harness/run/run.c

# readme FOLDER FILES MAY...
readme() {
	{
		printf '# %s/\n\nWhat it is.\n\n    %s    what they are\n\nBegin with one.\n\n' "$1" "$2"
		printf 'It may include %s.\n' "$3"
	} >"$1/README.md"
}
printf 'harness\n\nSee `files/input.h`.\n' >harness/README.md
readme harness/files 'input.*' '`devices/`'
readme harness/guest 'guest.*' '`devices/`, `files/`'
readme harness/run run.c '`devices/`, `files/`, `guest/`'

arrows() {
	find devices harness -name '*.[ch]' | sort | xargs awk -f .ci/arrows.awk .ci/arrows || return 1
}

# says NAME LINE COMMAND...: exit 1 and that line alone.
says() {
	name=$1 line=$2
	shift 2
	gives 1 "$name" "$@"
	[ "$(cat "$out")" = "$line" ]
	tap "$name: it says where and what" $?
}

gives 0 'includes that follow the arrows' arrows
gives 0 'READMEs that are true' .ci/readmes

printf '\n#include "harness/run/run.h"\n' >harness/guest/wrong.h
says 'an include against the arrows' \
	'harness/guest/wrong.h:2: harness/guest includes harness/run, which .ci/arrows does not allow' arrows
printf '#  include <harness/run/run.h>\n' >harness/guest/wrong.h
says 'one in angle brackets' \
	'harness/guest/wrong.h:1: harness/guest includes harness/run, which .ci/arrows does not allow' arrows
rm harness/guest/wrong.h
printf '#include "../harness/files/input.h"\n' >devices/wrong.c
says 'one by way of the folder above' \
	'devices/wrong.c:1: devices includes ../harness/files/input.h, expected a folder of .ci/arrows in front' arrows
printf '#include "harness/files/input.h"\n' >devices/wrong.c
says 'a device that includes the harness' \
	'devices/wrong.c:1: devices includes harness/files, which .ci/arrows does not allow' arrows
rm devices/wrong.c
mkdir harness/new
printf '\n' >harness/new/new.c
says 'a folder without a row' \
	'harness/new/new.c:1: harness/new has no row in .ci/arrows' arrows
says 'a folder without a README' 'harness/new: no README.md' .ci/readmes
rm -r harness/new

: >harness/run/more.c
says 'a source that is not in the list' 'harness/run/README.md: does not list more.c' .ci/readmes
rm harness/run/more.c
readme harness/run 'run.c gone.c' '`devices/`, `files/`, `guest/`'
says 'a file in the list that is not there' 'harness/run/README.md: lists gone.c, which is not there' .ci/readmes
readme harness/run run.c '`devices/`, `guest/`'
says 'other arrows than those of the table' \
	'harness/run/README.md: expected from .ci/arrows: It may include `devices/`, `files/`, `guest/`.' .ci/readmes
readme harness/run run.c '`devices/`, `files/`, `guest/`'
printf '\nSee `old.c`.\n' >>harness/README.md
says 'a file in backquotes that is not there' 'harness/README.md: names old.c, which is not there' .ci/readmes
printf 'See `files/input.h`.\n' >harness/README.md
yes '' | head -n 40 >>harness/run/README.md
says 'a README that is long' 'harness/run/README.md: 49 lines, expected at most 45' .ci/readmes

# switch_of LABEL
switch_of() {
	printf 'switch (x) {\ncase %s:\n\tbreak;\ndefault:\n\tbreak;\n}\n' "$1" >switch.c
}
switch_of KIND_ONE
says 'a switch over an enumeration with a default' \
	'switch.c:4: default in a switch over an enumeration, expected a case for each' awk -f .ci/switches.awk switch.c
for label in 1 "'a'" VIRTIO_MMIO_STATUS; do
	switch_of "$label"
	gives 0 "a switch over numbers: $label" awk -f .ci/switches.awk switch.c
done

tap_end
