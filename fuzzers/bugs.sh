#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Planted bugs: each fuzzers/bugs/NAME.patch puts one bug back into devices/*.c,
# or into a header that only files of devices/ share (*_private.h).
# Its header says what the bug is and where it comes from (Bug:, Origin:,
# Class:) and which script must catch it (Script:, one or more paths). If they
# apply, it also names the rule (Rule:), the only kind of operation that reaches
# the bug (Family:), the device (Target:, by default net-loopback), and that nothing but a
# sanitizer sees it (Build: gcc; by default release, which is built and run in half the time).
#
#   bugs.sh check ENGINE SECONDS CRASH_SECONDS JOBS COLUMNS BUGS KNOWN   can that be?
#   bugs.sh flavours ENGINE COLUMNS       which builds of a bug the columns need
#   bugs.sh targets BUG...                and of which fuzz targets
#   bugs.sh build FLAVOUR NAME LINKED...  build/bugs/NAME/vringer (gcc), release, fuzz or
#                                         afl: the patched files by $COMPILE, with
#                                         the objects LINKED by $LINK and $LIBS
#   bugs.sh table ENGINE SECONDS CRASH_SECONDS JOBS COLUMNS BUG...
#   bugs.sh tap [BUG...]                  does its script catch it?  of every patch
#
# Columns: scripts (conformance/), corpus, seeds (fuzzing from both), nothing
# (fuzzing from no input at all), and crash-scripts ... crash-nothing, the same
# with the ledger off.  bugs_cell.sh fills one place of the table; the row
# unpatched-TARGET is the tree as it is.
#
# table: exit 1 if neither scripts nor corpus catch a bug, or if something is
# found in the unpatched tree. A build that fails is a row of the table.
set -eu

all_columns='scripts corpus seeds nothing crash-scripts crash-corpus crash-seeds crash-nothing'

fail() {
	echo "make bugs: $1" >&2
	exit 2
}

is_count() {
	case $1 in
	'' | *[!0-9]* | 0*) return 1 ;;
	esac
}

# The words of header line $2 of bug $1.
header() {
	sed -n "/^---/q; s/^$2:[[:space:]]*//p" "fuzzers/bugs/$1.patch"
}

# Which device a row is for.
target() {
	case $1 in
	unpatched-*) echo "${1#unpatched-}" ;;
	*)
		given=$(header "$1" Target)
		echo "${given:-net-loopback}"
		;;
	esac
}

# The columns that a list names, in the order of the table; 1 with the first
# word that is none.
columns() {
	list=" $(echo "$1" | tr , ' ') "
	for word in $list; do
		case " $all_columns all ledger crash " in
		*" $word "*) ;;
		*) echo "$word" && return 1 ;;
		esac
	done
	for column in $all_columns; do
		half=ledger
		[ "$column" = "${column#crash-}" ] || half=crash
		case $list in
		*" $column "* | *" $half "* | *" all "*) printf '%s ' "$column" ;;
		esac
	done
}

check() {
	engine=$1 seconds=$2 crash_seconds=$3 jobs=$4 wanted=$5 bugs=$6 known=$7
	case $engine in
	libfuzzer | afl) ;;
	*) fail "ENGINE=$engine is unknown; there are: libfuzzer, afl" ;;
	esac
	is_count "$seconds" || fail "SECONDS=$seconds is not a number of seconds above 0"
	is_count "$crash_seconds" ||
		fail "CRASH_SECONDS=$crash_seconds is not a number of seconds above 0"
	is_count "$jobs" || fail "JOBS=$jobs is not a number of processes above 0"
	is_count "${RUNS:-3}" || fail "RUNS=$RUNS is not a number of runs above 0"
	picked=$(columns "$wanted") ||
		fail "COLUMNS=$wanted: there is no '$picked'; there are: $all_columns; ledger, crash, all"
	[ -n "$picked" ] || fail "COLUMNS is empty"
	for bug in $bugs; do
		case " $known unpatched " in
		*" $bug "*) ;;
		*) fail "there is no fuzzers/bugs/$bug.patch" ;;
		esac
	done
	[ -n "$bugs" ] || fail "there is no planted bug"
}

flavours() {
	picked=$(columns "$2") || return 0
	case $picked in
	*scripts* | *corpus*) echo gcc ;;
	esac
	case $picked in
	*seeds* | *nothing*) if [ "$1" = afl ]; then echo afl; else echo fuzz; fi ;;
	esac
}

targets() {
	for bug; do
		if [ "$bug" = unpatched ]; then
			for patch in fuzzers/bugs/*.patch; do
				target "$(basename "$patch" .patch)"
			done
		else
			target "$bug"
		fi
	done | tr - _ | sort -u
}

# The objects of the files that the patch touches, in $objects; 1 where that
# cannot be, and what was printed says why.
compile() {
	patch=$1 work=$2 objects=
	key=$({ echo "$COMPILE" && cat "$patch" devices/*.[ch]; } | sha1sum)
	touched=$(sed -n 's|^+++ [^/]*/\([^[:space:]]*\).*|\1|p' "$patch") files=
	for file in $touched; do
		# Only what is compiled anew here may differ from the objects linked.
		case ${file#devices/} in
		"$file" | */*) among=0 ;;
		# Which files of devices/ share, and nobody else includes.
		*_private.h)
			among=1
			files="$files $(grep -lF "#include \"${file#devices/}\"" devices/*.c)"
			;;
		*.[!c] | *.??*) among=0 ;;
		*) among=1 files="$files $file" ;;
		esac
		[ "$among" = 1 ] ||
			{ echo "$patch touches $file: only devices/*.c and *_private.h may be" && return 1; }
	done
	files=$(echo "$files" | tr ' ' '\n' | sort -u)
	for file in $files; do
		objects="$objects $work/$(basename "$file" .c).o"
	done
	[ "$(cat "$work/key" 2>/dev/null)" != "$key" ] || return 0
	rm -rf "$work"
	mkdir -p "$work"
	cp -R devices "$work/devices"
	patch -d "$work" -p1 --batch --forward <"$patch" || return 1
	for file in $files; do
		$COMPILE -iquote "$work" -c -o "$work/$(basename "$file" .c).o" "$work/$file" || return 1
	done
	echo "$key" >"$work/key"
}

build() {
	flavour=$1 name=$2 dir=build/bugs/$2
	shift 2
	mkdir -p "$dir"
	case $flavour in
	gcc) program=$dir/vringer ;;
	release) program=$dir/release ;;
	*)
		program=$dir/$flavour
		set -- "build/obj/$flavour/fuzzers/fuzz_$(target "$name" | tr - _).o" "$@"
		;;
	esac
	rm -f "$program" "$dir/built-$flavour"
	# First come, first linked: the archive's own copies are then not wanted.
	# shellcheck disable=SC2086
	if compile "fuzzers/bugs/$name.patch" "$dir/$flavour.obj" &&
		$LINK -o "$program" $objects "$@" ${LIBS:-}; then
		touch "$dir/built-$flavour"
	fi >"$dir/$flavour.log" 2>&1
}

# Every place of the table, the cheap columns first; then the table.
table() {
	export ENGINE="$1" BOUND="$2" CRASH_BOUND="$3" LC_ALL=C
	jobs=$4 picked=$(columns "$5")
	shift 5
	rows='' places=build/bugs/places
	for row; do
		# Asked for alone, or first of all of them.
		case $row in
		unpatched) rows="$(targets unpatched | tr _ - | sed 's/^/unpatched-/') $rows" ;;
		*) rows="$rows $row" ;;
		esac
	done
	for column in $picked; do
		for row in $rows; do
			echo "$row $column $(target "$row")"
		done
	done >"$places"
	PLACES=$(wc -l <"$places")
	export PLACES
	: >build/bugs/progress
	xargs -P "$jobs" -L 1 fuzzers/bugs_cell.sh measure <"$places"
	while read -r row column _; do
		printf '%s\t%s\t' "$row" "$column"
		tail -n 1 "build/bugs/$row/results/$(fuzzers/bugs_cell.sh name "$column")"
	done <"$places" >build/bugs/table
	rc=0
	awk -v seconds="$BOUND" -f fuzzers/bugs_table.awk build/bugs/table || rc=$?
	awk -f fuzzers/bugs_time.awk build/bugs/table
	return "$rc"
}

# What passes on the tree as it is, of the scripts of those bugs: a line `TARGET SCRIPT` each.
# Of a target all at once, since to start takes longer than to run.
passing() {
	for bug; do
		bug=$(basename "$bug" .patch)
		device=$(target "$bug")
		for script in $(header "$bug" Script); do
			echo "$device $script"
		done
	done | sort -u >build/bugs/scripts
	cut -d ' ' -f 1 build/bugs/scripts | sort -u | while read -r device; do
		rc=0
		# shellcheck disable=SC2046
		timeout 600 build/obj/release/vringer run --json -t "$device" \
			$(sed -n "s/^$device //p" build/bugs/scripts) >build/bugs/results 2>&1 </dev/null || rc=$?
		[ "$rc" -le 1 ] || continue
		jq -r '.results | group_by(.file)[] | select(any(.result == "pass") and all(.result != "fail")) |
			.[0].file' build/bugs/results | sed "s/^/$device /"
	done
}

tap() {
	number=0 missed=0
	[ $# -gt 0 ] || set -- fuzzers/bugs/*.patch
	mkdir -p build/bugs
	passing "$@" >build/bugs/passing
	export PASSING=build/bugs/passing
	echo "1..$#"
	for bug; do
		bug=$(basename "$bug" .patch)
		number=$((number + 1))
		verdict=$(fuzzers/bugs_cell.sh judge "$bug")
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
