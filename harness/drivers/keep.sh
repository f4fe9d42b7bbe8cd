#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# keep.sh FILE.vr [N]: the beginning of a recording, up to its Nth used entry (40), on
# standard output: a script to be kept under corpus/DEVICE/recorded/.
#
# A part of a program is a program, and its used entries stay where they were.  What is
# cut is said in the comment that it begins with.
set -eu

[ -f "${1:-}" ] || {
	echo "usage: keep.sh FILE.vr [N]" >&2
	exit 2
}
awk -v max="${2:-40}" '
	/^# See what it does:/ { comment = NR }
	{ line[NR] = $0 }
	/^> used / && ++used == max { last = NR }
	END {
		if (last == 0) last = NR
		for (i = 1; i <= last; i++) {
			if (i == comment && last < NR)
				print "# Cut behind its first " max " used entries."
			print line[i]
		}
	}' "$1"
