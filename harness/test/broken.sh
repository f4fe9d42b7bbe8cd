#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# broken.sh [NAME]: the broken devices of broken/, or those with NAME in theirs.  Scripts
# for any device catch each at every kind of memory, and an engine that starts from
# nothing does, for the right reason: broken/expected.tsv says what is expected of them.
# Prints TAP.
# shellcheck disable=SC1091,SC2154
set -eu

. harness/test/tap.sh

broken=$PWD/build/test/run-broken
table=harness/test/broken/expected.tsv
scripts=$work/scripts
grep -lrE --include='*.vr' '^device +any' conformance >"$scripts"
# Where few are enough, the others are not run, and those that are long come last.
few=$work/few short=$work/short
xargs grep -LE '^device .*budget=' <"$scripts" >"$short"
xargs grep -l '^send_request' <"$short" | head -n 8 >"$few"

# The rules that a run of scripts broke; `demand` where a > line was not met for no rule.
findings() {
	awk '
		function close_result() { if (failed && !rule) print "demand" }
		/^(not )?ok/ { close_result(); failed = /^not/; rule = 0 }
		/^# finding: / { rule = 1; sub(/:.*/, "", $3); print $3 }
		END { close_result() }' "$1" | sort -u
}

# caught TARGET FINDINGS LEAST LIST: whether so many of the listed scripts fail.
caught() {
	# shellcheck disable=SC2046
	run "$broken" run -t "$1" --strict --limits $(cat "$4")
	failing=$(sed -n 's/^not ok [0-9]* - //p' "$out" | sed 's/ .*//' | sort -u | wc -l)
	findings "$out" >"$work/met"
	cp "$work/met" "$out"
	[ "$rc" -le 1 ] && [ "$failing" -ge "$3" ] &&
		{ [ "$3" = 0 ] || grep -qE "^($2)" "$work/met"; }
}

# by_scripts TARGET FINDINGS LEAST
by_scripts() {
	result=0
	caught "$1" "$2" "$3" "$few" || caught "$1" "$2" "$3" "$short" ||
		caught "$1" "$2" "$3" "$scripts" || result=1
	tap "$1: $failing scripts, of $3 at least, by $2" "$result"
}

# fuzzed TARGET FINDINGS PROGRAMS SEED: whether they are met.
fuzzed() {
	run env VRINGER_TARGET="$1" ASAN_OPTIONS=detect_leaks=0 \
		"$broken" -runs="$3" -seed="$4" -artifact_prefix="$work/"
	case $2 in
	signal) grep -q 'deadly signal' "$err" ;;
	*ubsan*) grep -q 'runtime error' "$err" ;;
	*) grep -qE "^finding: ($2)" "$err" ;;
	esac
}

# by_fuzzing TARGET FINDINGS PROGRAMS: one of three tries does.
by_fuzzing() {
	result=1
	for seed in 1 2 3; do
		! fuzzed "$1" "$2" "$3" "$seed" || { result=0 && break; }
	done
	grep '^finding' "$err" >"$out" || :
	tap "$1: within $3 programs, by $2" "$result"
}

grep -v '^#' "$table" | grep -F -- "${1:-}" >"$work/table" || :
while IFS='	' read -r name expected least programs; do
	for memory in purposes accessors plain; do
		by_scripts "broken-$name-$memory" "$expected" "${least%%/*}"
		least=${least#*/}
	done
	[ "$programs" = - ] || by_fuzzing "broken-$name-purposes" "$expected" "$programs"
done <"$work/table"

# None is left out.
"$broken" targets | sed -n 's/^broken-\(.*\)-plain:.*/\1/p' | sort >"$work/devices"
grep -v '^#' "$table" | cut -f 1 | sort >"$work/listed"
run diff "$work/devices" "$work/listed"
tap "expected.tsv has every device" "$rc"
tap_end
