#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# broken.sh [NAME]: the broken devices of broken/, or those with NAME in theirs.  Scripts
# for any device catch each at every kind of memory, and an engine that starts from
# nothing does, for the right reason: broken/expected.tsv says what is expected of them.
# Without FULL in the environment, each at one kind of memory, in turn.  Prints TAP.
# shellcheck disable=SC1091,SC2154
set -eu

. harness/test/tap.sh

broken=$PWD/build/test/run-broken
table=harness/test/broken/expected.tsv

# The rules that a run of scripts broke; `demand` where a > line was not met for no rule.
findings() {
	awk '
		function close_result() { if (failed && !rule) print "demand" }
		/^(not )?ok/ { close_result(); failed = /^not/; rule = 0 }
		/^# finding: / { rule = 1; sub(/:.*/, "", $3); print $3 }
		END { close_result() }' "$1" | sort -u
}

# by_scripts TARGET FINDINGS SCRIPT...
by_scripts() {
	name=$1 expected=$2
	shift 2
	run "$broken" run -t "$name" --strict --limits "$@"
	findings "$out" >"$work/met"
	grep -qE "^($expected)" "$work/met" && [ "$rc" = 1 ] && result=0 || result=1
	for script; do
		grep -q "^not ok [0-9]* - $script " "$out" || { result=1 && echo "$script passes" >"$err"; }
	done
	cp "$work/met" "$out"
	tap "$name: each of $# scripts, by $expected" "$result"
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

# kinds_of MEMORY: those at which it is caught.
kinds_of() {
	if [ -n "${FULL:-}" ]; then
		echo "$1"
	else
		# shellcheck disable=SC2086
		printf '%s\n' $1 | awk -v row="$row" '{ kinds[NR] = $1 } END { print kinds[row % NR + 1] }'
	fi
}

row=0
grep -v '^#' "$table" | grep -F -- "${1:-}" >"$work/table" || :
while IFS='	' read -r device findings memory programs scripts; do
	[ "$memory" != all ] || memory='purposes accessors plain'
	row=$((row + 1))
	for kind in $(kinds_of "$memory"); do
		# shellcheck disable=SC2046,SC2086
		by_scripts "broken-$device-$kind" "$findings" $(printf 'conformance/%s ' $scripts)
	done
	[ "$programs" = - ] || by_fuzzing "broken-$device-purposes" "$findings" "$programs"
done <"$work/table"

# None is left out.
"$broken" targets | sed -n 's/^broken-\(.*\)-plain:.*/\1/p' | sort >"$work/devices"
grep -v '^#' "$table" | cut -f 1 | sort >"$work/listed"
run diff "$work/devices" "$work/listed"
tap "expected.tsv has every device" "$rc"
tap_end
