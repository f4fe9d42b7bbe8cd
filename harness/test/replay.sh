#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# replay.sh BINARY DIR: run every file of DIR through a fuzz binary or standalone
# replayer in one process, as an engine would.  Prints TAP.
#
# replay.sh -v COUNT BINARY DIR: COUNT of the files, spread evenly, each under
# valgrind.
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
number=0 failed=0
for file in $files; do
	number=$((number + 1))
	rc=0
	valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect \
		"$binary" "$file" >&2 || rc=$?
	if [ "$rc" = 0 ]; then
		echo "ok $number - valgrind $file"
	else
		failed=$((failed + 1))
		echo "not ok $number - valgrind $file"
		echo "# exit $rc (99: valgrind's own findings)"
	fi
done
echo "1..$number"
[ "$failed" = 0 ] && [ "$number" -gt 0 ]
