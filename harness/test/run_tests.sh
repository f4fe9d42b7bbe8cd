#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# run_tests.sh [WORD]: run every test suite, or those with WORD in their name.
# `make test` has built what they need.  One line for each suite, failures
# below it, logs in build/test-logs/; the last line is `N passed, N failed`.
#
# A suite is any command that prints TAP; tap.awk says what counts.
# shellcheck disable=SC1091
set -eu
. fuzzers/inputs.sh

word=${1:-}
logs=build/test-logs
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

suites() {
	# First what takes longest.
	suite "oss-fuzz build" harness/test/oss_fuzz.sh
	suite "planted bugs" "fuzzers/bugs.sh tap"
	suite "big-endian machine" harness/test/big_endian.sh
	suite "fuzz findings" harness/test/fuzz_findings.sh
	suite "tree" harness/test/tree.sh
	suite "examples" harness/test/examples.sh
	suite "foreign devices" harness/test/foreign.sh
	suite "zoo of legal devices" harness/test/zoo.sh
	suite "broken devices" harness/test/broken.sh
	suite "peers with bad luck" harness/test/peers.sh
	suite "both ends ours" harness/test/serve.sh
	suite "drivers that are not" harness/test/drivers.sh
	suite "what is said of foreign devices" harness/test/foreign_says.sh
	suite "a user fuzzes" harness/test/user_fuzz.sh
	for flavour in gcc clang; do
		obj=build/obj/$flavour
		for source in devices/test/test_*.c harness/test/test_*.c fuzzers/test/test_*.c; do
			[ ! -f "$source" ] || suite "$flavour ${source%.c}" "$obj/${source%.c}"
		done
		for script in devices/test/test_*.sh harness/test/test_*.sh; do
			[ ! -f "$script" ] || suite "$flavour ${script%.sh}" \
				"VRINGER=\"\$PWD/$obj/vringer\" BUILD=\"\$PWD/build\" FLAVOUR=$flavour $script"
		done
		for dir in $(script_dirs); do
			suite "$flavour run $dir" "$obj/vringer run $dir"
		done
	done
	# Every seed must complete a request: from others an engine gets
	# nowhere.  Those of parsers are replayed below.
	for dir in $(script_dirs); do
		[ ! -d "$dir/seeds" ] || suite "completes $dir/seeds" \
			"build/obj/gcc/vringer run --completes $dir/seeds"
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
	suite "fuzzing feedback" "harness/test/feedback.sh libfuzzer afl"
}

rm -rf "$logs"
mkdir -p "$logs"
suites | grep -F -- "$word" >"$logs/suites" || {
	echo "no test suite has '$word' in its name" >&2
	exit 2
}
# Without the lock of .ci/alone: a process that outlives its suite holds up nobody.
xargs -d '\n' -P "$(nproc)" -n 1 harness/test/suite.sh "$logs" <"$logs/suites" 9>&-

# A suite without a count did not run to its end: it counts as one failure.
cat "$logs"/*.counts | awk -v suites="$(wc -l <"$logs/suites")" '
	{ passed += $1; failed += $2 }
	END {
		failed += suites - NR
		print passed + 0 " passed, " failed + 0 " failed"
		exit failed || !passed
	}'
