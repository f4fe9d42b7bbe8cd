#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# run_tests.sh [WORD]: run every test suite, or those with WORD in their name.
# `make test` has built what they need.  One line for each suite, failures
# below it, logs in build/test-logs/; at the end what failed once more, a line
# `failed: SUITE: TEST` each, and the last line is `N passed, N failed`.
#
# With FULL in the environment each suite runs with all that there is for it.  Without, what
# costs minutes and has a cheaper stand-in is left to that (harness/README.md lists it); suites
# read FULL themselves where they take a part of something.
#
# A suite is any command that prints TAP; tap.awk says what counts.
# shellcheck disable=SC1091
set -eu
. fuzzers/inputs.sh

word=${1:-}
logs=build/test-logs
full=${FULL:-}
# For any device, with more requests than a ring has indices: as dear as all others together.
long_sessions='^device +any .*budget=([6-9][0-9]|[0-9]{3,})'
# A test should not depend on who runs it.
unset MAKEFLAGS MFLAGS MAKELEVEL
export LC_ALL=C CMOCKA_MESSAGE_OUTPUT=TAP
export ASAN_OPTIONS="detect_leaks=1:${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}"

suite() {
	printf '%s\t%s\n' "$1" "$2"
}

# Folders of scripts that `vringer run` is for: those of parsers hold other input.
script_dirs() {
	echo conformance
	for dir in corpus/*/; do
		dir=${dir%/}
		# Those start programs that are not ours: `make peers` runs them.
		[ "$dir" != corpus/peers ] || continue
		is_parser "${dir#corpus/}" || echo "$dir"
	done
}

# suite_of_command FLAVOUR SCRIPT: of the command as that compiler made it.
suite_of_command() {
	suite "$1 ${2%.sh}" "VRINGER=\"\$PWD/build/obj/$1/vringer\" BUILD=\"\$PWD/build\" FLAVOUR=$1 $2"
}

# unit_is_tested FLAVOUR SOURCE: whether a unit test runs as that compiler made it.  To minimise
# takes thousands of runs of the same code.
unit_is_tested() {
	case $1:$2 in
	clang:*/test_minimize*) [ -n "$full" ] ;;
	*) [ -f "$2" ] ;;
	esac
}

# command_is_tested FLAVOUR SCRIPT: whether a shell test runs with that compiler's command.
command_is_tested() {
	[ -f "$2" ] || return 1
	case $2 in */test_transport_same.sh) return 1 ;; esac # above
	[ "$1" = clang ] || return 0
	[ -n "$full" ] || return 1
	# Those about scripts, tables and tools of the tree ask little of the command, and nothing
	# that depends on who compiled it.
	case $2 in
	*/test_bugs.sh | */test_cells.sh | */test_citations.sh | */test_lint.sh | */test_soundness.sh) return 1 ;;
	esac
}

# Every script of conformance/: for any device and on both kinds of ring with each compiler's
# sanitizers.  Or each kind with one of them, on packed ones for one queue and request of each
# device, and the long sessions on every device without sanitizers, on one with.
conformance() {
	if [ -n "$full" ]; then
		for flavour in gcc clang; do
			suite "$flavour run conformance" "build/obj/$flavour/vringer run conformance"
		done
		return
	fi
	suite "gcc run conformance" "build/obj/gcc/vringer run --split \$(cat $logs/scripts)"
	suite "clang run conformance" "build/obj/clang/vringer run --packed --brief \$(cat $logs/scripts)"
	suite "release run long sessions" "build/obj/release/vringer run --split \$(cat $logs/long)"
	suite "gcc run long sessions" "build/obj/gcc/vringer run -t net-loopback \$(cat $logs/long)"
	suite "clang run long sessions" "build/obj/clang/vringer run -t balloon \$(cat $logs/long)"
}

suites() {
	# First what takes longest (build/test-logs/times).
	[ -z "$full" ] || suite "oss-fuzz build" harness/test/oss_fuzz.sh
	conformance
	suite "big-endian machine" harness/test/big_endian.sh
	suite "planted bugs" "fuzzers/bugs.sh tap"
	suite_of_command gcc harness/test/test_transport_same.sh
	[ -z "$full" ] || suite_of_command clang harness/test/test_transport_same.sh
	suite "fuzz findings" harness/test/fuzz_findings.sh
	suite "fuzz campaigns" harness/test/campaign.sh
	suite "fuzzing feedback" "harness/test/feedback.sh libfuzzer afl"
	suite "results of fuzzing" harness/test/page.sh
	suite "page of a run" harness/test/report_html.sh
	suite "tree" harness/test/tree.sh
	suite "coverage sets" harness/test/corpus.sh
	suite "examples" harness/test/examples.sh
	suite "foreign devices" harness/test/foreign.sh
	suite "zoo of legal devices" harness/test/zoo.sh
	suite "broken devices" harness/test/broken.sh
	suite "peers with bad luck" harness/test/peers.sh
	suite "both ends ours" harness/test/serve.sh
	suite "drivers that are not" harness/test/drivers.sh
	suite "what is said of foreign devices" harness/test/foreign_says.sh
	suite "a user fuzzes" harness/test/user_fuzz.sh
	suite "what live fuzzing counts" harness/test/live.sh
	for flavour in gcc clang; do
		obj=build/obj/$flavour
		for source in devices/test/test_*.c harness/test/test_*.c fuzzers/test/test_*.c; do
			! unit_is_tested "$flavour" "$source" || suite "$flavour ${source%.c}" "$obj/${source%.c}"
		done
		for script in devices/test/test_*.sh harness/test/test_*.sh; do
			! command_is_tested "$flavour" "$script" || suite_of_command "$flavour" "$script"
		done
		for dir in $(script_dirs); do
			[ "$dir" = conformance ] || suite "$flavour run $dir" "$obj/vringer run $dir"
		done
	done
	# Every seed must complete a request: from others an engine gets
	# nowhere.  Sanitizers have seen them run above.  Those of parsers are replayed below.
	for dir in $(script_dirs); do
		[ ! -d "$dir/seeds" ] || suite "completes $dir/seeds" \
			"build/obj/release/vringer run --completes $dir/seeds"
	done
	for source in fuzzers/fuzz_*.c; do
		target=$(basename "$source" .c)
		target=${target#fuzz_}
		seeds=build/seeds/$target
		suite "gcc replay $target" "harness/test/replay.sh build/replay/fuzz_$target $seeds"
		suite "clang replay $target" "harness/test/replay.sh build/fuzz/fuzz_$target $seeds"
		suite "valgrind replay $target" \
			"harness/test/replay.sh -v 10 build/replay-release/fuzz_$target $seeds"
	done
}

rm -rf "$logs"
mkdir -p "$logs"
touch "$logs/times" "$logs/failed"
grep -lrE --include='*.vr' "$long_sessions" conformance | sort >"$logs/long"
find conformance -name '*.vr' | sort | comm -23 - "$logs/long" >"$logs/scripts"
suites | grep -F -- "$word" >"$logs/suites" || {
	echo "no test suite has '$word' in its name" >&2
	exit 2
}
# Two more at once than there are processors: some suites wait.  Without the lock of
# .ci/alone: a process that outlives its suite holds up nobody.
xargs -d '\n' -P "$(($(nproc) + 2))" -n 1 harness/test/suite.sh "$logs" <"$logs/suites" 9>&- ||
	echo 'a suite was killed: what was to come after it did not run'

# What failed, where it is seen.  A suite without a time did not run to its end.
cut -f 1 "$logs/suites" | sort >"$logs/names"
cut -d ' ' -f 3- "$logs/times" | sort | comm -23 "$logs/names" - | sed 's/.*/failed: &: did not run to its end/' >>"$logs/failed"
cat "$logs/failed"

# A suite without a count did not run to its end: it counts as one failure.
find "$logs" -name '*.counts' -exec cat {} + | awk -v suites="$(wc -l <"$logs/suites")" '
	{ passed += $1; failed += $2 }
	END {
		failed += suites - NR
		print passed + 0 " passed, " failed + 0 " failed"
		exit failed || !passed
	}'
