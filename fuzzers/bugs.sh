#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Planted bugs: each fuzzers/bugs/NAME.patch puts one bug back into devices/.
# Its header says what and whence (Bug:, Origin:, Class:), which script must
# catch it (Script:, one or more paths) and, where one does, which rule (Rule:).
#
#   bugs.sh build NAME LINKED...   build build/bugs/NAME/vringer: the patched
#                                  files by $COMPILE, and the objects LINKED
#   bugs.sh table NAME...          does its script catch it?  for people
#   bugs.sh tap [NAME...]          the same, as TAP; of every patch
#
# Caught: `vringer run SCRIPT` exits 1 with the bug, 0 without it, and names
# the rule.  A build that fails is left for table and tap to tell.
set -eu

# The words of header line $2 of bug $1.
header() {
	sed -n "/^---/q; s/^$2:[[:space:]]*//p" "fuzzers/bugs/$1.patch"
}

build() {
	name=$1 dir=build/bugs/$1 patch=fuzzers/bugs/$1.patch
	shift
	rm -rf "$dir"
	mkdir -p "$dir"
	cp -R devices "$dir/devices"
	touch "$dir/built"
	exec >"$dir/log" 2>&1

	patch -d "$dir" -p1 --batch --forward <"$patch" || return 0
	# Only what is compiled anew here may differ from the objects linked.
	files=$(sed -n 's|^+++ [^/]*/\([^[:space:]]*\).*|\1|p' "$patch")
	objects=
	for file in $files; do
		case $file in
		devices/*/* | *.h) echo "$patch touches $file: only devices/*.c may be" && return 0 ;;
		devices/*.c) ;;
		*) echo "$patch touches $file: only devices/*.c may be" && return 0 ;;
		esac
		object=$dir/$(basename "$file" .c).o
		$COMPILE -iquote "$dir" -c -o "$object" "$dir/$file" || return 0
		objects="$objects $object"
	done
	# First come, first linked: the archive's own copies are then not wanted.
	# shellcheck disable=SC2086
	$COMPILE -o "$dir/vringer" $objects "$@" || return 0
}

# Set `verdict` to "caught", or to why it is not.
judge() {
	name=$1 dir=build/bugs/$1
	scripts=$(header "$name" Script)
	if [ ! -f "fuzzers/bugs/$name.patch" ]; then
		verdict="no fuzzers/bugs/$name.patch"
		return
	elif [ ! -x "$dir/vringer" ]; then
		verdict="does not apply or build: $dir/log"
		return
	elif [ -z "$scripts" ]; then
		verdict="its header names no Script:"
		return
	fi
	verdict=caught where=
	for script in $scripts; do
		log=$dir/$(basename "$script" .vr)
		rc=0
		timeout 60 build/obj/gcc/vringer run "$script" >"$log.without" 2>&1 || rc=$?
		[ "$rc" = 0 ] || { verdict="$script exits $rc without the bug: $log.without" && return; }
		timeout 60 "$dir/vringer" run "$script" >"$log.with" 2>&1 || rc=$?
		[ "$rc" = 1 ] || { verdict="$script exits $rc with the bug: $log.with" && return; }
		# The line of the script where it shows, as the runner says it.
		where=$(sed -n "s/^# \([^ :]*\.vr:[0-9]*\):.*/\1/p" "$log.with" | head -n 1)
		for rule in $(header "$name" Rule); do
			grep -qF -- "$rule" "$log.with" ||
				{ verdict="$script does not name $rule: $log.with" && return; }
		done
	done
}

table() {
	missed=0
	printf '%-30s %-22s %-22s %s\n' BUG CLASS 'RULE' 'RESULT'
	for bug; do
		judge "$bug"
		[ "$verdict" = caught ] || missed=$((missed + 1))
		rule=$(header "$bug" Rule)
		printf '%-30s %-22s %-22s %s\n' "$bug" "$(header "$bug" Class)" \
			"${rule:-(the script)}" "$verdict${where:+ at $where}"
	done
	echo "$# bugs, $(($# - missed)) caught"
	[ "$missed" = 0 ]
}

tap() {
	number=0 missed=0
	[ $# -gt 0 ] || set -- fuzzers/bugs/*.patch
	echo "1..$#"
	for bug; do
		bug=$(basename "$bug" .patch)
		number=$((number + 1))
		judge "$bug"
		if [ "$verdict" = caught ]; then
			echo "ok $number - $bug is caught"
		else
			missed=$((missed + 1))
			echo "not ok $number - $bug is caught"
			echo "# $verdict"
		fi
	done
	[ "$missed" = 0 ]
}

"$@"
