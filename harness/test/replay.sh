#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# replay.sh BINARY DIR: run every file of DIR through a fuzz binary or standalone
# replayer in one process, as an engine would.  Prints TAP.
#
# replay.sh -v COUNT BINARY DIR: COUNT of the files, spread evenly, under valgrind.
set -eu

if [ "$1" != -v ]; then
	files=$(find "$2" -type f | wc -l)
	echo 1..1
	rc=0
	find "$2" -type f -print0 | sort -z | xargs -0 -r -n 100000 "$1" >&2 || rc=$?
	if [ "$files" -gt 0 ] && [ "$rc" = 0 ]; then
		echo "ok 1 - $files files of $2"
	else
		echo "not ok 1 - $files files of $2"
		echo "# exit $rc"
		exit 1
	fi
	exit
fi

count=$2 binary=$3
files=$(find "$4" -type f | sort | awk -v want="$count" '
	{ file[NR] = $0 }
	END {
		if (want > NR)
			want = NR
		for (i = 0; i < want; i++)
			print file[1 + int(i * NR / want)]
	}')
under_valgrind() {
	valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect \
		"$binary" "$@" >&2
}

# Names here have no blanks.  To start takes longer than to run: all in one process, and
# one by one only to say which of them it was.
# shellcheck disable=SC2086
set -- $files
echo 1..1
rc=0
[ $# -gt 0 ] && under_valgrind "$@" || rc=$?
if [ "$rc" = 0 ]; then
	echo "ok 1 - valgrind, $# files"
	exit
fi
echo "not ok 1 - valgrind, $# files"
echo "# exit $rc (99: valgrind's own findings)"
for file; do
	under_valgrind "$file" "$file" || echo "# exit $?: $file"
done
exit 1
