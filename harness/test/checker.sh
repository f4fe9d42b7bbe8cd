# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=sh disable=SC2154
#
# For tests of the checkers that lint runs over files, behind tap.sh: $checker is the command.

# complains NAME FILE TEXT WHAT: of that text in FILE it says WHAT, and nothing else.
complains() {
	printf '%b' "$3" >"$work/$2"
	gives 1 "$1" "$checker" "$work/$2"
	[ "$(cat "$out")" = "$work/$2:$4" ]
	tap "$1: it says so, and no more" $?
}

# accepts NAME FILE TEXT
accepts() {
	printf '%b' "$3" >"$work/$2"
	gives 0 "$1" "$checker" "$work/$2"
}
